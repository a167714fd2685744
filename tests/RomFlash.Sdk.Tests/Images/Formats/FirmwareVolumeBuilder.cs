using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Builds firmware volumes field by field, right ones and wrong ones. What is not set is right.</summary>
internal sealed class FirmwareVolumeBuilder
{
    public const int HeaderLength = 72;
    public const int FileHeaderSize = 24;

    public static readonly Guid Ffs2 = new("8c8ce578-8a3d-4f1c-9935-896185c32dd3");
    public static readonly Guid Ffs3 = new("5473c07a-3dcb-4dca-bd6f-1e9689e7349a");
    public static readonly Guid Nvram = new("fff12b8d-7696-4c8b-a985-2747075b4f50");
    public static readonly Guid Crc32Section = new("fc1bcdb0-7d31-49aa-936a-a4600d9dd083");
    public static readonly Guid LzmaSection = new("ee4e5898-3914-4259-9d6e-dc7bd79403cf");
    public static readonly Guid VolumeTopFile = new("1ba0062e-c779-4582-8566-336ae8f78f09");

    public Guid FileSystem { get; set; } = Ffs2;

    public uint Attributes { get; set; } = 0x0004_FEFF;

    public byte Revision { get; set; } = 2;

    public byte Reserved { get; set; }

    /// <summary>The length that the header says, or null for the right one.</summary>
    public ulong? Length { get; set; }

    public ushort? SaidHeaderLength { get; set; }

    /// <summary>Pairs of how many blocks and how long they are, with the end; null for what is right.</summary>
    public uint[]? BlockMap { get; set; }

    /// <summary>What the header's sum is wrong by.</summary>
    public ushort WrongBy { get; set; }

    /// <summary>The volume's name, for which it needs an extended header.</summary>
    public Guid? Name { get; set; }

    public byte[] ExtendedEntries { get; set; } = [];

    public uint? ExtendedSize { get; set; }

    public ushort? ExtendedOffset { get; set; }

    /// <summary>Whether a pad file holds the extended header, and whether it has a sum of its data.</summary>
    public (bool Is, bool HasSum) Held { get; set; } = (true, false);

    public byte HolderType { get; set; } = 0xF0;

    public List<byte[]> Files { get; } = [];

    /// <summary>Free space behind the files; the volume is rounded up to 64 bytes.</summary>
    public int Free { get; set; } = 64;

    private byte Erased => (Attributes & 0x800) != 0 ? (byte)0xFF : (byte)0;

    public static FirmwareVolumeBuilder With(params byte[][] files)
    {
        var builder = new FirmwareVolumeBuilder();
        builder.Files.AddRange(files);
        return builder;
    }

    public byte[] Build()
    {
        var bytes = new List<byte>(new byte[HeaderLength]);
        var extendedOffset = 0;
        if (Name is { } name)
        {
            byte[] extended = [.. name.ToByteArray(), .. BitConverter.GetBytes(ExtendedSize ?? (uint)(20 + ExtendedEntries.Length)), .. ExtendedEntries];
            extendedOffset = bytes.Count + (Held.Is ? FileHeaderSize : 0);
            bytes.AddRange(Held.Is ? File(HolderType, extended, Guid.AllBitsSet, Held.HasSum) : extended);
        }

        foreach (var file in Files)
        {
            bytes.AddRange(Enumerable.Repeat(Erased, -bytes.Count & 7));
            bytes.AddRange(Erased == 0xFF ? file : OfOtherPolarity(file));
        }

        bytes.AddRange(Enumerable.Repeat(Erased, Free == 0 ? 0 : Free + (-(bytes.Count + Free) & 63)));
        var volume = bytes.ToArray();
        FileSystem.TryWriteBytes(volume.AsSpan(16));
        BinaryPrimitives.WriteUInt64LittleEndian(volume.AsSpan(32), Length ?? (ulong)volume.Length);
        "_FVH"u8.CopyTo(volume.AsSpan(40));
        BinaryPrimitives.WriteUInt32LittleEndian(volume.AsSpan(44), Attributes);
        BinaryPrimitives.WriteUInt16LittleEndian(volume.AsSpan(48), SaidHeaderLength ?? HeaderLength);
        BinaryPrimitives.WriteUInt16LittleEndian(volume.AsSpan(52), ExtendedOffset ?? (ushort)extendedOffset);
        (volume[54], volume[55]) = (Reserved, Revision);
        var map = BlockMap ?? [(uint)volume.Length, 1, 0, 0];
        for (var i = 0; i < map.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(volume.AsSpan(56 + (4 * i)), map[i]);
        }

        RepairVolume(volume);
        BinaryPrimitives.WriteUInt16LittleEndian(volume.AsSpan(50), (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(volume.AsSpan(50)) + WrongBy));
        return volume;
    }

