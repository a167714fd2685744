using System.Buffers.Binary;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>EFI_FIRMWARE_VOLUME_HEADER (UEFI PI 1.8, volume 3, 3.2.1), with what tells whether it is one.</summary>
internal readonly record struct VolumeHeader
{
    /// <summary>The header without a block map.</summary>
    public const int FixedSize = 56;

    /// <summary>Where <c>_FVH</c> lies in the header.</summary>
    public const int SignatureOffset = 40;

    public const int FileSystemOffset = 16;
    public const int LengthOffset = 32;
    public const int AttributesOffset = 44;
    public const int HeaderLengthOffset = 48;
    public const int ExtendedHeaderOffsetOffset = 52;
    public const int ReservedOffset = 54;
    public const int RevisionOffset = 55;

    /// <summary>The longest header that is taken for one: with 120 kinds of blocks. A chip has one or two.</summary>
    public const int LongestHeader = 1024;

    // A block map entry: how many blocks, and how long each is.
    private const int MapEntrySize = 8;

    private const uint ErasesToOnes = 0x800;

    public static ReadOnlySpan<byte> Signature => "_FVH"u8;

    public bool HasSignature { get; private init; }

    public Guid FileSystem { get; private init; }

    public ulong Length { get; private init; }

    public uint Attributes { get; private init; }

    public int HeaderLength { get; private init; }

    public int ExtendedHeaderOffset { get; private init; }

    public byte Reserved { get; private init; }

    public byte Revision { get; private init; }

    /// <summary>The sum of all words of the header, which has to be 0; null when the header does not lie in the content, or can have no sum.</summary>
    public ushort? Sum { get; private init; }

    /// <summary>How many bytes the block map stands for; null when it is not terminated inside of the header.</summary>
    public ulong? MappedLength { get; private init; }

    /// <summary>How many bytes of the header the block map and its end take up.</summary>
    public int MapEnd { get; private init; }

    public byte ErasedByte => (Attributes & ErasesToOnes) != 0 ? (byte)0xFF : (byte)0;

    /// <summary>What the beginning of the volume has to be aligned to (EFI_FVB2_ALIGNMENT; the attributes of revision 1 have another meaning).</summary>
    public long Alignment => Revision == 2 ? 1L << (int)((Attributes >> 16) & 0x1F) : 1;

    public bool HasPlausibleHeaderLength => HeaderLength is >= FixedSize + MapEntrySize and <= LongestHeader;

    /// <summary>Reads the header at an offset; false when the content ends before it.</summary>
    public static bool TryRead(IRomImageContent content, long offset, out VolumeHeader header)
    {
        header = default;
        Span<byte> bytes = stackalloc byte[FixedSize];
        if (!content.TryRead(offset, bytes))
        {
            return false;
        }

        header = new()
        {
            HasSignature = bytes.Slice(SignatureOffset, Signature.Length).SequenceEqual(Signature),
            FileSystem = new(bytes.Slice(FileSystemOffset, 16)),
            Length = BinaryPrimitives.ReadUInt64LittleEndian(bytes[LengthOffset..]),
            Attributes = BinaryPrimitives.ReadUInt32LittleEndian(bytes[AttributesOffset..]),
            HeaderLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[HeaderLengthOffset..]),
            ExtendedHeaderOffset = BinaryPrimitives.ReadUInt16LittleEndian(bytes[ExtendedHeaderOffsetOffset..]),
            Reserved = bytes[ReservedOffset],
            Revision = bytes[RevisionOffset],
        };
        if (!header.HasPlausibleHeaderLength)
        {
            return true;
        }

        Span<byte> whole = stackalloc byte[LongestHeader];
        whole = whole[..header.HeaderLength];
        if (!content.TryRead(offset, whole))
        {
            return true;
        }

        header = header with { Sum = Sum16.Hash(whole) };
        ulong mapped = 0;
        for (var at = FixedSize; at + MapEntrySize <= whole.Length; at += MapEntrySize)
        {
            ulong count = BinaryPrimitives.ReadUInt32LittleEndian(whole[at..]);
            ulong size = BinaryPrimitives.ReadUInt32LittleEndian(whole[(at + 4)..]);
            if (count == 0 && size == 0)
            {
                header = header with { MappedLength = mapped, MapEnd = at + MapEntrySize };
                break;
            }

            mapped = ulong.MaxValue - mapped < count * size ? ulong.MaxValue : mapped + (count * size);
        }

        return true;
    }

    /// <summary>Whether nothing in the header contradicts it: good enough to say that there is a volume.</summary>
    public bool Vouches(long space) =>
        HasSignature && Sum == 0 && Revision is 1 or 2 && Length >= (ulong)HeaderLength && Length <= (ulong)space;

    /// <summary>Whether it was a volume header before something happened to it, and not a text that happens to be the signature. One wrong bit leaves enough.</summary>
    public bool IsCredible(long space)
    {
        var points = (HasSignature ? 1 : 0)
            + (Sum == 0 ? 2 : 0)
            + (FileSystems.NameOf(FileSystem) is null ? 0 : 2)
            + (Revision is 1 or 2 ? 1 : 0)
            + (Reserved == 0 ? 1 : 0)
            + (HasPlausibleHeaderLength ? 1 : 0)
            + (Length > FixedSize && Length <= (ulong)space ? 1 : 0)
            + (MappedLength is { } mapped && mapped == Length ? 2 : 0);
        return points >= 6;
    }
}
