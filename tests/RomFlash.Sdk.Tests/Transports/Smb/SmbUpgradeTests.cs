using System.Globalization;
using RomFlash.Peers.Samba;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb;

/// <summary>Whole upgrades of a private Samba; what it is not fit for has a type of its own.</summary>
[Trait("Category", "Peer")]
public sealed class SmbUpgradeTests
{
    [Fact]
    public async Task FlashAsync_Samba_RestartsItAndIsUpgradedByEvidence()
    {
        await using var target = await SmbTarget.StartAsync();
        await using var world = await SmbWorld.CreateAsync(target);
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var playing = world.PlayWhenAskedAsync(Bench.NewSystem, stop.Token);
        var report = await world.FlashAsync(cancellationToken: stop.Token);
        await playing;

        Bench.IsUpgraded(report);
        Assert.True(report.HadClaim);
        var request = Assert.Single(target.Server.ShutdownRequests);
        Assert.Equal(0, request.User);
        // Samba writes what is no letter as an underscore.
        Assert.Contains("update_its_firmware", string.Join(' ', request.Arguments), StringComparison.Ordinal);
        Assert.Contains("-r", request.Arguments);
        AssertNothingIsLeft(target);
    }

    [Fact]
    public async Task FlashAsync_LeftToAnOperator_IsArmedByOneFolderAndDisarmedAgain()
    {
        await using var target = await SmbTarget.StartAsync();
        await using var world = await SmbWorld.CreateAsync(target);
        var report = await world.FlashAsync(change: p => p with { Reboot = RebootMode.LeaveToOperator });
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.Equal(Bench.NewSystem.Content.ToArray(), await File.ReadAllBytesAsync(Assert.Single(System.IO.Directory.GetFiles(target.Capsules))));
        Assert.Empty(target.Server.ShutdownRequests);

        var cancelled = await world.Client.CancelAsync(world.TargetAt(), null, CancellationToken.None);
        Assert.Equal(new CancellationReport(TargetState.Untouched, WasArmed: true), cancelled.GetValueOrThrow());
        AssertNothingIsLeft(target);
    }

