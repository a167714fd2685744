using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline.Guarding;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <content>The other requests that a client takes: look, cancel, preflight. They share the endings of an upgrade.</content>
internal sealed partial class UpgradeRun
{
    /// <summary>Looks what came of an operation that waits for its boot, and concludes it when that is final.</summary>
    public async Task<FlashReport> ConfirmAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        var start = _services.Time.GetTimestamp();
        using var lease = _services.Running.TryEnter(_target.Id);
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : LongestTimer.Cut(wait);
        var result = lease is null ? InProgress() : await ConfirmOpenAsync(wait, cancellationToken).ConfigureAwait(false);
        return End(Describe(result), start, null, isUpgrade: false);
    }

    /// <summary>Disarms what an operation armed, unless its target has begun to boot into the flash.</summary>
    public async Task<FlashResult<CancellationReport>> CancelAsync(CancellationToken cancellationToken)
    {
        using var lease = _services.Running.TryEnter(_target.Id);
        if (lease is null)
        {
            return InProgress();
        }

        if (!(await ReadOpenAsync(null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var open, out var failure))
        {
            return failure;
        }

        if (open.IsEmpty)
        {
            // Nothing by this name: the machine may be in the journal under another one, or armed by somebody else.
            if (!(await ProbeAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var found, out failure))
            {
                return failure with { TargetState = TargetState.Indeterminate };
            }

            if (found.Facts.Identity.TryGet(out var machine))
            {
                if (!lease.TryEnter(machine))
                {
                    return InProgress();
                }

                if (!(await ReadOpenAsync(machine, cancellationToken).ConfigureAwait(false)).TryGetValue(out open, out failure))
                {
                    return failure;
                }
            }

            return FindOtherName(open) is { } other ? other : StateOf(found);
        }

        var isArmed = HasArmIntent(open);
        ScheduledFlash? scheduled = null;
        if (isArmed && !ScheduledFlash.TryAdopt(_target, open, identity: null).TryGetValue(out scheduled, out failure))
        {
            return failure with { TargetState = TargetState.Indeterminate };
        }

        if (!(await ProbeAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var report, out failure))
        {
            return failure with { TargetState = isArmed ? TargetState.Indeterminate : TargetState.Prepared };
        }

        if (report.Facts.Identity.TryGet(out var identity) && !lease.TryEnter(identity))
        {
            return InProgress();
        }

        if (FindIdentityProblem(open, report) is { } problem)
        {
            return problem with { Stage = FlashStage.Cancel, TargetId = _target.Id, TargetState = TargetState.Indeterminate };
        }

        Adopt(open, scheduled);
        var stopped = new OperationCancelled { Stage = FlashStage.Cancel, TargetId = _target.Id, Detail = "cancelled by request" };
        var result = isArmed
            ? await StopArmedAsync(stopped, cancellationToken).ConfigureAwait(false)
            : await AbandonAsync(stopped).ConfigureAwait(false);
        if (result.TryGetValue(out var outcome, out failure))
        {
            return TooLate(TargetState.RomChanged, $"the flash has happened: {outcome.Kind}");
        }

        return failure is OperationCancelled && failure.TargetState is TargetState.Untouched or TargetState.Prepared
            ? new CancellationReport(failure.TargetState, isArmed)
            : failure;
    }

    private FlashResult<CancellationReport> StateOf(TargetReport report)
    {
        if (!report.Evidence.Armed.TryGet(out var armed))
        {
            // Whoever is told that nothing is armed restarts it.
            return new OutcomeIndeterminate { Stage = FlashStage.Cancel, TargetId = _target.Id, Detail = $"the journal knows nothing of it, and whether anything is armed can't be read: {report.Evidence.Armed.WhyUnknown}" };
        }

        return armed.Phase is ArmedPhase.Armed or ArmedPhase.Applying || !armed.Foreign.IsDefaultOrEmpty
            ? new AnotherFlashPending { Stage = FlashStage.Cancel, TargetId = _target.Id, Detail = $"the journal knows nothing of it; on the target '{armed.DepositId}' is {armed.Phase}" }
            : new CancellationReport(TargetState.Untouched, WasArmed: false);
    }

    /// <summary>Concludes an operation without evidence, because a person says so.</summary>
    public async Task<FlashResult<CancellationReport>> ForgetAsync(string who, string why, CancellationToken cancellationToken)
    {
        using var lease = _services.Running.TryEnter(_target.Id);
        if (lease is null)
        {
            return InProgress();
        }

        if (!(await ReadOpenAsync(null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var open, out var failure))
        {
            return failure;
        }

        if (open.IsEmpty)
        {
            return new CancellationReport(TargetState.Indeterminate, WasArmed: false);
        }

        Adopt(open, null);
        FlashFailure forgotten = new OutcomeIndeterminate { Stage = FlashStage.Reconcile, TargetId = _target.Id, Detail = $"abandoned by {who}: {why}" };
        return (await _journal.ConcludeAsync(forgotten, isFinal: true, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure)
            ? new CancellationReport(TargetState.Indeterminate, HasArmIntent(open))
            : failure;
    }

    /// <summary>Probes, asks the catalog, and finds everything that speaks against the upgrade. Writes nothing.</summary>
    public async Task<PreflightReport> PreflightAsync(CancellationToken cancellationToken)
    {
        var probed = await ProbeAsync(cancellationToken).ConfigureAwait(false);
        if (!probed.TryGetValue(out var report, out var failure))
        {
            return new PreflightReport { Target = _target, Probe = failure, Blockers = [new("probe", failure, CanBeWaived: false)] };
        }

        var identity = report.Facts.Identity.TryGet(out var machine) ? machine : null;
        if (!(await ReadOpenAsync(identity, cancellationToken).ConfigureAwait(false)).TryGetValue(out var open, out failure))
        {
            return new PreflightReport { Target = _target, Probe = report, Blockers = [new("journal", failure, CanBeWaived: false)] };
        }

        var unsettled = open.IsEmpty ? ImmutableArray<FlashBlocker>.Empty : [new("operation-open", Unsettled(open), CanBeWaived: false)];
        var evaluated = await Evaluation.EvaluateAsync(_services, report, _request.Images, _request.BackupImages, _policy, [], cancellationToken).ConfigureAwait(false);
        if (!evaluated.TryGetValue(out var evaluation, out failure))
        {
            var (others, set) = Evaluation.Waive(Preflight.OfTarget(report, _policy, _request.Images.Sum(i => i.Length), 0, _services.Journal.ClientId, _services.Time.GetUtcNow()), _policy);
            return new PreflightReport { Target = _target, Probe = report, Blockers = [.. unsettled, new("catalog", failure, CanBeWaived: false), .. others], Waived = set };
        }

        var found = Describe(report, evaluation);
        return found with { Blockers = [.. unsettled, .. found.Blockers] };
    }

    private PreflightReport Describe(TargetReport report, Evaluation evaluation) => new()
    {
        Target = _target,
        Probe = report,
        Verdict = evaluation.Verdict,
        Blockers = evaluation.Blockers,
        Waived = evaluation.Waived,
        Components = evaluation.Approved?.Components ?? [],
        IsCurrent = evaluation.IsCurrent,
    };

    public async Task<FlashResult<TargetReport>> ProbeOnlyAsync(CancellationToken cancellationToken) => await ProbeAsync(cancellationToken).ConfigureAwait(false);

    private async ValueTask<FlashResult<FlashOutcome>> ConfirmOpenAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        if (!(await ReadOpenAsync(null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var open, out var failure))
        {
            return failure;
        }

        if (open.IsEmpty || !HasArmIntent(open))
        {
            return new InvalidParameter { Stage = FlashStage.Confirm, TargetId = _target.Id, Parameter = "target", Detail = "the journal holds no flash of this target that waits for its confirmation" };
        }

        if (!ScheduledFlash.TryAdopt(_target, open, identity: null).TryGetValue(out var scheduled, out failure))
        {
            return failure with { TargetState = TargetState.Indeterminate };
        }

        // Before the look: how long the target may be away is measured from the restart, which the journal knows.
        Adopt(open, scheduled);
        var looked = await LookAsync(scheduled, wait, cancellationToken).ConfigureAwait(false);
        if (!looked.TryGetValue(out var evidence, out failure))
        {
            return failure with { TargetState = TargetState.Indeterminate };
        }

        return await SettleAsync(scheduled, evidence).ConfigureAwait(false);
    }

    private FlashInProgress InProgress() => new() { TargetId = _target.Id, Detail = "this client is working on the target" };
}
