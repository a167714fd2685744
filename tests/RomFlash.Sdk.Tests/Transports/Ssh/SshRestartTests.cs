
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Restarts of a Linux target: asked for, taken back, refused, and what is left open.</summary>
[Trait("Category", "Peer")]
public sealed class SshRestartTests
{
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

    // sysvinit's shutdown waits by itself, for longer than a lock may be held.
    [Fact]
    public async Task Restart_ShutdownThatWaits_IsOutsideOfTheGroupThatEndsWithTheLock()
    {
        await using var target = await SshTarget.StartAsync(new() { Shutdown = LinuxShutdown.SysVInit });
        var ids = Path.Combine(target.Server.Folder, "ids");
        var program = target.Server.WriteStandIn("waiting-shutdown", $"cut -d ' ' -f 1,5,6 /proc/$$/stat >'{ids}.new'; mv '{ids}.new' '{ids}'; exec sleep 60");
        await using var session = await target.ConnectAsync(target.Options with { ShutdownProgram = program });
        Assert.True((await session.GetCapability<IPowerCapability>()!.ScheduleRebootAsync(new(TimeSpan.FromMinutes(10), "now", false), CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());

        // proc(5): the process, its group and its session.
        var words = (await File.ReadAllTextAsync(ids)).Trim().Split(' ');
        Assert.Equal([words[0], words[0]], words[1..]);
        using var waiting = System.Diagnostics.Process.GetProcessById(int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture));
        Assert.False(waiting.HasExited);
        waiting.Kill();
    }

    [Fact]
    public async Task Restart_LockOfIt_IsNobodysWhoIsNotRoot()
    {
        await using var target = await SshTarget.StartAsync();
        await using var session = await target.ConnectAsync();
        Assert.True((await session.GetCapability<IPowerCapability>()!.ScheduleRebootAsync(new(TimeSpan.FromMinutes(10), "now", false), CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(target.Root.Combine("run/romflash.lock")).UnixFileMode);
    }

    [Theory]
    [InlineData("touch \"$0.done\"; notify-operators", FaultEffect.MayHaveApplied)]
    [InlineData("touch \"$0.done\"; exit 71", FaultEffect.MayHaveApplied)]
    [InlineData("touch \"$0.done\"; echo \"nohup: failed to run command 'x': No such file or directory\"; exit 127", FaultEffect.MayHaveApplied)]
    [InlineData(null, FaultEffect.NotSent)]
    public async Task Restart_ProgramThatFails_MayHaveDoneItUnlessItIsNotThere(string? script, FaultEffect effect)
    {
        await using var target = await SshTarget.StartAsync();
        var program = script is null ? "/no/such/shutdown" : target.Server.WriteStandIn("own-shutdown", script);
        await using var session = await target.ConnectAsync(target.Options with { ShutdownProgram = program });
        var power = session.GetCapability<IPowerCapability>()!;
        Assert.Equal(effect, (await power.ScheduleRebootAsync(new(TimeSpan.FromMinutes(10), "now", false), CancellationToken.None)).Fault().Effect);
        Assert.Equal(script is not null, File.Exists(program + ".done"));
        Assert.Equal(FaultEffect.MayHaveApplied, (await power.AbortRebootAsync(CancellationToken.None)).Fault().Effect);
    }

    [Fact]
    public async Task AbortRebootAsync_ShellThatIsBusy_IsNotTooLate()
    {
        await using var target = await SshTarget.StartAsync();
        await using var session = await target.ConnectAsync(target.Options with { ShutdownProgram = target.Server.WriteStandIn("no-room", "echo 'sh: 1: Cannot fork' >&2; exit 2") });
        var fault = (await session.GetCapability<IPowerCapability>()!.AbortRebootAsync(CancellationToken.None)).Fault();
        Assert.Equal((TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 60)]
    [InlineData(60, 60)]
    [InlineData(61, 120)]
    [InlineData(60 * 86400, 60 * 86400)]
    public void DelayOf_AnyDelay_IsWhatShutdownCounts(int asked, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), SshPower.DelayOf(TimeSpan.FromSeconds(asked)));

    [Fact]
    public async Task Restart_SomebodyHasAskedForSomethingBefore_IsNotTakenForIt()
    {
        await using var target = await SshTarget.StartAsync();
        System.IO.Directory.CreateDirectory(target.Root.Combine("run/systemd/system"));
        System.IO.Directory.CreateDirectory(target.Root.Combine("run/systemd/shutdown"));
        var scheduled = target.Root.Combine("run/systemd/shutdown/scheduled");
        await File.WriteAllTextAsync(scheduled, "USEC=1\nMODE=poweroff\n");
        await using (var refused = await target.ConnectAsync(target.Options with { ShutdownProgram = target.Server.WriteStandIn("slow-refusal", "sleep 2; echo 'Failed to schedule: Access denied' >&2; exit 1") }))
        {
            Assert.Contains("Access denied", (await refused.GetCapability<IPowerCapability>()!.ScheduleRebootAsync(new(TimeSpan.FromMinutes(10), "now", false), CancellationToken.None)).Fault().Detail, StringComparison.Ordinal);
        }

        // One that takes its place is ours, though the program goes on for a while.
        await using var taken = await target.ConnectAsync(target.Options with { ShutdownProgram = target.Server.WriteStandIn("slow-taking", $"echo USEC=2 >'{scheduled}'; exec sleep 20") });
        Assert.True((await taken.GetCapability<IPowerCapability>()!.ScheduleRebootAsync(new(TimeSpan.FromMinutes(10), "now", false), CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
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
        await RemoteShellTests.WaitForAsync(() => File.Exists(begun));
        await stop.CancelAsync();
        var given = (await asking).Fault();
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (given.Kind, given.Effect));

        // The one that asked works on over there for a while; who takes it back comes after it.
        Assert.True((await second.GetCapability<IPowerCapability>()!.AbortRebootAsync(CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
    }
}
