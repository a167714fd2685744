using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk;

/// <summary>What to upgrade, with what, and under which policy.</summary>
/// <param name="Target">The target.</param>
/// <param name="Images">Validated images: one for each component, and those of stepping stones. Shared between targets.</param>
/// <param name="Policy">What the caller allows.</param>
public sealed record FlashRequest(FlashTarget Target, ImmutableArray<RomImage> Images, FlashPolicy Policy)
{
    /// <summary>Creates a request for one image under the default policy.</summary>
    /// <param name="target">The target.</param>
    /// <param name="image">The image.</param>
    public FlashRequest(FlashTarget target, RomImage image)
        : this(target, [image], FlashPolicy.Default)
    {
    }

    /// <summary>
    /// Validated images to come back with, or none. One that the catalog names for a component is staged beside the upgrade where deposits lie on a system partition and mean
    /// nothing by themselves, and is never armed; <see cref="FlashBlocker.BackupDoesNotFit"/> when it has no room. The others stay here.
    /// </summary>
    public ImmutableArray<RomImage> BackupImages { get; init; } = [];

    /// <summary>The plan that this request carries out, or null. Made by <see cref="FlashPlan.ToRequests"/>; then nothing but what the plan holds is flashed.</summary>
    public PlanBinding? Plan { get; init; }
}
