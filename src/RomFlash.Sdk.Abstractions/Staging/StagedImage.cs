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
        return Object(approved, evidence) is { } failure
            ? failure with { Stage = FlashStage.Verify, TargetId = approved.Report.Target.Id, TargetState = TargetState.Prepared }
            : new StagedImage(approved, evidence);
    }

    private static FlashFailure? Object(ApprovedUpgrade approved, StagingEvidence evidence)
    {
        var known = approved.Report.Evidence.Deposit.TryGet(out var traits) ? traits.Usual : VerificationMethod.None;
        var usual = known > evidence.UsualVerification ? known : evidence.UsualVerification;
        var minimum = approved.Policy.MinimumVerification ?? usual;
        if (evidence.Verification < minimum || evidence.Verification == VerificationMethod.None)
        {
            return new VerificationTooWeak { Detail = $"verified by {evidence.Verification}, the minimum is {minimum}" };
        }

        if (evidence.Files.IsDefault || evidence.Files.Length != approved.Components.Length || evidence.Manifest.Files.Length != approved.Components.Length)
        {
            return new StagingEvidenceRejected { Detail = "the evidence does not have one file for each component" };
        }

        for (var i = 0; i < evidence.Files.Length; i++)
        {
            var (component, staged, listed) = (approved.Components[i], evidence.Files[i], evidence.Manifest.Files[i]);
            if (staged.File != listed || listed.Sha256 != component.Sha256 || listed.Length != component.Length || listed.ComponentId != component.ComponentId)
            {
                return new StagingEvidenceRejected { Detail = $"file {i} of the deposit is not the image approved for {component.ComponentId}" };
            }

            if (staged.Sent != component.Sha256)
            {
                return new ImageChangedOnClient { Detail = $"{approved.ImageOf(i).Source.Name}: sent {staged.Sent}, validated {component.Sha256}" };
            }

            if (evidence.Verification > VerificationMethod.AcceptedByDevice && staged.Found != component.Sha256)
            {
                return new StagedCopyDiffers { Detail = $"{listed.Name}: the copy on the target has {staged.Found}, validated is {component.Sha256}" };
            }
        }

        return null;
    }
}
