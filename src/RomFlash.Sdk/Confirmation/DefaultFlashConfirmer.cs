using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Confirmation;

/// <summary>Looks again and again until the evidence is settled or the time is over. Being unreachable is evidence, too.</summary>
internal sealed class DefaultFlashConfirmer : IFlashConfirmer
{
    private const FactKinds Wanted = FactKinds.Identity | FactKinds.Boot | FactKinds.Roms | FactKinds.Readiness;

    public async ValueTask<FlashResult<ConfirmationEvidence>> ConfirmAsync(StageContext context, ScheduledFlash scheduled, TimeSpan wait, CancellationToken cancellationToken)
    {
        var start = context.TimeProvider.GetTimestamp();
        long? bootedAt = null;
        while (true)
        {
            context.Report(FlashStage.Confirm);
            if (wait > TimeSpan.Zero)
            {
                // A target that boots has dropped its sessions, whether or not they noticed: a look through one of them would be lost.
                await context.Connection.ResetAsync().ConfigureAwait(false);
            }

            var look = await FactReader.ReadAsync(context, Wanted, FlashStage.Confirm, wait > TimeSpan.Zero ? 0 : context.Policy.Deadlines.ReadRetries, cancellationToken).ConfigureAwait(false);
            var answered = look.TryGetValue(out var facts, out var failure);
            var remaining = wait - context.TimeProvider.GetElapsedTime(start);
            if (answered && facts.Facts.Boot.TryGet(out var boot) && boot.IsSameBootAs(scheduled.BootBefore) is false)
            {
                bootedAt ??= context.TimeProvider.GetTimestamp();
            }

            var hasSettled = bootedAt is { } since && context.TimeProvider.GetElapsedTime(since) >= context.Policy.Deadlines.Settle;
            if ((answered && (hasSettled || IsSettled(scheduled, facts.Facts))) || remaining <= TimeSpan.Zero)
            {
                return new ConfirmationEvidence
                {
                    Answered = answered,
                    Facts = answered ? facts.Facts : new TargetFacts(),
                    Armed = answered ? await ReadArmedAsync(context, cancellationToken).ConfigureAwait(false) : Fact<ArmedState>.Unknown("the target does not answer"),
                    LastFailure = failure,
                };
            }

            var interval = context.Policy.Deadlines.PollInterval;
            await Task.Delay(remaining < interval ? remaining : interval, context.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    // Settled is what more waiting can't better: the promised versions, another machine, a machine in recovery, or a device that says that it failed.
    private static bool IsSettled(ScheduledFlash scheduled, TargetFacts facts)
    {
        var decided = FlashOutcome.Decide(scheduled, new ConfirmationEvidence { Answered = true, Facts = facts });
        return decided.TryGetValue(out var outcome, out var failure)
            ? outcome is Upgraded
            : failure is TargetIdentityChanged or FailureDuringFlash || (failure is FlashNotApplied && SaysThatItFailed(scheduled, facts));
    }

    // The same status as before the flash may be that of an older attempt.
    private static bool SaysThatItFailed(ScheduledFlash scheduled, TargetFacts facts) =>
        facts.Roms.TryGet(out var roms)
        && scheduled.Components.Any(c => roms.Any(r => r.Id == c.ComponentId && r.LastAttempt.TryGet(out var attempt) && attempt.HasFailedSince(c.AttemptBefore)));

    private static async ValueTask<Fact<ArmedState>> ReadArmedAsync(StageContext context, CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAsync<IArmingCapability>(FlashStage.Confirm, cancellationToken).ConfigureAwait(false)).TryGetValue(out var arming, out var failure))
        {
            return Fact<ArmedState>.Unknown(failure.Message);
        }

        var result = await arming.Capability.ReadArmedStateAsync(withDigests: false, cancellationToken).ConfigureAwait(false);
        return result.TryGetValue(out var state, out var fault) ? state : Fact<ArmedState>.Unknown(fault.ToString());
    }
}
