using System.Buffers.Binary;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

/// <summary>The signatures of capsules that U-Boot's tool makes: PKCS #7 over image and count (UEFI 2.10, 23.1).</summary>
[Trait("Category", "Peer")]
public sealed class SignedCapsuleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-capsule-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Verify_SignatureOfMkeficapsule_IsRightUntilAnyByteOfImageCountOrValueIsChanged()
    {
        using var signer = Signers.SmallRsa(2048);
        using var key = signer.GetRSAPrivateKey()!;
        await File.WriteAllTextAsync(At("signer.pem"), signer.ExportCertificatePem());
        await File.WriteAllTextAsync(At("signer.key"), key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllBytesAsync(At("image"), CmsBuilder.Image);
        await PeerProgram.MustRunAsync(
            "mkeficapsule", "--index", "1", "--guid", CapsuleBuilder.Class.ToString(), "--monotonic-count", "5", "--private-key", At("signer.key"), "--certificate", At("signer.pem"), At("image"), At("capsule"));
        var capsule = await File.ReadAllBytesAsync(At("capsule"));

        // EFI_CAPSULE_HEADER; FMP header with one offset; image header of version 3; then count, length, revision, type, GUID, PKCS #7; then the image.
        var fmp = BinaryPrimitives.ReadInt32LittleEndian(capsule.AsSpan(16));
        var count = fmp + (int)BinaryPrimitives.ReadUInt64LittleEndian(capsule.AsSpan(fmp + 8)) + 48;
        var signature = capsule.AsMemory(count + 32, BinaryPrimitives.ReadInt32LittleEndian(capsule.AsSpan(count + 8)) - 24);
        var image = count + 32 + signature.Length;
        Assert.Equal(CmsBuilder.Image, capsule[image..]);
        var trust = CmsBuilder.Trusting(signer);

        var found = Check(trust);
        Assert.True(found.Status == ImageSignatureStatus.Trusted, found.Why);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, Check(null).Status);

        for (var i = 0; i < capsule.Length; i++)
        {
            capsule[i] ^= 1;
            found = Check(trust);
            var isOutside = i < count || (i >= count + 8 && i < count + 32);
            var isInSignature = i >= count + 32 && i < image;
            var isInValue = isInSignature && i >= image - 256;
            Assert.True(
                isOutside ? found.Status == ImageSignatureStatus.Trusted : isInSignature && !isInValue ? found.Status <= ImageSignatureStatus.Trusted : found.Status == ImageSignatureStatus.Invalid,
                $"byte {i}: {found}");
            capsule[i] ^= 1;
        }

        RomImageSignature Check(ImageSignatureTrust? who)
        {
            if (!CmsSignature.TryParse(signature, out var parsed, out var why))
            {
                return SignatureVerdict.Invalid("fmp-pkcs7", why);
            }

            using var digests = parsed.CreateDigests();
            Assert.True(digests.TryAppend(new MemoryContent("capsule", capsule), image, capsule.Length - image, CancellationToken.None));
            digests.Append(capsule.AsSpan(count, 8));
            return parsed.Verify("fmp-pkcs7", digests, who);
        }
    }

    private string At(string name) => Path.Combine(_folder, name);
}
