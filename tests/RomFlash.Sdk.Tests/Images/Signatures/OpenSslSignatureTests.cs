using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

/// <summary>Signatures of another implementation, and its answers beside ours.</summary>
[Trait("Category", "Peer")]
public sealed class OpenSslSignatureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-cms-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("rsa:2048", "sha256")]
    [InlineData("rsa:3072", "sha384")]
    [InlineData("rsa:2048", "sha512", "-noattr")]
    [InlineData("rsa:2048", "sha256", "-keyid")]
    [InlineData("rsa:2048", "sha256", "-nocerts")]
    [InlineData("rsa:2048", "sha256", "-keyopt", "rsa_padding_mode:pss")]
    [InlineData("rsa:2048", "sha512", "-keyopt", "rsa_padding_mode:pss", "-noattr")]
    [InlineData("rsa:2049", "sha256", "-keyopt", "rsa_padding_mode:pss")]
    [InlineData("rsa:2050", "sha384", "-keyopt", "rsa_padding_mode:pss")]
    [InlineData("rsa:2055", "sha256", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:0")]
    [InlineData("rsa:2048", "sha384", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:-1")]
    [InlineData("rsa:2048", "sha256", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:20")]
    [InlineData("prime256v1", "sha256")]
    [InlineData("secp384r1", "sha384")]
    [InlineData("secp521r1", "sha512", "-noattr")]
    public async Task Verify_SignatureOfOpenSsl_IsRightAndBothAgreeOnWhatIsNot(string key, string digest, params string[] more)
    {
        var trust = await MakeSignerAsync(key);
        var content = new byte[3000];
        new Random(key.Length).NextBytes(content);
        await File.WriteAllBytesAsync(At("content"), content);
        await PeerProgram.MustRunAsync("openssl", ["cms", "-sign", "-binary", "-md", digest, "-outform", "DER", "-in", At("content"), "-signer", At("signer.pem"), "-inkey", At("signer.key"), "-out", At("signature"), .. more]);
        var signature = await File.ReadAllBytesAsync(At("signature"));

        var found = CmsBuilder.Check(signature, content, trust);
        Assert.True(found.Status == ImageSignatureStatus.Trusted, found.Why);
        Assert.Equal($"SHA-{digest[3..]}", found.DigestAlgorithm);
        Assert.True(await OpenSslAgreesAsync(content, signature), "OpenSSL finds its own signature wrong");

        byte[] changed = [.. content.AsSpan(0, 2999), (byte)(content[2999] ^ 1)];
        Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(signature, changed, trust).Status);
        Assert.False(await OpenSslAgreesAsync(changed, signature), "OpenSSL accepts another content");

        // The value is at the end, before the ends of what encloses it.
        var wrong = signature.ToArray();
        wrong[^40] ^= 1;
        Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(wrong, content, trust).Status);
        Assert.False(await OpenSslAgreesAsync(content, wrong), "OpenSSL accepts another value");
    }

    [Theory]
    [InlineData("rsa:2048", true)]
    [InlineData("prime256v1", false)]
    public async Task Verify_SignatureThatWeCallTrustedAfterAChange_IsRightForOpenSslToo(string key, bool hasAttributes)
    {
        // Where anybody's change stays trusted here, it does so there: no change fools ours alone.
        var trust = await MakeSignerAsync(key);
        await File.WriteAllBytesAsync(At("content"), CmsBuilder.Image);
        await PeerProgram.MustRunAsync("openssl", ["cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-in", At("content"), "-signer", At("signer.pem"), "-inkey", At("signer.key"), "-out", At("signature"), .. hasAttributes ? (string[])[] : ["-noattr"]]);
        var signature = await File.ReadAllBytesAsync(At("signature"));
        var certificate = signature.AsSpan().IndexOf(trust.Certificates[0].RawData);
        var trusted = 0;
        for (var i = 0; i < signature.Length; i++)
        {
            // What is changed in the copy of the certificate is a matter of whose copy is taken.
            if (i >= certificate && i < certificate + trust.Certificates[0].RawData.Length)
            {
                continue;
            }

            var changed = signature.ToArray();
            changed[i] ^= 2;
            if (CmsBuilder.Check(changed, CmsBuilder.Image, trust).Status == ImageSignatureStatus.Trusted)
            {
                trusted++;
                Assert.True(await OpenSslAgreesAsync(CmsBuilder.Image, changed), $"byte {i}");
            }
        }

        Assert.InRange(trusted, 1, 8);
    }

    [Theory]
    [InlineData("sha1")]
    [InlineData("md5")]
    [InlineData("sha224")]
    [InlineData("sha3-256")]
    public async Task Verify_DigestThatIsNotAccepted_IsInvalid(string digest)
    {
        var trust = await MakeSignerAsync("rsa:2048");
        await File.WriteAllBytesAsync(At("content"), CmsBuilder.Image);
        foreach (var more in (string[][])[[], ["-noattr"]])
        {
            await PeerProgram.MustRunAsync("openssl", ["cms", "-sign", "-binary", "-md", digest, "-outform", "DER", "-in", At("content"), "-signer", At("signer.pem"), "-inkey", At("signer.key"), "-out", At("signature"), .. more]);
            Assert.Equal(ImageSignatureStatus.Invalid, CmsBuilder.Check(await File.ReadAllBytesAsync(At("signature")), CmsBuilder.Image, trust).Status);
        }
    }

    private async Task<ImageSignatureTrust> MakeSignerAsync(string key)
    {
        string[] kind = key.StartsWith("rsa:", StringComparison.Ordinal) ? ["-newkey", key] : ["-newkey", "ec", "-pkeyopt", $"ec_paramgen_curve:{key}"];
        await PeerProgram.MustRunAsync("openssl", ["req", "-x509", "-nodes", "-subj", "/CN=Peer", "-days", "36500", "-keyout", At("signer.key"), "-out", At("signer.pem"), .. kind]);
        var certificate = X509CertificateLoader.LoadCertificateFromFile(At("signer.pem"));
        return new() { Certificates = [certificate], TimeProvider = new FixedTime(new DateTimeOffset(certificate.NotBefore).AddHours(1)) };
    }

    private async Task<bool> OpenSslAgreesAsync(byte[] content, byte[] signature)
    {
        await File.WriteAllBytesAsync(At("checked-content"), content);
        await File.WriteAllBytesAsync(At("checked-signature"), signature);
        var (exitCode, _) = await PeerProgram.RunAsync(
            "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", At("checked-signature"), "-content", At("checked-content"), "-certfile", At("signer.pem"), "-CAfile", At("signer.pem"), "-purpose", "any", "-out", At("out"));
        return exitCode == 0;
    }

    private string At(string name) => Path.Combine(_folder, name);
}
