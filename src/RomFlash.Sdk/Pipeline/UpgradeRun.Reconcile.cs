using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline.Guarding;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <content>What an earlier run left: journal and target are compared, and evidence decides. A flash in progress is adopted, never repeated.</content>
internal sealed partial class UpgradeRun
{
    private static bool HasArmIntent(ImmutableArray<FlashJournalRecord> records)
    {
        // Disarmed takes the intent back, because the target's own state said so.
        var last = records.LastOrDefault(r => r.Kind is FlashJournalRecordKind.ArmIntent or FlashJournalRecordKind.Disarmed);
        return last is { Kind: FlashJournalRecordKind.ArmIntent };
    }

    // What was armed under another name lies at that name's address, and can't be looked up at this one.
    private FlashInProgress? FindOtherName(ImmutableArray<FlashJournalRecord> open) =>
        open.IsEmpty || string.Equals(open[^1].TargetId, _target.Id, StringComparison.Ordinal)
            ? null
            : new FlashInProgress
            {
                Stage = FlashStage.Reconcile,
                TargetId = _target.Id,
                TargetState = HasArmIntent(open) ? TargetState.Indeterminate : TargetState.Prepared,
                Detail = $"operation {open[^1].OperationId} of the same machine under the name '{open[^1].TargetId}' is not concluded: confirm or cancel it under that name",
            };

    // A run that is bound to a plan must not contact what the plan does not hold, nor go on with a flash that it does not hold.
    private PlanOutdated? FindUnplanned(ImmutableArray<FlashJournalRecord> open)
    {
        if (_request.Plan is not { } plan)
        {
            return null;
        }

        var isArmed = HasArmIntent(open);
        var differences = plan.FindDifferences(_request);
        if (isArmed)
        {
            differences = differences.AddRange(plan.FindDifferences(open.LastOrDefault(r => r.Identity is not null)?.Identity, open[^1].Components));
        }

        var state = isArmed ? TargetState.Indeterminate : open.IsEmpty ? TargetState.Untouched : TargetState.Prepared;
        return differences.IsEmpty ? null : FlashPlan.Outdated(FlashStage.Reconcile, _target.Id, differences) with { TargetState = state };
    }

    private static bool HasRebootIntent(ImmutableArray<FlashJournalRecord> records) => records.Any(r => r.Kind == FlashJournalRecordKind.RebootIntent);

