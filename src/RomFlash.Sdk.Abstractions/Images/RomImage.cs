using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>Where an image's bytes come from. Opened once to validate and again for each target that they are sent to.</summary>
public interface IRomImageSource
{
    /// <summary>A name for people, such as the file's path; may be anything, so escape it for where it is shown.</summary>
    string Name { get; }

    /// <summary>Opens the bytes from the beginning. The caller disposes of the stream.</summary>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>A readable stream, or the failure to open it (<see cref="ImageUnreadable"/>).</returns>
    ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken);
}

/// <summary>What a validator found; anybody can construct it. <see cref="RomImage.TryCreate"/> turns it into a key.</summary>
public sealed record ImageEvidence
{
    /// <summary>The name of the format that the content has, such as <c>uefi-capsule</c>.</summary>
    public required string Format { get; init; }

    /// <summary>The length in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>The SHA-256 of all bytes.</summary>
    public required ContentDigest Sha256 { get; init; }

    /// <summary>What the image says that it is for.</summary>
    public RomIdentity Identity { get; init; } = RomIdentity.None;

    /// <summary>What a person should know about the image although it is valid. May quote the image: untrusted text.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>What the check of its signatures came to. Who gives no evidence gives none of a signature.</summary>
    public ImageSignatureStatus Signature { get; init; }

    /// <summary>The signatures themselves; empty when there is none.</summary>
    public ImmutableArray<RomImageSignature> Signatures { get; init; } = [];

    /// <summary>The package that the image was taken from, or null when the file is the image.</summary>
    public RomImageWrapper? Wrapper { get; init; }

    /// <summary>What the image is made of, or null when whoever validated it made no report. Of a payload, it is the report on its package.</summary>
    public RomImageReport? Report { get; init; }
}

/// <summary>An image that was validated: the key to approval. Holds no bytes; they are read again, and hashed, when they are sent.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class RomImage
{
    private RomImage(IRomImageSource source, ImageEvidence evidence)
    {
        Source = source;
        Evidence = evidence;
    }

    /// <summary>Where the bytes come from.</summary>
    public IRomImageSource Source { get; }

    /// <summary>What the validator found.</summary>
    public ImageEvidence Evidence { get; }

    /// <summary>The SHA-256 of the validated bytes.</summary>
    public ContentDigest Sha256 => Evidence.Sha256;

    /// <summary>The length in bytes, at least 1.</summary>
    public long Length => Evidence.Length;

    /// <summary>Checks the evidence and makes the key.</summary>
    /// <param name="source">Where the bytes come from.</param>
    /// <param name="evidence">What the validator found.</param>
    /// <returns>The key, or <see cref="ImageEmpty"/>, <see cref="ImageSignatureInvalid"/> or <see cref="ImageMalformed"/> when the evidence can't be right.</returns>
    public static FlashResult<RomImage> TryCreate(IRomImageSource source, ImageEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(evidence);
        if (evidence.Length <= 0)
        {
            return new ImageEmpty { Stage = FlashStage.Validate, Detail = source.Name };
        }

        if (evidence.Signature == ImageSignatureStatus.Invalid)
        {
            return new ImageSignatureInvalid { Stage = FlashStage.Validate, Detail = $"{source.Name}: {string.Join("; ", (evidence.Signatures.IsDefault ? [] : evidence.Signatures).Where(s => s.Status == ImageSignatureStatus.Invalid).Select(s => s.Why))}" };
        }

        if (evidence.Sha256.IsEmpty || string.IsNullOrWhiteSpace(evidence.Format))
        {
            return new ImageMalformed { Stage = FlashStage.Validate, Detail = $"{source.Name}: the evidence has no digest or no format" };
        }

        return new RomImage(source, evidence);
    }
}
