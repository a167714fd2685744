using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

/// <summary>Who counts as a signer. Every signature here is right.</summary>
public sealed class SignatureRulesTests
{
    [Fact]
    public void Verify_NobodyTrusted_IsUntrusted()
    {
        AssertUntrusted("nobody is trusted", Signers.Pinned, null);
        AssertUntrusted("none of the 0 trusted", Signers.Pinned, CmsBuilder.Trusting());
    }

    [Fact]
    public void Verify_Stranger_IsUntrustedAndNamed()
    {
        using var impostor = Signers.SelfSigned(Signers.Pinned.Subject);

        var found = AssertUntrusted("none of the 1 trusted", impostor, CmsBuilder.Trusting(Signers.Pinned));

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(impostor.RawData)), found.SignerSha256);
    }

    [Fact]
    public void Verify_PinnedWithAnyUsage_IsTrusted()
    {
        using var server = Signers.Issued(Signers.Root, usage: "1.3.6.1.5.5.7.3.1", keyUsage: X509KeyUsageFlags.KeyEncipherment);

        AssertTrusted(server, CmsBuilder.Trusting(server));
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(31_536_000, true)]
    [InlineData(31_536_001, false)]
    public void Verify_PinnedByTime_CountsWithinItsValidityOnly(int seconds, bool isTrusted)
    {
        var trust = CmsBuilder.Trusting(Signers.Pinned) with { TimeProvider = new FixedTime(Signers.From.AddSeconds(seconds)) };

        if (isTrusted)
        {
            AssertTrusted(Signers.Pinned, trust);
        }
        else
        {
            AssertUntrusted("valid from 2026-01-01 00:00:00Z to 2027-01-01 00:00:00Z only", Signers.Pinned, trust);
        }
    }

    [Fact]
    public void Verify_ChainedByTime_CountsWithinTheValidityOfEveryLink()
    {
        using var shortLived = Signers.Issued(Signers.Root, to: Signers.Now.AddDays(-1));
        using var good = Signers.Issued(Signers.Root);
        using var oldAuthority = Signers.Issued(Signers.Root, "CN=Intermediate", usage: null, isAuthority: true, to: Signers.Now.AddDays(-1));
        using var under = Signers.Issued(oldAuthority);

        AssertUntrusted("", shortLived, CmsBuilder.Trusting(Signers.Root));
        AssertUntrusted("", under, CmsBuilder.Trusting(Signers.Root), oldAuthority);
        AssertTrusted(good, CmsBuilder.Trusting(Signers.Root));
        foreach (var now in (DateTimeOffset[])[Signers.From.AddSeconds(-1), Signers.To.AddSeconds(1)])
        {
            AssertUntrusted("", good, CmsBuilder.Trusting(Signers.Root) with { TimeProvider = new FixedTime(now) });
        }
    }

    [Fact]
    public void Verify_ChainedWithoutCodeSigning_IsUntrusted()
    {
        using var server = Signers.Issued(Signers.Root, usage: "1.3.6.1.5.5.7.3.1");
        using var any = Signers.Issued(Signers.Root, usage: null);
        using var anyUsage = Signers.Issued(Signers.Root, usage: "2.5.29.37.0");
        using var narrow = Signers.Issued(Signers.Root, "CN=For servers", usage: "1.3.6.1.5.5.7.3.1", isAuthority: true);
        using var under = Signers.Issued(narrow);

        AssertUntrusted("not for code signing", server, CmsBuilder.Trusting(Signers.Root));
        AssertUntrusted("not for code signing", any, CmsBuilder.Trusting(Signers.Root));
        AssertUntrusted("not for code signing", anyUsage, CmsBuilder.Trusting(Signers.Root));
        AssertUntrusted("", under, CmsBuilder.Trusting(Signers.Root), narrow);
    }

    [Fact]
    public void Verify_ChainedByKeyUsage_NeedsDigitalSignature()
    {
        using var wrong = Signers.Issued(Signers.Root, keyUsage: X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.NonRepudiation);
        using var right = Signers.Issued(Signers.Root, keyUsage: X509KeyUsageFlags.DigitalSignature);

        AssertUntrusted("not for signatures", wrong, CmsBuilder.Trusting(Signers.Root));
        AssertTrusted(right, CmsBuilder.Trusting(Signers.Root));
    }

    [Fact]
    public void Verify_UnderAnIntermediate_NeedsItInTheSignatureOrInTheTrust()
    {
        using var intermediate = Signers.Issued(Signers.Root, "CN=Intermediate", usage: null, isAuthority: true);
        using var signer = Signers.Issued(intermediate);

        AssertTrusted(signer, CmsBuilder.Trusting(Signers.Root), intermediate);
        AssertTrusted(signer, CmsBuilder.Trusting(Signers.Root, intermediate));
        AssertUntrusted("", signer, CmsBuilder.Trusting(Signers.Root));
    }

    [Fact]
    public void Verify_IntermediateInTheUsersStoreAlone_IsUntrusted()
    {
        using var intermediate = Signers.Issued(Signers.Root, "CN=Intermediate of the user", usage: null, isAuthority: true);
        using var publicPart = X509CertificateLoader.LoadCertificate(intermediate.RawData);
        using var signer = Signers.Issued(intermediate);
        using var store = new X509Store(StoreName.CertificateAuthority, StoreLocation.CurrentUser);
        store.Open(OpenFlags.ReadWrite);
        store.Add(publicPart);
        try
        {
            AssertUntrusted("intermediate certificate that the signature does not bring along", signer, CmsBuilder.Trusting(Signers.Root));
            AssertTrusted(signer, CmsBuilder.Trusting(Signers.Root), intermediate);
        }
        finally
        {
            store.Remove(publicPart);
        }
    }

    [Fact]
    public void Verify_RootThatComesWithTheSignature_IsUntrusted()
    {
        using var other = Signers.Authority("CN=Somebody's root");
        using var signer = Signers.Issued(other);
        using var namesake = Signers.Authority(Signers.Root.Subject);
        using var under = Signers.Issued(namesake);

        AssertUntrusted("", signer, CmsBuilder.Trusting(Signers.Root), other);
        AssertUntrusted("", under, CmsBuilder.Trusting(Signers.Root), namesake);
    }

    [Fact]
    public void Verify_IssuedByAPinnedSignerOrByALeaf_IsUntrusted()
    {
        using var byPinned = Signers.Issued(Signers.Pinned);
        using var leaf = Signers.Issued(Signers.Root, "CN=Leaf");
        using var byLeaf = Signers.Issued(leaf);

        AssertUntrusted("", byPinned, CmsBuilder.Trusting(Signers.Pinned, Signers.Root), Signers.Pinned);
        AssertUntrusted("", byLeaf, CmsBuilder.Trusting(Signers.Root), leaf);
    }

    [Fact]
    public void Verify_WeakKey_IsInvalidEvenWhenPinned()
    {
        using var small = Signers.SmallRsa(1024);
        using var curve = Signers.Keyed(ECDsa.Create(ECCurve.CreateFromFriendlyName("secp224r1")));

        foreach (var (signer, why) in (ReadOnlySpan<(X509Certificate2, string)>)[(small, "1024 bits"), (curve, "224 bits")])
        {
            var found = CmsBuilder.Check(new CmsBuilder { Signer = signer }.Build(), CmsBuilder.Image, CmsBuilder.Trusting(signer));
            Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
            Assert.Contains(why, found.Why, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1024, null, "1024 bits")]
    [InlineData(2048, "1.2.840.113549.1.1.5", "too weak")]
    [InlineData(2048, "1.2.840.113549.1.1.10", "too weak")]
    public void Verify_WeakLink_IsUntrusted(int bits, string? weak, string why)
    {
        // SHA-1, by its own name and as what RSA-PSS takes when it is not told otherwise.
        using var rootKey = RSA.Create(2048);
        using var root = Authority("CN=RSA root", rootKey).CreateSelfSigned(Signers.From, Signers.To);
        using var key = RSA.Create(bits);
        using var issued = Authority("CN=RSA intermediate", key).Create(root.SubjectName, X509SignatureGenerator.CreateForRSA(rootKey, RSASignaturePadding.Pkcs1), Signers.From, Signers.To, [1]);
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Leaf", leafKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(Signers.CodeSigning)], false));
        var generator = weak is null ? X509SignatureGenerator.CreateForRSA(key, RSASignaturePadding.Pkcs1) : new Sha1Generator(key, weak);
        using var leaf = request.Create(issued.SubjectName, generator, Signers.From, Signers.To, [2]).CopyWithPrivateKey(leafKey);

        AssertUntrusted(why, leaf, CmsBuilder.Trusting(root), issued);
    }

    [Fact]
    public void Verify_SubjectOfAnyLength_IsShort()
    {
        using var signer = Signers.SelfSigned("CN=" + new string('x', 5000));

        var found = AssertUntrusted("", signer, CmsBuilder.Trusting());

        Assert.Equal(512, found.Signer.Length);
    }

    private static CertificateRequest Authority(string name, RSA key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request;
    }

    private static RomImageSignature Check(X509Certificate2 signer, ImageSignatureTrust? trust, X509Certificate2[] others) =>
        CmsBuilder.Check(new CmsBuilder { Signer = signer, Certificates = [signer.RawData, .. others.Select(o => o.RawData)] }.Build(), CmsBuilder.Image, trust);

    private static void AssertTrusted(X509Certificate2 signer, ImageSignatureTrust trust, params X509Certificate2[] others)
    {
        var found = Check(signer, trust, others);
        Assert.True(found.Status == ImageSignatureStatus.Trusted, found.Why);
    }

    private static RomImageSignature AssertUntrusted(string why, X509Certificate2 signer, ImageSignatureTrust? trust, params X509Certificate2[] others)
    {
        var found = Check(signer, trust, others);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, found.Status);
        Assert.NotEmpty(found.Why);
        Assert.Contains(why, found.Why, StringComparison.Ordinal);
        Assert.StartsWith("CN=", found.Signer, StringComparison.Ordinal);
        return found;
    }

    /// <summary>Issues with SHA-1, which the platform's generators refuse.</summary>
    private sealed class Sha1Generator(RSA key, string algorithm) : X509SignatureGenerator
    {
        private bool IsPss => algorithm.EndsWith(".10", StringComparison.Ordinal);

        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
            CmsBuilder.AlgorithmOf(algorithm, w =>
            {
                if (IsPss)
                {
                    w.PushSequence().Dispose();
                }
                else
                {
                    w.WriteNull();
                }
            });

#pragma warning disable CA5350 // That it is weak is the point.
        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.SignData(data, HashAlgorithmName.SHA1, IsPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
#pragma warning restore CA5350

        protected override PublicKey BuildPublicKey() => new(key);
    }
}
