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
