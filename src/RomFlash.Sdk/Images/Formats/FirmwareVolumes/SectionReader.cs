using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>Reads the sections that files are made of, and decodes those that are compressed (UEFI PI 1.8, volume 3, 3.2.4 and 3.2.5).</summary>
internal sealed class SectionReader(VolumeReader volumes, CancellationToken cancellationToken)
{
    private const int HeaderSize = 4;
    private const int LargeHeaderSize = 8;
    private const uint LargeSize = 0xFFFFFF;
    private const int LongestText = 512;

    // EFI_GUIDED_SECTION_PROCESSING_REQUIRED.
    private const ushort ProcessingRequired = 0x01;

    // One pair for each level of compression: what was compressed, and what it decoded to. Used again, so that much decoding makes little garbage.
    private readonly List<(byte[] Compressed, byte[] Decoded)> _buffers = [];
    private int _level;

    private static Guid Lzma => new("ee4e5898-3914-4259-9d6e-dc7bd79403cf");

    private static Guid LzmaF86 => new("d42ae6bd-1352-4bfb-909a-ca72a6eae889");

    private static Guid Tiano => new("a31280ad-481e-41b6-95e8-127f4c984779");

    private static Guid Crc32Guarded => new("fc1bcdb0-7d31-49aa-936a-a4600d9dd083");

    private enum Compression
    {
        Lzma,
        LzmaF86,
        Tiano,

        /// <summary>EFI 1.1 or Tiano: the same section type stands for both.</summary>
        Standard,
    }

    /// <summary>All sections of a content.</summary>
    /// <param name="reading">The content.</param>
    /// <param name="file">The file that they belong to; its name and version are told by sections.</param>
    public void ReadAll(RomImageReading reading, RomPartBuilder file)
    {
        var length = reading.Content.Length;
        for (var at = 0L; length - at >= HeaderSize && !reading.IsOver;)
        {
            var size = ReadOne(reading, file, at);
            if (size == 0)
            {
                return;
            }

            at = (at + size + 3) & ~3L;
        }
    }

    // Gives the size, or 0 when nobody can tell where the next section is.
    private long ReadOne(RomImageReading reading, RomPartBuilder file, long at)
    {
        Span<byte> header = stackalloc byte[LargeHeaderSize];
        var room = reading.Content.Length - at;
        if (!reading.Content.TryRead(at, header[..HeaderSize]))
        {
            return 0;
        }

        long size = BinaryPrimitives.ReadUInt32LittleEndian(header) & LargeSize;
        var type = header[3];
        var headerSize = HeaderSize;
        if (size == LargeSize)
        {
            headerSize = LargeHeaderSize;
            if (room < headerSize || !reading.Content.TryRead(at, header))
            {
                reading.Malformed(at, $"the header of a large section does not fit");
                return 0;
            }

            size = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        }

        if (size < headerSize || size > room)
        {
            reading.Malformed(at, $"the section says it has 0x{size:X} bytes; its header has 0x{headerSize:X}, and 0x{room:X} are left");
            return 0;
        }

        if (VolumeNames.Section(type) is not { } kind)
        {
            reading.Add("section", at, size).Note(FormattableString.Invariant($"type 0x{type:X2}, not known"));
            reading.Warn($"{reading.Where(at)}: a section has the type 0x{type:X2}, which is not known here; what is in it was not checked");
            return size;
        }

        var part = reading.Add(kind, at, size);
        var (data, length) = (at + headerSize, size - headerSize);
        switch (type)
        {
            case 0x01:
                ReadCompression(reading, file, part, data, length);
                break;
            case 0x02:
                ReadGuidDefined(reading, file, part, at, headerSize, size);
                break;
            case 0x03:
                if (reading.Slice(part, data, length) is { } disposable)
                {
                    ReadAll(disposable, file);
                }

                break;
            case 0x10:
                CheckMagic(reading, part, data, length, "MZ"u8);
                break;
            case 0x12:
                CheckMagic(reading, part, data, length, "VZ"u8);
                break;
            case 0x14:
                part.Version = ReadText(reading, data + 2, length - 2);
                file.Version = file.Version.Length == 0 ? part.Version : file.Version;
                break;
            case 0x15:
                part.Name = ReadText(reading, data, length);
                file.Name = file.Name.Length == 0 ? part.Name : file.Name;
                break;
            case 0x17:
                if (reading.Slice(part, data, length) is { } volume)
                {
                    volumes.ReadAll(volume);
                }

                break;
            case 0x18:
                Span<byte> id = stackalloc byte[16];
                if (length >= id.Length && reading.Content.TryRead(data, id))
                {
                    part.Id = new Guid(id);
                }
                else
                {
                    reading.Malformed(data, $"the section has no room for its GUID");
                }

                break;
        }

        return size;
    }

