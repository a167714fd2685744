using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Staging;

/// <summary>Verified copies of images to come back with. No key to anything: nothing takes one to be armed.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class StagedBackup
{
    private StagedBackup(ImmutableArray<StagedFile> files) => Files = files;

    /// <summary>The files, in the order of the images.</summary>
    public ImmutableArray<StagedFile> Files { get; }

    /// <summary>Checks the evidence as <see cref="StagedImage.TryCreate"/> does, under the same minimum of verification.</summary>
    /// <param name="approved">The upgrade that they lie beside.</param>
    /// <param name="images">What was to be staged.</param>
    /// <param name="deposit">Where.</param>
    /// <param name="evidence">What the stager reported.</param>
    /// <returns>The copies; <see cref="StagedCopyDiffers"/>, <see cref="ImageChangedOnClient"/>, <see cref="VerificationTooWeak"/> or <see cref="StagingEvidenceRejected"/>.</returns>
    public static FlashResult<StagedBackup> TryCreate(ApprovedUpgrade approved, ImmutableArray<BackupImage> images, DepositKey deposit, StagingEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(approved);
        ArgumentNullException.ThrowIfNull(deposit);
        ArgumentNullException.ThrowIfNull(evidence);
        var failure = evidence.Manifest.Id != deposit.Id || evidence.Manifest.Generation != deposit.Generation || !deposit.IsBackup
            ? new StagingEvidenceRejected { Detail = "the stager used another deposit for the backup than it was given" }
            : StagingRules.FindObjection(approved, [.. images.Select(b => new ExpectedFile(b.ComponentId, b.Image.Sha256, b.Image.Length, b.Image.Source.Name))], evidence);
        return failure is not null
            ? failure with { Stage = FlashStage.Verify, TargetId = approved.Report.Target.Id, TargetState = TargetState.Prepared }
            : new StagedBackup(evidence.Files);
    }
}
