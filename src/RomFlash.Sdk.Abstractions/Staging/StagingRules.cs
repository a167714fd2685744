using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Staging;

/// <summary>What a deposit has to hold at one place.</summary>
internal readonly record struct ExpectedFile(string ComponentId, ContentDigest Sha256, long Length, string SourceName);

/// <summary>What holds of every copy, whichever stager made it.</summary>
internal static class StagingRules
{
    public static FlashFailure? FindObjection(ApprovedUpgrade approved, ImmutableArray<ExpectedFile> expected, StagingEvidence evidence)
    {
        var known = approved.Report.Evidence.Deposit.TryGet(out var traits) ? traits.Usual : VerificationMethod.None;
        var usual = known > evidence.UsualVerification ? known : evidence.UsualVerification;
        var minimum = approved.Policy.MinimumVerification ?? usual;
        if (!Enum.IsDefined(evidence.Verification))
        {
            return new StagingEvidenceRejected { Detail = $"the verification {evidence.Verification} is none" };
        }

        if (evidence.Verification < minimum || evidence.Verification == VerificationMethod.None)
        {
            return new VerificationTooWeak { Detail = $"verified by {evidence.Verification}, the minimum is {minimum}" };
        }

        if (evidence.Files.IsDefault || evidence.Files.Length != expected.Length || evidence.Manifest.Files.Length != expected.Length)
        {
            return new StagingEvidenceRejected { Detail = "the evidence does not have one file for each component" };
        }

        for (var i = 0; i < evidence.Files.Length; i++)
        {
            var (wanted, staged, listed) = (expected[i], evidence.Files[i], evidence.Manifest.Files[i]);
            if (staged.File != listed || listed.Sha256 != wanted.Sha256 || listed.Length != wanted.Length || listed.ComponentId != wanted.ComponentId)
            {
                return new StagingEvidenceRejected { Detail = $"file {i} of the deposit is not the image approved for {wanted.ComponentId}" };
            }

            if (staged.Sent != wanted.Sha256)
            {
                return new ImageChangedOnClient { Detail = $"{wanted.SourceName}: sent {staged.Sent}, validated {wanted.Sha256}" };
            }

            if (evidence.Verification > VerificationMethod.AcceptedByDevice && staged.Found != wanted.Sha256)
            {
                return new StagedCopyDiffers { Detail = $"{listed.Name}: the copy on the target has {staged.Found}, validated is {wanted.Sha256}" };
            }
        }

        return null;
    }
}