    private static void CheckMagic(RomImageReading reading, RomPartBuilder part, long data, long length, ReadOnlySpan<byte> magic)
    {
        Span<byte> found = stackalloc byte[2];
        if (length < found.Length || !reading.Content.TryRead(data, found) || !found.SequenceEqual(magic))
        {
            part.Note("no executable");
            reading.Warn($"{reading.Where(data)}: a section for an executable does not begin like one");
        }
    }

    private static string ReadText(RomImageReading reading, long at, long length)
    {
        Span<byte> bytes = stackalloc byte[LongestText];
        bytes = bytes[..(int)Math.Clamp(length & ~1L, 0, bytes.Length)];
        if (!reading.Content.TryRead(at, bytes))
        {
            return string.Empty;
        }

        var text = Encoding.Unicode.GetString(bytes);
        var end = text.IndexOf('\0', StringComparison.Ordinal);
        return end < 0 ? text : text[..end];
    }

    private void ReadCompression(RomImageReading reading, RomPartBuilder file, RomPartBuilder part, long data, long length)
    {
        Span<byte> header = stackalloc byte[5];
        if (length < header.Length || !reading.Content.TryRead(data, header))
        {
            reading.Malformed(data, $"the compression section has no room for its header");
            return;
        }

        var (body, bodyLength) = (data + header.Length, length - header.Length);
        switch (header[4])
        {
            case 0:
                if (reading.Slice(part, body, bodyLength) is { } plain)
                {
                    ReadAll(plain, file);
                }

                break;
            case 1:
                Decode(reading, file, part, Compression.Standard, body, bodyLength, BinaryPrimitives.ReadUInt32LittleEndian(header));
                break;
            default:
                reading.Malformed(data + 4, $"the compression type {header[4]} is not known");
                break;
        }
    }

    private void ReadGuidDefined(RomImageReading reading, RomPartBuilder file, RomPartBuilder part, long at, int headerSize, long size)
    {
        Span<byte> header = stackalloc byte[20];
        if (size - headerSize < header.Length || !reading.Content.TryRead(at + headerSize, header))
        {
            reading.Malformed(at, $"the GUID-defined section has no room for its header");
            return;
        }

        var id = new Guid(header[..16]);
        part.Id = id;
        long dataOffset = BinaryPrimitives.ReadUInt16LittleEndian(header[16..]);
        var attributes = BinaryPrimitives.ReadUInt16LittleEndian(header[18..]);
        if (dataOffset < headerSize + header.Length || dataOffset > size)
        {
            reading.Malformed(at + headerSize + 16, $"the section's data begins at 0x{dataOffset:X}, which is not behind its header and in it");
            return;
        }

        var (data, length) = (at + dataOffset, size - dataOffset);
        if (id == Lzma || id == LzmaF86)
        {
            part.Note(id == Lzma ? "LZMA" : "LZMA with x86 filter");
            Decode(reading, file, part, id == Lzma ? Compression.Lzma : Compression.LzmaF86, data, length, null);
        }
        else if (id == Tiano)
        {
            part.Note("Tiano");
            Decode(reading, file, part, Compression.Tiano, data, length, null);
        }
        else if (id == Crc32Guarded)
        {
            Span<byte> promised = stackalloc byte[4];
            if (dataOffset < headerSize + header.Length + promised.Length || !reading.Content.TryRead(at + headerSize + header.Length, promised))
            {
                reading.Malformed(at, $"the section has no room for its CRC-32");
                return;
            }

            reading.Check(part, "crc32", data, length, BinaryPrimitives.ReadUInt32LittleEndian(promised), ContentRanges.Crc32(reading.Content, data, length), 8);
            Descend(reading, file, part, data, length);
        }
        else if ((attributes & ProcessingRequired) == 0)
        {
            Descend(reading, file, part, data, length);
        }
        else
        {
            part.Note("has to be processed in a way that is not known here");
            reading.Warn($"{reading.Where(at)}: a section has to be processed as {id} says, which is not known here; what is in it was not checked");
        }
    }

    private void Descend(RomImageReading reading, RomPartBuilder file, RomPartBuilder part, long data, long length)
    {
        if (reading.Slice(part, data, length) is { } inner)
        {
            ReadAll(inner, file);
        }
    }

