using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

public sealed class FingerprintSignatureTests
{
    [Theory]
    [InlineData("sha256", "SHA-256")]
    [InlineData("SHA384", "SHA-384")]
    [InlineData("sha512", "SHA-512")]
    public void Verify_RightSignature_IsTrustedWhenItsCertificateIs(string name, string shown)
    {
        var (digest, value) = Sign(name);

        var found = FingerprintSignature.Verify("hp-fingerprint", name, digest, value, [CmsBuilder.Rsa.Value.RawData], CmsBuilder.Trusting(CmsBuilder.Rsa.Value));

        Assert.Equal(
            new RomImageSignature
            {
                Kind = "hp-fingerprint",
                Status = ImageSignatureStatus.Trusted,
                Signer = "CN=Small",
                SignerSha256 = Convert.ToHexStringLower(SHA256.HashData(CmsBuilder.Rsa.Value.RawData)),
                DigestAlgorithm = shown,
            },
            found);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, FingerprintSignature.Verify("hp-fingerprint", name, digest, value, [CmsBuilder.Rsa.Value.RawData], null).Status);
    }

    [Fact]
    public void Verify_AnyByteOfValueOrDigestChanged_IsInvalid()
    {
        var (digest, value) = Sign("sha256");
        for (var i = 0; i < value.Length; i++)
        {
            var changed = value.ToArray();
            changed[i] ^= 1;
            AssertInvalid("wrong", "sha256", digest, changed, CmsBuilder.Rsa.Value.RawData);
        }

        for (var i = 0; i < digest.Length; i++)
        {
            var changed = digest.ToArray();
            changed[i] ^= 1;
            AssertInvalid("wrong", "sha256", changed, value, CmsBuilder.Rsa.Value.RawData);
        }

        foreach (var length in (int[])[0, 1, 255, 257, 4096])
        {
            var other = new byte[length];
            value.AsSpan(0, Math.Min(length, value.Length)).CopyTo(other);
            AssertInvalid("wrong", "sha256", digest, other, CmsBuilder.Rsa.Value.RawData);
        }
    }

    [Fact]
    public void Verify_AnyByteOfTheCertificateChanged_IsNeverTrusted()
    {
        var (digest, value) = Sign("sha256");
        var certificate = CmsBuilder.Rsa.Value.RawData;
        for (var i = 0; i < certificate.Length; i++)
        {
            var changed = certificate.ToArray();
            changed[i] ^= 1;
            var found = FingerprintSignature.Verify("hp-fingerprint", "sha256", digest, value, [changed], CmsBuilder.Trusting(CmsBuilder.Rsa.Value));
            Assert.True(found.Status is ImageSignatureStatus.Invalid or ImageSignatureStatus.SignerUntrusted, $"byte {i}: {found}");
        }
    }

    [Theory]
    [InlineData("sha1")]
    [InlineData("md5")]
    [InlineData("")]
    [InlineData("sha256 ")]
    [InlineData("SHA-256")]
    public void Verify_UnknownOrWeakDigest_IsInvalidAndNamesTheSigner(string name)
    {
        var found = FingerprintSignature.Verify("hp-fingerprint", name, [], new byte[256], [CmsBuilder.Rsa.Value.RawData], CmsBuilder.Trusting(CmsBuilder.Rsa.Value));

        Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
        Assert.Contains($"'{name}'", found.Why, StringComparison.Ordinal);
        Assert.Equal("CN=Small", found.Signer);
        Assert.Null(FingerprintSignature.FindDigest(name));
    }

    [Fact]
    public void Verify_KeyThatIsWeakOrOfAnotherKind_IsInvalid()
    {
        using var small = Signers.SmallRsa(1024);
        using var key = small.GetRSAPrivateKey()!;
        var digest = SHA256.HashData(CmsBuilder.Image);

        AssertInvalid("1024 bits", "sha256", digest, key.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), small.RawData);
        AssertInvalid("wrong", "sha256", digest, new byte[64], Signers.Pinned.RawData);
        AssertInvalid("wrong", "sha256", digest, CmsBuilder.Rsa.Value.GetRSAPrivateKey()!.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pss), CmsBuilder.Rsa.Value.RawData);
    }

    [Fact]
    public void Verify_CertificatesMissingTooManyOrBroken_IsInvalid()
    {
        var (digest, value) = Sign("sha256");
        var good = CmsBuilder.Rsa.Value.RawData;

        AssertInvalid("0 certificates", "sha256", digest, value);
        AssertInvalid("65 certificates", "sha256", digest, value, [.. Enumerable.Repeat(good, 65)]);
        AssertInvalid("can't be read", "sha256", digest, value, good, []);
        AssertInvalid("can't be read", "sha256", digest, value, good[..^1]);
        AssertInvalid("can't be read", "sha256", digest, value, good, new byte[CmsSignature.MaxLength + 1]);
    }

    [Fact]
    public void Verify_DigestOfAnotherLength_IsMisuse() =>
        Assert.Throws<ArgumentException>(() => FingerprintSignature.Verify("hp-fingerprint", "sha512", new byte[32], [], [CmsBuilder.Rsa.Value.RawData], null));

    private static (byte[] Digest, byte[] Value) Sign(string name)
    {
        var algorithm = FingerprintSignature.FindDigest(name)!.Value;
        using var digests = new SignedDigests(algorithm);
        digests.Append(CmsBuilder.Image);
        using var key = CmsBuilder.Rsa.Value.GetRSAPrivateKey()!;
        return (digests.Of(algorithm), key.SignData(CmsBuilder.Image, algorithm, RSASignaturePadding.Pkcs1));
    }

    private static void AssertInvalid(string why, string name, byte[] digest, byte[] value, params byte[][] certificates)
    {
        var found = FingerprintSignature.Verify("hp-fingerprint", name, digest, value, [.. certificates.Select(c => (ReadOnlyMemory<byte>)c)], CmsBuilder.Trusting(CmsBuilder.Rsa.Value));
        Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
        Assert.Contains(why, found.Why, StringComparison.Ordinal);
    }
}
