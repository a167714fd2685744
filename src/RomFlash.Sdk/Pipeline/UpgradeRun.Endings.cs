using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <content>How an upgrade ends: each end cleans up what it may, and says in what state the target is.</content>
internal sealed partial class UpgradeRun
{
    /// <summary>Nothing is armed: removes the deposit, gives the claim back, concludes. What can't be removed is named.</summary>
    private async ValueTask<FlashResult<FlashOutcome>> AbandonAsync(FlashFailure failure)
    {
        if (failure is TargetIdentityChanged)
        {
            // Another machine answers at the address: nothing there is ours to remove.
            FlashResult<FlashOutcome> changed = failure with { TargetId = _target.Id, TargetState = TargetState.Indeterminate, Leftovers = NameAll() };
            return await ConcludeAsync(changed, isFinal: true).ConfigureAwait(false);
        }

        var leftovers = await CleanUpAsync().ConfigureAwait(false);
        var state = failure switch
        {
            // Not by us, but it is: the next boot flashes.
            AnotherFlashPending or ForeignCapsulePending => failure.TargetState,
            _ when failure.TargetState is TargetState.RomChanged or TargetState.PreviousRomIntact or TargetState.RecoveryRequired or TargetState.Flashing => failure.TargetState,
            _ => leftovers.Any(IsDeposit) ? TargetState.Prepared : TargetState.Untouched,
        };
        FlashResult<FlashOutcome> result = failure with { TargetId = _target.Id, Leftovers = leftovers, TargetState = state };
        return await ConcludeAsync(result, isFinal: true).ConfigureAwait(false);
    }

    /// <summary>The target may be armed, and nobody can do anything about it now: the operation stays open, and the next run reconciles it.</summary>
    private ValueTask<FlashResult<FlashOutcome>> LeaveOpenAsync(FlashFailure failure)
    {
        // Whoever failed may not know: once the intent to arm is in the journal, nobody calls the target untouched without having looked.
        var state = _phase is Phase.Arming or Phase.Armed && failure.TargetState is TargetState.Untouched or TargetState.Prepared ? TargetState.Indeterminate : failure.TargetState;
        return ConcludeAsync(failure with { TargetId = _target.Id, TargetState = state }, isFinal: false);
    }

    /// <summary>Something went wrong once the intent to arm was in the journal: disarms, and only when the target itself says that it is disarmed, abandons.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <param name="isUnsent">The arming step is proved not to have left the client, or to have been refused unchanged.</param>
    private async ValueTask<FlashResult<FlashOutcome>> AfterFailedArmingAsync(FlashFailure failure, bool isUnsent = false)
    {
        if (_phase is Phase.Reading or Phase.Preparing)
        {
            return await AbandonAsync(failure).ConfigureAwait(false);
        }

        if (failure.TargetState == TargetState.Flashing || (_scheduled is { FlashesAtOnce: true } && !isUnsent))
        {
            // Handed over, or perhaps handed over: it may be flashing, and nothing may interrupt it.
            return await LeaveOpenAsync(failure).ConfigureAwait(false);
        }

        using var limit = CleanUpLimit();
        if (_rebootIntendedAt is not null && await AbortRebootAsync(limit.Token).ConfigureAwait(false) is { } tooLate)
        {
            return await LeaveOpenAsync(failure with { TargetState = tooLate.TargetState }).ConfigureAwait(false);
        }

        if (await DisarmAsync(limit.Token, isUnsent).ConfigureAwait(false) is { } stillArmed)
        {
            return await LeaveOpenAsync(failure with { TargetState = stillArmed.TargetState }).ConfigureAwait(false);
        }

        // "Not armed" can also mean that it booted meanwhile and took the flash.
        return await FindBootAsync(_ => failure with { TargetState = TargetState.Indeterminate }, limit.Token).ConfigureAwait(false) is { } booted
            ? booted
            : await AbandonDisarmedAsync(failure).ConfigureAwait(false);
    }

    // Only now: had it been journalled before the boot identity was compared, a crash in between would have erased a flash that happened.
    private async ValueTask<FlashResult<FlashOutcome>> AbandonDisarmedAsync(FlashFailure failure)
    {
        await _journal.AppendAsync(FlashJournalRecordKind.Disarmed, CancellationToken.None).ConfigureAwait(false);
        return await AbandonAsync(failure).ConfigureAwait(false);
    }

