using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Probing;

/// <summary>Where a version was read. Open: a plug-in may name sources of its own.</summary>
/// <param name="Name">A short lower-case name.</param>
public readonly record struct FactSource(string Name)
{
    /// <summary>The SMBIOS BIOS version string (SMBIOS 3.6, 7.1).</summary>
    public static FactSource Smbios => new("smbios");

    /// <summary>The EFI System Resource Table (UEFI 2.10, 23.4).</summary>
    public static FactSource Esrt => new("esrt");

    /// <summary>A Redfish firmware inventory.</summary>
    public static FactSource Redfish => new("redfish");

    /// <summary>A device's own driver or tool.</summary>
    public static FactSource Device => new("device");

    /// <summary>The name.</summary>
    /// <returns><see cref="Name"/>.</returns>
    public override string ToString() => Name;
}

/// <summary>A version and where it was read.</summary>
/// <param name="Source">Where it was read.</param>
/// <param name="Version">The version.</param>
public sealed record ReportedVersion(FactSource Source, RomVersion Version)
{
    /// <summary>The source and the version.</summary>
    /// <returns>Such as <c>smbios: U30 v2.50 (03/12/2021)</c>.</returns>
    public override string ToString() => $"{Source}: {Version}";
}

/// <summary>What the device says of the last attempt to flash it (UEFI 2.10, 23.4).</summary>
/// <param name="Version">The version that was attempted, or null when the device does not say.</param>
/// <param name="Status">The status, 0 for success.</param>
public sealed record LastAttempt(RomVersion? Version, PeerCode Status)
{
    /// <summary>What tells it apart from another attempt that ended in the same way, such as the name and the time of the firmware's record of it; null when nothing does.</summary>
    public string? Id { get; init; }

    /// <summary>Whether it ended badly. Of EFI_STATUS the highest bit says so (UEFI 2.10, appendix D): other numbers than 0 may be warnings.</summary>
    internal bool HasFailed => Status.Dialect == PeerCode.UefiStatus ? Status.Number >> 63 != 0 : Status.Number != 0;

    /// <summary>Whether this is a failed attempt, and certainly another one than what the device told of before.</summary>
    /// <param name="before">What it told before; null when it told nothing.</param>
    /// <returns>True for one that has failed since.</returns>
    public bool HasFailedSince(LastAttempt? before) => HasFailed && IsNewSince(before);

    /// <summary>The id of what a table says that knows of no attempt, where the firmware's own records were read as well, and there were none.</summary>
    public const string NoneAtAll = "none";

    // What firmware wrote down of a capsule (UEFI 2.10, 8.5.6) is told where the resource table knows of no attempt. A table that has forgotten its attempt makes an old result show; that is no attempt
    // since, and neither is it one that the table knows of none. Results that were not read before may be of any age.
    internal bool IsNewSince(LastAttempt? before) =>
        this != before && !IsNoneOfTheTable && (Status.Dialect != PeerCode.UefiStatus || (before is not null && (before.Status.Dialect == PeerCode.UefiStatus || before is { IsNoneOfTheTable: true, Id: NoneAtAll })));

    private bool IsNoneOfTheTable => this is { Version: null, Status: { Dialect: PeerCode.UefiLastAttempt, Number: 0 } };
}

/// <summary>A ROM that is installed on the target.</summary>
public sealed record InstalledRom
{
    /// <summary>An id that stays the same over boots and flashes, unique on the target, such as <c>system</c> or <c>array-0</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The kind of ROM.</summary>
    public required RomKind Kind { get; init; }

    /// <summary>A name for people, or empty. Untrusted text.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>The ESRT firmware class, or null.</summary>
    public Guid? FirmwareClass { get; init; }

    /// <summary>The device class by which its vendor's tools tell the device (HPE: <c>DeviceClass</c> of a firmware inventory), or null.</summary>
    public Guid? DeviceClass { get; init; }

    /// <summary>The PCI ids of the device, or null.</summary>
    public PciId? Pci { get; init; }

    /// <summary>The version, by each source that tells one; empty means unknown.</summary>
    public ImmutableArray<ReportedVersion> Versions { get; init; } = [];

    /// <summary>The lowest version that the installed firmware accepts, as the ESRT tells it.</summary>
    public Fact<RomVersion> LowestSupportedVersion { get; init; }

    /// <summary>The last attempt to flash it.</summary>
    public Fact<LastAttempt> LastAttempt { get; init; }

    /// <summary>The version as a person would quote it, or <c>unknown</c>. Untrusted text.</summary>
    public string DisplayVersion => Versions.IsDefaultOrEmpty ? "unknown" : Versions[0].Version.Text;
}
