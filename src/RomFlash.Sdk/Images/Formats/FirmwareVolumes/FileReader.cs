namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>Reads the files of an FFS2 or FFS3 volume (UEFI PI 1.8, volume 3, 3.2.3).</summary>
internal static class FileReader
{
    // Below this, nothing that a format knows fits into raw data.
    private const int LeastOfAnyFormat = 64;

    // EFI_FFS_VOLUME_TOP_FILE_GUID: its last byte is the volume's (UEFI PI 1.8, volume 3, 3.2.2).
    private static Guid VolumeTopFile => new("1ba0062e-c779-4582-8566-336ae8f78f09");

    /// <summary>Reads all files, and the free space behind them.</summary>
    public static void ReadFiles(RomImageReading reading, RomPartBuilder parent, Volume volume, long first)
    {
        Span<byte> buffer = stackalloc byte[FileHeader.LargeSize];
        var names = new HashSet<Guid>();
        for (var at = first; at < volume.End && !reading.IsOver;)
        {
            var bytes = buffer[..(int)Math.Min(buffer.Length, volume.End - at)];
            if (!reading.Content.TryRead(at, bytes))
            {
                return;
            }

            if (bytes[..Math.Min(FileHeader.Size, bytes.Length)].IndexOfAnyExcept(volume.Erased) < 0)
            {
                ReadFreeSpace(reading, parent, volume, at);
                return;
            }

            if (bytes.Length < FileHeader.Size)
            {
                reading.Malformed(at, $"the volume ends with {bytes.Length} bytes that are neither a file nor free");
                return;
            }

            var header = FileHeader.Read(bytes, volume.HasLargeFiles, volume.Erased);
            if (ReadFile(reading, parent, volume, at, header) is not { } part)
            {
                at = FindFile(reading.Content, volume, at + VolumeScan.Alignment);
                continue;
            }

            if (header.Type != FileHeader.Pad && !names.Add(header.Name))
            {
                reading.Warn($"two files of a volume have the name {header.Name}");
            }

            at = NextAfter(reading, volume, at + part.Length);
        }
    }

    /// <summary>Reads the pad file that an extended header lies in.</summary>
    /// <param name="reading">Whose content the volume lies in.</param>
    /// <param name="parent">The volume's part.</param>
    /// <param name="volume">The volume.</param>
    /// <param name="at">Where the file has to begin.</param>
    /// <param name="extended">Where the extended header begins.</param>
    /// <param name="end">Where the first file behind it begins.</param>
    /// <returns>The file, or null where the extended header lies in none.</returns>
    public static RomPartBuilder? ReadHolder(RomImageReading reading, RomPartBuilder parent, Volume volume, long at, long extended, long end)
    {
        Span<byte> bytes = stackalloc byte[FileHeader.LargeSize];
        var gap = extended - at;
        if (gap is not (FileHeader.Size or FileHeader.LargeSize) || !reading.Content.TryRead(at, bytes[..(int)gap]) || bytes[..(int)gap].IndexOfAnyExcept(volume.Erased) < 0)
        {
            if (gap > 0 && ContentRanges.IndexOfAnyExcept(reading.Content, at, gap, volume.Erased) >= 0)
            {
                reading.Warn($"{gap} bytes between a volume's header and its extended header belong to nothing");
            }

            return null;
        }

        var header = FileHeader.Read(bytes[..(int)gap], volume.HasLargeFiles, volume.Erased);
        var part = ReadFile(reading, parent, volume, at, header);
        if (header.Type != FileHeader.Pad)
        {
            reading.Malformed(at + FileHeader.TypeOffset, $"the file in front of the extended header has type 0x{header.Type:X2}, and a pad file is to hold it");
        }

        if (part is not null && volume.Align(at + part.Length) != end)
        {
            reading.Malformed(at + FileHeader.SizeOffset, $"the pad file around the extended header ends at 0x{at + part.Length:X}, the extended header at 0x{end:X}");
        }

        return part;
    }

    // Null where its size can't be right.
    private static RomPartBuilder? ReadFile(RomImageReading reading, RomPartBuilder parent, Volume volume, long at, FileHeader header)
    {
        var space = volume.End - at;
        var fits = header.FileSize >= (ulong)header.HeaderSize && header.FileSize <= (ulong)space;
        var part = reading.Add("ffs-file", at, fits ? (long)header.FileSize : header.HeaderSize, parent);
        part.Id = header.Name;
        part.Note(FileTypes.NameOf(header.Type) ?? FormattableString.Invariant($"type 0x{header.Type:X2}"));

        // The state changes after the sum was made, and the data has a sum of its own.
        reading.Check(part, "header sum8", at, header.HeaderSize, 0, header.Sum, 2);
        CheckState(reading, at, header);
        CheckAttributes(reading, volume, at, header);
        if (!fits)
        {
            reading.Malformed(at + (header.IsLarge ? FileHeader.ExtendedSizeOffset : FileHeader.SizeOffset), $"the file says it has {header.FileSize} bytes; {header.HeaderSize} to {space} are possible");
            return null;
        }

        var data = at + header.HeaderSize;
        var length = part.Length - header.HeaderSize;
        if (header.HasDataSum)
        {
            reading.Check(part, "data sum8", data, length, 0, (byte)(ContentRanges.Sum8(reading.Content, data, length) + header.FileSum), 2);
        }
        else
        {
            var isOld = volume.Revision == 1 && header.FileSum == FileHeader.FixedSumOfRevision1;
            reading.Check(part, "no data sum", data, length, isOld ? FileHeader.FixedSumOfRevision1 : FileHeader.FixedSum, header.FileSum, 2);
        }

        if (header.Name == VolumeTopFile && at + part.Length != volume.End)
        {
            reading.Malformed(at + FileHeader.SizeOffset, $"the volume top file ends at 0x{at + part.Length:X}, the volume at 0x{volume.End:X}");
        }

        ReadData(reading, part, volume, header, data, length);
        return part;
    }

