using System.Buffers.Binary;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>EFI_FFS_FILE_HEADER and EFI_FFS_FILE_HEADER2 (UEFI PI 1.8, volume 3, 3.2.3).</summary>
internal readonly record struct FileHeader
{
    public const int Size = 24;
    public const int LargeSize = 32;
    public const int TypeOffset = 18;
    public const int SizeOffset = 20;
    public const int StateOffset = 23;
    public const int ExtendedSizeOffset = 24;

    /// <summary>What stands for the sum of the data where the data has none (UEFI PI 1.8, volume 3, 3.2.3; 0x5A in volumes of revision 1).</summary>
    public const byte FixedSum = 0xAA;

    /// <summary>The same in volumes of revision 1.</summary>
    public const byte FixedSumOfRevision1 = 0x5A;

    public const byte Pad = 0xF0;

    // FFS_ATTRIB_LARGE_FILE, _DATA_ALIGNMENT_2, _FIXED, _DATA_ALIGNMENT, _CHECKSUM.
    private const byte LargeFile = 0x01;
    private const byte DataAlignment2 = 0x02;
    private const byte HasDataSumBit = 0x40;

    private const int FileSumOffset = 17;

    public Guid Name { get; private init; }

    public byte FileSum { get; private init; }

    public byte Type { get; private init; }

    public byte Attributes { get; private init; }

    /// <summary>The state, with bits that are 1 where they were written, whatever erased flash looks like.</summary>
    public byte State { get; private init; }

    /// <summary>The 24 bits of the size.</summary>
    public uint ShortSize { get; private init; }

    /// <summary>How long the header is.</summary>
    public int HeaderSize { get; private init; }

    /// <summary>The size of the file with its header.</summary>
    public ulong FileSize { get; private init; }

    /// <summary>The sum of the header without state and data sum, which has to be 0.</summary>
    public byte Sum { get; private init; }

    public bool IsLarge => HeaderSize == LargeSize;

    public bool SaysLarge => (Attributes & LargeFile) != 0;

    public bool HasDataSum => (Attributes & HasDataSumBit) != 0;

    /// <summary>What the data has to be aligned to in the volume.</summary>
    public long Alignment => ((Attributes >> 3) & 7, Attributes & DataAlignment2) switch
    {
        (0, 0) => 1,
        (1, 0) => 16,
        (2, 0) => 128,
        (3, 0) => 512,
        (4, 0) => 1 << 10,
        (5, 0) => 4 << 10,
        (6, 0) => 32 << 10,
        (7, 0) => 64 << 10,
        (var exponent, _) => (128L << 10) << exponent,
    };

    /// <summary>Reads a header.</summary>
    /// <param name="bytes"><see cref="LargeSize"/> bytes, or <see cref="Size"/> where no more are there.</param>
    /// <param name="mayBeLarge">Whether the file system has large files.</param>
    /// <param name="erased">What an erased byte looks like.</param>
    public static FileHeader Read(ReadOnlySpan<byte> bytes, bool mayBeLarge, byte erased)
    {
        var attributes = bytes[19];
        var isLarge = mayBeLarge && (attributes & LargeFile) != 0 && bytes.Length >= LargeSize;
        var size = (uint)(bytes[SizeOffset] | (bytes[SizeOffset + 1] << 8) | (bytes[SizeOffset + 2] << 16));
        var header = bytes[..(isLarge ? LargeSize : Size)];
        return new()
        {
            Name = new(bytes[..16]),
            FileSum = bytes[FileSumOffset],
            Type = bytes[TypeOffset],
            Attributes = attributes,
            State = (byte)(bytes[StateOffset] ^ erased),
            ShortSize = size,
            HeaderSize = header.Length,
            FileSize = isLarge ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[ExtendedSizeOffset..]) : size,
            Sum = (byte)(Sum8.Hash(header) - bytes[StateOffset] - bytes[FileSumOffset]),
        };
    }

    /// <summary>Whether it is a header that vouches for itself, so that reading can go on there.</summary>
    public bool Vouches(long space) =>
        Sum == 0 && State == FileStates.Valid && FileSize >= (ulong)HeaderSize && FileSize <= (ulong)space && FileTypes.NameOf(Type) is not null && (HasDataSum || FileSum is FixedSum or FixedSumOfRevision1);
}

/// <summary>EFI_FFS_FILE_STATE (UEFI PI 1.8, volume 3, 3.2.3): each bit is written after those below it.</summary>
internal static class FileStates
{
    public const byte HeaderConstruction = 0x01;
    public const byte HeaderValid = 0x02;
    public const byte DataValid = 0x04;
    public const byte MarkedForUpdate = 0x08;
    public const byte Deleted = 0x10;
    public const byte HeaderInvalid = 0x20;
    public const byte Valid = HeaderConstruction | HeaderValid | DataValid;
}

/// <summary>EFI_FV_FILETYPE (UEFI PI 1.8, volume 3, 2.1.4).</summary>
internal static class FileTypes
{
    public const byte Raw = 0x01;

    private const byte FirstSectioned = 0x02;
    private const byte LastSectioned = 0x0F;

    /// <summary>Whether its data is a stream of sections.</summary>
    public static bool IsSectioned(byte type) => type is >= FirstSectioned and <= LastSectioned;

    /// <summary>The name, or null for a type that is reserved.</summary>
    public static string? NameOf(byte type) => type switch
    {
        Raw => "raw",
        0x02 => "freeform",
        0x03 => "sec-core",
        0x04 => "pei-core",
        0x05 => "dxe-core",
        0x06 => "peim",
        0x07 => "driver",
        0x08 => "combined-peim-driver",
        0x09 => "application",
        0x0A => "mm",
        0x0B => "volume-image",
        0x0C => "combined-mm-dxe",
        0x0D => "mm-core",
        0x0E => "mm-standalone",
        0x0F => "mm-core-standalone",
        >= 0xC0 and <= 0xDF => "oem",
        >= 0xE0 and <= 0xEF => "debug",
        FileHeader.Pad => "pad",
        > FileHeader.Pad => "file-system",
        _ => null,
    };
}
