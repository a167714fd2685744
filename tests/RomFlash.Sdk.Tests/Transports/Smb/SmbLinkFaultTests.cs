using System.Diagnostics;
using RomFlash.Peers.Links;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Smb;

/// <summary>Samba is killed, frozen and cut off at the messages of an upgrade; what is claimed has to be so, calls return in time, and the next run brings the upgrade to its end.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
public sealed class SmbLinkFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan OperationDeadline = TimeSpan.FromSeconds(1);

    // Every message in every way with ROMFLASH_LONG; otherwise a sample that moves through both.
    private static bool IsLong => Environment.GetEnvironmentVariable("ROMFLASH_LONG") is { Length: > 0 };

    private static (string Name, Func<long, LinkFault> At)[] Faults { get; } =
    [
        ("cut before a request", n => LinkFault.BeforeRequest(n)),
        ("cut instead of an answer", n => LinkFault.InsteadOfAnswer(n)),
        ("reset after a request", n => LinkFault.AfterRequest(n, LinkAction.Reset)),
        ("frozen before a request", n => LinkFault.BeforeRequest(n, LinkAction.Freeze)),
        ("answers frozen after a request", n => LinkFault.AfterRequest(n, LinkAction.FreezeAnswers)),
    ];

    [Fact]
    public async Task FlashAsync_LinkFailsAtAnyMessage_WhatIsClaimedIsSoAndTheNextRunEndsIt()
    {
        await using var target = await SmbTarget.StartAsync();
        var messages = await MeasureAsync(target);
        Assert.InRange(messages, 50, 5000);
        var step = IsLong ? 1 : (int)(messages / 8);
        var problems = new List<string>();
        var schedules = 0;
        for (var f = 0; f < Faults.Length; f++)
        {
            for (var n = 1 + (f * step / Faults.Length); n <= messages; n += step)
            {
                schedules++;
                if (await RunAsync(target, proxy => _ = proxy.Arm(Faults[f].At(n)), proxy => proxy.Thaw()) is { } problem)
                {
                    problems.Add($"message {n} of {messages}, {Faults[f].Name}: {problem}");
                }
            }
        }

        output.WriteLine($"[romflash] SMB links: {schedules} schedules over {messages} messages, {problems.Count} violations");
        Assert.True(problems.Count == 0, string.Join("\n", problems.Take(20)));
    }

    [Fact]
    public async Task FlashAsync_SambaIsKilledOrFrozenAtAMessage_WhatIsClaimedIsSoAndTheNextRunEndsIt()
    {
        await using var target = await SmbTarget.StartAsync();
        var messages = await MeasureAsync(target);
        var step = IsLong ? 5 : (int)(messages / 4);
        var problems = new List<string>();
        var schedules = 0;
        for (var n = step / 2; n <= messages; n += step)
        {
            foreach (var isFrozen in new[] { false, true })
            {
                schedules++;
                var happened = Task.CompletedTask;
                var problem = await RunAsync(
                    target,
                    proxy => happened = HappenAsync(proxy.Arm(LinkFault.AfterRequest(n, LinkAction.FreezeAnswers)), proxy, isFrozen ? target.Server.FreezeAsync : target.Server.KillAsync),
                    async proxy =>
                    {
                        await happened;
                        if (isFrozen)
                        {
                            target.Server.Thaw();
                        }
                        else
                        {
                            await target.Server.RestartAsync();
                        }
                    });
                if (problem is not null)
                {
                    problems.Add($"message {n} of {messages}, {(isFrozen ? "frozen" : "killed")}: {problem}");
                }
            }
        }

        output.WriteLine($"[romflash] Samba killed or frozen: {schedules} schedules, {problems.Count} violations");
        Assert.True(problems.Count == 0, string.Join("\n", problems.Take(20)));

        static async Task HappenAsync(Task reached, FaultProxy proxy, Func<Task> happenAsync)
        {
            await reached;
            await happenAsync();
            proxy.Thaw();
        }
    }

    private static async Task<long> MeasureAsync(SmbTarget target)
    {
        target.Wipe();
        await using var proxy = FaultProxy.Start(target.Server.EndPoint, MessageFraming.Smb);
        await using var world = await SmbWorld.CreateAsync(target);
        Assert.Equal(FlashOutcomeKind.Pending, (await FlashAsync(world, proxy.Port)).Outcome);
        return proxy.Requests;
    }

    // Null when all is well.
    private static Task<string?> RunAsync(SmbTarget target, Action<FaultProxy> arm, Action<FaultProxy> mend) =>
        RunAsync(target, arm, proxy =>
        {
            mend(proxy);
            return Task.CompletedTask;
        });

    private static async Task<string?> RunAsync(SmbTarget target, Action<FaultProxy> arm, Func<FaultProxy, Task> mendAsync)
    {
        target.Wipe();
        var proxy = FaultProxy.Start(target.Server.EndPoint, MessageFraming.Smb);
        await using var closing = proxy;
        var connector = new Switchable(new SmbConnector(new() { ConnectTimeout = OperationDeadline, OperationTimeout = OperationDeadline }));
        await using var world = await SmbWorld.CreateAsync(target, transport: new SmbTransport(connector));
        arm(proxy);
        var clock = Stopwatch.StartNew();
        var first = await FlashAsync(world, proxy.Port, isHurried: true);
        connector.Inner = new SmbConnector();
        var took = clock.Elapsed;
        await mendAsync(proxy);

        // What was not reached is not to come now: from here on nothing is between.
        await proxy.DisposeAsync();
        var isArmed = System.IO.Directory.Exists(target.Capsules) && System.IO.Directory.EnumerateFileSystemEntries(target.Capsules).Any();
        if (!first.Result.TryGetValue(out _, out var failure) && failure.TargetState is TargetState.Untouched or TargetState.Prepared && isArmed)
        {
            return $"{failure} was claimed, and it is armed";
        }

        if (first.Outcome is FlashOutcomeKind.Pending && !isArmed)
        {
            return "Pending was claimed, and nothing is armed";
        }

        // A deadline for the operation, one for each try of the clean-up and of the look at what was armed; never for ever.
        if (took > TimeSpan.FromSeconds(30))
        {
            return $"it took {took}: {failure}";
        }

        for (var i = 0; i < 4; i++)
        {
            var next = await FlashAsync(world, target.Server.Port);
            if (next.Outcome is FlashOutcomeKind.Pending)
            {
                var capsules = System.IO.Directory.GetFiles(target.Capsules);
                var left = System.IO.Directory.EnumerateDirectories(target.RomFlash).Where(d => System.IO.Directory.EnumerateFileSystemEntries(d, "*", SearchOption.AllDirectories).Any()).ToArray();
                return capsules.Length != 1 || !(await File.ReadAllBytesAsync(capsules[0])).AsSpan().SequenceEqual(Bench.NewSystem.Content.Span) ? "what is armed is not the image"
                    : left.Any(d => System.IO.Directory.EnumerateDirectories(d).Any()) ? $"{string.Join(", ", left)} is left"
                    : null;
            }

            failure = next.Result.TryGetValue(out _, out var again) ? null : again;
        }

        return $"the upgrade does not come to its end: {failure} (first, after {took}: {first.Result})";
    }

    private sealed class Switchable(ISmbConnector first) : ISmbConnector
    {
        public ISmbConnector Inner { get; set; } = first;

        public ValueTask<TransportResult<ISmbConnection>> ConnectAsync(SmbConnectRequest request, CancellationToken cancellationToken) => Inner.ConnectAsync(request, cancellationToken);
    }

    // Only where something goes wrong is anybody in a hurry.
    private static Task<FlashReport> FlashAsync(SmbWorld world, int port, bool isHurried = false) => world.FlashAsync(SmbTarget.AddressAt(port), p => p with
    {
        Reboot = RebootMode.LeaveToOperator,
        Deadlines = isHurried ? p.Deadlines with { Operation = TimeSpan.FromSeconds(2), Connect = TimeSpan.FromSeconds(2), SlowestBytesPerSecond = 1 << 20, CleanUp = TimeSpan.FromSeconds(5), ReadRetries = 1 } : p.Deadlines,
    });
}
