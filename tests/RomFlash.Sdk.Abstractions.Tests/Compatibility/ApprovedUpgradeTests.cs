using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Tests.Compatibility;

public sealed class ApprovedUpgradeTests
{
    [Fact]
    public void TryCreate_GoodVerdict_IsTheKey()
    {
        var approved = Evidence.Approved();

        var component = Assert.Single(approved.Components);
        Assert.Equal(Evidence.Digest(2), component.Sha256);
        Assert.Equal("1.0", Assert.Single(component.From).Version.Text);
        Assert.Equal("2.0", Assert.Single(component.Expected).Version.Text);
        Assert.Equal(Evidence.Digest(2), approved.ImageOf(0).Sha256);
        Assert.False(approved.HasMoreToCome);
    }

    [Theory]
    [InlineData("no identity", "RF4008")]
    [InlineData("placeholder identity", "RF4008")]
    [InlineData("unsupported", "RF4001")]
    [InlineData("unknown image", "RF4014")]
    [InlineData("image for nothing", "RF4002")]
    [InlineData("component missing", "RF4011")]
    [InlineData("component twice", "RF4011")]
    [InlineData("NotSupported", "RF4002")]
    [InlineData("Downgrade", "RF4003")]
    [InlineData("UnknownVersion", "RF4007")]
    [InlineData("UnknownVersion, none told", "RF4006")]
    [InlineData("decision out of range", "RF4011")]
    [InlineData("no path", "RF4011")]
    [InlineData("no reportedAs", "RF4011")]
    [InlineData("no digest", "RF4011")]
    [InlineData("image not at hand", "RF4011")]
    [InlineData("stone not at hand", "RF4005")]
    [InlineData("later step: other length", "RF4011")]
    [InlineData("later step: kind differs", "RF4002")]
    [InlineData("later step: no reportedAs", "RF4011")]
    [InlineData("later step: withdrawn", "RF4011")]
    [InlineData("other length", "RF4011")]
    [InlineData("kind differs", "RF4002")]
    [InlineData("class differs", "RF4002")]
    [InlineData("pci differs", "RF4002")]
    [InlineData("device class differs", "RF4002")]
    [InlineData("controller's model differs", "RF4002")]
    [InlineData("not signed", "RF5010")]
    [InlineData("signer untrusted", "RF5011")]
    [InlineData("later step: not signed", "RF5010")]
    [InlineData("approved downgrade", "RF4003")]
    [InlineData("approved same", "RF4011")]
    [InlineData("approved unknown", "RF4006")]
    [InlineData("approved incomparable", "RF4007")]
    [InlineData("below lowest", "RF4004")]
    [InlineData("below minimum", "RF4005")]
    [InlineData("nothing approved", "RF4011")]
    public void TryCreate_OneThingWrong_IsRefusedWithItsCode(string what, string code)
    {
        var failure = Evidence.FailureOf(Try(what));

        Assert.Equal(code, failure.Code);
        Assert.Equal("dir:/target", failure.TargetId);
        Assert.Equal(FlashStage.Check, failure.Stage);
    }

    [Fact]
    public void TryCreate_LowestSupportedVersion_CantBeWaived()
    {
        var rom = Evidence.Rom("5.0") with { LowestSupportedVersion = RomVersion.Parse("3.0") };

        Assert.Equal("RF4004", Evidence.FailureOf(ApprovedUpgrade.TryCreate(Evidence.Report(Evidence.Identity, rom), [Evidence.Image()], Evidence.Verdict(RomDecision.Approved, Evidence.Release()), new() { AllowDowngrade = true, Reflash = true })).Code);
    }

