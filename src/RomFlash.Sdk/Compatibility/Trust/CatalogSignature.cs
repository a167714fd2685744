using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>The detached signature of a catalog: CMS SignedData (RFC 5652) over the exact bytes of the file, beside it under its name with <c>.p7s</c>.</summary>
/// <remarks>Thread-safe.</remarks>
public static class CatalogSignature
{
    /// <summary>What is behind the catalog's file name.</summary>
    public const string Extension = ".p7s";

    /// <summary>The largest signature in bytes: 1 MiB.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>The smallest RSA key in bits that counts: 2,048 (NIST SP 800-131A Rev. 2, table 2).</summary>
    public const int MinRsaBits = 2048;

    private const int MaxSigners = 8;
    private const int MaxCertificates = 64;
    private const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    private const string Data = "1.2.840.113549.1.7.1";
    private const string ContentType = "1.2.840.113549.1.9.3";

    // RFC 5754, 2: SHA-256, SHA-384, SHA-512. What is not here is refused, SHA-1 and MD5 first of all.
    private static readonly HashSet<string> Digests = ["2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"];

    // RFC 8017 and RFC 5758: RSA by itself, PSS, RSA with SHA-2, ECDSA with SHA-2. PSS names its digest in its parameters; it has to be the signer's own.
    private static readonly HashSet<string> Algorithms =
    [
        "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13",
        "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4",
    ];

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

