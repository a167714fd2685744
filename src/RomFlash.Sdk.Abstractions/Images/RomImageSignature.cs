namespace RomFlash.Sdk.Images;

/// <summary>What a check of an image's signature came to.</summary>
public enum ImageSignatureStatus
{
    /// <summary>There is no signature, or nobody looked for one.</summary>
    Unsigned = 0,

    /// <summary>A signature is there, and it is wrong, can't be read, or uses an algorithm that proves nothing. Refused whatever policy says.</summary>
    Invalid,

    /// <summary>The signature is right, by somebody whom the caller did not name.</summary>
    SignerUntrusted,

    /// <summary>The signature is right, by somebody whom the caller trusts.</summary>
    Trusted,
}

/// <summary>A signature that was found in an image or beside it, and what its check came to.</summary>
public sealed record RomImageSignature
{
    /// <summary>What kind of signature it is, such as <c>fmp-pkcs7</c>, <c>hp-fingerprint</c> or <c>detached-pkcs7</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What its check came to.</summary>
    public required ImageSignatureStatus Status { get; init; }

    /// <summary>Whether it is over everything that matters in the image, and not over one part of several.</summary>
    public bool CoversAll { get; init; }

    /// <summary>The subject of the signer's certificate, or empty when it is not known. Untrusted text.</summary>
    public string Signer { get; init; } = string.Empty;

    /// <summary>The SHA-256 of the signer's certificate, 64 lower-case hexadecimal digits, or empty.</summary>
    public string SignerSha256 { get; init; } = string.Empty;

    /// <summary>The digest that was signed, such as <c>SHA-256</c>, or empty.</summary>
    public string DigestAlgorithm { get; init; } = string.Empty;

    /// <summary>Why it is not trusted, or empty when it is. May quote the image: untrusted text.</summary>
    public string Why { get; init; } = string.Empty;
}
