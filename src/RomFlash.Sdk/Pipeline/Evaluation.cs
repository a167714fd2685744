using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>The check: the catalog's verdict, the blockers, and the key when nothing speaks against it.</summary>
internal sealed record Evaluation(
    CompatibilityVerdict Verdict,
    ImmutableArray<FlashBlocker> Blockers,
    ImmutableArray<BlockerWaiver> Waived,
    ApprovedUpgrade? Approved,
    bool IsCurrent)
{
    public static async ValueTask<FlashResult<Evaluation>> EvaluateAsync(
        ClientServices services,
        TargetReport report,
        ImmutableArray<RomImage> images,
        FlashPolicy policy,
        CancellationToken cancellationToken)
    {
        var query = new CompatibilityQuery(report, images, policy);
        var asked = await services.GuardAsync(
            services.Catalog.GetType().Name,
            report.Target,
            FlashStage.Check,
            policy.Deadlines.Operation,
            (services.Catalog, query),
            static (s, t) => s.Catalog.EvaluateAsync(s.query, t),
            cancellationToken).ConfigureAwait(false);
        if (!asked.TryGetValue(out var verdict, out var failure))
        {
            return failure with { Stage = FlashStage.Check, TargetId = report.Target.Id, TargetState = TargetState.Untouched };
        }

        var objections = Preflight.OfVerdict(report, images, verdict, policy);
        var decided = verdict.Components.IsDefault ? [] : verdict.Components;
        if (objections.IsEmpty && decided.Any(c => c.Decision == RomDecision.AlreadyCurrent) && !decided.Any(c => c.Decision == RomDecision.Approved))
        {
            // Nothing will be written, so nothing else can stand in the way.
            return new Evaluation(verdict, [], [], null, IsCurrent: true);
        }

        var bytes = decided.Where(c => c.Decision == RomDecision.Approved && !c.Path.IsDefaultOrEmpty).Sum(c => Math.Clamp(c.Path[0].Length, 0, long.MaxValue / 64));
        var found = objections.AddRange(Preflight.OfTarget(report, policy, bytes, services.Journal.ClientId, services.Time.GetUtcNow()));
        var (blockers, waived) = Waive(found, policy);
        if (!blockers.IsEmpty)
        {
            return new Evaluation(verdict, blockers, waived, null, IsCurrent: false);
        }

        var most = report.Evidence.Armed.TryGet(out var armed) ? DefaultFlashScheduler.Choose(armed, policy)?.MaxComponents ?? 1 : 1;
        return ApprovedUpgrade.TryCreate(report, images, verdict, policy, most).TryGetValue(out var approved, out failure)
            ? new Evaluation(verdict, [], waived, approved, IsCurrent: false)
            : new Evaluation(verdict, [new("verdict-rejected", failure, CanBeWaived: false)], waived, null, IsCurrent: false);
    }

    public static (ImmutableArray<FlashBlocker> Blockers, ImmutableArray<BlockerWaiver> Waived) Waive(ImmutableArray<FlashBlocker> found, FlashPolicy policy)
    {
        var blockers = ImmutableArray.CreateBuilder<FlashBlocker>();
        var waived = ImmutableArray.CreateBuilder<BlockerWaiver>();
        foreach (var blocker in found)
        {
            var waiver = policy.Waivers.IsDefault
                ? null
                : policy.Waivers.FirstOrDefault(w => string.Equals(w.Blocker, blocker.Name, StringComparison.Ordinal) && !string.IsNullOrWhiteSpace(w.Who) && !string.IsNullOrWhiteSpace(w.Why));
            if (blocker.CanBeWaived && waiver is not null)
            {
                waived.Add(waiver);
            }
            else
            {
                blockers.Add(blocker);
            }
        }

        return (blockers.ToImmutable(), waived.ToImmutable());
    }
}
