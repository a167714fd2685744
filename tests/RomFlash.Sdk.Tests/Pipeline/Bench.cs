using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Pipeline;

/// <summary>A rack with one machine of two ROMs, a newer release for each, and clients that come and go over one journal.</summary>
internal sealed class Bench
{
    public const string System = "system";
    public const string Array = "array-0";

    private const int PayloadLength = 5000;

    public static readonly Guid SystemClass = new("11111111-2222-3333-4444-555555555555");
    public static readonly Guid ArrayClass = new("66666666-7777-8888-9999-aaaaaaaaaaaa");

    public static readonly SimulatedRom OldSystem = SystemRom("U30 v2.40 (01/12/2020)", 0x0002_4000, 1);
    public static readonly SimulatedRom MiddleSystem = SystemRom("U30 v2.45 (06/12/2020)", 0x0002_4500, 5);
    public static readonly SimulatedRom NewSystem = SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2);
    public static readonly SimulatedRom OldArray = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "6.88", 0x0006_8800, PayloadLength, seed: 3);
    public static readonly SimulatedRom NewArray = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "7.00", 0x0007_0000, PayloadLength, seed: 4);

    public Bench(SimulatedPersona? persona = null, Func<SimulatedTargetOptions, SimulatedTargetOptions>? change = null)
    {
        Rack = new SimulatedRack(Clock);
        Target = Add("server-1", o => (change ?? (x => x))(o with { Persona = persona ?? SimulatedPersona.Ordinary }));
        FlashTarget = Target.ToFlashTarget();
    }

    public SimulatedClock Clock { get; } = new();

    public SimulatedRack Rack { get; }

    public SimulatedTarget Target { get; }

    public FlashTarget FlashTarget { get; set; }

    public BenchDisk Disk { get; } = new();

    public FlashPolicy Policy { get; set; } = FlashPolicy.Default;

    public ImmutableArray<RomImage> Images { get; set; } = [NewSystem.Image, NewArray.Image];

    public ImmutableArray<RomImage> BackupImages { get; set; } = [];

    public ICompatibilityCatalog Catalog { get; set; } = SimulatedCatalog.Of(NewSystem, NewArray);

    public ITargetCredentialSource Credentials { get; set; } = CredentialSources.None;

    public List<IFlashGate> Gates { get; } = [];

    public ITargetProbe Probe { get; set; } = DefaultStages.Probe;

    public IImageStager Stager { get; set; } = DefaultStages.Stager;

    public IFlashScheduler Scheduler { get; set; } = DefaultStages.Scheduler;

    public IFlashConfirmer Confirmer { get; set; } = DefaultStages.Confirmer;

    public Func<ITransport, ITransport> Wrap { get; set; } = t => t;

    public IFlashJournal? Journal { get; set; }

    public ILoggerFactory? Logs { get; set; }

    public IProgress<FlashProgress>? Progress { get; set; }

    public static SimulatedRom SystemRom(string version, uint packed, uint seed, uint lowest = 0, int payloadLength = PayloadLength) =>
        SimulatedRom.Create(SystemClass, RomKind.SystemRom, version, packed, payloadLength, seed, lowest);

    /// <summary>What was done to a target, in order: everything but being connected to.</summary>
    public static IEnumerable<SimulatedEventKind> Done(SimulatedTarget target, int from = 0) =>
        target.History.Skip(from).Select(e => e.Kind).Where(k => k != SimulatedEventKind.Connected);

    public static IEnumerable<string> Flashed(SimulatedTarget target) =>
        target.History.Where(e => e.Kind == SimulatedEventKind.Flashed).Select(e => e.Subject);

    public static T Fails<T>(FlashReport report)
        where T : FlashFailure => Assert.IsType<T>(FailureOf(report.Result));

    public static FlashFailure FailureOf<T>(FlashResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out var value, out var failure), $"it succeeded: {value}");
        return failure!;
    }

    public static void IsUpgraded(FlashReport report) => Assert.True(report.Outcome == FlashOutcomeKind.Upgraded, report.Result.ToString());

    public SimulatedTarget Add(string name, Func<SimulatedTargetOptions, SimulatedTargetOptions>? change = null) => Rack.Add((change ?? (x => x))(new SimulatedTargetOptions
    {
        Name = name,
        Roms = [new SimulatedRomSlot(System, OldSystem), new SimulatedRomSlot(Array, OldArray)],
        KnownImages = [NewSystem, NewArray, MiddleSystem],
        MaxWriteBytes = 2048,
    }));

    public bool IsNew(string rom) => Target.RomOf(rom)?.Sha256 == (rom == System ? NewSystem : NewArray).Sha256;

    public bool IsAllOld => Target.RomOf(System)?.Sha256 == OldSystem.Sha256 && Target.RomOf(Array)?.Sha256 == OldArray.Sha256;

    public bool IsAllNew => IsNew(System) && IsNew(Array);

    public RomFlashClient Client(ClientLife? life = null, string id = "client-a")
    {
        life ??= new ClientLife();
        return new(new RomFlashClientOptions
        {
            Transports = [Wrap(Rack.CreateTransport(life))],
            Catalog = Catalog,
            Journal = Journal ?? new BenchJournal(Disk, life, id),
            Credentials = Credentials,
            Gates = Gates,
            Probe = Probe,
            Stager = Stager,
            Scheduler = Scheduler,
            Confirmer = Confirmer,
            TimeProvider = new MortalTime(Clock, life),
            LoggerFactory = Logs,
        });
    }

    public FlashRequest Request(FlashTarget? target = null) => new(target ?? FlashTarget, Images, Policy) { BackupImages = BackupImages };

    public FlashReport Flash(CancellationToken cancellationToken = default) => Clock.Drive(() => Client().FlashAsync(Request(), Progress, cancellationToken));

    /// <summary>Runs a client that dies on the way.</summary>
    public void FlashAndCrash()
    {
        var life = new ClientLife();
        var task = Clock.DriveUntil(() => Client(life).FlashAsync(Request(), Progress, CancellationToken.None), () => !life.IsAlive);
        Assert.False(life.IsAlive, $"the client did not die: {(task.IsCompletedSuccessfully ? task.Result.Result.ToString() : task.Status.ToString())}");
    }

    /// <summary>Runs a client that dies right after a record of some kind was written.</summary>
    public void FlashAndCrashAfter(FlashJournalRecordKind kind)
    {
        Disk.OnAppend = r => r.Kind == kind ? BenchFault.CrashAfter : null;
        FlashAndCrash();
        Disk.OnAppend = null;
    }

    public FlashReport Confirm(TimeSpan wait) => Clock.Drive(() => Client().ConfirmAsync(FlashTarget, wait, Policy, CancellationToken.None));

    public FlashResult<CancellationReport> Cancel() => Clock.Drive(() => Client().CancelAsync(FlashTarget, Policy, CancellationToken.None));

    public PreflightReport Preflight() => Clock.Drive(() => Client().PreflightAsync(Request(), CancellationToken.None));
}