    [Fact]
    public async Task ConfirmAsync_ShareIsGoneAfterTheBoot_IsUpgradedAllTheSame()
    {
        await using var target = await SmbTarget.StartAsync();
        await using var world = await SmbWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: p => p with { Reboot = RebootMode.LeaveToOperator })).Outcome);

        // A system partition that was mounted by hand is not mounted after a restart.
        await target.PlayBootAsync(Bench.NewSystem);
        System.IO.Directory.Move(target.Server.ShareFolder, target.Server.ShareFolder + "-away");
        var confirmed = await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.Zero, null, CancellationToken.None);
        System.IO.Directory.Move(target.Server.ShareFolder + "-away", target.Server.ShareFolder);
        Bench.IsUpgraded(confirmed);
    }

    [Fact]
    public async Task FlashAsync_FirmwareDidNotTakeIt_IsNotApplied()
    {
        await using var target = await SmbTarget.StartAsync();
        await using var world = await SmbWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await world.FlashAsync(change: p => p with { Reboot = RebootMode.LeaveToOperator })).Outcome);
        await target.PlayBootAsync(null);
        var confirmed = await world.Client.ConfirmAsync(world.TargetAt(), TimeSpan.Zero, null, CancellationToken.None);
        Assert.False(confirmed.Result.TryGetValue(out _, out var failure));
        Assert.IsType<FlashNotApplied>(failure);
    }

    [Fact]
    public async Task FlashAsync_TargetDoesNotSayThatFilesAreEnough_NamesTheEndpointsThatCouldArm()
    {
        await using var target = await SmbTarget.StartAsync(takesCapsuleFiles: false);
        await using var world = await SmbWorld.CreateAsync(target);
        var failure = await BlockedAsync<ArmingNotPossible>(world, "arming-not-possible");
        Assert.Contains("redfish:", failure.Detail, StringComparison.Ordinal);
        Assert.Contains("ssh:", failure.Detail, StringComparison.Ordinal);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.Empty(System.IO.Directory.EnumerateFileSystemEntries(target.Efi));
    }

    [Fact]
    public async Task FlashAsync_ShareThatIsNoSystemPartition_IsBlocked()
    {
        await using var target = await SmbTarget.StartAsync(new() { FileSystem = "NTFS" });
        await using var world = await SmbWorld.CreateAsync(target);
        await BlockedAsync<SystemPartitionUnproved>(world, "system-partition-not-fat");
        System.IO.Directory.Delete(target.Efi);
        await BlockedAsync<SystemPartitionUnproved>(world, "system-partition-without-efi");
    }

    [Fact]
    public async Task FlashAsync_NoSuchShare_IsAMissingSystemPartition()
    {
        await using var target = await SmbTarget.StartAsync();
        await using var world = await SmbWorld.CreateAsync(target);
        await BlockedAsync<SystemPartitionMissing>(world, "system-partition-missing", SmbTarget.AddressAt(target.Server.Port, "NOTHING$"));
    }

    [Fact]
    public async Task FlashAsync_ReadOnlyShare_IsBlocked()
    {
        await using var target = await SmbTarget.StartAsync(new() { ReadOnlyShare = true });
        await using var world = await SmbWorld.CreateAsync(target);
        await BlockedAsync<SystemPartitionReadOnly>(world, "system-partition-read-only");
    }

    [Fact]
    public async Task FlashAsync_SmallVolume_IsBlocked()
    {
        await using var target = await SmbTarget.StartAsync(new() { DiskSize = 16 << 20 });
        await using var world = await SmbWorld.CreateAsync(target);
        await BlockedAsync<SystemPartitionTooSmall>(world, "system-partition-too-small");
    }

    [Theory]
    [InlineData(SambaAdminShare.AdministratorsOnly)]
    [InlineData(SambaAdminShare.Everybody)]
    [InlineData(SambaAdminShare.None)]
    public async Task ProbeAsync_NoAdministrator_IsAccessDeniedWhateverTheRegistryTellsHim(SambaAdminShare share)
    {
        await using var target = await SmbTarget.StartAsync(new() { AdminShare = share });
        await using var world = await SmbWorld.CreateAsync(target, SambaAccount.Operator);
        var failure = await BlockedAsync<AccessDenied>(world, "access-denied");
        Assert.Contains("remote registry", failure.Remedy, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("remote UAC", failure.Remedy, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task ProbeAsync_RemoteRegistryOff_IsTheServiceThatDoesNotRun()
    {
        await using var target = await SmbTarget.StartAsync(new() { RegistryPipes = false });
        await using var world = await SmbWorld.CreateAsync(target);
        var failure = await BlockedAsync<RemoteRegistryStopped>(world, "service-stopped");
        Assert.Equal("RemoteRegistry", failure.Service);
    }

    [Fact]
    public async Task FlashAsync_DiskThatFillsUpMeanwhile_IsFullAndNothingIsLeft()
    {
        var rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 8 << 20);
        await using var target = await SmbTarget.StartAsync(new() { DiskSize = 40 << 20 });
        await using var world = await SmbWorld.CreateAsync(target, rom: rom);

        // There is room when it is looked for, and none when it is needed.
        var filler = new DiskFiller(Path.Combine(target.Server.ShareFolder, "filler"));
        var report = await world.Client.FlashAsync(
            new FlashRequest(world.TargetAt(), [rom.Image], SmbWorld.Policy with { Reboot = RebootMode.LeaveToOperator }),
            filler,
            CancellationToken.None);
        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType<SystemPartitionFull>(failure);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        filler.Remove();
        AssertNothingIsLeft(target);
    }

    [Theory]
    [InlineData("not-the-password", typeof(CredentialsRejected))]
    [InlineData(null, typeof(AccountDisabled))]
    public async Task FlashAsync_AccountThatMayNotLogOn_SaysWhy(string? password, Type failureType)
    {
        var account = password is null ? SambaAccount.Disabled : SambaAccount.Administrator with { Password = password };
        await using var target = await SmbTarget.StartAsync(new() { Accounts = [SambaAccount.Administrator, SambaAccount.Disabled] });
        await using var world = await SmbWorld.CreateAsync(target, account);
        var report = await world.FlashAsync();
        Assert.False(report.Result.TryGetValue(out _, out var failure));
        Assert.IsType(failureType, failure);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.NotNull(failure.PeerCode);
        Assert.DoesNotContain(account.Password, failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectAsync_PeerThatMakesAGuestOfAnybody_IsRefused()
    {
        await using var target = await SmbTarget.StartAsync(new() { MapsToGuest = true });
        var request = SmbTarget.Request(target.Address, new("nobody-knows", "whatever", SambaAccountState.Plain));
        var fault = (await new SmbTransport().ConnectAsync(request, CancellationToken.None)).Fault();
        Assert.Equal(RomFlash.Sdk.Transports.TransportFaultKind.CredentialsRejected, fault.Kind);
    }

    private static async Task<T> BlockedAsync<T>(SmbWorld world, string blocker, string? address = null)
        where T : FlashFailure
    {
        var evaluation = await world.Client.PreflightAsync(new FlashRequest(world.TargetAt(address), [Bench.NewSystem.Image], SmbWorld.Policy), CancellationToken.None);
        var found = evaluation.Blockers.FirstOrDefault(b => b.Name == blocker);
        Assert.True(found is not null, string.Join(", ", evaluation.Blockers.Select(b => $"{b.Name}: {b.Failure}")));
        var failure = Assert.IsType<T>(found.Failure);

        // And nothing is begun.
        Assert.False((await world.FlashAsync(address)).Result.TryGetValue(out _, out _));
        return failure;
    }

    private static void AssertNothingIsLeft(SmbTarget target)
    {
        Assert.False(System.IO.Directory.Exists(target.Capsules) && System.IO.Directory.EnumerateFileSystemEntries(target.Capsules).Any());
        Assert.Equal(["generation.json", "holder", "lock"], System.IO.Directory.EnumerateFileSystemEntries(target.RomFlash).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }
}
