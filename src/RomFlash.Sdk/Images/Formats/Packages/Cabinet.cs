using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace RomFlash.Sdk.Images.Formats.Packages;

/// <summary>A block of a folder: where its data is, and how long it is compressed and extracted.</summary>
internal readonly record struct CabinetBlock(long DataOffset, int CompressedLength, int Length);

/// <summary>Files that were compressed together.</summary>
internal sealed record CabinetFolder(RomPartBuilder Part, long Start, bool IsCompressed, ImmutableArray<CabinetBlock> Blocks)
{
    public long Length { get; } = Blocks.Sum(b => (long)b.Length);
}

/// <summary>A file, with its place in what its folder extracts to.</summary>
internal sealed record CabinetFile(string Name, CabinetFolder Folder, long Offset, long Length)
{
    /// <summary>How much has to be decoded to get at it: what was compressed together is decoded from its beginning.</summary>
    public long Cost => Folder.IsCompressed ? Offset + Length : 0;
}

/// <summary>
/// A cabinet (MS-CAB), read strictly: everything has to lie in the file, nothing may overlap, and every block's checksum has to hold. Sets of several cabinets and other
/// compressions than none and MSZIP are refused.
/// </summary>
internal static class Cabinet
{
    public const int MaxFolders = 64;
    public const int MaxFiles = 1024;

    /// <summary>The most that a block extracts to (MS-CAB 2.5).</summary>
    public const int MaxBlockLength = 32 << 10;

    // What deflate may add to what it can't compress (MS-CAB 2.5 has the same bound), and the two letters in front of it.
    private const int MaxCompressedLength = MaxBlockLength + 6144;
    private const int HeaderSize = 36;
    private const int FolderSize = 8;
    private const int FileSize = 16;
    private const int BlockSize = 8;
    private const int HasPrevious = 1;
    private const int HasNext = 2;
    private const int HasReserve = 4;
    private const int MaxHeaderReserve = 60_000;
    private const ushort NameIsUtf8 = 0x80;

    public static ReadOnlySpan<byte> Signature => "MSCF"u8;

