using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>HP firmware images with the <c>HPIMAGE</c> header: device class, version and name, then the list of targets, then the firmware.</summary>
/// <remarks>
/// Thread-safe and without state. The layout is known from public tools and dumps of files, not from a specification: what is not known of the header is not checked.
/// </remarks>
public sealed class HpImageFormat : IRomImageFormat
{
    /// <summary>The size of the header in bytes; the list of targets is behind it.</summary>
    public const int HeaderSize = 0x4A0;

    // Behind the magic: major and minor version of the header; the device class; the date; version and name, padded with zeros.
    private const int MajorOffset = 8;
    private const int DeviceClassOffset = 0x0C;
    private const int DateOffset = 0x3C;
    private const int VersionOffset = 0x40;
    private const int VersionLength = 32;
    private const int NameOffset = 0x60;
    private const int NameLength = 64;

    // The list: how many, a GUID each, and a word that is 0 in all files that are known. Images in use have up to four.
    private const int MaxTargets = 1024;
    private const int GuidSize = 16;
    private const int WordSize = sizeof(uint);

    /// <inheritdoc/>
    public string Name => "hp-image";

    private static ReadOnlySpan<byte> Magic => "HPIMAGE\0"u8;

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[Magic.Length];
        return content.TryRead(0, head) && head.SequenceEqual(Magic) ? RomRecognition.Signature : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (!reading.Content.TryRead(0, header))
        {
            reading.Truncated($"the header has {HeaderSize} bytes");
            return;
        }

        var part = reading.Add("hp-image-header", 0, HeaderSize);
        var deviceClass = new Guid(header.Slice(DeviceClassOffset, GuidSize));
        if (deviceClass == Guid.Empty)
        {
            reading.Malformed(DeviceClassOffset, $"the device class is empty");
        }

        if (!TryText(header.Slice(VersionOffset, VersionLength), out var version))
        {
            reading.Malformed(VersionOffset, $"the version is no text");
        }

        if (!TryText(header.Slice(NameOffset, NameLength), out var name))
        {
            reading.Malformed(NameOffset, $"the name is no text");
        }

        part.Id = deviceClass;
        part.Version = version;
        part.Name = name;
        part.Note(FormattableString.Invariant($"header {header[MajorOffset]}.{header[MajorOffset + 1]}"));
        NoteDate(part, header[DateOffset..]);
        reading.Identity = new()
        {
            Kind = HpDeviceClasses.KindOf(deviceClass),
            DeviceClasses = [deviceClass],
            Models = name.Length > 0 ? [name] : [],
            Version = RomVersion.TryParse(version, out var parsed) ? parsed : null,
        };
        if (ReadTargets(reading) is { } length)
        {
            ReadFirmware(reading, HeaderSize + length);
        }
    }

    // The length of the list, or null where it has none.
    private static long? ReadTargets(RomImageReading reading)
    {
        Span<byte> word = stackalloc byte[WordSize];
        if (!reading.Content.TryRead(HeaderSize, word))
        {
            reading.Truncated($"behind the header there is no list of targets");
            return null;
        }

        var count = BinaryPrimitives.ReadUInt32LittleEndian(word);
        if (count > MaxTargets)
        {
            reading.Malformed(HeaderSize, $"the list says it has {count} targets, at most {MaxTargets} are read");
            return null;
        }

        var size = GuidSize * (int)count;
        var length = WordSize + size + WordSize;
        if (length > reading.Content.Length - HeaderSize)
        {
            reading.Truncated($"the list of {count} targets has {length} bytes");
            return null;
        }

        var part = reading.Add("hp-image-targets", HeaderSize, length);
        Span<byte> id = stackalloc byte[GuidSize];
        for (long at = HeaderSize + WordSize; at < HeaderSize + WordSize + size && reading.Content.TryRead(at, id); at += GuidSize)
        {
            part.Note($"target {new Guid(id)}");
        }

        if (reading.Content.TryRead(HeaderSize + WordSize + size, word) && BinaryPrimitives.ReadUInt32LittleEndian(word) is var tail && tail != 0)
        {
            reading.Warn(FormattableString.Invariant($"behind the list of targets is 0x{tail:X8}, whose meaning is not known; in other files it is 0"));
        }

        return length;
    }

    private static void ReadFirmware(RomImageReading reading, long start)
    {
        if (reading.Content.Length == start)
        {
            reading.Truncated($"behind the list of targets there is no firmware");
            return;
        }

        var firmware = reading.Add("payload", start, reading.Content.Length - start);
        if (reading.Slice(firmware, start, firmware.Length) is { } inner && !inner.TryReadAsAny())
        {
            firmware.Note("opaque");
        }
    }

    // Year, month, day. Not every file has one.
    private static void NoteDate(RomPartBuilder part, ReadOnlySpan<byte> date)
    {
        var (year, month, day) = (BinaryPrimitives.ReadUInt16LittleEndian(date), date[2], date[3]);
        if (year is >= 1980 and <= 9999 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month))
        {
            part.Note(FormattableString.Invariant($"date {year:D4}-{month:D2}-{day:D2}"));
        }
    }

    // ASCII up to the first zero, and zeros behind it.
    private static bool TryText(ReadOnlySpan<byte> field, out string text)
    {
        var end = field.IndexOf((byte)0);
        var used = end < 0 ? field : field[..end];
        text = Encoding.ASCII.GetString(used).Trim();
        return !used.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E) && !field[used.Length..].ContainsAnyExcept((byte)0);
    }
}
