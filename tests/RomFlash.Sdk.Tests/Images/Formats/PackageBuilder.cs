using System.Buffers.Binary;
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
    public static byte[] Cab(bool compressed, params (string Name, byte[] Content)[] files)
    {
        var content = files.SelectMany(f => f.Content).ToArray();
        var blocks = new List<byte>();
        var count = 0;
        foreach (var piece in content.Chunk(32768))
        {
            var data = compressed ? [(byte)'C', (byte)'K', .. Deflate(piece)] : piece;
            var block = new byte[8 + data.Length];
            BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(4), (ushort)data.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(6), (ushort)piece.Length);
            data.CopyTo(block, 8);
            BinaryPrimitives.WriteUInt32LittleEndian(block, Sum(block.AsSpan(4, 4), Sum(data, 0)));
            blocks.AddRange(block);
            count++;
        }

        var list = new List<byte>();
        var offset = 0;
        foreach (var (name, bytes) in files)
        {
            var entry = new byte[16];
            BinaryPrimitives.WriteInt32LittleEndian(entry, bytes.Length);
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(4), offset);
            list.AddRange([.. entry, .. Encoding.ASCII.GetBytes(name), 0]);
            offset += bytes.Length;
        }

        var header = new byte[44];
        "MSCF"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), header.Length + list.Count + blocks.Count);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(16), header.Length);
        (header[24], header[25]) = (3, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(26), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28), (ushort)files.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(36), header.Length + list.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(40), (ushort)count);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(42), compressed ? (ushort)1 : (ushort)0);
        return [.. header, .. list, .. blocks];
    }

    public static byte[] Cab(bool compressed, byte[]? firmware = null) =>
        Cab(compressed, ("firmware.cap", firmware ?? Firmware), ("firmware.metainfo.xml", Encoding.UTF8.GetBytes(Metainfo(firmware ?? Firmware))));

    private static byte[] Deflate(byte[] bytes)
    {
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflate.Write(bytes);
        }

        return stream.ToArray();
    }

    private static uint Sum(ReadOnlySpan<byte> bytes, uint seed)
    {
        for (; bytes.Length >= 4; bytes = bytes[4..])
        {
            seed ^= BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        }

        uint last = 0;
        foreach (var next in bytes)
        {
            last = (last << 8) | next;
        }

        return seed ^ last;
    }
}
