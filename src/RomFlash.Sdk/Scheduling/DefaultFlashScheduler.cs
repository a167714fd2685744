using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Scheduling;

/// <summary>Arms late: everything is read again right before, and what is armed is read back right after.</summary>
internal sealed class DefaultFlashScheduler : IFlashScheduler
{
    /// <summary>How many components one boot of a target can flash by the way that would be chosen; 1 where nobody can tell.</summary>
    public static int MostComponents(TargetReport report, FlashPolicy policy) =>
        report.Evidence.Armed.TryGet(out var armed) ? Choose(armed, policy)?.MaxComponents ?? 1 : 1;

    /// <summary>Why a target can't be armed, in the transport's words where it has some.</summary>
    public static string WhyNoOffer(ArmedState state) => string.IsNullOrEmpty(state.WhyNoOffer) ? "the target offers no way to arm a flash over this transport" : state.WhyNoOffer;

    /// <summary>Chooses the way to arm: one that can be taken back and does not flash at once where there is one.</summary>
    /// <returns>The offer, or null when policy allows none of them.</returns>
    public static ArmingOffer? Choose(ArmedState state, FlashPolicy policy)
    {
        // A loop: this is asked several times in every upgrade. Of equals the first wins.
        ArmingOffer? best = null;
        foreach (var offer in state.Offers.IsDefault ? [] : state.Offers)
        {
            if (offer is not null
                && offer.MaxComponents >= 1
                && (!offer.FlashesAtOnce || policy.AllowImmediateFlash)
                && (best is null || IsBetter(offer, best)))
            {
                best = offer;
            }
        }

        return best;

        static bool IsBetter(ArmingOffer one, ArmingOffer other) =>
            one.FlashesAtOnce == other.FlashesAtOnce ? one.CanDisarm && !other.CanDisarm : !one.FlashesAtOnce;
    }

    public ValueTask<FlashResult<ArmedState>> InspectAsync(StageContext context, CancellationToken cancellationToken) =>
        RepeatedReading.RunAsync(context, () => InspectOnceAsync(context, FlashStage.Arm, cancellationToken), cancellationToken);

