using System.Globalization;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>What the numbers of files and sections mean (UEFI PI 1.8, volume 3, tables 3-3 and 3-5).</summary>
internal static class VolumeNames
{
    public static string FileType(byte type) => type switch
    {
        0x01 => "raw",
        0x02 => "freeform",
        0x03 => "security core",
        0x04 => "PEI core",
        0x05 => "DXE core",
        0x06 => "PEI module",
        0x07 => "driver",
        0x08 => "PEI module and driver",
        0x09 => "application",
        0x0A => "MM module",
        0x0B => "firmware volume image",
        0x0C => "MM module and driver",
        0x0D => "MM core",
        0x0E => "standalone MM module",
        0x0F => "standalone MM core",
        0xF0 => "padding",
        _ => string.Create(CultureInfo.InvariantCulture, $"type 0x{type:X2}"),
    };

    /// <summary>Whether a file of this type is made of sections; others hold what only their owner knows.</summary>
    public static bool HasSections(byte type) => type is >= 0x02 and <= 0x0F;

    public static string? Section(byte type) => type switch
    {
        0x01 => "compression-section",
        0x02 => "guid-defined-section",
        0x03 => "disposable-section",
        0x10 => "pe32-section",
        0x11 => "pic-section",
        0x12 => "te-section",
        0x13 => "dxe-dependency-section",
        0x14 => "version-section",
        0x15 => "ui-section",
        0x16 => "compatibility16-section",
        0x17 => "volume-section",
        0x18 => "freeform-guid-section",
        0x19 => "raw-section",
        0x1B => "pei-dependency-section",
        0x1C => "mm-dependency-section",
        _ => null,
    };
}
