using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>Reads streams of sections (UEFI PI 1.8, volume 3, 3.2.4 and 3.2.5). Each that holds others is a reading of its own, so that nesting is bounded.</summary>
internal static class SectionReader
{
    // EFI_COMMON_SECTION_HEADER and _HEADER2: u24 size, u8 type; where the size is all ones, u32 size behind it.
    private const int HeaderSize = 4;
    private const int LargeHeaderSize = 8;
    private const uint SaysLarge = 0xFF_FFFF;
    private const int Alignment = 4;

    // EFI_GUID_DEFINED_SECTION behind the common header: GUID, u16 DataOffset, u16 Attributes.
    private const int GuidedSize = 20;
    private const ushort ProcessingRequired = 1;

    // EFI_COMPRESSION_SECTION behind the common header: u32 UncompressedLength, u8 CompressionType.
    private const int CompressionSize = 5;

    // Longer names are cut off; what firmware files are called takes a few words.
    private const int LongestText = 256;

    private static Guid Crc32 => new("fc1bcdb0-7d31-49aa-936a-a4600d9dd083");

    // UEFI PI 1.8, volume 3, 3.2.5.7; UEFI 2.10, 32.4.1; EDK II (MdeModulePkg).
    private static Guid FirmwareContentsSigned => new("0f9d89e8-9259-4f76-a5af-0c89e34023df");

    private static Guid Rsa2048Sha256 => new("a7717414-c616-4977-9420-844712a735bf");

    private static Guid Brotli => new("3d532050-5cda-4fd0-879e-0f7f630d5afb");

    /// <summary>Reads a stream of sections.</summary>
    /// <param name="reading">Whose content it lies in.</param>
    /// <param name="parent">The part that is made of them.</param>
    /// <param name="file">The file that they belong to: it takes its name and version from them.</param>
    /// <param name="start">Where the stream begins; sections are aligned to it.</param>
    /// <param name="length">How long it is.</param>
    public static void ReadSections(RomImageReading reading, RomPartBuilder? parent, RomPartBuilder file, long start, long length)
    {
        Span<byte> buffer = stackalloc byte[LargeHeaderSize];
        var end = start + length;
        for (var at = start; end - at >= HeaderSize && !reading.IsOver;)
        {
            var bytes = buffer[..(int)Math.Min(buffer.Length, end - at)];
            if (!reading.Content.TryRead(at, bytes))
            {
                return;
            }

            var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes) & SaysLarge;
            var header = HeaderSize;
            if (size == SaysLarge && bytes.Length == LargeHeaderSize && bytes[3] != 0xFF)
            {
                size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[HeaderSize..]);
                header = LargeHeaderSize;
            }

            if (size < header || size > end - at)
            {
                if (bytes[0] is 0 or 0xFF && ContentRanges.IndexOfAnyExcept(reading.Content, at, end - at, bytes[0]) < 0)
                {
                    (parent ?? reading.Part).Note(FormattableString.Invariant($"{end - at} bytes behind the last section"));
                    return;
                }

                reading.Malformed(at, $"the section says it has {size} bytes; {header} to {end - at} are possible");
                return;
            }

            ReadSection(reading, parent, file, new(at, header, size, bytes[3]));
            var next = Math.Min(end, start + ((at + size - start + Alignment - 1) & -Alignment));
            if (next > at + size && ContentRanges.IndexOfAnyExcept(reading.Content, at + size, next - at - size, 0) >= 0)
            {
                (parent ?? reading.Part).Note("sections are filled up with other bytes than zeros");
            }

