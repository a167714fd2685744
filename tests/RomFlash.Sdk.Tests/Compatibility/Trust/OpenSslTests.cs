using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Tests.Images.Signatures;

namespace RomFlash.Sdk.Tests.Compatibility.Trust;

/// <summary>Signatures against another implementation, both ways.</summary>
[Trait("Category", "Peer")]
public sealed class OpenSslTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-openssl-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenSsl_OurSignature_IsVerifiedAndAChangedCatalogIsNot(bool isRsa)
    {
        using var signer = isRsa ? Signers.SmallRsa(2048) : Signers.SelfSigned("CN=Signer");
        var catalog = CatalogFileTests.Catalog(1);
        await File.WriteAllBytesAsync(At("catalog.json"), catalog);
        await File.WriteAllBytesAsync(At("catalog.json.p7s"), Signers.Sign(catalog, signer));
        await File.WriteAllTextAsync(At("signer.pem"), signer.ExportCertificatePem());
        string[] verify = ["cms", "-verify", "-binary", "-inform", "DER", "-in", At("catalog.json.p7s"), "-content", At("catalog.json"), "-CAfile", At("signer.pem"), "-purpose", "any", "-no_check_time", "-out", At("verified")];

        Assert.Equal(0, await OpenSslAsync(verify));
        Assert.Equal(catalog, await File.ReadAllBytesAsync(At("verified")));
        await File.AppendAllTextAsync(At("catalog.json"), " ");
        Assert.NotEqual(0, await OpenSslAsync(verify));
    }

    [Theory]
    [InlineData("DER", "sha256", true)]
    [InlineData("PEM", "sha256", true)]
    [InlineData("DER", "sha512", true)]
    [InlineData("DER", "sha1", false)]
    [InlineData("DER", "sha256", true, "-noattr")]
    [InlineData("DER", "sha256", true, "-nocerts")]
    [InlineData("DER", "sha256", true, "-keyid")]
    [InlineData("DER", "sha256", false, "-nodetach")]
    public async Task Ours_SignatureOfOpenSsl_IsTrustedUnlessItIsWeakOrAttached(string form, string digest, bool isTrusted, params string[] more)
    {
        using var signer = Signers.SmallRsa(2048);
        using var key = signer.GetRSAPrivateKey()!;
        await File.WriteAllBytesAsync(At("catalog.json"), CatalogFileTests.Catalog(1));
        await File.WriteAllTextAsync(At("signer.pem"), signer.ExportCertificatePem());
        await File.WriteAllTextAsync(At("signer.key"), key.ExportPkcs8PrivateKeyPem());
        Assert.Equal(0, await OpenSslAsync(["cms", "-sign", "-binary", "-md", digest, "-outform", form, "-in", At("catalog.json"), "-signer", At("signer.pem"), "-inkey", At("signer.key"), "-out", At("catalog.json.p7s"), .. more]));

        var trust = new CatalogTrust { Certificates = [signer], History = new InMemoryCatalogHistory(), TimeProvider = new FixedTime(Signers.Now) };
        var isRight = (await CatalogFile.LoadAsync(At("catalog.json"), trust, CancellationToken.None)).TryGetValue(out _, out var failure);

        Assert.True(isTrusted == isRight, failure?.ToString());
    }

    private static async Task<int> OpenSslAsync(string[] arguments) => (await PeerProgram.RunAsync("openssl", arguments)).ExitCode;

    private string At(string name) => Path.Combine(_folder, name);
}
