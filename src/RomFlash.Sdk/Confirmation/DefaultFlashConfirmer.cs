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
            if ((answered && IsSettled(scheduled, facts.Facts)) || remaining <= TimeSpan.Zero)
            {
                return new ConfirmationEvidence
                {
                    Answered = answered,
                    Facts = answered ? facts.Facts : new TargetFacts(),
                    Armed = answered ? await ReadArmedAsync(context, cancellationToken).ConfigureAwait(false) : Fact<ArmedState>.Unknown("the target does not answer"),
                    WaitedToTheEnd = wait > TimeSpan.Zero && remaining <= TimeSpan.Zero,
                    LastFailure = failure,
                };
            }

            var interval = context.Policy.Deadlines.PollInterval;
            await Task.Delay(remaining < interval ? remaining : interval, context.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    // Settled is what more waiting can't better: another machine, a machine in recovery, or a new boot whose versions can be read.
    private static bool IsSettled(ScheduledFlash scheduled, TargetFacts facts)
    {
        if (!facts.Identity.TryGet(out var identity))
        {
            return false;
        }

        if (scheduled.Identity.CompareWith(identity) == IdentityMatch.Different)
        {
            return true;
        }

        if (facts.Readiness.TryGet(out var readiness) && readiness.InRecovery.TryGet(out var inRecovery) && inRecovery)
        {
            return true;
        }

        return facts.Boot.TryGet(out var boot) && boot != scheduled.BootBefore && facts.Roms.IsKnown;
    }

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
