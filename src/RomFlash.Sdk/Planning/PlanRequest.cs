using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Planning;

/// <summary>What a plan is made from.</summary>
/// <param name="Targets">The targets, in the order in which they are to be begun; ids differ.</param>
/// <param name="Images">Validated images: one for each component, and those of stepping stones.</param>
/// <param name="Policy">What the caller allows; <see cref="FlashPolicy.DryRun"/> and the deadlines are no part of a plan.</param>
public sealed record PlanRequest(ImmutableArray<FlashTarget> Targets, ImmutableArray<RomImage> Images, FlashPolicy Policy)
{
    /// <summary>Who makes the plan; in the plan. 1 to 256 characters.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>Images to come back with, as in <see cref="FlashRequest.BackupImages"/>, so that the plan shows whether they have room. No part of the plan: they are never flashed, and whoever carries it out gives them again.</summary>
    public ImmutableArray<RomImage> BackupImages { get; init; } = [];

    /// <summary>Windows of single targets by their id; the others have the policy's.</summary>
    public ImmutableDictionary<string, FlashWindow> Windows { get; init; } = ImmutableDictionary<string, FlashWindow>.Empty;

    internal FlashWindow WindowOf(FlashTarget target) => Windows.TryGetValue(target.Id, out var window) ? window : Policy.Window;
}
