using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class CapsuleSignatureTests : IDisposable
{
    private static readonly byte[] Payload = [.. CapsuleBuilder.PayloadHeader(2, 1), 1, 2, 3, 4, 5, 6, 7, 8];

    private readonly CapsuleSigner _signer = new();

    public void Dispose() => _signer.Dispose();

    [Fact]
    public void Read_SignedPayload_IsTrustedOnlyWhereTheSignerIs()
    {
        var capsule = Capsule(_signer.Authenticate(Payload, 7));
        using var other = new CapsuleSigner("CN=Other");

        var trusted = FormatRun.Of(capsule, RomInspectionDepth.Full, _signer.Trust, new UefiCapsuleFormat());
        Assert.Null(trusted.Failure);
        Assert.Equal(ImageSignatureStatus.Trusted, trusted.Signature);
        var signature = Assert.Single(trusted.Signatures);
        Assert.Equal(("fmp-pkcs7", "CN=Maker", "SHA-256"), (signature.Kind, signature.Signer, signature.DigestAlgorithm));

        Assert.Equal(ImageSignatureStatus.SignerUntrusted, FormatRun.Of(capsule, RomInspectionDepth.Full, other.Trust, new UefiCapsuleFormat()).Signature);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, FormatRun.Of(capsule, new UefiCapsuleFormat()).Signature);
    }

    [Fact]
    public void Read_UnsignedPayload_IsUnsigned() =>
        Assert.Equal(ImageSignatureStatus.Unsigned, FormatRun.Of(Capsule(Payload), RomInspectionDepth.Full, _signer.Trust, new UefiCapsuleFormat()).Signature);

    [Fact]
    public void Read_OneOfTwoPayloadsIsSigned_TheWholeIsUnsigned()
    {
        var capsule = new CapsuleBuilder { Items = { CapsuleBuilder.Item(_signer.Authenticate(Payload, 1), support: 1), CapsuleBuilder.Item(Payload, index: 2) } }.Build();

        var run = FormatRun.Of(capsule, RomInspectionDepth.Full, _signer.Trust, new UefiCapsuleFormat());

        Assert.Equal(ImageSignatureStatus.Trusted, Assert.Single(run.Signatures).Status);
        Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
    }

    [Fact]
    public void Read_AnyByteOfPayloadOrCountChanged_IsInvalid()
    {
        var authenticated = _signer.Authenticate(Payload, 7);
        var capsule = Capsule(authenticated);
        var start = capsule.Length - authenticated.Length;
        foreach (var at in Enumerable.Range(start, 8).Concat(Enumerable.Range(capsule.Length - Payload.Length, Payload.Length)))
        {
            capsule[at] ^= 0x10;
            var run = FormatRun.Of(capsule, RomInspectionDepth.Full, _signer.Trust, new UefiCapsuleFormat());
            Assert.True(run.Signature == ImageSignatureStatus.Invalid, $"byte {at}");
            Assert.Contains(run.Problems, p => p.Code == "RF5012");
            capsule[at] ^= 0x10;
        }
    }

    [Fact]
    public void Read_AnyByteOfTheWholeCapsuleChanged_IsNeverMoreThanItWas()
    {
        // What is not signed (flags, the capsule's class) is no secret of the signature's: it must not become trusted by a change, and never throws.
        var capsule = Capsule(_signer.Authenticate(Payload, 7));
        var accepted = new List<int>();
        for (var at = 0; at < capsule.Length; at++)
        {
            capsule[at] ^= 0x01;
            var run = FormatRun.Of(capsule, RomInspectionDepth.Full, _signer.Trust, new UefiCapsuleFormat());
            if (run is { IsRecognized: true, Failure: null, Signature: ImageSignatureStatus.Trusted })
            {
                accepted.Add(at);
            }

            capsule[at] ^= 0x01;
        }

        // In front of the payload's authentication, and nowhere in the payload or the count.
        var payload = capsule.Length - Payload.Length;
        Assert.DoesNotContain(accepted, at => at >= payload);
    }

    [Fact]
    public void Read_DriverBesideASignedPayload_TheWholeIsUnsigned()
    {
        // Firmware runs it, and the payload's signature is not over it.
        var capsule = new CapsuleBuilder { Drivers = 1, Items = { new byte[] { 1, 2, 3, 4 }, CapsuleBuilder.Item(_signer.Authenticate(Payload, 1), support: 1) } }.Build();

        var run = FormatRun.Of(capsule, RomInspectionDepth.Full, _signer.Trust, new UefiCapsuleFormat());

        Assert.Null(run.Failure);
        Assert.Equal(ImageSignatureStatus.Trusted, Assert.Single(run.Signatures).Status);
        Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
    }

    [Fact]
    public void Read_VendorCodeBehindASignedPayload_TheWholeIsUnsignedAndPartsAreInOrder()
    {
        var capsule = new CapsuleBuilder { Items = { CapsuleBuilder.Item(_signer.Authenticate(Payload, 1), support: 1, vendor: [9, 9]) } }.Build();

        var run = FormatRun.Of(capsule, RomInspectionDepth.Full, _signer.Trust, new UefiCapsuleFormat());

        Assert.Null(run.Failure);
        Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
        Assert.Equal(["authentication", "payload-header", "payload", "vendor-code"], run.Parts.Single(p => p.Kind == "fmp-payload").Parts.Select(p => p.Kind));
    }

    [Fact]
    public void Read_TwoWrongPayloads_BothAreReportedAndTheThirdIsShown()
    {
        var capsule = new CapsuleBuilder
        {
            Items =
            {
                CapsuleBuilder.Item([0x30], support: 2),
                CapsuleBuilder.Item([0x31], support: 2, index: 2),
                CapsuleBuilder.Item(Payload, index: 3),
            },
        }.Build();

        var run = FormatRun.Of(capsule, new UefiCapsuleFormat());

        Assert.Equal([28L + 8 + 24 + 48, 28 + 8 + 24 + 48 + 49], run.Problems.Select(p => ((Outcomes.ImageMalformed)p).ByteOffset!.Value));
        Assert.Single(run.Parts, p => p.Kind == "payload-header");
        Assert.Empty(run.Identity.FirmwareClasses);
    }

    [Fact]
    public void Read_EveryTruncationOfASignedCapsule_IsTruncated()
    {
        var capsule = Capsule(_signer.Authenticate(Payload, 7));
        for (var length = 16; length < capsule.Length; length++)
        {
            var run = FormatRun.Of(capsule.AsMemory(0, length), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);
            Assert.True(run.Failure is Outcomes.ImageTruncated { ByteOffset: var at } && at == length, $"{length} bytes: {run.Failure}");
            Assert.Empty(run.Signatures);
        }
    }

    [Fact]
    public void Read_UnsignedCapsuleInsideOfASignedPayload_IsSignedWithIt()
    {
        var run = FormatRun.Of(new CapsuleBuilder { Items = { CapsuleBuilder.Item(_signer.Authenticate(CapsuleBuilder.Small(), 1), support: 1) } }.Build(), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(ImageSignatureStatus.Trusted, run.Signature);
    }

    [Fact]
    public void Read_SignedCapsuleInsideOfAnUnsignedPayload_IsUnsigned()
    {
        var inner = Capsule(_signer.Authenticate(Payload, 7));

        var run = FormatRun.Of(new CapsuleBuilder { Items = { CapsuleBuilder.Item(inner) } }.Build(), RomInspectionDepth.Full, _signer.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(ImageSignatureStatus.Trusted, Assert.Single(run.Signatures).Status);
        Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
    }

    [Fact]
    public void Read_CapsuleInACapsule_IsShownInIt()
    {
        var run = FormatRun.Of(new CapsuleBuilder { Items = { CapsuleBuilder.Item(CapsuleBuilder.Small()) } }.Build(), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal([0L, 28 + 16 + 48], run.Parts.Where(p => p.Kind == "capsule-header").Select(p => p.Offset));
    }

    [Theory]
    [InlineData("0c996046-bcc0-4d04-85ec-e1fcedf1c6f8", "an accept capsule", "accepted-image")]
    [InlineData("acd58b4b-c0e8-475f-99b5-6b3f7e07aaf0", "a revert capsule", "body")]
    [InlineData("3b8c8162-188c-46a4-aec9-be43f1d65697", "a display capsule", "body")]
    [InlineData("67d6f4cd-d6b8-4573-bf4a-de5e252d61ae", "a JSON capsule", "body")]
    public void Read_CapsuleThatCarriesNoRom_IsRefusedAndItsTreeShown(string kind, string what, string body)
    {
        var run = FormatRun.Of(new CapsuleBuilder { Kind = Guid.Parse(kind), Items = { CapsuleBuilder.Item(Payload) } }.Build(), RomImageFormats.All);

        Assert.Equal("RF5004", Assert.Single(run.Problems).Code);
        Assert.Equal([(what, "capsule-header"), (string.Empty, body)], run.Root.Parts.Select(p => (p.Name, p.Kind)));
    }

    [Theory]
    [InlineData("no kind")]
    [InlineData("larger")]
    [InlineData("smaller")]
    [InlineData("header too small")]
    [InlineData("header too large")]
    [InlineData("flags")]
    public void Read_VendorsOwnCapsuleThatIsNotPlausible_IsUnknown(string why)
    {
        var capsule = new CapsuleBuilder { Kind = why == "no kind" ? Guid.Empty : Guid.Parse("11111111-2222-3333-4444-555555555555"), Items = { CapsuleBuilder.Item(new byte[8192]) } }.Build();
        switch (why)
        {
            case "larger":
                capsule[24] ^= 1;
                break;
            case "smaller":
                capsule = capsule[..^1];
                break;
            case "header too small":
                capsule[16] = 27;
                break;
            case "header too large":
                capsule[17] = 0x11;
                break;
            case "flags":
                capsule[23] = 0x80;
                break;
            default:
                break;
        }

        Assert.False(FormatRun.Of(capsule, RomImageFormats.All).IsRecognized);
    }

    [Fact]
    public void Read_VendorsOwnCapsule_IsForTheClassOfItsGuid()
    {
        var kind = Guid.Parse("11111111-2222-3333-4444-555555555555");

        var run = FormatRun.Of(new CapsuleBuilder { Kind = kind, Items = { CapsuleBuilder.Item(Payload) } }.Build(), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(kind, Assert.Single(run.Identity.FirmwareClasses));
        Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
        Assert.Contains(run.Warnings, w => w.Contains("vendor's own kind", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_VendorsOwnCapsuleAroundVolumes_IsReadWithWhatIsInside()
    {
        // Volumes are recognised wherever they lie: here they are what the capsule carries, and the file is still the capsule.
        var capsule = new CapsuleBuilder { Kind = Guid.Parse("11111111-2222-3333-4444-555555555555"), Items = { Fuzzing.SampleImages.Volumes() } }.Build();

        var run = FormatRun.Of(capsule, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal("uefi-capsule", run.Format);
        Assert.Contains(run.Parts, p => p.Kind == "firmware-volume");
        capsule[^100] ^= 1;
        Assert.Equal("uefi-capsule", FormatRun.Of(capsule, RomImageFormats.All).Format);
    }

    [Fact]
    public void Read_Dependencies_AreShownInWords()
    {
        var id = Guid.Parse("0f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f");
        byte[] expression = [0x01, 5, 0, 0, 0, 0x00, .. id.ToByteArray(), 0x0A, 0x06, 0x03, 0x0D];

        var run = FormatRun.Of(new CapsuleBuilder { Items = { CapsuleBuilder.Item([.. expression, .. Payload], support: 2) } }.Build(), new UefiCapsuleFormat());

        Assert.Null(run.Failure);
        Assert.Equal($"version 0x00000005 {id} >= true and", Assert.Single(run.Parts.Single(p => p.Kind == "dependencies").Notes));
    }

    private static byte[] Capsule(byte[] image) =>
        new CapsuleBuilder { Items = { CapsuleBuilder.Item(image, support: image.Length == Payload.Length ? 0u : 1u) } }.Build();
}