    /// <summary>Makes the sum of a volume's header right again.</summary>
    public static void RepairVolume(Span<byte> volume)
    {
        int length = BinaryPrimitives.ReadUInt16LittleEndian(volume[48..]);
        volume.Slice(50, 2).Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(volume[50..], Sum16.Repair(volume[..Math.Min(volume.Length, length)]));
    }

    /// <summary>A file for a volume whose erased flash is FF.</summary>
    public static byte[] File(byte type, byte[] data, Guid? name = null, bool hasSum = true, byte attributes = 0, byte state = 0xF8, bool isLarge = false, ulong? size = null)
    {
        var header = isLarge ? 32 : FileHeaderSize;
        var file = new byte[header + data.Length];
        (name ?? new Guid(type, 1, (short)data.Length, 3, 4, 5, 6, 7, 8, 9, 10)).TryWriteBytes(file);
        file[17] = hasSum ? Sum8.Repair(data) : (byte)0xAA;
        (file[18], file[19], file[23]) = (type, (byte)(attributes | (hasSum ? 0x40 : 0) | (isLarge ? 1 : 0)), state);
        var said = size ?? (ulong)file.Length;
        if (isLarge)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(24), said);
        }
        else
        {
            (file[20], file[21], file[22]) = ((byte)said, (byte)(said >> 8), (byte)(said >> 16));
        }

        data.CopyTo(file, header);
        RepairFile(file, header);
        return file;
    }

    /// <summary>Makes the sum of a file's header right again.</summary>
    public static void RepairFile(Span<byte> file, int header = FileHeaderSize)
    {
        file[16] = 0;
        file[16] = (byte)-(Sum8.Hash(file[..header]) - file[23] - file[17]);
    }

    /// <summary>A section, filled up to four bytes.</summary>
    public static byte[] Section(byte type, byte[] data, uint? size = null, bool isLarge = false)
    {
        var said = size ?? (uint)((isLarge ? 8 : 4) + data.Length);
        byte[] header = isLarge ? [0xFF, 0xFF, 0xFF, type, .. BitConverter.GetBytes(said)] : [(byte)said, (byte)(said >> 8), (byte)(said >> 16), type];
        return [.. header, .. data, .. new byte[-(header.Length + data.Length) & 3]];
    }

    public static byte[] Guided(Guid id, byte[] data, ushort attributes = 1, byte[]? own = null, ushort? dataOffset = null)
    {
        own ??= [];
        return Section(0x02, [.. id.ToByteArray(), .. BitConverter.GetBytes(dataOffset ?? (ushort)(24 + own.Length)), .. BitConverter.GetBytes(attributes), .. own, .. data]);
    }

    /// <summary>Sections that a CRC-32 stands for.</summary>
    public static byte[] Guarded(byte[] sections, uint wrongBy = 0) => Guided(Crc32Section, sections, 2, BitConverter.GetBytes(Crc32.Hash(sections) + wrongBy));

    public static byte[] Compressed(byte type, uint decodedLength, byte[] data) => Section(0x01, [.. BitConverter.GetBytes(decodedLength), type, .. data]);

    public static byte[] Ui(string name) => Section(0x15, Encoding.Unicode.GetBytes(name + "\0"));

    public static byte[] Version(string version) => Section(0x14, [1, 0, .. Encoding.Unicode.GetBytes(version + "\0")]);

    /// <summary>A driver with a name and a version.</summary>
    public static byte[] Driver(string name = "Driver", bool hasSum = true) => File(0x07, [.. Section(0x10, [0x4D, 0x5A, 1, 2, 3]), .. Ui(name), .. Version("1.2")], hasSum: hasSum);

    /// <summary>A volume in a file of another one.</summary>
    public static byte[] Inside(byte[] volume) => With(File(0x0B, Section(0x17, volume))).Build();

    private static byte[] OfOtherPolarity(byte[] file)
    {
        var copy = (byte[])file.Clone();
        copy[23] = (byte)~copy[23];
        return copy;
    }
}
