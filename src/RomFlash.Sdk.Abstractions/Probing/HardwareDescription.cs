using System.Collections.Immutable;

namespace RomFlash.Sdk.Probing;

/// <summary>
/// The SMBIOS values beside the identity that computer hardware ids are made of (Microsoft, "Specifying Hardware IDs for a Computer"; fwupd computes
/// the same). All may be unknown. Texts come from the target: untrusted.
/// </summary>
public sealed record HardwareDescription
{
    /// <summary>System family (SMBIOS 3.6, 7.2), or null.</summary>
    public string? Family { get; init; }

    /// <summary>Baseboard manufacturer (SMBIOS 3.6, 7.3), or null.</summary>
    public string? BaseboardManufacturer { get; init; }

    /// <summary>Baseboard product (SMBIOS 3.6, 7.3), or null.</summary>
    public string? BaseboardProduct { get; init; }

    /// <summary>Enclosure type (SMBIOS 3.6, 7.4.1), or null.</summary>
    public byte? EnclosureType { get; init; }

    /// <summary>BIOS vendor (SMBIOS 3.6, 7.1), or null.</summary>
    public string? BiosVendor { get; init; }

    /// <summary>BIOS version string (SMBIOS 3.6, 7.1), or null.</summary>
    public string? BiosVersion { get; init; }

    /// <summary>System BIOS major release (SMBIOS 3.6, 7.1), or null.</summary>
    public byte? BiosMajorRelease { get; init; }

    /// <summary>System BIOS minor release (SMBIOS 3.6, 7.1), or null.</summary>
    public byte? BiosMinorRelease { get; init; }

    /// <summary>The computer hardware ids that the target itself tells, as Windows keeps them in its registry; empty where it tells none.</summary>
    public ImmutableArray<Guid> HardwareIds { get; init; } = [];
}
