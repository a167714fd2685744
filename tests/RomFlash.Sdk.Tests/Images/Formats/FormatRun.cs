using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Has formats read bytes, without a validator around them: no file, no digest, on the caller's thread.</summary>
internal sealed record FormatRun(bool IsRecognized, string Format, RomIdentity Identity, RomImagePart Root, ImmutableArray<ImageFailure> Problems, ImmutableArray<string> Warnings, ImmutableArray<RomImageSignature> Signatures, ImageSignatureStatus Signature)
{
    /// <summary>The first problem, or null.</summary>
    public ImageFailure? Failure => Problems.IsEmpty ? null : Problems[0];

    public static FormatRun Of(ReadOnlyMemory<byte> bytes, params ImmutableArray<IRomImageFormat> formats) => Of(bytes, RomInspectionDepth.Full, null, formats);

    public static FormatRun Of(ReadOnlyMemory<byte> bytes, RomInspectionDepth depth, ImageSignatureTrust? trust, params ImmutableArray<IRomImageFormat> formats)
    {
        var state = new ReadingState(formats, depth, trust, CancellationToken.None);
        var root = new RomPartBuilder("file", 0, bytes.Length, isInFile: true);
        var reading = new RomImageReading(state, new MemoryContent("image", bytes), root, 0, isInFile: true, nesting: 0);
        var isRecognized = reading.TryReadAsAny();
        return new(isRecognized, reading.Format, reading.Identity, root.Build(), [.. state.Problems], [.. state.Warnings], [.. state.Signatures], state.Signature());
    }

    /// <summary>All parts, each before those in it.</summary>
    public IEnumerable<RomImagePart> Parts => Flatten(Root);

    private static IEnumerable<RomImagePart> Flatten(RomImagePart part) => part.Parts.SelectMany(Flatten).Prepend(part);
}
