using System.Buffers.Binary;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>Reads volumes and the files in them (UEFI PI 1.8, volume 3, 3.2). One for each content in which volumes are looked for.</summary>
internal sealed class VolumeReader
{
    // EFI_FFS_FILE_HEADER and EFI_FFS_FILE_HEADER2 (3.2.3).
    private const int FileHeaderSize = 24;
    private const int LargeFileHeaderSize = 32;
    private const byte LargeFile = 0x01;
    private const byte HasDataSum = 0x40;
    private const byte NoDataSum = 0xAA;
    private const byte PadFile = 0xF0;

    // EFI_FIRMWARE_VOLUME_EXT_HEADER (3.2.2): the volume's name and the header's size.
    private const int ExtendedHeaderSize = 20;

    private readonly SectionReader _sections;

    public VolumeReader(CancellationToken cancellationToken) => _sections = new SectionReader(this, cancellationToken);

    /// <summary>All volumes of a content, and what lies between them.</summary>
    public void ReadAll(RomImageReading reading)
    {
        var content = reading.Content;
        var done = 0L;
        for (var at = 0L; !reading.IsOver && VolumeHeader.FindSignature(content, at) is >= 0 and var start;)
        {
            if (!VolumeHeader.TryRead(content, start, out var header))
            {
                // The four letters alone are no volume.
                at = start + VolumeHeader.Alignment;
                continue;
            }

            ReadGap(reading, done, start);
            done = start + ReadVolume(reading, header);
            at = done;
        }

        ReadGap(reading, done, content.Length);
    }

    // Between volumes flash is empty, or holds what only the firmware knows.
    private static void ReadGap(RomImageReading reading, long start, long end)
    {
        if (start >= end || reading.IsOver)
        {
            return;
        }

        var content = reading.Content;
        Span<byte> first = stackalloc byte[1];
        if (content.TryRead(start, first) && first[0] is 0xFF or 0 && ContentRanges.IndexOfAnyExcept(content, start, end - start, first[0]) < 0)
        {
            reading.Add("padding", start, end - start).Note(first[0] == 0 ? "all 00" : "all FF");
            return;
        }

        reading.Add("data", start, end - start).Note("between volumes; not checked");
        Span<byte> pattern = stackalloc byte[16];
        foreach (var fileSystem in (ReadOnlySpan<Guid>)[VolumeHeader.Ffs2, VolumeHeader.Ffs3])
        {
            fileSystem.TryWriteBytes(pattern);
            if (ContentRanges.IndexOf(content, start, end - start, pattern) is >= 16 and var found && (found - 16) % VolumeHeader.Alignment == 0)
            {
                reading.Malformed(found - 16, $"here is the file system of a volume ({fileSystem}), and no volume signature behind it");
            }
        }
    }

    /// <summary>One volume; gives how many bytes it takes.</summary>
    private long ReadVolume(RomImageReading reading, VolumeHeader header)
    {
        var content = reading.Content;
        var room = content.Length - header.Start;
        var part = reading.Add("firmware-volume", header.Start, Math.Min(header.Length, room));
        part.Id = header.FileSystem;
        var headerLength = (int)Math.Min(header.HeaderLength, room);
        if (header.Sum(content) is not { } sum)
        {
            reading.Truncated($"the header of the volume at 0x{header.Start:X} has {header.HeaderLength} bytes");
            return room;
        }

        if (!reading.Check(part, "header sum16", header.Start, headerLength, 0, sum, 4))
        {
            // Nothing that the header says can be believed, its length least of all.
            return headerLength;
        }

        part.Note(header.FileSystem == VolumeHeader.Ffs2 ? "FFS2" : header.FileSystem == VolumeHeader.Ffs3 ? "FFS3" : header.FileSystem == VolumeHeader.NvData ? "NVRAM" : "file system not known");
        if (header.Length < header.HeaderLength || header.Length > room)
        {
            if (header.Length > room)
            {
                reading.Truncated($"the volume at 0x{header.Start:X} says it has 0x{header.Length:X} bytes, 0x{room:X} are there");
            }
            else
            {
                reading.Malformed(header.Start + 32, $"the volume says it has 0x{header.Length:X} bytes, its header alone has 0x{header.HeaderLength:X}");
            }

            return room;
        }

        if (header.Revision is not (1 or 2))
        {
            reading.Malformed(header.Start + 55, $"the volume header has revision {header.Revision}, and only 1 and 2 are known");
        }

        CheckBlockMap(reading, header);
        var files = FirstFile(reading, header, part);
        if (header.HasFiles)
        {
            ReadFiles(reading, header, part, files);
        }
        else if (header.FileSystem == VolumeHeader.NvData)
        {
            part.Note("variables, which the firmware writes; not checked");
        }
        else
        {
            reading.Warn($"the file system {header.FileSystem} of a volume is not known here; what is in it was not checked");
        }

        return header.Length;
    }

