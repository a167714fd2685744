using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline.Guarding;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>
/// One upgrade of one target, from the probe to the conclusion. The order of the steps and the rule for each end are here and nowhere
/// else; what a step does is in the stages.
/// </summary>
internal sealed partial class UpgradeRun : IAsyncDisposable
{
    // Components that one boot can't take together, and stepping stones, are flashed boot after boot; more than this is a catalog gone wrong.
    private const int MaxBoots = 32;

    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(12);

    private readonly ClientServices _services;
    private readonly FlashRequest _request;
    private readonly FlashTarget _target;
    private readonly FlashPolicy _policy;
    private readonly TargetConnection _connection;
    private readonly StageContext _context;
    private readonly string _depositPrefix;

    private OperationJournal _journal;
    private int _boots;

    // Until the catalog has been asked, an adopted flash may not be all that was asked for.
    private bool _hasMore = true;
    private bool _isUnconcluded;
    private bool _isClaimUncertain;

    // Which arming step may announce itself: none but the one that has been begun and not given up.
    private readonly Lock _arming = new();
    private int _armingStep;
    private bool _keepsUnfinished;
    private DateTimeOffset? _rebootIntendedAt;
    private TimeSpan? _restartDelay;
    private Phase _phase;
    private TargetClaim? _claim;
    private DepositKey? _deposit;
    private ScheduledFlash? _scheduled;

    private TargetReport? _report;
    private TargetIdentity? _identity;
    private ImmutableArray<FlashBlocker> _blockers = [];
    private ImmutableArray<BlockerWaiver> _waived = [];
    private ImmutableArray<CatalogProvenance> _catalogs = [];
    private ImmutableArray<UpgradeComponent> _components = [];
    private ImmutableArray<UpgradeComponent> _completed = [];
    private ImmutableArray<RecoveryPlan> _recovery = [];

    // Of earlier flashes, and still there: of no use once this one has come to a known end.
    private ImmutableArray<string> _keptBackups = [];
    private VerificationMethod _verification;
    private bool _hadClaim;

    public UpgradeRun(ClientServices services, FlashRequest request, IProgress<FlashProgress>? progress)
    {
        _services = services;
        _request = request;
        _target = request.Target;
        _policy = request.Policy;
        _connection = new TargetConnection(_target, services, _policy.Deadlines);
        var operation = Guid.CreateVersion7(services.Time.GetUtcNow()).ToString("N", CultureInfo.InvariantCulture);
        _context = new StageContext(_target, _connection, _policy, services.Time, operation, progress);
        _journal = new OperationJournal(services, _target, operation);

        // Without a claim nobody keeps other clients away: then only deposits whose id begins like this are ours to remove.
        _depositPrefix = $"r{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(services.Journal.ClientId)).AsSpan(0, 6))}-";
    }

    private enum Phase
    {
        /// <summary>Nothing was written: a cancellation throws.</summary>
        Reading,

        /// <summary>Claimed, deposited: inert.</summary>
        Preparing,

        /// <summary>The intent to arm is in the journal: only the target can tell.</summary>
        Arming,

        /// <summary>The target's own state said that it is armed.</summary>
        Armed,

        /// <summary>Over, one way or the other.</summary>
        Settled,
    }

    public async Task<FlashReport> RunAsync(CancellationToken cancellationToken)
    {
        var start = _services.Time.GetTimestamp();
        using var activity = RomFlashTelemetry.Source.StartActivity("romflash.upgrade");
        activity?.SetTag("romflash.target", UntrustedText.ForLog(_target.Id));
        Log.UpgradeBegins(_services.Logger, _context.OperationId, UntrustedText.ForLog(_target.Id), _request.Images.Length);
        using var lease = _services.Running.TryEnter(_target.Id);
        FlashResult<FlashOutcome> result = lease is null
            ? new FlashInProgress { TargetId = _target.Id, Detail = "this client is working on the target" }
            : await RunAsync(lease, cancellationToken).ConfigureAwait(false);
        return End(Describe(result), start, activity);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async ValueTask<FlashResult<FlashOutcome>> RunAsync(RunningTargets.Lease lease, CancellationToken cancellationToken)
    {
        try
        {
            for (var boots = 0; boots < MaxBoots; boots++)
            {
                var (result, hasMore) = await RunOnceAsync(lease, cancellationToken).ConfigureAwait(false);
                if (!hasMore || !result.TryGetValue(out var outcome, out _) || outcome is not Upgraded)
                {
                    return result;
                }

                _completed = _completed.AddRange(outcome.Components.Except(_completed));
                if (_isUnconcluded)
                {
                    return new JournalUnavailable { TargetId = _target.Id, TargetState = TargetState.RomChanged, Detail = "a flash is confirmed, but its conclusion could not be journalled: nothing further was begun" };
                }

                Reset();
            }

            return new VerdictRejected { Stage = FlashStage.Check, TargetId = _target.Id, TargetState = TargetState.RomChanged, Detail = $"the upgrade is not complete after {MaxBoots} boots" };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && (_phase != Phase.Reading || !_completed.IsEmpty))
        {
            var stopped = _phase == Phase.Reading ? BetweenBoots() : await StopAsync().ConfigureAwait(false);
            if (stopped.TryGetValue(out var outcome, out _) && outcome is Upgraded && _hasMore)
            {
                _completed = _completed.AddRange(outcome.Components.Except(_completed));
                return BetweenBoots();
            }

            return stopped;
        }
#pragma warning disable CA1031 // Evidence of a plug-in can hold anything, and a check can trip over it: then the run ends by its phase, as after any other failure.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return await EndAfterSurpriseAsync(exception).ConfigureAwait(false);
        }
    }

