using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Whole upgrades of a Linux target by OpenSSH's own server; what it is not fit for has a type of its own.</summary>
[Trait("Category", "Peer")]
public sealed class SshUpgradeTests
{
    private const ulong Bit = LinuxRoot.CapsuleFileBit;

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
        AssertNothingIsLeft(target);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0x41ul)]
    public async Task FlashAsync_LeftToAnOperator_SetsTheBitBesideTheOthersAndTakesItBack(ulong? before)
    {
        await using var target = await SshTarget.StartAsync(new() { OsIndications = before });
        await using var world = await SshWorld.CreateAsync(target);
        var report = await world.FlashAsync(change: Left);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal((before ?? 0) | Bit, target.Root.OsIndications);
        Assert.True(target.Root.IsArmed);
        Assert.Equal(Bench.NewSystem.Content.ToArray(), await File.ReadAllBytesAsync(Assert.Single(target.Root.CapsuleFiles)));
        Assert.Empty(target.Root.ShutdownRequests);

        var cancelled = await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None);
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), cancelled.GetValueOrThrow());
        Assert.Equal(before ?? 0, target.Root.OsIndications);
        AssertNothingIsLeft(target);
    }

    [Fact]
    public async Task CancelAsync_PartitionIsNotMountedMeanwhile_ClaimsNothing()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: Left)).Outcome);

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
        AssertNothingIsLeft(target);
    }

    [Fact]
    public async Task Session_PartitionIsUnmounted_EveryStepSaysSo()
    {
        await using var target = await SshTarget.StartAsync();
        await using var session = await target.ConnectAsync();
        target.Root.SetMounts(null);
        var arming = session.GetCapability<IArmingCapability>()!;
        Assert.Equal(TransportFaultKind.NotFound, (await arming.ReadArmedStateAsync(false, CancellationToken.None)).Fault().Kind);
        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent), (await arming.DisarmAsync("some", CancellationToken.None)).Fault() is var fault ? (fault.Kind, fault.Effect) : default);
        Assert.Equal(TransportFaultKind.NotFound, (await session.GetCapability<IDepositCapability>()!.DiscardDepositAsync("some", 1, CancellationToken.None)).Fault().Kind);
        Assert.Equal(TransportFaultKind.NotFound, (await session.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("me"), CancellationToken.None)).Fault().Kind);
        target.Root.SetMounts("rw", further: "40 36 8:33 / /boot/efi rw - vfat /dev/sdc1 rw");
        Assert.Equal(TransportFaultKind.NotFound, (await arming.ReadArmedStateAsync(false, CancellationToken.None)).Fault().Kind);
        target.Root.SetMounts();
        Assert.True((await arming.ReadArmedStateAsync(false, CancellationToken.None)).TryGetValue(out _, out var still), still?.ToString());
    }

    [Fact]
    public async Task FlashAsync_VariablesThatCantBeWritten_AreNoOffer()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        target.Root.SetMounts(efivarsOptions: "ro,nosuid");
        Assert.Contains("can't be written", (await BlockedAsync<ArmingNotPossible>(world, "arming-not-possible")).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CancelAsync_VariablesCantBeWrittenAnyMore_TakesTheFilesAway()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: Left)).Outcome);
        target.Root.SetVariable("OsIndications", [4]);
        await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None);
        Assert.Empty(target.Root.CapsuleFiles);
    }

    [Fact]
    public async Task Restart_ConnectionThatAskedIsCutOff_IsNotTakenBackBeforeItHasEnded()
    {
        await using var target = await SshTarget.StartAsync();
        await using var second = await target.ConnectAsync();
        var begun = Path.Combine(target.Server.Folder, "begun");
        var program = target.Server.WriteStandIn("slow-shutdown", $"touch '{begun}'; sleep 1.5; exit 0");
        using var stop = new CancellationTokenSource();
        await using var slow = await target.ConnectAsync(target.Options with { ShutdownProgram = program });
        var asking = slow.GetCapability<IPowerCapability>()!.ScheduleRebootAsync(new(TimeSpan.FromMinutes(5), "now", false), stop.Token);
        await Connection.RemoteShellTests.WaitForAsync(() => File.Exists(begun));
        await stop.CancelAsync();
        var given = (await asking).Fault();
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (given.Kind, given.Effect));

        // The one that asked works on over there for a while; who takes it back comes after it.
        Assert.True((await second.GetCapability<IPowerCapability>()!.AbortRebootAsync(CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
    }

    [Fact]
    public async Task FlashAsync_PolicyAsksForAReadBack_IsReadBack()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        var report = await world.FlashAsync(change: p => Left(p) with { MinimumVerification = VerificationMethod.ReadBack });
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(VerificationMethod.ReadBack, report.Verification);
    }

    [Fact]
    public async Task FlashAsync_TwoComponents_ComeInOneBootAndInOrder()
    {
        var controller = SimulatedRom.Create(Bench.ArrayClass, RomKind.ArrayController, "7.00", 0x0007_0000, 5000, seed: 4);
        await using var target = await SshTarget.StartAsync();
        target.Root.SetFirmware(new(Bench.ArrayClass, 2, 0x0006_8800, 0x0001_0000));
        target.Root.NameFirmware(Bench.ArrayClass);
        await using var world = await SshWorld.CreateAsync(target, null, Bench.NewSystem, controller);
        var request = new FlashRequest(world.TargetAt(), [Bench.NewSystem.Image, controller.Image], Left(SshWorld.Policy));
        var report = await world.Client.FlashAsync(request, null, CancellationToken.None);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(2, target.Root.CapsuleFiles.Count);

        target.Root.PlayBoot(SshTarget.Flash(Bench.NewSystem), new LinuxFlash(controller.PackedVersion, FirmwareClass: Bench.ArrayClass));
        Bench.IsUpgraded(await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.Zero, null, CancellationToken.None));
        Assert.Equal(controller.PackedVersion, target.Root.GetFirmware(Bench.ArrayClass)!.Version);
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
            Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: Left)).Outcome);
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
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: Left)).Outcome);

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
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: Left)).Outcome);

        // It clears the bit, as it has to, and leaves the file.
        target.Root.SetVariable("OsIndications", new byte[8]);
        target.Root.PlayBoot();
        var confirmed = await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.Zero, null, CancellationToken.None);
        Assert.False(confirmed.Result.TryGetValue(out _, out var failure));
        Assert.IsType<FlashNotApplied>(failure);
        AssertNothingIsLeft(target);
    }

    [Fact]
    public async Task FlashAsync_FirmwareWithoutCapsulesOnDisk_NamesTheEndpointThatCouldArm()
    {
        await using var target = await SshTarget.StartAsync(new() { SupportsCapsuleFiles = false });
        await using var world = await SshWorld.CreateAsync(target);
        var failure = await BlockedAsync<ArmingNotPossible>(world, "arming-not-possible");
        Assert.Contains("redfish:", failure.Detail, StringComparison.Ordinal);
        Assert.Contains("OsIndicationsSupported", failure.Detail, StringComparison.Ordinal);
        Assert.Contains("/etc/romflash/arming", failure.Detail, StringComparison.Ordinal);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
    }

    [Fact]
    public async Task FlashAsync_VariableThatDoesNotKeepWhatIsWritten_IsNotArmed()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);

        // Not even root writes a folder.
        System.IO.Directory.CreateDirectory(target.Root.Combine($"sys/firmware/efi/efivars/OsIndications-{LinuxRoot.GlobalVariables}"));
        var report = await world.FlashAsync(change: Left);
        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.True(failure.TargetState is TargetState.Untouched or TargetState.Prepared or TargetState.Indeterminate, failure.ToString());
        Assert.False(target.Root.IsArmed);
        System.IO.Directory.Delete(target.Root.Combine($"sys/firmware/efi/efivars/OsIndications-{LinuxRoot.GlobalVariables}"));

        // The next run finds what was left, and comes to its end.
        var next = await world.FlashAsync(change: Left);
        Assert.True(next.Outcome == FlashOutcomeKind.Pending, next.Result.ToString());
        Assert.True(target.Root.IsArmed);
    }

    [Fact]
    public async Task FlashAsync_PathThatIsNoMountPoint_IsBlocked()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        System.IO.Directory.CreateDirectory(target.Root.Combine("tmp/esp/EFI"));
        var failure = await BlockedAsync<SystemPartitionUnproved>(world, "system-partition-not-fat", SshTarget.AddressAt(target.Server.Port, "/tmp/esp"));
        Assert.Contains("mount point", failure.Detail, StringComparison.Ordinal);
        await BlockedAsync<SystemPartitionMissing>(world, "system-partition-missing", SshTarget.AddressAt(target.Server.Port, "/no/such"));
    }

    [Fact]
    public async Task FlashAsync_NoPathInTheAddress_FindsTheMountedOne()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        var report = await world.FlashAsync(SshTarget.AddressAt(target.Server.Port, string.Empty), Left);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(target.Root.IsArmed);
    }

    [Fact]
    public async Task FlashAsync_ReadOnlyOrSmallPartition_IsBlocked()
    {
        await using var target = await SshTarget.StartAsync(new() { PartitionSize = 16 << 20 });
        await using var world = await SshWorld.CreateAsync(target);
        await BlockedAsync<SystemPartitionTooSmall>(world, "system-partition-too-small");
        target.Root.SetMounts("ro,relatime");
        await BlockedAsync<SystemPartitionReadOnly>(world, "system-partition-read-only");
        target.Root.SetMounts(null);
        await BlockedAsync<SystemPartitionMissing>(world, "system-partition-missing", SshTarget.AddressAt(target.Server.Port, string.Empty));
    }

    [Theory]
    [InlineData(SshSudo.Missing)]
    [InlineData(SshSudo.NeedsPassword)]
    [InlineData(SshSudo.NeedsTerminal)]
    public async Task ProbeAsync_AccountThatMayNotBecomeRoot_IsAccessDenied(SshSudo sudo)
    {
        await using var target = await SshTarget.StartAsync(server: new() { Account = new("operator", sudo) });
        await using var world = await SshWorld.CreateAsync(target);
        await BlockedAsync<AccessDenied>(world, "access-denied");
    }

    [Fact]
    public async Task FlashAsync_AccountThatMayRunAShell_IsRootThere()
    {
        await using var target = await SshTarget.StartAsync(server: new() { Account = new("operator", SshSudo.MayRunShell) });
        await using var world = await SshWorld.CreateAsync(target);
        var report = await world.FlashAsync(change: Left);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(target.Root.IsArmed);
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
        AssertNothingIsLeft(target);
    }

    [Fact]
    public async Task FlashAsync_WithoutMultiplexing_IsArmed()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target, target.Options with { Multiplex = false });
        var report = await world.FlashAsync(change: Left);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(target.Root.IsArmed);
    }

    [Fact]
    public async Task Session_WithoutMultiplexing_DoesNotGoOnWithAnotherConnection()
    {
        await using var target = await SshTarget.StartAsync();
        await using var session = await target.ConnectAsync(target.Options with { Multiplex = false });
        var claims = session.GetCapability<IClaimCapability>()!;
        Assert.True((await claims.AcquireClaimAsync(new("me"), CancellationToken.None)).TryGetValue(out var claim, out _));
        await target.Server.KillConnectionsAsync();
        Assert.Equal(TransportFaultKind.Lost, (await claims.ReadClaimAsync(CancellationToken.None)).Fault().Kind);
        Assert.Equal(TransportFaultKind.Lost, (await claims.ReleaseClaimAsync(claim!, CancellationToken.None)).Fault().Kind);
        await using var other = await target.ConnectAsync();
        Assert.True((await other.GetCapability<IClaimCapability>()!.ReadClaimAsync(CancellationToken.None)).TryGetValue(out var state, out _));
        Assert.Equal(claim, state!.Current);
    }

    [Fact]
    public async Task FlashAsync_DiskThatFillsUpMeanwhile_IsFullAndNothingIsLeft()
    {
        var rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 8 << 20);
        await using var target = await SshTarget.StartAsync(new() { PartitionSize = 40 << 20 });
        await using var world = await SshWorld.CreateAsync(target, null, rom);

        // There is room when it is looked for, and none when it is needed.
        var filler = new DiskFiller(Path.Combine(target.Root.SystemPartition, "filler"));
        var report = await world.FlashAsync(change: Left, image: rom.Image, progress: filler);
        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType<SystemPartitionFull>(failure);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        filler.Remove();
        AssertNothingIsLeft(target);
    }

    [Fact]
    public async Task FlashAsync_UploadWasCut_GoesOnBehindWhatIsThere()
    {
        var rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 8 << 20);
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target, null, rom);
        var cut = new Cutting(target);
        var report = await world.FlashAsync(change: p => Left(p) with { Deadlines = p.Deadlines with { CleanUp = TimeSpan.FromMilliseconds(1), ReadRetries = 0 } }, image: rom.Image, progress: cut);
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

        var next = await world.FlashAsync(change: Left, image: rom.Image);
        Assert.True(next.Outcome == FlashOutcomeKind.Pending, next.Result.ToString());
        var capsule = Assert.Single(target.Root.CapsuleFiles);
        Assert.Equal(rom.Content.Length, new FileInfo(same).Length);
        Assert.Equal(rom.Content.ToArray(), await File.ReadAllBytesAsync(capsule));
    }

    [Fact]
    public async Task Session_AnotherOneIsConnected_IsTold()
    {
        await using var target = await SshTarget.StartAsync();
        await using var second = await target.ConnectAsync();
        TargetClaim? claim;
        await using (var first = await target.ConnectAsync())
        {
            Assert.True((await first.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("first"), CancellationToken.None)).TryGetValue(out claim, out _));
            var held = (await second.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("second"), CancellationToken.None)).Fault();
            Assert.Equal(TransportFaultKind.ClaimHeld, held.Kind);
            Assert.Contains("who is connected now", held.Detail, StringComparison.Ordinal);
        }

        var left = (await second.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("second"), CancellationToken.None)).Fault();
        Assert.Contains("who is not connected now", left.Detail, StringComparison.Ordinal);
        Assert.True((await second.GetCapability<IClaimCapability>()!.AcquireClaimAsync(new("second", claim!.Generation), CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
    }

    [Fact]
    public async Task Restart_RefusedOrTakenBack_IsTold()
    {
        await using var target = await SshTarget.StartAsync();
        await using var session = await target.ConnectAsync();
        var power = session.GetCapability<IPowerCapability>()!;
        target.Root.RefuseShutdown("Failed to schedule: Access denied by policy");
        var refused = (await power.ScheduleRebootAsync(new(TimeSpan.FromSeconds(90), "it's \"time\"; $(reboot)\n", false), CancellationToken.None)).Fault();
        Assert.Contains("Access denied by policy", refused.Detail, StringComparison.Ordinal);
        target.Root.RefuseShutdown(null);

        Assert.True((await power.ScheduleRebootAsync(new(TimeSpan.FromSeconds(90), "it's \"time\"; $(reboot)\n", false), CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
        Assert.Equal(["-r", "+2", "it's \"time\"; $(reboot)"], target.Root.PendingShutdown!.Arguments);
        Assert.True((await power.AbortRebootAsync(CancellationToken.None)).TryGetValue(out _, out fault), fault?.ToString());
        Assert.Null(target.Root.PendingShutdown);
        Assert.Equal(TransportFaultKind.Unsupported, (await power.ScheduleRebootAsync(new(TimeSpan.FromDays(60), string.Empty, false), CancellationToken.None)).Fault().Kind);
    }

    [Fact]
    public async Task ConnectAsync_PasswordsAreNotAllowed_IsUnsupportedAndSaysSo()
    {
        var request = SshTarget.Request("ssh://127.0.0.1:1", TargetCredentials.Password("root", new Secret("correct horse")));
        var fault = (await new SshTransport().ConnectAsync(request, CancellationToken.None)).Fault();
        Assert.Equal(TransportFaultKind.Unsupported, fault.Kind);
        Assert.DoesNotContain("correct horse", fault.ToString(), StringComparison.Ordinal);
        fault = (await new SshTransport(new() { AllowPasswords = true }).ConnectAsync(SshTarget.Request("ssh://other@127.0.0.1:1", TargetCredentials.Password("root", new Secret("x"))), CancellationToken.None)).Fault();
        Assert.Equal(TransportFaultKind.Unsupported, fault.Kind);
    }

    [Fact]
    public async Task ConnectAsync_PasswordsAreAllowed_LogsOnByTheRightOne()
    {
        await using var target = await SshTarget.StartAsync(server: new() { Account = new("operator", SshSudo.MayRunShell) { Password = "correct $horse 'battery'" } });
        var transport = new SshTransport(target.Options with { AllowPasswords = true });
        var address = target.Address.Replace("//", "//operator@", StringComparison.Ordinal);
        using var right = TargetCredentials.Password("operator", new Secret("correct $horse 'battery'"));
        Assert.True((await transport.ConnectAsync(SshTarget.Request(address, right), CancellationToken.None)).TryGetValue(out var session, out var fault), fault?.ToString());
        await using (session)
        {
            Assert.True((await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Account, CancellationToken.None)).TryGetValue(out var facts, out fault), fault?.ToString());
            Assert.Equal(AccountRights.Administrator, facts.Account);
        }

        using var wrong = TargetCredentials.Password("operator", new Secret("not-the-password"));
        fault = (await transport.ConnectAsync(SshTarget.Request(address, wrong), CancellationToken.None)).Fault();
        Assert.Equal((TransportFaultKind.CredentialsRejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.DoesNotContain("not-the-password", fault.ToString(), StringComparison.Ordinal);
    }

    private static FlashPolicy Left(FlashPolicy policy) => policy with { Reboot = RebootMode.LeaveToOperator };

    private static async Task<T> BlockedAsync<T>(SshWorld world, string blocker, string? address = null)
        where T : FlashFailure
    {
        var evaluation = await world.Client.PreflightAsync(new FlashRequest(world.TargetAt(address), [Bench.NewSystem.Image], SshWorld.Policy), CancellationToken.None);
        var found = evaluation.Blockers.FirstOrDefault(b => b.Name == blocker);
        Assert.True(found is not null, string.Join(", ", evaluation.Blockers.Select(b => $"{b.Name}: {b.Failure}")));
        var failure = Assert.IsType<T>(found.Failure);

        // And nothing is begun.
        Assert.False((await world.FlashAsync(address)).Result.TryGetValue(out _, out _));
        return failure;
    }

    private static void AssertNothingIsLeft(SshTarget target)
    {
        Assert.False(target.Root.IsArmed);
        Assert.Empty(target.Root.CapsuleFiles);
        Assert.Equal(["generation.json", "holder", "lock"], System.IO.Directory.EnumerateFileSystemEntries(target.Root.RomFlashFolder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
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