    private static void CheckBlockMap(RomImageReading reading, VolumeHeader header)
    {
        Span<byte> entry = stackalloc byte[8];
        var total = 0UL;
        for (var at = VolumeHeader.FixedSize; at + entry.Length <= header.HeaderLength; at += entry.Length)
        {
            if (!reading.Content.TryRead(header.Start + at, entry))
            {
                return;
            }

            ulong blocks = BinaryPrimitives.ReadUInt32LittleEndian(entry);
            ulong size = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
            if (blocks == 0 && size == 0)
            {
                if (total != (ulong)header.Length)
                {
                    // Volumes for variables are made with the block map of the whole device.
                    reading.Warn(FormattableString.Invariant($"{reading.Where(header.Start)}: the block map has 0x{total:X} bytes, the volume 0x{header.Length:X}"));
                }

                return;
            }

            total = blocks > 0 && size > (ulong.MaxValue - total) / blocks ? ulong.MaxValue : total + (blocks * size);
        }

        reading.Malformed(header.Start + VolumeHeader.FixedSize, $"the block map does not end within the header");
    }

    // Where files begin: behind the header, or behind the extended one (3.2.2).
    private static long FirstFile(RomImageReading reading, VolumeHeader header, RomPartBuilder part)
    {
        if (header.ExtendedHeaderOffset == 0)
        {
            return Align(header.HeaderLength);
        }

        Span<byte> bytes = stackalloc byte[ExtendedHeaderSize];
        if (header.ExtendedHeaderOffset < header.HeaderLength
            || header.ExtendedHeaderOffset > header.Length - bytes.Length
            || !reading.Content.TryRead(header.Start + header.ExtendedHeaderOffset, bytes))
        {
            reading.Malformed(header.Start + 52, $"the extended header begins at 0x{header.ExtendedHeaderOffset:X} of the volume, which is not behind its header and in it");
            return Align(header.HeaderLength);
        }

        long size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
        if (size < ExtendedHeaderSize || size > header.Length - header.ExtendedHeaderOffset)
        {
            reading.Malformed(header.Start + header.ExtendedHeaderOffset + 16, $"the extended header says it has 0x{size:X} bytes");
            return Align(header.HeaderLength);
        }

        var extended = reading.Add("volume-extended-header", header.Start + header.ExtendedHeaderOffset, size, part);
        extended.Id = new Guid(bytes[..16]);
        part.Name = extended.Id.Value.ToString();
        Span<byte> entry = stackalloc byte[4];
        for (var at = header.ExtendedHeaderOffset + (long)ExtendedHeaderSize; at < header.ExtendedHeaderOffset + size && !reading.IsOver;)
        {
            long length = header.ExtendedHeaderOffset + size - at >= entry.Length && reading.Content.TryRead(header.Start + at, entry) ? BinaryPrimitives.ReadUInt16LittleEndian(entry) : 0;
            if (length < entry.Length || length > header.ExtendedHeaderOffset + size - at)
            {
                reading.Malformed(header.Start + at, $"an entry of the extended header does not fit");
                break;
            }

            at += length;
        }

        return Align(header.ExtendedHeaderOffset + size);
    }

    private void ReadFiles(RomImageReading reading, VolumeHeader header, RomPartBuilder volume, long first)
    {
        Span<byte> head = stackalloc byte[LargeFileHeaderSize];
        for (var at = first; at < header.Length && !reading.IsOver;)
        {
            var room = header.Length - at;
            var start = header.Start + at;
            if (room < FileHeaderSize || !reading.Content.TryRead(start, head[..FileHeaderSize]) || !head[..FileHeaderSize].ContainsAnyExcept(header.EraseValue))
            {
                ReadFreeSpace(reading, header, volume, at);
                return;
            }

            var size = ReadFile(reading, header, volume, at, head);
            if (size == 0)
            {
                return;
            }

            at = Align(at + size);
        }
    }

