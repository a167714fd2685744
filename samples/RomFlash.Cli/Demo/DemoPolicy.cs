using RomFlash.Sdk.Pipeline;

namespace RomFlash.Cli.Demo;

/// <summary>What the demo allows. Nobody watches a machine for three quarters of an hour that will not come back: the demo gives up sooner.</summary>
internal static class DemoPolicy
{
    public static FlashPolicy Default { get; } = FlashPolicy.Default with
    {
        Deadlines = FlashPolicy.Default.Deadlines with { Return = TimeSpan.FromMinutes(10), Settle = TimeSpan.FromMinutes(2) },
    };

    public static FlashPolicy DryRun { get; } = Default with { DryRun = true };
}
