using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>Decodes compressed sections and reads what is in them.</summary>
internal static class SectionDecoder
{
    /// <summary>Decodes a section and reads the sections in it; notes alone where only the outer structure is asked for.</summary>
    /// <param name="reading">Whose content it lies in.</param>
    /// <param name="part">The section.</param>
    /// <param name="file">The file that it belongs to.</param>
    /// <param name="codec">How it was encoded.</param>
    /// <param name="start">Where the encoded data begins.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="promised">How many bytes it decodes to by the section's header, or null where only the data itself tells.</param>
    public static void Decode(RomImageReading reading, RomPartBuilder part, RomPartBuilder file, SectionCodec codec, long start, long length, long? promised)
    {
        if (!codec.TryReadLength(reading.Content, start, length, out var decoded))
        {
            reading.Malformed(start, $"there is no {codec.Name} stream");
            return;
        }

        if (promised is { } other && other != decoded)
        {
            reading.Malformed(start, $"the data says it decodes to {decoded} bytes, and its section's header says {other}");
            return;
        }

        if (reading.Depth != RomInspectionDepth.Full)
        {
            part.Note("not decoded");
            return;
        }

        // Copied only where it is not in memory, and given back before what is in it is read.
        var copied = reading.Content.TryGetMemory(start, length, out var input) ? 0 : length;
        if (!reading.TryTake(start, copied + decoded, decoded))
        {
            return;
        }

        part.DecodedLength = decoded;
        var output = reading.Buffers.Take((int)decoded);
        if (copied > 0)
        {
            var copy = reading.Buffers.Take((int)copied);
            input = reading.Content.TryRead(start, copy.Span) ? copy : default;
        }

        var isDecoded = !input.IsEmpty && Report(reading, codec, start, codec.Decode(input.Span, output.Span, reading.CancellationToken, out var at), at);
        if (copied > 0)
        {
            reading.Buffers.GiveBack();
            reading.GiveBack(copied);
        }

        if (isDecoded && reading.Decoded(part, output) is { } inner)
        {
            SectionReader.ReadSections(inner, null, file, 0, decoded);
        }

        reading.Buffers.GiveBack();
        reading.GiveBack(decoded);
    }

    private static bool Report(RomImageReading reading, SectionCodec codec, long start, DecodeStatus status, int at)
    {
        switch (status)
        {
            case DecodeStatus.Done:
                return true;
            case DecodeStatus.TruncatedInput:
                reading.Malformed(start + at, $"the {codec.Name} stream ends too early");
                return false;
            case DecodeStatus.OutputTooLarge:
                reading.Malformed(start + at, $"the {codec.Name} stream decodes to less than it says");
                return false;
            case DecodeStatus.OutputTooSmall:
                reading.Malformed(start + at, $"the {codec.Name} stream decodes to more than it says");
                return false;
            default:
                reading.Malformed(start + at, $"the {codec.Name} stream is damaged");
                return false;
        }
    }
}
