using System.Diagnostics;
using System.Text;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Hostile;

/// <summary>Targets whose tools print without end or much that is hard to read, through the whole transport: a typed fault in time, in bounded memory, and nothing is armed.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Collection("Alone")]
public sealed class FloodingToolsTests(HostileMachine machine) : IClassFixture<HostileMachine>
{
    // What the client may make of the worst that a target says.
    private const long MaxAllocated = 256L << 20;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(6);

    // Of what never comes: it is no nearer after six.
    private static readonly TimeSpan ShortDeadline = TimeSpan.FromSeconds(1);

    // From which step on which tool does what, and what the first fault is then.
    private static readonly Dictionary<string, (HostileStep From, string Tool, string Script, TransportFaultKind Kind)> s_lies = new()
    {
        ["a digest without end"] = (HostileStep.Digest, "sha256sum", Endless, TransportFaultKind.Cancelled),
        ["a digest of 50 MB"] = (HostileStep.Digest, "sha256sum", Flood, TransportFaultKind.ProtocolViolation),
        ["a stat of 50 MB"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + Flood, TransportFaultKind.ProtocolViolation),
        ["a stat of many entries"] = (HostileStep.Claim, "stat", HostileMachine.ButForTheGuard + "yes '81a4 1 name/' | /usr/bin/head -n 300000 | tr -d '\\n'", TransportFaultKind.ProtocolViolation),
        ["a mv that prints 50 MB"] = (HostileStep.Arm, "mv", Flood, TransportFaultKind.ProtocolViolation),
        ["a flock that prints 50 MB"] = (HostileStep.Claim, "flock", Flood, TransportFaultKind.ProtocolViolation),
        ["a timeout that prints without end"] = (HostileStep.Open, "timeout", Endless, TransportFaultKind.ProtocolViolation),
        ["an od of 50 MB"] = (HostileStep.Facts, "od", Flood, TransportFaultKind.ProtocolViolation),
        ["a head of 5 MB"] = (HostileStep.Facts, "head", "exec /usr/bin/head -c 5000000 /dev/zero", TransportFaultKind.ProtocolViolation),
        ["an id of 50 MB"] = (HostileStep.Connect, "id", Flood, TransportFaultKind.ProtocolViolation),
        ["a shutdown of 20 MB"] = (HostileStep.Restart, "shutdown", "/usr/bin/head -c 20000000 /dev/zero | /usr/bin/tr '\\0' x; exit 1", TransportFaultKind.ProtocolViolation),
        ["a shell that floods"] = (HostileStep.Facts, "", "/usr/bin/head -c 10000000 /dev/zero", TransportFaultKind.ProtocolViolation),
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
        var (fault, step, took) = await machine.WalkAsync(ssh, from, kind is TransportFaultKind.Cancelled ? ShortDeadline : Deadline);
        var allocated = GC.GetTotalAllocatedBytes() - before;

        Assert.True(kind == fault?.Kind, $"{step}: {fault?.ToString() ?? "it was believed"}");
        Assert.True(step >= from, step.ToString());
        Assert.InRange(took, TimeSpan.Zero, Deadline + TimeSpan.FromSeconds(2));
        Assert.InRange(allocated, 0, MaxAllocated);
        Assert.True(step is HostileStep.Restart || !machine.Target.Root.IsArmed, "it is armed");
        await RemoteShellTests.WaitForAsync(() => ssh.Processes is []);
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
}
