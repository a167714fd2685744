using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Fuzzing;

/// <summary>Small images of each format, made by the formats' own rules: right from the first byte to the last.</summary>
internal static class SampleImages
{
    private static readonly Guid Ffs2 = new("8c8ce578-8a3d-4f1c-9935-896185c32dd3");

    /// <summary>Two volumes with padding between them: files with and without a sum over their data, sections in sections, one guarded by a CRC-32.</summary>
    public static byte[] Volumes()
    {
        byte[] driver = [.. Section(0x10, [0x4D, 0x5A, .. new byte[61]]), .. Section(0x15, Encoding.Unicode.GetBytes("Driver\0")), .. Section(0x14, [1, 0, .. Encoding.Unicode.GetBytes("1.2\0")])];
        return
        [
            .. Volume(
                File(0x07, dataSum: true, driver),
                File(0xF0, dataSum: false, Enumerable.Repeat((byte)0xFF, 24).ToArray()),
                File(0x0B, dataSum: true, Guarded(Section(0x17, Volume(File(0x01, dataSum: true, new byte[] { 1, 2, 3, 4, 5 })))))),
            .. Enumerable.Repeat((byte)0xFF, 512),
            .. Volume(File(0x02, dataSum: false, Section(0x19, new byte[] { 9, 8, 7, 6 }))),
        ];
    }

    /// <summary>A capsule around volumes.</summary>
    public static byte[] Capsule() => new CapsuleBuilder { Items = { CapsuleBuilder.Item([.. CapsuleBuilder.PayloadHeader(3, 2), .. Volumes()]) } }.Build();

    /// <summary>A capsule with two payloads, one signed by nobody and with a dependency.</summary>
    public static byte[] Dependent() => new CapsuleBuilder
    {
        Items =
        {
            CapsuleBuilder.Item([0x06, 0x0D, .. CapsuleBuilder.PayloadHeader(2, 1), 9], support: 2),
            CapsuleBuilder.Item([1, 2, 3, 4, 5, 6, 7, 8], index: 2),
        },
    }.Build();

    /// <summary>A chain of an x86 and an EFI image for an array controller.</summary>
    public static byte[] OptionRom()
    {
        var x86 = OptionRomImage(0, isLast: false);
        x86[^1] = 0;
        x86[^1] = Sum8.Repair(x86);
        var efi = OptionRomImage(3, isLast: true);
        BinaryPrimitives.WriteUInt16LittleEndian(efi.AsSpan(2), (ushort)(efi.Length / 512));
        BinaryPrimitives.WriteUInt32LittleEndian(efi.AsSpan(4), 0x0EF1);
        BinaryPrimitives.WriteUInt16LittleEndian(efi.AsSpan(10), 0x8664);
        BinaryPrimitives.WriteUInt16LittleEndian(efi.AsSpan(22), 0x80);
        Executable().CopyTo(efi.AsSpan(0x80));
        return [.. x86, .. efi, .. Enumerable.Repeat((byte)0xFF, 100)];
    }

