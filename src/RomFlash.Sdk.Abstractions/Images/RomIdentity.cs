using System.Collections.Immutable;
using System.Globalization;

namespace RomFlash.Sdk.Images;

/// <summary>What kind of ROM it is; the values are in flashing order.</summary>
public enum RomKind
{
    /// <summary>A management controller or another device that has to be flashed before the system ROM.</summary>
    Controller = 0,

    /// <summary>The system ROM (BIOS, UEFI firmware).</summary>
    SystemRom,

    /// <summary>An array controller.</summary>
    ArrayController,

    /// <summary>Anything else, flashed last.</summary>
    Other,
}

/// <summary>PCI ids of a device (PCI Local Bus 3.0, 6.2.1 and 6.2.4).</summary>
/// <param name="Vendor">The vendor id.</param>
/// <param name="Device">The device id.</param>
/// <param name="SubsystemVendor">The subsystem vendor id, or null where it is not known or does not matter.</param>
/// <param name="Subsystem">The subsystem id, or null where it is not known or does not matter.</param>
public readonly record struct PciId(ushort Vendor, ushort Device, ushort? SubsystemVendor = null, ushort? Subsystem = null)
{
    /// <summary>Whether a device with these ids is covered by a pattern: what the pattern leaves out matches anything.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <returns>True when every id that the pattern names is the same here.</returns>
    public bool Matches(PciId pattern) =>
        Vendor == pattern.Vendor
        && Device == pattern.Device
        && (pattern.SubsystemVendor is null || pattern.SubsystemVendor == SubsystemVendor)
        && (pattern.Subsystem is null || pattern.Subsystem == Subsystem);

    /// <summary>Four hexadecimal digits for each id, with colons.</summary>
    /// <returns>Such as <c>103c:3239:103c:21c2</c>.</returns>
    public override string ToString() => SubsystemVendor is null && Subsystem is null
        ? string.Create(CultureInfo.InvariantCulture, $"{Vendor:x4}:{Device:x4}")
        : string.Create(CultureInfo.InvariantCulture, $"{Vendor:x4}:{Device:x4}:{SubsystemVendor ?? 0:x4}:{Subsystem ?? 0:x4}");
}

/// <summary>What an image says that it is for. Everything may be left out: not every format tells.</summary>
public sealed record RomIdentity
{
    /// <summary>An identity that says nothing.</summary>
    public static RomIdentity None { get; } = new();

    /// <summary>The kind of ROM, or null when the image does not tell.</summary>
    public RomKind? Kind { get; init; }

    /// <summary>The firmware classes that the image names (ESRT FwClass, UEFI 2.10, 23.4).</summary>
    public ImmutableArray<Guid> FirmwareClasses { get; init; } = [];

    /// <summary>The PCI devices that the image names.</summary>
    public ImmutableArray<PciId> PciIds { get; init; } = [];

    /// <summary>The device classes that the image names: GUIDs by which a vendor's tools tell devices apart (HPE: <c>DeviceClass</c> of a firmware inventory).</summary>
    public ImmutableArray<Guid> DeviceClasses { get; init; } = [];

    /// <summary>The models that the image names, as its maker writes them. Untrusted text.</summary>
    public ImmutableArray<string> Models { get; init; } = [];

    /// <summary>The version that the image carries inside, or null.</summary>
    public RomVersion? Version { get; init; }

    /// <summary>The lowest version that the installed firmware will accept once this image is in place, or null.</summary>
    public RomVersion? LowestSupportedVersion { get; init; }
}
