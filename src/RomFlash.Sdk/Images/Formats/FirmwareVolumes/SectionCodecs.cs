using System.Buffers.Binary;
using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>How the data of a section was encoded.</summary>
internal abstract class SectionCodec
{
    /// <summary>Its name, for notes and messages.</summary>
    public abstract string Name { get; }

    /// <summary>How many bytes have to follow the input.</summary>
    public abstract int Padding { get; }

    /// <summary>Reads how many bytes the data decodes to; false when it does not say.</summary>
    public abstract bool TryReadLength(IRomImageContent content, long start, long length, out long decoded);

    /// <summary>Decodes.</summary>
    /// <param name="padded">The data, and <see cref="Padding"/> bytes of any value.</param>
    /// <param name="output">Exactly as many bytes as it says that it decodes to.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="at">How many bytes of input were used, or where the problem is.</param>
    public abstract DecodeStatus Decode(ReadOnlySpan<byte> padded, Span<byte> output, CancellationToken cancellationToken, out int at);
}

/// <summary>The encodings that are known.</summary>
internal static class SectionCodecs
{
    /// <summary>What firmware calls standard compression (UEFI PI 1.8, volume 3, 3.2.5.2).</summary>
    public static SectionCodec Standard => new LzmaCodec();

    // LZMA_CUSTOM_DECOMPRESS_GUID of EDK II (MdeModulePkg).
    private static Guid Lzma => new("ee4e5898-3914-4259-9d6e-dc7bd79403cf");

    /// <summary>The encoding that a GUID stands for, or null.</summary>
    public static SectionCodec? Find(Guid id) => id == Lzma ? new LzmaCodec() : null;
}

/// <summary>LZMA with its 13 bytes in front.</summary>
internal sealed class LzmaCodec : SectionCodec
{
    public override string Name => "LZMA";

    public override int Padding => LzmaDecoder.Padding;

    public override bool TryReadLength(IRomImageContent content, long start, long length, out long decoded)
    {
        Span<byte> bytes = stackalloc byte[LzmaHeader.Size];
        decoded = 0;
        if (length < bytes.Length || !content.TryRead(start, bytes) || !LzmaHeader.TryRead(bytes, out var header) || header.DecodedLength is not { } known)
        {
            return false;
        }

        decoded = known;
        return true;
    }

    public override DecodeStatus Decode(ReadOnlySpan<byte> padded, Span<byte> output, CancellationToken cancellationToken, out int at)
    {
        at = 0;
        if (!LzmaHeader.TryRead(padded, out var header))
        {
            return DecodeStatus.Corrupt;
        }

        var status = LzmaDecoder.Decode(padded[LzmaHeader.Size..], header, output, out var written, out var consumed, cancellationToken);
        at = LzmaHeader.Size + consumed;
        return status == DecodeStatus.Done && written < output.Length ? DecodeStatus.TruncatedInput : status;
    }
}