    /// <summary>The outline of a boot service driver in PE32+ for x64, with one section of 32 bytes.</summary>
    public static byte[] Executable()
    {
        const int Pe = 0x40;
        const int Optional = Pe + 24;
        const int Section = Optional + 112;
        var image = new byte[Section + 40 + 32];
        "MZ"u8.CopyTo(image);
        image[0x3C] = Pe;
        "PE\0\0"u8.CopyTo(image.AsSpan(Pe));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Pe + 4), 0x8664);
        image[Pe + 6] = 1;
        image[Pe + 20] = Section - Optional;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Optional), 0x20B);
        image[Optional + 68] = 11;
        ".text"u8.CopyTo(image.AsSpan(Section));
        image[Section + 16] = 32;
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Section + 20), Section + 40);
        return image;
    }

    /// <summary>A system ROM of the old kind.</summary>
    public static byte[] LegacyRom()
    {
        var rom = new byte[64 << 10];
        new Random(5).NextBytes(rom);
        ((byte[])[0xEA, 0x5B, 0xE0, 0x00, 0xF0, .. "06/23/99"u8, 0, 0xFC, 0]).CopyTo(rom.AsSpan(rom.Length - 16));
        return rom;
    }

    /// <summary>A descriptor with two regions; volumes are in the second.</summary>
    public static byte[] IntelFlash()
    {
        var volumes = Volumes();
        var bios = new byte[0x1000];
        bios.AsSpan().Fill(0xFF);
        volumes.CopyTo(bios, 0);
        var flash = new byte[0x1000 + bios.Length];
        flash.AsSpan(0, 0x1000).Fill(0xFF);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(0x10), 0x0FF0A55A);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(0x14), 0x0004_0003);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(0x40), 0);
        BinaryPrimitives.WriteUInt32LittleEndian(flash.AsSpan(0x44), 0x0001_0001);
        bios.CopyTo(flash, 0x1000);
        return flash;
    }

    /// <summary>A volume with these files, and some free space.</summary>
    public static byte[] Volume(params byte[][] files)
    {
        var bytes = new List<byte>(new byte[72]);
        foreach (var file in files)
        {
            bytes.AddRange(Enumerable.Repeat((byte)0xFF, -bytes.Count & 7));
            bytes.AddRange(file);
        }

        bytes.AddRange(Enumerable.Repeat((byte)0xFF, 64 + (-bytes.Count & 63)));
        var volume = bytes.ToArray();
        Ffs2.TryWriteBytes(volume.AsSpan(16));
        BinaryPrimitives.WriteUInt64LittleEndian(volume.AsSpan(32), (ulong)volume.Length);
        "_FVH"u8.CopyTo(volume.AsSpan(40));
        BinaryPrimitives.WriteUInt32LittleEndian(volume.AsSpan(44), 0x0004_FEFF);
        BinaryPrimitives.WriteUInt16LittleEndian(volume.AsSpan(48), 72);
        volume[55] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(volume.AsSpan(56), (uint)(volume.Length / 64));
        BinaryPrimitives.WriteUInt32LittleEndian(volume.AsSpan(60), 64);
        RepairVolume(volume);
        return volume;
    }

    /// <summary>Makes the sum of a volume's header right again.</summary>
    public static void RepairVolume(Span<byte> volume)
    {
        volume.Slice(50, 2).Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(volume[50..], Sum16.Repair(volume[..72]));
    }

    /// <summary>Makes the sum of a file's header right again.</summary>
    public static void RepairFile(Span<byte> file)
    {
        file[16] = 0;
        file[16] = (byte)-(Sum8.Hash(file[..24]) - file[23] - file[17]);
    }

    public static byte[] File(byte type, bool dataSum, byte[] data)
    {
        var file = new byte[24 + data.Length];
        new Guid(type, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).TryWriteBytes(file);
        file[17] = dataSum ? Sum8.Repair(data) : (byte)0xAA;
        file[18] = type;
        file[19] = dataSum ? (byte)0x40 : (byte)0;
        (file[20], file[21], file[22], file[23]) = ((byte)file.Length, (byte)(file.Length >> 8), (byte)(file.Length >> 16), 0xF8);
        data.CopyTo(file, 24);
        RepairFile(file);
        return file;
    }

    public static byte[] Section(byte type, byte[] data)
    {
        var size = 4 + data.Length;
        return [(byte)size, (byte)(size >> 8), (byte)(size >> 16), type, .. data, .. new byte[-size & 3]];
    }

    private static byte[] Guarded(byte[] content) =>
        Section(0x02, [.. new Guid("fc1bcdb0-7d31-49aa-936a-a4600d9dd083").ToByteArray(), 28, 0, 1, 0, .. BitConverter.GetBytes(Crc32.Hash(content)), .. content]);

    private static byte[] OptionRomImage(byte codeType, bool isLast)
    {
        var image = new byte[1024];
        (image[0], image[1], image[2]) = (0x55, 0xAA, (byte)(image.Length / 512));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x18), 0x1C);
        var structure = image.AsSpan(0x1C);
        "PCIR"u8.CopyTo(structure);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[4..], 0x103C);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[6..], 0x3239);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[10..], 24);
        structure[15] = 0x01;
        structure[14] = 0x04;
        BinaryPrimitives.WriteUInt16LittleEndian(structure[16..], (ushort)(image.Length / 512));
        (structure[20], structure[21]) = (codeType, isLast ? (byte)0x80 : (byte)0);
        return image;
    }
}