    [Fact]
    public void TryCreate_UnknownImageThatWasWithdrawn_SaysWhy()
    {
        var verdict = Evidence.Verdict(RomDecision.Approved, Evidence.Release()) with { UnknownImages = [Evidence.Digest(7)], WithdrawnImages = [new(Evidence.Digest(7), "Loses the boot order.")] };

        var failure = Evidence.FailureOf(ApprovedUpgrade.TryCreate(Evidence.Report(Evidence.Identity, Evidence.Rom()), [Evidence.Image(), Evidence.Image(7)], verdict, FlashPolicy.Default));

        Assert.Equal("RF4014", failure.Code);
        Assert.EndsWith($"(SHA-256 {Evidence.Digest(7)}) was withdrawn: Loses the boot order.", failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void TryCreate_UnneededImage_IsNoObjection()
    {
        var verdict = Evidence.Verdict(RomDecision.Approved, Evidence.Release()) with { UnneededImages = [Evidence.Digest(7)] };

        Assert.True(ApprovedUpgrade.TryCreate(Evidence.Report(Evidence.Identity, Evidence.Rom()), [Evidence.Image(), Evidence.Image(7)], verdict, FlashPolicy.Default).TryGetValue(out _, out _));
    }

    [Fact]
    public void TryCreate_MoreComponentsThanOneBootFlashes_TakesTheFirstInFlashingOrder()
    {
        var array = Evidence.Rom() with { Id = "array", Kind = RomKind.ArrayController };
        var verdict = new CompatibilityVerdict
        {
            IsTargetSupported = true,
            Components =
            [
                new() { ComponentId = "array", Decision = RomDecision.Approved, Path = [Evidence.Release(digest: 3)] },
                new() { ComponentId = "system", Decision = RomDecision.Approved, Path = [Evidence.Release()] },
            ],
        };
        var report = Evidence.Report(Evidence.Identity, array, Evidence.Rom());

        var both = ApprovedUpgrade.TryCreate(report, [Evidence.Image(3), Evidence.Image()], verdict, FlashPolicy.Default).GetValueOrThrow();
        Assert.Equal(["system", "array"], both.Components.Select(c => c.ComponentId).ToArray());
        Assert.Equal(Evidence.Digest(3), both.ImageOf(1).Sha256);

        var one = ApprovedUpgrade.TryCreate(report, [Evidence.Image(3), Evidence.Image()], verdict, FlashPolicy.Default, 1).GetValueOrThrow();
        Assert.Equal("system", Assert.Single(one.Components).ComponentId);
        Assert.True(one.HasMoreToCome);
    }

    [Theory]
    [InlineData(ImageSignatureStatus.Unsigned, "image-unsigned", true)]
    [InlineData(ImageSignatureStatus.SignerUntrusted, "image-signer-untrusted", true)]
    [InlineData(ImageSignatureStatus.Unsigned, "image-signer-untrusted", false)]
    [InlineData(ImageSignatureStatus.SignerUntrusted, "image-unsigned", false)]
    [InlineData(ImageSignatureStatus.Unsigned, "IMAGE-UNSIGNED", false)]
    public void TryCreate_SignatureThatDoesNotSuffice_TakesTheWaiverOfItsName(ImageSignatureStatus status, string waiver, bool passes)
    {
        var policy = FlashPolicy.Default with { Waivers = [new(waiver, "ann", "the maker signs nothing")] };
        var (report, verdict) = (Evidence.Report(Evidence.Identity, Evidence.Rom()), Evidence.Verdict(RomDecision.Approved, Evidence.Release()));

        Assert.Equal(passes, ApprovedUpgrade.TryCreate(report, [Evidence.Image(signature: status)], verdict, policy).TryGetValue(out _, out _));

        // What is waived is still told, so that reports and the journal can name it.
        Assert.Single(ApprovedUpgrade.FindObjections(report, [Evidence.Image(signature: status)], verdict, policy));
    }

    [Fact]
    public void TryCreate_OtherObjection_CantBeWaived()
    {
        var policy = FlashPolicy.Default with { Waivers = [new("rom-not-for-target", "ann", "why not"), new("image-unsigned", "ann", "why not")] };
        var image = Evidence.Image(identity: new() { Kind = RomKind.ArrayController }, signature: ImageSignatureStatus.Unsigned);

        Assert.Equal("RF4002", Evidence.FailureOf(ApprovedUpgrade.TryCreate(Evidence.Report(Evidence.Identity, Evidence.Rom()), [image], Evidence.Verdict(RomDecision.Approved, Evidence.Release()), policy)).Code);
    }

    [Theory]
    [InlineData("Smart Array P408i-a", true)]
    [InlineData("hpe smart array p408i-a sr gen10", true)]
    [InlineData("Smart Array P440", false)]
    public void TryCreate_ControllersModel_DecidesWhereNothingBetterDoes(string model, bool passes)
    {
        var rom = Evidence.Rom() with { Kind = RomKind.ArrayController, Name = "HPE Smart Array P408i-a SR Gen10" };
        bool Passes(InstalledRom installed, RomIdentity identity) =>
            ApprovedUpgrade.TryCreate(Evidence.Report(Evidence.Identity, installed), [Evidence.Image(identity: identity)], Evidence.Verdict(RomDecision.Approved, Evidence.Release()), FlashPolicy.Default).TryGetValue(out _, out _);

        Assert.Equal(passes, Passes(rom, new() { Models = [model] }));
        Assert.True(Passes(rom with { Pci = new(1, 2) }, new() { Models = [model], PciIds = [new(1, 2)] }));
    }

    [Fact]
    public void RomImage_TryCreate_InvalidSignature_IsNoKey()
    {
        var evidence = Evidence.Image().Evidence with { Signature = ImageSignatureStatus.Invalid };

        Assert.Equal("RF5012", Evidence.FailureOf(RomImage.TryCreate(Evidence.Image().Source, evidence)).Code);
    }

    [Fact]
    public void FindObjections_SeveralThingsWrong_TellsAll()
    {
        var verdict = Evidence.Verdict(RomDecision.Downgrade) with { IsTargetSupported = false };

        Assert.Equal(["RF4008", "RF4001", "RF4003"], ApprovedUpgrade.FindObjections(Evidence.Report(null, Evidence.Rom()), [Evidence.Image()], verdict, FlashPolicy.Default).Select(f => f.Code).ToArray());
    }

    private static FlashResult<ApprovedUpgrade> Try(string what)
    {
        var (identity, rom, image, release) = (Evidence.Identity, Evidence.Rom(), Evidence.Image(), Evidence.Release());
        var verdict = Evidence.Verdict(RomDecision.Approved, release);
        switch (what)
        {
            case "no identity":
                return ApprovedUpgrade.TryCreate(Evidence.Report(null, rom), [image], verdict, FlashPolicy.Default);
            case "placeholder identity":
                identity = new() { SmbiosUuid = Guid.AllBitsSet };
                break;
            case "unsupported":
                verdict = verdict with { IsTargetSupported = false };
                break;
            case "unknown image":
                verdict = verdict with { UnknownImages = [image.Sha256] };
                break;
            case "image for nothing":
                return ApprovedUpgrade.TryCreate(Evidence.Report(identity, rom), [image, Evidence.Image(9)], verdict, FlashPolicy.Default);
            case "component missing":
                verdict = verdict with { Components = [verdict.Components[0] with { ComponentId = "other" }] };
                break;
            case "component twice":
                verdict = verdict with { Components = [verdict.Components[0], verdict.Components[0]] };
                break;
            case "NotSupported" or "Downgrade" or "UnknownVersion":
                verdict = Evidence.Verdict(Enum.Parse<RomDecision>(what));
                break;
            case "UnknownVersion, none told":
                (verdict, rom) = (Evidence.Verdict(RomDecision.UnknownVersion), rom with { Versions = default });
                break;
            case "decision out of range":
                verdict = Evidence.Verdict((RomDecision)99, release);
                break;
            case "no path":
                return ApprovedUpgrade.TryCreate(Evidence.Report(identity, rom), [], Evidence.Verdict(), FlashPolicy.Default);
            case "no reportedAs":
                verdict = Evidence.Verdict(RomDecision.Approved, release with { ReportedAs = default });
                break;
            case "no digest":
                return ApprovedUpgrade.TryCreate(Evidence.Report(identity, rom), [], Evidence.Verdict(RomDecision.Approved, release with { Sha256 = default }), FlashPolicy.Default);
            case "image not at hand":
                return ApprovedUpgrade.TryCreate(Evidence.Report(identity, rom), [], verdict, FlashPolicy.Default);
            case "stone not at hand":
                verdict = Evidence.Verdict(RomDecision.Approved, Evidence.Release("1.5", 5), release);
                break;
            case { } later when later.StartsWith("later step: ", StringComparison.Ordinal):
                var stone = Evidence.Release("1.5", 5);
                var second = what.EndsWith("length", StringComparison.Ordinal) ? Evidence.Image(length: 101)
                    : what.EndsWith("signed", StringComparison.Ordinal) ? Evidence.Image(signature: ImageSignatureStatus.Unsigned)
                    : what.EndsWith("kind differs", StringComparison.Ordinal) ? Evidence.Image(identity: new() { Kind = RomKind.ArrayController })
                    : image;
                verdict = Evidence.Verdict(RomDecision.Approved, stone, what.EndsWith("reportedAs", StringComparison.Ordinal) ? release with { ReportedAs = default } : release);
                verdict = what.EndsWith("withdrawn", StringComparison.Ordinal) ? verdict with { WithdrawnImages = [new(release.Sha256, "bad")] } : verdict;
                return ApprovedUpgrade.TryCreate(Evidence.Report(identity, rom), [Evidence.Image(5), second], verdict, FlashPolicy.Default);
            case "other length":
                image = Evidence.Image(length: 101);
                break;
            case "kind differs":
                image = Evidence.Image(identity: new() { Kind = RomKind.ArrayController });
                break;
            case "class differs":
                (image, rom) = (Evidence.Image(identity: new() { FirmwareClasses = [Guid.AllBitsSet] }), rom with { FirmwareClass = Guid.Empty });
                break;
            case "pci differs":
                (image, rom) = (Evidence.Image(identity: new() { PciIds = [new(1, 2)] }), rom with { Pci = new(1, 3) });
                break;
            case "device class differs":
                (image, rom) = (Evidence.Image(identity: new() { DeviceClasses = [Guid.AllBitsSet] }), rom with { DeviceClass = Guid.Empty });
                break;
            case "controller's model differs":
                (image, rom) = (Evidence.Image(identity: new() { Models = ["Smart Array P440"] }), rom with { Kind = RomKind.ArrayController, Name = "HPE Smart Array P408i-a SR Gen10" });
                break;
            case "not signed":
                image = Evidence.Image(signature: ImageSignatureStatus.Unsigned);
                break;
            case "signer untrusted":
                image = Evidence.Image(signature: ImageSignatureStatus.SignerUntrusted);
                break;
            case "approved downgrade":
                rom = Evidence.Rom("3.0");
                break;
            case "approved same":
                rom = Evidence.Rom("2.0");
                break;
            case "approved unknown":
                rom = rom with { Versions = [] };
                break;
            case "approved incomparable":
                rom = Evidence.Rom("01/22/2018");
                break;
            case "below lowest":
                rom = rom with { LowestSupportedVersion = RomVersion.Parse("2.1") };
                break;
            case "below minimum":
                verdict = Evidence.Verdict(RomDecision.Approved, release with { RequiredMinimum = [Evidence.Smbios("1.1")] });
                break;
            case "nothing approved":
                verdict = Evidence.Verdict(RomDecision.AlreadyCurrent, release);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(what));
        }

        return ApprovedUpgrade.TryCreate(Evidence.Report(identity, rom), [image], verdict, FlashPolicy.Default);
    }
}
