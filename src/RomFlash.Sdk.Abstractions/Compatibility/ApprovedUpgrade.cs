using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>One component of an upgrade, as it goes through all stages and into the journal.</summary>
public sealed record UpgradeComponent
{
    /// <summary>The id of the installed ROM.</summary>
    public required string ComponentId { get; init; }

    /// <summary>The kind of ROM; decides the flashing order.</summary>
    public required RomKind Kind { get; init; }

    /// <summary>The SHA-256 of the image.</summary>
    public required ContentDigest Sha256 { get; init; }

    /// <summary>The length of the image in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>The versions before the flash, as the sources report them.</summary>
    public required ImmutableArray<ReportedVersion> From { get; init; }

    /// <summary>The versions that the sources report once the flash has succeeded.</summary>
    public required ImmutableArray<ReportedVersion> Expected { get; init; }

    /// <summary>The version as the release names it.</summary>
    public required RomVersion Version { get; init; }

    /// <summary>What the device said of its last attempt before the flash, or null; a re-flash of the same version is told by its change alone.</summary>
    public LastAttempt? AttemptBefore { get; init; }

    /// <summary>How many further releases follow for this component after this one (stepping stones).</summary>
    public int ReleasesToFollow { get; init; }
}

/// <summary>An upgrade that a catalog approved: one to many components in flashing order, for one boot. The key to staging.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class ApprovedUpgrade
{
    private readonly ImmutableArray<RomImage> _images;

    private ApprovedUpgrade(TargetReport report, TargetIdentity identity, FlashPolicy policy, ImmutableArray<UpgradeComponent> components, ImmutableArray<RomImage> images, bool hasMore)
    {
        Report = report;
        Identity = identity;
        Policy = policy;
        Components = components;
        _images = images;
        HasMoreToCome = hasMore;
    }

    /// <summary>The target as it was probed.</summary>
    public TargetReport Report { get; }

    /// <summary>The machine that this approval is for, and for no other.</summary>
    public TargetIdentity Identity { get; }

    /// <summary>The policy under which it was approved.</summary>
    public FlashPolicy Policy { get; }

    /// <summary>The components in flashing order: controller, system ROM, array controller, others.</summary>
    public ImmutableArray<UpgradeComponent> Components { get; }

    /// <summary>Whether components or stepping stones are left for another boot; they are approved anew then.</summary>
    public bool HasMoreToCome { get; }

    /// <summary>Gives the validated image of a component.</summary>
    /// <param name="index">The index into <see cref="Components"/>.</param>
    /// <returns>The image.</returns>
    public RomImage ImageOf(int index) => _images[index];

    /// <summary>Checks a verdict against facts, images and policy, and makes the key. A catalog can forbid; it can't allow what these checks refuse.</summary>
    /// <param name="report">The target.</param>
    /// <param name="images">The validated images at hand.</param>
    /// <param name="verdict">The catalog's answer.</param>
    /// <param name="policy">What the caller allows.</param>
    /// <param name="maxComponents">How many components one boot can flash, at least 1.</param>
    /// <returns>The key, or the first reason why there is none.</returns>
    public static FlashResult<ApprovedUpgrade> TryCreate(
        TargetReport report,
        ImmutableArray<RomImage> images,
        CompatibilityVerdict verdict,
        FlashPolicy policy,
        int maxComponents = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(verdict);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxComponents, 1);
        var failures = UpgradeRules.Check(report, images, verdict, policy);
        if (failures.FirstOrDefault(f => !UpgradeRules.IsWaived(f, policy)) is { } first)
        {
            return first;
        }

        if (!report.Facts.Identity.TryGet(out var identity))
        {
            return new TargetIdentityUnknown { Stage = FlashStage.Check, TargetId = report.Target.Id };
        }

        var approved = verdict.Components
            .Where(c => c.Decision == RomDecision.Approved)
            .Select(c => UpgradeRules.ToComponent(report.FindRom(c.ComponentId)!, c))
            .OrderBy(c => c.Kind)
            .ThenBy(c => c.ComponentId, StringComparer.Ordinal)
            .ToImmutableArray();
        if (approved.IsEmpty)
        {
            return new VerdictRejected { Stage = FlashStage.Check, TargetId = report.Target.Id, Detail = "the verdict approves nothing" };
        }

        var now = approved.Length <= maxComponents ? approved : approved[..maxComponents];
        return new ApprovedUpgrade(
            report,
            identity,
            policy,
            now,
            [.. now.Select(c => images.First(i => i.Sha256 == c.Sha256))],
            now.Length < approved.Length || now.Any(c => c.ReleasesToFollow > 0));
    }

    /// <summary>All reasons, not the first, why a verdict would not become a key; for a preflight. Those that policy waives are among them.</summary>
    /// <param name="report">The target.</param>
    /// <param name="images">The validated images at hand.</param>
    /// <param name="verdict">The catalog's answer.</param>
    /// <param name="policy">What the caller allows.</param>
    /// <returns>The reasons; empty when there is none.</returns>
    public static ImmutableArray<FlashFailure> FindObjections(
        TargetReport report,
        ImmutableArray<RomImage> images,
        CompatibilityVerdict verdict,
        FlashPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(verdict);
        ArgumentNullException.ThrowIfNull(policy);
        return UpgradeRules.Check(report, images, verdict, policy);
    }
}
