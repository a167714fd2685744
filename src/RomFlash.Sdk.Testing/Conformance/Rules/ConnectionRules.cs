using System.Collections.Immutable;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Connecting, and the end of a session.</summary>
internal static class ConnectionRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("connect-scheme", "The scheme is lower-case and the endpoint's.", SchemeAsync),
        new("connect-changes-nothing", "Opening a session changes nothing on the target.", ChangesNothingAsync),
        new("connect-unknown-endpoint", "Where nothing answers, connecting gives a fault that was not sent.", UnknownEndpointAsync),
        new("connect-wrong-credentials", "Wrong credentials give CredentialsRejected.", WrongCredentialsAsync),
        new("connect-cancelled", "A cancelled token gives the fault Cancelled, not an exception.", CancelledAsync),
        new("session-dispose-twice", "Disposing of a session twice is allowed and throws nothing.", DisposeTwiceAsync),
        new("session-after-dispose", "Every operation after the session was disposed of gives a fault that was not sent.", AfterDisposeAsync),
        new("session-several", "Several sessions with one target work beside each other.", SeveralAsync),
    ];

    private static Task SchemeAsync(ConformanceContext context)
    {
        var scheme = context.Subject.Transport.Scheme;
        Require(!string.IsNullOrEmpty(scheme) && string.Equals(scheme, scheme.ToLowerInvariant(), StringComparison.Ordinal), $"the scheme is '{scheme}'");
        Require(string.Equals(scheme, context.Subject.Endpoint.Scheme, StringComparison.Ordinal), $"the scheme is '{scheme}', the endpoint's is '{context.Subject.Endpoint.Scheme}'");
        return Task.CompletedTask;
    }

    private static async Task ChangesNothingAsync(ConformanceContext context)
    {
        var before = await context.LookAsync().ConfigureAwait(false);
        for (var i = 0; i < 3; i++)
        {
            await (await context.ConnectAsync().ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }

        var after = await context.LookAsync().ConfigureAwait(false);
        Require(before == after, $"before: {before}; after: {after}");
    }

    private static async Task UnknownEndpointAsync(ConformanceContext context)
    {
        var endpoint = Hook(context.Subject.UnknownEndpoint, nameof(ConformanceSubject.UnknownEndpoint));
        using var credentials = context.Subject.Credentials();
        await context.RefusalAsync(
            context.Subject.Transport.ConnectAsync(new(endpoint, credentials, context.Subject.TimeProvider), CancellationToken.None),
            "connecting where nothing answers",
            TransportFaultKind.Unreachable,
            TransportFaultKind.NameNotResolved,
            TransportFaultKind.Refused,
            TransportFaultKind.TimedOut,
            TransportFaultKind.NotFound).ConfigureAwait(false);
    }

    private static async Task WrongCredentialsAsync(ConformanceContext context)
    {
        using var credentials = Hook(context.Subject.WrongCredentials, nameof(ConformanceSubject.WrongCredentials))();
        await context.RefusalAsync(
            context.Subject.Transport.ConnectAsync(new(context.Subject.Endpoint, credentials, context.Subject.TimeProvider), CancellationToken.None),
            "connecting with wrong credentials",
            TransportFaultKind.CredentialsRejected).ConfigureAwait(false);
    }

    private static async Task CancelledAsync(ConformanceContext context)
    {
        using var credentials = context.Subject.Credentials();
        await context.RefusalAsync(
            context.Subject.Transport.ConnectAsync(new(context.Subject.Endpoint, credentials, context.Subject.TimeProvider), new CancellationToken(true)),
            "connecting with a cancelled token",
            TransportFaultKind.Cancelled).ConfigureAwait(false);
    }

    private static async Task DisposeTwiceAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task AfterDisposeAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposit = session.GetCapability<IDepositCapability>() is { } deposits ? await context.OpenAsync(deposits, manifest).ConfigureAwait(false) : null;
        var calls = context.Operations(session, deposit, manifest);
        var before = await context.LookAsync().ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);
        foreach (var (name, callAsync) in calls)
        {
            var fault = await callAsync(CancellationToken.None).ConfigureAwait(false);
            Require(fault is not null, $"{name} succeeded after the session was disposed of");
            Require(fault!.Effect == FaultEffect.NotSent, $"{name} after the session was disposed of reports the effect {fault.Effect}");
        }

        if (deposit is not null)
        {
            await deposit.DisposeAsync().ConfigureAwait(false);
            await deposit.DisposeAsync().ConfigureAwait(false);
        }

        var after = await context.LookAsync().ConfigureAwait(false);
        Require(before == after, $"before: {before}; after: {after}");
    }

    private static async Task SeveralAsync(ConformanceContext context)
    {
        var first = await context.ConnectAsync().ConfigureAwait(false);
        var generation = await context.ClaimAsync(first).ConfigureAwait(false);
        var list = Need<IDepositCapability>(first);
        ITargetSession[] sessions = [first, await context.ConnectAsync().ConfigureAwait(false), await context.ConnectAsync().ConfigureAwait(false)];
        var manifests = await Task.WhenAll(sessions.Select(s => context.CommittedAsync(s, generation))).ConfigureAwait(false);
        await sessions[1].DisposeAsync().ConfigureAwait(false);
        var found = await context.ListAsync(list).ConfigureAwait(false);
        foreach (var manifest in manifests)
        {
            Require(found.Any(d => d.Id == manifest.Id && d.IsCommitted), $"{manifest.Id}, committed by one of three sessions, is not listed by the first");
        }
    }
}
