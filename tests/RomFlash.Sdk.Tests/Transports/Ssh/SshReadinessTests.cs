
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

/// <summary>What a Linux target is not fit for has a type of its own, and nothing is begun.</summary>
[Trait("Category", "Peer")]
public sealed class SshReadinessTests
{
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
    public async Task FlashAsync_VariablesThatCantBeWritten_AreNoOffer()
    {
        await using var target = await SshTarget.StartAsync();
        await using var world = await SshWorld.CreateAsync(target);
        target.Root.SetMounts(efivarsOptions: "ro,nosuid");
        Assert.Contains("can't be written", (await BlockedAsync<ArmingNotPossible>(world, "arming-not-possible")).Detail, StringComparison.Ordinal);
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
        var report = await world.FlashAsync(SshTarget.AddressAt(target.Server.Port, string.Empty), SshWorld.Left);
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

    // sudo says this wherever a machine's own name is not in its hosts file, and goes on.
    [Theory]
    [InlineData("sudo")]
    [InlineData("id")]
    public async Task ProbeAsync_ProgramThatWarnsBesideItsAnswer_IsHeard(string name)
    {
        await using var target = await SshTarget.StartAsync(server: name == "sudo" ? new() { Account = new("operator", SshSudo.MayRunShell) } : null);
        var real = name == "sudo" ? target.Server.WriteStandIn("sudo-itself", await File.ReadAllTextAsync(Path.Combine(target.Server.Folder, "bin", "sudo"))) : "/usr/bin/id";
        target.Server.WriteStandIn(name, $"echo '{name}: unable to resolve host web-1: Name or service not known' >&2\nexec {real} \"$@\"");
        await using var session = await target.ConnectAsync();
        Assert.True((await session.GetCapability<IFactsCapability>()!.ReadFactsAsync(FactKinds.Account, CancellationToken.None)).TryGetValue(out var facts, out var fault), fault?.ToString());
        Assert.Equal(AccountRights.Administrator, facts.Account);
    }

    [Fact]
    public async Task FlashAsync_AccountThatMayRunAShell_IsRootThere()
    {
        await using var target = await SshTarget.StartAsync(server: new() { Account = new("operator", SshSudo.MayRunShell) });
        await using var world = await SshWorld.CreateAsync(target);
        var report = await world.FlashAsync(change: SshWorld.Left);
        Assert.True(report.Outcome == FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(target.Root.IsArmed);
    }

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
}
