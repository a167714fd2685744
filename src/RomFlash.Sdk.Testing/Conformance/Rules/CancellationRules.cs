using System.Collections.Immutable;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Cancellation: a fault, never an exception, and a target in a state that can be told.</summary>
internal static class CancellationRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("cancelled-before", "Every operation with a cancelled token gives Cancelled, not sent, and changes nothing.", BeforeAsync),
        new("cancelled-during", "Every operation that is cancelled while it runs ends with its result or with the fault Cancelled.", DuringAsync),
        new("cancelled-while-hanging", "Every operation that hangs ends with the fault Cancelled when it is cancelled.", HangingAsync),
        new("cancelled-then-cleaned", "After a cancelled write a new session finds the deposit, and removes it.", CleanedAsync),
    ];

    private static async Task BeforeAsync(ConformanceContext context)
    {
        var (session, deposit, manifest) = await PreparedAsync(context).ConfigureAwait(false);
        var before = await context.LookAsync().ConfigureAwait(false);
        foreach (var (name, callAsync) in context.Operations(session, deposit, manifest))
        {
            var fault = await callAsync(new CancellationToken(true)).ConfigureAwait(false);
            Require(fault is { Kind: TransportFaultKind.Cancelled, Effect: FaultEffect.NotSent }, $"{name} with a cancelled token gave {fault?.ToString() ?? "a value"}");
            var after = await context.LookAsync().ConfigureAwait(false);
            Require(before == after, $"{name} with a cancelled token changed the target: before: {before}; after: {after}");
        }
    }

    private static async Task DuringAsync(ConformanceContext context)
    {
        var (session, deposit, manifest) = await PreparedAsync(context).ConfigureAwait(false);
        foreach (var (name, callAsync) in context.Operations(session, deposit, manifest))
        {
            using var cancel = new CancellationTokenSource();
            var call = callAsync(cancel.Token);
            Cancel(cancel);
            var fault = await call.ConfigureAwait(false);

            // What is cancelled may break the session: what follows is then lost, and that is told as well.
            Require(fault is null || Enum.IsDefined(fault.Kind), $"{name} gave a fault of no known kind");
            Require(fault is not { Kind: TransportFaultKind.TransportBroken or TransportFaultKind.Unmapped }, $"{name}, cancelled while it ran, gave {fault}");
        }

        await context.LookAsync().ConfigureAwait(false);
        if ((await context.ConnectAsync().ConfigureAwait(false)).GetCapability<IPowerCapability>() is { } power)
        {
            // The request may have been taken although it was cancelled, and the abort may not.
            await context.ValueAsync(power.AbortRebootAsync(CancellationToken.None), "aborting a restart").ConfigureAwait(false);
        }
    }

    private static async Task HangingAsync(ConformanceContext context)
    {
        var hangAsync = Hook(context.Subject.HangNextOperation, nameof(ConformanceSubject.HangNextOperation));
        var (first, firstDeposit, firstManifest) = await PreparedAsync(context).ConfigureAwait(false);
        var count = context.Operations(first, firstDeposit, firstManifest).Length;
        for (var i = 0; i < count; i++)
        {
            // A session of its own for each operation: cancelling may break it.
            var session = await context.ConnectAsync().ConfigureAwait(false);
            var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
            var deposit = session.GetCapability<IDepositCapability>() is { } deposits ? await context.OpenAsync(deposits, manifest).ConfigureAwait(false) : null;
            var (name, callAsync) = context.Operations(session, deposit, manifest)[i];
            await hangAsync().ConfigureAwait(false);
            using var cancel = new CancellationTokenSource();
            var call = callAsync(cancel.Token);
            Cancel(cancel);
            var fault = await call.ConfigureAwait(false);
            Require(fault is { Kind: TransportFaultKind.Cancelled }, $"{name}, cancelled while it hung, gave {fault?.ToString() ?? "a value"}");
        }
    }

    private static async Task CleanedAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var deposits = Need<IDepositCapability>(session);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposit = await context.OpenAsync(deposits, manifest).ConfigureAwait(false);
        using var cancel = new CancellationTokenSource();
        var writing = context.AnswerAsync(deposit.WriteAsync(0, 0, context.Subject.Image[..Math.Min(context.Subject.Image.Length, deposits.Traits.MaxWriteBytes)], cancel.Token), "writing");
        Cancel(cancel);
        await writing.ConfigureAwait(false);
        await deposit.DisposeAsync().ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);

        var next = await context.CapabilityAsync<IDepositCapability>().ConfigureAwait(false);
        if (!next.Traits.KeepsUncommitted)
        {
            Require((await context.ListAsync(next).ConfigureAwait(false)).IsEmpty, "a deposit that was not committed is still there");
            return;
        }

        Require(
            IsOnly(await context.ListAsync(next).ConfigureAwait(false), manifest.Id, manifest.Generation, false),
            "the deposit is not found after a write was cancelled");
        await context.ValueAsync(next.DiscardDepositAsync(manifest.Id, manifest.Generation, CancellationToken.None), "discarding it").ConfigureAwait(false);
        Require((await context.ListAsync(next).ConfigureAwait(false)).IsEmpty, "it is still there");
    }

    private static async Task<(ITargetSession Session, IDeposit? Deposit, DepositManifest Manifest)> PreparedAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposit = session.GetCapability<IDepositCapability>() is { } deposits ? await context.OpenAsync(deposits, manifest).ConfigureAwait(false) : null;
        return (session, deposit, manifest);
    }
}
