using System.Diagnostics;
using System.Text;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Targets whose tools lie, flood or hang, through the whole transport: a typed fault in time, in bounded memory, and nothing is armed.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Collection("Alone")]
public sealed class HostileTargetTests(HostileTargetTests.Machine machine) : IClassFixture<HostileTargetTests.Machine>
{
    // What the client may make of the worst that a target says.
    private const long MaxAllocated = 256L << 20;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    // Of what never comes: it is no nearer after three.
    private static readonly TimeSpan ShortDeadline = TimeSpan.FromSeconds(1);

    private static readonly SimulatedRom Rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 100_000);

    private static readonly string Digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Rom.Content.Span));

    private enum Step
    {
        Connect,
        Facts,
        Claim,
        Open,
        Write,
        Digest,
        Commit,
        Arm,
        Armed,
        Restart,
    }

    // From which step on which tool does what, and what the first fault is then.
    private static readonly Dictionary<string, (Step From, string Tool, string Script, TransportFaultKind Kind)> s_lies = new()
    {
        ["a digest without end"] = (Step.Digest, "sha256sum", Endless, TransportFaultKind.Cancelled),
        ["a digest of 50 MB"] = (Step.Digest, "sha256sum", Flood, TransportFaultKind.ProtocolViolation),
        ["a digest of bytes"] = (Step.Digest, "sha256sum", "/usr/bin/head -c 64 /dev/urandom; echo '  -'", TransportFaultKind.ProtocolViolation),
        ["a digest that never comes"] = (Step.Digest, "sha256sum", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a digest that drips"] = (Step.Digest, "sha256sum", "while :; do printf a; sleep 1; done", TransportFaultKind.Cancelled),
        ["a digest cut short"] = (Step.Digest, "sha256sum", $"echo '{Digest[..63]}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest and one digit"] = (Step.Digest, "sha256sum", $"echo '{Digest}0  -'", TransportFaultKind.ProtocolViolation),
        ["a digest in capitals"] = (Step.Digest, "sha256sum", $"echo '{Digest.ToUpperInvariant()}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest twice"] = (Step.Digest, "sha256sum", $"echo '{Digest}  -'; echo '{Digest}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest without a line's end"] = (Step.Digest, "sha256sum", $"printf '{Digest}  -'", TransportFaultKind.ProtocolViolation),
        ["a digest and a NUL"] = (Step.Digest, "sha256sum", $"printf '{Digest[..63]}\\000  -\\n'", TransportFaultKind.ProtocolViolation),
        ["a digest of another file"] = (Step.Digest, "sha256sum", $"echo '{Digest}  other'", TransportFaultKind.ProtocolViolation),
        ["no digest"] = (Step.Digest, "sha256sum", "exit 0", TransportFaultKind.ProtocolViolation),
        ["a digest and a failure"] = (Step.Digest, "sha256sum", $"echo '{Digest}  -'; exit 1", TransportFaultKind.Unmapped),
        ["a failure that reads like another"] = (Step.Digest, "sha256sum", "echo ': No space left on device'; exit 1", TransportFaultKind.NoSpace),
        ["a signal"] = (Step.Digest, "sha256sum", "kill -KILL $$", TransportFaultKind.Unmapped),
        ["a tool that ends the shell above it"] = (Step.Digest, "sha256sum", "kill -KILL $PPID", TransportFaultKind.Unmapped),

        ["a stat of nothing"] = (Step.Claim, "stat", "exit 0", TransportFaultKind.ProtocolViolation),
        ["a stat of 50 MB"] = (Step.Claim, "stat", Flood, TransportFaultKind.ProtocolViolation),
        ["a stat of many entries"] = (Step.Claim, "stat", "yes '81a4 1 name/' | /usr/bin/head -n 300000 | tr -d '\\n'", TransportFaultKind.ProtocolViolation),
        ["a stat of a name without name"] = (Step.Claim, "stat", "printf '81a4 1 /'", TransportFaultKind.ProtocolViolation),
        ["a stat of a folder above"] = (Step.Claim, "stat", "printf '41ed 1 ../'", TransportFaultKind.ProtocolViolation),
        ["a stat of one's own folder"] = (Step.Claim, "stat", "printf '41ed 1 ./'", TransportFaultKind.ProtocolViolation),
        ["a stat of one name twice"] = (Step.Claim, "stat", "printf '41ed 1 EFI/41ed 1 EFI/'", TransportFaultKind.ProtocolViolation),
        ["a stat with a length below zero"] = (Step.Open, "stat", "echo '81a4 -1'", TransportFaultKind.ProtocolViolation),
        ["a stat with a length beyond all"] = (Step.Open, "stat", "echo '81a4 99999999999999999999'", TransportFaultKind.ProtocolViolation),
        ["a stat that hangs"] = (Step.Claim, "stat", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a stat that fails without a word"] = (Step.Claim, "stat", "exit 1", TransportFaultKind.Unmapped),

        ["a mv that does nothing, from the claim on"] = (Step.Claim, "mv", "exit 0", TransportFaultKind.Fenced),
        ["a mv that does nothing, from the commit on"] = (Step.Commit, "mv", "exit 0", TransportFaultKind.NotFound),
        ["a mv that prints 50 MB"] = (Step.Arm, "mv", Flood, TransportFaultKind.ProtocolViolation),
        ["a mv that hangs"] = (Step.Arm, "mv", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a mv that fails, and says that it is not there"] = (Step.Arm, "mv", "echo ': No such file or directory'; exit 1", TransportFaultKind.NotFound),

        ["a flock that is never had"] = (Step.Open, "flock", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a flock that prints 50 MB"] = (Step.Claim, "flock", Flood, TransportFaultKind.ProtocolViolation),
        ["a flock that ends its shell"] = (Step.Open, "flock", "kill -KILL $PPID", TransportFaultKind.Unmapped),
        ["a timeout that runs nothing"] = (Step.Open, "timeout", "exit 0", TransportFaultKind.Lost),
        ["a timeout that prints without end"] = (Step.Open, "timeout", Endless, TransportFaultKind.ProtocolViolation),

        ["an od of nothing"] = (Step.Facts, "od", "exit 0", TransportFaultKind.ProtocolViolation),
        ["an od of 50 MB"] = (Step.Facts, "od", Flood, TransportFaultKind.ProtocolViolation),
        ["an od of other digits"] = (Step.Facts, "od", "echo ' zz zz'", TransportFaultKind.ProtocolViolation),
        ["an od that hangs"] = (Step.Facts, "od", "exec sleep 30", TransportFaultKind.Cancelled),
        ["an od of nothing from the beginning"] = (Step.Connect, "od", "exit 0", TransportFaultKind.ProtocolViolation),
        ["a head of nothing"] = (Step.Facts, "head", "exit 0", TransportFaultKind.ProtocolViolation),
        ["a head of more"] = (Step.Facts, "head", "exec cat", TransportFaultKind.ProtocolViolation),
        ["a head of 5 MB"] = (Step.Facts, "head", "exec /usr/bin/head -c 5000000 /dev/zero", TransportFaultKind.ProtocolViolation),
        ["a tr that cuts"] = (Step.Facts, "tr", "/usr/bin/tr \"$@\" | /usr/bin/head -c 100", TransportFaultKind.ProtocolViolation),
        ["an id of 50 MB"] = (Step.Connect, "id", Flood, TransportFaultKind.ProtocolViolation),
        ["an id that hangs"] = (Step.Connect, "id", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a dd that reads nothing"] = (Step.Write, "dd", "exit 0", TransportFaultKind.Unmapped),
        ["a sync that hangs"] = (Step.Commit, "sync", "exec sleep 30", TransportFaultKind.Cancelled),
        ["a sync that fails"] = (Step.Commit, "sync", "echo ': Input/output error' >&2; exit 1", TransportFaultKind.Unmapped),
        ["a cat that takes nothing and ends"] = (Step.Write, "cat", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exit 0", TransportFaultKind.Lost),
        ["a cat that fails"] = (Step.Write, "cat", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; /bin/cat >/dev/null; exit 1", TransportFaultKind.Unmapped),
        ["a shutdown of 20 MB"] = (Step.Restart, "shutdown", "/usr/bin/head -c 20000000 /dev/zero | /usr/bin/tr '\\0' x; exit 1", TransportFaultKind.ProtocolViolation),
        ["a shutdown that fails without a word"] = (Step.Restart, "shutdown", "exit 1", TransportFaultKind.Unmapped),
        ["a mktemp that fails"] = (Step.Restart, "mktemp", "exit 1", TransportFaultKind.Unmapped),

        ["a shell that prints between answers"] = (Step.Claim, "", "printf 'x\\n'", TransportFaultKind.ProtocolViolation),
        ["a shell that prints zeros between answers"] = (Step.Facts, "", "printf '\\000'", TransportFaultKind.ProtocolViolation),
        ["a shell that floods"] = (Step.Facts, "", "/usr/bin/head -c 10000000 /dev/zero", TransportFaultKind.ProtocolViolation),
    };

    public static TheoryData<string> Lies => [.. s_lies.Keys];

    // 2 MB a second: nobody's memory is filled by what the test gives up.
    private static string Endless => "while :; do /usr/bin/head -c 100000 /dev/zero | /usr/bin/tr '\\0' x; sleep 0.05; done";

    private static string Flood => "/usr/bin/head -c 50000000 /dev/zero | /usr/bin/tr '\\0' x";

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Walk_ToolThatLies_IsATypedFaultInTimeAndNothingIsArmed(string lie)
    {
        var (from, tool, script, kind) = s_lies[lie];
        using var ssh = machine.Ssh(tool, script);
        var before = GC.GetTotalAllocatedBytes();
        var (fault, step, took) = await WalkAsync(ssh, from, kind is TransportFaultKind.Cancelled ? ShortDeadline : Deadline);
        var allocated = GC.GetTotalAllocatedBytes() - before;

        Assert.True(kind == fault?.Kind, $"{step}: {fault?.ToString() ?? "it was believed"}");
        Assert.True(step >= from, step.ToString());
        Assert.InRange(took, TimeSpan.Zero, Deadline + TimeSpan.FromSeconds(2));
        Assert.InRange(allocated, 0, MaxAllocated);
        Assert.True(step is Step.Restart || !machine.Target.Root.IsArmed, "it is armed");
        await RemoteShellTests.WaitForAsync(() => ssh.Processes is []);
    }

    [Fact]
    public async Task Walk_HonestTools_ComesToItsEnd()
    {
        using var ssh = machine.Ssh("", ":");
        var (fault, step, _) = await WalkAsync(ssh, null, Deadline);
        Assert.True(fault is null, $"{step}: {fault}");
        Assert.True(machine.Target.Root.IsArmed);
    }

    // A lock that is none keeps nobody out, and nobody can tell.
    [Fact]
    public async Task Walk_FlockThatDoesNothing_IsBelieved()
    {
        using var ssh = machine.Ssh("flock", "exit 0");
        var (fault, step, _) = await WalkAsync(ssh, Step.Connect, Deadline);
        Assert.True(fault is null, $"{step}: {fault}");
        Assert.True(machine.Target.Root.IsArmed);
    }

    [Fact]
    public async Task FlashAsync_MvThatDoesNothingWhenItArms_IsNotArmedAndNotCalledSo()
    {
        using var ssh = machine.Ssh("mv", "case $* in */UpdateCapsule) exit 0;; esac; exec /usr/bin/mv \"$@\"");
        var failure = await FailsAsync(ssh);
        Assert.True(failure.TargetState is not (TargetState.Armed or TargetState.Flashing), failure.ToString());
        Assert.Empty(machine.Target.Root.CapsuleFiles);
    }

    [Theory]
    [InlineData("loses a part", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; /usr/bin/head -c 50000; exec /bin/cat >/dev/null")]
    [InlineData("changes bytes", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exec /usr/bin/tr '\\001' '\\002'")]
    [InlineData("adds some", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; /bin/cat; printf more")]
    [InlineData("writes nothing", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exec /bin/cat >/dev/null")]
    public async Task FlashAsync_UploadThatIsSpoiledOverThere_IsAStagedCopyThatDiffers(string how, string script)
    {
        Assert.NotEmpty(how);
        using var ssh = machine.Ssh("cat", script);
        var failure = await FailsAsync(ssh);
        Assert.IsType<StagedCopyDiffers>(failure);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.False(machine.Target.Root.IsArmed);
    }

    [Fact]
    public async Task FlashAsync_TargetWhoseDigestsAlwaysFit_IsBelievedUnlessThePolicyHasTheCopyReadBack()
    {
        using var ssh = machine.Ssh("cat", "[ $# -gt 0 ] && exec /bin/cat \"$@\"; exec /usr/bin/tr '\\001' '\\002'");
        machine.Add(ssh, "sha256sum", $"echo '{Digest}  -'");
        var failure = await FailsAsync(ssh, p => p with { MinimumVerification = VerificationMethod.ReadBack });
        Assert.IsType<StagedCopyDiffers>(failure);
        Assert.False(machine.Target.Root.IsArmed);

        var report = await FlashAsync(ssh);
        Assert.True(report.Outcome is FlashOutcomeKind.Pending, report.Result.ToString());
        Assert.True(report.Result.TryGetValue(out var outcome, out _) && outcome.Verification == VerificationMethod.DigestOnTarget);
        Assert.True(machine.Target.Root.IsArmed);
    }

    [Fact]
    public async Task ConnectAsync_MountTablesMadeToBeSlow_AreReadInTime()
    {
        using var ssh = machine.Ssh("", ":");
        var deep = string.Concat(Enumerable.Repeat("/a", 1_500_000));
        await ReadsInTimeAsync(ssh, "a deep mount point", $"21 1 259:2 / / rw - ext4 /dev/a rw\n36 21 259:1 / {deep} rw - vfat /dev/b rw\n");

        // Mounts that lie on each other in a circle, at many places.
        var circles = new StringBuilder();
        for (var i = 0; circles.Length < 3_500_000; i += 2)
        {
            circles.Append($"{i} {i + 1} 8:{i} / /m{i} rw - vfat d rw\n{i + 1} {i} 8:{i + 1} / /m{i} rw - vfat d rw\n");
        }

        await ReadsInTimeAsync(ssh, "circles", circles.ToString());
        var many = new StringBuilder("1 0 259:2 / / rw - ext4 /dev/a rw\n");
        for (var i = 2; many.Length < 3_500_000; i++)
        {
            many.Append($"{i} 1 8:{i} / /m{i} rw - vfat d rw\n");
        }

        await ReadsInTimeAsync(ssh, "many", many.ToString());
    }

    [Fact]
    public async Task ReadFactsAsync_TablesMadeToBeSlow_AreReadInTime()
    {
        // What a script prints is lines, whoever prints them.
        using var ssh = machine.Ssh("", ":");
        machine.Add(ssh, "sed", "[ -e \"$0.lines\" ] && exec cat \"$0.lines\"; PATH=${PATH#*/bin:}; exec sed \"$@\"");
        var lines = ssh["bin/sed.lines"];
        var kinds = new (string Name, Func<int, string> Line)[]
        {
            ("firmware entries", i => $"= /sys/firmware/efi/esrt/entries/e{i}/fw_class\t{new Guid(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10):D}\n"),
            ("controllers", i => $"= /sys/bus/pci/devices/{i:x8}:00:00.0/vendor\t0x1000\n= /sys/bus/pci/devices/{i:x8}:00:00.0/device\t0x1000\n"),
            ("versions", i => $"h /sys/0000:03:00.0/host\t{i}.0\n"),
            ("supplies", i => $"= /sys/class/power_supply/b{i}/type\tBattery\n"),
            ("volumes", i => $"= /sys/block/dm-{i}/dm/uuid\tx\n"),
        };
        foreach (var (name, line) in kinds)
        {
            var text = new StringBuilder();
            for (var i = 0; text.Length < 3_500_000; i++)
            {
                text.Append(line(i));
            }

            machine.Target.Wipe();
            await using var session = await machine.Target.ConnectAsync(machine.Options(ssh));
            await File.WriteAllTextAsync(lines, text.ToString());
            var before = GC.GetTotalAllocatedBytes();
            var watch = Stopwatch.StartNew();
            Assert.True((await ((IFactsCapability)session).ReadFactsAsync(FactKinds.All, CancellationToken.None)).TryGetValue(out var facts, out var fault), fault?.ToString());
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{name}: {watch.Elapsed}");
            Assert.True(GC.GetTotalAllocatedBytes() - before < MaxAllocated, $"{name}: {GC.GetTotalAllocatedBytes() - before} bytes");
            Assert.True(name != "firmware entries" || facts.Roms.WhyUnknown.Contains("more than", StringComparison.Ordinal), facts.Roms.ToString());
            File.Delete(lines);
        }
    }

    private async Task ReadsInTimeAsync(FakeSsh ssh, string name, string mounts)
    {
        var file = machine.Target.Root.Combine("proc/self/mountinfo");
        var was = await File.ReadAllTextAsync(file);
        try
        {
            await File.WriteAllTextAsync(file, mounts);
            foreach (var path in new[] { "/boot/efi", "/" })
            {
                var before = GC.GetTotalAllocatedBytes();
                var watch = Stopwatch.StartNew();
                (await new SshTransport(machine.Options(ssh)).ConnectAsync(SshTarget.Request("ssh://host" + path), CancellationToken.None)).TryGetValue(out var session, out var fault);
                Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{name} {path}: {watch.Elapsed}");
                Assert.True(GC.GetTotalAllocatedBytes() - before < MaxAllocated, $"{name} {path}: {GC.GetTotalAllocatedBytes() - before} bytes");
                if (session is not null)
                {
                    await session.DisposeAsync();
                }
            }
        }
        finally
        {
            await File.WriteAllTextAsync(file, was);
        }
    }

    // All that an upgrade does, until the first fault; it is hostile from a step on, and that one has a deadline.
    private async Task<(TransportFault? Fault, Step Step, TimeSpan Took)> WalkAsync(FakeSsh ssh, Step? from, TimeSpan deadline)
    {
        machine.Target.Wipe();
        var step = Step.Connect;
        var watch = new Stopwatch();
        TransportFault? fault = null;
        ITargetSession? session = null;
        IDeposit? deposit = null;
        try
        {
            var claim = new TargetClaim("client", 0);
            var manifest = new DepositManifest("d1", 1, [new("image.cap", Rom.Content.Length, new ContentDigest(Convert.FromHexString(Digest)), "system")]);
            if (await TryAsync(Step.Connect, async t => session = Value(await new SshTransport(machine.Options(ssh)).ConnectAsync(SshTarget.Request("ssh://host/boot/efi"), t)))
                && await TryAsync(Step.Facts, async t => Value(await ((IFactsCapability)session!).ReadFactsAsync(FactKinds.All, t)))
                && await TryAsync(Step.Claim, async t => claim = Value(await ((IClaimCapability)session!).AcquireClaimAsync(new("client"), t)))
                && await TryAsync(Step.Open, async t => deposit = Value(await ((IDepositCapability)session!).OpenDepositAsync(manifest, t)))
                && await TryAsync(Step.Write, async t => Value(await deposit!.WriteAsync(0, 0, Rom.Content, t)))
                && await TryAsync(Step.Digest, async t => Value(await deposit!.DigestOnTargetAsync(0, t)))
                && await TryAsync(Step.Commit, async t => Value(await deposit!.CommitAsync(t)))
                && await TryAsync(Step.Arm, async t => Value(await ((IArmingCapability)session!).ArmAsync(new(manifest, ArmingMethod.CapsuleOnDisk), t)))
                && await TryAsync(Step.Armed, async t => Value(await ((IArmingCapability)session!).ReadArmedStateAsync(true, t))))
            {
                await TryAsync(Step.Restart, async t =>
                {
                    Value(await ((IPowerCapability)session!).ScheduleRebootAsync(new(TimeSpan.FromMinutes(1), "test", false), t));
                    Value(await ((IPowerCapability)session!).AbortRebootAsync(t));
                });
            }
        }
        finally
        {
            if (deposit is not null)
            {
                await deposit.DisposeAsync();
            }

            if (session is not null)
            {
                await session.DisposeAsync();
            }
        }

        return (fault, step, watch.Elapsed);

        async Task<bool> TryAsync(Step next, Func<CancellationToken, Task> run)
        {
            step = next;
            if (from == next)
            {
                File.WriteAllText(ssh["hostile"], string.Empty);
            }

            using var stop = new CancellationTokenSource(next < from || from is null ? TimeSpan.FromMinutes(1) : from == Step.Connect && next > from ? TimeSpan.FromMinutes(1) : deadline);
            watch.Restart();
            try
            {
                await run(stop.Token);
                return true;
            }
            catch (FaultException e)
            {
                watch.Stop();
                fault = e.Fault;
                return false;
            }
        }
    }

    private Task<FlashReport> FlashAsync(FakeSsh ssh, Func<FlashPolicy, FlashPolicy>? change = null) => machine.FlashAsync(ssh, Rom, change);

    private async Task<FlashFailure> FailsAsync(FakeSsh ssh, Func<FlashPolicy, FlashPolicy>? change = null) => Bench.FailureOf((await FlashAsync(ssh, change)).Result);

    private static T Value<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new FaultException(fault);

    private sealed class FaultException(TransportFault fault) : Exception(fault.ToString())
    {
        public TransportFault Fault => fault;
    }

    /// <summary>A staged machine, and programs in the place of ssh that run everything on it with tools of a test's own before the system's.</summary>
    public sealed class Machine : IAsyncLifetime
    {
        internal SshTarget Target { get; private set; } = null!;

        public async Task InitializeAsync() => Target = await SshTarget.StartAsync();

        public async Task DisposeAsync() => await Target.DisposeAsync();

        // A tool of no name is a script that goes on beside each shell, and prints where the shell does.
        internal FakeSsh Ssh(string tool, string script)
        {
            var ssh = new FakeSsh("""
                here=$(dirname "$0")
                PATH=$here/bin:$PATH; export PATH
                if [ -e "$here/beside" ]; then
                  ( while kill -0 $$ 2>/dev/null; do [ -e "$here/hostile" ] && . "$here/beside"; sleep 0.05; done ) &
                fi
                """ + "\n" + FakeSsh.Honest);
            System.IO.Directory.CreateDirectory(ssh["bin"]);
            if (tool.Length == 0)
            {
                if (script != ":")
                {
                    File.WriteAllText(ssh["beside"], script + "\n");
                }
            }
            else
            {
                Add(ssh, tool, script, isAtOnce: false);
            }

            return ssh;
        }

        internal void Add(FakeSsh ssh, string tool, string script, bool isAtOnce = true)
        {
            var path = ssh["bin/" + tool];
            var real = tool == "shutdown" ? Target.Root.ShutdownProgram : tool;
            File.WriteAllText(path, $"#!/bin/sh\n{(isAtOnce ? string.Empty : $"[ -e '{ssh["hostile"]}' ] || {{ PATH=${{PATH#*/bin:}}; exec {real} \"$@\"; }}\n")}{script}\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }

        internal SshTransportOptions Options(FakeSsh ssh) => Target.Options with { Program = ssh.Program, Multiplex = false, ConfigurationFile = null, ShutdownProgram = File.Exists(ssh["bin/shutdown"]) ? ssh["bin/shutdown"] : Target.Root.ShutdownProgram };

        internal async Task<FlashReport> FlashAsync(FakeSsh ssh, SimulatedRom rom, Func<FlashPolicy, FlashPolicy>? change)
        {
            Target.Wipe();
            File.WriteAllText(ssh["hostile"], string.Empty);
            await using var world = await SshWorld.CreateAsync(Target, Options(ssh), rom);
            return await world.FlashAsync(
                "ssh://host/boot/efi",
                p => (change ?? (x => x))(p with { Reboot = RebootMode.LeaveToOperator, Waivers = [.. p.Waivers, new("disk-encryption-unknown", "test", "the staged machine has no disks")] }),
                rom.Image);
        }
    }
}
