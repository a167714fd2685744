using System.Numerics;
using System.Security.Cryptography;
using RomFlash.Sdk.Images.Signatures;

namespace RomFlash.Sdk.Tests.Images.Signatures;

public sealed class RsaPssVerifierTests
{
    [Theory]
    [InlineData(2048, "SHA256")]
    [InlineData(2056, "SHA384")]
    [InlineData(3072, "SHA512")]
    public void Verify_SignatureOfThePlatform_IsRightUntilAnythingIsChanged(int bits, string name)
    {
        using var key = RSA.Create(bits);
        var algorithm = new HashAlgorithmName(name);
        var digest = CryptographicOperations.HashData(algorithm, CmsBuilder.Image);
        var signature = key.SignHash(digest, algorithm, RSASignaturePadding.Pss);

        Assert.True(RsaPssVerifier.Verify(key, algorithm, digest, signature, digest.Length));
        foreach (var length in (int[])[0, digest.Length - 1, digest.Length + 1, bits / 8, 2048])
        {
            Assert.False(RsaPssVerifier.Verify(key, algorithm, digest, signature, length));
        }

        for (var i = 0; i < signature.Length; i += 5)
        {
            var changed = signature.ToArray();
            changed[i] ^= 1;
            Assert.False(RsaPssVerifier.Verify(key, algorithm, digest, changed, digest.Length));
        }

        for (var i = 0; i < digest.Length; i++)
        {
            var changed = digest.ToArray();
            changed[i] ^= 1;
            Assert.False(RsaPssVerifier.Verify(key, algorithm, changed, signature, digest.Length));
        }

        Assert.False(RsaPssVerifier.Verify(key, algorithm, digest, signature[..^1], digest.Length));
        Assert.False(RsaPssVerifier.Verify(key, algorithm, digest, [0, .. signature], digest.Length));
        Assert.False(RsaPssVerifier.Verify(key, algorithm, digest, [], digest.Length));
        Assert.False(RsaPssVerifier.Verify(key, algorithm, digest, new byte[bits / 8], digest.Length));
    }

    [Fact]
    public void Verify_SignaturePlusTheModulus_IsWrong()
    {
        // It is the same number to the mathematics, and another signature.
        using var key = RSA.Create(2048);
        var digest = SHA256.HashData(CmsBuilder.Image);
        var modulus = new BigInteger(key.ExportParameters(false).Modulus, isUnsigned: true, isBigEndian: true);
        byte[] larger;
        do
        {
            var signature = new BigInteger(key.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pss), isUnsigned: true, isBigEndian: true);
            larger = (signature + modulus).ToByteArray(isUnsigned: true, isBigEndian: true);
        }
        while (larger.Length > 256);

        Assert.False(RsaPssVerifier.Verify(key, HashAlgorithmName.SHA256, digest, larger, digest.Length));
    }
}
