using System.Collections.Immutable;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Claims and fencing.</summary>
internal static class ClaimRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("claim-generation-grows", "Every acquisition gives a higher generation, also to the same owner and after a release.", GrowsAsync),
        new("claim-held", "Another owner gets ClaimHeld, and the claim stays.", HeldAsync),
        new("claim-take-over", "A claim is taken over with its generation, and with no other.", TakeOverAsync),
        new("claim-one-winner", "Of several clients that acquire at once, one gets the claim.", OneWinnerAsync),
        new("claim-fences-arming", "What was deposited under an older generation can't be armed.", FencesArmingAsync),
        new("claim-fences-deposits", "Opening a deposit under an older generation gives Fenced.", FencesDepositsAsync),
        new("claim-old-deposits-listed", "What an older generation deposited is listed with that generation, and can be discarded.", OldListedAsync),
        new("claim-release", "Releasing succeeds twice, and does not release another one's claim.", ReleaseAsync),
    ];

    private static async Task GrowsAsync(ConformanceContext context)
    {
        var claims = await context.CapabilityAsync<IClaimCapability>().ConfigureAwait(false);
        var state = await ReadAsync(context, claims).ConfigureAwait(false);
        Require(state.Current is null, "a fresh target has a claim");
        var last = state.LastGeneration;
        for (var i = 0; i < 4; i++)
        {
            var claim = await AcquireAsync(context, claims, "conformance", null).ConfigureAwait(false);
            Require(claim.Owner == "conformance", $"the claim's owner is '{claim.Owner}'");
            Require(claim.Generation > last && claim.Generation >= 1, $"generation {claim.Generation} follows {last}");
            last = claim.Generation;
            state = await ReadAsync(context, claims).ConfigureAwait(false);
            Require(state.Current == claim && state.LastGeneration == last, $"acquired was {claim}, read is {state}");
            if (i % 2 == 1)
            {
                await context.ValueAsync(claims.ReleaseClaimAsync(claim, CancellationToken.None), "releasing").ConfigureAwait(false);
                state = await ReadAsync(context, claims).ConfigureAwait(false);
                Require(state.Current is null && state.LastGeneration == last, $"after the release of {claim}, read is {state}");
            }
        }
    }

    private static async Task HeldAsync(ConformanceContext context)
    {
        var claims = await context.CapabilityAsync<IClaimCapability>().ConfigureAwait(false);
        var claim = await AcquireAsync(context, claims, "first", null).ConfigureAwait(false);
        var others = await context.CapabilityAsync<IClaimCapability>().ConfigureAwait(false);
        await context.RefusalAsync(others.AcquireClaimAsync(new("second"), CancellationToken.None), "acquiring a held claim", TransportFaultKind.ClaimHeld).ConfigureAwait(false);
        Require((await ReadAsync(context, others).ConfigureAwait(false)).Current == claim, "a refused acquisition changed the claim");
    }

    private static async Task TakeOverAsync(ConformanceContext context)
    {
        var claims = await context.CapabilityAsync<IClaimCapability>().ConfigureAwait(false);
        var claim = await AcquireAsync(context, claims, "first", null).ConfigureAwait(false);
        foreach (var wrong in new[] { claim.Generation + 1, claim.Generation - 1 })
        {
            await context.RefusalAsync(claims.AcquireClaimAsync(new("second", wrong), CancellationToken.None), "taking over with another generation", TransportFaultKind.ClaimHeld).ConfigureAwait(false);
        }

        var taken = await AcquireAsync(context, claims, "second", claim.Generation).ConfigureAwait(false);
        Require(taken.Generation > claim.Generation, $"generation {taken.Generation} follows {claim.Generation}");
        Require((await ReadAsync(context, claims).ConfigureAwait(false)).Current == taken, "the claim that was taken over is not the one that is read");
    }

    private static async Task OneWinnerAsync(ConformanceContext context)
    {
        var clients = new List<IClaimCapability>();
        for (var i = 0; i < 4; i++)
        {
            clients.Add(await context.CapabilityAsync<IClaimCapability>().ConfigureAwait(false));
        }

        var answers = await Task.WhenAll(clients.Select((c, i) => context.AnswerAsync(c.AcquireClaimAsync(new($"client-{i}"), CancellationToken.None), "acquiring at once"))).ConfigureAwait(false);
        Require(answers.Count(a => a.TryGetValue(out _, out _)) == 1, $"{answers.Count(a => a.TryGetValue(out _, out _))} of four clients got the claim");
        foreach (var answer in answers)
        {
            Require(answer.TryGetValue(out _, out var fault) || fault.Kind is TransportFaultKind.ClaimHeld or TransportFaultKind.Busy, $"a client that came late got {fault}");
        }
    }

    private static async Task FencesArmingAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var claims = Need<IClaimCapability>(session);
        var arming = Need<IArmingCapability>(session);
        Need<IDepositCapability>(session);
        var offer = await context.OfferAsync(arming).ConfigureAwait(false);
        var claim = await AcquireAsync(context, claims, "first", null).ConfigureAwait(false);
        var manifest = await context.CommittedAsync(session, claim.Generation).ConfigureAwait(false);
        await AcquireAsync(context, await context.CapabilityAsync<IClaimCapability>().ConfigureAwait(false), "second", claim.Generation).ConfigureAwait(false);
        await context.RefusalAsync(
            arming.ArmAsync(new(manifest, offer.Method), CancellationToken.None),
            "arming under an older generation",
            TransportFaultKind.Fenced,
            TransportFaultKind.NotFound).ConfigureAwait(false);
        Require((await context.ArmedAsync(arming).ConfigureAwait(false)).Phase == ArmedPhase.None, "a stale owner armed the target");
    }

    private static async Task FencesDepositsAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var claims = Need<IClaimCapability>(session);
        var deposits = Need<IDepositCapability>(session);
        var claim = await AcquireAsync(context, claims, "first", null).ConfigureAwait(false);
        await AcquireAsync(context, claims, "second", claim.Generation).ConfigureAwait(false);
        await context.RefusalAsync(deposits.OpenDepositAsync(context.Manifest(claim.Generation), CancellationToken.None), "opening a deposit under an older generation", TransportFaultKind.Fenced).ConfigureAwait(false);
        Require((await context.ListAsync(deposits).ConfigureAwait(false)).IsEmpty, "a refused deposit is listed");
    }

    private static async Task OldListedAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var claims = Need<IClaimCapability>(session);
        var deposits = Need<IDepositCapability>(session);
        var claim = await AcquireAsync(context, claims, "first", null).ConfigureAwait(false);
        var manifest = await context.CommittedAsync(session, claim.Generation).ConfigureAwait(false);
        await AcquireAsync(context, claims, "second", claim.Generation).ConfigureAwait(false);
        var found = await context.ListAsync(deposits).ConfigureAwait(false);
        Require(found is [var only] && only.Id == manifest.Id && only.Generation == claim.Generation, "the deposit of the older generation is not listed as that");
        await context.ValueAsync(deposits.DiscardDepositAsync(manifest.Id, claim.Generation, CancellationToken.None), "discarding a deposit of an older generation").ConfigureAwait(false);
        Require((await context.ListAsync(deposits).ConfigureAwait(false)).IsEmpty, "the deposit of the older generation is still there");
    }

    private static async Task ReleaseAsync(ConformanceContext context)
    {
        var claims = await context.CapabilityAsync<IClaimCapability>().ConfigureAwait(false);
        var first = await AcquireAsync(context, claims, "first", null).ConfigureAwait(false);
        var second = await AcquireAsync(context, claims, "second", first.Generation).ConfigureAwait(false);
        await context.ValueAsync(claims.ReleaseClaimAsync(first, CancellationToken.None), "releasing a claim that was taken over").ConfigureAwait(false);
        Require((await ReadAsync(context, claims).ConfigureAwait(false)).Current == second, "a stale owner released another one's claim");
        for (var i = 0; i < 2; i++)
        {
            await context.ValueAsync(claims.ReleaseClaimAsync(second, CancellationToken.None), "releasing").ConfigureAwait(false);
            Require((await ReadAsync(context, claims).ConfigureAwait(false)).Current is null, "a released claim is still held");
        }
    }

    private static Task<ClaimState> ReadAsync(ConformanceContext context, IClaimCapability claims) =>
        context.ValueAsync(claims.ReadClaimAsync(CancellationToken.None), "reading the claim");

    private static Task<TargetClaim> AcquireAsync(ConformanceContext context, IClaimCapability claims, string owner, long? takeOver) =>
        context.ValueAsync(claims.AcquireClaimAsync(new(owner, takeOver), CancellationToken.None), $"acquiring the claim for {owner}");
}
