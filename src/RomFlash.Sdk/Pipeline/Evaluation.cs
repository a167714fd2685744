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
        ImmutableArray<RomImage> backups,
        FlashPolicy policy,
        ImmutableArray<UpgradeComponent> completed,
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

        verdict = LeaveOut(completed, verdict, report);
        var objections = Preflight.OfVerdict(report, images, verdict, policy);
        var decided = verdict.Components.IsDefault ? [] : verdict.Components;
        if (objections.IsEmpty && decided.Any(c => c.Decision == RomDecision.AlreadyCurrent) && !decided.Any(c => c.Decision == RomDecision.Approved))
        {
            // Nothing will be written, so nothing else can stand in the way; but a target that will flash something, or is in recovery, is not "current".
            var dangers = Preflight.OfTarget(report, policy, 0, 0, services.Journal.ClientId, services.Time.GetUtcNow()).Where(b => b.Failure is ForeignCapsulePending or AnotherFlashPending or FailureDuringFlash).ToImmutableArray();
            return new Evaluation(verdict, dangers, [], null, IsCurrent: dangers.IsEmpty);
        }

        var bytes = decided.Where(c => c.Decision == RomDecision.Approved && !c.Path.IsDefaultOrEmpty).Aggregate(0L, (sum, c) => Math.Min(long.MaxValue / 8, sum + Math.Clamp(c.Path.Max(r => r?.Length ?? 0), 0, long.MaxValue / 16)));
        var found = objections.AddRange(Preflight.OfTarget(report, policy, bytes, RecoveryKit.BytesOf(report, decided, backups), services.Journal.ClientId, services.Time.GetUtcNow()));
        var (blockers, waived) = Waive(found, policy);
        if (!blockers.IsEmpty)
        {
            return new Evaluation(verdict, blockers, waived, null, IsCurrent: false);
        }

        return ApprovedUpgrade.TryCreate(report, images, verdict, policy, DefaultFlashScheduler.MostComponents(report, policy)).TryGetValue(out var approved, out failure)
            ? new Evaluation(verdict, [], waived, approved, IsCurrent: false)
            : new Evaluation(verdict, [new("verdict-rejected", failure, CanBeWaived: false)], waived, null, IsCurrent: false);
    }

    /// <summary>What this run has flashed and what reads back as promised is not flashed again, although a re-flash was asked for.</summary>
    private static CompatibilityVerdict LeaveOut(ImmutableArray<UpgradeComponent> completed, CompatibilityVerdict verdict, TargetReport report)
    {
        if (completed.IsDefaultOrEmpty || verdict.Components.IsDefaultOrEmpty)
        {
            return verdict;
        }

        return verdict with
        {
            Components = [.. verdict.Components.Select(c => c.Decision == RomDecision.Approved
                && c.Path is [{ } only]
                && completed.Any(d => d.ComponentId == c.ComponentId && d.Sha256 == only.Sha256)
                && report.FindRom(c.ComponentId) is { } rom
                && rom.Versions.Any(v => only.ReportedBy(v.Source) is { } promised && promised.Equals(v.Version))
                ? c with { Decision = RomDecision.AlreadyCurrent }
                : c)],
        };
    }

    public static (ImmutableArray<FlashBlocker> Blockers, ImmutableArray<BlockerWaiver> Waived) Waive(ImmutableArray<FlashBlocker> found, FlashPolicy policy)
    {
        var blockers = ImmutableArray.CreateBuilder<FlashBlocker>();
        var waived = ImmutableArray.CreateBuilder<BlockerWaiver>();
        foreach (var blocker in found)
        {
            if (blocker.CanBeWaived && FindWaiver(blocker.Name, policy) is { } waiver)
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

    /// <summary>The waiver of a blocker by somebody who said why, or null.</summary>
    public static BlockerWaiver? FindWaiver(string blocker, FlashPolicy policy) => policy.Waivers.IsDefault
        ? null
        : policy.Waivers.FirstOrDefault(w => string.Equals(w.Blocker, blocker, StringComparison.Ordinal) && !string.IsNullOrWhiteSpace(w.Who) && !string.IsNullOrWhiteSpace(w.Why));
}