    /// <summary>The caller asked to stop after the first remote write: how far that is still possible depends on the phase.</summary>
    private async ValueTask<FlashResult<FlashOutcome>> StopAsync()
    {
        var cancelled = new OperationCancelled { Stage = FlashStage.Cancel, TargetId = _target.Id };
        switch (_phase)
        {
            case Phase.Preparing:
                return await AbandonAsync(cancelled with { Detail = "cancelled before arming" }).ConfigureAwait(false);
            case Phase.Settled:
                return await LeaveOpenAsync(cancelled with { TargetState = TargetState.Indeterminate, Detail = "cancelled while the operation was being concluded" }).ConfigureAwait(false);
        }

        using var limit = CleanUpLimit();
        return await StopArmedAsync(cancelled with { Detail = "cancelled and disarmed" }, limit.Token, isUnsent: _phase is Phase.Arming && _connection.ArmingEffect is FaultEffect.NotSent).ConfigureAwait(false);
    }

    /// <summary>
    /// Disarms, unless the target has begun to boot into the flash. The boot identity is compared before and after: a target that booted
    /// in between is not "disarmed", and its outcome is whatever evidence shows.
    /// </summary>
    private async ValueTask<FlashResult<FlashOutcome>> StopArmedAsync(FlashFailure stopped, CancellationToken cancellationToken, bool isUnsent = false)
    {
        if (_scheduled is { FlashesAtOnce: true } && !isUnsent)
        {
            return await LeaveOpenAsync(TooLate(TargetState.Flashing, "the target flashes as soon as it is told")).ConfigureAwait(false);
        }

        if (_rebootIntendedAt is not null && await AbortRebootAsync(cancellationToken).ConfigureAwait(false) is { } tooLate)
        {
            return await LeaveOpenAsync(tooLate).ConfigureAwait(false);
        }

        if (await FindBootAsync(Unanswered, cancellationToken).ConfigureAwait(false) is { } before)
        {
            return before;
        }

        if (await DisarmAsync(cancellationToken, isUnsent).ConfigureAwait(false) is { } stillArmed)
        {
            return await LeaveOpenAsync(stillArmed).ConfigureAwait(false);
        }

        return await FindBootAsync(Unanswered, cancellationToken).ConfigureAwait(false) is { } after
            ? after
            : await AbandonDisarmedAsync(stopped).ConfigureAwait(false);

        FlashFailure Unanswered(string why) => TooLate(TargetState.Indeterminate, $"the target does not answer, and may be booting into the flash: {why}");
    }

    // Null when no restart is pending any more.
    private async ValueTask<FlashFailure?> AbortRebootAsync(CancellationToken cancellationToken)
    {
        try
        {
            var aborted = await StageCallAsync(_services.Scheduler, FlashStage.Cancel, (_services.Scheduler, _context), static (s, t) => s.Scheduler.AbortRebootAsync(s._context, t), cancellationToken).ConfigureAwait(false);
            return aborted.TryGetValue(out _, out var failure) || failure is CapabilityMissing
                ? null
                : TooLate(failure is CancellationRefused ? TargetState.Flashing : TargetState.Indeterminate, failure.Message) with { PeerCode = failure.PeerCode };
        }
        catch (OperationCanceledException)
        {
            return TooLate(TargetState.Indeterminate, "taking the restart back took too long");
        }
    }

