using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>The detached signature of a catalog: CMS SignedData (RFC 5652) over the exact bytes of the file, beside it under its name with <c>.p7s</c>.</summary>
/// <remarks>Thread-safe.</remarks>
public static class CatalogSignature
{
    /// <summary>What is behind the catalog's file name.</summary>
    public const string Extension = ".p7s";

    /// <summary>The largest signature in bytes: 1 MiB.</summary>
    public const int MaxLength = CmsSignature.MaxLength;

    /// <summary>The smallest RSA key in bits that counts: 2,048 (NIST SP 800-131A Rev. 2, table 2).</summary>
    public const int MinRsaBits = SignatureRules.MinRsaBits;

    /// <summary>Signs a catalog: one signer, its certificate included, with the time of signing; SHA-256, or the digest that fits a larger elliptic curve.</summary>
    /// <param name="catalog">The exact bytes of the file.</param>
    /// <param name="signer">The certificate, with its private key (RSA of at least <see cref="MinRsaBits"/> bits, or ECDSA).</param>
    /// <param name="signingTime">The time that is written into the signature; nobody relies on it.</param>
    /// <returns>The signature in DER.</returns>
    /// <exception cref="ArgumentException">The certificate has no private key, or one that nobody would accept.</exception>
    /// <exception cref="CryptographicException">The key can't sign.</exception>
    public static ReadOnlyMemory<byte> Sign(ReadOnlySpan<byte> catalog, X509Certificate2 signer, DateTimeOffset signingTime)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (!signer.HasPrivateKey)
        {
            throw new ArgumentException("The certificate comes without its private key.", nameof(signer));
        }

        if (SignatureRules.WhyWeak(signer) is { } weakness)
        {
            throw new ArgumentException($"The key is not accepted: {weakness}.", nameof(signer));
        }

        var cms = new SignedCms(new ContentInfo(catalog.ToArray()), detached: true);
        var cmsSigner = new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, signer)
        {
            IncludeOption = X509IncludeOption.EndCertOnly,
            DigestAlgorithm = new Oid(DigestFor(signer)),
        };
        cmsSigner.SignedAttributes.Add(new Pkcs9SigningTime(signingTime.UtcDateTime));
        cms.ComputeSignature(cmsSigner, silent: true);
        return cms.Encode();
    }

    /// <summary>Says who signed, when that is somebody trusted.</summary>
    internal static FlashResult<CatalogSigner> Verify(ReadOnlyMemory<byte> catalog, ReadOnlyMemory<byte> signature, CatalogTrust trust)
    {
        if (!SignatureFile.TryParse(signature, out var cms, out var why))
        {
            return Untrusted(why);
        }

        using var digests = cms.CreateDigests();
        digests.Append(catalog.Span);
        var found = cms.Verify("catalog", digests, new ImageSignatureTrust { Certificates = trust.Certificates, TimeProvider = trust.TimeProvider });
        return found.Status switch
        {
            ImageSignatureStatus.Trusted => new CatalogSigner(found.Signer, found.SignerSha256),
            ImageSignatureStatus.SignerUntrusted => Untrusted($"the signature is right, but not by anybody who is trusted ({new CatalogSigner(found.Signer, found.SignerSha256)}: {found.Why})"),
            _ => Untrusted(found.Signer.Length > 0 ? $"{found.Why} ({new CatalogSigner(found.Signer, found.SignerSha256)})" : found.Why),
        };
    }

    private static CatalogUntrusted Untrusted(string why) => new() { Stage = FlashStage.Check, Detail = why };

    private static string DigestFor(X509Certificate2 certificate)
    {
        using var ecdsa = certificate.GetECDsaPublicKey();
        return ecdsa?.KeySize switch
        {
            > 384 => "2.16.840.1.101.3.4.2.3",
            > 256 => "2.16.840.1.101.3.4.2.2",
            _ => "2.16.840.1.101.3.4.2.1",
        };
    }
}

/// <summary>Who signed a catalog. The subject is untrusted text.</summary>
internal sealed record CatalogSigner(string Subject, string Sha256)
{
    public override string ToString() => $"{Subject}, SHA-256 {Sha256}";
}