    private void Decode(RomImageReading reading, RomPartBuilder file, RomPartBuilder part, Compression compression, long data, long length, long? promised)
    {
        if (reading.Depth == RomInspectionDepth.Outer)
        {
            part.Note("not decoded");
            return;
        }

        Span<byte> head = stackalloc byte[LzmaHeader.Size];
        head = head[..(int)Math.Min(head.Length, length)];
        if (!reading.Content.TryRead(data, head))
        {
            return;
        }

        var lzma = default(LzmaHeader);
        long decodedLength;
        if (compression is Compression.Lzma or Compression.LzmaF86)
        {
            if (!LzmaHeader.TryRead(head, out lzma) || lzma.DecodedLength is not { } told)
            {
                reading.Malformed(data, $"the LZMA header is none, or does not say how long the content is");
                return;
            }

            decodedLength = told;
        }
        else if (!TianoDecoder.TryReadHeader(head, length, out decodedLength))
        {
            reading.Malformed(data, $"the header of the compressed data contradicts its {length} bytes");
            return;
        }

        if (promised is { } said && said != decodedLength)
        {
            reading.Malformed(data, $"the section says that it decodes to 0x{said:X} bytes, the compressed data says 0x{decodedLength:X}");
            return;
        }

        var taken = length + decodedLength;
        if (decodedLength > int.MaxValue || !reading.TryTake(data, taken, decodedLength))
        {
            if (!reading.IsOver)
            {
                reading.GiveUp(data, $"0x{decodedLength:X} bytes when decoded");
            }

            return;
        }

        try
        {
            var (compressed, decoded) = Buffers((int)length + LzmaDecoder.Padding, (int)decodedLength);
            if (!reading.Content.TryRead(data, compressed.AsSpan(0, (int)length)))
            {
                return;
            }

            compressed.AsSpan((int)length, LzmaDecoder.Padding).Clear();
            var output = decoded.AsSpan(0, (int)decodedLength);
            var status = compression is Compression.Lzma or Compression.LzmaF86
                ? LzmaDecoder.Decode(compressed.AsSpan(LzmaHeader.Size, (int)length + LzmaDecoder.Padding - LzmaHeader.Size), lzma, output, out _, out var consumed, cancellationToken)
                : DecodeTiano(compression, compressed.AsSpan(0, (int)length), output, part, out consumed);
            if (status != DecodeStatus.Done)
            {
                reading.Malformed(data, $"what is compressed here can't be decoded ({status}, after {consumed} bytes)");
                return;
            }

            if (compression == Compression.LzmaF86)
            {
                BranchFilter.DecodeX86(output);
            }

            if (reading.Decoded(part, decoded.AsMemory(0, (int)decodedLength)) is { } inner)
            {
                _level++;
                ReadAll(inner, file);
                _level--;
            }
        }
        finally
        {
            reading.GiveBack(taken);
        }
    }

    private DecodeStatus DecodeTiano(Compression compression, ReadOnlySpan<byte> input, Span<byte> output, RomPartBuilder part, out int consumed)
    {
        if (compression == Compression.Tiano)
        {
            return TianoDecoder.Decode(input, TianoVariant.Tiano, output, out consumed, cancellationToken);
        }

        // Both are section type 1; what one variant makes of the other's data is no list of sections, if it decodes at all.
        var status = TianoDecoder.Decode(input, TianoVariant.Efi, output, out consumed, cancellationToken);
        if (status == DecodeStatus.Done && LooksLikeSections(output))
        {
            part.Note("EFI 1.1 compression");
            return status;
        }

        part.Note("Tiano compression");
        return TianoDecoder.Decode(input, TianoVariant.Tiano, output, out consumed, cancellationToken);
    }

    private static bool LooksLikeSections(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        for (long at = 0; bytes.Length - at >= HeaderSize; count++)
        {
            var header = bytes[(int)at..];
            long size = BinaryPrimitives.ReadUInt32LittleEndian(header) & LargeSize;
            size = size == LargeSize && header.Length >= LargeHeaderSize ? BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) : size;
            if (size < HeaderSize || size > bytes.Length - at || VolumeNames.Section(header[3]) is null)
            {
                return false;
            }

            at = (at + size + 3) & ~3L;
        }

        return count > 0;
    }

    private (byte[] Compressed, byte[] Decoded) Buffers(int compressed, int decoded)
    {
        while (_buffers.Count <= _level)
        {
            _buffers.Add(([], []));
        }

        var (a, b) = _buffers[_level];
        _buffers[_level] = (Fit(a, compressed), Fit(b, decoded));
        return _buffers[_level];

        static byte[] Fit(byte[] buffer, int length) => buffer.Length >= length ? buffer : GC.AllocateUninitializedArray<byte>(length);
    }
}