    public async ValueTask<FlashResult<ArmingEvidence>> ArmAsync(
        StageContext context,
        StagedImage staged,
        Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming,
        CancellationToken cancellationToken)
    {
        if (!(await ReadBaselineAsync(context, staged.Approved, cancellationToken).ConfigureAwait(false)).TryGetValue(out var baseline, out var failure)
            || !(await context.Connection.GetAsync<IArmingCapability>(FlashStage.Arm, cancellationToken).ConfigureAwait(false)).TryGetValue(out var arming, out failure)
            || !(await beforeArming(baseline, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure))
        {
            return failure.TargetState is TargetState.Armed or TargetState.Flashing ? failure : failure with { TargetState = TargetState.Prepared };
        }

        var armed = await arming.Capability.ArmAsync(new ArmRequest(staged.Manifest, baseline.Offer.Method), cancellationToken).ConfigureAwait(false);
        if (armed.TryGetValue(out _, out var fault))
        {
            return await LookAfterAsync(context, staged.Manifest.Id, baseline, null, cancellationToken).ConfigureAwait(false);
        }

        failure = fault.ToFailure(FlashStage.Arm, context.Target, arming.Endpoint, TargetState.Prepared);
        return fault.Effect == FaultEffect.NotSent ? failure : await LookAfterAsync(context, staged.Manifest.Id, baseline, failure, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<FlashResult<ArmingEvidence>> ArmByDepositAsync(
        StageContext context,
        ApprovedUpgrade approved,
        DepositKey deposit,
        Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<StagedImage>>> makeDeposit,
        CancellationToken cancellationToken)
    {
        if (!(await ReadBaselineAsync(context, approved, cancellationToken).ConfigureAwait(false)).TryGetValue(out var baseline, out var failure))
        {
            return failure.TargetState is TargetState.Armed or TargetState.Flashing ? failure : failure with { TargetState = TargetState.Untouched };
        }

        if ((await makeDeposit(baseline, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure))
        {
            return await LookAfterAsync(context, deposit.Id, baseline, null, cancellationToken).ConfigureAwait(false);
        }

        // Without its last bytes a deposit is nothing; with them, and without an answer, only the target can tell.
        if (failure.TargetState is TargetState.Untouched or TargetState.Prepared)
        {
            // Refused, perhaps, because something else has been armed meanwhile: then that is what the target will do.
            return failure is ServiceBusy
                && (await InspectAsync(context, cancellationToken).ConfigureAwait(false)).TryGetValue(out var now, out _)
                && FindObstacle(context, approved, now, out _) is { } obstacle
                    ? obstacle with { Stage = FlashStage.Arm, TargetId = context.Target.Id }
                    : failure;
        }

        var looked = await LookAfterAsync(context, deposit.Id, baseline, failure, cancellationToken).ConfigureAwait(false);
        return looked.TryGetValue(out var evidence, out var seen)
            ? failure with { TargetState = evidence.Armed.Phase == ArmedPhase.None ? TargetState.Indeterminate : StateOf(evidence.Armed) }
            : seen;
    }

    public async ValueTask<FlashResult<ArmedState>> DisarmAsync(StageContext context, string depositId, CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAsync<IArmingCapability>(FlashStage.Cancel, cancellationToken).ConfigureAwait(false)).TryGetValue(out var arming, out var failure))
        {
            return failure with { TargetState = TargetState.Indeterminate };
        }

        var result = await arming.Capability.DisarmAsync(depositId, cancellationToken).ConfigureAwait(false);

        // The target's own state decides, whatever the answer was.
        if ((await InspectAsync(context, cancellationToken).ConfigureAwait(false)).TryGetValue(out var after, out failure))
        {
            if (!after.Foreign.IsDefaultOrEmpty)
            {
                // What can't be told apart from ours may be ours: the next boot flashes something.
                return new ForeignCapsulePending { Stage = FlashStage.Cancel, TargetId = context.Target.Id, Detail = string.Join(", ", after.Foreign.Select(f => f.Name)) };
            }

            if (after.Phase == ArmedPhase.None || !string.Equals(after.DepositId, depositId, StringComparison.Ordinal))
            {
                // A target that refuses although nothing shows: it has been written, and waits for a restart.
                return !result.TryGetValue(out _, out var notTaken) && notTaken.Kind == TransportFaultKind.Unsupported
                    ? new DisarmNotPossible { Stage = FlashStage.Cancel, TargetId = context.Target.Id, TargetState = TargetState.Indeterminate, Detail = notTaken.Detail, PeerCode = notTaken.PeerCode }
                    : after;
            }

            return result.TryGetValue(out _, out var refused)
                ? new DisarmNotPossible { Stage = FlashStage.Cancel, TargetId = context.Target.Id, TargetState = StateOf(after), Detail = "the target said that it was disarmed, but it is not" }
                : refused.ToFailure(FlashStage.Cancel, context.Target, arming.Endpoint, StateOf(after));
        }

        return result.TryGetValue(out _, out var fault)
            ? failure with { TargetState = TargetState.Indeterminate }
            : fault.ToFailure(FlashStage.Cancel, context.Target, arming.Endpoint, TargetState.Indeterminate);
    }

    public async ValueTask<FlashResult<RebootEvidence>> RebootAsync(StageContext context, ScheduledFlash scheduled, CancellationToken cancellationToken)
    {
        context.Report(FlashStage.Reboot);
        if (!(await context.Connection.GetAsync<IPowerCapability>(FlashStage.Reboot, cancellationToken).ConfigureAwait(false)).TryGetValue(out var power, out var failure))
        {
            return failure with { TargetState = TargetState.Armed };
        }

        var request = new RebootRequest(context.Policy.RebootDelay, context.Policy.RebootMessage, context.Policy.ForceReboot);
        if (power.Capability.RestartsAtOnce && request.Delay > TimeSpan.Zero)
        {
            // Kept here: whoever cancels meanwhile still finds a target that was not asked.
            await Task.Delay(request.Delay, context.TimeProvider, cancellationToken).ConfigureAwait(false);
            request = request with { Delay = TimeSpan.Zero };
            if (context.Policy.Window.IsOver(context.TimeProvider.GetUtcNow()))
            {
                return new WindowMissed { Stage = FlashStage.Reboot, TargetId = context.Target.Id, TargetState = TargetState.Armed, Detail = $"it closed at {context.Policy.Window.Closes:u}, while the restart was put off" };
            }

            // What was looked at before the delay may not be so any more.
            if (!(await InspectAsync(context, cancellationToken).ConfigureAwait(false)).TryGetValue(out var now, out failure))
            {
                return failure with { Stage = FlashStage.Reboot, TargetState = TargetState.Armed };
            }

            if (now.Phase == ArmedPhase.Applying)
            {
                return new ServiceBusy { Stage = FlashStage.Reboot, TargetId = context.Target.Id, TargetAddress = power.Endpoint.ToString(), TargetState = TargetState.Flashing, Detail = "the target has begun to write, and is not restarted" };
            }

            if (scheduled.FindDifference(now) is { } difference)
            {
                // Nothing was asked of it: what is armed is armed still, whatever it is.
                return difference with { Stage = FlashStage.Reboot, TargetId = context.Target.Id, TargetState = now.Phase == ArmedPhase.Armed ? TargetState.Armed : difference.TargetState };
            }
        }

        // Another endpoint than the one that was probed may serve it by now, with a delay of its own.
        var delay = power.Capability.DelayOf(request.Delay);
        if (MissedWindow.Find(context.Policy.Window, delay, context.TimeProvider.GetUtcNow()) is { } missed)
        {
            return missed with { Stage = FlashStage.Reboot, TargetId = context.Target.Id, TargetState = TargetState.Armed };
        }

        var result = await power.Capability.ScheduleRebootAsync(request, cancellationToken).ConfigureAwait(false);
        return result.TryGetValue(out _, out var fault)
            ? new RebootEvidence(delay, power.Endpoint.ToString())
            : fault.ToFailure(FlashStage.Reboot, context.Target, power.Endpoint, fault.Effect == FaultEffect.NotSent ? TargetState.Armed : TargetState.Indeterminate);
    }

    public async ValueTask<FlashResult<Done>> AbortRebootAsync(StageContext context, CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAsync<IPowerCapability>(FlashStage.Cancel, cancellationToken).ConfigureAwait(false)).TryGetValue(out var power, out var failure))
        {
            return failure with { TargetState = TargetState.Armed };
        }

        var result = await power.Capability.AbortRebootAsync(cancellationToken).ConfigureAwait(false);
        if (result.TryGetValue(out var done, out var fault))
        {
            return done;
        }

        return fault.Kind == TransportFaultKind.Busy
            ? new CancellationRefused { Stage = FlashStage.Cancel, TargetId = context.Target.Id, TargetAddress = power.Endpoint.ToString(), PeerCode = fault.PeerCode, Detail = fault.Detail }
            : fault.ToFailure(FlashStage.Cancel, context.Target, power.Endpoint, TargetState.Armed);
    }

