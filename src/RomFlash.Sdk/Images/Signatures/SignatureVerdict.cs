using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>Makes the answer about one signer, of whatever kind the signature is.</summary>
/// <param name="Kind">What <see cref="RomImageSignature.Kind"/> is to be.</param>
/// <param name="DigestName">The digest's name for people.</param>
/// <param name="Certificate">The signer's, or null when nobody has it.</param>
internal readonly record struct SignatureVerdict(string Kind, string DigestName, X509Certificate2? Certificate)
{
    // Nobody's name is longer; a certificate may say anything.
    private const int MaxSubjectLength = 512;

    /// <summary>An invalid signature of which nothing is known.</summary>
    public static RomImageSignature Invalid(string kind, string why) => new SignatureVerdict(kind, string.Empty, null).Invalid(why);

    /// <summary>An invalid signature.</summary>
    public RomImageSignature Invalid(string why) => Make(ImageSignatureStatus.Invalid, why);

    /// <summary>Verifies the signature's value over a digest by the certificate, and looks who vouches for it.</summary>
    /// <param name="algorithm">How it was signed.</param>
    /// <param name="digest">The digest of what was signed.</param>
    /// <param name="signature">The value.</param>
    /// <param name="others">What came with the signature.</param>
    /// <param name="trust">Whom the caller trusts, or null: then nobody.</param>
    public RomImageSignature Judge(SignatureAlgorithm algorithm, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature, X509Certificate2Collection others, ImageSignatureTrust? trust)
    {
        const string Wrong = "the signature is wrong, or the content was changed after it was signed";
        var certificate = Certificate!;
        try
        {
            if (SignatureRules.WhyWeak(certificate) is { } weakness)
            {
                return Invalid($"the signer's key proves nothing: {weakness}");
            }

            if (!algorithm.Verify(certificate, digest, signature))
            {
                return Invalid(Wrong);
            }
        }
#pragma warning disable CA1031 // The platform promises no closed list of exceptions for keys and signatures that anybody can make up; none of them may let a signature pass.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            return Invalid($"{Wrong} ({e.Message})");
        }

        var why = WhyNotTrusted(certificate, others, trust);
        return why is null ? Make(ImageSignatureStatus.Trusted, string.Empty) : Make(ImageSignatureStatus.SignerUntrusted, why);
    }

    private static string? WhyNotTrusted(X509Certificate2 certificate, X509Certificate2Collection others, ImageSignatureTrust? trust)
    {
        if (trust is null)
        {
            return "nobody is trusted to sign images";
        }

        try
        {
            return SignatureRules.WhyNotTrusted(certificate, others, trust.Certificates, trust.TimeProvider);
        }
#pragma warning disable CA1031 // As above: extensions are decoded when they are looked at.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            return $"its chain can't be judged: {e.Message}";
        }
    }

    private RomImageSignature Make(ImageSignatureStatus status, string why) => new()
    {
        Kind = Kind,
        Status = status,
        Signer = Certificate?.Subject is { } subject ? subject.Length > MaxSubjectLength ? subject[..MaxSubjectLength] : subject : string.Empty,
        SignerSha256 = Certificate?.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant() ?? string.Empty,
        DigestAlgorithm = DigestName,
        Why = why,
    };
}

/// <summary>Certificates that somebody sent, for as long as they are looked at.</summary>
internal sealed class CertificateBag : IDisposable
{
    /// <summary>What was added.</summary>
    public X509Certificate2Collection Certificates { get; } = [];

    /// <summary>Adds a certificate in DER.</summary>
    /// <returns>False when it can't be read.</returns>
    public bool TryAdd(ReadOnlyMemory<byte> encoded)
    {
        if (encoded.Span is not [0x30, ..])
        {
            return false;
        }

        X509Certificate2? certificate = null;
        try
        {
            certificate = X509CertificateLoader.LoadCertificate(encoded.Span);

            // What is shown of it is decoded when it is first asked for: better here than later.
            _ = (certificate.Subject, certificate.Issuer);
            Certificates.Add(certificate);
            return true;
        }
#pragma warning disable CA1031 // The platform promises no closed list of exceptions for certificates that anybody can make up.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            certificate?.Dispose();
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var certificate in Certificates)
        {
            certificate.Dispose();
        }
    }
}
