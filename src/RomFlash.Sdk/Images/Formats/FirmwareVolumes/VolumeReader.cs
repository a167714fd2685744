using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>Reads flash that has volumes in it, and volumes (UEFI PI 1.8, volume 3, 3.2).</summary>
internal static class VolumeReader
{
    // EFI_FIRMWARE_VOLUME_EXT_HEADER and _EXT_ENTRY (UEFI PI 1.8, volume 3, 3.2.1): GUID, u32 size; u16 size, u16 type.
    private const int ExtendedHeaderSize = 20;
    private const int ExtendedEntrySize = 4;
    private const ushort UsedSizeEntry = 3;

    // VARIABLE_STORE_HEADER of EDK II (MdeModulePkg): GUID, u32 size, u8 format, u8 state.
    private const int VariableStoreHeaderSize = 28;

    // EFI_FAULT_TOLERANT_WORKING_BLOCK_HEADER of EDK II (MdeModulePkg): GUID, u32 CRC, u8 state, 3 reserved, u64 size of the write queue.
    private const uint WorkingBlockHeaderSize = 32;

    private static Guid VariableStore => new("ddcf3616-3275-4164-98b6-fe85707ffe7d");

    private static Guid AuthenticatedVariableStore => new("aaf32c78-947b-439a-a180-2e144ec37792");

    // EDKII_WORKING_BLOCK_SIGNATURE_GUID of EDK II (MdeModulePkg).
    private static Guid WorkingBlock => new("9e58292b-7c68-497d-a0ce-6500fd9f1b95");

    /// <summary>Reads volumes and what lies between them, wherever they are in the content.</summary>
    /// <returns>How many volumes there are.</returns>
    public static int ReadArea(RomImageReading reading)
    {
        var content = reading.Content;
        var volumes = 0;
        for (long at = 0; at < content.Length && !reading.IsOver;)
        {
            long start;
            byte? fill = null;
            if (VolumeHeader.TryRead(content, at, out var header) && header.HasSignature && (at == 0 || (at % VolumeScan.Alignment == 0 && header.IsCredible(content.Length - at))))
            {
                // One behind the other, mostly. At its own place the signature is enough, whatever the rest of the header looks like.
                start = at;
            }
            else
            {
                start = VolumeScan.FindNext(content, at, mustVouch: false, out fill, out header);
            }

            var gapEnd = start < 0 ? content.Length : start;
            if (gapEnd > at)
            {
                ReadGap(reading, at, gapEnd, fill);
            }

            if (start < 0)
            {
                break;
            }

            at = ReadVolume(reading, start, header);
            volumes++;
        }

        return volumes;
    }

    // Where a signature was damaged or cut off, the file system's GUID in front of it still tells.
    private static void ReadGap(RomImageReading reading, long start, long end, byte? fill)
    {
        var part = reading.Add(fill is null ? "data" : "padding", start, end - start);
        if (fill is { } value)
        {
            part.Note($"all {Hexadecimal.Of(value, 2)}");
            return;
        }

        part.Note("between volumes; not checked");
        foreach (var fileSystem in (ReadOnlySpan<Guid>)[FileSystems.Ffs2, FileSystems.Ffs3, FileSystems.Nvram])
        {
            FindWithoutSignature(reading, start, end, fileSystem);
        }
    }

    private static void FindWithoutSignature(RomImageReading reading, long start, long end, Guid fileSystem)
    {
        Span<byte> id = stackalloc byte[16];
        fileSystem.TryWriteBytes(id);
        using var steps = new ContentSteps(reading.Content, start, end - start, id.Length - 1);
        while (steps.TryNext(out var bytes))
        {
            for (int from = 0, at; !reading.IsOver && (at = bytes[from..].IndexOf(id)) >= 0; from += at + 1)
            {
                var volume = steps.Start + from + at - VolumeHeader.FileSystemOffset;
                if (volume < start || volume % VolumeScan.Alignment != 0)
                {
                    continue;
                }

                if (!VolumeHeader.TryRead(reading.Content, volume, out var header))
                {
                    reading.Truncated($"the volume header at 0x{volume:X} has at least {VolumeHeader.FixedSize} bytes");
                }
                else if (!header.HasSignature && header.IsCredible(reading.Content.Length - volume))
                {
                    reading.Malformed(volume + VolumeHeader.SignatureOffset, $"there is a volume header without its signature");
                }
            }
        }
    }

