using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Images.Formats.Packages;

/// <summary>An entry of a zip file, with its place.</summary>
internal sealed record ZipEntry(string Name, int Method, bool HasSizesBehind, uint Crc, long CompressedLength, long Length, long HeaderOffset, long DataOffset);

/// <summary>
/// The central directory of a zip file (APPNOTE 6.3.10), read strictly: every entry has to be where the directory and its own header say, none may overlap another,
/// nothing may lie between them, and nothing is believed twice. Encryption, zip64, several disks and other methods than stored and deflated are refused.
/// </summary>
internal static class ZipDirectory
{
    public const int Stored = 0;
    public const int Deflated = 8;

    /// <summary>The most entries. A firmware package has less than ten.</summary>
    public const int MaxEntries = 1024;

    /// <summary>The largest directory in bytes.</summary>
    public const int MaxDirectoryLength = 1 << 20;

    /// <summary>How many times its compressed size an entry may have: deflate reaches 1032.</summary>
    public const int MaxRatio = 1032;

    private const uint EndSignature = 0x0605_4B50;
    private const uint EntrySignature = 0x0201_4B50;
    private const uint LocalSignature = 0x0403_4B50;
    private const int EndSize = 22;
    private const int EntrySize = 46;
    private const int LocalSize = 30;
    private const int MaxComment = ushort.MaxValue;
    private const uint DescriptorSignature = 0x0807_4B50;
    private const int DescriptorSize = 12;

    // Bits of the general purpose flag: encrypted, sizes behind the data, patched, strongly encrypted, masked headers.
    private const int Refused = 0x0001 | 0x0020 | 0x0040 | 0x2000;
    private const int SizesBehind = 0x0008;
    private const int Utf8 = 0x0800;

    /// <summary>The place of the end record, or -1: the last one that fits, with its comment, to the end of the file.</summary>
    public static long FindEnd(IRomImageContent content)
    {
        var length = (int)Math.Min(content.Length, EndSize + MaxComment);
        if (length < EndSize)
        {
            return -1;
        }

        if (IsAtEnd(content))
        {
            return content.Length - EndSize;
        }

        var tail = new byte[length];
        if (!content.TryRead(content.Length - length, tail))
        {
            return -1;
        }

        for (var at = length - EndSize; at >= 0; at--)
        {
            if (IsEnd(tail.AsSpan(at), length - at - EndSize))
            {
                return content.Length - length + at;
            }
        }

        return -1;
    }

    /// <summary>Whether the last thing in the file is an end record, as it mostly is. Tells a file that is something else at its beginning.</summary>
    public static bool IsAtEnd(IRomImageContent content)
    {
        Span<byte> record = stackalloc byte[EndSize];
        return content.Length >= EndSize && content.TryRead(content.Length - EndSize, record) && IsEnd(record, 0);
    }

