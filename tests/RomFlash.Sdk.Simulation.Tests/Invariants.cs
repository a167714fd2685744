using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>The invariants of the pipeline, checked on the target's own state: its history, its ROMs, what lies on its partition.</summary>
internal sealed class Invariants(World world)
{
    private readonly List<string> _violations = [];
    private int _historyBefore;
    private bool _wasAllOld = true;

    public IReadOnlyList<string> Violations => _violations;

    /// <summary>A fault makes the target lie about itself: then a claim may be wrong, though never a claim of success.</summary>
    public bool TargetLies { get; set; }

    /// <summary>The operation at which another machine took the address, or null.</summary>
    public int? SwappedAt { get; set; }

    /// <summary>How many operations there were before this run.</summary>
    public int OperationsBefore { get; private set; }

    /// <summary>Somebody changed a staged or armed file on the target: it may be armed for a moment, but no restart may be asked for.</summary>
    public bool Tampered { get; set; }

    /// <summary>Somebody took the arming back, or restarted the machine, behind the client's back: what it saw may be over when it says so.</summary>
    public bool Meddled { get; set; }

    /// <summary>Another client was told to take the target over.</summary>
    public bool TakenOver { get; set; }

    /// <summary>Somebody else's capsule is on the target: its flashes and its arming are not ours.</summary>
    public bool HasForeign { get; set; }

    public void BeginRun()
    {
        _historyBefore = world.Target.History.Length;
        OperationsBefore = world.Target.OperationCount;
        if (world.Plan is null && world.Disk.Records is [] or [.., { Kind: FlashJournalRecordKind.Concluded }])
        {
            // Nothing is under way: whichever machine answers now is the one that this run begins with.
            SwappedAt = null;
        }

        _wasAllOld = world.IsAllOld;
    }

    public void AfterRun(RunResult run)
    {
        var target = world.Target;
        ImmutableArray<SimulatedEvent> all = target.History;
        var during = all[_historyBefore..];
        CheckArmed(all);
        CheckRoms();
        if (run.Crashed)
        {
            return;
        }

        if (run.Cancelled)
        {
            if (during.Any(IsWrite))
            {
                Violate(7, "a cancellation was thrown although something had been written");
            }

            return;
        }

        CheckClaims(run, during);
    }

    /// <summary>Something was left on the target, and the report does not say so.</summary>
    public void NotNamed() => Violate(2, "something was left on the target, and the report does not name it");

    /// <summary>After the last run, which found its end: nothing of ours is left, and the journal is closed.</summary>
    public void AtTheEnd(bool expectNew)
    {
        var target = world.Target;
        CheckArmed(target.History);
        CheckRoms();
        if (expectNew && !world.IsAllNew)
        {
            Violate(6, $"the upgrade never came to its end: system {target.RomOf(World.System)?.Version}, array {target.RomOf(World.Array)?.Version}; last: {world.Runs[^1]}");
        }

        if (expectNew && !target.Deposits.IsEmpty)
        {
            Violate(2, $"deposits are left: {string.Join(", ", target.Deposits.Select(d => d.Id))}");
        }

        if (expectNew && target.Claim is { } claim)
        {
            Violate(5, $"the claim of {claim.Owner} is left");
        }

        if (expectNew && target.ArmedPhase != ArmedPhase.None && !HasForeign)
        {
            Violate(3, $"the target is still {target.ArmedPhase}");
        }

        // Once per component: an interrupted flash is adopted, never repeated.
        foreach (var flashed in target.History.Where(e => e.Kind == SimulatedEventKind.Flashed).GroupBy(e => e.Subject))
        {
            if (flashed.Count() > 1 && !HasForeign)
            {
                Violate(6, $"{flashed.Key} was flashed {flashed.Count()} times");
            }
        }
    }