internal enum BenchFault
{
    CrashAfter,
    Fail,
}

/// <summary>What survives a client: the records.</summary>
internal sealed class BenchDisk
{
    public List<FlashJournalRecord> Records { get; } = [];

    public Func<FlashJournalRecord, BenchFault?>? OnAppend { get; set; }

    public IEnumerable<FlashJournalRecordKind> Kinds => Records.Select(r => r.Kind);
}

internal sealed class BenchJournal(BenchDisk disk, ClientLife life, string clientId) : IFlashJournal
{
    public string ClientId => clientId;

    public ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken)
    {
        if (!life.IsAlive)
        {
            return new(new TaskCompletionSource<FlashResult<Done>>().Task);
        }

        switch (disk.OnAppend?.Invoke(record))
        {
            case BenchFault.Fail:
                return new(new JournalUnavailable { Detail = "injected" });
            case BenchFault.CrashAfter:
                Add(record);
                life.Kill();
                return new(new TaskCompletionSource<FlashResult<Done>>().Task);
            default:
                Add(record);
                return new(default(Done));
        }
    }

    public ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(string targetId, TargetIdentity? identity, CancellationToken cancellationToken)
    {
        lock (disk.Records)
        {
            var open = disk.Records
                .GroupBy(r => r.OperationId)
                .Where(o => o.All(r => r.Kind != FlashJournalRecordKind.Concluded))
                .LastOrDefault(o => o.Any(r => r.TargetId == targetId || (identity is not null && r.Identity?.CompareWith(identity) == IdentityMatch.Same)));
            return new(open is null ? ImmutableArray<FlashJournalRecord>.Empty : [.. open]);
        }
    }

    public async IAsyncEnumerable<FlashJournalRecord> ReadHistoryAsync(string? targetId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ValueTask.CompletedTask;
        foreach (var record in disk.Records.Where(r => targetId is null || r.TargetId == targetId).ToArray())
        {
            yield return record;
        }
    }

    private void Add(FlashJournalRecord record)
    {
        lock (disk.Records)
        {
            disk.Records.Add(record with { Sequence = disk.Records.Count + 1 });
        }
    }
}

/// <summary>A client's view of the clock: the timers of a dead client do nothing.</summary>
internal sealed class MortalTime(SimulatedClock clock, ClientLife life) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(
            s =>
            {
                if (life.IsAlive)
                {
                    callback(s);
                }
            },
            state,
            dueTime,
            period);
}

/// <summary>A gate made of two functions.</summary>
internal sealed class BenchGate(string name, Func<GateDecision>? before = null, Func<GateDecision>? after = null) : IFlashGate
{
    public string Name => name;

    public ValueTask<GateDecision> BeforeRebootAsync(StageContext context, ImmutableArray<UpgradeComponent> components, CancellationToken cancellationToken) => new((before ?? (() => GateDecision.Allow))());

    public ValueTask<GateDecision> AfterReturnAsync(StageContext context, FlashOutcome outcome, CancellationToken cancellationToken) => new((after ?? (() => GateDecision.Allow))());
}

/// <summary>Hands every session of a transport to a function.</summary>
internal sealed class WrappingTransport(ITransport inner, Func<ITargetSession, ITargetSession> wrap) : ITransport
{
    public string Scheme => inner.Scheme;

    public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
    {
        var connected = await inner.ConnectAsync(request, cancellationToken);
        return connected.TryGetValue(out var session, out var fault) ? TransportResult<ITargetSession>.From(wrap(session)) : fault;
    }
}