            at = next;
        }
    }

    /// <summary>Whether bytes are a list of sections of known types to their end.</summary>
    public static bool LooksLikeSections(ReadOnlySpan<byte> bytes)
    {
        var at = 0L;
        while (bytes.Length - at >= HeaderSize)
        {
            var head = bytes[(int)at..];
            var size = BinaryPrimitives.ReadUInt32LittleEndian(head) & SaysLarge;
            size = size == SaysLarge && head.Length >= LargeHeaderSize ? BinaryPrimitives.ReadUInt32LittleEndian(head[HeaderSize..]) : size;
            if (size < HeaderSize || size > head.Length || KindOf(head[3]) is null)
            {
                return false;
            }

            at += (size + Alignment - 1) & -Alignment;
        }

        return at > 0;
    }

    private static void ReadSection(RomImageReading reading, RomPartBuilder? parent, RomPartBuilder file, Section section)
    {
        var kind = KindOf(section.Type);
        var part = reading.Add(kind ?? "section", section.Start, section.Size, parent);
        if (kind is null)
        {
            part.Note(FormattableString.Invariant($"type 0x{section.Type:X2}"));
            reading.Warn(FormattableString.Invariant($"a section has type 0x{section.Type:X2}, which is not known; what is in it was not looked at"));
        }

        switch (section.Type)
        {
            case 0x01:
                ReadCompression(reading, part, file, section);
                break;
            case 0x02:
                ReadGuided(reading, part, file, section);
                break;
            case 0x03:
                ReadInner(reading, part, file, section.Data, section.DataLength);
                break;
            case 0x10:
                CheckMagic(reading, section, "MZ"u8);
                break;
            case 0x12:
                CheckMagic(reading, section, "VZ"u8);
                break;
            case 0x14:
                // EFI_VERSION_SECTION: u16 BuildNumber, then text.
                part.Version = ReadText(reading, section with { HeaderSize = section.HeaderSize + sizeof(ushort) });
                if (file.Version.Length == 0)
                {
                    file.Version = part.Version;
                }

                break;
            case 0x15:
                part.Name = ReadText(reading, section);
                if (file.Name.Length == 0)
                {
                    file.Name = part.Name;
                }

                break;
            case 0x17:
                ReadVolumes(reading, part, section);
                break;
            case 0x18:
                part.Id = ReadGuid(reading, section);
                break;
            case 0x19:
                FileReader.ReadRaw(reading, part, section.Data, section.DataLength);
                break;
            default:
                break;
        }
    }

    // EFI_SECTION_TYPE (UEFI PI 1.8, volume 3, 3.2.4).
    private static string? KindOf(byte type) => type switch
    {
        0x01 => "compression-section",
        0x02 => "guid-defined-section",
        0x03 => "disposable-section",
        0x10 => "pe32-section",
        0x11 => "pic-section",
        0x12 => "te-section",
        0x13 => "dxe-dependency-section",
        0x14 => "version-section",
        0x15 => "ui-section",
        0x16 => "compatibility16-section",
        0x17 => "volume-section",
        0x18 => "freeform-guid-section",
        0x19 => "raw-section",
        0x1B => "pei-dependency-section",
        0x1C => "mm-dependency-section",
        _ => null,
    };

    private static void CheckMagic(RomImageReading reading, Section section, ReadOnlySpan<byte> magic)
    {
        Span<byte> found = stackalloc byte[2];
        if (section.DataLength < found.Length || !reading.Content.TryRead(section.Data, found) || !found.SequenceEqual(magic))
        {
            reading.Warn($"{reading.Where(section.Data)}: a section for an executable does not begin like one");
        }
    }

    private static void ReadInner(RomImageReading reading, RomPartBuilder part, RomPartBuilder file, long start, long length)
    {
        if (reading.Slice(part, start, length) is { } inner)
        {
            ReadSections(inner, null, file, 0, length);
        }
    }

    private static void ReadVolumes(RomImageReading reading, RomPartBuilder part, Section section)
    {
        if (reading.Slice(part, section.Data, section.DataLength) is { } inner && VolumeReader.ReadArea(inner) == 0 && !inner.IsOver)
        {
            reading.Malformed(section.Data, $"the section is to hold a volume, and none is in it");
        }
    }

    private static void ReadGuided(RomImageReading reading, RomPartBuilder part, RomPartBuilder file, Section section)
    {
        Span<byte> bytes = stackalloc byte[GuidedSize];
        if (section.DataLength < GuidedSize || !reading.Content.TryRead(section.Data, bytes))
        {
            reading.Malformed(section.Start, $"the GUID-defined section has {section.Size} bytes, and its header at least {section.HeaderSize + GuidedSize}");
            return;
        }

        var id = new Guid(bytes[..16]);
        long offset = BinaryPrimitives.ReadUInt16LittleEndian(bytes[16..]);
        var attributes = BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]);
        part.Id = id;
        if (offset < section.HeaderSize + GuidedSize || offset > section.Size)
        {
            reading.Malformed(section.Data + 16, $"the data of the section is to begin at 0x{offset:X} of it, where it can't");
            return;
        }

        var start = section.Start + offset;
        var length = section.Size - offset;
        if (id == Crc32)
        {
            // EFI_GUIDED_SECTION_CRC32 (UEFI PI 1.8, volume 3, 3.2.5.7): the CRC of the data behind the header.
            var at = section.Data + GuidedSize;
            if (offset < section.HeaderSize + GuidedSize + sizeof(uint) || !reading.Content.TryRead(at, bytes[..sizeof(uint)]))
            {
                reading.Malformed(section.Data + 16, $"the data of the CRC-32 section is to begin at 0x{offset:X} of it, where its CRC is");
                return;
            }

            reading.Check(part, "crc32", start, length, BinaryPrimitives.ReadUInt32LittleEndian(bytes), ContentRanges.Crc32(reading.Content, start, length), 8);
            ReadInner(reading, part, file, start, length);
        }
        else if (SectionCodecs.Find(id) is { } codec)
        {
            part.Note(codec.Name);
            SectionDecoder.Decode(reading, part, file, codec, start, length, null);
        }
        else if ((attributes & ProcessingRequired) == 0)
        {
            // Firmware that does not know the GUID reads the data as it is (UEFI PI 1.8, volume 3, 3.2.5.7).
            part.Note("read as it is; what the GUID stands for is not checked");
            ReadInner(reading, part, file, start, length);
        }
        else
        {
            var name = NameOf(id);
            part.Note(name ?? "made in a way that is not known here");
            reading.Warn($"a section is made as {name ?? id.ToString()} says, which is not read here; what is in it was not looked at");
        }
    }

    // Signatures and an encoding that firmware has and that are told by name alone.
    private static string? NameOf(Guid id) =>
        id == FirmwareContentsSigned ? "EFI_FIRMWARE_CONTENTS_SIGNED_GUID"
        : id == Rsa2048Sha256 ? "EFI_CERT_TYPE_RSA2048_SHA256_GUID"
        : id == Brotli ? "BROTLI_CUSTOM_DECOMPRESS_GUID"
        : null;

    private static void ReadCompression(RomImageReading reading, RomPartBuilder part, RomPartBuilder file, Section section)
    {
        Span<byte> bytes = stackalloc byte[CompressionSize];
        if (section.DataLength < CompressionSize || !reading.Content.TryRead(section.Data, bytes))
        {
            reading.Malformed(section.Start, $"the compression section has {section.Size} bytes, and its header {section.HeaderSize + CompressionSize}");
            return;
        }

        long decoded = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var start = section.Data + CompressionSize;
        var length = section.DataLength - CompressionSize;
        switch (bytes[4])
        {
            case 0:
                part.Note("not compressed");
                if (decoded != length)
                {
                    reading.Malformed(section.Data, $"the section is not compressed and has {length} bytes, and says that it decodes to {decoded}");
                }

                ReadInner(reading, part, file, start, length);
                break;
            case 1:
                part.Note(SectionCodecs.Standard.Name);
                SectionDecoder.Decode(reading, part, file, SectionCodecs.Standard, start, length, decoded);
                break;
            default:
                part.Note(FormattableString.Invariant($"compression type {bytes[4]}; not looked into"));
                break;
        }
    }

    private static Guid? ReadGuid(RomImageReading reading, Section section)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (section.DataLength >= bytes.Length && reading.Content.TryRead(section.Data, bytes))
        {
            return new Guid(bytes);
        }

        reading.Malformed(section.Start, $"the section has {section.Size} bytes, too few for its GUID");
        return null;
    }

    // UCS-2 with a zero at the end.
    private static string ReadText(RomImageReading reading, Section section)
    {
        Span<byte> bytes = stackalloc byte[LongestText * sizeof(char)];
        bytes = bytes[..(int)Math.Clamp(section.DataLength & ~1L, 0, bytes.Length)];
        if (section.DataLength < sizeof(char) || !reading.Content.TryRead(section.Data, bytes))
        {
            reading.Malformed(section.Start, $"the section has {section.Size} bytes, too few for its text");
            return string.Empty;
        }

        var end = MemoryMarshal.Cast<byte, char>(bytes).IndexOf('\0');
        if (end < 0 && bytes.Length == (section.DataLength & ~1L))
        {
            reading.Malformed(section.Data, $"the text of the section does not end in it");
        }

        return Encoding.Unicode.GetString(end < 0 ? bytes : bytes[..(end * sizeof(char))]);
    }

    private readonly record struct Section(long Start, int HeaderSize, long Size, byte Type)
    {
        public long Data => Start + HeaderSize;

        public long DataLength => Size - HeaderSize;
    }
}