    // 1: what is armed is what was validated, and all of it; 3 and 5: nothing is armed on top of something armed; 10: nothing is armed on another machine.
    private void CheckArmed(ImmutableArray<SimulatedEvent> history)
    {
        string? armed = null;
        var isBad = false;
        foreach (var e in history)
        {
            switch (e.Kind)
            {
                case SimulatedEventKind.Armed:
                    if (world.Target.Persona.TellsArmedDigests && e.Digest != World.NewSystem.Sha256 && e.Digest != World.NewArray.Sha256)
                    {
                        isBad = true;
                        if (!Tampered)
                        {
                            Violate(1, $"armed content {e.Digest} was never validated");
                        }
                    }

                    if (armed is not null && armed != e.Subject)
                    {
                        Violate(5, $"{e.Subject} was armed on top of {armed}");
                    }

                    armed = e.Subject;
                    break;
                case SimulatedEventKind.RebootRequested when isBad:
                    Violate(1, "a restart was asked for although what is armed was never validated");
                    break;
                case SimulatedEventKind.Disarmed or SimulatedEventKind.Booted:
                    (armed, isBad) = (null, false);
                    break;
            }
        }

        CheckIdentity();

        CheckOwners(history);
    }

    // 5: nobody deposits while another client's deposit is under way; and what was taken over is never armed.
    private void CheckOwners(ImmutableArray<SimulatedEvent> history)
    {
        var open = new Dictionary<string, bool>(StringComparer.Ordinal);
        string? holder = null;
        foreach (var e in history)
        {
            var owner = e.Subject.Split('-')[0];
            switch (e.Kind)
            {
                case SimulatedEventKind.ClaimAcquired:
                    if (holder is not null && holder != e.Text && !TakenOver)
                    {
                        Violate(5, $"{e.Text} took the claim of {holder} without being told to");
                    }

                    holder = e.Text;
                    break;
                case SimulatedEventKind.ClaimReleased:
                    holder = null;
                    break;
                case SimulatedEventKind.DepositOpened:
                    if (!TakenOver && open.Keys.Any(k => k.Split('-')[0] != owner))
                    {
                        Violate(5, $"{e.Subject} was opened while {string.Join(", ", open.Keys)} was under way");
                    }

                    foreach (var other in open.Keys.Where(k => k.Split('-')[0] != owner).ToArray())
                    {
                        open[other] = true;
                    }

                    open[e.Subject] = false;
                    break;
                case SimulatedEventKind.Armed when open.TryGetValue(e.Subject, out var isStale) && isStale:
                    Violate(5, $"{e.Subject} was armed although another client had taken the target over");
                    break;
                case SimulatedEventKind.Discarded or SimulatedEventKind.Disarmed or SimulatedEventKind.Armed:
                    open.Remove(e.Subject);
                    break;
            }
        }
    }

    // 10: whoever has read the identity since the machine was swapped does not arm it.
    private void CheckIdentity()
    {
        if (SwappedAt is not { } swapped)
        {
            return;
        }

        var log = world.Target.OperationLog;
        var seen = log.Where(e => e.Number >= swapped && e.Operation == SimulatedOperation.ReadFacts).Select(e => e.Number).DefaultIfEmpty(int.MaxValue).Min();
        if (log.Any(e => e.Number > seen && e.Operation is SimulatedOperation.Arm or SimulatedOperation.PrepareArm or SimulatedOperation.ScheduleReboot))
        {
            Violate(10, "another machine than the one that was probed was armed or restarted");
        }
    }

    private void CheckRoms()
    {
        foreach (var rom in new[] { World.System, World.Array })
        {
            if (!world.IsNew(rom) && !world.IsOld(rom))
            {
                Violate(1, $"{rom} holds neither the old nor the new content");
            }
        }
    }

