using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Writes cabinets byte by byte, right ones and wrong ones.</summary>
internal sealed class CabinetBuilder
{
    public static readonly Guid FirmwareClass = new("11111111-2222-3333-4444-555555555555");

    /// <summary>The files of each folder, and whether it is compressed.</summary>
    public List<(bool IsCompressed, List<(string Name, byte[] Content)> Files)> Folders { get; } = [];

    public bool HasChecksums { get; set; } = true;

    /// <summary>A cabinet as LVFS has them: firmware, and what describes it.</summary>
    public static CabinetBuilder Of(bool isCompressed, byte[] firmware, string? metainfo = null, string name = "firmware.bin") => new()
    {
        Folders = { (isCompressed, [(name, firmware), ("firmware.metainfo.xml", Encoding.UTF8.GetBytes(metainfo ?? Metainfo(firmware, name)))]) },
    };

    public static string Metainfo(byte[] firmware, string name = "firmware.bin", Guid? firmwareClass = null, string version = "2.50", string sha256 = "", string extra = "") => $"""
        <?xml version="1.0" encoding="UTF-8"?>
        <component type="firmware">
          <id>com.example.server.firmware</id>
          <name>Example server</name>
          <provides><firmware type="flashed">{firmwareClass ?? FirmwareClass}</firmware></provides>
          <releases>
            <release version="{version}" date="2021-03-12">
              <checksum type="sha256" filename="{name}" target="content">{(sha256.Length > 0 ? sha256 : Convert.ToHexStringLower(SHA256.HashData(firmware)))}</checksum>
              <size type="installed">{firmware.Length}</size>
              {extra}
            </release>
            <release version="1.00" date="2020-01-01"><checksum type="sha256" filename="older.bin" target="content">{new string('0', 64)}</checksum></release>
          </releases>
        </component>
        """;

    public byte[] Build(Action<byte[], Places>? spoil = null)
    {
        var folders = Folders.Select(f => (f.IsCompressed, f.Files, Content: f.Files.SelectMany(x => x.Content).ToArray())).ToList();
        var list = 36 + (8 * folders.Count);
        var files = new List<int>();
        using var names = new MemoryStream();
        for (var i = 0; i < folders.Count; i++)
        {
            var offset = 0;
            foreach (var (name, content) in folders[i].Files)
            {
                files.Add(list + (int)names.Length);
                var entry = new byte[16];
                BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)content.Length);
                BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(4), (uint)offset);
                BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(8), (ushort)i);
                BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(14), (ushort)(name.All(char.IsAscii) ? 0x20 : 0xA0));
                names.Write(entry);
                names.Write(Encoding.UTF8.GetBytes(name));
                names.WriteByte(0);
                offset += content.Length;
            }
        }

        using var data = new MemoryStream();
        var at = list + (int)names.Length;
        var header = new byte[list];
        var blocks = new List<int>();
        for (var i = 0; i < folders.Count; i++)
        {
            var chunks = folders[i].Content.Chunk(32768).ToList();
            var entry = header.AsSpan(36 + (8 * i));
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)(at + data.Length));
            BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], (ushort)chunks.Count);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], folders[i].IsCompressed ? (ushort)1 : (ushort)0);
            foreach (var chunk in chunks)
            {
                blocks.Add(at + (int)data.Length);
                data.Write(Block(chunk, folders[i].IsCompressed));
            }
        }

        "MSCF"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), (uint)(at + data.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), (uint)list);
        (header[24], header[25]) = (3, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(26), (ushort)folders.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28), (ushort)files.Count);
        byte[] bytes = [.. header, .. names.ToArray(), .. data.ToArray()];
        spoil?.Invoke(bytes, new(files, blocks));
        return bytes;
    }

    /// <summary>Makes a block's checksum right again, or no checksum at all.</summary>
    public static void Seal(byte[] cabinet, int block)
    {
        var length = BinaryPrimitives.ReadUInt16LittleEndian(cabinet.AsSpan(block + 4));
        BinaryPrimitives.WriteUInt32LittleEndian(cabinet.AsSpan(block), Sum(cabinet.AsSpan(block + 8, length)) ^ BinaryPrimitives.ReadUInt32LittleEndian(cabinet.AsSpan(block + 4)));
    }

    private byte[] Block(byte[] chunk, bool isCompressed)
    {
        byte[] content = isCompressed ? [(byte)'C', (byte)'K', .. ZipBuilder.Entry.Deflate(chunk)] : chunk;
        byte[] block = [.. new byte[8], .. content];
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(4), (ushort)content.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(6), (ushort)chunk.Length);
        if (HasChecksums)
        {
            Seal(block, 0);
        }

        return block;
    }

    // By the bytes: those of a word in order, those of the rest in reverse.
    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var rest = bytes.Length % 4;
            var isRest = i >= bytes.Length - rest;
            sum ^= (uint)bytes[i] << (8 * (isRest ? bytes.Length - 1 - i : i % 4));
        }

        return sum;
    }

    /// <summary>Where things are.</summary>
    internal sealed record Places(List<int> Files, List<int> Blocks);
}
