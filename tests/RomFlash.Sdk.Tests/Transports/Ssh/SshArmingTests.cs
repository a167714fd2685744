
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>What is set for the next boot of a Linux target, and taken back.</summary>
[Trait("Category", "Peer")]
public sealed class SshArmingTests
{
    private const ulong Bit = LinuxRoot.CapsuleFileBit;

    [Theory]
    [InlineData(null)]
    [InlineData(0x41ul)]
    public async Task FlashAsync_LeftToAnOperator_SetsTheBitBesideTheOthersAndTakesItBack(ulong? before)
    {
        await using var target = await SshTarget.StartAsync(new() { OsIndications = before });
        await using var world = await SshWorld.CreateAsync(target);
        var report = await world.FlashAsync(change: SshWorld.Left);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal((before ?? 0) | Bit, target.Root.OsIndications);
        Assert.True(target.Root.IsArmed);
        Assert.Equal(Bench.NewSystem.Content.ToArray(), await File.ReadAllBytesAsync(Assert.Single(target.Root.CapsuleFiles)));
        Assert.Empty(target.Root.ShutdownRequests);

        var cancelled = await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None);
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), cancelled.GetValueOrThrow());
        Assert.Equal(before ?? 0, target.Root.OsIndications);
        target.AssertNothingIsLeft();
    }

    [Fact]
    public async Task FlashAsync_VariableThatDoesNotKeepWhatIsWritten_IsNotArmed()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);

        // Not even root writes a folder.
        System.IO.Directory.CreateDirectory(target.Root.Combine($"sys/firmware/efi/efivars/OsIndications-{LinuxRoot.GlobalVariables}"));
        var report = await world.FlashAsync(change: SshWorld.Left);
        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.True(failure.TargetState is TargetState.Untouched or TargetState.Prepared or TargetState.Indeterminate, failure.ToString());
        Assert.False(target.Root.IsArmed);
        System.IO.Directory.Delete(target.Root.Combine($"sys/firmware/efi/efivars/OsIndications-{LinuxRoot.GlobalVariables}"));

        // The next run finds what was left, and comes to its end.
        var next = await world.FlashAsync(change: SshWorld.Left);
        Assert.True(next.Outcome == FlashOutcomeKind.Pending, next.Result.ToString());
        Assert.True(target.Root.IsArmed);
    }

    [Fact]
    public async Task CancelAsync_PartitionIsNotMountedMeanwhile_ClaimsNothing()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: SshWorld.Left)).Outcome);

        // The folder below the mount point is there, and empty.
        System.IO.Directory.Move(target.Root.SystemPartition, target.Root.SystemPartition + "-away");
        System.IO.Directory.CreateDirectory(Path.Combine(target.Root.SystemPartition, "EFI"));
        target.Root.SetMounts(null);
        var cancelled = await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None);
        Assert.False(cancelled.TryGetValue(out _, out var failure));
        Assert.NotEqual(TargetState.Untouched, failure.TargetState);

        System.IO.Directory.Delete(target.Root.SystemPartition, recursive: true);
        System.IO.Directory.Move(target.Root.SystemPartition + "-away", target.Root.SystemPartition);
        target.Root.SetMounts();
        Assert.True(target.Root.IsArmed);
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), (await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None)).GetValueOrThrow());
        target.AssertNothingIsLeft();
    }

    [Fact]
    public async Task CancelAsync_VariablesCantBeWrittenAnyMore_TakesTheFilesAway()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: SshWorld.Left)).Outcome);
        target.Root.SetVariable("OsIndications", [4]);
        await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None);
        Assert.Empty(target.Root.CapsuleFiles);
    }

    // A firmware that takes the write and keeps what it had.
    [Fact]
    public async Task CancelAsync_FirmwareKeepsTheBit_TakesTheFilesAway()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: SshWorld.Left)).Outcome);
        target.Server.WriteStandIn("dd", "case $* in *of=*OsIndications*) exec cat >/dev/null ;; esac; exec /usr/bin/dd \"$@\"");
        await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None);
        Assert.Empty(target.Root.CapsuleFiles);
        Assert.True(target.Root.OsIndications is { } bits && (bits & 4) != 0);
    }
}
