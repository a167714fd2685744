using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

public sealed class DetachedSignaturesTests
{
    private static readonly byte[] Signature = new CmsBuilder().Build();

    [Fact]
    public async Task Verify_NothingBesideTheImage_IsNoSignature()
    {
        using var signatures = await Load(new Folder { ["other.bin.p7s"] = Signature });

        Assert.True(signatures.IsEmpty);
        Assert.Empty(signatures.Verify(CmsBuilder.Trusting(Signers.Pinned)));
    }

    [Theory]
    [InlineData("rom.bin.p7s", null)]
    [InlineData("rom.bin.p7s", "CMS")]
    [InlineData("rom.bin.p7b", null)]
    [InlineData("rom.bin.p7b", "PKCS7")]
    public async Task Verify_DerOrPem_IsTrustedAndCoversAll(string name, string? label)
    {
        using var signatures = await Load(new Folder { [name] = label is null ? Signature : Pem(label, Signature) });
        foreach (var piece in CmsBuilder.Image.Chunk(100))
        {
            signatures.Append(piece);
        }

        var found = Assert.Single(signatures.Verify(CmsBuilder.Trusting(Signers.Pinned)));

        Assert.True(found.Status == ImageSignatureStatus.Trusted, found.Why);
        Assert.True(found.CoversAll);
        Assert.Equal("detached-pkcs7", found.Kind);
    }

    [Fact]
    public async Task Verify_OfAnotherImage_IsInvalidAndNamesTheFile()
    {
        using var signatures = await Load(new Folder { ["rom.bin.p7s"] = Signature });
        signatures.Append(CmsBuilder.Image.AsSpan(1));

        var found = Assert.Single(signatures.Verify(CmsBuilder.Trusting(Signers.Pinned)));

        Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
        Assert.StartsWith("rom.bin.p7s: ", found.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_TwoFiles_AreBothReported()
    {
        using var stranger = Signers.SelfSigned("CN=Somebody");
        using var signatures = await Load(new Folder { ["rom.bin.p7s"] = Signature, ["rom.bin.p7b"] = new CmsBuilder { Signer = stranger }.Build() });
        signatures.Append(CmsBuilder.Image);

        Assert.Equal([ImageSignatureStatus.Trusted, ImageSignatureStatus.SignerUntrusted], signatures.Verify(CmsBuilder.Trusting(Signers.Pinned)).Select(s => s.Status));
    }

    [Theory]
    [InlineData("")]
    [InlineData("text")]
    [InlineData("-----BEGIN CMS-----\n-----END CMS-----\n")]
    [InlineData("-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n")]
    public async Task Verify_FileThatIsNoSignature_IsInvalid(string content) => await AssertInvalid(Encoding.ASCII.GetBytes(content));

    [Fact]
    public async Task Verify_FileThatIsWrongInItsForm_IsInvalid()
    {
        await AssertInvalid([.. Signature, 0]);
        await AssertInvalid(Pem("CERTIFICATE", Signature));
        await AssertInvalid([.. Pem("CMS", Signature), .. "more"u8]);
        await AssertInvalid([.. Pem("CMS", Signature), .. Pem("CMS", Signature)]);
        await AssertInvalid(Pem("CMS", [.. Signature, 0]));
        await AssertInvalid(new byte[CmsSignature.MaxLength + 1]);
    }

    [Fact]
    public async Task Verify_CertificatesWithoutSigners_IsInvalid() => await AssertInvalid(new CmsBuilder { Signatures = 0 }.Build());

    [Fact]
    public async Task LoadAsync_FileThatGrows_IsInvalid()
    {
        using var signatures = await Load(new Folder { ["rom.bin.p7s"] = Signature, Hidden = 1 });

        var found = Assert.Single(signatures.Verify(CmsBuilder.Trusting(Signers.Pinned)));

        Assert.Equal(ImageSignatureStatus.Invalid, found.Status);
        Assert.Contains("grew", found.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_SignatureThatCantBeRead_IsAFailure()
    {
        var broken = await DetachedSignatures.LoadAsync(new Folder { ["rom.bin.p7s"] = Signature, IsBroken = true }, "rom.bin", CancellationToken.None);
        var refused = await DetachedSignatures.LoadAsync(new Folder { ["rom.bin.p7b"] = [], IsRefused = true }, "rom.bin", CancellationToken.None);

        Assert.False(broken.TryGetValue(out _, out var failure));
        Assert.IsType<ImageUnreadable>(failure);
        Assert.Contains("rom.bin.p7s", failure.Detail, StringComparison.Ordinal);
        Assert.False(refused.TryGetValue(out _, out failure));
        Assert.IsType<ImageUnreadable>(failure);
    }

    private static byte[] Pem(string label, byte[] der) => Encoding.ASCII.GetBytes(PemEncoding.WriteString(label, der) + "\n");

    private static async Task<DetachedSignatures> Load(Folder folder)
    {
        Assert.True((await DetachedSignatures.LoadAsync(folder, "rom.bin", CancellationToken.None)).TryGetValue(out var signatures, out var failure), failure?.ToString());
        return signatures;
    }

    private static async Task AssertInvalid(byte[] content)
    {
        using var signatures = await Load(new Folder { ["rom.bin.p7s"] = content });
        signatures.Append(CmsBuilder.Image);
        Assert.Equal(ImageSignatureStatus.Invalid, Assert.Single(signatures.Verify(CmsBuilder.Trusting(Signers.Pinned))).Status);
    }

    /// <summary>A folder in memory.</summary>
    private sealed class Folder : Dictionary<string, byte[]>, IRomImageNeighbours
    {
        public int Hidden { get; init; }

        public bool IsBroken { get; init; }

        public bool IsRefused { get; init; }

        public string Name => "a folder/rom.bin";

        public string FileName => "rom.bin";

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) => new(new ImageUnreadable());

        public ValueTask<FlashResult<Stream>?> TryOpenNeighbourAsync(string name, CancellationToken cancellationToken)
        {
            if (!TryGetValue(name, out var content))
            {
                return new((FlashResult<Stream>?)null);
            }

            FlashResult<Stream> opened = IsRefused ? new ImageUnreadable { Detail = name } : (Stream)new FolderStream(content, Hidden, IsBroken);
            return new(opened);
        }

        private sealed class FolderStream(byte[] content, int hidden, bool isBroken) : MemoryStream(content)
        {
            public override long Length => base.Length - hidden;

            public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
                isBroken ? throw new IOException("the disk is gone") : base.ReadAsync(buffer, cancellationToken);
        }
    }
}
