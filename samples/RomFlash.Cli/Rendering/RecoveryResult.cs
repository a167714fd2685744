using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Recovery;

namespace RomFlash.Cli.Rendering;

/// <summary>The image that brings a target back, as it is written.</summary>
internal sealed record RecoveryImageResult(string Name, string Sha256, long Length)
{
    public static RecoveryImageResult Of(RecoveryImage image) => new(image.Name, image.Sha256.ToString(), image.Length);
}

/// <summary>What it takes to bring one ROM back, as it is written.</summary>
internal sealed record RecoveryPlanResult(
    string Component,
    string? FromVersion,
    RecoveryImageResult? Image,
    string Copy,
    string? CopyLocation,
    string Road,
    ImmutableArray<string> Steps)
{
    public static RecoveryPlanResult Of(RecoveryPlan plan) => new(
        plan.ComponentId,
        plan.Before.IsDefaultOrEmpty ? null : plan.Before[0].Version.Text,
        plan.Image is { } image ? RecoveryImageResult.Of(image) : null,
        plan.Copy.ToString(),
        plan.CopyLocation.Length == 0 ? null : plan.CopyLocation,
        plan.Road.ToString(),
        plan.Steps);
}

/// <summary>What happened to a target, and what to do, as it is written.</summary>
/// <param name="IsNeeded">Whether anything has to be recovered; null when nobody can tell from here.</param>
/// <param name="OperationId">The operation in the journal that this is about, or null.</param>
/// <param name="Flashed">What was to be flashed by it.</param>
/// <param name="Evidence">By what this is believed, one sentence for each.</param>
/// <param name="Steps">What to do, in order.</param>
/// <param name="Image">The recovery image that the catalog names, otherwise the one in the journal, or null.</param>
/// <param name="Plans">What the journal says that it takes to bring each ROM back.</param>
internal sealed record RecoveryResult(
    bool? IsNeeded,
    string? OperationId,
    ImmutableArray<ComponentResult> Flashed,
    ImmutableArray<string> Evidence,
    ImmutableArray<string> Steps,
    RecoveryImageResult? Image,
    ImmutableArray<RecoveryPlanResult> Plans);
