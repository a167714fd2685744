using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>Something that happens at an operation beside the faults that the simulator has.</summary>
internal enum Incident
{
    Cancel,
    SwapMachine,
    CorruptDeposit,
    CorruptArmed,
    PlantForeignCapsule,
    DisarmBehindTheBack,
    Restart,
    Compete,
    TakeOver,
}

/// <summary>One thing that goes wrong: a fault or an incident at the n-th remote operation, or a fault at the n-th journal record.</summary>
internal sealed record Mishap(int At, SimulatedFault? Fault = null, Incident? Incident = null, JournalFault? Journal = null)
{
    public override string ToString() => Journal is { } j ? $"journal {j} at record {At}" : Incident is { } i ? $"{i} at operation {At}" : $"{Fault!.Kind} at operation {At}";
}

/// <summary>A persona and what goes wrong; run to its end, with the invariants checked after each run of a client.</summary>
internal sealed record Schedule(SimulatedPersona Persona, params Mishap[] Mishaps)
{
    // A client that is restarted this often without an end has none.
    private const int MostRuns = 10;

    public static readonly SimulatedFault[] Faults =
    [
        SimulatedFault.Refuse(TransportFaultKind.AccessDenied),
        SimulatedFault.Refuse(TransportFaultKind.Busy),
        SimulatedFault.DisconnectBefore,
        SimulatedFault.DisconnectUnsent,
        SimulatedFault.DisconnectAfter,
        SimulatedFault.Hang,
        SimulatedFault.HangAfter,
        SimulatedFault.HangIgnoringCancellation,
        SimulatedFault.Corrupt,
        SimulatedFault.ShortWrite,
        SimulatedFault.ShortWriteLying,
        SimulatedFault.Slow(TimeSpan.FromSeconds(20)),
        SimulatedFault.Full,
        SimulatedFault.Nonsense,
        SimulatedFault.Throw,
        SimulatedFault.ReturnsDefault,
        SimulatedFault.CrashBefore,
        SimulatedFault.CrashAfter,
    ];

    public IReadOnlyList<string> Violations { get; private set; } = [];

    public World? World { get; private set; }

    /// <summary>Whether a plan is made before anything goes wrong, and all runs are bound to it.</summary>
    public bool IsPlanned { get; init; }

    /// <summary>Whether the old ROMs are staged beside the new ones.</summary>
    public bool HasBackups { get; init; }

    public override string ToString() => $"{Persona}{(IsPlanned ? " (planned)" : string.Empty)}{(HasBackups ? " (with backups)" : string.Empty)}: {string.Join("; ", Mishaps.Select(m => m.ToString()))}";

    public IReadOnlyList<string> Run(Func<RomFlashClientOptions, RomFlashClientOptions>? mutate = null)
    {
        var world = World = new World(Persona, mutate) { HasBackups = HasBackups };
        var invariants = new Invariants(world);
        if (IsPlanned)
        {
            world.MakePlan();
        }

        // What goes wrong is counted from here.
        var first = world.Target.OperationCount;
        var pending = new List<Mishap>();
        foreach (var mishap in Mishaps)
        {
            if (mishap.Journal is { } journal)
            {
                world.Disk.Faults[mishap.At] = journal;
            }
            else if (mishap.Fault is { } fault)
            {
                world.Target.InjectAt(first + mishap.At, fault);

                // These make the target tell something that is not so.
                invariants.TargetLies |= fault.Kind is SimulatedFaultKind.Corrupt or SimulatedFaultKind.ShortWriteLying;
            }
            else
            {
                pending.Add(mishap);
            }
        }

        world.Target.OnOperation = entry =>
        {
            foreach (var mishap in pending.Where(m => first + m.At == entry.Number).ToArray())
            {
                pending.Remove(mishap);
                Happen(world, invariants, mishap.Incident!.Value, entry.Number);
            }
        };

        var isOver = false;
        for (var i = 0; i < MostRuns && !isOver; i++)
        {
            invariants.BeginRun();
            var run = world.Run();
            invariants.AfterRun(run);
            isOver = run.Kind is FlashOutcomeKind.Upgraded or FlashOutcomeKind.AlreadyCurrent || EndsHere(run);
            if (!isOver && run.Kind == FlashOutcomeKind.Pending && run.Failure is null && !Persona.HasPower)
            {
                // Nobody else can restart it: the operator does.
                RestartWhenWritten(world);
            }

            if (!isOver && run.Failure is ForeignCapsulePending)
            {
                // As the remedy says: let it be applied first.
                RestartWhenWritten(world);
            }

            world.Clock.Advance(TimeSpan.FromMinutes(5));
        }

        // What could not be removed was named, and the next run removes it.
        if (isOver && world.Runs[^1].Report is { Outcome: FlashOutcomeKind.Upgraded } last && (world.Target.Claim is not null || !world.Target.Deposits.IsEmpty))
        {
            // A target that hides what lies there leaves nothing to name; what is armed is found by itself, so that only what lies beside it can be hidden.
            if (last.Result.TryGetValue(out var outcome, out _) && outcome.Notes.IsEmpty && !(HasBackups && invariants.TargetLies))
            {
                invariants.NotNamed();
            }

            invariants.BeginRun();
            invariants.AfterRun(world.Run());
        }

        // Some ends need a person: a share that has to be mounted again, a tampered capsule that can't be taken back.
        var needsHands = (Persona.LosesShareAfterBoot && world.Runs.Any(r => r.Failure is SystemPartitionMissing)) || (!Persona.CanDisarm && invariants.Tampered);
        invariants.AtTheEnd(expectNew: !needsHands && world.Runs[^1].Failure is not PlanOutdated && !Persona.ReturnsAsAnotherMachine && !Mishaps.Any(m => m.Incident == Incident.SwapMachine) && !Mishaps.Any(m => m.Incident is Incident.Compete or Incident.TakeOver));
        return Violations = [.. invariants.Violations.Distinct()];
    }

