
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>How an image gets to a Linux target by OpenSSH's own server, and what becomes of it when that fails.</summary>
[Trait("Category", "Peer")]
public sealed class SshStagingTests
{
    [Fact]
    public async Task FlashAsync_PolicyAsksForAReadBack_IsReadBack()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        var report = await world.FlashAsync(change: p => SshWorld.Left(p) with { MinimumVerification = VerificationMethod.ReadBack });
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(VerificationMethod.ReadBack, report.Verification);
    }

    [Fact]
    public async Task FlashAsync_WithoutMultiplexing_IsArmed()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target, target.Options with { Multiplex = false });
        var report = await world.FlashAsync(change: SshWorld.Left);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(target.Root.IsArmed);
    }

    [Fact]
    public async Task FlashAsync_DiskThatFillsUpMeanwhile_IsFullAndNothingIsLeft()
    {
        var rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 8 << 20);
        await using var target = await SshTarget.StartAsync(new() { PartitionSize = 40 << 20 });
        await using var world = await SshWorld.CreateAsync(target, null, rom);

        // There is room when it is looked for, and none when it is needed.
        var filler = new DiskFiller(Path.Combine(target.Root.SystemPartition, "filler"));
        var report = await world.FlashAsync(change: SshWorld.Left, image: rom.Image, progress: filler);
        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType<SystemPartitionFull>(failure);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        filler.Remove();
        target.AssertNothingIsLeft();
    }

    [Fact]
    public async Task FlashAsync_UploadWasCut_GoesOnBehindWhatIsThere()
    {
        var rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 8 << 20);
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target, null, rom);
        var cut = new Cutting(target);
        var report = await world.FlashAsync(change: p => SshWorld.Left(p) with { Deadlines = p.Deadlines with { CleanUp = TimeSpan.FromMilliseconds(1), ReadRetries = 0 } }, image: rom.Image, progress: cut);
        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType<ConnectionLost>(failure);
        Assert.False(target.Root.IsArmed);
        var part = Assert.Single(System.IO.Directory.GetFiles(target.Root.RomFlashFolder, "*.part", SearchOption.AllDirectories));
        var there = new FileInfo(part).Length;
        Assert.InRange(there, 1, rom.Content.Length - 1);

        // Another name of this very file, whatever becomes of the first.
        var same = Path.Combine(target.Server.Folder, "same");
        using (var link = System.Diagnostics.Process.Start("ln", [part, same]))
        {
            await link.WaitForExitAsync();
        }

        var next = await world.FlashAsync(change: SshWorld.Left, image: rom.Image);
        Assert.True(next.Outcome == FlashOutcomeKind.Pending, next.Result.ToString());
        var capsule = Assert.Single(target.Root.CapsuleFiles);
        Assert.Equal(rom.Content.Length, new FileInfo(same).Length);
        Assert.Equal(rom.Content.ToArray(), await File.ReadAllBytesAsync(capsule));
    }

    private sealed class Cutting(SshTarget target) : IProgress<FlashProgress>
    {
        private int _isCut;

        public void Report(FlashProgress value)
        {
            if (value.Stage is FlashStage.Stage && value.BytesDone > 5 << 20 && Interlocked.Exchange(ref _isCut, 1) == 0)
            {
                target.Server.KillConnectionsAsync().GetAwaiter().GetResult();
            }
        }
    }
}
