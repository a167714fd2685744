using System.Collections.Immutable;

namespace RomFlash.Cli.Rendering;

/// <summary>The image that brings a target back, as it is written.</summary>
internal sealed record RecoveryImageResult(string Name, string Sha256, long Length);

/// <summary>What happened to a target, and what to do, as it is written.</summary>
/// <param name="IsNeeded">Whether anything has to be recovered; null when nobody can tell from here.</param>
/// <param name="OperationId">The operation in the journal that this is about, or null.</param>
/// <param name="Flashed">What was to be flashed by it.</param>
/// <param name="Evidence">By what this is believed, one sentence for each.</param>
/// <param name="Steps">What to do, in order.</param>
/// <param name="Image">The recovery image that the catalog names, or null.</param>
internal sealed record RecoveryResult(
    bool? IsNeeded,
    string? OperationId,
    ImmutableArray<ComponentResult> Flashed,
    ImmutableArray<string> Evidence,
    ImmutableArray<string> Steps,
    RecoveryImageResult? Image);
