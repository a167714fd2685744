using System.Collections.Immutable;
using RomFlash.Sdk;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Planning;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Directory;

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

    public static async Task<FlashReport> UpgradeAsync(string file, FlashTarget target, RomImageValidator validator, ICompatibilityCatalog catalog, IFlashJournal journal)
    {
        // snippet: embed
        var client = new RomFlashClient(new RomFlashClientOptions
        {
            Transports = [new DirectoryTransport()],
            Catalog = catalog, // which ROM may go where: JsonCompatibilityCatalog.LoadAsync
            Journal = journal, // what survives a crash of this program: FileFlashJournal.OpenAsync
        });
        var image = (await validator.ValidateAsync(new FileImageSource(file), CancellationToken.None)).GetValueOrThrow();
        var report = await client.FlashAsync(new FlashRequest(target, image), progress: null, CancellationToken.None);
        Console.WriteLine($"{report.Target}: {report.Outcome}, verified by {report.Verification}");
        // end snippet
        return report;
    }

    public static async Task PlanAsync(RomFlashClient client, ImmutableArray<FlashTarget> targets, RomImage image, FlashPolicy policy)
    {
        // snippet: plan
        var request = new PlanRequest(targets, [image], policy) { CreatedBy = "ann" };
        var plan = (await client.PlanAsync(request, concurrency: 16, CancellationToken.None)).GetValueOrThrow();
        await File.WriteAllBytesAsync("plan.json", plan.ToJson()); // to be read, and approved by plan.Hash
        await foreach (var report in client.FlashManyAsync(plan.ToRequests([image]).GetValueOrThrow(), concurrency: 16, progress: null, CancellationToken.None))
        {
            Console.WriteLine($"{report.Target}: {report.Outcome}"); // what has changed since is refused, and named
        }

        // end snippet
    }

    // snippet: result
    public static string Describe(FlashResult<FlashOutcome> result) => result.Match(
        outcome => outcome.Kind.ToString(),
        failure => failure.TargetState == TargetState.RecoveryRequired
            ? $"call somebody: {failure.Remedy}"
            : $"{failure.Code}, the target is {failure.TargetState}, try again: {failure.Retry}. {failure.Remedy}");
    // end snippet
}
