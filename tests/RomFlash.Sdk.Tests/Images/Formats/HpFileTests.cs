using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
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
        for (var length = Begin.Length; length < file.Length; length++)
        {
            var run = FormatRun.Of(file.AsMemory(0, length), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);
            Assert.True(run.Failure is not null, string.Create(CultureInfo.InvariantCulture, $"{length} bytes"));
        }
    }

    [Fact]
    public void Read_AnyTruncationOfABlockAtTheEnd_IsNeverSigned()
    {
        var image = Image();
        var file = Signed(image, atEnd: true);
        var unsigned = new List<int>();
        for (var length = image.Length; length < file.Length; length++)
        {
            var run = FormatRun.Of(file.AsMemory(0, length), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);
            if (run.Failure is null && length < file.Length - 1)
            {
                Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
                unsigned.Add(length - image.Length);
            }
        }

        // As long as the first line is not whole, and where the block is whole and its certificate is gone. (Without its last byte, a line's end, the file is right.)
        Assert.Equal([.. Enumerable.Range(0, Begin.Length), file.Length - image.Length - _signer.Certificate.ExportCertificatePem().Length - 1], unsigned);
    }

    [Fact]
    public void Read_AnyByteOfABlockAtTheEndChanged_IsNeverTrustedWithAnotherMeaning()
    {
        var image = Image();
        var file = Signed(image, atEnd: true);
        for (var at = image.Length; at < file.Length; at++)
        {
            foreach (var bit in (byte[])[0x01, 0x80])
            {
                file[at] ^= bit;
                var run = FormatRun.Of(file, RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);
                Assert.True(run.Signature != ImageSignatureStatus.Trusted || run.Failure is not null || run.Identity.Version?.Text == "2.50", string.Create(CultureInfo.InvariantCulture, $"byte {at}"));

                // In the block, and not in its first line, it stays a signed file.
                Assert.True(at < image.Length + Begin.Length || run.Format == "hp-signed", string.Create(CultureInfo.InvariantCulture, $"byte {at} ^ {bit}: {run.Format}"));
                file[at] ^= bit;
            }
        }
    }

    [Fact]
    public void Read_TextBehindABlockAtTheEnd_IsMalformedThere()
    {
        var file = Signed(Image(), atEnd: true);

        var run = FormatRun.Of((byte[])[.. file, .. "more\n"u8], RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

        Assert.Equal(file.Length, Assert.IsType<ImageMalformed>(run.Failure).ByteOffset);
        Assert.Empty(run.Signatures);
    }

    [Fact]
    public void Read_FirstLineAmongTheTextsOfAProgram_IsNoBlock()
    {
        byte[] file = [.. Image(), .. Encoding.ASCII.GetBytes(Begin), 0, .. Encoding.ASCII.GetBytes(End), .. new byte[64], (byte)'\n'];

        var run = FormatRun.Of(file, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal("hp-image", run.Format);
    }

    [Fact]
    public void Read_BytesBehindABlockAtTheEnd_AreMalformed()
    {
        var file = Signed(Image(), atEnd: true);

        Assert.Equal(file.Length, Assert.IsType<ImageMalformed>(FormatRun.Of((byte[])[.. file, 0xFF, 0xFF], RomImageFormats.All).Failure).ByteOffset);
    }

    [Fact]
    public void Read_BlockOfAnother_IsOfAnUntrustedSigner()
    {
        using var other = new CapsuleSigner("CN=Other");

        var run = FormatRun.Of(Signed(Image(), atEnd: false), RomInspectionDepth.Full, other.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal((ImageSignatureStatus.SignerUntrusted, "CN=HPE"), (run.Signature, Assert.Single(run.Signatures).Signer));
    }

    [Fact]
    public void Read_SignedFileInsideOfSomethingUnsigned_SaysNothingOfTheWhole()
    {
        // A right file of somebody trusted, and around it a header of anybody's.
        var inner = Signed(Image(), atEnd: false);
        byte[] vendor = [.. SystemRom.ToByteArray(), .. BitConverter.GetBytes(28), 0, 0, 1, 0, .. BitConverter.GetBytes(28 + inner.Length), .. inner];
        foreach (var file in (byte[][])[Image(firmware: inner), vendor])
        {
            var run = FormatRun.Of(file, RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

            Assert.Null(run.Failure);
            Assert.Equal(ImageSignatureStatus.Trusted, Assert.Single(run.Signatures).Status);
            Assert.False(run.Signatures[0].CoversAll);
            Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
        }
    }

    [Theory]
    [InlineData(true, ImageSignatureStatus.Trusted)]
    [InlineData(false, ImageSignatureStatus.Unsigned)]
    public async Task Validate_TwoPayloadsOfAPackage_AreTrustedEachByItsOwnSignature(bool both, ImageSignatureStatus second)
    {
        const string Description = """{"DeviceClass":"aa148d2e-6e09-453e-bc6f-63baa5f5ccc4","Devices":{"Device":[{"DeviceName":"U30","Target":"t","Version":"2.50","FirmwareImages":[{"FileName":"a"},{"FileName":"b"}]}]}}""";
        var package = PackageBuilder.Zip(
            CompressionLevel.Optimal,
            ("payload.json", Encoding.UTF8.GetBytes(Description)),
            ("a", Signed(Image(), atEnd: false)),
            ("b", both ? Signed(Image(targets: 2), atEnd: false) : Image(targets: 2)));

        var images = (await new RomImageValidator(RomImageFormats.All, new() { Trust = _signer.Trust }).ValidateAllAsync(new MemoryImageSource("p.fwpkg", package), CancellationToken.None)).GetValueOrThrow();

        Assert.Equal([ImageSignatureStatus.Trusted, second], images.Select(i => i.Evidence.Signature));

        // The package as a whole is what the weaker of them is.
        Assert.Equal(second, images[0].Evidence.Report!.Signature);
    }

    [Fact]
    public void Read_TrustedThingInsideOfASignedFileOfAnother_IsOfAnUntrustedSigner()
    {
        // What the outer signer put around it is by the outer signer alone.
        using var maker = new CapsuleSigner();
        byte[] payload = [.. CapsuleBuilder.PayloadHeader(2, 1), 1, 2, 3, 4];
        var capsule = new CapsuleBuilder { Items = { CapsuleBuilder.Item(maker.Authenticate(payload, 1), support: 1) } }.Build();

        var run = FormatRun.Of(Signed(capsule, atEnd: false), RomInspectionDepth.Full, maker.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal([ImageSignatureStatus.SignerUntrusted, ImageSignatureStatus.Trusted], run.Signatures.Select(s => s.Status));
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, run.Signature);
    }

    [Fact]
    public void Read_UnsignedThingInsideOfASignedFile_IsSignedWithIt() =>
        Assert.Equal(ImageSignatureStatus.Trusted, FormatRun.Of(Signed(Image(firmware: CapsuleBuilder.Small()), atEnd: false), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All).Signature);

    [Fact]
    public void Read_SomethingBetweenTheLinesOfACertificate_IsNoCertificate()
    {
        // A reader that takes the first right one, and one that takes the text as a whole, must not differ about whose it is.
        var text = Encoding.Latin1.GetString(Signed(Image(), atEnd: false)).Replace("-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n?\n-----BEGIN CERTIFICATE-----\n", StringComparison.Ordinal);

        Assert.IsType<ImageMalformed>(FormatRun.Of(Encoding.Latin1.GetBytes(text), RomImageFormats.All).Failure);
    }

    [Fact]
    public void Read_MoreCertificatesThanAreRead_IsMalformed()
    {
        var pem = _signer.Certificate.ExportCertificatePem() + "\n";
        var text = Encoding.Latin1.GetString(Signed(Image(), atEnd: false)).Replace(pem, string.Concat(Enumerable.Repeat(pem, 17)), StringComparison.Ordinal);

        Assert.IsType<ImageMalformed>(FormatRun.Of(Encoding.Latin1.GetBytes(text), RomImageFormats.All).Failure);
    }

    [Fact]
    public void Read_SignedFileAroundACapsule_ShowsWhatIsInside()
    {
        var run = FormatRun.Of(Signed(Image(firmware: CapsuleBuilder.Small()), atEnd: false), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(["fingerprint", "signed-content", "hp-image-header", "hp-image-targets", "payload", "capsule-header"], run.Parts.Skip(1).Take(6).Select(p => p.Kind));
    }

    /// <summary>The lengths that published blocks give, of files that are not: they count from the first line to the last, both included.</summary>
    [Theory]
    [InlineData("label_HPBBatch", "sha256", 256, 527)]
    [InlineData("label_HPE-HPB-BMC-ILO5-4096", "sha512", 512, 880)]
    public void Read_LengthOfAPublishedBlock_IsRight(string key, string hash, int signature, int length)
    {
        var block = Block(key, hash, Convert.ToBase64String(new byte[signature]), length);

        Assert.Equal(length, block.Length);
        Assert.Null(FormatRun.Of((byte[])[.. Encoding.ASCII.GetBytes(block), .. Image()], RomImageFormats.All).Failure);
    }

    [Theory]
    [InlineData("sha256")]
    [InlineData("sha384")]
    [InlineData("sha512")]
    [Trait("Category", "Peer")]
    public async Task Read_BlockThatOpensslSigned_IsTrusted(string hash)
    {
        var folder = Directory.CreateTempSubdirectory("romflash-hp-").FullName;
        try
        {
            var image = Image();
            using var key = _signer.Certificate.GetRSAPrivateKey()!;
            var (keyFile, file, signatureFile) = (Path.Combine(folder, "key.pem"), Path.Combine(folder, "image"), Path.Combine(folder, "signature"));
            await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
            await File.WriteAllBytesAsync(file, image);
            using var process = Process.Start("openssl", ["dgst", $"-{hash}", "-sign", keyFile, "-out", signatureFile, file]);
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);

            var signed = WithBlock(image, atEnd: false, hash, Convert.ToBase64String(await File.ReadAllBytesAsync(signatureFile)), _signer.Certificate.ExportCertificatePem() + "\n");

            Assert.Equal(ImageSignatureStatus.Trusted, FormatRun.Of(signed, RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All).Signature);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
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

    // What was signed in the name of another file are its attributes; nobody may pass them off as a file.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_SignedContentIsASetOfAttributes_IsInvalid(bool atEnd)
    {
        byte[] attributes = [0x31, 10, .. new byte[10]];
        Assert.Equal(ImageSignatureStatus.Invalid, FormatRun.Of(Signed(attributes, atEnd), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All).Signature);
        Assert.Equal(ImageSignatureStatus.Trusted, FormatRun.Of(Signed([.. attributes, 0], atEnd), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All).Signature);
    }

    // It is asked of everything inside of everything: many first lines at the end must not be read again for each.
    [Fact]
    public void Recognize_FirstLineEverywhereAtTheEnd_ReadsItOnce()
    {
        var content = new Counting([.. new byte[100_000], .. Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Begin, HpSignedFileFormat.MaxBlockLength / Begin.Length))), .. new byte[32]]);

        Assert.Equal(RomRecognition.None, new HpSignedFileFormat().Recognize(content));
        Assert.InRange(content.Asked, 1, HpSignedFileFormat.MaxBlockLength + 100);
    }

    private sealed class Counting(byte[] bytes) : IRomImageContent
    {
        public string Name => "counting";

        public long Length => bytes.Length;

        public long Asked { get; private set; }

        public bool TryRead(long offset, Span<byte> destination)
        {
            Asked += destination.Length;
            return offset >= 0 && offset <= bytes.Length - destination.Length && bytes.AsSpan((int)offset, destination.Length).TryCopyTo(destination);
        }
    }

    private byte[] Signed(byte[] content, bool atEnd, string hash = "sha256", bool certificate = true)
    {
        using var key = _signer.Certificate.GetRSAPrivateKey()!;
        var signature = Convert.ToBase64String(key.SignData(content, hash == "sha256" ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1));
        return WithBlock(content, atEnd, hash, signature, certificate ? _signer.Certificate.ExportCertificatePem() + "\n" : string.Empty);
    }

    private static byte[] WithBlock(byte[] content, bool atEnd, string hash, string signature, string certificates)
    {
        var block = Encoding.ASCII.GetBytes(Block("label_HPE", hash, signature, Block("label_HPE", hash, signature, 0).Length) + certificates);
        return atEnd ? [.. content, .. block] : [.. block, .. content];
    }

    private static string Block(string key, string hash, string signature, int length) =>
        string.Create(CultureInfo.InvariantCulture, $"{Begin}Fingerprint Length: {length:D6}\nKey: {key}\nHash: {hash}\nSignature: {signature}\nFingerprint Length: {length:D6}\n{End}");
}
