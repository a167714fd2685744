using System.Collections.Immutable;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Compatibility;

/// <summary>The computer hardware ids of a target.</summary>
internal static class HardwareIds
{
    /// <summary>Those that the target itself tells, and those that follow from its SMBIOS values.</summary>
    public static ImmutableArray<Guid> Of(TargetFacts facts)
    {
        var hardware = facts.Hardware.TryGet(out var described) ? described : new HardwareDescription();
        ImmutableArray<Guid> told = hardware.HardwareIds.IsDefault ? [] : hardware.HardwareIds;
        return facts.Identity.TryGet(out var identity) ? told.AddRange(ComputerHardwareIds.Compute(identity, hardware)) : told;
    }
}
