
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Whole upgrades of a Linux target by OpenSSH's own server, to an outcome that is seen.</summary>
[Trait("Category", "Peer")]
public sealed class SshUpgradeTests
{
    [Fact]
    public async Task FlashAsync_OpenSsh_RestartsItAndIsUpgradedByEvidence()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var playing = world.PlayWhenAskedAsync(Bench.NewSystem, stop.Token);
        var report = await world.FlashAsync(cancellationToken: stop.Token);
        await playing;

        Bench.IsUpgraded(report);
        Assert.True(report.HadClaim);
        Assert.Equal(VerificationMethod.DigestOnTarget, report.Verification);
        var request = Assert.Single(target.Root.ShutdownRequests);

        // Five seconds are a minute for shutdown(8).
        Assert.Equal(["-r", "+1", SshWorld.Policy.RebootMessage], request.Arguments);
        target.AssertNothingIsLeft();
    }

    [Fact]
    public async Task FlashAsync_TwoComponents_ComeInOneBootAndInOrder()
    {
        var controller = SimulatedRom.Create(Bench.ArrayClass, RomKind.ArrayController, "7.00", 0x0007_0000, 5000, seed: 4);
        await using var target = await SshTarget.StartAsync();
        target.Root.SetFirmware(new(Bench.ArrayClass, 2, 0x0006_8800, 0x0001_0000));
        target.Root.NameFirmware(Bench.ArrayClass);
        await using var world = await SshWorld.CreateAsync(target, null, Bench.NewSystem, controller);
        var request = new FlashRequest(world.TargetAt(), [Bench.NewSystem.Image, controller.Image], SshWorld.Left(SshWorld.Policy));
        var report = await world.Client.FlashAsync(request, null, CancellationToken.None);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(2, target.Root.CapsuleFiles.Count);

        target.Root.PlayBoot(SshTarget.Flash(Bench.NewSystem), new LinuxFlash(controller.PackedVersion, FirmwareClass: Bench.ArrayClass));
        Bench.IsUpgraded(await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.Zero, null, CancellationToken.None));
        Assert.Equal(controller.PackedVersion, target.Root.GetFirmware(Bench.ArrayClass)!.Version);
    }

    [Fact]
    public async Task FlashAsync_FirmwareThatTakesAnyFileAndSysVInitThroughSudo_IsUpgraded()
    {
        await using var target = await SshTarget.StartAsync(
            new() { TakesAnyFile = true, SupportsCapsuleFiles = false, Shutdown = LinuxShutdown.SysVInit }, new() { Account = new("operator", SshSudo.MayRunShell) });
        await using var world = await SshWorld.CreateAsync(target);
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var playing = world.PlayWhenAskedAsync(Bench.NewSystem, stop.Token);
        var report = await world.FlashAsync(cancellationToken: stop.Token);
        await playing;
        Bench.IsUpgraded(report);
        target.AssertNothingIsLeft();
    }

    [Fact]
    public async Task FlashAsync_FirmwareLeavesAResultAlone_EachRefusalIsAnAttemptOfItsOwn()
    {
        const ulong SecurityViolation = 0x8000_0000_0000_001A;
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        for (var i = 0; i < 2; i++)
        {
            // Neither the resource table nor a clock tells one refusal from the other.
            Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: SshWorld.Left)).Outcome);
            target.Root.PlayBoot();
            target.Root.AddCapsuleResult(SecurityViolation);
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var confirmed = await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.FromMinutes(5), null, CancellationToken.None);

            // It is over at once: the device says that this attempt has failed.
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2));
            Assert.False(confirmed.Result.TryGetValue(out _, out var failure));
            Assert.IsType<FlashNotApplied>(failure);
            Assert.Equal(new PeerCode(PeerCode.UefiStatus, SecurityViolation, "EFI_SECURITY_VIOLATION"), failure.PeerCode);
            Assert.Equal(TargetState.PreviousRomIntact, failure.TargetState);
        }
    }

    [Fact]
    public async Task FlashAsync_FirmwareRefusedIt_IsAFailureDuringFlash()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: SshWorld.Left)).Outcome);

        // UEFI 2.10, 23.4: LAST_ATTEMPT_STATUS_ERROR_AUTH_ERROR.
        target.Root.PlayBoot(SshTarget.Flash(Bench.NewSystem, status: 5));
        var confirmed = await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.Zero, null, CancellationToken.None);
        Assert.False(confirmed.Result.TryGetValue(out _, out var failure));
        Assert.Equal(new PeerCode(PeerCode.UefiLastAttempt, 5), failure.PeerCode);
    }

    [Fact]
    public async Task FlashAsync_FirmwareDidNotTakeIt_IsNotAppliedAndTheFileIsTakenAway()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: SshWorld.Left)).Outcome);

        // It clears the bit, as it has to, and leaves the file.
        target.Root.SetVariable("OsIndications", new byte[8]);
        target.Root.PlayBoot();
        var confirmed = await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.Zero, null, CancellationToken.None);
        Assert.False(confirmed.Result.TryGetValue(out _, out var failure));
        Assert.IsType<FlashNotApplied>(failure);
        target.AssertNothingIsLeft();
    }
}