    // 4: every claim of a report is true on the target.
    private void CheckClaims(RunResult run, ImmutableArray<SimulatedEvent> during)
    {
        var target = world.Target;
        var report = run.Report!;
        var failure = run.Failure;
        switch (report.Outcome)
        {
            case FlashOutcomeKind.Upgraded when !world.IsAllNew || SwappedAt is not null:
                Violate(SwappedAt is not null ? 10 : 4, $"Upgraded was claimed; system {target.RomOf(World.System)?.Version}, array {target.RomOf(World.Array)?.Version}");
                break;
            case FlashOutcomeKind.AlreadyCurrent when !world.IsAllNew && !TargetLies:
                Violate(4, "AlreadyCurrent was claimed, and is not true");
                break;
            case FlashOutcomeKind.AlreadyCurrent when during.Any(IsWrite):
                Violate(4, "AlreadyCurrent was claimed, and something was written");
                break;
            case FlashOutcomeKind.Pending when failure is null && target.ArmedPhase != ArmedPhase.Armed && !TargetLies && !target.Persona.FlashesAtOnce:
                Violate(4, $"Pending was claimed, and the target is {target.ArmedPhase}");
                break;
            case FlashOutcomeKind.NotApplied when !TargetLies && world.IsAllNew:
                Violate(4, "NotApplied was claimed, and the new ROMs run");
                break;
            case FlashOutcomeKind.RecoveryRequired when !TargetLies && !target.NeedsRecovery && !target.IsAway:
                Violate(4, $"RecoveryRequired was claimed of a machine that runs: {failure}");
                break;
        }

        if (failure is PlanOutdated && report.Completed.IsEmpty && during.Any(IsWrite))
        {
            Violate(2, $"the plan was refused after something had been written: {failure}");
        }

        if (failure is null || TargetLies)
        {
            return;
        }

        var isOurs = world.Disk.Records.Any(r => r.DepositId is not null && r.DepositId == target.ArmedDepositId);
        var isArmed = target.ArmedPhase is ArmedPhase.Armed or ArmedPhase.Applying && isOurs;
        switch (failure.TargetState)
        {
            case TargetState.Untouched or TargetState.Prepared when isArmed:
                Violate(failure is OperationCancelled ? 7 : 3, $"{failure.TargetState} was claimed of an armed target: {failure}");
                break;
            case TargetState.Untouched or TargetState.Prepared when _wasAllOld && !world.IsAllOld && !TakenOver && !HasForeign:
                Violate(failure is OperationCancelled ? 7 : 2, $"{failure.TargetState} was claimed of a target that was flashed: {failure}");
                break;
            case TargetState.Untouched or TargetState.Prepared when target.RebootDue is not null && during.Any(e => e.Kind == SimulatedEventKind.RebootRequested):
                Violate(7, $"{failure.TargetState} was claimed, and a restart that this run asked for is pending");
                break;
            case TargetState.Armed when target.ArmedPhase != ArmedPhase.Armed && !IsWaitingToBoot() && !Meddled:
                Violate(4, $"Armed was claimed of a target that is {target.ArmedPhase}: {failure}");
                break;
        }

        // 2: what is left is named.
        if (failure.TargetState is TargetState.Untouched or TargetState.Prepared)
        {
            foreach (var deposit in target.Deposits)
            {
                if (during.Any(e => e.Kind == SimulatedEventKind.DepositOpened && e.Subject == deposit.Id) && world.Disk.Records.Any(r => r.DepositId is { } id && (id == deposit.Id || new DepositKey(id, r.Generation).ToBackup().Id == deposit.Id)) && !failure.Leftovers.Any(l => l.Contains(deposit.Id, StringComparison.Ordinal)))
                {
                    Violate(2, $"deposit {deposit.Id} is left on the target, and the failure does not name it: {failure}");
                }
            }

            if (target.ArmedPhase == ArmedPhase.Prepared && isOurs)
            {
                Violate(2, $"a prepared capsule is left on the target: {failure}");
            }
        }
    }

    private bool IsWaitingToBoot() => world.Target.RebootDue is not null || world.Target.IsAway;

    private static bool IsWrite(SimulatedEvent e) => e.Kind
        is SimulatedEventKind.ClaimAcquired
        or SimulatedEventKind.DepositOpened
        or SimulatedEventKind.Armed
        or SimulatedEventKind.Prepared
        or SimulatedEventKind.RebootRequested;

    private void Violate(int invariant, string what) => _violations.Add($"invariant {invariant}: {what}");
}
