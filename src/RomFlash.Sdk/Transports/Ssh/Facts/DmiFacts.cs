using System.Globalization;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Ssh.Reading;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>What machine it is: SMBIOS, as Linux shows it. Root alone sees the UUID and the serial number.</summary>
internal static class DmiFacts
{
    public const string Script = $"""
        e "$R"{Folder}
        for a in sys_vendor product_name product_sku product_uuid product_serial product_family board_vendor board_name chassis_type bios_vendor bios_version bios_release; do r "$R"{Folder}/$a; done
        """;

    private const string Folder = "/sys/class/dmi/id";
    private const string NotThere = $"the target has no DMI table ({Folder})";

    // What is in the place of a serial number before somebody writes one there. Two machines that have it are not one.
    private static readonly string[] NoSerials =
    [
        "To be filled by O.E.M.", "Default string", "System Serial Number", "Chassis Serial Number", "Not Specified", "Not Applicable", "Not Available", "Unknown", "None", "N/A", "NA", "OEM", "INVALID",
        "123456789", "0123456789", "1234567890",
    ];

    public static string? BiosVersion(TargetReadings readings) => readings.Text($"{Folder}/bios_version");

    public static Fact<TargetIdentity> ReadIdentity(TargetReadings readings)
    {
        var identity = new TargetIdentity
        {
            SmbiosUuid = ReadUuid(readings),
            SerialNumber = Of(readings, "product_serial") is { } serial && !IsPlaceholder(serial) ? serial : null,
            Manufacturer = Of(readings, "sys_vendor"),
            Product = Of(readings, "product_name"),
            Sku = Of(readings, "product_sku"),
        };
        return identity != new TargetIdentity() ? identity : Fact<TargetIdentity>.Unknown(readings.IsThere(Folder) ? "DMI does not tell which machine it is" : NotThere);
    }

    public static Fact<HardwareDescription> ReadHardware(TargetReadings readings)
    {
        if (!readings.IsThere(Folder))
        {
            return Fact<HardwareDescription>.Unknown(NotThere);
        }

        var release = Of(readings, "bios_release")?.Split('.') is [var major, var minor] ? (ByteOf(major), ByteOf(minor)) : (null, null);
        return new HardwareDescription
        {
            Family = Of(readings, "product_family"),
            BaseboardManufacturer = Of(readings, "board_vendor"),
            BaseboardProduct = Of(readings, "board_name"),
            EnclosureType = ByteOf(Of(readings, "chassis_type")),
            BiosVendor = Of(readings, "bios_vendor"),
            BiosVersion = BiosVersion(readings),
            BiosMajorRelease = release.Item1,
            BiosMinorRelease = release.Item2,
        };
    }

    // All zeros and all ones mean that there is none (SMBIOS 3.6, 7.2.1).
    private static Guid? ReadUuid(TargetReadings readings) =>
        Guid.TryParseExact(Of(readings, "product_uuid"), "D", out var uuid) && uuid != Guid.Empty && uuid != Guid.AllBitsSet ? uuid : null;

    private static bool IsPlaceholder(string serial) => serial.All(c => c == serial[0]) || NoSerials.Contains(serial, StringComparer.OrdinalIgnoreCase);

    private static string? Of(TargetReadings readings, string name) => readings.Text($"{Folder}/{name}");

    private static byte? ByteOf(string? text) => byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