    /// <summary>Reads all entries; what is wrong is reported, and null given.</summary>
    public static List<ZipEntry>? Read(RomImageReading reading, long end)
    {
        var content = reading.Content;
        Span<byte> record = stackalloc byte[EndSize];
        content.TryRead(end, record);
        int disk = BinaryPrimitives.ReadUInt16LittleEndian(record[4..]), first = BinaryPrimitives.ReadUInt16LittleEndian(record[6..]);
        int here = BinaryPrimitives.ReadUInt16LittleEndian(record[8..]), count = BinaryPrimitives.ReadUInt16LittleEndian(record[10..]);
        long size = BinaryPrimitives.ReadUInt32LittleEndian(record[12..]), start = BinaryPrimitives.ReadUInt32LittleEndian(record[16..]);
        if (disk != 0 || first != 0 || here != count)
        {
            reading.Malformed(end, $"the zip file is one of several disks");
            return null;
        }

        if (count is 0 or > MaxEntries || size > MaxDirectoryLength)
        {
            reading.Malformed(end + 8, $"the zip file says it has {count} entries in a directory of {size} bytes; 1 to {MaxEntries} in at most {MaxDirectoryLength} are read");
            return null;
        }

        if (start + size != end)
        {
            reading.Malformed(end + 12, $"the directory is said to be at 0x{start:X} with 0x{size:X} bytes, which does not end where its end record begins (0x{end:X})");
            return null;
        }

        var directory = new byte[(int)size];
        if (!content.TryRead(start, directory))
        {
            return null;
        }

        var entries = new List<ZipEntry>(count);
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var at = 0;
        for (var i = 0; i < count; i++)
        {
            if (directory.Length - at < EntrySize || BinaryPrimitives.ReadUInt32LittleEndian(directory.AsSpan(at)) != EntrySignature)
            {
                reading.Malformed(start + at, $"entry {i} of the directory is none");
                return null;
            }

            var bytes = directory.AsSpan(at);
            var lengths = (Name: (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]), Extra: (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes[30..]), Comment: (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes[32..]));
            var whole = EntrySize + lengths.Name + lengths.Extra + lengths.Comment;
            if (whole > bytes.Length)
            {
                reading.Malformed(start + at, $"entry {i} of the directory does not fit");
                return null;
            }

            if (ReadEntry(reading, start + at, bytes[..whole], lengths.Name) is not { } entry)
            {
                return null;
            }

            if (!names.Add(entry.Name))
            {
                reading.Malformed(start + at, $"two entries are named '{entry.Name}'");
                return null;
            }

            entries.Add(entry);
            at += whole;
        }

        if (at != directory.Length)
        {
            reading.Malformed(start + at, $"something follows the last entry of the directory");
            return null;
        }

