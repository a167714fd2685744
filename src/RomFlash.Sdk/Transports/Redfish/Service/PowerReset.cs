using System.Collections.Immutable;
using System.Text;

namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>Ways to restart a system (DSP2046, Resource, ResetType).</summary>
internal static class PowerReset
{
    /// <summary>Chooses a way.</summary>
    /// <param name="types">What the service allows.</param>
    /// <param name="powerState">The system's power state, or null.</param>
    /// <param name="force">Whether programs that object are ended.</param>
    /// <returns>The reset type, or null when none will do.</returns>
    public static string? Choose(ImmutableArray<string> types, string? powerState, bool force)
    {
        // One that is off flashes when it is switched on; there is nobody to shut down.
        if (powerState == "Off")
        {
            return First("On", "ForceOn");
        }

        return force ? First("ForceRestart", "PowerCycle", "FullPowerCycle") : First("GracefulRestart", "PowerCycleGraceful");

        string? First(params ReadOnlySpan<string> wanted)
        {
            foreach (var type in wanted)
            {
                if (types.Contains(type))
                {
                    return type;
                }
            }

            return null;
        }
    }

    public static ReadOnlyMemory<byte> BodyOf(string type) => Encoding.ASCII.GetBytes($$"""{"ResetType":"{{type}}"}""");
}