    /// <summary>Reads everything; what is wrong is reported, and null given.</summary>
    public static List<CabinetFile>? Read(RomImageReading reading)
    {
        var content = reading.Content;
        Span<byte> header = stackalloc byte[HeaderSize + 4];
        if (!content.TryRead(0, header[..HeaderSize]))
        {
            reading.Truncated($"the cabinet header has {HeaderSize} bytes");
            return null;
        }

        long size = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]), files = BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
        int folderCount = BinaryPrimitives.ReadUInt16LittleEndian(header[26..]), fileCount = BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(header[30..]);
        if (header[25] != 1 || header[24] > 3)
        {
            reading.Malformed(24, $"the cabinet has version {header[25]}.{header[24]}, and 1.3 is known");
            return null;
        }

        if (size != content.Length)
        {
            if (size > content.Length)
            {
                reading.Truncated($"the cabinet says it has {size} bytes");
            }
            else
            {
                reading.Malformed(8, $"the cabinet says it has {size} bytes, the file has {content.Length}");
            }

            return null;
        }

        if ((flags & (HasPrevious | HasNext)) != 0 || (flags & ~7) != 0)
        {
            reading.Malformed(30, $"the cabinet is one of several, or has flags that mean nothing (0x{flags:X4})");
            return null;
        }

        if (folderCount is 0 or > MaxFolders || fileCount is 0 or > MaxFiles)
        {
            reading.Malformed(26, $"the cabinet has {folderCount} folders and {fileCount} files; 1 to {MaxFolders} and 1 to {MaxFiles} are read");
            return null;
        }

        var (at, folderReserve, blockReserve) = ((long)HeaderSize, 0, 0);
        if ((flags & HasReserve) != 0)
        {
            if (!content.TryRead(at, header[..4]))
            {
                reading.Truncated($"the cabinet's reserved area is cut off");
                return null;
            }

            var headerReserve = BinaryPrimitives.ReadUInt16LittleEndian(header);
            if (headerReserve > MaxHeaderReserve)
            {
                reading.Malformed(at, $"the cabinet reserves {headerReserve} bytes, at most {MaxHeaderReserve} are allowed");
                return null;
            }

            (folderReserve, blockReserve) = (header[2], header[3]);
            at += 4 + headerReserve;
        }

        reading.Add("cabinet-header", 0, at);
        return ReadFolders(reading, at, folderCount, folderReserve, blockReserve, files) is { } folders ? ReadFiles(reading, files, fileCount, folders) : null;
    }

    private static List<CabinetFolder>? ReadFolders(RomImageReading reading, long at, int count, int folderReserve, int blockReserve, long files)
    {
        var folders = new List<CabinetFolder>(count);
        var done = 0L;
        Span<byte> entry = stackalloc byte[FolderSize];
        for (var i = 0; i < count; i++, at += FolderSize + folderReserve)
        {
            if (!reading.Content.TryRead(at, entry))
            {
                reading.Truncated($"the entry of folder {i} is cut off");
                return null;
            }

            long start = BinaryPrimitives.ReadUInt32LittleEndian(entry);
            int blocks = BinaryPrimitives.ReadUInt16LittleEndian(entry[4..]), compression = BinaryPrimitives.ReadUInt16LittleEndian(entry[6..]) & 0x0F;
            if (compression > 1)
            {
                reading.Malformed(at + 6, $"the folder is compressed by method {compression} ({(compression == 2 ? "Quantum" : compression == 3 ? "LZX" : "not known")}); none (0) and MSZIP (1) are read");
                return null;
            }

            if (start < Math.Max(files, done))
            {
                reading.Malformed(at, $"the folder's data begins at 0x{start:X}, in front of what lies before it (0x{Math.Max(files, done):X})");
                return null;
            }

            var part = reading.Add("cabinet-folder", start, 0);
            part.Name = FormattableString.Invariant($"folder {i}");
            part.Note(compression == 0 ? "stored" : "MSZIP");
            if (ReadBlocks(reading, part, start, blocks, blockReserve, compression == 1, out var end) is not { } found)
            {
                return null;
            }

            part.Length = end - start;
            part.Note(FormattableString.Invariant($"{blocks} blocks"));
            done = end;
            folders.Add(new(part, start, compression == 1, found));
            part.DecodedLength = folders[i].Length;
        }

        if (files < at)
        {
            reading.Malformed(16, $"the files are said to be listed at 0x{files:X}, which is in front of the end of the folders' entries (0x{at:X})");
            return null;
        }

        return folders;
    }

    private static ImmutableArray<CabinetBlock>? ReadBlocks(RomImageReading reading, RomPartBuilder part, long at, int count, int reserve, bool isCompressed, out long end)
    {
        var blocks = ImmutableArray.CreateBuilder<CabinetBlock>();
        Span<byte> header = stackalloc byte[BlockSize];
        var data = new byte[MaxCompressedLength];
        var unset = 0;
        end = at;
        for (var i = 0; i < count; i++)
        {
            if (!reading.Content.TryRead(at, header))
            {
                reading.Truncated($"block {i} of the folder is cut off");
                return null;
            }

            var sum = BinaryPrimitives.ReadUInt32LittleEndian(header);
            int compressed = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]), length = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
            var start = at + BlockSize + reserve;
            if (compressed > MaxCompressedLength || length is 0 or > MaxBlockLength || (!isCompressed && compressed != length) || (isCompressed && compressed < 3))
            {
                reading.Malformed(at + 4, $"block {i} has {compressed} bytes compressed and {length} extracted, which can't be");
                return null;
            }

            if (!reading.Content.TryRead(start, data.AsSpan(0, compressed)))
            {
                reading.Truncated($"block {i} of the folder is cut off");
                return null;
            }

            if (isCompressed && (data[0] != 'C' || data[1] != 'K'))
            {
                reading.Malformed(start, $"block {i} does not begin as MSZIP does");
                return null;
            }

            var found = Sum(header[4..], Sum(data.AsSpan(0, compressed), 0));
            if (sum == 0)
            {
                unset++;
            }
            else if (found != sum)
            {
                reading.Check(part, FormattableString.Invariant($"block {i} checksum"), start, compressed, sum, found, 8);
                return null;
            }

            blocks.Add(new(start, compressed, length));
            at = end = start + compressed;
        }

        if (unset > 0)
        {
            reading.Warn(FormattableString.Invariant($"{unset} blocks of a cabinet have no checksum"));
        }

        return blocks.ToImmutable();
    }

    // XOR of little-endian words; what is left at the end counts the other way round (MS-CAB 3.1).
    private static uint Sum(ReadOnlySpan<byte> bytes, uint seed)
    {
        for (; bytes.Length >= 4; bytes = bytes[4..])
        {
            seed ^= BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        }

        uint last = 0;
        foreach (var next in bytes)
        {
            last = (last << 8) | next;
        }

        return seed ^ last;
    }

    private static List<CabinetFile>? ReadFiles(RomImageReading reading, long start, int count, List<CabinetFolder> folders)
    {
        var at = start;
        var files = new List<CabinetFile>(count);
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        Span<byte> entry = stackalloc byte[FileSize];
        Span<byte> name = stackalloc byte[EntryName.MaxLength + 1];
        for (var i = 0; i < count; i++)
        {
            if (!reading.Content.TryRead(at, entry))
            {
                reading.Truncated($"the entry of file {i} is cut off");
                return null;
            }

            long length = BinaryPrimitives.ReadUInt32LittleEndian(entry), offset = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
            int folder = BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]), attributes = BinaryPrimitives.ReadUInt16LittleEndian(entry[14..]);
            var room = name[..(int)Math.Clamp(reading.Content.Length - at - FileSize, 0, name.Length)];
            reading.Content.TryRead(at + FileSize, room);
            var end = room.IndexOf((byte)0);
            if (end < 0)
            {
                reading.Malformed(at + FileSize, $"the name of file {i} does not end within {EntryName.MaxLength} bytes");
                return null;
            }

            var text = room[..end];
            if ((attributes & NameIsUtf8) == 0 && text.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
            {
                reading.Malformed(at + FileSize, $"the name of file {i} is neither ASCII nor marked as UTF-8");
                return null;
            }

            var called = Encoding.UTF8.GetString(text).Replace('\\', '/');
            if (EntryName.WhyRefused(called) is { } why)
            {
                reading.Malformed(at + FileSize, $"the name '{called}' is refused: {why}");
                return null;
            }

            if (!names.Add(called))
            {
                reading.Malformed(at + FileSize, $"two files are named '{called}'");
                return null;
            }

            if (folder >= folders.Count || offset + length > folders[folder].Length)
            {
                reading.Malformed(at + 4, $"the file '{called}' is not in what its folder extracts to");
                return null;
            }

            files.Add(new(called, folders[folder], offset, length));
            at += FileSize + end + 1;
        }

        if (folders[0].Start < at)
        {
            reading.Malformed(at, $"the list of the files runs into a folder's data");
            return null;
        }

        // What two files share would be two things at once.
        foreach (var folder in files.GroupBy(f => f.Folder, ReferenceEqualityComparer.Instance))
        {
            var done = 0L;
            foreach (var file in folder.OrderBy(f => f.Offset).ThenBy(f => f.Length))
            {
                if (file.Offset < done)
                {
                    reading.Malformed(start, $"the file '{file.Name}' shares bytes of its folder with another one");
                    return null;
                }

                done = file.Offset + file.Length;
            }
        }

        return files;
    }
}