    private static TargetState StateOf(ArmedState state) => state.Phase switch
    {
        ArmedPhase.Armed => TargetState.Armed,
        ArmedPhase.Prepared => TargetState.Prepared,
        ArmedPhase.Applying => TargetState.Flashing,
        _ => TargetState.Untouched,
    };

    // Everything is read again, right before.
    private async ValueTask<FlashResult<ArmingBaseline>> ReadBaselineAsync(StageContext context, ApprovedUpgrade approved, CancellationToken cancellationToken)
    {
        context.Report(FlashStage.Arm);
        var read = await FactReader.ReadAsync(context, FactKinds.Identity | FactKinds.Boot, FlashStage.Arm, context.Policy.Deadlines.ReadRetries, cancellationToken).ConfigureAwait(false);
        if (!read.TryGetValue(out var facts, out var failure))
        {
            return failure with { TargetState = TargetState.Prepared };
        }

        if (FindIdentityProblem(approved, facts.Facts) is { } problem)
        {
            return problem with { Stage = FlashStage.Arm, TargetId = context.Target.Id, TargetState = TargetState.Prepared };
        }

        if (!facts.Facts.Identity.TryGet(out var identity) || !facts.Facts.Boot.TryGet(out var boot))
        {
            return new TargetNotReady { Stage = FlashStage.Arm, TargetId = context.Target.Id, TargetState = TargetState.Prepared, Condition = "boot-identity", Detail = $"the boot identity can't be read ({facts.Facts.Boot.WhyUnknown}), so nobody could say later that it booted" };
        }

        if (!(await InspectAsync(context, cancellationToken).ConfigureAwait(false)).TryGetValue(out var before, out failure))
        {
            return failure with { TargetState = TargetState.Prepared };
        }

        return FindObstacle(context, approved, before, out var offer) is { } obstacle
            ? obstacle with { Stage = FlashStage.Arm, TargetId = context.Target.Id }
            : new ArmingBaseline(identity, boot, offer!);
    }

