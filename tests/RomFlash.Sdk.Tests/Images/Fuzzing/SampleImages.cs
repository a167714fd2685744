using System.Buffers.Binary;
using RomFlash.Sdk.Images.Checksums;
using RomFlash.Sdk.Tests.Images.Formats;
using static RomFlash.Sdk.Tests.Images.Formats.FirmwareVolumeBuilder;

namespace RomFlash.Sdk.Tests.Images.Fuzzing;

/// <summary>Small images of each format, made by the formats' own rules: right from the first byte to the last.</summary>
internal static class SampleImages
{
    /// <summary>Two volumes with padding between them: files with and without a sum over their data, sections in sections, one guarded by a CRC-32.</summary>
    public static byte[] Volumes()
    {
        byte[] driver = [.. Section(0x10, [0x4D, 0x5A, .. new byte[61]]), .. Ui("Driver"), .. FirmwareVolumeBuilder.Version("1.2")];
        return
        [
            .. With(
                File(0x07, driver),
                File(0xF0, Enumerable.Repeat((byte)0xFF, 24).ToArray(), hasSum: false),
                File(0x0B, Guarded(Section(0x17, With(File(0x01, [1, 2, 3, 4, 5])).Build())))).Build(),
            .. Enumerable.Repeat((byte)0xFF, 512),
            .. With(File(0x02, Section(0x19, [9, 8, 7, 6]), hasSum: false)).Build(),
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

    /// <summary>A package of the system ROM, one entry with its sizes behind it.</summary>
    public static byte[] Fwpkg()
    {
        var zip = ZipBuilder.Package(Capsule(), "firmware.cap");
        zip.Entries[1].WithSizesBehind();
        return zip.Build();
    }

    /// <summary>A cabinet of a compressed and a stored folder.</summary>
    public static byte[] Cabinet()
    {
        var cabinet = CabinetBuilder.Of(isCompressed: true, Volumes());
        cabinet.Folders.Add((false, [("readme.txt", [1, 2, 3])]));
        return cabinet.Build();
    }

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
