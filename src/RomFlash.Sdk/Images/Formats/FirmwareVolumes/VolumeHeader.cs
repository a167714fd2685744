using System.Buffers.Binary;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>EFI_FIRMWARE_VOLUME_HEADER (UEFI PI 1.8, volume 3, 3.2.1).</summary>
internal readonly record struct VolumeHeader(long Start, Guid FileSystem, long Length, uint Attributes, int HeaderLength, int ExtendedHeaderOffset, byte Revision)
{
    /// <summary>Volumes begin at multiples of 8.</summary>
    public const int Alignment = 8;

    /// <summary>Without the block map.</summary>
    public const int FixedSize = 56;

    public const int SignatureOffset = 40;
    public const int ChecksumOffset = 50;

    // EFI_FVB2_ERASE_POLARITY.
    private const uint ErasePolarity = 0x0000_0800;

    // A header in use has 72 bytes; each further block map entry takes 8.
    private const int LongestHeader = 4096;

    public static Guid Ffs2 => new("8c8ce578-8a3d-4f1c-9935-896185c32dd3");

    public static Guid Ffs3 => new("5473c07a-3dcb-4dca-bd6f-1e9689e7349a");

    // EFI_SYSTEM_NV_DATA_FV_GUID of EDK II.
    public static Guid NvData => new("fff12b8d-7696-4c8b-a985-2747075b4f50");

    public static ReadOnlySpan<byte> Signature => "_FVH"u8;

    /// <summary>What erased flash reads as.</summary>
    public byte EraseValue => (Attributes & ErasePolarity) != 0 ? (byte)0xFF : (byte)0;

    public bool HasFiles => FileSystem == Ffs2 || FileSystem == Ffs3;

    /// <summary>The place of the next header from an offset on that has the signature at its place, or -1.</summary>
    public static long FindSignature(IRomImageContent content, long from)
    {
        for (var at = from + SignatureOffset; at < content.Length;)
        {
            var found = ContentRanges.IndexOf(content, at, content.Length - at, Signature);
            if (found < 0)
            {
                return -1;
            }

            if ((found - SignatureOffset) % Alignment == 0)
            {
                return found - SignatureOffset;
            }

            at = found + 1;
        }

        return -1;
    }

    /// <summary>Reads a header that has the signature and could be one; nothing is said of its sum.</summary>
    public static bool TryRead(IRomImageContent content, long start, out VolumeHeader header)
    {
        header = default;
        Span<byte> bytes = stackalloc byte[FixedSize];
        if (start < 0 || !content.TryRead(start, bytes) || !bytes.Slice(SignatureOffset, 4).SequenceEqual(Signature))
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]);
        int headerLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[48..]);
        if (headerLength is < FixedSize + 8 or > LongestHeader || length > long.MaxValue)
        {
            return false;
        }

        header = new(
            start,
            new Guid(bytes.Slice(16, 16)),
            (long)length,
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[44..]),
            headerLength,
            BinaryPrimitives.ReadUInt16LittleEndian(bytes[52..]),
            bytes[55]);
        return true;
    }

    /// <summary>The 16-bit sum of the header, which has to be 0; null when the content ends before it does.</summary>
    public ushort? Sum(IRomImageContent content)
    {
        Span<byte> bytes = stackalloc byte[HeaderLength];
        return content.TryRead(Start, bytes) ? Sum16.Hash(bytes) : null;
    }

    public bool SumHolds(IRomImageContent content) => Sum(content) == 0 && Length >= HeaderLength && Length <= content.Length - Start;
}
