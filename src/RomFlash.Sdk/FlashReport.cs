using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk;

/// <summary>What became of one target.</summary>
public sealed record FlashReport
{
    /// <summary>The target.</summary>
    public required FlashTarget Target { get; init; }

    /// <summary>The outcome, or the failure.</summary>
    public required FlashResult<FlashOutcome> Result { get; init; }

    /// <summary>The id of the operation; journal records carry it.</summary>
    public string OperationId { get; init; } = string.Empty;

    /// <summary>The target as it was probed, or null when it could not be.</summary>
    public TargetReport? Probe { get; init; }

    /// <summary>What spoke against the upgrade; empty unless it failed in the check.</summary>
    public ImmutableArray<FlashBlocker> Blockers { get; init; } = [];

    /// <summary>The blockers that were set aside by policy.</summary>
    public ImmutableArray<BlockerWaiver> Waived { get; init; } = [];

    /// <summary>The catalogs that answered, the strongest layer first, each with what it lacks and was accepted all the same; empty when none was asked.</summary>
    public ImmutableArray<CatalogProvenance> Catalogs { get; init; } = [];

    /// <summary>The components that were, or would have been, upgraded.</summary>
    public ImmutableArray<UpgradeComponent> Components { get; init; } = [];

    /// <summary>The components of earlier boots of this upgrade, each confirmed, where it took more than one boot.</summary>
    public ImmutableArray<UpgradeComponent> Completed { get; init; } = [];

    /// <summary>What it takes to bring the components of the last boot back, as it was journalled before anything was armed; empty when it did not get that far.</summary>
    public ImmutableArray<RecoveryPlan> Recovery { get; init; } = [];

    /// <summary>How the staged copy was verified; <see cref="VerificationMethod.None"/> when it did not get that far.</summary>
    public VerificationMethod Verification { get; init; }

    /// <summary>Whether another client is kept away by a claim on the target, or only by this process and its journal.</summary>
    public bool HadClaim { get; init; }

    /// <summary>The hash of the plan that was carried out; empty where there was none.</summary>
    public ContentDigest PlanHash { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The outcome in one word, whether it is a success or a failure.</summary>
    public FlashOutcomeKind Outcome => Result.Match(static o => o.Kind, static f => FlashOutcome.KindOf(f));
}

/// <summary>What a preflight found; nothing was written.</summary>
public sealed record PreflightReport
{
    /// <summary>The target.</summary>
    public required FlashTarget Target { get; init; }

    /// <summary>The target as it was probed, or why it could not be.</summary>
    public required FlashResult<TargetReport> Probe { get; init; }

    /// <summary>The catalog's answer, or null when it was not asked or could not answer.</summary>
    public CompatibilityVerdict? Verdict { get; init; }

    /// <summary>The catalogs that answered, the strongest layer first, each with what it lacks and was accepted all the same; empty when none was asked.</summary>
    public ImmutableArray<CatalogProvenance> Catalogs => Verdict is { Catalogs.IsDefault: false } ? Verdict.Catalogs : [];

    /// <summary>All that speaks against the upgrade and is not waived.</summary>
    public ImmutableArray<FlashBlocker> Blockers { get; init; } = [];

    /// <summary>The blockers that policy sets aside.</summary>
    public ImmutableArray<BlockerWaiver> Waived { get; init; } = [];

    /// <summary>What would be flashed at the first boot; empty when nothing would be.</summary>
    public ImmutableArray<UpgradeComponent> Components { get; init; } = [];

    /// <summary>Whether everything is installed already.</summary>
    public bool IsCurrent { get; init; }
}

/// <summary>What a cancellation did.</summary>
/// <param name="State">In what state the target is now.</param>
/// <param name="WasArmed">Whether a flash was armed, and is not any more.</param>
public sealed record CancellationReport(TargetState State, bool WasArmed);
