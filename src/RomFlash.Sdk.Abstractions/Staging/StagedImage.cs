using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Staging;

/// <summary>A verified deposit on the target: the key to arming.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class StagedImage
{
    private StagedImage(ApprovedUpgrade approved, StagingEvidence evidence)
    {
        Approved = approved;
        Evidence = evidence;
    }

    /// <summary>What was approved.</summary>
    public ApprovedUpgrade Approved { get; }

    /// <summary>What the stager reported.</summary>
    public StagingEvidence Evidence { get; }

    /// <summary>The deposit.</summary>
    public DepositManifest Manifest => Evidence.Manifest;

    /// <summary>How the copy was verified.</summary>
    public VerificationMethod Verification => Evidence.Verification;

    /// <summary>Checks the evidence against what was approved and against the policy's minimum of verification, and makes the key.</summary>
    /// <param name="approved">What was approved.</param>
    /// <param name="evidence">What the stager reported.</param>
    /// <returns>The key; <see cref="StagedCopyDiffers"/>, <see cref="ImageChangedOnClient"/>, <see cref="VerificationTooWeak"/> or <see cref="StagingEvidenceRejected"/>.</returns>
    public static FlashResult<StagedImage> TryCreate(ApprovedUpgrade approved, StagingEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(approved);
        ArgumentNullException.ThrowIfNull(evidence);
        return StagingRules.FindObjection(approved, [.. approved.Components.Select((c, i) => new ExpectedFile(c.ComponentId, c.Sha256, c.Length, approved.ImageOf(i).Source.Name))], evidence) is { } failure
            ? failure with { Stage = FlashStage.Verify, TargetId = approved.Report.Target.Id, TargetState = TargetState.Prepared }
            : new StagedImage(approved, evidence);
    }
}
