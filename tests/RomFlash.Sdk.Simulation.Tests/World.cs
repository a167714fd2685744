using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>What one run of a client came to.</summary>
internal sealed record RunResult(FlashReport? Report, bool Crashed, bool Cancelled)
{
    public FlashOutcomeKind? Kind => Report?.Outcome;

    public FlashFailure? Failure => Report is null || Report.Result.TryGetValue(out _, out var failure) ? null : failure;

    public override string ToString() => Crashed ? "crashed" : Cancelled ? "cancelled before the first write" : $"{Kind} {Failure}";
}

/// <summary>One machine with two ROMs, a catalog with a newer release for each, and clients that come and go.</summary>
internal sealed class World
{
    private const int PayloadLength = 5000;

    private static readonly Guid SystemClass = new("11111111-2222-3333-4444-555555555555");
    private static readonly Guid ArrayClass = new("66666666-7777-8888-9999-aaaaaaaaaaaa");

    public static readonly SimulatedRom OldSystem = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.40 (01/12/2020)", 0x0002_4000, PayloadLength, seed: 1);
    public static readonly SimulatedRom NewSystem = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000, PayloadLength, seed: 2);
    public static readonly SimulatedRom OldArray = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "6.88", 0x0006_8800, PayloadLength, seed: 3);
    public static readonly SimulatedRom NewArray = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "7.00", 0x0007_0000, PayloadLength, seed: 4);

    public const string System = "system";
    public const string Array = "array-0";

    private readonly Func<RomFlashClientOptions, RomFlashClientOptions> _mutate;

    public World(SimulatedPersona persona, Func<RomFlashClientOptions, RomFlashClientOptions>? mutate = null)
    {
        _mutate = mutate ?? (o => o);
        Clock = new SimulatedClock();
        Rack = new SimulatedRack(Clock);
        Target = Rack.Add(new SimulatedTargetOptions
        {
            Name = "server-1",
            Roms = [new SimulatedRomSlot(System, OldSystem), new SimulatedRomSlot(Array, OldArray)],
            KnownImages = [NewSystem, NewArray],
            Persona = persona,
            MaxWriteBytes = 2048,
        });
        FlashTarget = Target.ToFlashTarget();
    }

    public SimulatedClock Clock { get; }

    public SimulatedRack Rack { get; }

    public SimulatedTarget Target { get; }

    public FlashTarget FlashTarget { get; }

    public SimulatedDisk Disk { get; } = new();

    public List<RunResult> Runs { get; } = [];

    public FlashPolicy Policy { get; set; } = FlashPolicy.Default with { AllowImmediateFlash = true };

    /// <summary>The plan that the runs are bound to, or null.</summary>
    public FlashPlan? Plan { get; private set; }

    /// <summary>Whether the old ROMs are given as images to come back with, and the catalog knows them.</summary>
    public bool HasBackups { get; init; }

    public CancellationTokenSource Cancellation { get; private set; } = new();

    public bool IsNew(string rom) => Target.RomOf(rom)?.Sha256 == (rom == System ? NewSystem : NewArray).Sha256;

    public bool IsOld(string rom) => Target.RomOf(rom)?.Sha256 == (rom == System ? OldSystem : OldArray).Sha256;

    public bool IsAllNew => IsNew(System) && IsNew(Array);

    public bool IsAllOld => IsOld(System) && IsOld(Array);

    public RomFlashClient NewClient(ClientLife life, SimulatedDisk? disk = null, string clientId = "client-a", Func<RomFlashClientOptions, RomFlashClientOptions>? mutate = null) =>
        new((mutate ?? _mutate)(new RomFlashClientOptions
        {
            Transports = [Rack.CreateTransport(life)],
            Catalog = HasBackups ? SimulatedCatalog.Of(NewSystem, NewArray, OldSystem, OldArray) : SimulatedCatalog.Of(NewSystem, NewArray),
            Journal = new SimulationJournal(disk ?? Disk, life, clientId),
            Credentials = CredentialSources.None,
            TimeProvider = new MortalTime(Clock, life),
        }));

    /// <summary>Runs a client until it ends or dies; a restarted one begins with the journal that the last one left.</summary>
    public RunResult Run()
    {
        var life = new ClientLife();
        Cancellation = new CancellationTokenSource();
        var client = NewClient(life);
        var request = Plan is null
            ? new FlashRequest(FlashTarget, [NewSystem.Image, NewArray.Image], Policy)
            : Plan.ToRequests([NewSystem.Image, NewArray.Image]).GetValueOrThrow().Single();
        request = HasBackups ? request with { BackupImages = [OldSystem.Image, OldArray.Image] } : request;
        var result = Drive(() => client.FlashAsync(request, null, Cancellation.Token), life);
        Runs.Add(result);
        return result;
    }

    /// <summary>Makes a plan, to which all runs are bound from now on.</summary>
    public void MakePlan()
    {
        var request = new PlanRequest([FlashTarget], [NewSystem.Image, NewArray.Image], Policy) { CreatedBy = "simulation" };
        Plan = Clock.Drive(() => NewClient(new ClientLife()).PlanAsync(request, 1, CancellationToken.None)).GetValueOrThrow();
    }

    public RunResult Confirm()
    {
        var life = new ClientLife();
        var client = NewClient(life);
        var result = Drive(() => client.ConfirmAsync(FlashTarget, TimeSpan.FromMinutes(30), Policy, CancellationToken.None), life);
        Runs.Add(result);
        return result;
    }

    private RunResult Drive(Func<Task<FlashReport>> work, ClientLife life)
    {
        Task<FlashReport> task;
        try
        {
            task = work();
            var idle = 0;
            while (!task.IsCompleted && life.IsAlive)
            {
                if (Clock.AdvanceToNextTimer())
                {
                    idle = 0;
                    continue;
                }

                // A continuation may have hopped to the thread pool.
                task.Wait(1);
                if (++idle > 2000)
                {
                    throw new InvalidOperationException("The client waits for something that will never happen.");
                }
            }
        }
        catch (AggregateException exception) when (exception.InnerException is OperationCanceledException)
        {
            return new RunResult(null, Crashed: false, Cancelled: true);
        }

        if (!task.IsCompleted)
        {
            return new RunResult(null, Crashed: true, Cancelled: false);
        }

        return task.IsCanceled ? new RunResult(null, Crashed: false, Cancelled: true) : new RunResult(task.GetAwaiter().GetResult(), Crashed: false, Cancelled: false);
    }
}
