using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Planning;

/// <summary>
/// Binds a request to a plan: before the target is contacted, the request has to be the plan's; right before the first write, what is about to be done
/// has to be what the plan holds. Only a plan makes one.
/// </summary>
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

    /// <summary>What differs between the plan and a request that was changed after the plan made it. Known before the target is contacted.</summary>
    internal ImmutableArray<PlanDifference> FindDifferences(FlashRequest request) =>
    [
        .. PlanComparison.Compare(
            JsonSerializer.SerializeToElement(_plan.Policy, PlanJson.Default.PlannedPolicy),
            JsonSerializer.SerializeToElement(PlannedPolicy.Of(request.Policy), PlanJson.Default.PlannedPolicy),
            "policy"),
        .. _plan.FindDifferences(request.Images),
        .. Compare(Target, Target with { Id = request.Target.Id, Endpoints = PlannedTarget.EndpointsOf(request.Target), Window = PlannedTarget.WindowOf(request.Policy.Window) }),
    ];

    /// <summary>What differs between the plan and a flash that an earlier client has armed.</summary>
    internal ImmutableArray<PlanDifference> FindDifferences(TargetIdentity? machine, ImmutableArray<UpgradeComponent> armed) =>
    [
        .. Compare(Target, Target with { Identity = machine }),
        .. armed.Where(c => !Target.Holds(c)).Select(c => new PlanDifference($"targets/{Target.Id}/armed/{c.ComponentId}", null, c.Sha256.ToString())),
    ];

    /// <summary>What differs between the plan and what is about to be done. Differences from what an earlier boot of this run has changed itself are none.</summary>
    internal ImmutableArray<PlanDifference> FindDifferences(FlashRequest request, PreflightReport now, bool isFirstBoot)
    {
        var fresh = PlannedTarget.Of(now, request.Policy, request.Policy.Window);
        return
        [
            .. FindDifferences(request),
            .. PlanComparison.Compare(Element(_plan.Catalogs), Element(now.Verdict is { Catalogs.IsDefault: false } verdict ? verdict.Catalogs : []), "catalogs"),
            .. isFirstBoot ? Compare(Target, fresh) : CompareLater(fresh, now.Components),
        ];
    }

    private static JsonElement Element(ImmutableArray<CatalogProvenance> catalogs) => JsonSerializer.SerializeToElement(catalogs, PlanJson.Default.ImmutableArrayCatalogProvenance);

    private static ImmutableArray<PlanDifference> Compare(PlannedTarget was, PlannedTarget now) =>
        PlanComparison.Compare(JsonSerializer.SerializeToElement(was, PlanJson.Default.PlannedTarget), JsonSerializer.SerializeToElement(now, PlanJson.Default.PlannedTarget), $"targets/{was.Id}");

    // Some of the path is behind it. A ROM either is as it was, or runs a release of its path and has the rest of it to come; nothing else may have come up.
    private ImmutableArray<PlanDifference> CompareLater(PlannedTarget now, ImmutableArray<UpgradeComponent> components)
    {
        var roms = now.Roms.Select(r => Target.Roms.FirstOrDefault(p => string.Equals(p.Id, r.Id, StringComparison.Ordinal)) is { } planned && IsOnItsWay(r, planned)
            ? r with { Installed = planned.Installed, LowestSupported = planned.LowestSupported, Decision = planned.Decision, Path = planned.Path }
            : r);
        var strangers = components.Where(c => !Target.Holds(c)).Select(c => new PlanDifference($"targets/{now.Id}/roms/{c.ComponentId}/path", null, c.Sha256.ToString()));

        // What had to be waived may be good after a boot, but nothing new is waived.
        var waived = now.Waived.All(Target.Waived.Contains) ? Target.Waived : now.Waived;
        return [.. Compare(Target, now with { Roms = [.. roms], Boots = Target.Boots, Waived = waived }), .. strangers];
    }

    private static bool IsOnItsWay(PlannedRom now, PlannedRom planned)
    {
        for (var i = 0; i < planned.Path.Length; i++)
        {
            if (Runs(now.Installed, planned.Path[i]) && now.Path.Select(r => r.Sha256).SequenceEqual(planned.Path.Skip(i + 1).Select(r => r.Sha256)))
            {
                return true;
            }
        }

        return false;
    }

    // Every source that both know reports it, and one does.
    private static bool Runs(ImmutableArray<ReportedVersion> installed, PlannedRelease release)
    {
        var pairs = installed.Join(release.ReportedAs, v => v.Source, r => r.Source, (v, r) => r.Version.Equals(v.Version)).ToList();
        return pairs.Count > 0 && pairs.TrueForAll(isSame => isSame);
    }
}
