using System.Diagnostics;
using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Tests.Pipeline;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>The power is cut while real firmware writes its own flash.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Trait("Category", "Firmware")]
public sealed class PowerCutTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task FlashAsync_PowerIsCutInTheFlash_NeedsRecoveryAndNeverIsUpgraded(int sector)
    {
        await using var target = await SshLabTarget.StartAsync();
        var backup = await LabRoms.SystemAsync(target.Board.Firmware, 1);
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2) with { Backup = backup };
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        // In the moment in which a sector is empty, before it is written.
        using var cut = new SectorCut(target.Board, sector);
        var report = await world.FlashAsync(target, cut.IsDue, isDead: true, image);

        var told = await world.TellAsync(target, $"a good capsule, and the power cut in sector {sector}", "neither version, RecoveryRequired", report);
        Assert.Equal(0, await target.Board.FlashedVersionAsync());
        Assert.Single(target.CapsuleFiles);
        Assert.Equal(0, target.Board.Variables.FirstOrDefault(v => v.Name == "OsIndications")?.Value[0] & 4 ?? 0);
        Assert.True(Bench.FailureOf(report.Result) is TargetDidNotReturn { TargetState: TargetState.RecoveryRequired }, told);
        Assert.True(report.Outcome is FlashOutcomeKind.RecoveryRequired, told);

        // The way back: the copy that was staged before anything was armed is where the report says, and its ROM, written by a programmer's clip, boots.
        var plan = Assert.Single(report.Recovery);
        var copy = Assert.Single(System.IO.Directory.EnumerateFiles(Path.Combine(target.Tree, "EFI", "RomFlash"), "*", SearchOption.AllDirectories), f => new FileInfo(f).Length == backup.Content.Length);
        Assert.Equal(BackupCopy.Staged, plan.Copy);
        Assert.Equal(backup.Image.Sha256, plan.Image?.Sha256);
        Assert.EndsWith(Path.GetRelativePath(target.Tree, copy), plan.CopyLocation, StringComparison.Ordinal);
        Assert.Contains(plan.Steps, s => s.Contains(plan.CopyLocation, StringComparison.Ordinal));
        var saved = await File.ReadAllBytesAsync(copy);
        Assert.Equal(backup.Content, saved);
        await target.Board.WriteFlashAsync(0, saved[^target.Board.Firmware.Rom(1).Length..]);
        var boots = await target.PowerOnAsync();
        var confirmed = await world.ConfirmAsync(target);
        told = await world.TellAsync(target, "nothing; the backup was written", "version 1, not upgraded", confirmed);
        Assert.Equal(1, boots[^1].Version);
        Assert.Equal(1, await target.Board.FlashedVersionAsync());
        Assert.True(confirmed.Outcome is not FlashOutcomeKind.Upgraded, told);
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task FlashAsync_PowerIsCutAtAnyMoment_IsNeverUpgradedUnlessItIs()
    {
        const int Seed = 20261127;
        var random = new Random(Seed);
        for (var i = 0; i < 8; i++)
        {
            await using var target = await SshLabTarget.StartAsync();
            var image = await LabRoms.SystemAsync(target.Board.Firmware, 2);
            await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

            // So long after the first sector was erased.
            var delay = TimeSpan.FromMilliseconds(random.Next(0, 150));
            using var first = new SectorCut(target.Board, 0);
            Stopwatch? since = null;
            var report = await world.FlashAsync(target, () => (since ??= first.IsDue() ? Stopwatch.StartNew() : null)?.Elapsed >= delay, isDead: true, image);

            var told = await world.TellAsync(target, $"a good capsule, and the power cut {delay.TotalMilliseconds:0} ms into the flash (seed {Seed}, case {i})", "Upgraded only with version 2", report);
            var flashed = await target.Board.FlashedVersionAsync();
            Assert.True(report.Outcome is not FlashOutcomeKind.Upgraded || flashed == 2, told);

            // A ROM that is broken in a place that starting does not need starts, and tells its version: no read-back of versions sees that.
            if (flashed == 0 && report.Outcome is not FlashOutcomeKind.RecoveryRequired)
            {
                output.WriteLine($"[romflash] lab: case {i} starts although its flash is neither version, and reads back as {report.Outcome}");
            }
        }
    }

    [Fact]
    public async Task FlashAsync_PowerIsCutBeforeTheFlash_IsToldAsItIs()
    {
        await using var target = await SshLabTarget.StartAsync();
        var image = await LabRoms.SystemAsync(target.Board.Firmware, 2);
        await using var world = await LabWorld.CreateAsync(output, LabRoms.Catalog(image), target);

        var report = await world.FlashAsync(target, () => true, isDead: false, image);

        // Firmware had not begun: it begins when the power is back, or has cleared the bit and does not.
        var told = await world.TellAsync(target, "a good capsule, and the power cut at once", "one version or the other, told as it is", report);
        var flashed = await target.Board.FlashedVersionAsync();
        Assert.True((flashed, report.Outcome) is (1, FlashOutcomeKind.NotApplied or FlashOutcomeKind.Pending) or (2, FlashOutcomeKind.Upgraded), told);
    }

    /// <summary>The moment in which a sector of the flash has been erased, and is not yet written to its end.</summary>
    private sealed class SectorCut : IDisposable
    {
        private const int SectorBytes = 256 * 1024;
        private const byte Erased = 0xFF;

        private readonly FlashProbe _probe;

        public SectorCut(VirtualBoard board, int sector)
        {
            var rom = board.Firmware.Rom(1);
            var begin = sector * SectorBytes;
            _probe = board.Probe(begin + rom.AsSpan(begin, Math.Min(SectorBytes, rom.Length - begin)).LastIndexOfAnyExcept(Erased));
        }

        public bool IsDue() => _probe.Value == Erased;

        public void Dispose() => _probe.Dispose();
    }
}