        if (WhyWeak(signer) is { } weakness)
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
        try
        {
            return VerifyDecoded(catalog, signature, trust);
        }
#pragma warning disable CA1031 // The decoder promises no closed list of exceptions for bytes that anybody can send; none of them may be taken for a defect or let the bytes pass.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            return Untrusted($"the signature can't be read: {e.Message}");
        }
    }

    private static FlashResult<CatalogSigner> VerifyDecoded(ReadOnlyMemory<byte> catalog, ReadOnlyMemory<byte> signature, CatalogTrust trust)
    {
        if (signature.Length > MaxLength)
        {
            return Untrusted($"the signature is larger than {MaxLength} bytes");
        }

        if (FindDer(signature.Span) is not { } der)
        {
            return Untrusted("the signature is neither DER nor PEM with the label CMS or PKCS7");
        }

        AsnDecoder.ReadEncodedValue(der, AsnEncodingRules.BER, out _, out _, out var consumed);
        if (consumed != der.Length)
        {
            return Untrusted("something follows the signature in its file");
        }

        var cms = new SignedCms(new ContentInfo(catalog.ToArray()), detached: true);
        cms.Decode(der);
        if (!cms.Detached)
        {
            // It would be right over its own content, and say nothing of the file beside it.
            return Untrusted("the signature holds a content of its own; it has to be a detached one");
        }

        if (cms.SignerInfos.Count is 0 or > MaxSigners || cms.Certificates.Count > MaxCertificates)
        {
            return Untrusted($"the signature has {cms.SignerInfos.Count} signers and {cms.Certificates.Count} certificates; 1 to {MaxSigners} and at most {MaxCertificates} are read");
        }

        CatalogSigner? trusted = null;
        var refusals = new List<string>();
        foreach (var info in cms.SignerInfos)
        {
            if (WhyNotRight(info, trust, out var certificate) is { } wrong)
            {
                return Untrusted(wrong);
            }

            if (WhyNotTrusted(certificate!, cms.Certificates, trust) is { } why)
            {
                refusals.Add($"{certificate!.Subject}, SHA-256 {certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant()}: {why}");
            }
            else
            {
                trusted ??= new(certificate!.Subject, certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant());
            }
        }

        return trusted is not null
            ? trusted
            : Untrusted($"the signature is right, but not by anybody who is trusted ({string.Join("; ", refusals)})");
    }

    private static CatalogUntrusted Untrusted(string why) => new() { Stage = FlashStage.Check, Detail = why };

    private static byte[]? FindDer(ReadOnlySpan<byte> content)
    {
        // A SEQUENCE begins with 0x30; text begins with a hyphen, or with something before it.
        if (content is [0x30, ..])
        {
            return content.ToArray();
        }

        var text = Encoding.ASCII.GetString(content);
        if (!PemEncoding.TryFind(text, out var fields) || text[fields.Label] is not ("CMS" or "PKCS7"))
        {
            return null;
        }

        var der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(text.AsSpan()[fields.Base64Data], der, out var length) && length == der.Length && text.AsSpan()[fields.Location.End..].IsWhiteSpace() ? der : null;
    }

    /// <summary>Verifies one signer's signature, and finds the certificate that it was verified with.</summary>
    private static string? WhyNotRight(SignerInfo info, CatalogTrust trust, out X509Certificate2? certificate)
    {
        certificate = info.Certificate;
        if (info.DigestAlgorithm.Value is not { } digest || !Digests.Contains(digest))
        {
            return $"the signature uses the digest {info.DigestAlgorithm.FriendlyName ?? info.DigestAlgorithm.Value}; SHA-256, SHA-384 and SHA-512 are accepted";
        }

        if (info.SignatureAlgorithm.Value is not { } algorithm || !Algorithms.Contains(algorithm))
        {
            return $"the signature uses the algorithm {info.SignatureAlgorithm.FriendlyName ?? info.SignatureAlgorithm.Value}; RSA and ECDSA with SHA-2 are accepted";
        }

        foreach (var attribute in info.SignedAttributes)
        {
            // RFC 5652, 5.3: the attribute repeats the type of what is signed, so that it can't be taken for something else.
            if (attribute.Oid?.Value == ContentType && (attribute.Values.Count != 1 || new Pkcs9ContentType { RawData = attribute.Values[0].RawData }.ContentType.Value != Data))
            {
                return "the signature is not over plain data";
            }
        }

        if (certificate is not null)
        {
            return Check(info, certificate);
        }

        // The signature brings no certificate along: then it is one of the trusted ones, or nobody's.
        foreach (var candidate in trust.Certificates)
        {
            if (Check(info, candidate) is null)
            {
                certificate = candidate;
                return null;
            }
        }

        return "the signature does not hold its signer's certificate, and no trusted certificate fits";
    }

    private static string? Check(SignerInfo info, X509Certificate2 certificate)
    {
        if (WhyWeak(certificate) is { } weakness)
        {
            return $"the signature is by {certificate.Subject}: {weakness}";
        }

        try
        {
            info.CheckSignature([certificate], verifySignatureOnly: true);
            return null;
        }
        catch (CryptographicException e)
        {
            return $"the signature is wrong, the catalog was changed after it was signed, or it belongs to another file ({e.Message})";
        }
    }

    private static string? WhyWeak(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var ecdsa = certificate.GetECDsaPublicKey();
        return rsa is null && ecdsa is null ? "its key is neither RSA nor ECDSA"
            : rsa is { KeySize: < MinRsaBits } ? $"its RSA key has {rsa.KeySize} bits, at least {MinRsaBits} are needed"
            : ecdsa is { KeySize: < 256 } ? $"its elliptic curve has {ecdsa.KeySize} bits, at least 256 are needed"
            : null;
    }

    private static string? WhyNotTrusted(X509Certificate2 signer, X509Certificate2Collection others, CatalogTrust trust)
    {
        var now = trust.TimeProvider.GetUtcNow();
        if (Holds(trust.Certificates, signer))
        {
            return now < signer.NotBefore.ToUniversalTime() || now > signer.NotAfter.ToUniversalTime()
                ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the certificate is valid from {signer.NotBefore.ToUniversalTime():u} to {signer.NotAfter.ToUniversalTime():u} only")
                : null;
        }

        // Only an authority can vouch for others: a signer that was pinned can't, even when it signed itself.
        X509Certificate2[] authorities = [.. trust.Certificates.Where(c => c.Extensions.OfType<X509BasicConstraintsExtension>().Any(b => b.CertificateAuthority))];
        if (authorities.Length == 0)
        {
            return $"it is none of the {trust.Certificates.Count} trusted certificates";
        }

        if (!signer.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(u => u.EnhancedKeyUsages.Cast<Oid>().Any(o => o.Value == CodeSigning)))
        {
            return "its certificate is not for code signing";
        }

        if (signer.Extensions.OfType<X509KeyUsageExtension>().Any(u => (u.KeyUsages & X509KeyUsageFlags.DigitalSignature) == 0))
        {
            return "its certificate is not for signatures";
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(others);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(CodeSigning));
        try
        {
            if (!chain.Build(signer))
            {
                return string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation.Trim().TrimEnd('.')).Distinct());
            }

            // The platform may still take SHA-1 between a root and a signer.
            var links = chain.ChainElements.SkipLast(1).Select(e => e.Certificate).ToList();
            return !Holds(trust.Certificates, chain.ChainElements[^1].Certificate) ? "its chain ends at nobody who is trusted"
                : links.Any(c => c.SignatureAlgorithm.Value is not { } algorithm || !Algorithms.Contains(algorithm)) ? "its chain uses an algorithm that is too weak"
                : links.Select(WhyWeak).FirstOrDefault(w => w is not null);
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    private static bool Holds(X509Certificate2Collection certificates, X509Certificate2 certificate) =>
        certificates.Any(c => c.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));

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
