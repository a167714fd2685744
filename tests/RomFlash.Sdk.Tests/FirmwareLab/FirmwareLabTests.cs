using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Tests.Pipeline;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>Real firmware takes the flash that the SDK has staged and armed, or refuses it; the flash is compared byte for byte, and the SDK finds out by itself what happened.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Trait("Category", "Firmware")]
public sealed class FirmwareLabTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("dir", FirmwareKind.TakesAnyFile)]
    [InlineData("smb", FirmwareKind.TakesAnyFile)]
    [InlineData("ssh", FirmwareKind.NeedsIndications)]
    [InlineData("ssh", FirmwareKind.TakesAnyFile)]
    public async Task FlashAsync_GoodImage_IsUpgraded(string by, FirmwareKind kind)
    {
        await using var target = await StartAsync(by, kind);
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, image);

        var told = await world.TellAsync(target, "a good capsule", "version 2, Upgraded", report);
        Assert.True(report.Outcome is FlashOutcomeKind.Upgraded, told);
        Assert.Equal(2, await target.Board.FlashedVersionAsync());
        Assert.Equal(1, await target.Board.FlashedVersionAsync(VirtualBoard.ArrayOffset));
        Assert.Empty(target.CapsuleFiles);
    }

    [Theory]
    [InlineData("dir")]
    [InlineData("smb")]
    public async Task FlashAsync_FirmwareThatNeedsTheBit_IsNotArmedWhereNobodyCanSetIt(string by)
    {
        await using var target = await StartAsync(by, FirmwareKind.NeedsIndications);
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, image);
        await target.BootAsync();

        var told = await world.TellAsync(target, "nothing", "version 1, ArmingNotPossible", report);
        Assert.Contains(report.Blockers, b => b.Failure is ArmingNotPossible && b.Failure.Detail.Contains("ssh:", StringComparison.Ordinal));
        Assert.True(report.Outcome is not FlashOutcomeKind.Upgraded and not FlashOutcomeKind.Pending, told);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
        Assert.False(System.IO.Directory.Exists(target.Capsules));
    }

    [Fact]
    public async Task FlashAsync_CapsuleForAnotherIndex_IsRefusedByFirmwareAndNotApplied()
    {
        await using var target = await SshLabTarget.StartAsync();
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2, index: 7);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, image);

        var told = await world.TellAsync(target, "a capsule for index 7", "version 1, FlashNotApplied", report);
        Assert.True(Bench.FailureOf(report.Result) is FlashNotApplied { TargetState: TargetState.PreviousRomIntact, PeerCode: { Dialect: PeerCode.UefiStatus, Symbol: "EFI_UNSUPPORTED" } }, told);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
    }

    [Fact]
    public async Task FlashAsync_CapsuleForOtherFirmware_IsRefusedBeforeAnythingIsStaged()
    {
        await using var target = await SshLabTarget.StartAsync();
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2, firmwareClass: Guid.Parse("01234567-89ab-4def-8123-456789abcdef"));
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, image);
        await target.BootAsync();

        var told = await world.TellAsync(target, "nothing (a capsule of another class)", "version 1, RomNotForTarget", report);
        Assert.True(report.Blockers.Any(b => b.Failure is RomNotForTarget), told + report.Result);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
    }

    [Theory]
    [InlineData("dir", FirmwareKind.TakesAnyFile)]
    [InlineData("smb", FirmwareKind.TakesAnyFile)]
    [InlineData("ssh", FirmwareKind.NeedsIndications)]
    public async Task FlashAsync_FileIsChangedBetweenStagingAndArming_IsNotArmed(string by, FirmwareKind kind)
    {
        await using var target = await StartAsync(by, kind);
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);
        foreach (var (how, change) in new (string, Action<string>)[] { ("cut short by one byte", Shorten), ("with one bit turned over", TurnOver) })
        {
            // The wait for the window is between the two.
            var progress = new AtStage(FlashStage.Wait, () => change(System.IO.Directory.EnumerateFiles(Path.Combine(target.Tree, "EFI", "RomFlash"), "*.cap", SearchOption.AllDirectories).Single()));
            var report = await world.Client.FlashAsync(world.Request(target, LabWorld.Left, image), progress, CancellationToken.None);
            await target.BootAsync();

            var told = await world.TellAsync(target, "a capsule " + how, "version 1, StagedCopyDiffers", report);
            Assert.True(progress.WasReached, told);
            Assert.True(Bench.FailureOf(report.Result) is StagedCopyDiffers { TargetState: TargetState.Untouched }, told);
            Assert.Equal(1, await target.Board.FlashedVersionAsync());
            Assert.Empty(target.CapsuleFiles);
        }
    }

    [Theory]
    [InlineData("of another class", 0x8000_0000_0000_0003ul)]
    [InlineData("for another index", 0x8000_0000_0000_0003ul)]
    [InlineData("cut short", null)]
    [InlineData("with garbage for a header", null)]
    public async Task Boot_BadCapsuleThatSlippedBy_IsRefusedByFirmware(string what, ulong? result)
    {
        await using var target = await DirectoryLabTarget.StartAsync(FirmwareKind.TakesAnyFile);
        var rom = target.Board.Firmware.Rom(2);
        var capsule = what switch
        {
            "of another class" => await FirmwareBuild.CapsuleAsync(rom, Guid.Parse("01234567-89ab-4def-8123-456789abcdef")),
            "for another index" => await FirmwareBuild.CapsuleAsync(rom, index: 7),
            "cut short" => (await FirmwareBuild.CapsuleAsync(rom))[..500_000],
            _ => [.. Enumerable.Repeat((byte)0xA5, 64), .. (await FirmwareBuild.CapsuleAsync(rom))[64..]],
        };
        System.IO.Directory.CreateDirectory(target.Capsules);
        await File.WriteAllBytesAsync(Path.Combine(target.Capsules, "bad.cap"), capsule);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(await LabRoms.SystemAsync(target.Board.Firmware, 2)), target);

        await target.BootAsync();

        await world.TellAsync(target, "by somebody else: a capsule " + what, "version 1", null);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
        Assert.Empty(target.CapsuleFiles);
        Assert.Equal(result, target.Board.LastResult);
    }

    [Fact]
    public async Task Boot_NotArmedOrDisarmed_FlashesNothing()
    {
        await using var target = await SshLabTarget.StartAsync();
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        // The files alone, as a run leaves them that has lost its connection before the bit was set.
        System.IO.Directory.CreateDirectory(target.Capsules);
        await File.WriteAllBytesAsync(Path.Combine(target.Capsules, "left.cap"), image.Content);
        await target.BootAsync();
        await world.TellAsync(target, "a capsule, and no bit", "version 1", null);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
        Assert.Single(target.CapsuleFiles);
        System.IO.Directory.Delete(target.Capsules, recursive: true);

        var armed = await world.Client.FlashAsync(world.Request(target, LabWorld.Left, image), null, CancellationToken.None);
        Assert.True(armed.Outcome is FlashOutcomeKind.Pending, armed.Result.ToString());
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), (await world.Client.CancelAsync(world.FlashTargetOf(target), LabWorld.Left, CancellationToken.None)).GetValueOrThrow());
        await target.BootAsync();
        await world.TellAsync(target, "a good capsule, armed and disarmed", "version 1", null);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
        Assert.Empty(target.CapsuleFiles);
        Assert.Null(target.Board.LastResult);
    }

    [Fact]
    public async Task FlashAsync_ArmedTwice_IsFlashedOnce()
    {
        await using var target = await SshLabTarget.StartAsync();
        var (image, other) = (await LabRoms.SystemAsync(target.Board.Firmware, 2), await LabRoms.SystemAsync(target.Board.Firmware, 3));
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image, other), target);

        var first = await world.Client.FlashAsync(world.Request(target, LabWorld.Left, image), null, CancellationToken.None);
        var second = await world.Client.FlashAsync(world.Request(target, LabWorld.Left, other), null, CancellationToken.None);
        Assert.True(first.Outcome is FlashOutcomeKind.Pending, first.Result.ToString());
        Assert.Single(target.CapsuleFiles);
        await target.BootAsync();
        var confirmed = await world.ConfirmAsync(target);

        var told = await world.TellAsync(target, $"one capsule; the second time: {second.Result}", "version 2, Upgraded", confirmed);
        Assert.True(second.Outcome is not FlashOutcomeKind.Upgraded, told);
        Assert.True(confirmed.Outcome is FlashOutcomeKind.Upgraded, told);
        Assert.Equal(2, await target.Board.FlashedVersionAsync());
    }

    [Fact]
    public async Task FlashAsync_TwoTargetsAtOnce_AreBothUpgraded()
    {
        await using var one = await SshLabTarget.StartAsync();
        await using var two = await SmbLabTarget.StartAsync(FirmwareKind.TakesAnyFile);
        var image = await LabRoms.SystemAsync(one.Board.Firmware, 2);
        var also = await LabRoms.SystemAsync(two.Board.Firmware, 2);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image, also), one, two);

        var reports = await Task.WhenAll(world.FlashAsync(one, image), world.FlashAsync(two, also));

        var told = await world.TellAsync(one, "a good capsule, beside another target", "version 2, Upgraded", reports[0]) + await world.TellAsync(two, "a good capsule, beside another target", "version 2, Upgraded", reports[1]);
        Assert.True(reports.All(r => r.Outcome is FlashOutcomeKind.Upgraded), told);
        Assert.Equal((2, 2), (await one.Board.FlashedVersionAsync(), await two.Board.FlashedVersionAsync()));
    }

    [Theory]
    [InlineData("dir", FirmwareKind.TakesAnyFile)]
    [InlineData("ssh", FirmwareKind.NeedsIndications)]
    public async Task FlashAsync_SystemAndArrayController_AreUpgradedInOneBoot(string by, FirmwareKind kind)
    {
        await using LabTarget target = by == "dir" ? await DirectoryLabTarget.StartAsync(kind) : await SshLabTarget.StartAsync(kind, hasArray: true);
        LabImage[] images = [await LabRoms.SystemAsync(target.Board.Firmware, 2), await LabRoms.ArrayAsync(2)];
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(images), target);

        var report = await world.FlashAsync(target, images);

        var told = await world.TellAsync(target, "two capsules", "version 2 of both, Upgraded", report);
        Assert.True(report.Outcome is FlashOutcomeKind.Upgraded, told);
        Assert.Equal(2, report.Components.Length);
        Assert.Equal((2, 2), (await target.Board.FlashedVersionAsync(), await target.Board.FlashedVersionAsync(VirtualBoard.ArrayOffset)));
    }

    private static void Shorten(string file)
    {
        using var stream = File.OpenWrite(file);
        stream.SetLength(stream.Length - 1);
    }

    private static void TurnOver(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = stream.Length / 2;
        var there = (byte)stream.ReadByte();
        stream.Position--;
        stream.WriteByte((byte)(there ^ 0x10));
    }

    private static async Task<LabTarget> StartAsync(string by, FirmwareKind kind) => by switch
    {
        "dir" => await DirectoryLabTarget.StartAsync(kind),
        "smb" => await SmbLabTarget.StartAsync(kind),
        _ => await SshLabTarget.StartAsync(kind),
    };

    private sealed class AtStage(FlashStage stage, Action act) : IProgress<FlashProgress>
    {
        public bool WasReached { get; private set; }

        public void Report(FlashProgress value)
        {
            if (value.Stage == stage && !WasReached)
            {
                WasReached = true;
                act();
            }
        }
    }
}
