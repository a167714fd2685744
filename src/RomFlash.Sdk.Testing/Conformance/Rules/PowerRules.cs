using System.Collections.Immutable;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Restart requests. Nothing is restarted: each request has a delay of hours, and is taken back.</summary>
internal static class PowerRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("power-delay", "No delay of the target's is shorter than the one that is asked for.", DelayAsync),
        new("power-abort-of-nothing", "Aborting succeeds when no restart is pending.", AbortOfNothingAsync),
        new("power-abort", "A scheduled restart can be aborted, twice, and the target does not boot.", AbortAsync),
    ];

    private static async Task DelayAsync(ConformanceContext context)
    {
        var power = await context.CapabilityAsync<IPowerCapability>().ConfigureAwait(false);
        foreach (var asked in new[] { TimeSpan.Zero, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(61), TimeSpan.FromDays(40) })
        {
            var delay = power.DelayOf(asked);
            Require(delay >= asked, $"{asked} was asked for, and {delay} is the answer");
        }
    }

    private static async Task AbortOfNothingAsync(ConformanceContext context)
    {
        var power = await context.CapabilityAsync<IPowerCapability>().ConfigureAwait(false);
        await context.ValueAsync(power.AbortRebootAsync(CancellationToken.None), "aborting without a request").ConfigureAwait(false);
    }

    private static async Task AbortAsync(ConformanceContext context)
    {
        var power = await context.CapabilityAsync<IPowerCapability>().ConfigureAwait(false);
        if (power.RestartsAtOnce)
        {
            Skip("a restart can't be delayed here");
        }

        var before = await context.LookAsync().ConfigureAwait(false);
        await context.ValueAsync(power.ScheduleRebootAsync(new(TimeSpan.FromHours(8), "conformance", false), CancellationToken.None), "scheduling a restart").ConfigureAwait(false);
        for (var i = 0; i < 2; i++)
        {
            await context.ValueAsync(power.AbortRebootAsync(CancellationToken.None), "aborting").ConfigureAwait(false);
        }

        var after = await context.LookAsync().ConfigureAwait(false);
        Require(before == after, $"before: {before}; after: {after}");
    }
}
