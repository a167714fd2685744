using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Sdk.Testing.Tests.Simulation;

public sealed class SimulatedRomTests
{
    [Fact]
    public void CreateImage_HeaderOnly_Has128Bytes() => Assert.Equal(128, Rig.Old.Content.Length);

    [Fact]
    public void CreateImage_SameParameters_GivesTheSameBytesAndAnotherSeedDoesNot()
    {
        var one = SimulatedRom.CreateImage(Rig.SystemClass, RomKind.SystemRom, "1.0", 1, 5000, 3);
        Assert.Equal(one, SimulatedRom.CreateImage(Rig.SystemClass, RomKind.SystemRom, "1.0", 1, 5000, 3));
        Assert.NotEqual(one, SimulatedRom.CreateImage(Rig.SystemClass, RomKind.SystemRom, "1.0", 1, 5000, 4));
    }

    [Fact]
    public async Task Image_OfARom_IsValidatedAndSharesTheBytes()
    {
        var image = Rig.NewArray.Image;
        Assert.Equal(Rig.NewArray.Sha256, image.Sha256);
        Assert.Equal(RomKind.ArrayController, image.Evidence.Identity.Kind);
        Assert.Equal(Rig.ArrayClass, Assert.Single(image.Evidence.Identity.FirmwareClasses));
        Assert.Equal(new PciId(0x103c, 0x3239), Assert.Single(image.Evidence.Identity.PciIds));
        Assert.Equal("7.10", image.Evidence.Identity.Version!.Text);
        await using var stream = (await image.Source.OpenReadAsync(CancellationToken.None)).GetValueOrThrow();
        var copy = new byte[image.Length];
        await stream.ReadExactlyAsync(copy);
        Assert.Equal(Rig.NewArray.Content.ToArray(), copy);
        Assert.Equal(-1, stream.ReadByte());
    }

    [Fact]
    public void Read_EveryTruncationAndEveryFlippedBit_IsAFailureAndNeverAnException()
    {
        var good = SimulatedRom.CreateImage(Rig.SystemClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x250, 40);
        for (var length = 0; length < good.Length; length++)
        {
            Assert.IsType<ImageTruncated>(FailureOf(good[..length]));
            Assert.False(SimulatedRom.TryRead(good[..length], out _, out var status));
            Assert.Equal(UefiAttemptStatus.InvalidFormat, status);
        }

        for (var bit = 0; bit < good.Length * 8; bit++)
        {
            var bad = good.ToArray();
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.IsAssignableFrom<ImageFailure>(FailureOf(bad));
            Assert.False(SimulatedRom.TryRead(bad, out _, out _));
        }

        Assert.IsType<ImageMalformed>(FailureOf([.. good, 0]));
        Assert.True(SimulatedRom.TryRead(good, out _, out _));
    }

    private static FlashFailure FailureOf(byte[] content) =>
        Assert.Throws<FlashException>(() => SimulatedRom.ToImage(content, "x")).Failure;