    /// <summary>Reads a volume.</summary>
    /// <param name="reading">Whose content it lies in.</param>
    /// <param name="start">Where it begins.</param>
    /// <param name="header">Its header; it has the signature.</param>
    /// <returns>Where it ends.</returns>
    public static long ReadVolume(RomImageReading reading, long start, VolumeHeader header)
    {
        var space = reading.Content.Length - start;
        var length = LengthOf(header, space);
        var part = reading.Add("firmware-volume", start, length);
        if (header.Sum is { } sum)
        {
            reading.Check(part, "header sum16", start, header.HeaderLength, 0, sum, 4);
        }

        CheckHeader(reading, start, header, space);
        part.Id = header.FileSystem;
        part.Note(FileSystems.NameOf(header.FileSystem) ?? "file system not known");
        if (header.Revision == 1)
        {
            part.Note("revision 1");
        }

        if (header.ErasedByte == 0)
        {
            part.Note("erased flash is 00");
        }

        if (reading.Nesting == 0 && start % header.Alignment != 0)
        {
            part.Note(FormattableString.Invariant($"asks for an alignment of 0x{header.Alignment:X}, which is no matter of the file alone"));
        }

        if (!header.HasPlausibleHeaderLength || header.HeaderLength > length)
        {
            return start + length;
        }

        var volume = new Volume(start, start + length, header.ErasedByte, header.Revision, header.FileSystem == FileSystems.Ffs3);
        if (header.FileSystem == FileSystems.Ffs2 || header.FileSystem == FileSystems.Ffs3)
        {
            FileReader.ReadFiles(reading, part, volume, ReadExtendedHeader(reading, part, volume, header));
        }
        else
        {
            if (header.ExtendedHeaderOffset != 0)
            {
                ReadExtendedHeader(reading, part, volume, header);
            }

            if (header.FileSystem == FileSystems.Nvram)
            {
                ReadVariables(reading, part, volume, start + header.HeaderLength);
            }
            else
            {
                reading.Warn($"the file system {header.FileSystem} is not known; what is in the volume was not looked at");
            }
        }

        return start + length;
    }

    // What to take for the volume where its length can't be right.
    private static long LengthOf(VolumeHeader header, long space) =>
        header.Length >= (ulong)VolumeHeader.FixedSize && header.Length <= (ulong)space ? (long)header.Length
        : header.MappedLength is { } mapped && mapped >= (ulong)VolumeHeader.FixedSize && mapped <= (ulong)space ? (long)mapped
        : space;

    private static void CheckHeader(RomImageReading reading, long start, VolumeHeader header, long space)
    {
        if (header.Revision is not (1 or 2))
        {
            reading.Malformed(start + VolumeHeader.RevisionOffset, $"the volume header has revision {header.Revision}, and only 1 and 2 are known");
        }

        if (header.Reserved != 0)
        {
            reading.Malformed(start + VolumeHeader.ReservedOffset, $"a reserved byte of the volume header is 0x{header.Reserved:X2}");
        }

        if (!header.HasPlausibleHeaderLength)
        {
            reading.Malformed(start + VolumeHeader.HeaderLengthOffset, $"the volume header says it has {header.HeaderLength} bytes; 64 to {VolumeHeader.LongestHeader} are possible");
        }
        else if (header.Sum is null)
        {
            reading.Truncated($"the volume header at 0x{start:X} has {header.HeaderLength} bytes");
        }
        else if (header.MappedLength is not { } mapped)
        {
            reading.Malformed(start + VolumeHeader.FixedSize, $"the block map does not end in the volume header");
        }
        else
        {
            if (header.MapEnd != header.HeaderLength)
            {
                reading.Malformed(start + VolumeHeader.HeaderLengthOffset, $"the volume header says it has {header.HeaderLength} bytes, and its block map ends after {header.MapEnd}");
            }

            // The store of variables is made with the block map of the whole device (AAVMF).
            if (mapped != header.Length && (header.FileSystem != FileSystems.Nvram || mapped < header.Length))
            {
                reading.Malformed(start + VolumeHeader.FixedSize, $"the block map stands for 0x{mapped:X} bytes, the volume says it has 0x{header.Length:X}");
            }
        }

        if (header.Length < (ulong)header.HeaderLength || header.Length < VolumeHeader.FixedSize)
        {
            reading.Malformed(start + VolumeHeader.LengthOffset, $"the volume says it has {header.Length} bytes, less than its header");
        }
        else if (header.Length > (ulong)space)
        {
            reading.Truncated($"the volume at 0x{start:X} says it has 0x{header.Length:X} bytes, 0x{space:X} are there");
        }
    }

