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

    public async ValueTask<FlashResult<ArmedState>> InspectAsync(StageContext context, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var result = await InspectOnceAsync(context, FlashStage.Arm, cancellationToken).ConfigureAwait(false);
            if (result.TryGetValue(out _, out var failure) || attempt >= context.Policy.Deadlines.ReadRetries || failure is not ConnectionFailure)
            {
                return result;
            }

            await context.Connection.ResetAsync().ConfigureAwait(false);
            await Task.Delay(context.Policy.Deadlines.RetryDelay, context.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<FlashResult<ArmingEvidence>> ArmAsync(
        StageContext context,
        StagedImage staged,
        Func<ArmingBaseline, CancellationToken, ValueTask<FlashResult<Done>>> beforeArming,
        CancellationToken cancellationToken)
    {
        context.Report(FlashStage.Arm);
        var read = await FactReader.ReadAsync(context, FactKinds.Identity | FactKinds.Boot, FlashStage.Arm, context.Policy.Deadlines.ReadRetries, cancellationToken).ConfigureAwait(false);
        if (!read.TryGetValue(out var facts, out var failure))
        {
            return failure with { TargetState = TargetState.Prepared };
        }

        if (FindIdentityProblem(staged, facts.Facts) is { } problem)
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

        if (FindObstacle(context, staged, before, out var offer) is { } obstacle)
        {
            return obstacle with { Stage = FlashStage.Arm, TargetId = context.Target.Id };
        }

        if (!(await context.Connection.GetAsync<IArmingCapability>(FlashStage.Arm, cancellationToken).ConfigureAwait(false)).TryGetValue(out var arming, out failure))
        {
            return failure with { TargetState = TargetState.Prepared };
        }

        var baseline = new ArmingBaseline(identity, boot, offer!);
        if (!(await beforeArming(baseline, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out failure))
        {
            return failure with { TargetState = TargetState.Prepared };
        }

        var armed = await arming.Capability.ArmAsync(new ArmRequest(staged.Manifest, offer!.Method), cancellationToken).ConfigureAwait(false);
        if (!armed.TryGetValue(out _, out var fault) && fault.Effect == FaultEffect.NotSent)
        {
            return fault.ToFailure(FlashStage.Arm, context.Target, arming.Endpoint, TargetState.Prepared);
        }

        return await LookAfterAsync(context, staged, baseline, arming, fault, cancellationToken).ConfigureAwait(false);
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
                return after;
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
        var result = await power.Capability.ScheduleRebootAsync(request, cancellationToken).ConfigureAwait(false);
        return result.TryGetValue(out _, out var fault)
            ? new RebootEvidence(request.Delay, power.Endpoint.ToString())
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
        _ => TargetState.Untouched,
    };

    private static FlashFailure? FindIdentityProblem(StagedImage staged, TargetFacts facts)
    {
        if (!facts.Identity.TryGet(out var identity))
        {
            return new TargetIdentityUnknown { Detail = facts.Identity.WhyUnknown };
        }

        return staged.Approved.Identity.CompareWith(identity) switch
        {
            IdentityMatch.Same => null,
            IdentityMatch.Different => new TargetIdentityChanged { Detail = "the machine that answers now is not the one that was probed" },
            _ => new TargetIdentityUnknown { Detail = "the machine that answers now is not proved to be the one that was probed" },
        };
    }

    private static FlashFailure? FindObstacle(StageContext context, StagedImage staged, ArmedState state, out ArmingOffer? offer)
    {
        offer = Choose(state, context.Policy);
        if (!state.Foreign.IsDefaultOrEmpty)
        {
            return new ForeignCapsulePending { TargetState = TargetState.Armed, Detail = string.Join(", ", state.Foreign.Select(f => f.Name)) };
        }

        if (state.Phase != ArmedPhase.None)
        {
            return new AnotherFlashPending { TargetState = state.Phase == ArmedPhase.Armed ? TargetState.Armed : TargetState.Prepared, Detail = $"deposit '{state.DepositId}' is {state.Phase}" };
        }

        if (offer is null)
        {
            return state.Offers.IsDefaultOrEmpty
                ? new ArmingNotPossible { TargetState = TargetState.Prepared, Detail = "the target offers no way to arm" }
                : new ImmediateFlashNotAllowed { TargetState = TargetState.Prepared };
        }

        return offer.MaxComponents < staged.Approved.Components.Length
            ? new ArmingNotPossible { TargetState = TargetState.Prepared, Detail = $"one boot can flash {offer.MaxComponents} component(s), {staged.Approved.Components.Length} are staged" }
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
    private async ValueTask<FlashResult<ArmingEvidence>> LookAfterAsync(
        StageContext context,
        StagedImage staged,
        ArmingBaseline baseline,
        ResolvedCapability<IArmingCapability> arming,
        TransportFault? fault,
        CancellationToken cancellationToken)
    {
        if (!(await InspectAsync(context, cancellationToken).ConfigureAwait(false)).TryGetValue(out var after, out var failure))
        {
            if (fault is null && baseline.Offer.FlashesAtOnce)
            {
                // It is flashing: it may well be away. Confirmation decides by evidence.
                return new ArmingEvidence { Baseline = baseline, DepositId = staged.Manifest.Id, Armed = new ArmedState { Phase = ArmedPhase.None } };
            }

            return fault is null
                ? failure with { TargetState = TargetState.Armed }
                : fault.ToFailure(FlashStage.Arm, context.Target, arming.Endpoint, TargetState.Indeterminate);
        }

        if (fault is not null && (after.Phase != ArmedPhase.Armed || !string.Equals(after.DepositId, staged.Manifest.Id, StringComparison.Ordinal)))
        {
            var state = baseline.Offer.FlashesAtOnce ? TargetState.Indeterminate : after.Phase == ArmedPhase.Armed ? TargetState.Armed : TargetState.Prepared;
            return fault.ToFailure(FlashStage.Arm, context.Target, arming.Endpoint, state);
        }

        return new ArmingEvidence { Baseline = baseline, DepositId = staged.Manifest.Id, Armed = after };
    }
}