    [Fact]
    public async Task EvaluateAsync_VersionsAroundTheInstalledOne_GivesHonestVerdicts()
    {
        var older = SimulatedRom.Create(Rig.SystemClass, RomKind.SystemRom, "U30 v2.30 (01/01/2019)", 0x230);
        var stranger = SimulatedRom.Create(Guid.Empty, RomKind.SystemRom, "1.0", 1);
        var catalog = SimulatedCatalog.Of(older, Rig.Old, Rig.New);
        Assert.Equal(RomDecision.Approved, (await JudgeAsync(catalog, Rig.New)).Decision);
        Assert.Equal(RomDecision.AlreadyCurrent, (await JudgeAsync(catalog, Rig.Old)).Decision);
        Assert.Equal(RomDecision.Downgrade, (await JudgeAsync(catalog, older)).Decision);
        Assert.Equal(RomDecision.NotApplicable, (await JudgeAsync(catalog, stranger)).Decision);
        var verdict = await VerdictAsync(catalog, [stranger.Image], FlashPolicy.Default, Rig.Old.ReportedAs);
        Assert.Equal(stranger.Sha256, Assert.Single(verdict.UnknownImages));
        Assert.True(verdict.IsTargetSupported);
        Assert.False((await VerdictAsync(SimulatedCatalog.Of(stranger), [], FlashPolicy.Default, Rig.Old.ReportedAs)).IsTargetSupported);
        Assert.Equal(RomDecision.UnknownVersion, Assert.Single((await VerdictAsync(catalog, [Rig.New.Image], FlashPolicy.Default, [])).Components).Decision);
        Assert.Equal(
            RomDecision.UnknownVersion,
            Assert.Single((await VerdictAsync(catalog, [Rig.New.Image], FlashPolicy.Default, [new(FactSource.Smbios, RomVersion.Parse("other"))])).Components).Decision);
        Assert.Equal(
            RomDecision.Approved,
            Assert.Single((await VerdictAsync(catalog, [Rig.Old.Image], FlashPolicy.Default with { Reflash = true }, Rig.Old.ReportedAs)).Components).Decision);
        Assert.Equal(
            RomDecision.Approved,
            Assert.Single((await VerdictAsync(catalog, [older.Image], FlashPolicy.Default with { AllowDowngrade = true }, Rig.Old.ReportedAs)).Components).Decision);
    }

    [Fact]
    public async Task EvaluateAsync_SteppingStone_ComesFirstWhenItIsAtHand()
    {
        var last = SimulatedRom.Create(Rig.SystemClass, RomKind.SystemRom, "U30 v3.00 (01/01/2023)", 0x300);
        var catalog = SimulatedCatalog.Of(Rig.Old, Rig.New).With(last, Rig.New.ReportedAs);
        var both = Assert.Single((await VerdictAsync(catalog, [last.Image, Rig.New.Image], FlashPolicy.Default, Rig.Old.ReportedAs)).Components);
        Assert.Equal([Rig.New.Sha256, last.Sha256], both.Path.Select(r => r.Sha256));
        var direct = Assert.Single((await VerdictAsync(catalog, [last.Image, Rig.New.Image], FlashPolicy.Default, Rig.New.ReportedAs)).Components);
        Assert.Equal([last.Sha256], direct.Path.Select(r => r.Sha256));
        Assert.True(ApprovedUpgrade.TryCreate(
            Report(Rig.Old.ReportedAs),
            [last.Image],
            await VerdictAsync(catalog, [last.Image], FlashPolicy.Default, Rig.Old.ReportedAs),
            FlashPolicy.Default).Match(_ => false, f => f is IntermediateVersionRequired));
    }

    private static async Task<ComponentVerdict> JudgeAsync(SimulatedCatalog catalog, SimulatedRom rom) =>
        Assert.Single((await VerdictAsync(catalog, [rom.Image], FlashPolicy.Default, Rig.Old.ReportedAs)).Components);

    private static async Task<CompatibilityVerdict> VerdictAsync(SimulatedCatalog catalog, ImmutableArray<RomImage> images, FlashPolicy policy, ImmutableArray<ReportedVersion> installed) =>
        (await catalog.EvaluateAsync(new CompatibilityQuery(Report(installed), images, policy), CancellationToken.None)).GetValueOrThrow();

    private static TargetReport Report(ImmutableArray<ReportedVersion> installed) => TargetReport.TryCreate(
        FlashTarget.Parse("sim://server-1"),
        new ProbeEvidence
        {
            Facts = new TargetFacts
            {
                Identity = new TargetIdentity { SerialNumber = "S" },
                Roms = ImmutableArray.Create(new InstalledRom { Id = "system", Kind = RomKind.SystemRom, FirmwareClass = Rig.SystemClass, Versions = installed }),
            },
        }).GetValueOrThrow();
}
