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

    /// <summary>Asserts what holds of every tree, whatever was read: parts lie in what they are parts of, one behind the other.</summary>
    public static void AssertIsTree(RomImagePart part)
    {
        var (end, space) = (0L, part.DecodedLength is { } decoded ? (Start: 0L, End: decoded) : (Start: part.Offset, End: part.Offset + part.Length));
        foreach (var inner in part.Parts)
        {
            Assert.Equal(part.IsInFile && part.DecodedLength is null, inner.IsInFile);
            Assert.True(inner.Length >= 0 && inner.Offset >= space.Start && inner.Offset + inner.Length <= space.End, $"{inner.Kind} at {inner.Offset} of {inner.Length} bytes is not in {part.Kind} at {space}");
            Assert.True(inner.Offset >= end, $"{inner.Kind} at {inner.Offset} begins before {end}");
            end = inner.Offset + inner.Length;
            AssertIsTree(inner);
        }
    }

    private static IEnumerable<RomImagePart> Flatten(RomImagePart part) => part.Parts.SelectMany(Flatten).Prepend(part);
}