        return AreSeamless(reading, entries, start) ? entries : null;
    }

    private static bool IsEnd(ReadOnlySpan<byte> record, int comment) =>
        BinaryPrimitives.ReadUInt32LittleEndian(record) == EndSignature && BinaryPrimitives.ReadUInt16LittleEndian(record[20..]) == comment;

    private static ZipEntry? ReadEntry(RomImageReading reading, long at, ReadOnlySpan<byte> bytes, int nameLength)
    {
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]), method = BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]);
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
        long compressed = BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]), length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]);
        long header = BinaryPrimitives.ReadUInt32LittleEndian(bytes[42..]);
        var nameBytes = bytes.Slice(EntrySize, nameLength);
        if ((flags & Refused) != 0)
        {
            reading.Malformed(at + 8, $"the entry is encrypted or patched (flags 0x{flags:X4})");
            return null;
        }

        if (method is not (Stored or Deflated))
        {
            reading.Malformed(at + 10, $"the entry is compressed by method {method}; stored (0) and deflated (8) are read");
            return null;
        }

        if ((flags & Utf8) == 0 && nameBytes.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
        {
            reading.Malformed(at + EntrySize, $"the entry's name is neither ASCII nor marked as UTF-8");
            return null;
        }

        var name = Encoding.UTF8.GetString(nameBytes);

        // Folders are entries without content, whose names end with a slash.
        var isFolder = name.EndsWith('/') && length == 0;
        if (EntryName.WhyRefused(isFolder ? name[..^1] : name) is { } why)
        {
            reading.Malformed(at + EntrySize, $"the entry's name '{name}' is refused: {why}");
            return null;
        }

        if (compressed == uint.MaxValue || length == uint.MaxValue || header == uint.MaxValue)
        {
            reading.Malformed(at + 20, $"the entry needs zip64, which firmware packages do not");
            return null;
        }

        if ((method == Stored && compressed != length) || length > Math.Max(compressed, 1) * MaxRatio)
        {
            reading.Malformed(at + 20, $"the entry has {compressed} bytes compressed and {length} extracted, which can't be");
            return null;
        }

        return CheckLocal(reading, header, nameBytes, flags, method, crc, compressed, length) is { } data
            ? new ZipEntry(name, method, (flags & SizesBehind) != 0, crc, compressed, length, header, data)
            : null;
    }

    // The entry's own header has to say what the directory says; gives the place of the data.
    private static long? CheckLocal(RomImageReading reading, long at, ReadOnlySpan<byte> name, int flags, int method, uint crc, long compressed, long length)
    {
        Span<byte> local = stackalloc byte[LocalSize];
        if (!reading.Content.TryRead(at, local) || BinaryPrimitives.ReadUInt32LittleEndian(local) != LocalSignature)
        {
            reading.Malformed(at, $"here is no entry, although the directory says so");
            return null;
        }

        var ownName = new byte[BinaryPrimitives.ReadUInt16LittleEndian(local[26..])];
        var data = at + LocalSize + ownName.Length + BinaryPrimitives.ReadUInt16LittleEndian(local[28..]);
        var isSame = reading.Content.TryRead(at + LocalSize, ownName)
            && ownName.AsSpan().SequenceEqual(name)
            && BinaryPrimitives.ReadUInt16LittleEndian(local[6..]) == flags
            && BinaryPrimitives.ReadUInt16LittleEndian(local[8..]) == method;

        // Where the sizes are behind the data, those that were not known yet are 0 here.
        var mayBeZero = (flags & SizesBehind) != 0;
        foreach (var (own, said) in ((uint Own, long Said)[])[(BinaryPrimitives.ReadUInt32LittleEndian(local[14..]), crc), (BinaryPrimitives.ReadUInt32LittleEndian(local[18..]), compressed), (BinaryPrimitives.ReadUInt32LittleEndian(local[22..]), length)])
        {
            isSame &= own == said || (mayBeZero && own == 0);
        }

        if (!isSame)
        {
            reading.Malformed(at, $"the entry's own header does not say what the directory says");
            return null;
        }

        return data;
    }

    // One after the other from the file's beginning to its directory: what lies in between, no reader of the directory would ever see.
    private static bool AreSeamless(RomImageReading reading, List<ZipEntry> entries, long directory)
    {
        var done = 0L;
        foreach (var entry in entries.OrderBy(e => e.HeaderOffset))
        {
            var end = entry.DataOffset + entry.CompressedLength;
            if (entry.HeaderOffset < done || end > directory)
            {
                reading.Malformed(entry.HeaderOffset, $"the entry '{entry.Name}' overlaps another one or the directory");
                return false;
            }

            if (entry.HeaderOffset > done)
            {
                reading.Malformed(done, $"{entry.HeaderOffset - done} bytes in front of the entry '{entry.Name}' belong to none");
                return false;
            }

            if (entry.HasSizesBehind)
            {
                if (DescriptorLength(reading, entry, end) is not { } descriptor)
                {
                    reading.Malformed(end, $"what is behind the entry '{entry.Name}' does not say what the directory says");
                    return false;
                }

                end += descriptor;
            }

            done = end;
        }

        if (done != directory)
        {
            reading.Malformed(done, $"{directory - done} bytes in front of the directory belong to no entry");
            return false;
        }

        return true;
    }

    // With or without its signature (4.3.9.3); the sum may have the signature's value by chance.
    private static int? DescriptorLength(RomImageReading reading, ZipEntry entry, long at)
    {
        Span<byte> bytes = stackalloc byte[4 + DescriptorSize];
        return reading.Content.TryRead(at, bytes) && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == DescriptorSignature && Says(bytes[4..], entry) ? 4 + DescriptorSize
            : reading.Content.TryRead(at, bytes[..DescriptorSize]) && Says(bytes, entry) ? DescriptorSize
            : null;
    }

    private static bool Says(ReadOnlySpan<byte> descriptor, ZipEntry entry) =>
        BinaryPrimitives.ReadUInt32LittleEndian(descriptor) == entry.Crc
        && BinaryPrimitives.ReadUInt32LittleEndian(descriptor[4..]) == entry.CompressedLength
        && BinaryPrimitives.ReadUInt32LittleEndian(descriptor[8..]) == entry.Length;
}