    /// <summary>Looks once. Gives the result when the target has booted since it was armed, or can't be looked at; null when it has not booted.</summary>
    private async ValueTask<FlashResult<FlashOutcome>?> FindBootAsync(Func<string, FlashFailure> unanswered, CancellationToken cancellationToken)
    {
        if (_scheduled is not { } scheduled)
        {
            return null;
        }

        FlashResult<ConfirmationEvidence> looked;
        try
        {
            looked = await LookAsync(scheduled, TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return await LeaveOpenAsync(unanswered("looking took too long")).ConfigureAwait(false);
        }

        if (!looked.TryGetValue(out var evidence, out var failure))
        {
            return await LeaveOpenAsync(unanswered(failure.Message)).ConfigureAwait(false);
        }

        if (!evidence.Answered)
        {
            return await LeaveOpenAsync(unanswered(evidence.LastFailure?.Message ?? string.Empty)).ConfigureAwait(false);
        }

        if (evidence.Facts.Boot.TryGet(out var boot)
            && boot.IsSameBootAs(scheduled.BootBefore) is true
            && evidence.Facts.Identity.TryGet(out var identity)
            && scheduled.Identity.CompareWith(identity) == IdentityMatch.Same)
        {
            return null;
        }

        return await SettleAsync(scheduled, evidence).ConfigureAwait(false);
    }

    private CancellationRefused TooLate(TargetState state, string why) => new() { Stage = FlashStage.Cancel, TargetId = _target.Id, TargetState = state, Detail = why };

    /// <summary>Disarms. Null when the target itself says that nothing of ours is armed any more.</summary>
    private async ValueTask<FlashFailure?> DisarmAsync(CancellationToken cancellationToken, bool isUnsent = false)
    {
        if (_deposit is null)
        {
            return null;
        }

        // The intent first, as for everything that changes the target; without it the next run would look for an armed flash in vain, which is harmless.
        await _journal.AppendAsync(FlashJournalRecordKind.DisarmIntent, CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (!isUnsent && await MayBeWrittenAsync(cancellationToken).ConfigureAwait(false))
            {
                return new DisarmNotPossible { Stage = FlashStage.Cancel, TargetId = _target.Id, TargetState = TargetState.Indeterminate, Detail = "the target does not call this flash armed: it was taken back, or is written and waits for a restart" };
            }

            var disarmed = await StageCallAsync(_services.Scheduler, FlashStage.Cancel, (_services.Scheduler, _context, _deposit.Id), static (s, t) => s.Scheduler.DisarmAsync(s._context, s.Id, t), cancellationToken).ConfigureAwait(false);
            if (!disarmed.TryGetValue(out var state, out var failure))
            {
                return failure;
            }

            if (state.Phase != ArmedPhase.None && string.Equals(state.DepositId, _deposit.Id, StringComparison.Ordinal))
            {
                return new DisarmNotPossible { Stage = FlashStage.Cancel, TargetId = _target.Id, Detail = "the target is still armed" };
            }
        }
        catch (OperationCanceledException)
        {
            return new DeadlineExceeded { Stage = FlashStage.Cancel, TargetId = _target.Id, TargetState = TargetState.Indeterminate, Detail = "disarming took too long" };
        }

        return null;
    }

    // Where a target writes before the restart, and forgets what it was told once that is done: there is nothing to take back, and nobody can say that the ROM is the old one.
    private async ValueTask<bool> MayBeWrittenAsync(CancellationToken cancellationToken)
    {
        if (_scheduled is not { } scheduled || !WritesBeforeRestart(scheduled))
        {
            return false;
        }

        var inspected = await StageCallAsync(_services.Scheduler, FlashStage.Cancel, (_services.Scheduler, _context), static (s, t) => s.Scheduler.InspectAsync(s._context, t), cancellationToken).ConfigureAwait(false);
        return inspected.TryGetValue(out var state, out _)
            && (state.Phase == ArmedPhase.None || !string.Equals(state.DepositId, scheduled.DepositId, StringComparison.Ordinal))
            && !await IsStillDepositedAsync(scheduled, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the operation by evidence: concludes what is final, and leaves open what a later look may still settle.</summary>
    private async ValueTask<FlashResult<FlashOutcome>> SettleAsync(ScheduledFlash scheduled, ConfirmationEvidence evidence)
    {
        var decided = FlashOutcome.Decide(scheduled, evidence);
        var isOver = decided.TryGetValue(out var outcome, out var failure) ? outcome is Upgraded : failure is FlashNotApplied or UnexpectedVersion;
        if (!isOver)
        {
            return await ConcludeAsync(decided, isFinal: false).ConfigureAwait(false);
        }

        // Whatever came of it: what is still where the firmware looks would be taken at a later boot, which nobody expects.
        if (evidence.Armed.TryGet(out var armed) && armed.Phase != ArmedPhase.None && string.Equals(armed.DepositId, scheduled.DepositId, StringComparison.Ordinal))
        {
            using var limit = CleanUpLimit();
            if (await DisarmAsync(limit.Token).ConfigureAwait(false) is { } stuck)
            {
                return await LeaveOpenAsync((failure ?? stuck) with { TargetState = armed.Phase == ArmedPhase.Armed ? TargetState.Armed : stuck.TargetState }).ConfigureAwait(false);
            }

            failure = failure is FlashNotApplied { TargetState: TargetState.Armed } ? failure with { TargetState = IsAllOld(scheduled, evidence) ? TargetState.PreviousRomIntact : TargetState.RomChanged } : failure;
        }

        // Which ROM runs is not known then, and the copy may be what brings the target back; a later run removes it.
        // Gates look at its health before anything is given up.
        _phase = Phase.Settled;
        failure ??= await AskAfterReturnAsync(outcome!).ConfigureAwait(false);
        var keepsBackup = failure is UnexpectedVersion || (failure is not null && outcome is not null);
        var left = await CleanUpAsync(keepsBackup).ConfigureAwait(false);
        if (keepsBackup && _deposit is not null && HasBackup)
        {
            left = left.Add($"deposit {_deposit.ToBackup().Id}, kept: it may be what brings the target back");
        }

        return failure is not null
            ? await ConcludeAsync(failure with { Leftovers = left }, isFinal: true).ConfigureAwait(false)
            : await ConcludeAsync(outcome! with { Notes = [.. outcome.Notes, .. left.Select(n => "left on the target, inert: " + n)] }, isFinal: true).ConfigureAwait(false);
    }

    private static bool IsAllOld(ScheduledFlash scheduled, ConfirmationEvidence evidence) =>
        evidence.Facts.Roms.TryGet(out var roms)
        && scheduled.Components.All(c => roms.Any(r => r.Id == c.ComponentId && r.Versions.Any(v => c.From.Contains(v))));

    private async ValueTask<FlashFailure?> AskAfterReturnAsync(FlashOutcome outcome)
    {
        foreach (var gate in _services.Gates)
        {
            if (await AskAsync(gate, (gate, _context, outcome), static (s, t) => s.gate.AfterReturnAsync(s._context, s.outcome, t), CancellationToken.None).ConfigureAwait(false) is { } refused)
            {
                return refused with { Stage = FlashStage.Confirm, TargetState = TargetState.RomChanged };
            }
        }

        return null;
    }

    private async ValueTask<FlashResult<FlashOutcome>> ConcludeAsync(FlashResult<FlashOutcome> result, bool isFinal)
    {
        if (!_journal.IsOpen && _phase == Phase.Reading)
        {
            return result;
        }

        if (isFinal)
        {
            _phase = Phase.Settled;
        }

        if ((await _journal.ConcludeAsync(result, isFinal, CancellationToken.None).ConfigureAwait(false)).TryGetValue(out _, out var unwritten))
        {
            return result;
        }

        // The result stands; the next run finds the operation open and reconciles it by evidence.
        _isUnconcluded = true;
        return result.TryGetValue(out var outcome, out var failure)
            ? outcome with { Notes = outcome.Notes.Add("the conclusion could not be journalled: " + unwritten.Message) }
            : failure with { Detail = $"{failure.Detail} (and the journal could not be written: {unwritten.Detail})" };
    }

    /// <summary>Removes this run's own deposit (others may be somebody else's by now) and gives the claim back, within the deadline for that. Gives what is left.</summary>
    private async ValueTask<ImmutableArray<string>> CleanUpAsync(bool keepsBackup = false)
    {
        using var limit = CleanUpLimit();
        _context.Report(FlashStage.CleanUp);
        ImmutableArray<string> left = [];
        try
        {
            // Removing is idempotent, so it is tried again, over a fresh connection.
            for (var attempt = 0; attempt <= _policy.Deadlines.ReadRetries; attempt++)
            {
                left = await CleanUpOnceAsync(keepsBackup, limit.Token).ConfigureAwait(false);
                if (!keepsBackup && !left.Any(IsDeposit))
                {
                    SetRecovery(RecoveryKit.Removed(_recovery));
                }

                if (left.IsEmpty)
                {
                    return left;
                }

                await _connection.ResetAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            left = NameAll();
        }

        Log.LeftBehind(_services.Logger, UntrustedText.ForLog(_target.Id), UntrustedText.ForLog(string.Join("; ", left)));
        return left;
    }

    // Perhaps, as long as it is only intended: then nobody knows how far it came.
    private bool HasBackup => _recovery.Any(p => p.Copy is BackupCopy.Intended or BackupCopy.Staged);

    private static bool IsDeposit(string leftover) => leftover.StartsWith("deposit", StringComparison.Ordinal);

    private async ValueTask<ImmutableArray<string>> CleanUpOnceAsync(bool keepsBackup, CancellationToken cancellationToken)
    {
        var left = ImmutableArray.CreateBuilder<string>();
        if (_deposit is not null)
        {
            var cleaned = await StageCallAsync(_services.Stager, FlashStage.CleanUp, (_services.Stager, _context, Scope: new CleanUpScope(_deposit.Id) { KeepsAllUnfinished = _keepsUnfinished, KeepsBackups = keepsBackup }), static (s, t) => s.Stager.CleanUpAsync(s._context, s.Scope, t), cancellationToken).ConfigureAwait(false);
            if (!cleaned.TryGetValue(out var evidence, out var failure))
            {
                left.Add($"deposit {_deposit.Id}: {failure.Code} {failure.Message}");
                if (HasBackup)
                {
                    left.Add($"deposit {_deposit.ToBackup().Id}: {failure.Code} {failure.Message}");
                }
            }
            else if (!evidence.Leftovers.IsDefaultOrEmpty)
            {
                left.AddRange(evidence.Leftovers);
            }
        }

        foreach (var id in _phase == Phase.Settled && !keepsBackup ? _keptBackups : [])
        {
            var cleaned = await StageCallAsync(_services.Stager, FlashStage.CleanUp, (_services.Stager, _context, Scope: new CleanUpScope(id)), static (s, t) => s.Stager.CleanUpAsync(s._context, s.Scope, t), cancellationToken).ConfigureAwait(false);
            left.AddRange(!cleaned.TryGetValue(out var evidence, out var failure) ? [$"deposit {id}: {failure.Code} {failure.Message}"] : evidence.Leftovers.IsDefault ? [] : evidence.Leftovers);
        }

        if (_claim is null && _isClaimUncertain)
        {
            // The answer to the claim is missing: the target tells whether it was granted.
            _claim = await FindOwnClaimAsync(cancellationToken).ConfigureAwait(false) is { } found ? found.Claim : new TargetClaim(_services.Journal.ClientId, 0);
        }

        if (_claim is { Generation: 0 })
        {
            left.Add($"claim of {_claim.Owner}, perhaps: the target could not be asked");
            _claim = null;
        }
        else if (_claim is not null && await ReleaseAsync(_claim, cancellationToken).ConfigureAwait(false) is { } kept)
        {
            left.Add($"claim of {_claim.Owner}, generation {_claim.Generation}: {kept}");
        }
        else
        {
            _isClaimUncertain = false;
        }

        return left.ToImmutable();
    }

    // Null when the target could not be asked.
    private async ValueTask<OwnClaim?> FindOwnClaimAsync(CancellationToken cancellationToken)
    {
        if (!(await _connection.GetAsync<IClaimCapability>(FlashStage.CleanUp, cancellationToken).ConfigureAwait(false)).TryGetValue(out var claims, out var failure))
        {
            return failure is CapabilityMissing ? new OwnClaim(null) : null;
        }

        if (!(await claims.Capability.ReadClaimAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var state, out _))
        {
            return null;
        }

        return new OwnClaim(state.Current is { } current && string.Equals(current.Owner, _services.Journal.ClientId, StringComparison.Ordinal) ? current : null);
    }

    private sealed record OwnClaim(TargetClaim? Claim);

    private ImmutableArray<string> NameAll()
    {
        var left = ImmutableArray.CreateBuilder<string>();
        if (_deposit is not null)
        {
            left.Add($"deposit {_deposit.Id}");
            if (HasBackup)
            {
                left.Add($"deposit {_deposit.ToBackup().Id}, perhaps");
            }
        }

        if (_claim is not null)
        {
            left.Add($"claim of {_claim.Owner}, generation {_claim.Generation}");
        }

        return left.ToImmutable();
    }

    private async ValueTask<string?> ReleaseAsync(TargetClaim claim, CancellationToken cancellationToken)
    {
        if (!(await _connection.GetAsync<IClaimCapability>(FlashStage.CleanUp, cancellationToken).ConfigureAwait(false)).TryGetValue(out var claims, out var failure))
        {
            return $"{failure.Code} {failure.Message}";
        }

        return (await claims.Capability.ReleaseClaimAsync(claim, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out var fault) ? null : fault.ToString();
    }

    private CancellationTokenSource CleanUpLimit() => new(_policy.Deadlines.CleanUp, _services.Time);
}