    // Gives where the first file begins. The extended header lies in a pad file, for those who know nothing of it (UEFI PI 1.8, volume 3, 3.2.1).
    private static long ReadExtendedHeader(RomImageReading reading, RomPartBuilder part, Volume volume, VolumeHeader header)
    {
        var headerEnd = volume.Align(volume.Start + header.HeaderLength);
        if (header.ExtendedHeaderOffset == 0)
        {
            return headerEnd;
        }

        Span<byte> bytes = stackalloc byte[ExtendedHeaderSize];
        var start = volume.Start + header.ExtendedHeaderOffset;
        if (header.ExtendedHeaderOffset < header.HeaderLength || start > volume.End - ExtendedHeaderSize || !reading.Content.TryRead(start, bytes))
        {
            reading.Malformed(volume.Start + VolumeHeader.ExtendedHeaderOffsetOffset, $"the extended header is to be at 0x{header.ExtendedHeaderOffset:X} of the volume, where none can be");
            return headerEnd;
        }

        long size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
        if (size < ExtendedHeaderSize || size > volume.End - start)
        {
            reading.Malformed(start + 16, $"the extended header says it has {size} bytes; {ExtendedHeaderSize} to {volume.End - start} are possible");
            return headerEnd;
        }

        var name = new Guid(bytes[..16]);
        part.Name = name.ToString();
        var end = volume.Align(start + size);
        var holder = FileReader.ReadHolder(reading, part, volume, headerEnd, start, end);
        var extended = reading.Add("volume-extended-header", start, size, holder ?? part);
        extended.Id = name;
        for (var at = start + ExtendedHeaderSize; at < start + size && !reading.IsOver;)
        {
            var left = start + size - at;
            long entry = left >= ExtendedEntrySize && reading.Content.TryRead(at, bytes[..8][..(int)Math.Min(8, left)]) ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : 0;
            if (entry < ExtendedEntrySize || entry > left)
            {
                reading.Malformed(at, $"an entry of the extended header says it has {entry} bytes; {ExtendedEntrySize} to {left} are possible");
                break;
            }

            var type = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
            extended.Note(type switch
            {
                1 => "entry: OEM file types",
                2 => "entry: GUID",
                UsedSizeEntry => "entry: used size",
                _ => FormattableString.Invariant($"entry: type {type}"),
            });
            if (type == UsedSizeEntry && entry >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) is var used && used > volume.End - volume.Start)
            {
                reading.Malformed(at + 4, $"0x{used:X} bytes of the volume are to be used, and it has 0x{volume.End - volume.Start:X}");
            }

            at += entry;
        }

        return end;
    }

    // Says what is there. Stores are written while the machine runs, so that their state is no matter of an image's wholeness.
    private static void ReadVariables(RomImageReading reading, RomPartBuilder part, Volume volume, long start)
    {
        Span<byte> bytes = stackalloc byte[VariableStoreHeaderSize];
        var rest = start;
        if (start <= volume.End - VariableStoreHeaderSize && reading.Content.TryRead(start, bytes) && new Guid(bytes[..16]) is var id && (id == VariableStore || id == AuthenticatedVariableStore))
        {
            long size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
            if (size < VariableStoreHeaderSize || size > volume.End - start)
            {
                reading.Malformed(start + 16, $"the variable store says it has {size} bytes; {VariableStoreHeaderSize} to {volume.End - start} are possible");
                return;
            }

            var store = reading.Add("variable-store", start, size, part);
            store.Id = id;
            store.Note(id == AuthenticatedVariableStore ? "authenticated variables" : "variables");
            store.Note(bytes[20] == 0x5A ? "formatted" : FormattableString.Invariant($"format 0x{bytes[20]:X2}"));
            store.Note(bytes[21] == 0xFE ? "healthy" : FormattableString.Invariant($"state 0x{bytes[21]:X2}"));
            rest = start + size;
        }

        WorkingBlock.TryWriteBytes(bytes);
        if (ContentRanges.IndexOf(reading.Content, rest, volume.End - rest, bytes[..16]) is >= 0 and var at && reading.Content.TryRead(at + 24, bytes[..8]))
        {
            var size = WorkingBlockHeaderSize + Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(bytes), (ulong)reading.Content.Length);
            reading.Add("ftw-working-block", at, (long)Math.Min(size, (ulong)(volume.End - at)), part).Id = WorkingBlock;
        }
    }
}

/// <summary>A volume that files are read from; offsets are of the content.</summary>
internal readonly record struct Volume(long Start, long End, byte Erased, byte Revision, bool HasLargeFiles)
{
    /// <summary>Files begin at multiples of 8 in the volume (UEFI PI 1.8, volume 3, 3.2.3).</summary>
    public long Align(long offset) => Math.Min(End, Start + ((offset - Start + 7) & ~7L));
}
