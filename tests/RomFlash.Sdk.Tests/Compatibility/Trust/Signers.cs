using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Compatibility.Trust;

/// <summary>Certificates and signatures, right ones and wrong ones. Nothing is kept on any disk.</summary>
internal static class Signers
{
    public const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    public const string Sha1 = "1.3.14.3.2.26";
    public const string Sha256 = "2.16.840.1.101.3.4.2.1";

    public static readonly DateTimeOffset From = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly DateTimeOffset Now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly DateTimeOffset To = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static X509Certificate2 Pinned { get; } = SelfSigned("CN=Catalog signer");

    public static X509Certificate2 Root { get; } = Authority("CN=Root");

    public static X509Certificate2 SelfSigned(string name, bool isAuthority = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        if (isAuthority)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        }

        return request.CreateSelfSigned(From, To);
    }

    /// <summary>With any curve; disposes of the key.</summary>
    public static X509Certificate2 Keyed(ECDsa key)
    {
        using (key)
        {
            return new CertificateRequest("CN=Keyed", key, HashAlgorithmName.SHA256).CreateSelfSigned(From, To);
        }
    }

    public static X509Certificate2 Authority(string name) => SelfSigned(name, isAuthority: true);

    public static X509Certificate2 Issued(X509Certificate2 issuer, string name = "CN=Issued", string? usage = CodeSigning, bool isAuthority = false, DateTimeOffset? to = null, X509KeyUsageFlags? keyUsage = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        }

        if (isAuthority)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        }

        if (keyUsage is { } flags)
        {
            request.CertificateExtensions.Add(new X509KeyUsageExtension(flags, true));
        }

        // With its generator, so that an issuer which is no authority can issue all the same: that is what an attacker does.
        using var issuerKey = issuer.GetECDsaPrivateKey()!;
        using var issued = request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuerKey), From, to ?? To, Guid.NewGuid().ToByteArray());
        return issued.CopyWithPrivateKey(key);
    }

    public static X509Certificate2 SmallRsa(int bits)
    {
        using var key = RSA.Create(bits);
        var request = new CertificateRequest("CN=Small", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(From, To);
    }

    /// <summary>A signature as the product would not make it.</summary>
    public static byte[] SignLoosely(ReadOnlySpan<byte> content, X509Certificate2Collection signers, string digest = Sha256, bool detached = true, X509IncludeOption include = X509IncludeOption.EndCertOnly, params X509Certificate2[] others)
    {
        var cms = new SignedCms(new ContentInfo(content.ToArray()), detached);
        foreach (var signer in signers)
        {
            cms.ComputeSignature(new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, signer) { DigestAlgorithm = new Oid(digest), IncludeOption = include }, silent: true);
        }

        foreach (var other in others)
        {
            cms.AddCertificate(other);
        }

        return cms.Encode();
    }

    public static byte[] Sign(ReadOnlySpan<byte> content, X509Certificate2? signer = null) => CatalogSignature.Sign(content, signer ?? Pinned, Now).ToArray();
}
