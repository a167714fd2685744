using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>HP firmware images with the <c>HPIMAGE</c> header: device class, version, name and targets in front of the firmware.</summary>
/// <remarks>
/// Thread-safe and without state. The layout is known from public tools and files, not from a specification: what is not known of the header is not checked.
/// </remarks>
public sealed class HpImageFormat : IRomImageFormat
{
    /// <summary>The size of the header in bytes.</summary>
    public const int HeaderSize = 0x4A0;

    // Behind the magic: major and minor version of the header; the device class; version and name, padded with zeros; then the targets.
    private const int MajorOffset = 8;
    private const int DeviceClassOffset = 0x0C;
    private const int VersionOffset = 0x40;
    private const int VersionLength = 32;
    private const int NameOffset = 0x60;
    private const int NameLength = 64;
    private const int TargetCountOffset = 0xA0;
    private const int TargetsOffset = 0xA4;
    private const int MaxTargets = (HeaderSize - TargetsOffset) / 16;

    /// <inheritdoc/>
    public string Name => "hp-image";

    private static ReadOnlySpan<byte> Magic => "HPIMAGE"u8;

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[7];
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
        var deviceClass = new Guid(header.Slice(DeviceClassOffset, 16));
        part.Id = deviceClass;
        part.Note(FormattableString.Invariant($"header {header[MajorOffset]}.{header[MajorOffset + 1]}"));
        if (!TryText(header.Slice(VersionOffset, VersionLength), out var version))
        {
            reading.Malformed(VersionOffset, $"the version is no text");
            return;
        }

        if (!TryText(header.Slice(NameOffset, NameLength), out var name))
        {
            reading.Malformed(NameOffset, $"the name is no text");
            return;
        }

        if (deviceClass == Guid.Empty)
        {
            reading.Malformed(DeviceClassOffset, $"the device class is empty");
            return;
        }

        part.Version = version;
        part.Name = name;
        var targets = BinaryPrimitives.ReadUInt32LittleEndian(header[TargetCountOffset..]);
        if (targets > MaxTargets)
        {
            reading.Malformed(TargetCountOffset, $"the header says it has {targets} targets, {MaxTargets} have room");
            return;
        }

        for (var i = 0; i < (int)targets; i++)
        {
            part.Note($"target {new Guid(header.Slice(TargetsOffset + (16 * i), 16))}");
        }

        reading.Identity = new()
        {
            Kind = deviceClass == HpDeviceClasses.SystemRom ? RomKind.SystemRom : null,
            DeviceClasses = [deviceClass],
            Models = name.Length > 0 ? [name] : [],
            Version = RomVersion.TryParse(version, out var parsed) ? parsed : null,
        };
        if (reading.Content.Length == HeaderSize)
        {
            reading.Truncated($"behind the header there is no firmware");
            return;
        }

        var firmware = reading.Add("payload", HeaderSize, reading.Content.Length - HeaderSize);
        if (reading.Slice(firmware, HeaderSize, firmware.Length) is { } inner && !inner.TryReadAsAny())
        {
            firmware.Note("opaque");
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