    private static FlashFailure? FindIdentityProblem(ApprovedUpgrade approved, TargetFacts facts)
    {
        if (!facts.Identity.TryGet(out var identity))
        {
            return new TargetIdentityUnknown { Detail = facts.Identity.WhyUnknown };
        }

        return approved.Identity.CompareWith(identity) switch
        {
            IdentityMatch.Same => null,
            IdentityMatch.Different => new TargetIdentityChanged { Detail = "the machine that answers now is not the one that was probed" },
            _ => new TargetIdentityUnknown { Detail = "the machine that answers now is not proved to be the one that was probed" },
        };
    }

    private static FlashFailure? FindObstacle(StageContext context, ApprovedUpgrade approved, ArmedState state, out ArmingOffer? offer)
    {
        offer = Choose(state, context.Policy);
        if (!state.Foreign.IsDefaultOrEmpty)
        {
            return new ForeignCapsulePending { TargetState = state.Phase == ArmedPhase.Applying ? TargetState.Flashing : TargetState.Armed, Detail = string.Join(", ", state.Foreign.Select(f => f.Name)) };
        }

        if (state.Phase != ArmedPhase.None)
        {
            return new AnotherFlashPending { TargetState = StateOf(state), Detail = $"deposit '{state.DepositId}' is {state.Phase}" };
        }

        if (offer is null)
        {
            return state.Offers.IsDefaultOrEmpty
                ? new ArmingNotPossible { TargetState = TargetState.Prepared, Detail = WhyNoOffer(state) }
                : new ImmediateFlashNotAllowed { TargetState = TargetState.Prepared };
        }

        return offer.MaxComponents < approved.Components.Length
            ? new ArmingNotPossible { TargetState = TargetState.Prepared, Detail = $"one boot can flash {offer.MaxComponents} component(s), {approved.Components.Length} are approved" }
            : null;
    }

    private static async ValueTask<FlashResult<ArmedState>> InspectOnceAsync(StageContext context, FlashStage stage, CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAsync<IArmingCapability>(stage, cancellationToken).ConfigureAwait(false)).TryGetValue(out var arming, out var failure))
        {
            return failure is CapabilityMissing
                ? new ArmingNotPossible { Stage = stage, TargetId = context.Target.Id, Detail = failure.Detail }
                : failure;
        }

        var result = await arming.Capability.ReadArmedStateAsync(withDigests: true, cancellationToken).ConfigureAwait(false);
        return result.TryGetValue(out var state, out var fault)
            ? state
            : fault.ToFailure(stage, context.Target, arming.Endpoint, TargetState.Indeterminate);
    }

    // The arming step was sent: the target's own state tells whether it took effect, not the answer.
    private async ValueTask<FlashResult<ArmingEvidence>> LookAfterAsync(StageContext context, string depositId, ArmingBaseline baseline, FlashFailure? refused, CancellationToken cancellationToken)
    {
        if (!(await InspectAsync(context, cancellationToken).ConfigureAwait(false)).TryGetValue(out var after, out var failure))
        {
            if (refused is null && baseline.Offer.FlashesAtOnce)
            {
                // It is flashing: it may well be away. Confirmation decides by evidence.
                return new ArmingEvidence { Baseline = baseline, DepositId = depositId, Armed = new ArmedState { Phase = ArmedPhase.None } };
            }

            return refused is null ? failure with { TargetState = baseline.Offer.WritesBeforeRestart ? TargetState.Flashing : TargetState.Armed } : refused with { TargetState = TargetState.Indeterminate };
        }

        if (refused is not null && (after.Phase is not (ArmedPhase.Armed or ArmedPhase.Applying) || !string.Equals(after.DepositId, depositId, StringComparison.Ordinal)))
        {
            var state = baseline.Offer.FlashesAtOnce ? TargetState.Indeterminate : StateOf(after) is TargetState.Untouched ? TargetState.Prepared : StateOf(after);
            return refused with { TargetState = state };
        }

        return new ArmingEvidence { Baseline = baseline, DepositId = depositId, Armed = after };
    }
}
