using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Reading facts.</summary>
internal static class FactsRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("facts-only-what-is-asked", "Reading facts gives no kind that was not asked for.", OnlyWhatIsAskedAsync),
        new("facts-unknown-is-no-fault", "Reading all facts succeeds, whatever the target does not tell.", UnknownIsNoFaultAsync),
        new("facts-change-nothing", "Reading facts changes nothing on the target.", ChangeNothingAsync),
        new("facts-same-boot", "The boot identity and the machine's identity stay the same without a boot.", SameBootAsync),
        new("facts-hostile-text", "Text from the target comes through as it is: control characters are data.", HostileTextAsync),
    ];

    private static async Task OnlyWhatIsAskedAsync(ConformanceContext context)
    {
        var facts = await context.CapabilityAsync<IFactsCapability>().ConfigureAwait(false);
        foreach (var kinds in Enum.GetValues<FactKinds>())
        {
            var known = (await ReadAsync(context, facts, kinds).ConfigureAwait(false)).Known;
            Require((known & ~kinds) == 0, $"asked for {kinds}, the target told {known}");
        }
    }

    private static async Task UnknownIsNoFaultAsync(ConformanceContext context)
    {
        var facts = await ReadAsync(context, await context.CapabilityAsync<IFactsCapability>().ConfigureAwait(false), FactKinds.All).ConfigureAwait(false);
        Require(!facts.Roms.TryGet(out var roms) || (!roms.IsDefault && roms.All(r => r is not null && !r.Versions.IsDefault)), "the installed ROMs have a default array");
        Require(!facts.Services.TryGet(out var services) || !services.IsDefault, "the services are a default array");
    }

    private static async Task ChangeNothingAsync(ConformanceContext context)
    {
        var facts = await context.CapabilityAsync<IFactsCapability>().ConfigureAwait(false);
        var before = await context.LookAsync().ConfigureAwait(false);
        await ReadAsync(context, facts, FactKinds.All).ConfigureAwait(false);
        var after = await context.LookAsync().ConfigureAwait(false);
        Require(before == after, $"before: {before}; after: {after}");
    }

    private static async Task SameBootAsync(ConformanceContext context)
    {
        const FactKinds kinds = FactKinds.Boot | FactKinds.Identity;
        var first = await ReadAsync(context, await context.CapabilityAsync<IFactsCapability>().ConfigureAwait(false), kinds).ConfigureAwait(false);
        var second = await ReadAsync(context, await context.CapabilityAsync<IFactsCapability>().ConfigureAwait(false), kinds).ConfigureAwait(false);
        Require(first.Boot == second.Boot, $"the boot identity was {first.Boot}, then {second.Boot}");
        Require(first.Identity == second.Identity, "the machine's identity changed");
    }

    private static async Task HostileTextAsync(ConformanceContext context)
    {
        var text = Hook(context.Subject.HostileText, nameof(ConformanceSubject.HostileText));
        var facts = await ReadAsync(context, await context.CapabilityAsync<IFactsCapability>().ConfigureAwait(false), FactKinds.Identity).ConfigureAwait(false);
        Require(facts.Identity.TryGet(out var identity), "the identity is unknown");
        Require(identity!.SerialNumber == text || identity.Product == text, "neither the serial number nor the product is the text that was planted");
    }

    private static Task<TargetFacts> ReadAsync(ConformanceContext context, IFactsCapability facts, FactKinds kinds) =>
        context.ValueAsync(facts.ReadFactsAsync(kinds, CancellationToken.None), $"reading {kinds}");
}
