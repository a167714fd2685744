using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>What counts as a key and as a certificate, for everything that is signed: images and catalogs.</summary>
/// <remarks>Thread-safe and without state.</remarks>
internal static class SignatureRules
{
    /// <summary>The smallest RSA key in bits that counts: 2,048 (NIST SP 800-131A Rev. 2, table 2).</summary>
    public const int MinRsaBits = 2048;

    /// <summary>The largest RSA key in bits that is computed with: 16,384 (OPENSSL_RSA_MAX_MODULUS_BITS). Bounds the time.</summary>
    public const int MaxRsaBits = 16_384;

    /// <summary>The smallest elliptic curve in bits that counts: 256.</summary>
    public const int MinCurveBits = 256;

    // RFC 5280, 4.2.1.12: id-kp-codeSigning.
    private const string CodeSigning = "1.3.6.1.5.5.7.3.3";

    /// <summary>Why a certificate's key proves nothing, or null.</summary>
    public static string? WhyWeak(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var ecdsa = certificate.GetECDsaPublicKey();
        return rsa is null && ecdsa is null ? "its key is neither RSA nor ECDSA"
            : rsa is { KeySize: < MinRsaBits } ? $"its RSA key has {rsa.KeySize} bits, at least {MinRsaBits} are needed"
            : rsa is { KeySize: > MaxRsaBits } ? $"its RSA key has {rsa.KeySize} bits, at most {MaxRsaBits} are computed with"
            : ecdsa is { KeySize: < MinCurveBits } ? $"its elliptic curve has {ecdsa.KeySize} bits, at least {MinCurveBits} are needed"
            : null;
    }

    /// <summary>Why nobody whom the caller trusts vouches for a signer, or null. The signature itself was found right before.</summary>
    /// <param name="signer">The signer's certificate.</param>
    /// <param name="others">What came with the signature.</param>
    /// <param name="trusted">What the caller trusts: pinned signers and roots.</param>
    /// <param name="clock">The clock that validity is measured with.</param>
    public static string? WhyNotTrusted(X509Certificate2 signer, X509Certificate2Collection others, X509Certificate2Collection trusted, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        if (Holds(trusted, signer))
        {
            return now < signer.NotBefore.ToUniversalTime() || now > signer.NotAfter.ToUniversalTime()
                ? string.Create(CultureInfo.InvariantCulture, $"the certificate is valid from {signer.NotBefore.ToUniversalTime():u} to {signer.NotAfter.ToUniversalTime():u} only")
                : null;
        }

        // Only an authority can vouch for others: a signer that was pinned can't, even when it signed itself.
        X509Certificate2[] authorities = [.. trusted.Where(c => c.Extensions.OfType<X509BasicConstraintsExtension>().Any(b => b.CertificateAuthority))];
        if (authorities.Length == 0)
        {
            return $"it is none of the {trusted.Count} trusted certificates";
        }

        if (!signer.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(u => u.EnhancedKeyUsages.Cast<Oid>().Any(o => o.Value == CodeSigning)))
        {
            return "its certificate is not for code signing";
        }

        if (signer.Extensions.OfType<X509KeyUsageExtension>().Any(u => (u.KeyUsages & X509KeyUsageFlags.DigitalSignature) == 0))
        {
            return "its certificate is not for signatures";
        }

        return WhyNoChain(signer, others, trusted, authorities, now);
    }

    private static string? WhyNoChain(X509Certificate2 signer, X509Certificate2Collection others, X509Certificate2Collection trusted, X509Certificate2[] authorities, DateTimeOffset now)
    {
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

            // The platform takes intermediates from the machine's and the user's stores as well, so that the answer would depend on where it is asked. And
            // it may still take SHA-1 between a root and a signer.
            var links = chain.ChainElements.SkipLast(1).Select(e => e.Certificate).ToList();
            return !Holds(trusted, chain.ChainElements[^1].Certificate) ? "its chain ends at nobody who is trusted"
                : links.Skip(1).Any(c => !Holds(others, c) && !Holds(trusted, c)) ? "its chain needs an intermediate certificate that the signature does not bring along"
                : links.Any(c => !HasAcceptedSignature(c)) ? "its chain uses an algorithm that is too weak"
                : links.Append(chain.ChainElements[^1].Certificate).Select(WhyWeak).FirstOrDefault(w => w is not null) is { } weakness ? $"in its chain: {weakness}"
                : null;
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280, 4.1).
    private static bool HasAcceptedSignature(X509Certificate2 certificate)
    {
        var content = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.BER).ReadSequence();
        content.ReadEncodedValue();
        return SignatureAlgorithm.TryRead(content, digest: null, out _, out _);
    }

    private static bool Holds(X509Certificate2Collection certificates, X509Certificate2 certificate) =>
        certificates.Any(c => c.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));
}
