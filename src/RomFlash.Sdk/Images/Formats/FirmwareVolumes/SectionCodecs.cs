using System.Buffers.Binary;
using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>How the data of a section was encoded.</summary>
internal abstract class SectionCodec
{
    /// <summary>Its name, for notes and messages.</summary>
    public abstract string Name { get; }

    /// <summary>Reads how many bytes the data decodes to; false when it does not say.</summary>
    public abstract bool TryReadLength(IRomImageContent content, long start, long length, out long decoded);

    /// <summary>Decodes.</summary>
    /// <param name="data">The data.</param>
    /// <param name="output">Exactly as many bytes as it says that it decodes to.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="at">How many bytes of input were used, or where the problem is.</param>
    public abstract DecodeStatus Decode(ReadOnlySpan<byte> data, Span<byte> output, CancellationToken cancellationToken, out int at);
}

/// <summary>The encodings that are known.</summary>
internal static class SectionCodecs
{
    /// <summary>Compression sections (UEFI PI 1.8, volume 3, 3.2.5.2): EFI 1.1 by the specification, and Tiano where firmware took that.</summary>
    public static SectionCodec Standard { get; } = new StandardCodec();

    private static SectionCodec Lzma { get; } = new LzmaCodec(isFiltered: false);

    private static SectionCodec FilteredLzma { get; } = new LzmaCodec(isFiltered: true);

    private static SectionCodec Tiano { get; } = new TianoCodec();

    // LZMA_CUSTOM_DECOMPRESS_GUID, LZMAF86_CUSTOM_DECOMPRESS_GUID (MdeModulePkg) and TIANO_CUSTOM_DECOMPRESS_GUID (BaseTools) of EDK II.
    private static Guid LzmaId => new("ee4e5898-3914-4259-9d6e-dc7bd79403cf");

    private static Guid FilteredLzmaId => new("d42ae6bd-1352-4bfb-909a-ca72a6eae889");

    private static Guid TianoId => new("a31280ad-481e-41b6-95e8-127f4c984779");

    /// <summary>The encoding that a GUID stands for, or null.</summary>
    public static SectionCodec? Find(Guid id) => id == LzmaId ? Lzma : id == FilteredLzmaId ? FilteredLzma : id == TianoId ? Tiano : null;
}

/// <summary>LZMA with its 13 bytes in front; with the filter for x86 code over what it decodes to, or without.</summary>
internal sealed class LzmaCodec(bool isFiltered) : SectionCodec
{
    public override string Name => isFiltered ? "LZMA with x86 filter" : "LZMA";

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

    public override DecodeStatus Decode(ReadOnlySpan<byte> data, Span<byte> output, CancellationToken cancellationToken, out int at)
    {
        at = 0;
        if (!LzmaHeader.TryRead(data, out var header))
        {
            return DecodeStatus.Corrupt;
        }

        var result = LzmaDecoder.Decode(data, header, output, cancellationToken);
        at = result.Consumed;
        if (result.Status == DecodeStatus.Done && isFiltered)
        {
            BranchFilter.DecodeX86(output);
        }

        return result.Status;
    }
}

/// <summary>Tiano compression.</summary>
internal class TianoCodec : SectionCodec
{
    public override string Name => "Tiano";

    public override bool TryReadLength(IRomImageContent content, long start, long length, out long decoded)
    {
        Span<byte> bytes = stackalloc byte[TianoDecoder.HeaderSize];
        decoded = 0;
        return length >= bytes.Length && content.TryRead(start, bytes) && TianoDecoder.TryReadHeader(bytes, length, out decoded);
    }

    public override DecodeStatus Decode(ReadOnlySpan<byte> data, Span<byte> output, CancellationToken cancellationToken, out int at) =>
        TianoDecoder.Decode(data, TianoVariant.Tiano, output, out at, cancellationToken);
}

/// <summary>EFI 1.1 or Tiano compression: both stand in the same kind of section, and the data does not tell.</summary>
internal sealed class StandardCodec : TianoCodec
{
    public override string Name => "EFI 1.1 or Tiano";

    public override DecodeStatus Decode(ReadOnlySpan<byte> data, Span<byte> output, CancellationToken cancellationToken, out int at)
    {
        // What one makes of the other's data is no list of sections, if it decodes at all.
        var status = TianoDecoder.Decode(data, TianoVariant.Efi, output, out at, cancellationToken);
        return status == DecodeStatus.Done && SectionReader.LooksLikeSections(output) ? status : base.Decode(data, output, cancellationToken, out at);
    }
}