    private async ValueTask<FlashResult<FlashOutcome>> EndAfterSurpriseAsync(Exception exception)
    {
        var what = $"{exception.GetType().Name} in {_phase}";
        Log.PlugInBroke(_services.Logger, UntrustedText.ForLog(_target.Id), "a plug-in", FlashStage.Check, what);
        var failure = new PlugInFault { TargetId = _target.Id, Detail = $"what a plug-in answered led to {what}", PlugIn = string.Empty };
        return _phase switch
        {
            Phase.Reading => failure with { TargetState = TargetState.Untouched },
            Phase.Preparing => await AbandonAsync(failure).ConfigureAwait(false),
            Phase.Arming or Phase.Armed => await AfterFailedArmingAsync(failure).ConfigureAwait(false),
            _ => await LeaveOpenAsync(failure).ConfigureAwait(false),
        };
    }

    private FlashResult<FlashOutcome> BetweenBoots() => new OperationCancelled
    {
        Stage = FlashStage.Cancel,
        TargetId = _target.Id,
        TargetState = TargetState.RomChanged,
        Detail = "cancelled between two boots: what is complete is confirmed, the rest was not begun",
    };

    private void Reset()
    {
        // Each boot is an operation of its own in the journal: it is concluded before the next one begins.
        _journal = new OperationJournal(_services, _target, $"{_context.OperationId}-{++_boots}");
        _phase = Phase.Reading;
        _claim = null;
        _deposit = null;
        (_rebootIntendedAt, _restartDelay) = (null, null);
        _isClaimUncertain = false;
        _connection.MayArm = false;
        _scheduled = null;
    }