    private static void ReadData(RomImageReading reading, RomPartBuilder part, Volume volume, FileHeader header, long data, long length)
    {
        if (length == 0)
        {
            part.Note("empty");
        }
        else if (header.Type == FileHeader.Pad)
        {
            if (ContentRanges.IndexOfAnyExcept(reading.Content, data, length, volume.Erased) >= 0)
            {
                part.Note("holds data");
            }
        }
        else if (FileTypes.IsSectioned(header.Type))
        {
            SectionReader.ReadSections(reading, part, part, data, length);
        }
        else if (header.Type == FileTypes.Raw)
        {
            ReadRaw(reading, part, data, length);
        }
    }

    /// <summary>Has raw data read by whoever knows it: a volume, an option ROM; mostly nobody does.</summary>
    public static void ReadRaw(RomImageReading reading, RomPartBuilder part, long data, long length)
    {
        if (length >= LeastOfAnyFormat)
        {
            reading.Slice(part, data, length)?.TryReadAsAny();
        }
    }

    private static void CheckState(RomImageReading reading, long at, FileHeader header)
    {
        var state = header.State;
        const byte Below = FileStates.Deleted | FileStates.MarkedForUpdate;
        if (state == FileStates.Valid)
        {
            return;
        }

        if ((state & ~Below) == FileStates.Valid || state == (FileStates.HeaderConstruction | FileStates.HeaderValid | FileStates.Deleted))
        {
            reading.Warn((state & FileStates.Deleted) != 0
                ? $"the file {header.Name} is deleted: firmware passes over it"
                : $"the file {header.Name} is marked for update: firmware takes it as long as it finds no other of the name");
            return;
        }

        var what = state switch
        {
            FileStates.HeaderConstruction => "its header was never finished",
            FileStates.HeaderConstruction | FileStates.HeaderValid => "its data was never finished",
            FileStates.HeaderConstruction | FileStates.HeaderInvalid or FileStates.HeaderConstruction | FileStates.HeaderValid | FileStates.HeaderInvalid => "its header is given up",
            _ => "which no order of writing gives",
        };
        reading.Malformed(at + FileHeader.StateOffset, $"the file {header.Name} has state 0x{state:X2}: {what}");
    }

    private static void CheckAttributes(RomImageReading reading, Volume volume, long at, FileHeader header)
    {
        if (header.IsLarge)
        {
            if (header.ShortSize is not (0 or 0xFFFFFF))
            {
                reading.Malformed(at + FileHeader.SizeOffset, $"a large file has no size of 24 bits, and this one has {header.ShortSize}");
            }
        }
        else if (header.SaysLarge && volume.Revision != 1)
        {
            reading.Malformed(at + 19, volume.HasLargeFiles
                ? (FormattableString)$"the header of the large file does not fit into the volume"
                : $"the file is large, and its volume's file system has no large files");
        }

        if (FileTypes.NameOf(header.Type) is null)
        {
            reading.Warn(FormattableString.Invariant($"a file has type 0x{header.Type:X2}, which is reserved"));
        }

        if ((at + header.HeaderSize - volume.Start) % header.Alignment != 0)
        {
            reading.Warn(FormattableString.Invariant($"the data of the file {header.Name} is to be aligned to 0x{header.Alignment:X}, and is not"));
        }
    }

    // What fills up to the next file is erased flash.
    private static long NextAfter(RomImageReading reading, Volume volume, long end)
    {
        Span<byte> fill = stackalloc byte[VolumeScan.Alignment];
        var next = volume.Align(end);
        fill = fill[..(int)(next - end)];
        if (reading.Content.TryRead(end, fill) && fill.IndexOfAnyExcept(volume.Erased) >= 0)
        {
            reading.Warn($"between files there are bytes that belong to nothing, first {reading.Where(end)}");
        }

        return next;
    }

    private static void ReadFreeSpace(RomImageReading reading, RomPartBuilder parent, Volume volume, long at)
    {
        var part = reading.Add("free-space", at, volume.End - at, parent);
        if (ContentRanges.IndexOfAnyExcept(reading.Content, at, volume.End - at, volume.Erased) is >= 0 and var data)
        {
            part.Note("not empty");
            reading.Warn($"the free space of a volume is not empty, first {reading.Where(data)}");
        }
    }

    // Where to go on behind a file whose size can't be right.
    private static long FindFile(IRomImageContent content, Volume volume, long from)
    {
        Span<byte> buffer = stackalloc byte[FileHeader.LargeSize];
        for (var at = from; at <= volume.End - FileHeader.Size; at += VolumeScan.Alignment)
        {
            var bytes = buffer[..(int)Math.Min(buffer.Length, volume.End - at)];
            if (!content.TryRead(at, bytes))
            {
                break;
            }

            if (FileHeader.Read(bytes, volume.HasLargeFiles, volume.Erased).Vouches(volume.End - at))
            {
                return at;
            }
        }

        return volume.End;
    }
}
