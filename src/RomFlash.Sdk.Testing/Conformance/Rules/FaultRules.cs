using System.Collections.Immutable;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Broken connections, and honesty about what took effect.</summary>
internal static class FaultRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("cut-connection", "After the connection was cut, every operation gives a fault, and none throws; a new session works.", CutAsync),
        new("cut-answer", "An operation whose answer is lost does not claim that it was not sent.", LostAnswerAsync),
    ];

    private static async Task CutAsync(ConformanceContext context)
    {
        var cutAsync = Hook(context.Subject.CutConnections, nameof(ConformanceSubject.CutConnections));
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposit = session.GetCapability<IDepositCapability>() is { } deposits ? await context.OpenAsync(deposits, manifest).ConfigureAwait(false) : null;
        var calls = context.Operations(session, deposit, manifest);
        var before = await context.LookAsync().ConfigureAwait(false);
        await cutAsync().ConfigureAwait(false);
        foreach (var (name, callAsync) in calls)
        {
            var fault = await callAsync(CancellationToken.None).ConfigureAwait(false);
            Require(fault is not null, $"{name} succeeded over a connection that was cut");
        }

        var after = await context.LookAsync().ConfigureAwait(false);
        Require(before == after, $"operations over a connection that was cut changed the target: before: {before}; after: {after}");
        await session.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task LostAnswerAsync(ConformanceContext context)
    {
        var loseAsync = Hook(context.Subject.LoseNextAnswer, nameof(ConformanceSubject.LoseNextAnswer));
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var deposits = Need<IDepositCapability>(session);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        await loseAsync().ConfigureAwait(false);
        var fault = await context.FaultAsync(deposits.OpenDepositAsync(manifest, CancellationToken.None), "opening a deposit whose answer is lost").ConfigureAwait(false);
        var found = await context.ListAsync(await context.CapabilityAsync<IDepositCapability>().ConfigureAwait(false)).ConfigureAwait(false);
        var applied = found.Any(d => d.Id == manifest.Id);
        Require(!applied || fault.Effect != FaultEffect.NotSent, "the deposit is there, although the fault says that it was not sent");
        Require(applied || fault.Effect != FaultEffect.Applied, "the deposit is not there, although the fault says that it took effect");
    }
}
