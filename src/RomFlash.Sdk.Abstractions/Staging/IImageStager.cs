using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Staging;

/// <summary>Puts images on the target where they are inert, and proves what lies there.</summary>
/// <remarks>Thread-safe: one instance serves many targets at once.</remarks>
public interface IImageStager
{
    /// <summary>Stages all components under one deposit. Leaves it in place when it fails; the pipeline cleans up.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="approved">What to stage.</param>
    /// <param name="deposit">The deposit's id and generation, chosen and journalled by the pipeline.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What lies on the target and how that was verified, or why not.</returns>
    ValueTask<FlashResult<StagingEvidence>> StageAsync(StageContext context, ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken);

    /// <summary>Stages images to come back with, beside the upgrade and under a deposit of their own, which is never armed. Leaves it in place when it fails; the pipeline cleans up.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="images">What to stage; at least one.</param>
    /// <param name="deposit">The deposit's id and generation, chosen by the pipeline.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What lies on the target and how that was verified, or why not; <see cref="CapabilityMissing"/> from a stager that stages upgrades alone.</returns>
    ValueTask<FlashResult<StagingEvidence>> StageBackupAsync(StageContext context, ImmutableArray<BackupImage> images, DepositKey deposit, CancellationToken cancellationToken) =>
        new(new CapabilityMissing { Stage = FlashStage.Stage, TargetState = TargetState.Prepared, Capability = nameof(StageBackupAsync), Detail = $"{GetType().Name} stages no backups" });

    /// <summary>Removes deposits that are not armed: those of earlier runs, and this run's own after a failure.</summary>
    /// <param name="context">The target and the connection to it.</param>
    /// <param name="scope">Which ones.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>What was removed and what could not be, or why nobody could look.</returns>
    ValueTask<FlashResult<CleanUpEvidence>> CleanUpAsync(StageContext context, CleanUpScope scope, CancellationToken cancellationToken);
}

/// <summary>Which deposits to remove.</summary>
/// <param name="OnlyIdsStartingWith">Only those whose id begins like this, where no claim keeps other clients away; null for all.</param>
/// <param name="Keep">One that stays, or null.</param>
public sealed record CleanUpScope(string? OnlyIdsStartingWith, DepositKey? Keep = null)
{
    /// <summary>
    /// What is about to be staged, or null: a deposit of exactly this that an earlier run left unfinished may stay, so that the transport can go on with it; see
    /// <see cref="DepositInfo.Unfinished"/>.
    /// </summary>
    public ApprovedUpgrade? KeepUnfinished { get; init; }

    /// <summary>Whether deposits of backups (<see cref="DepositKey.BackupSuffix"/>) stay: they may be what brings a target back. <see cref="CleanUpEvidence.Backups"/> names them.</summary>
    public bool KeepsBackups { get; init; }

    /// <summary>Whether any deposit that was left unfinished, and of which is known what it was to hold, stays: nobody knows yet what will be staged, and there is room beside it.</summary>
    public bool KeepsAllUnfinished { get; init; }
}

/// <summary>Names a deposit on the target.</summary>
/// <param name="Id">1 to 64 lower-case ASCII letters, digits and hyphens.</param>
/// <param name="Generation">The claim's generation, or 0 without a claim.</param>
public sealed record DepositKey(string Id, long Generation)
{
    /// <summary>How the id of a deposit of backups ends, which is otherwise that of the deposit that it lies beside.</summary>
    public const string BackupSuffix = "-backup";

    /// <summary>Whether it names a deposit of backups, which is never armed.</summary>
    public bool IsBackup => Id.EndsWith(BackupSuffix, StringComparison.Ordinal);

    /// <summary>The deposit of backups that lies beside this one.</summary>
    /// <returns>Its key.</returns>
    public DepositKey ToBackup() => this with { Id = Id + BackupSuffix };
}

/// <summary>A validated image to come back with.</summary>
/// <param name="ComponentId">The id of the installed ROM that it is for; the first of them, where it is for several.</param>
/// <param name="Image">The image.</param>
public sealed record BackupImage(string ComponentId, RomImage Image);

/// <summary>One file as it was sent and found.</summary>
/// <param name="File">The file of the manifest.</param>
/// <param name="Sent">The SHA-256 of the bytes that were sent.</param>
/// <param name="Found">The SHA-256 of the copy on the target, or an empty digest when it was not verified that way.</param>
public sealed record StagedFile(DepositFile File, ContentDigest Sent, ContentDigest Found)
{
    /// <summary>Where it lies, as the transport names it; empty when it has no name for it. Untrusted text.</summary>
    public string Location { get; init; } = string.Empty;
}

/// <summary>What a stager reports; anybody can construct it. <see cref="StagedImage.TryCreate"/> turns it into a key.</summary>
public sealed record StagingEvidence
{
    /// <summary>The deposit.</summary>
    public required DepositManifest Manifest { get; init; }

    /// <summary>The files, in the order of the manifest.</summary>
    public required ImmutableArray<StagedFile> Files { get; init; }

    /// <summary>How the copies were verified.</summary>
    public required VerificationMethod Verification { get; init; }

    /// <summary>How the transport verifies copies as long as the policy does not ask for more: <see cref="DepositTraits.Usual"/>.</summary>
    public required VerificationMethod UsualVerification { get; init; }

    /// <summary>The endpoint that took the deposit.</summary>
    public string Endpoint { get; init; } = string.Empty;
}

/// <summary>What a clean-up did.</summary>
/// <param name="Removed">How many deposits were removed.</param>
/// <param name="Leftovers">What could not be removed; inert. Untrusted text.</param>
public sealed record CleanUpEvidence(int Removed, ImmutableArray<string> Leftovers)
{
    /// <summary>The deposits of backups that stayed because of <see cref="CleanUpScope.KeepsBackups"/>.</summary>
    public ImmutableArray<DepositKey> Backups { get; init; } = [];
}
