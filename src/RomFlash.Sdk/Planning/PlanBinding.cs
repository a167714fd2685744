using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;

namespace RomFlash.Sdk.Planning;

/// <summary>Binds a request to a plan: right before the first write, what is about to be done has to be what the plan holds. Only a plan makes one.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class PlanBinding
{
    private readonly FlashPlan _plan;

    internal PlanBinding(FlashPlan plan, PlannedTarget target)
    {
        _plan = plan;
        Target = target;
    }

    /// <summary>The plan's hash.</summary>
    public ContentDigest PlanHash => _plan.Hash;

    /// <summary>What the plan holds for the target.</summary>
    public PlannedTarget Target { get; }

    /// <summary>What differs between the plan and what is about to be done. Differences from what an earlier boot of this run has changed itself are none.</summary>
    internal ImmutableArray<PlanDifference> FindDifferences(FlashRequest request, PreflightReport now, bool isFirstBoot)
    {
        var policy = PlannedPolicy.Of(request.Policy);
        var found = ImmutableArray.CreateBuilder<PlanDifference>();
        found.AddRange(PlanComparison.Compare(JsonSerializer.SerializeToElement(_plan.Policy, PlanJson.Default.PlannedPolicy), JsonSerializer.SerializeToElement(policy, PlanJson.Default.PlannedPolicy), "policy"));
        found.AddRange(PlanComparison.Compare(Element(_plan.Catalogs), Element(now.Verdict is { Catalogs.IsDefault: false } verdict ? verdict.Catalogs : []), "catalogs"));
        var fresh = PlannedTarget.Of(now, request.Policy.Window);
        found.AddRange(isFirstBoot ? Compare(Target, fresh) : CompareLater(fresh, now.Components));
        return found.ToImmutable();
    }

    private static JsonElement Element(ImmutableArray<CatalogProvenance> catalogs) => JsonSerializer.SerializeToElement(catalogs, PlanJson.Default.ImmutableArrayCatalogProvenance);

    private static ImmutableArray<PlanDifference> Compare(PlannedTarget was, PlannedTarget now) =>
        PlanComparison.Compare(JsonSerializer.SerializeToElement(was, PlanJson.Default.PlannedTarget), JsonSerializer.SerializeToElement(now, PlanJson.Default.PlannedTarget), $"targets/{was.Id}");

    // Some of the path is behind it: what is left of it has to be its end, and nothing else may have come up.
    private ImmutableArray<PlanDifference> CompareLater(PlannedTarget now, ImmutableArray<UpgradeComponent> components)
    {
        var roms = now.Roms.Select(r => Target.Roms.FirstOrDefault(p => string.Equals(p.Id, r.Id, StringComparison.Ordinal)) is { } planned
            ? r with { Installed = planned.Installed, LowestSupported = planned.LowestSupported, Decision = planned.Decision, Path = IsEndOf(r.Path, planned.Path) ? planned.Path : r.Path }
            : r);
        var strangers = components.Where(c => !Target.Holds(c)).Select(c => new PlanDifference($"targets/{now.Id}/roms/{c.ComponentId}/path", null, c.Sha256.ToString()));
        return [.. Compare(Target, now with { Roms = [.. roms], Boots = Target.Boots, Waived = Target.Waived }), .. strangers];
    }

    private static bool IsEndOf(ImmutableArray<PlannedRelease> end, ImmutableArray<PlannedRelease> path) =>
        end.Length <= path.Length && end.Select(r => r.Sha256).SequenceEqual(path.Skip(path.Length - end.Length).Select(r => r.Sha256));
}
