using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>What an image is made of: a tree of its parts, with every check that was made. It is there for wrong images as well, as far as they could be read.</summary>
/// <remarks>Immutable and thread-safe. Holds no bytes of the image. All text in it may come from the image: untrusted text.</remarks>
public sealed record RomImageReport
{
    /// <summary>The source's name.</summary>
    public required string Name { get; init; }

    /// <summary>The name of the format that the content has, such as <c>uefi-capsule</c>.</summary>
    public required string Format { get; init; }

    /// <summary>The length in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>The SHA-256 of all bytes, or null when only the structure was asked for.</summary>
    public ContentDigest? Sha256 { get; init; }

    /// <summary>The image as a whole; its parts are below it.</summary>
    public required RomImagePart Root { get; init; }

    /// <summary>What the image says that it is for.</summary>
    public RomIdentity Identity { get; init; } = RomIdentity.None;

    /// <summary>The signatures in the image and beside it, each with what its check came to; empty when there is none.</summary>
    public ImmutableArray<RomImageSignature> Signatures { get; init; } = [];

    /// <summary>What all signatures together come to: the weakest, unless one that covers everything is trusted.</summary>
    public ImageSignatureStatus Signature { get; init; }

    /// <summary>For a package (<c>.fwpkg</c>, <c>.cab</c>, a bundle): what is in it for targets to take; empty for an image that is taken as it is.</summary>
    public ImmutableArray<RomImagePayload> Payloads { get; init; } = [];

    /// <summary>What a person should know although it is no mistake.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>Everything that is wrong, in the order in which it was found; empty for a valid image.</summary>
    public ImmutableArray<ImageFailure> Problems { get; init; } = [];

    /// <summary>Whether nothing is wrong with the image.</summary>
    public bool IsValid => Problems.IsDefaultOrEmpty;
}

/// <summary>A part of an image: a header, a volume, a file, a section, a payload.</summary>
public sealed record RomImagePart
{
    /// <summary>What it is, in short lower-case words with hyphens, such as <c>firmware-volume</c> or <c>ffs-file</c>. Open: formats add their own.</summary>
    public required string Kind { get; init; }

    /// <summary>Its name, or empty.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Where it begins, in bytes: from the file's beginning, or, where <see cref="IsInFile"/> is false, from the beginning of what the nearest enclosing part with a <see cref="DecodedLength"/> decodes to.</summary>
    public required long Offset { get; init; }

    /// <summary>How long it is, in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>Whether it lies in the file as it is, and not in something that had to be decoded.</summary>
    public bool IsInFile { get; init; } = true;

    /// <summary>How long its content is when it is decoded (decompressed), in bytes, or null where nothing was decoded.</summary>
    public long? DecodedLength { get; init; }

    /// <summary>The GUID that names it, or null.</summary>
    public Guid? Id { get; init; }

    /// <summary>The PCI device that it is for, or null.</summary>
    public PciId? Pci { get; init; }

    /// <summary>Its version as it says it, or empty.</summary>
    public string Version { get; init; } = string.Empty;

    /// <summary>What else it says of itself, one statement each.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];

    /// <summary>The checks that were made on it.</summary>
    public ImmutableArray<RomImageCheck> Checks { get; init; } = [];

    /// <summary>The parts that it is made of, in the order of their offsets.</summary>
    public ImmutableArray<RomImagePart> Parts { get; init; } = [];
}

/// <summary>A checksum or digest that the image promises, and what it really is.</summary>
/// <param name="Name">What was checked, such as <c>header sum8</c>.</param>
/// <param name="Offset">Where the checked range begins; counted as the part's own offset is.</param>
/// <param name="Length">How long the checked range is, in bytes.</param>
/// <param name="Expected">What it has to be, in hexadecimal digits.</param>
/// <param name="Found">What it is.</param>
public readonly record struct RomImageCheck(string Name, long Offset, long Length, string Expected, string Found)
{
    /// <summary>Whether it is what it has to be.</summary>
    public bool Holds => string.Equals(Expected, Found, StringComparison.Ordinal);
}

/// <summary>What a package holds for a target to take.</summary>
public sealed record RomImagePayload
{
    /// <summary>Its name in the package.</summary>
    public required string Name { get; init; }

    /// <summary>The name of its format, or <c>opaque</c> where no format recognises it and only the package says what it is.</summary>
    public required string Format { get; init; }

    /// <summary>Its length in bytes, extracted.</summary>
    public required long Length { get; init; }

    /// <summary>The SHA-256 of it, extracted: what a catalog lists and a target is sent.</summary>
    public required ContentDigest Sha256 { get; init; }

    /// <summary>What it is for, by the package's word and its own.</summary>
    public RomIdentity Identity { get; init; } = RomIdentity.None;

    /// <summary>What its own signatures come to, and those of the package as a whole. What vouches for another payload says nothing of this one.</summary>
    public ImageSignatureStatus Signature { get; init; }
}

/// <summary>The package that a payload was taken from.</summary>
/// <param name="Format">The name of the package's format.</param>
/// <param name="Name">The payload's name in the package. Untrusted text.</param>
/// <param name="Length">The package's length in bytes.</param>
/// <param name="Sha256">The SHA-256 of the whole package.</param>
public sealed record RomImageWrapper(string Format, string Name, long Length, ContentDigest Sha256);