    private async ValueTask<(FlashResult<FlashOutcome> Result, bool HasMore)> RunOnceAsync(RunningTargets.Lease lease, CancellationToken cancellationToken)
    {
        if (!(await ReadOpenAsync(null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var open, out var failure))
        {
            return (failure, false);
        }

        if (_policy.DryRun && !open.IsEmpty)
        {
            return (Unsettled(open), false);
        }

        if (FindUnplanned(open) is { } unplanned)
        {
            return (unplanned, false);
        }

        // An adopted flash that has succeeded may not be all that was asked for: the next round finds out what is left.
        if (await SettleWhileAwayAsync(open, cancellationToken).ConfigureAwait(false) is { } settled)
        {
            return (settled, HasMore: true);
        }

        if (!(await ProbeAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var report, out failure))
        {
            return (HasArmIntent(open) ? failure with { TargetState = TargetState.Indeterminate } : failure, false);
        }

        if (report.Facts.Identity.TryGet(out var identity))
        {
            if (!lease.TryEnter(identity))
            {
                return (new FlashInProgress { Stage = FlashStage.Probe, TargetId = _target.Id, Detail = "this client is working on the same machine under another name" }, false);
            }

            if (open.IsEmpty && !(await ReadOpenAsync(identity, cancellationToken).ConfigureAwait(false)).TryGetValue(out open, out failure))
            {
                return (failure, false);
            }

            if (((FlashFailure?)FindOtherName(open) ?? FindUnplanned(open)) is { } other)
            {
                return (other, false);
            }
        }

        if (!open.IsEmpty)
        {
            if (await ReconcileAsync(open, report, cancellationToken).ConfigureAwait(false) is { } reconciled)
            {
                return (reconciled, HasMore: true);
            }

            Reset();
            if (!(await ProbeAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out report, out failure))
            {
                return (failure, false);
            }
        }

        if (!_policy.DryRun && await SweepOwnAsync(report, cancellationToken).ConfigureAwait(false)
            && !(await ProbeAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out report, out failure))
        {
            return (failure, false);
        }

        return await FlashAsync(report, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<(FlashResult<FlashOutcome> Result, bool HasMore)> FlashAsync(TargetReport report, CancellationToken cancellationToken)
    {
        _context.Report(FlashStage.Check);
        var evaluated = await Evaluation.EvaluateAsync(_services, report, _request.Images, _request.BackupImages, _policy, _completed, cancellationToken).ConfigureAwait(false);
        if (!evaluated.TryGetValue(out var evaluation, out var failure))
        {
            return (failure, false);
        }

        (_blockers, _waived) = (evaluation.Blockers, evaluation.Waived);
        _catalogs = evaluation.Verdict.Catalogs.IsDefault ? [] : evaluation.Verdict.Catalogs;
        foreach (var waiver in _waived)
        {
            Log.Waived(_services.Logger, UntrustedText.ForLog(_target.Id), waiver.Blocker, UntrustedText.ForLog(waiver.Who), UntrustedText.ForLog(waiver.Why));
        }

        if (evaluation.IsCurrent)
        {
            return (_completed.IsEmpty ? new AlreadyCurrent() : new Upgraded { Components = _completed, Verification = _verification }, false);
        }

        if (evaluation.Approved is not { } approved)
        {
            foreach (var blocker in _blockers)
            {
                Log.Blocked(_services.Logger, UntrustedText.ForLog(_target.Id), blocker.Name, blocker.Failure);
            }

            return (_blockers[0].Failure, false);
        }

        if (_request.Plan is { } plan && plan.FindDifferences(_request, Describe(report, evaluation), isFirstBoot: _completed.IsEmpty) is { IsEmpty: false } differences)
        {
            return (FlashPlan.Outdated(FlashStage.Check, _target.Id, differences), false);
        }

        _components = approved.Components;
        _recovery = RecoveryKit.Plan(approved, evaluation.Verdict, _request.BackupImages, hasRoom: !_waived.Any(w => string.Equals(w.Blocker, FlashBlocker.BackupDoesNotFit, StringComparison.Ordinal)));
        if (_policy.DryRun)
        {
            return (new WouldUpgrade { Components = approved.Components }, false);
        }

        _hasMore = approved.HasMoreToCome;

        // Where not everything is flashed in this boot a last round confirms all of it again: what was proved before may have changed since.
        return (await PrepareAsync(approved, cancellationToken).ConfigureAwait(false), _hasMore || !_completed.IsEmpty || _request.Images.Length > approved.Components.Length);
    }

    // ---- Preparation: everything here is inert ----
    private async ValueTask<FlashResult<FlashOutcome>> PrepareAsync(ApprovedUpgrade approved, CancellationToken cancellationToken)
    {
        _journal.Set(r => r with { Identity = approved.Identity, Components = approved.Components, Waivers = _waived, Recovery = _recovery });
        if (!(await _journal.AppendAsync(FlashJournalRecordKind.Started, cancellationToken, _request.Plan is { } plan ? $"plan {plan.PlanHash}" : string.Empty).ConfigureAwait(false)).TryGetValue(out _, out var failure))
        {
            return failure with { TargetState = TargetState.Untouched };
        }

        // The first change over there comes next: from here on, stopping means cleaning up.
        _phase = Phase.Preparing;
        _context.Report(FlashStage.Stage);
        if (await ClaimAsync(cancellationToken).ConfigureAwait(false) is { } refused)
        {
            return await AbandonAsync(refused).ConfigureAwait(false);
        }

        // What earlier runs left goes first: it may be what fills the partition. Only an unfinished deposit of the same content may stay: the next one goes on with it. Failing to remove
        // something is no reason to stop.
        var swept = await SweepAsync(new CleanUpScope(_claim is null ? _depositPrefix : null) { KeepUnfinished = approved }, cancellationToken).ConfigureAwait(false);
        if (!swept.TryGetValue(out _, out failure) && failure is ConnectionFailure or OperationFailure)
        {
            return await AbandonAsync(failure).ConfigureAwait(false);
        }

        _deposit = new DepositKey($"{_depositPrefix}{_context.OperationId[^12..]}-{_boots}", HasClaimWhereDepositsLie(approved.Report.Evidence) ? _claim?.Generation ?? 0 : 0);
        _journal.Set(r => r with { DepositId = _deposit.Id, Generation = _deposit.Generation });
        if (!(await _journal.AppendAsync(FlashJournalRecordKind.StagingIntent, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure))
        {
            return await AbandonAsync(failure).ConfigureAwait(false);
        }

        if (approved.Report.Evidence.Deposit.TryGet(out var traits) && traits.Effect != DepositEffect.Inert)
        {
            // No inert place over there: what is sent in full is armed, so that it waits for its hour here.
            return await WaitForWindowAndGatesAsync(approved.Components, cancellationToken).ConfigureAwait(false) is { } tooEarly
                ? await AbandonAsync(tooEarly).ConfigureAwait(false)
                : await ArmByDepositAsync(approved, _deposit, traits.MethodFor(_policy.MinimumVerification), cancellationToken).ConfigureAwait(false);
        }

        if (!(await StageAsync(approved, _deposit, cancellationToken).ConfigureAwait(false)).TryGetValue(out var staged, out failure))
        {
            return await AbandonAsync(failure).ConfigureAwait(false);
        }

        if (await StageBackupAsync(approved, _deposit, cancellationToken).ConfigureAwait(false) is { } unsafeToGoOn)
        {
            return await AbandonAsync(unsafeToGoOn).ConfigureAwait(false);
        }

        if (!(await _journal.AppendAsync(FlashJournalRecordKind.Staged, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure)
            || (failure = await WaitForWindowAndGatesAsync(approved.Components, cancellationToken).ConfigureAwait(false)) is not null)
        {
            return await AbandonAsync(failure).ConfigureAwait(false);
        }

        return await ArmAsync(staged, cancellationToken).ConfigureAwait(false);
    }

    // A claim at another endpoint keeps other clients away, but its generation fences nothing where it is not known.
    private static bool HasClaimWhereDepositsLie(ProbeEvidence evidence)
    {
        var (claim, deposit) = (Find("Claim"), Find("Deposit"));
        return claim is null || deposit is null || string.Equals(claim, deposit, StringComparison.Ordinal);

        string? Find(string what) => evidence.Origins.IsDefault ? null : evidence.Origins.FirstOrDefault(o => string.Equals(o.What, what, StringComparison.Ordinal))?.Endpoint;
    }

    private async ValueTask<FlashResult<StagedImage>> StageAsync(ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken)
    {
        var evidence = await StageCallAsync(
            _services.Stager,
            FlashStage.Stage,
            (_services.Stager, _context, approved, deposit),
            static (s, t) => s.Stager.StageAsync(s._context, s.approved, s.deposit, t),
            cancellationToken).ConfigureAwait(false);
        if (!evidence.TryGetValue(out var staging, out var failure) || !StagedImage.TryCreate(approved, staging).TryGetValue(out var staged, out failure))
        {
            return failure;
        }

        if (staged.Manifest.Id != deposit.Id || staged.Manifest.Generation != deposit.Generation)
        {
            return new StagingEvidenceRejected { Stage = FlashStage.Verify, TargetId = _target.Id, TargetState = TargetState.Prepared, Detail = "the stager used another deposit than it was given" };
        }

        _verification = staged.Verification;
        _journal.Set(r => r with { Verification = staged.Verification });
        return staged;
    }

    /// <summary>Stages what would bring the target back, beside the upgrade. It is never armed; and without it nothing is, unless that is waived where it is for want of room.</summary>
    private async ValueTask<FlashFailure?> StageBackupAsync(ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken)
    {
        var images = RecoveryKit.ToStage(_recovery, _request.BackupImages);
        if (images.IsEmpty)
        {
            return null;
        }

        var backup = deposit.ToBackup();
        var evidence = await StageCallAsync(
            _services.Stager,
            FlashStage.Stage,
            (_services.Stager, _context, images, backup),
            static (s, t) => s.Stager.StageBackupAsync(s._context, s.images, s.backup, t),
            cancellationToken).ConfigureAwait(false);
        if (evidence.TryGetValue(out var staging, out var failure) && StagedBackup.TryCreate(approved, images, backup, staging).TryGetValue(out var copies, out failure))
        {
            SetRecovery(RecoveryKit.Staged(_recovery, copies, backup));
            return null;
        }

        // What the volume told of its free space was not so, or was not known.
        if (failure is not SystemPartitionFull || Evaluation.FindWaiver(FlashBlocker.BackupDoesNotFit, _policy) is not { } waiver)
        {
            return failure;
        }

        var removed = await StageCallAsync(_services.Stager, FlashStage.CleanUp, (_services.Stager, _context, Scope: new CleanUpScope(backup.Id)), static (s, t) => s.Stager.CleanUpAsync(s._context, s.Scope, t), cancellationToken).ConfigureAwait(false);
        if (!removed.TryGetValue(out var cleaned, out _) || !cleaned.Leftovers.IsDefaultOrEmpty)
        {
            return failure;
        }

        _waived = _waived.Add(waiver);
        Log.Waived(_services.Logger, UntrustedText.ForLog(_target.Id), waiver.Blocker, UntrustedText.ForLog(waiver.Who), UntrustedText.ForLog(waiver.Why));
        _journal.Set(r => r with { Waivers = _waived });
        SetRecovery(RecoveryKit.NotFitting(_recovery));
        return null;
    }

    private void SetRecovery(ImmutableArray<RecoveryPlan> plans)
    {
        _recovery = plans;
        _journal.Set(r => r with { Recovery = plans });
    }

    private async ValueTask<FlashFailure?> ClaimAsync(CancellationToken cancellationToken)
    {
        if (!(await _connection.GetAsync<IClaimCapability>(FlashStage.Stage, cancellationToken).ConfigureAwait(false)).TryGetValue(out var claims, out var failure))
        {
            return failure is CapabilityMissing ? null : failure;
        }

        if (_policy.TakeOverClaimGeneration is { } generation && _report is not null && _report.Evidence.Claim.TryGet(out var state) && state.Current is { } current)
        {
            Log.TakingOver(_services.Logger, UntrustedText.ForLog(_target.Id), UntrustedText.ForLog(current.Owner), generation);
        }

        _isClaimUncertain = true;
        var acquired = await claims.Capability.AcquireClaimAsync(new ClaimRequest(_services.Journal.ClientId, _policy.TakeOverClaimGeneration), cancellationToken).ConfigureAwait(false);
        if (!acquired.TryGetValue(out var claim, out var fault))
        {
            _isClaimUncertain = fault.Effect != FaultEffect.NotSent;
            cancellationToken.ThrowIfCancellationRequested();
            return fault.ToFailure(FlashStage.Stage, _target, claims.Endpoint, TargetState.Untouched);
        }

        if (!string.Equals(claim.Owner, _services.Journal.ClientId, StringComparison.Ordinal) || claim.Generation < 1)
        {
            return new ProtocolViolation { Stage = FlashStage.Stage, TargetId = _target.Id, Detail = $"the target granted a claim to '{claim.Owner}', generation {claim.Generation}" };
        }

        (_claim, _hadClaim, _isClaimUncertain) = (claim, true, false);
        return null;
    }

    private async ValueTask<FlashFailure?> WaitForWindowAndGatesAsync(ImmutableArray<UpgradeComponent> components, CancellationToken cancellationToken)
    {
        _context.Report(FlashStage.Wait);
        var wait = _policy.Window.UntilOpen(_services.Time.GetUtcNow());
        if (wait > TimeSpan.Zero)
        {
            await _connection.ResetAsync().ConfigureAwait(false);
            do
            {
                // In pieces: a timer does not reach further than 49 days, and a clock that is set right in between is noticed.
                await Task.Delay(wait < LongestDelay ? wait : LongestDelay, _services.Time, cancellationToken).ConfigureAwait(false);
                wait = _policy.Window.UntilOpen(_services.Time.GetUtcNow());
            }
            while (wait > TimeSpan.Zero);
        }

        foreach (var gate in _services.Gates)
        {
            if (FindMissedWindow() is not null)
            {
                break;
            }

            if (await AskAsync(gate, (gate, _context, components), static (s, t) => s.gate.BeforeRebootAsync(s._context, s.components, t), cancellationToken).ConfigureAwait(false) is { } refused)
            {
                return refused with { Stage = FlashStage.Wait };
            }
        }

        return FindMissedWindow() is { } missed ? missed with { Stage = FlashStage.Wait, TargetId = _target.Id } : null;
    }

    private WindowMissed? FindMissedWindow() => MissedWindow.Find(_policy, _report, _services.Time.GetUtcNow());

    private async ValueTask<FlashFailure?> AskAsync<TState>(IFlashGate gate, TState state, Func<TState, CancellationToken, ValueTask<GateDecision>> ask, CancellationToken cancellationToken)
    {
        var name = NameOf(gate);
        var answer = await _services.GuardAsync(
            name,
            _target,
            FlashStage.Wait,
            _policy.Deadlines.Gate,
            (state, ask),
            static async (s, t) => (FlashResult<GateDecision>)await s.ask(s.state, t).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        if (!answer.TryGetValue(out var decision, out var failure))
        {
            return failure;
        }

        return decision.IsAllowed ? null : new GateRefused { TargetId = _target.Id, Gate = name, Detail = decision.Reason ?? "the gate gave no reason" };
    }

    private static string NameOf(IFlashGate gate)
    {
        try
        {
            return gate.Name is { Length: > 0 } name ? name : gate.GetType().Name;
        }
#pragma warning disable CA1031 // A gate that can't tell its name is still asked.
        catch (Exception)
#pragma warning restore CA1031
        {
            return gate.GetType().Name;
        }
    }

    // ---- Arming: one commit point, and the target's own state decides ----
    private async ValueTask<FlashResult<FlashOutcome>> ArmAsync(StagedImage staged, CancellationToken cancellationToken)
    {
        var step = _armingStep;
        FlashResult<ArmingEvidence> evidence;
        try
        {
            evidence = await StageCallAsync(
                _services.Scheduler,
                FlashStage.Arm,
                (_services.Scheduler, _context, staged, Intent: (Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>>)((baseline, t) => JournalArmIntentAsync(step, baseline, t))),
                static (s, t) => s.Scheduler.ArmAsync(s._context, s.staged, s.Intent, t),
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            EndArming();
        }

        return await AfterArmingAsync(staged, evidence, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Arms where the commit of the deposit is the arming step: the intent is journalled right before it, and not before a byte is sent.</summary>
    private async ValueTask<FlashResult<FlashOutcome>> ArmByDepositAsync(ApprovedUpgrade approved, DepositKey deposit, VerificationMethod verification, CancellationToken cancellationToken)
    {
        StagedImage? staged = null;
        FlashFailure? unannounced = null;
        var isUnsent = false;
        var step = _armingStep;
        _journal.Set(r => r with { Verification = verification });
        FlashResult<ArmingEvidence> evidence;
        try
        {
            evidence = await StageCallAsync(
                _services.Scheduler,
                FlashStage.Arm,
                (_services.Scheduler, _context, approved, deposit, Make: (Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<StagedImage>>>)MakeAsync),
                static (s, t) => s.Scheduler.ArmByDepositAsync(s._context, s.approved, s.deposit, s.Make, t),
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            EndArming();
        }

        if (unannounced is not null)
        {
            return await AbandonAsync(unannounced with { TargetState = TargetState.Untouched }).ConfigureAwait(false);
        }

        if (isUnsent && !evidence.TryGetValue(out _, out var unsent))
        {
            if (_phase == Phase.Arming)
            {
                // The commit never left the client, or was refused unchanged: the intent is taken back.
                await _journal.AppendAsync(FlashJournalRecordKind.Disarmed, CancellationToken.None).ConfigureAwait(false);
                _phase = Phase.Preparing;
            }

            return await AbandonAsync(unsent).ConfigureAwait(false);
        }

        if (evidence.TryGetValue(out _, out _) && staged is null)
        {
            return await AfterFailedArmingAsync(new ArmingEvidenceRejected { Stage = FlashStage.Arm, TargetId = _target.Id, Detail = "the scheduler armed without the deposit" }).ConfigureAwait(false);
        }

        return await AfterArmingAsync(staged!, evidence, cancellationToken).ConfigureAwait(false);

        async ValueTask<FlashResult<StagedImage>> MakeAsync(ArmingBaseline baseline, CancellationToken token)
        {
            _connection.BeforeCommit = async t =>
            {
                _connection.BeforeCommit = null;
                return (await JournalArmIntentAsync(step, baseline, t).ConfigureAwait(false)).TryGetValue(out _, out unannounced);
            };
            var result = await StageAsync(approved, deposit, token).ConfigureAwait(false);
            if (result.TryGetValue(out staged, out var failure))
            {
                return staged;
            }

            // The stager can't know whether the commit was announced: until then nothing can have been armed.
            failure = _phase == Phase.Preparing ? failure with { TargetState = TargetState.Untouched } : failure;
            isUnsent = _phase == Phase.Preparing || _connection.ArmingEffect is FaultEffect.NotSent;
            return isUnsent ? failure : failure with { TargetState = TargetState.Indeterminate };
        }
    }

    private async ValueTask<FlashResult<FlashOutcome>> AfterArmingAsync(StagedImage staged, FlashResult<ArmingEvidence> evidence, CancellationToken cancellationToken)
    {
        if (!evidence.TryGetValue(out var arming, out var failure))
        {
            // What left the client is known here, whatever a scheduler makes of it.
            return await AfterFailedArmingAsync(failure, isUnsent: _connection.ArmingEffect is null or FaultEffect.NotSent).ConfigureAwait(false);
        }

        if (_phase != Phase.Arming)
        {
            // Without the announcement the arming step never left the client: this scheduler says what is not so.
            return await AbandonAsync(new ArmingEvidenceRejected { Stage = FlashStage.Arm, TargetId = _target.Id, Detail = "the scheduler did not announce the arming step" }).ConfigureAwait(false);
        }

        if (!ScheduledFlash.TryCreate(staged, arming).TryGetValue(out var scheduled, out failure))
        {
            return await AfterFailedArmingAsync(failure).ConfigureAwait(false);
        }

        _phase = Phase.Armed;
        _scheduled = scheduled;
        if (!(await _journal.AppendAsync(FlashJournalRecordKind.Armed, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure))
        {
            return await AfterFailedArmingAsync(failure).ConfigureAwait(false);
        }

        return await RebootAsync(scheduled, cancellationToken).ConfigureAwait(false);
    }

    // For one step, which may announce itself once: a plug-in that was given up goes on somewhere, and must not arm what this run has answered for.
    private async ValueTask<FlashResult<Done>> JournalArmIntentAsync(int step, ArmingBaseline baseline, CancellationToken cancellationToken)
    {
        if (MissedWindow.Find(_policy, _report, baseline.Offer, _services.Time.GetUtcNow()) is { } missed)
        {
            return missed with { Stage = FlashStage.Arm, TargetId = _target.Id, TargetState = TargetState.Untouched };
        }

        if (step != Volatile.Read(ref _armingStep))
        {
            return Withdrawn();
        }

        _journal.Set(r => r with { Boot = baseline.Boot, Method = baseline.Offer.Method.Name, FlashesAtOnce = baseline.Offer.FlashesAtOnce, WritesBeforeRestart = baseline.Offer.WritesBeforeRestart });
        var result = await _journal.AppendAsync(FlashJournalRecordKind.ArmIntent, cancellationToken).ConfigureAwait(false);
        if (!result.TryGetValue(out _, out _))
        {
            return result;
        }

        lock (_arming)
        {
            if (step != _armingStep)
            {
                return Withdrawn();
            }

            // From here on only the target can tell; the intent itself is what a later look is compared with.
            _armingStep++;
            _phase = Phase.Arming;
            _connection.BeginArming();
        }

        return _journal.ToScheduled().TryGetValue(out _scheduled, out var failure) ? result : failure;

        OperationCancelled Withdrawn() => new() { Stage = FlashStage.Arm, TargetId = _target.Id, Detail = "the arming step was given up, or has been announced before" };
    }

    // Whatever became of the step: nothing of it may arm from now on.
    private void EndArming()
    {
        lock (_arming)
        {
            _armingStep++;
            (_connection.MayArm, _connection.BeforeCommit) = (false, null);
        }
    }

    // ---- The restart, and what came of it ----
    private async ValueTask<FlashResult<FlashOutcome>> RebootAsync(ScheduledFlash scheduled, CancellationToken cancellationToken)
    {
        if (scheduled.FlashesAtOnce)
        {
            _rebootIntendedAt = _services.Time.GetUtcNow();
            if (!WritesBeforeRestart(scheduled))
            {
                return await ConfirmAsync(scheduled, cancellationToken).ConfigureAwait(false);
            }
        }

        if (_policy.Reboot == RebootMode.LeaveToOperator || _report is not { Evidence.CanReboot: true })
        {
            return await ConcludeAsync(
                new Pending
                {
                    Components = scheduled.Components,
                    Verification = scheduled.Verification,
                    Notes = _policy.Reboot == RebootMode.LeaveToOperator ? ["the restart is left to the operator"] : ["no endpoint can restart the target: restart it by other means, then confirm"],
                },
                isFinal: false).ConfigureAwait(false);
        }

        // FAT promises nothing against power loss, and minutes may lie between arming and here: look once more at what would be flashed.
        var (inspected, hasApplied) = await InspectBeforeRestartAsync(scheduled, cancellationToken).ConfigureAwait(false);
        if (!inspected.TryGetValue(out var state, out var failure))
        {
            // What flashes at once may be away because it does.
            return scheduled.FlashesAtOnce && failure is ConnectionFailure
                ? await ConfirmAsync(scheduled, cancellationToken).ConfigureAwait(false)
                : await LeaveOpenAsync(failure with { TargetState = WritesBeforeRestart(scheduled) ? TargetState.Flashing : TargetState.Armed }).ConfigureAwait(false);
        }

        if ((scheduled.FlashesAtOnce || hasApplied) && state.Phase == ArmedPhase.None)
        {
            // It has been written, or has failed, or the target restarts by itself: what there is to see tells.
            return await ConfirmAsync(scheduled, cancellationToken).ConfigureAwait(false);
        }

        if (scheduled.FindDifference(state) is { } difference)
        {
            return await AfterFailedArmingAsync(difference).ConfigureAwait(false);
        }

        // The restart comes when the delay is over.
        var delay = MissedWindow.DelayOf(_policy, _report);
        if (MissedWindow.Find(_policy.Window, delay, _services.Time.GetUtcNow()) is { } missed)
        {
            return await AfterFailedArmingAsync(missed with { Stage = FlashStage.Reboot, TargetId = _target.Id }).ConfigureAwait(false);
        }

        _restartDelay = delay;
        _journal.Set(r => r with { RebootDelay = _restartDelay });
        if (!(await _journal.AppendAsync(FlashJournalRecordKind.RebootIntent, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure))
        {
            return await AfterFailedArmingAsync(failure).ConfigureAwait(false);
        }

        _rebootIntendedAt = _services.Time.GetUtcNow();
        var requested = await StageCallAsync(_services.Scheduler, FlashStage.Reboot, (_services.Scheduler, _context, scheduled), static (s, t) => s.Scheduler.RebootAsync(s._context, s.scheduled, t), cancellationToken, _policy.RebootDelay).ConfigureAwait(false);
        if (requested.TryGetValue(out var reboot, out failure))
        {
            _scheduled = scheduled = scheduled.WithReboot(reboot);
            if (reboot.Delay > _restartDelay)
            {
                _restartDelay = LongestTimer.Cut(reboot.Delay);
                _journal.Set(r => r with { RebootDelay = _restartDelay });
            }

            // Only an observation: the intent is in the journal already, and evidence decides.
            await _journal.AppendAsync(FlashJournalRecordKind.RebootRequested, CancellationToken.None).ConfigureAwait(false);
        }
        else if (failure.TargetState is TargetState.Armed)
        {
            return await AfterFailedArmingAsync(failure is RebootRefused or ConnectionFailure or ArmedCopyDiffers or ForeignCapsulePending or ArmingUnconfirmed or WindowMissed ? failure : new RebootRefused { Stage = FlashStage.Reboot, TargetId = _target.Id, TargetAddress = failure.TargetAddress, PeerCode = failure.PeerCode, Detail = failure.Message }).ConfigureAwait(false);
        }

        // Otherwise the answer is missing: it may restart. Only looking tells.
        cancellationToken.ThrowIfCancellationRequested();
        return await ConfirmAsync(scheduled, cancellationToken).ConfigureAwait(false);
    }

    // Records from before it was kept do not have it: then the target's own offer tells.
    private bool WritesBeforeRestart(ScheduledFlash scheduled) =>
        scheduled.WritesBeforeRestart
        || (_report is not null
            && _report.Evidence.Armed.TryGet(out var armed)
            && !armed.Offers.IsDefault
            && armed.Offers.Any(o => o.Method == scheduled.Method && o.WritesBeforeRestart));

    /// <summary>Looks at what is armed, and looks again for as long as the target is writing: a restart would interrupt it.</summary>
    private async ValueTask<(FlashResult<ArmedState> State, bool HasApplied)> InspectBeforeRestartAsync(ScheduledFlash scheduled, CancellationToken cancellationToken)
    {
        var start = _services.Time.GetTimestamp();
        for (var looks = 0; ; looks++)
        {
            var inspected = await StageCallAsync(_services.Scheduler, FlashStage.Reboot, (_services.Scheduler, _context), static (s, t) => s.Scheduler.InspectAsync(s._context, t), cancellationToken).ConfigureAwait(false);
            if (!inspected.TryGetValue(out var state, out _) || state.Phase != ArmedPhase.Applying)
            {
                return (inspected, looks > 0);
            }

            if (_services.Time.GetElapsedTime(start) >= _policy.Deadlines.Return)
            {
                return (new DeadlineExceeded { Stage = FlashStage.Reboot, TargetId = _target.Id, TargetState = TargetState.Flashing, Detail = $"the target has been writing for {_policy.Deadlines.Return}, and has not been restarted" }, true);
            }

            _context.Report(FlashStage.Reboot);
            await Task.Delay(_policy.Deadlines.PollInterval, _services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<FlashResult<FlashOutcome>> ConfirmAsync(ScheduledFlash scheduled, CancellationToken cancellationToken)
    {
        var looked = await LookAsync(scheduled, ReturnOf(scheduled), cancellationToken).ConfigureAwait(false);
        return looked.TryGetValue(out var evidence, out var failure)
            ? await SettleAsync(scheduled, evidence).ConfigureAwait(false)
            : await LeaveOpenAsync(failure with { TargetState = TargetState.Indeterminate }).ConfigureAwait(false);
    }

    private async ValueTask<FlashResult<ConfirmationEvidence>> LookAsync(ScheduledFlash scheduled, TimeSpan wait, CancellationToken cancellationToken)
    {
        var looked = await StageCallAsync(
            _services.Confirmer,
            FlashStage.Confirm,
            (_services.Confirmer, _context, scheduled, wait),
            static (s, t) => s.Confirmer.ConfirmAsync(s._context, s.scheduled, s.wait, t),
            cancellationToken,
            wait).ConfigureAwait(false);

        if (looked.TryGetValue(out var seen, out _) && seen.Facts is null)
        {
            // Every end looks through here, the one after a surprise, too: nothing may trip over it again.
            return new PlugInFault { PlugIn = _services.Confirmer.GetType().Name, Stage = FlashStage.Confirm, TargetId = _target.Id, Detail = "the confirmer answered without facts" };
        }

        // How long it has been away is measured from the restart, not from when somebody began to wait.
        return looked.TryGetValue(out var evidence, out var failure)
            ? evidence with { WaitedToTheEnd = _rebootIntendedAt is { } since && _services.Time.GetUtcNow() - since >= ReturnOf(scheduled) }
            : failure;
    }

    // From the request for the restart; it comes when the delay is over: the one that was asked for, whatever this run's policy says.
    private TimeSpan ReturnOf(ScheduledFlash scheduled) =>
        _policy.Deadlines.Return + (scheduled.FlashesAtOnce && !WritesBeforeRestart(scheduled) ? TimeSpan.Zero : _restartDelay ?? _policy.RebootDelay);

    // ---- Helpers ----
    private async ValueTask<FlashResult<TargetReport>> ProbeAsync(CancellationToken cancellationToken)
    {
        var probed = await StageCallAsync(_services.Probe, FlashStage.Probe, (_services.Probe, _context), static (s, t) => s.Probe.ProbeAsync(s._context, FactKinds.All, t), cancellationToken).ConfigureAwait(false);
        if (!probed.TryGetValue(out var evidence, out var failure) || !TargetReport.TryCreate(_target, evidence).TryGetValue(out var report, out failure))
        {
            return failure with { TargetId = _target.Id, TargetState = TargetState.Untouched };
        }

        // The same machine for the whole run, however often it is probed.
        if (report.Facts.Identity.TryGet(out var identity))
        {
            if (_identity is not null && _identity.CompareWith(identity) is var match and not IdentityMatch.Same)
            {
                FlashFailure changed = match is IdentityMatch.Different ? new TargetIdentityChanged() : new TargetIdentityUnknown();
                return changed with { Stage = FlashStage.Probe, TargetId = _target.Id, TargetState = TargetState.Indeterminate, Detail = "the machine that answers now is not proved to be the one that answered before" };
            }

            _identity ??= identity.IsIdentifying ? identity : null;
        }

        _report = report;
        return report;
    }

    private async ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(TargetIdentity? identity, CancellationToken cancellationToken)
    {
        var read = await _services.GuardAsync(
            _services.Journal.GetType().Name,
            _target,
            FlashStage.Reconcile,
            TimeSpan.FromMinutes(1),
            (_services.Journal, _target.Id, identity),
            static (s, t) => s.Journal.ReadOpenAsync(s.Id, s.identity, t),
            cancellationToken).ConfigureAwait(false);
        if (!read.TryGetValue(out var records, out var failure))
        {
            // Without the journal nobody knows what an earlier run did to this target.
            return failure with { Stage = FlashStage.Reconcile, TargetId = _target.Id, TargetState = TargetState.Indeterminate };
        }

        return records.IsDefault ? [] : records;
    }

    // A stage that is told to wait has its own time after that.
    private ValueTask<FlashResult<T>> StageCallAsync<TState, T>(object plugIn, FlashStage stage, TState state, Func<TState, CancellationToken, ValueTask<FlashResult<T>>> call, CancellationToken cancellationToken, TimeSpan wait = default)
        where T : notnull
    {
        Log.StageBegins(_services.Logger, _target.Id, stage);
        var activity = RomFlashTelemetry.Source.StartActivity("romflash.stage");
        activity?.SetTag("romflash.stage", stage.ToString());
        var task = _services.GuardAsync(plugIn.GetType().Name, _target, stage, _policy.Deadlines.Stage + wait, state, call, cancellationToken);
        if (task.IsCompletedSuccessfully)
        {
            var result = task.Result;
            activity?.Dispose();
            ThrowIfCancelled(result, cancellationToken);
            return new(result);
        }

        return AwaitAsync(task, activity, cancellationToken);

        static async ValueTask<FlashResult<T>> AwaitAsync(ValueTask<FlashResult<T>> pending, Activity? activity, CancellationToken token)
        {
            using var ended = activity;
            var result = await pending.ConfigureAwait(false);
            ThrowIfCancelled(result, token);
            return result;
        }

        // A stage may answer a cancellation with a failure; it is a cancellation all the same.
        static void ThrowIfCancelled(FlashResult<T> result, CancellationToken token)
        {
            if (token.IsCancellationRequested && !result.TryGetValue(out _, out _))
            {
                throw new OperationCanceledException(token);
            }
        }
    }

    private FlashReport Describe(FlashResult<FlashOutcome> result) => new()
    {
        Target = _target,
        Result = result.TryGetValue(out var outcome, out var failure)
            ? outcome is Upgraded && !_completed.IsEmpty ? outcome with { Components = [.. _completed.Union(outcome.Components)] } : outcome
            : !_completed.IsEmpty && failure.TargetState is TargetState.Untouched or TargetState.Prepared or TargetState.PreviousRomIntact
                ? failure with { TargetId = _target.Id, TargetState = TargetState.RomChanged }
                : failure with { TargetId = _target.Id },
        OperationId = _context.OperationId,
        Probe = _report,
        Blockers = _blockers,
        Waived = _waived,
        Catalogs = _catalogs,
        Components = _components,
        Completed = _completed,
        Recovery = _recovery,
        Verification = _verification,
        HadClaim = _hadClaim,
        PlanHash = _request.Plan?.PlanHash ?? default,
    };

    private FlashReport End(FlashReport report, long start, Activity? activity, bool isUpgrade = true)
    {
        report = report with { Duration = _services.Time.GetElapsedTime(start) };
        var code = report.Result.TryGetValue(out _, out var failure) ? null : failure.Code;
        activity?.SetTag("romflash.outcome", report.Outcome.ToString());
        activity?.SetTag("romflash.code", code);
        if (failure is null)
        {
            Log.UpgradeEnded(_services.Logger, report.OperationId, UntrustedText.ForLog(_target.Id), report.Outcome);
        }
        else
        {
            activity?.SetStatus(ActivityStatusCode.Error, failure.Code);
            Log.UpgradeFailed(_services.Logger, report.OperationId, UntrustedText.ForLog(_target.Id), failure.Code, failure);
        }

        if (!isUpgrade)
        {
            return report;
        }

        RomFlashTelemetry.UpgradeEnded(report.Outcome.ToString(), code, report.Duration);
        return report;
    }
}
