using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using RomFlash.Peers.Links;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports.Ssh;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>The link is cut, reset and frozen, and sshd killed and frozen, in the middle of an upgrade; what is claimed has to be so, calls return in time, and the next run brings the upgrade to its end.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Collection("Alone")]
public sealed class SshLinkFaultTests(SshLinkFaultTests.Links links, ITestOutputHelper output) : IClassFixture<SshLinkFaultTests.Links>
{
    // Small enough to be quick, and large enough to be streamed.
    private static readonly SimulatedRom Rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 100_000);

    // A fine grid with ROMFLASH_LONG; otherwise a sample that moves through all kinds of faults.
    private static bool IsLong => Environment.GetEnvironmentVariable("ROMFLASH_LONG") is { Length: > 0 };

    private static (string Name, LinkAction Action)[] Actions { get; } =
    [
        ("cut", LinkAction.Cut),
        ("reset", LinkAction.Reset),
        ("frozen", LinkAction.Freeze),
        ("answers frozen", LinkAction.FreezeAnswers),
    ];

    [Fact]
    public async Task FlashAsync_LinkFailsAtAnyByte_WhatIsClaimedIsSoAndTheNextRunEndsIt()
    {
        var schedules = new List<Schedule>();
        foreach (var direction in new[] { LinkDirection.ToServer, LinkDirection.ToClient })
        {
            foreach (var (name, action) in Actions)
            {
                schedules.Add(new($"{name} {direction}", direction, action));
            }
        }

        await RunAllAsync(schedules, perKind: IsLong ? 50 : 1);
    }

    [Fact]
    public async Task FlashAsync_OldConnectionHangsAndNewOnesDoNot_WhatArrivesLateChangesNothingThatWasClaimed() => await RunAllAsync(
        [new("requests held, and delivered after the run", LinkDirection.ToServer, LinkAction.FreezeRequests) { NewConnectionsWork = true },
         new("answers held, and delivered after the run", LinkDirection.ToClient, LinkAction.FreezeAnswers) { NewConnectionsWork = true }],
        perKind: IsLong ? 100 : 2,
        from: 0.7);

    [Fact]
    public async Task FlashAsync_SshdIsKilledOrFrozenAtAByte_WhatIsClaimedIsSoAndTheNextRunEndsIt() => await RunAllAsync(
        [new("sshd killed", LinkDirection.ToServer, LinkAction.None) { Happens = t => t.Server.KillAsync(), Mends = t => t.Server.RestartAsync() },
         new("sshd frozen", LinkDirection.ToServer, LinkAction.None) { Happens = t => t.Server.FreezeAsync(), Mends = ThawAsync },
         new("connections killed", LinkDirection.ToClient, LinkAction.None) { Happens = t => t.Server.KillConnectionsAsync() }],
        perKind: IsLong ? 40 : 1);

    [Fact]
    public async Task FlashAsync_CancelledAtAByte_EndsAtOnceAndLeavesNothing() => await RunAllAsync(
        [new("cancelled", LinkDirection.ToServer, LinkAction.None) { IsCancelled = true }, new("cancelled", LinkDirection.ToClient, LinkAction.None) { IsCancelled = true }],
        perKind: IsLong ? 50 : 2);

    private static Task ThawAsync(SshTarget target)
    {
        target.Server.Thaw();
        return Task.CompletedTask;
    }

    // Each kind of fault at places that are spread over the whole run, and no two kinds at the same ones.
    private async Task RunAllAsync(IReadOnlyList<Schedule> kinds, int perKind, double from = 0)
    {
        var bytes = links.Bytes;
        var schedules = new ConcurrentQueue<Schedule>();
        for (var i = 0; i < perKind; i++)
        {
            for (var k = 0; k < kinds.Count; k++)
            {
                var part = from + ((1 - from) * (i + ((k + 0.5) / kinds.Count)) / perKind);
                schedules.Enqueue(kinds[k] with { Number = Math.Max(1, (long)(part * bytes[(int)kinds[k].Direction])) });
            }
        }

        var (count, reached) = (schedules.Count, 0);
        var problems = new ConcurrentQueue<string>();
        await Task.WhenAll(links.All.Select(async link =>
        {
            while (schedules.TryDequeue(out var schedule))
            {
                var clock = Stopwatch.StartNew();
                var (problem, wasReached, first) = await link.RunAsync(schedule);
                Interlocked.Add(ref reached, wasReached ? 1 : 0);
                var line = string.Create(CultureInfo.InvariantCulture, $"byte {schedule.Number} of {bytes[(int)schedule.Direction]}, {schedule.Name}: {problem ?? "as it is to be"} ({first}; {clock.Elapsed.TotalSeconds:0.0} s)");
                lock (bytes)
                {
                    output.WriteLine(line);
                }

                if (problem is not null)
                {
                    problems.Enqueue(line);
                }
            }
        }));

        output.WriteLine($"[romflash] SSH links: {count} schedules over {bytes[0]} and {bytes[1]} bytes, {reached} reached, {problems.Count} violations");
        Assert.True(problems.IsEmpty, string.Join("\n", problems.Take(20)));

        // Where a machine is slow meanwhile, deadlines end a run before its time comes.
        Assert.InRange(reached, count / 2, count);
    }

    /// <summary>Several targets: most of a schedule is waiting for deadlines.</summary>
    public sealed class Links : IAsyncLifetime
    {
        private const int AtOnce = 8;

        internal Link[] All { get; private set; } = [];

        // What a run that nothing happens to sends each way.
        internal long[] Bytes { get; private set; } = [];

        public async Task InitializeAsync()
        {
            All = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Link.StartAsync()));
            var watch = Stopwatch.StartNew();
            Bytes = (await Task.WhenAll(All.Select(l => l.MeasureAsync())))[0];

            // One step has less than a third of a run to do, however many runs share a processor.
            var deadline = TimeSpan.FromSeconds(Math.Clamp(0.5 * watch.Elapsed.TotalSeconds, 2, 20));
            Array.ForEach(All, l => l.Deadline = deadline);
        }

        public async Task DisposeAsync()
        {
            foreach (var link in All)
            {
                await link.DisposeAsync();
            }
        }
    }

    internal sealed record Schedule(string Name, LinkDirection Direction, LinkAction Action)
    {
        public long Number { get; init; }

        public bool NewConnectionsWork { get; init; }

        public bool IsCancelled { get; init; }

        public Func<SshTarget, Task>? Happens { get; init; }

        public Func<SshTarget, Task>? Mends { get; init; }
    }

    /// <summary>A target that is reached by one name, whatever is between.</summary>
    internal sealed class Link : IAsyncDisposable
    {
        private const string Address = "ssh://127.0.0.1/boot/efi";

        private readonly SshTarget _target;
        private readonly string _configuration;

        private Link(SshTarget target)
        {
            _target = target;
            _configuration = Path.Combine(target.Server.Folder, "linked_config");
        }

        /// <summary>Of one operation, where something goes wrong.</summary>
        public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(60);

        public static async Task<Link> StartAsync() => new(await SshTarget.StartAsync());

        public async Task<long[]> MeasureAsync()
        {
            _target.Wipe();
            await using var proxy = FaultProxy.Start(_target.Server.EndPoint);
            await using var world = await WorldAsync();
            LeadTo(proxy.Port);
            var report = await FlashAsync(world);
            Assert.True(report.Outcome is FlashOutcomeKind.Pending, report.Result.ToString());
            return [proxy.Bytes(LinkDirection.ToServer), proxy.Bytes(LinkDirection.ToClient)];
        }

        // The problem is null when all is well.
        public async Task<(string? Problem, bool WasReached, string First)> RunAsync(Schedule schedule)
        {
            _target.Wipe();
            var proxy = FaultProxy.Start(_target.Server.EndPoint);
            await using var closing = proxy;
            await using var world = await WorldAsync();
            LeadTo(proxy.Port);
            using var stop = new CancellationTokenSource();
            var clock = Stopwatch.StartNew();
            var stopped = TimeSpan.Zero;
            var progress = new CleanUpWatch(clock);
            var reached = HappenAsync(proxy.Arm(LinkFault.AfterBytes(schedule.Direction, schedule.Number, schedule.Action)), schedule, () =>
            {
                stopped = clock.Elapsed;
                stop.Cancel();
            });
            FlashReport? first = null;
            try
            {
                first = await FlashAsync(world, isHurried: !schedule.IsCancelled, progress, stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Nothing has been written yet.
            }

            var took = clock.Elapsed;
            if (schedule.Mends is { } mend)
            {
                // What was not reached does not come now.
                await Task.WhenAny(reached, Task.Delay(TimeSpan.FromSeconds(1)));
                await mend(_target);
            }

            var wasReached = reached.IsCompletedSuccessfully;
            if (schedule.NewConnectionsWork)
            {
                // What was held on its way arrives, and only then the end of the connection.
                proxy.Thaw();
                await Task.Delay(200);
            }

            await proxy.DisposeAsync();
            await Task.WhenAny(reached);
            LeadTo(_target.Server.Port);

            // What was sent may still be carried out over there.
            await QuietAsync();
            var claimed = string.Create(CultureInfo.InvariantCulture, $"{(first is null ? "nothing" : first.Result.TryGetValue(out var outcome, out var failure) ? outcome.Kind.ToString() : $"{failure.GetType().Name} {failure.Stage} {failure.TargetState} {failure.Detail}")} after {took.TotalSeconds:0.0} s");
            return ((wasReached && schedule.IsCancelled ? CancelProblem(first, stopped, progress.BegunAt, took) : null) ?? await ProblemAsync(world, first, took), wasReached, claimed);
        }

        public ValueTask DisposeAsync() => _target.DisposeAsync();

        private Task<FlashReport> FlashAsync(SshWorld world, bool isHurried = false, IProgress<FlashProgress>? progress = null, CancellationToken cancellationToken = default) => world.FlashAsync(
            Address,
            p => p with
            {
                Reboot = RebootMode.LeaveToOperator,
                Waivers = [.. p.Waivers, new("disk-encryption-unknown", "test", "the staged machine has no disks")],
                Deadlines = isHurried
                    ? p.Deadlines with { Operation = Deadline, Connect = Deadline, SlowestBytesPerSecond = 1 << 20, CleanUp = 2 * Deadline, ReadRetries = 1 }
                    : p.Deadlines,
            },
            Rom.Image,
            progress,
            cancellationToken);

        // The link is well: what was cancelled is over soon, and nothing of it is left.
        private string? CancelProblem(FlashReport? first, TimeSpan stopped, TimeSpan? cleanUp, TimeSpan took)
        {
            if (first?.Result.TryGetValue(out _, out _) is true)
            {
                return took - stopped < TimeSpan.FromMilliseconds(200) ? null : "it was cancelled, and went on";
            }

            var failure = first?.Result.TryGetValue(out _, out var cancelled) is false ? cancelled : null;

            // A document that was being written has another name until it is whole, and the next one takes its place.
            string[] may = ["claim.json.tmp", "generation.json", "generation.json.tmp", "holder", "lock"];
            var left = System.IO.Directory.Exists(_target.Root.RomFlashFolder) ? Names(_target.Root.RomFlashFolder).Except(may).ToArray() : [];
            if (failure is not (null or OperationCancelled { TargetState: TargetState.Untouched }) || _target.Root.IsArmed || left is not [])
            {
                return $"it was cancelled, and ended as {failure}; {string.Join(", ", left)} is left";
            }

            // What was armed is disarmed before it is cleaned up. Several runs share a processor.
            var atOnce = failure?.Detail.Contains("before arming", StringComparison.Ordinal) is false ? stopped : cleanUp ?? took;
            return atOnce - stopped > TimeSpan.FromSeconds(3) || took - stopped > TimeSpan.FromSeconds(15) ? $"cancelled after {stopped}, cleaned up from {cleanUp} to {took}" : null;
        }

        private async Task<string?> ProblemAsync(SshWorld world, FlashReport? first, TimeSpan took)
        {
            var isArmed = _target.Root.IsArmed;
            var failure = first?.Result.TryGetValue(out _, out var claimed) is false ? claimed : null;
            if (isArmed && (first is null || failure?.TargetState is TargetState.Untouched or TargetState.Prepared))
            {
                return $"{failure} was claimed, and it is armed";
            }

            if (first?.Outcome is FlashOutcomeKind.Pending && !(isArmed && await IsImageAsync()))
            {
                return "Pending was claimed, and the image is not armed";
            }

            // A deadline for the operation, one for each try of the clean-up and of the look at what was armed; never for ever.
            if (took > 20 * Deadline)
            {
                return $"it took {took}: {failure}";
            }

            for (var i = 0; i < 4; i++)
            {
                var next = await FlashAsync(world);
                if (next.Outcome is FlashOutcomeKind.Pending)
                {
                    return !_target.Root.IsArmed || !await IsImageAsync() ? "what is armed is not the image" : await LeftAsync() is { Length: > 0 } left ? $"{left} is left" : null;
                }

                failure = next.Result.TryGetValue(out _, out var again) ? null : again;
            }

            return $"the upgrade does not come to its end: {failure}";
        }

        private async Task<bool> IsImageAsync() => _target.Root.CapsuleFiles is [var file] && (await File.ReadAllBytesAsync(file)).AsSpan().SequenceEqual(Rom.Content.Span);

        // Besides what a claim and an armed deposit need.
        private async Task<string> LeftAsync()
        {
            await QuietAsync();
            string[] needed = ["armed.json", "claim.json", "generation.json", "holder", "lock"];
            var left = Names(_target.Root.RomFlashFolder).Except(needed).Where(n => !IsEmptyGeneration(n)).ToArray();
            var capsule = Path.GetFileName(_target.Root.CapsuleFiles[0]);
            return left is [var generation, var manifest]
                && manifest.StartsWith(generation + "/", StringComparison.Ordinal)
                && manifest.EndsWith(".json", StringComparison.Ordinal)
                && capsule.StartsWith($"romflash-{Path.GetFileNameWithoutExtension(manifest)}-00-", StringComparison.Ordinal)
                    ? string.Empty
                    : string.Join(", ", left);
        }

        // A generation's folder of which a removal was cut short before its last step: nothing.
        private bool IsEmptyGeneration(string name) =>
            name.StartsWith("stale-g", StringComparison.Ordinal) && System.IO.Directory.Exists(Path.Combine(_target.Root.RomFlashFolder, name)) && !System.IO.Directory.EnumerateFileSystemEntries(Path.Combine(_target.Root.RomFlashFolder, name)).Any();

        private static IEnumerable<string> Names(string folder) =>
            System.IO.Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Select(e => Path.GetRelativePath(folder, e)).Order(StringComparer.Ordinal);

        private Task<SshWorld> WorldAsync() => SshWorld.CreateAsync(
            _target,
            _target.Options with { ConfigurationFile = _configuration, ConnectTimeout = Deadline, StallTimeout = Deadline },
            Rom);

        // As an operator's configuration leads to a host by another way.
        private void LeadTo(int port)
        {
            var text = $"Port {port}\nHostKeyAlias [127.0.0.1]:{_target.Server.Port}\n{File.ReadAllText(_target.Server.ClientConfiguration)}";
            File.WriteAllText(_configuration + ".new", text);
            File.Move(_configuration + ".new", _configuration, overwrite: true);
        }

        private async Task HappenAsync(Task reached, Schedule schedule, Action cancel)
        {
            try
            {
                await reached;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (schedule.NewConnectionsWork)
            {
                LeadTo(_target.Server.Port);
            }

            if (schedule.IsCancelled)
            {
                cancel();
            }

            if (schedule.Happens is { } happens)
            {
                await happens(_target);
            }
        }

        // Nothing runs any more for anybody who has logged on, on either side.
        private async Task QuietAsync()
        {
            var (far, near) = (Encoding.UTF8.GetBytes($"PATH={_target.Server.Folder}/"), Encoding.UTF8.GetBytes(_configuration));
            var clock = Stopwatch.StartNew();
            while (_target.Server.ConnectionProcesses is not [] || Running())
            {
                Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), "something runs on, on the far side");
                await Task.Delay(20);
            }

            bool Running() => System.IO.Directory.EnumerateDirectories("/proc").Any(d => char.IsAsciiDigit(Path.GetFileName(d)[0]) && (Read(d + "/environ").AsSpan().IndexOf(far) >= 0 || Read(d + "/cmdline").AsSpan().IndexOf(near) >= 0));

            static byte[] Read(string file)
            {
                try
                {
                    return File.ReadAllBytes(file);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    return [];
                }
            }
        }
    }
    private sealed class CleanUpWatch(Stopwatch clock) : IProgress<FlashProgress>
    {
        public TimeSpan? BegunAt { get; private set; }

        public void Report(FlashProgress value)
        {
            if (value.Stage is FlashStage.CleanUp)
            {
                BegunAt ??= clock.Elapsed;
            }
        }
    }
}
