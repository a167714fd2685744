using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Writes zip files byte by byte, right ones and wrong ones.</summary>
internal sealed class ZipBuilder
{
    public List<Entry> Entries { get; } = [];

    /// <summary>What is behind the end record.</summary>
    public byte[] Comment { get; set; } = [];

    /// <summary>What is in front of the first entry, and of the directory.</summary>
    public (byte[] First, byte[] Directory) Gaps { get; set; } = ([], []);

    /// <summary>A package for the system ROM, with one firmware image.</summary>
    public static ZipBuilder Package(byte[] firmware, string name = "firmware.bin", bool isDeflated = true, string? description = null) => new()
    {
        Entries =
        {
            new("payload.json", Encoding.UTF8.GetBytes(description ?? Description((name, "U30 v2.50 (03/12/2021)"))), isDeflated: true),
            new(name, firmware, isDeflated),
        },
    };

    public static string Description(params (string File, string Version)[] images) => Description("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4", images);

    public static string Description(string deviceClass, params (string File, string Version)[] images)
    {
        var devices = images.Select(i => $$"""
            {"DeviceName": "System ROM - {{i.File}}", "Target": "00000000-0000-0000-0000-00000000000a", "Version": "{{i.Version}}",
             "FirmwareImages": [{"FileName": "{{i.File}}", "DirectFlashOk": true, "ResetRequired": true, "Order": 1}] }
            """);
        return $$"""
            {"DeviceClass": "{{deviceClass}}", "PackageFormat": "FWPKG-v1", "UpdatableBy": ["Uefi"],
             "Devices": {"Device": [{{string.Join(", ", devices)}}] } }
            """;
    }

    public byte[] Build(Action<byte[], Places>? spoil = null)
    {
        using var file = new MemoryStream();
        file.Write(Gaps.First);
        var (headers, data) = (new List<int>(), new List<int>());
        foreach (var entry in Entries)
        {
            headers.Add((int)file.Length);
            file.Write(entry.Local());
            data.Add((int)file.Length);
            file.Write(entry.Data);
            file.Write(entry.Behind);
        }

        file.Write(Gaps.Directory);
        var start = (int)file.Length;
        var records = new List<int>();
        for (var i = 0; i < Entries.Count; i++)
        {
            records.Add((int)file.Length);
            file.Write(Entries[i].Central(headers[i]));
        }

        var end = (int)file.Length;
        var record = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(record, 0x0605_4B50);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(8), (ushort)Entries.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(10), (ushort)Entries.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12), (uint)(end - start));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(16), (uint)start);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(20), (ushort)Comment.Length);
        file.Write(record);
        file.Write(Comment);
        var bytes = file.ToArray();
        spoil?.Invoke(bytes, new(headers, data, records, start, end));
        return bytes;
    }

    /// <summary>Where things are.</summary>
    internal sealed record Places(List<int> Headers, List<int> Data, List<int> Records, int Directory, int End);

    /// <summary>An entry; what it says of itself can be made wrong, in both places or in one.</summary>
    internal sealed class Entry
    {
        public Entry(string name, byte[] content, bool isDeflated = false)
        {
            Name = Encoding.UTF8.GetBytes(name);
            Method = isDeflated ? 8 : 0;
            Data = isDeflated ? Deflate(content) : content;
            Length = (uint)content.Length;
            Compressed = (uint)Data.Length;
            Crc = Crc32.Hash(content);
            Flags = name.All(char.IsAscii) ? 0 : 0x800;
        }

        public byte[] Name { get; set; }

        public int Method { get; set; }

        public int Flags { get; set; }

        public uint Crc { get; set; }

        public uint Compressed { get; set; }

        public uint Length { get; set; }

        public byte[] Data { get; set; }

        public byte[] Behind { get; set; } = [];

        /// <summary>Writes the sizes behind the data, as what writes to a pipe does.</summary>
        public Entry WithSizesBehind(bool hasSignature = true, uint crcIsOffBy = 0)
        {
            Flags |= 8;
            var descriptor = new byte[16];
            BinaryPrimitives.WriteUInt32LittleEndian(descriptor, 0x0807_4B50);
            BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(4), Crc + crcIsOffBy);
            BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(8), Compressed);
            BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(12), Length);
            Behind = hasSignature ? descriptor : descriptor[4..];
            return this;
        }

        public byte[] Local()
        {
            var hasSizes = (Flags & 8) == 0;
            var header = new byte[30 + Name.Length];
            BinaryPrimitives.WriteUInt32LittleEndian(header, 0x0403_4B50);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), 20);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(6), (ushort)Flags);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)Method);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(14), hasSizes ? Crc : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(18), hasSizes ? Compressed : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(22), hasSizes ? Length : 0);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(26), (ushort)Name.Length);
            Name.CopyTo(header, 30);
            return header;
        }

        public byte[] Central(int header)
        {
            var record = new byte[46 + Name.Length];
            BinaryPrimitives.WriteUInt32LittleEndian(record, 0x0201_4B50);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(4), 20);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(6), 20);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(8), (ushort)Flags);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(10), (ushort)Method);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(16), Crc);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(20), Compressed);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(24), Length);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(28), (ushort)Name.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(42), (uint)header);
            Name.CopyTo(record, 46);
            return record;
        }

        public static byte[] Deflate(ReadOnlySpan<byte> content)
        {
            using var into = new MemoryStream();
            using (var deflate = new DeflateStream(into, CompressionLevel.Optimal, leaveOpen: true))
            {
                deflate.Write(content);
            }

            return into.ToArray();
        }
    }
}
