using System.Collections.Immutable;

namespace RomFlash.Sdk.Recovery;

/// <summary>The steps of a plan: first what tells where the target stands, then how the image gets there.</summary>
internal static class RecoveryPlanSteps
{
    public static ImmutableArray<string> Of(RecoveryPlan plan)
    {
        var image = ImageOf(plan);
        return plan.Road switch
        {
            RecoveryRoad.Controller =>
            [
                "Ask the controller first what became of its task: it answers while the host is down, and it may still be writing.",
                $"When it writes no more, tell it to flash {image} in the ordinary way.",
                "Only then restart the host, and have the version confirmed.",
            ],
            _ =>
            [
                "See on the console whether the target comes up, and from which of its ROMs; leave its power alone for as long as it may be flashing.",
                plan.Copy is BackupCopy.Staged
                    ? $"{plan.CopyLocation} on its system partition is {image}. Whatever still starts there, an operating system, a shell or the firmware's own recovery, can take it from that place; a recovery that looks for a name of its own needs a copy under that name."
                    : $"Bring {image} to its system partition, or to removable media, where the firmware's own recovery looks for it; or flash it from whatever still starts.",
                "Have the version confirmed once it runs.",
            ],
        };
    }

    private static string ImageOf(RecoveryPlan plan) =>
        plan.Image is { } image ? $"the image {(image.Name.Length > 0 ? $"'{image.Name}' " : string.Empty)}with SHA-256 {image.Sha256}"
        : plan.Before.IsDefaultOrEmpty ? "the maker's image for this machine, which no catalog named"
        : $"the maker's image of {plan.Before[0].Version}, which no catalog named";
}
