using System.Security.Cryptography;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>
/// A bare signature value by the key of a certificate that comes along, as HP signed files have it in their fingerprint block: RSA by PKCS #1 v1.5 over
/// the digest that the block names.
/// </summary>
/// <remarks>Thread-safe and without state.</remarks>
internal static class FingerprintSignature
{
    /// <summary>The longest signature value in bytes: that of the largest key.</summary>
    public const int MaxLength = SignatureRules.MaxRsaBits / 8;

    /// <summary>The digest that a block names.</summary>
    /// <param name="name">Such as <c>sha256</c>; the case does not matter.</param>
    /// <returns>The digest, or null where it is none that is accepted: then the signature is invalid.</returns>
    public static HashAlgorithmName? FindDigest(string name) =>
        name.Equals("sha256", StringComparison.OrdinalIgnoreCase) ? HashAlgorithmName.SHA256
        : name.Equals("sha384", StringComparison.OrdinalIgnoreCase) ? HashAlgorithmName.SHA384
        : name.Equals("sha512", StringComparison.OrdinalIgnoreCase) ? HashAlgorithmName.SHA512
        : null;

    /// <summary>Verifies a signature over a digest, and says who signed.</summary>
    /// <param name="kind">What <see cref="RomImageSignature.Kind"/> is to be.</param>
    /// <param name="digestName">The digest by the block's word. Untrusted text.</param>
    /// <param name="digest">The digest of what is signed, by <see cref="FindDigest"/>; not looked at where that knows none.</param>
    /// <param name="signature">The signature's value, as long as the key.</param>
    /// <param name="certificates">Certificates in DER: the signer's first, intermediates behind it.</param>
    /// <param name="trust">Whom the caller trusts, or null: then nobody.</param>
    /// <returns>What it came to.</returns>
    /// <exception cref="ArgumentException">The digest does not have the length of its algorithm's.</exception>
    public static RomImageSignature Verify(
        string kind,
        string digestName,
        ReadOnlySpan<byte> digest,
        ReadOnlySpan<byte> signature,
        IReadOnlyList<ReadOnlyMemory<byte>> certificates,
        ImageSignatureTrust? trust)
    {
        ArgumentNullException.ThrowIfNull(digestName);
        ArgumentNullException.ThrowIfNull(certificates);
        var algorithm = FindDigest(digestName);
        if (algorithm is { } known && digest.Length != SignatureAlgorithm.LengthOf(known))
        {
            throw new ArgumentException($"{digest.Length} bytes are no {known}.", nameof(digest));
        }

        if (certificates.Count is 0 or > CmsSignature.MaxCertificates)
        {
            return SignatureVerdict.Invalid(kind, $"the signature comes with {certificates.Count} certificates; 1 to {CmsSignature.MaxCertificates} are read");
        }

        using var own = new CertificateBag();
        foreach (var certificate in certificates)
        {
            if (certificate.Length > CmsSignature.MaxLength || !own.TryAdd(certificate))
            {
                return SignatureVerdict.Invalid(kind, "a certificate of the signature can't be read");
            }
        }

        if (algorithm is not { } accepted)
        {
            return new SignatureVerdict(kind, string.Empty, own.Certificates[0]).Invalid($"the signature uses the digest '{SignatureAlgorithm.Shorten(digestName)}'; SHA-256, SHA-384 and SHA-512 are accepted");
        }

        return new SignatureVerdict(kind, SignatureAlgorithm.NameOf(accepted), own.Certificates[0])
            .Judge(SignatureAlgorithm.RsaPkcs1(accepted), digest, signature, own.Certificates, trust);
    }
}
