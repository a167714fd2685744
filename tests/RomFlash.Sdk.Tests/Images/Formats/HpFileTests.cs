using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class HpFileTests : IDisposable
{
    private const string Begin = "--=</Begin HP Signed File Fingerprint\\>=--\n";
    private const string End = "--=</End HP Signed File Fingerprint\\>=--\n";
    private static readonly Guid SystemRom = new("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4");

    private readonly CapsuleSigner _signer = new("CN=HPE");

    public void Dispose() => _signer.Dispose();

    [Fact]
    public void Read_HpImage_TellsClassVersionAndName()
    {
        var run = FormatRun.Of(Image(), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal("hp-image", run.Format);
        Assert.Equal(RomKind.SystemRom, run.Identity.Kind);
        Assert.Equal(SystemRom, Assert.Single(run.Identity.DeviceClasses));
        Assert.Equal("U30", Assert.Single(run.Identity.Models));
        Assert.Equal("2.50", run.Identity.Version!.Text);
        Assert.Contains(run.Parts.Single(p => p.Kind == "hp-image-header").Notes, n => n.Contains("11111111-2222-3333-4444-555555555555", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("class", 0x0C)]
    [InlineData("version", 0x40)]
    [InlineData("name", 0x60)]
    [InlineData("targets", 0xA0)]
    public void Read_HpImageBrokenRule_IsMalformedAtItsOffset(string rule, long offset)
    {
        var image = Image();
        switch (rule)
        {
            case "class":
                image.AsSpan(0x0C, 16).Clear();
                break;
            case "version":
                image[0x44] = 7;
                image[0x50] = 7;
                break;
            case "name":
                image[0x60] = 0xFF;
                break;
            default:
                BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(0xA0), 64);
                break;
        }

        Assert.Equal(offset, Assert.IsType<Outcomes.ImageMalformed>(FormatRun.Of(image, RomImageFormats.All).Failure).ByteOffset);
    }

    [Theory]
    [InlineData(false, "sha256")]
    [InlineData(false, "sha512")]
    [InlineData(true, "sha256")]
    public void Read_SignedFile_IsTrustedOnlyWhereTheSignerIs(bool atEnd, string hash)
    {
        var file = Signed(Image(), atEnd, hash);

        var run = FormatRun.Of(file, RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal("hp-signed", run.Format);
        Assert.Equal(ImageSignatureStatus.Trusted, run.Signature);
        Assert.Equal(RomKind.SystemRom, run.Identity.Kind);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, FormatRun.Of(file, RomImageFormats.All).Signature);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_AnyByteOfTheContentChanged_IsInvalid(bool atEnd)
    {
        var image = Image();
        var file = Signed(image, atEnd);
        var start = atEnd ? 0 : file.Length - image.Length;
        for (var at = start; at < start + image.Length; at += 7)
        {
            file[at] ^= 1;
            var run = FormatRun.Of(file, RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);
            Assert.True(run.Failure is not null && run.Signature != ImageSignatureStatus.Trusted, string.Create(CultureInfo.InvariantCulture, $"byte {at}"));
            file[at] ^= 1;
        }
    }

    [Fact]
    public void Read_AnyByteOfTheBlockChanged_IsNeverTrustedWithAnotherMeaning()
    {
        var image = Image();
        var file = Signed(image, atEnd: false);
        for (var at = 0; at < file.Length - image.Length; at++)
        {
            file[at] ^= 0x04;
            var run = FormatRun.Of(file, RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

            // What may change is the key's label, which decides nothing, and line ends.
            Assert.True(run.Signature != ImageSignatureStatus.Trusted || run.Failure is not null || run.Identity.Version?.Text == "2.50", string.Create(CultureInfo.InvariantCulture, $"byte {at}"));
            file[at] ^= 0x04;
        }
    }

    [Theory]
    [InlineData("length")]
    [InlineData("no hash")]
    [InlineData("no base64")]
    [InlineData("endless")]
    [InlineData("two lengths")]
    [InlineData("no field")]
    [InlineData("certificate endless")]
    public void Read_BlockThatIsNone_IsMalformed(string rule)
    {
        var text = Encoding.Latin1.GetString(Signed(Image(), atEnd: false));
        var length = text[(text.IndexOf("Length: ", StringComparison.Ordinal) + 8)..][..6];
        text = rule switch
        {
            "length" => text.Replace(length, "000001", StringComparison.Ordinal),
            "no hash" => text.Replace("Hash: ", "Hush: ", StringComparison.Ordinal),
            "no base64" => text.Replace("Signature: ", "Signature: !", StringComparison.Ordinal).Replace(length, (int.Parse(length, CultureInfo.InvariantCulture) + 1).ToString("D6", CultureInfo.InvariantCulture), StringComparison.Ordinal),
            "endless" => text.Replace(End, string.Empty, StringComparison.Ordinal),
            "two lengths" => text.Insert(text.IndexOf("Hash:", StringComparison.Ordinal), "Fingerprint Length: 000002\n"),
            "no field" => text.Insert(text.IndexOf("Hash:", StringComparison.Ordinal), "nothing\n"),
            _ => text.Replace("-----END CERTIFICATE-----", "-----end certificate-----", StringComparison.Ordinal),
        };

        Assert.Equal("RF5005", FormatRun.Of(Encoding.Latin1.GetBytes(text), RomImageFormats.All).Failure?.Code);
    }

    [Fact]
    public void Read_BlockWithoutCertificate_IsUnsigned()
    {
        var run = FormatRun.Of(Signed(Image(), atEnd: false, certificate: false), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
        Assert.Contains(run.Warnings, w => w.Contains("label_HPE", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_WeakHash_IsInvalid()
    {
        var text = Encoding.Latin1.GetString(Signed(Image(), atEnd: false)).Replace("Hash: sha256", "Hash: sha1\n\n", StringComparison.Ordinal);

        var run = FormatRun.Of(Encoding.Latin1.GetBytes(text), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

        Assert.Equal("RF5012", run.Failure?.Code);
    }

    [Fact]
    public void Read_AnyTruncation_IsATypedAnswer()
    {
        var file = Signed(Image(), atEnd: false);
        for (var length = Begin.Length; length < file.Length; length += 3)
        {
            var run = FormatRun.Of(file.AsMemory(0, length), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);
            Assert.True(run.Failure is not null, string.Create(CultureInfo.InvariantCulture, $"{length} bytes"));
        }
    }

    private static byte[] Image()
    {
        var image = new byte[0x4A0 + 64];
        "HPIMAGE"u8.CopyTo(image);
        image[8] = 1;
        SystemRom.TryWriteBytes(image.AsSpan(0x0C));
        "2.50"u8.CopyTo(image.AsSpan(0x40));
        "U30"u8.CopyTo(image.AsSpan(0x60));
        image[0xA0] = 1;
        new Guid("11111111-2222-3333-4444-555555555555").TryWriteBytes(image.AsSpan(0xA4));
        new Random(3).NextBytes(image.AsSpan(0x4A0));
        return image;
    }

    private byte[] Signed(byte[] content, bool atEnd, string hash = "sha256", bool certificate = true)
    {
        using var key = _signer.Certificate.GetRSAPrivateKey()!;
        var signature = Convert.ToBase64String(key.SignData(content, hash == "sha256" ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1));
        string Block(int length) => string.Create(CultureInfo.InvariantCulture, $"{Begin}Fingerprint Length: {length:D6}\nKey: label_HPE\nHash: {hash}\nSignature: {signature}\nFingerprint Length: {length:D6}\n{End}");
        var block = Encoding.ASCII.GetBytes(Block(Block(0).Length) + (certificate ? _signer.Certificate.ExportCertificatePem() + "\n" : string.Empty));
        return atEnd ? [.. content, .. block] : [.. block, .. content];
    }
}
