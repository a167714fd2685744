using System.Text;
using RomFlash.Sdk.Images.Formats.FirmwareVolumes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// System ROMs from before UEFI: whole multiples of 64 KiB that end with the jump from the reset vector, the date and the model byte (IBM PC AT Technical Reference,
/// "ROM BIOS"). There is no signature and no sum that all of them have: what is told is told by custom.
/// </summary>
/// <remarks>Thread-safe and without state.</remarks>
public sealed class LegacySystemRomFormat : IRomImageFormat
{
    private const int Granularity = 64 << 10;
    private const int Largest = 16 << 20;

    // The last 16 bytes of the address space: a far jump, 8 characters of a date, the model.
    private const int TailSize = 16;
    private const byte FarJump = 0xEA;
    private const int DateOffset = 5;
    private const int DateLength = 8;
    private const int ModelOffset = 14;

    /// <inheritdoc/>
    public string Name => "legacy-system-rom";

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> tail = stackalloc byte[TailSize];
        return content.Length is > 0 and <= Largest
            && content.Length % Granularity == 0
            && content.TryRead(content.Length - TailSize, tail)
            && tail[0] == FarJump
            && IsDate(tail.Slice(DateOffset, DateLength))
            && !IntelFlashDescriptorFormat.IsDescriptor(content)
            && VolumeScan.FindNext(content, 0, mustVouch: false, out _, out _) < 0
            ? RomRecognition.Convention
            : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        var content = reading.Content;
        Span<byte> tail = stackalloc byte[TailSize];
        if (!content.TryRead(content.Length - TailSize, tail))
        {
            return;
        }

        reading.Add("code", 0, content.Length - TailSize);
        var vector = reading.Add("reset-vector", content.Length - TailSize, TailSize);
        vector.Note(FormattableString.Invariant($"jumps to {tail[4]:X2}{tail[3]:X2}:{tail[2]:X2}{tail[1]:X2}, model 0x{tail[ModelOffset]:X2}"));
        vector.Version = Encoding.ASCII.GetString(tail.Slice(DateOffset, DateLength));
        var sum = ContentRanges.Sum8(content, 0, content.Length);
        reading.Part.Note(FormattableString.Invariant($"sum8 of the whole {sum:X2}"));
        reading.Warn("a legacy system ROM has no checksum that all makers keep: only its digest says whether it is whole");
        reading.Identity = new() { Kind = RomKind.SystemRom };
    }

    // MM/DD/YY.
    private static bool IsDate(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (i is 2 or 5 ? text[i] != '/' : !char.IsAsciiDigit((char)text[i]))
            {
                return false;
            }
        }

        return Number(text) is >= 1 and <= 12 && Number(text[3..]) is >= 1 and <= 31;

        static int Number(ReadOnlySpan<byte> digits) => ((digits[0] - '0') * 10) + digits[1] - '0';
    }
}
