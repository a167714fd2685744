using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Packages, made by the formats' own rules.</summary>
internal static class PackageBuilder
{
    public static byte[] Firmware { get; } = CapsuleBuilder.Small();

    public static string Description(string file = "firmware.cap", string key = "Devices") =>
        $$$"""{"DeviceClass":"aa148d2e-6e09-453e-bc6f-63baa5f5ccc4","{{{key}}}":{"Device":[{"DeviceName":"System ROM","Target":"t","Version":"U30 v2.50 (03/12/2021)","FirmwareImages":[{"FileName":"{{{file}}}"}]}]}}""";

    public static string Metainfo(byte[] firmware, string file = "firmware.cap", string? digest = null) =>
        $"""<component type="firmware"><id>com.maker.board</id><name>Board</name><provides><firmware type="flashed">{CapsuleBuilder.Class}</firmware></provides><releases><release version="1.2.3"><checksum type="sha256" target="content" filename="{file}">{digest ?? Convert.ToHexStringLower(SHA256.HashData(firmware))}</checksum><size type="installed">{firmware.Length}</size></release><release version="1.2.2"><checksum type="sha256" target="content" filename="other">00</checksum></release></releases></component>""";

    public static byte[] Fwpkg(byte[]? firmware = null, CompressionLevel level = CompressionLevel.Optimal, string? description = null, string name = "firmware.cap") =>
        Zip(level, ("payload.json", Encoding.UTF8.GetBytes(description ?? Description(name))), (name, firmware ?? Firmware));

    public static byte[] Zip(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name, level).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    /// <summary>A cabinet with one folder; compressed, each block is deflated by itself.</summary>
    public static byte[] Cab(bool compressed, params (string Name, byte[] Content)[] files) => new CabinetBuilder { Folders = { (compressed, [.. files]) } }.Build();

    public static byte[] Cab(bool compressed, byte[]? firmware = null) =>
        Cab(compressed, ("firmware.cap", firmware ?? Firmware), ("firmware.metainfo.xml", Encoding.UTF8.GetBytes(Metainfo(firmware ?? Firmware))));
}
