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

    /// <summary>EFI compression of the simplest kind: a block for each run of a byte, whose codes are 0 bits long.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> data)
    {
        var bits = new List<bool>();
        void Put(int value, int count)
        {
            for (var i = count - 1; i >= 0; i--)
            {
                bits.Add(((value >> i) & 1) != 0);
            }
        }

        for (int i = 0, next; i < data.Length; i = next)
        {
            for (next = i + 1; next < data.Length && data[next] == data[i]; next++)
            {
            }

            // How many symbols; then, three times, no lengths but one symbol: of the lengths' code, of the bytes, of the distances.
            Put(next - i, 16);
            Put(0, 5);
            Put(0, 5);
            Put(0, 9);
            Put(data[i], 9);
            Put(0, 4);
            Put(0, 4);
        }

        var body = new byte[(bits.Count + 7) / 8];
        for (var i = 0; i < bits.Count; i++)
        {
            body[i / 8] |= (byte)(bits[i] ? 0x80 >> (i % 8) : 0);
        }

        var header = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(header, body.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), data.Length);
        return [.. header, .. body];
    }
}
