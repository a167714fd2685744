using System.Buffers.Binary;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Builds images of option ROMs, right ones; a test breaks them.</summary>
internal static class OptionRomBuilder
{
    public const int Structure = 0x1C;
    public const int ExecutableOffset = 0x80;

    /// <summary>An image with a PCI data structure at <see cref="Structure"/>; one for the PC has its sum in the last byte.</summary>
    public static byte[] Image(byte codeType = 0, bool isLast = true, int units = 2, ushort device = 0x3239, int baseClass = 0x01, int subClass = 0x04, byte revision = 3, params ushort[] list)
    {
        var image = new byte[units * 512];
        (image[0], image[1], image[2]) = (0x55, 0xAA, (byte)units);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x18), Structure);
        var structure = image.AsSpan(Structure);
        "PCIR"u8.CopyTo(structure);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[4..], 0x103C);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[6..], device);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[10..], 0x1C);
        structure[12] = revision;
        (structure[14], structure[15]) = ((byte)subClass, (byte)baseClass);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[16..], (ushort)units);
        BinaryPrimitives.WriteUInt16LittleEndian(structure[18..], 0x0102);
        (structure[20], structure[21]) = (codeType, isLast ? (byte)0x80 : (byte)0);
        if (list.Length > 0)
        {
            structure[8] = 0x1C;
            for (var i = 0; i < list.Length; i++)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(structure[(0x1C + (2 * i))..], list[i]);
            }
        }

        return codeType == 0 ? Sum(image) : image;
    }

    /// <summary>An EFI image with this driver in it.</summary>
    public static byte[] Efi(byte[] driver, ushort compression = 0, bool isLast = true)
    {
        var image = Image(3, isLast);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(2), (ushort)(image.Length / 512));
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(4), 0x0EF1);
        image[8] = 11;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(10), 0x8664);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(12), compression);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(22), ExecutableOffset);
        driver.CopyTo(image, ExecutableOffset);
        return image;
    }

    /// <summary>An ISA ROM, with random code.</summary>
    public static byte[] Isa()
    {
        var image = new byte[1024];
        new Random(11).NextBytes(image);
        (image[0], image[1], image[2]) = (0x55, 0xAA, 2);
        image.AsSpan(0x18, 4).Clear();
        return Sum(image);
    }

    /// <summary>Makes the sum right.</summary>
    public static byte[] Sum(byte[] image)
    {
        image[^1] = 0;
        image[^1] = Sum8.Repair(image);
        return image;
    }
}
