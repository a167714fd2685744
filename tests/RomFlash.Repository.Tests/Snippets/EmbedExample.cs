using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;

namespace RomFlash.Repository.Tests.Snippets;

internal static class EmbedExample
{
    public static FlashPolicy Prepare(out FlashTarget target)
    {
        // snippet: target
        target = FlashTarget.Parse("dir:/mnt/esp");
        var policy = FlashPolicy.Default with { DryRun = true, RebootDelay = TimeSpan.FromMinutes(1) };
        // end snippet
        return policy;
    }

    // snippet: result
    public static string Describe(FlashResult<FlashOutcome> result) => result.Match(
        outcome => outcome.Kind.ToString(),
        failure => failure.TargetState == TargetState.RecoveryRequired
            ? $"call somebody: {failure.Remedy}"
            : $"{failure.Code}, the target is {failure.TargetState}, try again: {failure.Retry}. {failure.Remedy}");
    // end snippet
}
