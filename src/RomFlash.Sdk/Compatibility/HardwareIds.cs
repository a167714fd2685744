using System.Collections.Immutable;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>The computer hardware ids of a target.</summary>
internal static class HardwareIds
{
    /// <summary>Those that the target tells.</summary>
    public static ImmutableArray<Guid> Of(TargetFacts facts) =>
        facts.Hardware.TryGet(out var hardware) && !hardware.HardwareIds.IsDefault ? hardware.HardwareIds : [];
}