    // Another machine answers, another client has the target, or the plan does not fit any more: no number of runs changes that.
    private bool EndsHere(RunResult run) => run.Failure is PlanOutdated
        || (run.Failure is TargetIdentityChanged && (Persona.ReturnsAsAnotherMachine || Mishaps.Any(m => m.Incident == Incident.SwapMachine)))
        || (run.Failure is TargetClaimed or ClaimLost && Mishaps.Any(m => m.Incident is Incident.TakeOver or Incident.Compete));

    private static void RestartWhenWritten(World world)
    {
        while (world.Target.ArmedPhase == ArmedPhase.Applying)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        world.Target.Restart();
    }

    private static void Happen(World world, Invariants invariants, Incident incident, int at)
    {
        switch (incident)
        {
            case Incident.Cancel:
                world.Cancellation.Cancel();
                break;
            case Incident.SwapMachine:
                if (world.IsAllOld && world.Target.ArmedPhase != ArmedPhase.Armed && !world.Target.IsAway)
                {
                    world.Target.ReplaceIdentity(new TargetIdentity { SmbiosUuid = new Guid("99999999-0000-0000-0000-000000000001"), SerialNumber = "OTHER", Manufacturer = "HPE", Product = "Another" });
                    invariants.SwappedAt = world.Plan is not null || world.Target.OperationLog.Any(e => e.Number > invariants.OperationsBefore && e.Number < at && e.Operation == SimulatedOperation.ReadFacts) ? at : null;
                }

                break;
            case Incident.CorruptDeposit:
                invariants.Tampered |= world.Target.CorruptDeposit(0, 200);
                break;
            case Incident.CorruptArmed:
                invariants.Tampered |= world.Target.CorruptArmed(0, 200);
                break;
            case Incident.PlantForeignCapsule:
                invariants.HasForeign = true;
                world.Target.PlantForeignCapsule("vendor.cap", World.OldSystem.Content);
                break;
            case Incident.DisarmBehindTheBack:
                invariants.Meddled = true;
                world.Target.DisarmBehindTheBack();
                break;
            case Incident.Restart:
                // Somebody who restarts a machine in the middle of writing breaks it, and no client can help that.
                if (world.Target.ArmedPhase != ArmedPhase.Applying)
                {
                    invariants.Meddled = true;
                    world.Target.Restart();
                }

                break;
            case Incident.Compete:
                Compete(world, takeOver: false);
                break;
            case Incident.TakeOver:
                invariants.TakenOver = true;
                Compete(world, takeOver: true);
                break;
        }
    }

    // Another client, with a journal of its own, tries to flash the same target while the first one is at work.
    private static void Compete(World world, bool takeOver)
    {
        var hook = world.Target.OnOperation;
        world.Target.OnOperation = null;
        var life = new ClientLife();
        var client = world.NewClient(life, new SimulatedDisk(), "client-b");
        var policy = world.Policy with { Reboot = Pipeline.RebootMode.LeaveToOperator, Deadlines = new() { ReadRetries = 0 }, TakeOverClaimGeneration = takeOver ? world.Target.Claim?.Generation : null };
        var task = client.FlashAsync(new FlashRequest(world.FlashTarget, [World.NewSystem.Image, World.NewArray.Image], policy), null, CancellationToken.None);
        if (!task.IsCompleted)
        {
            // It waits for something: nobody drives its clock, so it ends here.
            life.Kill();
        }

        world.Target.OnOperation = hook;
    }
}
