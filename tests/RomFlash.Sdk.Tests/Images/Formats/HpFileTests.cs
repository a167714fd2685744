using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class HpFileTests : IDisposable
{
    private const string Begin = "--=</Begin HP Signed File Fingerprint\\>=--\n";
    private const string End = "--=</End HP Signed File Fingerprint\\>=--\n";
    private static readonly Guid SystemRom = new("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4");
    private static readonly Guid Target = new("00000000-0000-0000-0000-000000000205");

    private readonly CapsuleSigner _signer = new("CN=HPE");

    public void Dispose() => _signer.Dispose();

    [Fact]
    public void Read_HpImage_TellsClassVersionDateNameAndTargets()
    {
        var run = FormatRun.Of(Image(), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Empty(run.Warnings);
        Assert.Equal("hp-image", run.Format);
        Assert.Equal(RomKind.SystemRom, run.Identity.Kind);
        Assert.Equal(SystemRom, Assert.Single(run.Identity.DeviceClasses));
        Assert.Equal("U30", Assert.Single(run.Identity.Models));
        Assert.Equal("2.50", run.Identity.Version!.Text);
        Assert.Equal(["hp-image-header", "hp-image-targets", "payload"], run.Root.Parts.Select(p => p.Kind));
        var header = run.Root.Parts[0];
        Assert.Equal((SystemRom, "U30", "2.50"), (header.Id, header.Name, header.Version));
        Assert.Contains("header 1.1", header.Notes);
        Assert.Contains("date 2019-02-28", header.Notes);
        Assert.Equal($"target {Target}", Assert.Single(run.Root.Parts[1].Notes));
        Assert.Equal((0x4B8, 64), (run.Root.Parts[2].Offset, run.Root.Parts[2].Length));
    }

    /// <summary>The first 0x70 bytes of the image in iLO 4 2.44, as a public talk on it shows them.</summary>
    [Fact]
    public void Read_HeaderOfAPublishedFile_IsThatOfTheManagementController()
    {
        var image = new byte[0x4A0 + 24 + 4];
        Convert.FromHexString(
            "4850494D41474500010100009D7B312FE3C9764DBFF6B9D0D085A95201000000" +
            "00000000000000000000000000000000000000000000000000000000E0070713" +
            "322E343400000000000000000000000000000000000000000000000000000000" +
            "694C4F20340000000000000000000000").CopyTo(image, 0);
        image[0x4A0] = 1;

        var run = FormatRun.Of(image, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(RomKind.Controller, run.Identity.Kind);
        Assert.Equal(new Guid("2f317b9d-c9e3-4d76-bff6-b9d0d085a952"), Assert.Single(run.Identity.DeviceClasses));
        Assert.Equal(("2.44", "iLO 4"), (run.Identity.Version!.Text, Assert.Single(run.Identity.Models)));
        Assert.Contains("date 2016-07-19", run.Root.Parts[0].Notes);
    }

    [Fact]
    public void Read_ClassThatIsNotPublic_HasNoKind()
    {
        var image = Image();
        image[0x0C] ^= 1;

        Assert.Null(FormatRun.Of(image, RomImageFormats.All).Identity.Kind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1024)]
    public void Read_AnyNumberOfTargets_FirmwareIsBehindThem(int targets)
    {
        byte[] capsule = CapsuleBuilder.Small();
        var run = FormatRun.Of(Image(targets, capsule), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(0x4A0 + 4 + (16 * targets) + 4, run.Parts.Single(p => p.Kind == "capsule-header").Offset);
    }

    [Theory]
    [InlineData("class", 0x0C)]
    [InlineData("version", 0x40)]
    [InlineData("version behind its end", 0x40)]
    [InlineData("name", 0x60)]
    [InlineData("name behind its end", 0x60)]
    [InlineData("targets", 0x4A0)]
    [InlineData("targets overflow", 0x4A0)]
    public void Read_HpImageBrokenRule_IsMalformedAtItsOffset(string rule, long offset)
    {
        var image = Image();
        switch (rule)
        {
            case "class":
                image.AsSpan(0x0C, 16).Clear();
                break;
            case "version":
                image[0x41] = 7;
                break;
            case "version behind its end":
                image[0x5F] = (byte)'x';
                break;
            case "name":
                image[0x60] = 0xFF;
                break;
            case "name behind its end":
                image[0x9F] = (byte)'x';
                break;
            case "targets":
                BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(0x4A0), 1025);
                break;
            default:
                BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(0x4A0), uint.MaxValue);
                break;
        }

        Assert.Equal(offset, Assert.IsType<ImageMalformed>(Assert.Single(FormatRun.Of(image, RomImageFormats.All).Problems)).ByteOffset);
    }

    [Fact]
    public void Read_TwoRulesBroken_BothAreReported()
    {
        var image = Image();
        image[0x41] = 7;
        image[0x60] = 0xFF;

        Assert.Equal([0x40L, 0x60L], FormatRun.Of(image, RomImageFormats.All).Problems.Select(p => ((ImageMalformed)p).ByteOffset!.Value));
    }

    [Fact]
    public void Read_UnknownWordBehindTheTargets_Warns()
    {
        var image = Image();
        image[0x4B4] = 1;

        var run = FormatRun.Of(image, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Contains(run.Warnings, w => w.Contains("0x00000001", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_EveryTruncationOfAnHpImage_IsTruncated()
    {
        var image = Image();
        for (var length = 8; length < image.Length - 64 + 1; length++)
        {
            var failure = Assert.IsType<ImageTruncated>(FormatRun.Of(image.AsMemory(0, length), RomImageFormats.All).Failure);
            Assert.Equal(length, failure.ByteOffset);
        }

        Assert.False(FormatRun.Of(image.AsMemory(0, 7), RomImageFormats.All).IsRecognized);
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

    private static byte[] Image(int targets = 1, byte[]? firmware = null)
    {
        var start = 0x4A0 + 4 + (16 * targets) + 4;
        if (firmware is null)
        {
            firmware = new byte[64];
            new Random(3).NextBytes(firmware);
        }

        var image = new byte[start + firmware.Length];
        "HPIMAGE"u8.CopyTo(image);
        (image[8], image[9]) = (1, 1);
        SystemRom.TryWriteBytes(image.AsSpan(0x0C));
        image[0x1C] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3C), 2019);
        (image[0x3E], image[0x3F]) = (2, 28);
        "2.50"u8.CopyTo(image.AsSpan(0x40));
        "U30"u8.CopyTo(image.AsSpan(0x60));
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(0x4A0), targets);
        for (var i = 0; i < targets; i++)
        {
            Target.TryWriteBytes(image.AsSpan(0x4A4 + (16 * i)));
        }

        firmware.CopyTo(image, start);
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