    private static void ReadFreeSpace(RomImageReading reading, VolumeHeader header, RomPartBuilder volume, long at)
    {
        if (at >= header.Length)
        {
            return;
        }

        var space = reading.Add("free-space", header.Start + at, header.Length - at, volume);
        if (ContentRanges.IndexOfAnyExcept(reading.Content, header.Start + at, header.Length - at, header.EraseValue) is >= 0 and var used)
        {
            space.Note("not empty");
            reading.Warn($"{reading.Where(used)}: the free space of a volume is not empty");
        }
    }

    // Gives the size, or 0 when nobody can tell where the next file is.
    private long ReadFile(RomImageReading reading, VolumeHeader header, RomPartBuilder volume, long at, Span<byte> head)
    {
        var start = header.Start + at;
        var room = header.Length - at;
        long size = head[20] | (head[21] << 8) | (head[22] << 16);
        var (type, attributes) = (head[18], head[19]);
        var headerSize = FileHeaderSize;
        if ((attributes & LargeFile) != 0 && header.FileSystem == VolumeHeader.Ffs3)
        {
            headerSize = LargeFileHeaderSize;
            if (room < headerSize || !reading.Content.TryRead(start, head))
            {
                reading.Malformed(start, $"the header of a large file does not fit into the volume");
                return 0;
            }

            var extended = BinaryPrimitives.ReadUInt64LittleEndian(head[24..]);
            size = extended > long.MaxValue ? long.MaxValue : (long)extended;
        }

        var part = reading.Add("ffs-file", start, Math.Clamp(size, 0, room), volume);
        part.Id = new Guid(head[..16]);
        part.Note(VolumeNames.FileType(type));

        // The state and the sum of the data change after the header was summed (3.2.3.1).
        var sum = (byte)(Sum8.Hash(head[..headerSize]) - head[23] - head[17]);
        if (!reading.Check(part, "header sum8", start, headerSize, 0, sum, 2))
        {
            return size >= headerSize && size <= room ? size : 0;
        }

        if (size < headerSize || size > room)
        {
            reading.Malformed(start + 20, $"the file says it has 0x{size:X} bytes; its header has 0x{headerSize:X}, and 0x{room:X} are left in the volume");
            return 0;
        }

        if (!IsValid(reading, header, part, start, head[23]))
        {
            return size;
        }

        var (data, length) = (start + headerSize, size - headerSize);
        if ((attributes & HasDataSum) != 0)
        {
            reading.Check(part, "data sum8", data, length, 0, (byte)(ContentRanges.Sum8(reading.Content, data, length) + head[17]), 2);
        }
        else
        {
            reading.Check(part, "data sum8, not used", data, length, NoDataSum, head[17], 2);
        }

        if (type == PadFile)
        {
            if (ContentRanges.IndexOfAnyExcept(reading.Content, data, length, header.EraseValue) >= 0)
            {
                part.Note("not empty");
            }
        }
        else if (VolumeNames.HasSections(type) && reading.Slice(part, data, length) is { } inner)
        {
            _sections.ReadAll(inner, part);
        }

        return size;
    }

    // EFI_FFS_FILE_STATE (3.2.3.1): bits are set one after the other; the last one counts.
    private static bool IsValid(RomImageReading reading, VolumeHeader header, RomPartBuilder part, long start, byte state)
    {
        switch (header.EraseValue == 0xFF ? (byte)~state : state)
        {
            case 0x07:
                return true;
            case 0x0F:
                reading.Warn($"{reading.Where(start)}: file {part.Id} is marked for an update that did not happen");
                return true;
            case 0x17 or 0x1F:
                part.Note("deleted");
                reading.Warn($"{reading.Where(start)}: file {part.Id} is deleted, and still there");
                return false;
            case 0x21 or 0x23:
                part.Note("header invalid");
                reading.Warn($"{reading.Where(start)}: file {part.Id} was never finished");
                return false;
            default:
                reading.Malformed(start + 23, $"the file's state 0x{state:X2} is none that a finished image has");
                return false;
        }
    }

    private static long Align(long offset) => (offset + 7) & ~7L;
}
