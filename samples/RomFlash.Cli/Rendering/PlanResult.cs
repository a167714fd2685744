using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Planning;

namespace RomFlash.Cli.Rendering;

/// <summary>One difference between two plans, as it is written.</summary>
internal sealed record PlanDifferenceResult(string Where, string? Was, string? Is);

/// <summary>What a plan holds for a target, as it is written.</summary>
internal static class PlanResult
{
    public static TargetResult Of(FlashPlan plan, PlannedTarget target)
    {
        var blocker = target.Blockers.FirstOrDefault();
        var paths = target.Roms.Where(r => !r.Path.IsEmpty).ToList();
        return new TargetResult
        {
            Target = target.Id,
            Outcome = (target.Standing switch
            {
                PlannedStanding.Ready => FlashOutcomeKind.WouldUpgrade,
                PlannedStanding.Current => FlashOutcomeKind.AlreadyCurrent,
                _ => FlashOutcomeKind.NotFlashed,
            }).ToString(),
            Code = blocker?.Code,
            Stage = blocker is null ? null : FlashStage.Check.ToString(),
            TargetState = TargetState.Untouched.ToString(),
            Message = target.Standing switch
            {
                PlannedStanding.Ready => "Nothing speaks against the upgrade; nothing was written",
                PlannedStanding.Current => "The version is installed already",
                _ => blocker?.Message ?? "Refused",
            },
            Remedy = blocker is null ? null : FailureDescriptor.All.FirstOrDefault(d => d.Code == blocker.Code)?.Remedy,
            Cause = blocker is null ? null : FailureDescriptor.All.FirstOrDefault(d => d.Code == blocker.Code)?.Cause,
            FromVersion = Join(paths.Count > 0 ? paths.Select(Installed) : target.Roms.Select(Installed)),
            ToVersion = Join(paths.Select(r => r.Path[^1].Version.Text)),
            Verification = target.Standing == PlannedStanding.Ready ? target.Verification.ToString() : "None",
            Product = target.Identity?.Product,
            Waived = [.. target.Waived.Select(w => w.Blocker)],
            Blockers = [.. target.Blockers.Select(b => new BlockerResult(b.Name, b.Code, b.Message, FailureDescriptor.All.FirstOrDefault(d => d.Code == b.Code)?.Remedy ?? string.Empty, b.CanBeWaived))],
            Catalogs = [.. plan.Catalogs.Select(CatalogResult.Of)],
            PlanHash = plan.Hash.ToString(),
        };
    }

    private static string Installed(PlannedRom rom) => rom.Installed.IsEmpty ? "unknown" : rom.Installed[0].Version.Text;

    private static string? Join(IEnumerable<string> versions) => string.Join("; ", versions) is { Length: > 0 } text ? text : null;
}