    /// <summary>A target that was told to restart (or flashes at once) may be away now: waits for it, instead of calling it unreachable. Null when it answers and has not booted.</summary>
    private async ValueTask<FlashResult<FlashOutcome>?> SettleWhileAwayAsync(ImmutableArray<FlashJournalRecord> open, CancellationToken cancellationToken)
    {
        if (open.IsEmpty || !HasArmIntent(open) || !(HasRebootIntent(open) || open[^1].FlashesAtOnce))
        {
            return null;
        }

        if (!ScheduledFlash.TryAdopt(_target, open, identity: null).TryGetValue(out var scheduled, out var failure))
        {
            return failure with { TargetState = TargetState.Indeterminate };
        }

        // From here on it is this run's own: a cancellation has to answer for it.
        Adopt(open, scheduled);
        var looked = await LookAsync(scheduled, TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
        if (looked.TryGetValue(out var evidence, out failure) && !evidence.Answered)
        {
            looked = await LookAsync(scheduled, ReturnOf(scheduled), cancellationToken).ConfigureAwait(false);
        }

        if (!looked.TryGetValue(out evidence, out failure))
        {
            return await LeaveOpenAsync(failure with { TargetState = TargetState.Indeterminate }).ConfigureAwait(false);
        }

        if (evidence.Answered && evidence.Facts.Boot.TryGet(out var boot) && boot.IsSameBootAs(scheduled.BootBefore) is true)
        {
            return null;
        }

        return await SettleAsync(scheduled, evidence).ConfigureAwait(false);
    }

    /// <summary>Settles an operation that is not concluded. Null when nothing of it is armed any more, and a fresh start is right.</summary>
    private async ValueTask<FlashResult<FlashOutcome>?> ReconcileAsync(ImmutableArray<FlashJournalRecord> open, TargetReport report, CancellationToken cancellationToken)
    {
        Log.Reconciling(_services.Logger, UntrustedText.ForLog(_target.Id), UntrustedText.ForLog(open[^1].OperationId), open[^1].Kind.ToString());
        _context.Report(FlashStage.Reconcile);
        if (FindIdentityProblem(open, report) is { } problem)
        {
            return problem with { Stage = FlashStage.Reconcile, TargetId = _target.Id, TargetState = TargetState.Indeterminate };
        }

        if (_policy.DryRun)
        {
            return Unsettled(open);
        }

        if (!HasArmIntent(open))
        {
            // The intent is flushed before the act: without it nothing was armed. What cannot be removed now goes when a later run sweeps.
            Adopt(open, null);
            _keepsUnfinished = HasRoomBesides(report);
            await CleanUpAsync().ConfigureAwait(false);
            _keepsUnfinished = false;
            return await ConcludeInterruptedAsync("interrupted before arming").ConfigureAwait(false);
        }

        var identity = report.Facts.Identity.TryGet(out var now) ? now : null;
        if (!ScheduledFlash.TryAdopt(_target, open, identity).TryGetValue(out var scheduled, out var failure))
        {
            return failure with { TargetState = TargetState.Indeterminate };
        }

        if (!report.Facts.Boot.TryGet(out var boot))
        {
            return new OutcomeIndeterminate { Stage = FlashStage.Reconcile, TargetId = _target.Id, Detail = $"the boot identity can't be read: {report.Facts.Boot.WhyUnknown}" };
        }

        Adopt(open, scheduled);
        if (boot.IsSameBootAs(scheduled.BootBefore) is not true)
        {
            var looked = await LookAsync(scheduled, TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
            return looked.TryGetValue(out var evidence, out failure)
                ? await SettleAsync(scheduled, evidence).ConfigureAwait(false)
                : await LeaveOpenAsync(failure with { TargetState = TargetState.Indeterminate }).ConfigureAwait(false);
        }

        return await ReconcileUnbootedAsync(open, scheduled, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<FlashResult<FlashOutcome>?> ReconcileUnbootedAsync(ImmutableArray<FlashJournalRecord> open, ScheduledFlash scheduled, CancellationToken cancellationToken)
    {
        var inspected = await StageCallAsync(_services.Scheduler, FlashStage.Reconcile, (_services.Scheduler, _context), static (s, t) => s.Scheduler.InspectAsync(s._context, t), cancellationToken).ConfigureAwait(false);
        if (!inspected.TryGetValue(out var state, out var failure))
        {
            return await LeaveOpenAsync(failure with { TargetState = TargetState.Indeterminate }).ConfigureAwait(false);
        }

        var isOurs = string.Equals(state.DepositId, scheduled.DepositId, StringComparison.Ordinal);
        if (state.Phase is ArmedPhase.Armed or ArmedPhase.Applying && isOurs && scheduled.FlashesAtOnce && !WritesBeforeRestart(scheduled))
        {
            // Handed over: it flashes, and nothing may interrupt it.
            return await ConfirmAsync(scheduled, cancellationToken).ConfigureAwait(false);
        }

        if (state.Phase is ArmedPhase.Armed or ArmedPhase.Applying && isOurs)
        {
            return scheduled.FindDifference(state) is { } difference
                ? await AfterFailedArmingAsync(difference).ConfigureAwait(false)
                : await ResumeArmedAsync(open, scheduled, cancellationToken).ConfigureAwait(false);
        }

        if (state.Phase == ArmedPhase.Prepared && isOurs)
        {
            using var limit = CleanUpLimit();
            if (await DisarmAsync(limit.Token).ConfigureAwait(false) is { } stuck)
            {
                return await LeaveOpenAsync(stuck).ConfigureAwait(false);
            }
        }
        else if (scheduled.FlashesAtOnce && !await IsStillDepositedAsync(scheduled, cancellationToken).ConfigureAwait(false))
        {
            // Handed over: it flashes, or is about to.
            return await ConfirmAsync(scheduled, cancellationToken).ConfigureAwait(false);
        }

        // "Not armed" can also mean that it has booted since it was probed, and took the flash.
        if (await FindBootAsync(why => new OutcomeIndeterminate { Stage = FlashStage.Reconcile, TargetId = _target.Id, Detail = $"the target does not answer any more: {why}" }, cancellationToken).ConfigureAwait(false) is { } booted)
        {
            return booted;
        }

        // One that writes before the restart may have written and not say so any more: then the fresh start writes the same once more.
        await CleanUpAsync().ConfigureAwait(false);
        return await ConcludeInterruptedAsync("interrupted while arming, and not armed", WritesBeforeRestart(scheduled) ? TargetState.Indeterminate : TargetState.Untouched).ConfigureAwait(false);
    }

    /// <summary>Armed, verified again, and not booted: goes on where the earlier run stopped.</summary>
    private async ValueTask<FlashResult<FlashOutcome>> ResumeArmedAsync(ImmutableArray<FlashJournalRecord> open, ScheduledFlash scheduled, CancellationToken cancellationToken)
    {
        _components = scheduled.Components;
        _verification = scheduled.Verification;
        if (HasRebootIntent(open) && _report is { Evidence.CanReboot: true })
        {
            // An earlier request may still be counting down: taken back first, so that asking again is neither refused nor doubled.
            var aborted = await StageCallAsync(_services.Scheduler, FlashStage.Reboot, (_services.Scheduler, _context), static (s, t) => s.Scheduler.AbortRebootAsync(s._context, t), cancellationToken).ConfigureAwait(false);
            if (!aborted.TryGetValue(out _, out var failure))
            {
                return failure is CancellationRefused
                    ? await ConfirmAsync(scheduled, cancellationToken).ConfigureAwait(false)
                    : await LeaveOpenAsync(failure with { TargetState = TargetState.Armed }).ConfigureAwait(false);
            }

            _rebootIntendedAt = null;
        }

        return await WaitForWindowAndGatesAsync(scheduled.Components, cancellationToken).ConfigureAwait(false) is { } refused
            ? await AfterFailedArmingAsync(refused).ConfigureAwait(false)
            : await RebootAsync(scheduled, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> IsStillDepositedAsync(ScheduledFlash scheduled, CancellationToken cancellationToken)
    {
        if (!(await _connection.GetAsync<IDepositCapability>(FlashStage.Reconcile, cancellationToken).ConfigureAwait(false)).TryGetValue(out var found, out _))
        {
            return false;
        }

        return (await found.Capability.ListDepositsAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var deposits, out _)
            && !deposits.IsDefault
            && deposits.Any(d => d.Id == scheduled.DepositId);
    }

    /// <summary>
    /// Removes what earlier runs of this client left and could not remove: nothing of it belongs to an open operation, and it may be what
    /// fills the partition. True when something was changed, and the target has to be probed again.
    /// </summary>
    private async ValueTask<bool> SweepOwnAsync(TargetReport report, CancellationToken cancellationToken)
    {
        var changed = false;
        if (report.Evidence.Deposit.IsKnown)
        {
            var swept = await SweepAsync(new CleanUpScope(_depositPrefix) { KeepsAllUnfinished = HasRoomBesides(report) }, cancellationToken).ConfigureAwait(false);
            changed = swept.TryGetValue(out var evidence, out _) && evidence.Removed > 0;
        }

        // Half armed and inert: a conclusion that went wrong left it, and it would block every flash from now on.
        if (report.Evidence.Armed.TryGet(out var armed) && armed.Phase == ArmedPhase.Prepared && armed.DepositId is { } prepared && prepared.StartsWith(_depositPrefix, StringComparison.Ordinal))
        {
            var disarmed = await StageCallAsync(_services.Scheduler, FlashStage.CleanUp, (_services.Scheduler, _context, prepared), static (s, t) => s.Scheduler.DisarmAsync(s._context, s.prepared, t), cancellationToken).ConfigureAwait(false);
            changed |= disarmed.TryGetValue(out _, out _);
        }

        if (report.Evidence.Claim.TryGet(out var claim) && claim.Current is { } own && string.Equals(own.Owner, _services.Journal.ClientId, StringComparison.Ordinal))
        {
            changed |= await ReleaseAsync(own, cancellationToken).ConfigureAwait(false) is null;
        }

        return changed;
    }

    /// <summary>Removes what no operation needs any more. Which backups that is the journal tells: one whose flash was given up without evidence, or ended with a version that nobody expected, stays.</summary>
    private async ValueTask<FlashResult<CleanUpEvidence>> SweepAsync(CleanUpScope scope, CancellationToken cancellationToken)
    {
        var swept = await CleanAsync(scope with { KeepsBackups = true }).ConfigureAwait(false);
        if (!swept.TryGetValue(out var evidence, out _) || evidence.Backups.IsDefaultOrEmpty)
        {
            return swept;
        }

        var read = await _services.GuardAsync(
            _services.Journal.GetType().Name,
            _target,
            FlashStage.CleanUp,
            TimeSpan.FromMinutes(1),
            this,
            static (run, t) => run.FindNeededBackupsAsync(t),
            cancellationToken).ConfigureAwait(false);
        if (!read.TryGetValue(out var needed, out _))
        {
            // Nobody can tell, so nothing that might be needed is removed.
            return swept;
        }

        // Of another client's nobody here knows whether it is needed.
        _keptBackups = [.. evidence.Backups.Select(b => b.Id).Where(id => IsOwn(id) && needed.Contains(id)).Distinct(StringComparer.Ordinal)];
        var (removed, leftovers) = (evidence.Removed, evidence.Leftovers.IsDefault ? [] : evidence.Leftovers);
        foreach (var id in evidence.Backups.Select(b => b.Id).Where(id => IsOwn(id) && !needed.Contains(id)).Distinct(StringComparer.Ordinal))
        {
            if ((await CleanAsync(new CleanUpScope(id)).ConfigureAwait(false)).TryGetValue(out var one, out _))
            {
                removed += one.Removed;
                leftovers = leftovers.AddRange(one.Leftovers.IsDefault ? [] : one.Leftovers);
            }
        }

        return evidence with { Removed = removed, Leftovers = leftovers };

        bool IsOwn(string id) => id.StartsWith(_depositPrefix, StringComparison.Ordinal);

        ValueTask<FlashResult<CleanUpEvidence>> CleanAsync(CleanUpScope which) =>
            StageCallAsync(_services.Stager, FlashStage.CleanUp, (_services.Stager, _context, which), static (s, t) => s.Stager.CleanUpAsync(s._context, s.which, t), cancellationToken);
    }

    // The backups of this machine, by the ids of their deposits, whose flash is concluded without anybody knowing that it came up well since.
    private async ValueTask<FlashResult<ImmutableHashSet<string>>> FindNeededBackupsAsync(CancellationToken cancellationToken)
    {
        var needed = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        await foreach (var record in _services.Journal.ReadHistoryAsync(null, cancellationToken).ConfigureAwait(false))
        {
            if (record is not { Kind: FlashJournalRecordKind.Concluded, DepositId: { } deposit, Method: not null }
                || !(string.Equals(record.TargetId, _target.Id, StringComparison.Ordinal) || (_identity is not null && record.Identity?.CompareWith(_identity) is IdentityMatch.Same)))
            {
                continue;
            }

            switch (record.Outcome)
            {
                case FlashOutcomeKind.Upgraded or FlashOutcomeKind.NotApplied:
                    needed.Clear();
                    break;
                // Upgraded, and refused by a gate that looked at its health.
                case FlashOutcomeKind.Incomplete when record.TargetState is TargetState.RomChanged:
                case FlashOutcomeKind.RecoveryRequired or FlashOutcomeKind.Indeterminate or FlashOutcomeKind.UnexpectedVersion:
                    needed.Add(new DepositKey(deposit, record.Generation).ToBackup().Id);
                    break;
            }
        }

        return needed.ToImmutable();
    }

    // What was sent already need not be sent again: whoever stages goes on with it, or removes it. Where it takes the room away, it goes first.
    private bool HasRoomBesides(TargetReport report) => report.Facts.SystemPartition.TryGet(out var partition)
        && partition.FreeBytes.TryGet(out var free)
        && free >= Preflight.RequiredBytes(_request.Images.Sum(i => i.Length) + (_request.BackupImages.IsDefault ? 0 : _request.BackupImages.Sum(i => i.Length)));

    /// <summary>Makes the earlier operation this run's own: its journal records, its deposit, its claim.</summary>
    private void Adopt(ImmutableArray<FlashJournalRecord> open, ScheduledFlash? scheduled)
    {
        var last = open[^1];
        _journal = new OperationJournal(_services, _target, open);
        _scheduled = scheduled;
        _phase = scheduled is null ? Phase.Preparing : Phase.Armed;
        var restart = scheduled is null ? null : open.LastOrDefault(r => r.Kind == FlashJournalRecordKind.RebootIntent) ?? (scheduled.FlashesAtOnce ? open.LastOrDefault(r => r.Kind == FlashJournalRecordKind.ArmIntent) : null);
        (_rebootIntendedAt, _restartDelay) = (restart?.Time, restart?.RebootDelay is { } delay && delay >= TimeSpan.Zero ? LongestTimer.Cut(delay) : null);
        _deposit = last.DepositId is { } deposit ? new DepositKey(deposit, last.Generation) : null;
        _claim = last.Generation > 0 ? new TargetClaim(_services.Journal.ClientId, last.Generation) : null;
        _hadClaim = _claim is not null;
        _isClaimUncertain = _claim is null;
        _recovery = last.Recovery.IsDefault ? [] : last.Recovery;
        if (scheduled is not null)
        {
            (_components, _verification) = (scheduled.Components, scheduled.Verification);
        }
    }

    private FlashInProgress Unsettled(ImmutableArray<FlashJournalRecord> open) => new()
    {
        Stage = FlashStage.Reconcile,
        TargetId = _target.Id,
        TargetState = HasArmIntent(open) ? TargetState.Indeterminate : TargetState.Prepared,
        Detail = $"operation {open[^1].OperationId} is not concluded, and a dry run settles nothing",
    };

    // Null when it is concluded, and a fresh start is right.
    private async ValueTask<FlashResult<FlashOutcome>?> ConcludeInterruptedAsync(string what, TargetState state = TargetState.Untouched)
    {
        var failure = new OperationCancelled { Stage = FlashStage.Reconcile, TargetId = _target.Id, TargetState = state, Detail = what };
        if ((await _journal.ConcludeAsync(failure, isFinal: true, CancellationToken.None).ConfigureAwait(false)).TryGetValue(out _, out var unwritten))
        {
            return null;
        }

        return unwritten with { TargetState = TargetState.Untouched };
    }

    private static FlashFailure? FindIdentityProblem(ImmutableArray<FlashJournalRecord> open, TargetReport report)
    {
        if (open.LastOrDefault(r => r.Identity is not null)?.Identity is not { } was)
        {
            return null;
        }

        if (!report.Facts.Identity.TryGet(out var now))
        {
            return new TargetIdentityUnknown { Detail = report.Facts.Identity.WhyUnknown };
        }

        return was.CompareWith(now) switch
        {
            IdentityMatch.Same => null,
            IdentityMatch.Different => new TargetIdentityChanged { Detail = $"operation {open[^1].OperationId} in the journal is about another machine; find out what became of it, then abandon the operation by name" },
            _ => new TargetIdentityUnknown { Detail = "the machine at the address is not proved to be the one in the journal" },
        };
    }
}
