using RomFlash.Sdk.Images.Signatures;

namespace RomFlash.Sdk.Images;

/// <summary>What a <see cref="RomImageValidator"/> goes by.</summary>
public sealed record RomImageValidatorOptions
{
    /// <summary>The largest image in bytes, at least 1. Default 256 MiB. A larger file is <see cref="Outcomes.ImageTooLarge"/>, and is not read; so is a package whose payloads have more together, and none of them is extracted.</summary>
    public long MaxLength
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    }

    = 256L << 20;

    /// <summary>Whom the caller trusts to sign images, or null for nobody: then a signature that is right is by an untrusted signer, and one that is wrong is still refused.</summary>
    public ImageSignatureTrust? Trust { get; init; }
}
