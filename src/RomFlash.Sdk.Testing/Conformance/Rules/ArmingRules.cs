using System.Collections.Immutable;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Arming and disarming. Nothing is restarted: what these rules arm is disarmed, or removed with the subject.</summary>
internal static class ArmingRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("arm-tells-what-is-armed", "After arming, the target's state names the deposit, its generation and its digests.", TellsAsync),
        new("arm-is-not-listed", "An armed deposit is not listed as a deposit.", IsNotListedAsync),
        new("arm-open-deposit", "A deposit that was not committed can't be armed.", OpenDepositAsync),
        new("arm-unknown-deposit", "Arming what was never deposited gives NotFound or Fenced.", UnknownDepositAsync),
        new("arm-busy", "Arming while something else is armed gives Busy and leaves that armed.", BusyAsync),
        new("disarm", "Disarming takes arming back, removes what was armed, and succeeds when nothing is.", DisarmAsync),
        new("disarm-other", "Disarming another deposit leaves what is armed.", DisarmOtherAsync),
        new("disarm-unsupported", "Where arming can't be taken back, disarming gives Unsupported and changes nothing.", DisarmUnsupportedAsync),
        new("disarm-of-nothing", "Disarming what is not armed succeeds.", DisarmNothingAsync),
    ];

    // A target may write what is armed before the restart.
    private static bool IsArmed(ArmedState state) => state.Phase is ArmedPhase.Armed or ArmedPhase.Applying;

    private static async Task TellsAsync(ConformanceContext context)
    {
        var (_, arming, manifest, _) = await ArmedAsync(context).ConfigureAwait(false);
        var state = await context.ArmedAsync(arming).ConfigureAwait(false);
        Require(IsArmed(state), $"after arming the target says {state.Phase}");
        Require(state.DepositId == manifest.Id && state.Generation == manifest.Generation, $"armed is deposit '{state.DepositId}' of generation {state.Generation}, asked for was '{manifest.Id}' of {manifest.Generation}");
        Require(state.Foreign.IsEmpty, "what was armed shows as somebody else's");
        Require(state.Items.All(i => !i.Sha256.TryGet(out var digest) || digest == manifest.Files[0].Sha256), "a digest of what is armed is not the deposited one");
        Require(state.Items.All(i => !i.Length.TryGet(out var length) || length == manifest.Files[0].Length), "a length of what is armed is not the deposited one");
        var again = await context.ArmedAsync(await context.CapabilityAsync<IArmingCapability>().ConfigureAwait(false)).ConfigureAwait(false);
        Require(IsArmed(again) && again.DepositId == manifest.Id, "a new session does not find what was armed");
    }

    private static async Task IsNotListedAsync(ConformanceContext context)
    {
        var (session, _, _, _) = await ArmedAsync(context).ConfigureAwait(false);
        Require((await context.ListAsync(Need<IDepositCapability>(session)).ConfigureAwait(false)).IsEmpty, "an armed deposit is still listed");
    }

    private static async Task OpenDepositAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var arming = Need<IArmingCapability>(session);
        var deposits = Need<IDepositCapability>(session);
        var offer = await context.OfferAsync(arming).ConfigureAwait(false);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposit = await context.OpenAsync(deposits, manifest).ConfigureAwait(false);
        await using (deposit.ConfigureAwait(false))
        {
            await context.WriteAsync(deposits, deposit).ConfigureAwait(false);
            await context.RefusalAsync(arming.ArmAsync(new(manifest, offer.Method), CancellationToken.None), "arming an open deposit").ConfigureAwait(false);
            Require((await context.ArmedAsync(arming).ConfigureAwait(false)).Phase == ArmedPhase.None, "a deposit that was not committed was armed");
        }
    }

    private static async Task UnknownDepositAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var arming = Need<IArmingCapability>(session);
        var offer = await context.OfferAsync(arming).ConfigureAwait(false);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        await context.RefusalAsync(
            arming.ArmAsync(new(manifest, offer.Method), CancellationToken.None),
            "arming what was never deposited",
            TransportFaultKind.NotFound,
            TransportFaultKind.Fenced).ConfigureAwait(false);
        Require((await context.ArmedAsync(arming).ConfigureAwait(false)).Phase == ArmedPhase.None, "something is armed after arming failed");
    }

    private static async Task BusyAsync(ConformanceContext context)
    {
        var (session, arming, manifest, offer) = await ArmedAsync(context).ConfigureAwait(false);
        var second = await context.CommittedAsync(session, manifest.Generation).ConfigureAwait(false);
        await context.RefusalAsync(arming.ArmAsync(new(second, offer.Method), CancellationToken.None), "arming a second deposit", TransportFaultKind.Busy).ConfigureAwait(false);
        var state = await context.ArmedAsync(arming).ConfigureAwait(false);
        Require(IsArmed(state) && state.DepositId == manifest.Id, "the first deposit is no longer what is armed");
    }

    private static async Task DisarmAsync(ConformanceContext context)
    {
        var (session, arming, manifest, offer) = await ArmedAsync(context).ConfigureAwait(false);
        if (!offer.CanDisarm)
        {
            Skip("arming can't be taken back");
        }

        for (var i = 0; i < 2; i++)
        {
            await context.ValueAsync(arming.DisarmAsync(manifest.Id, CancellationToken.None), i == 0 ? "disarming" : "disarming twice").ConfigureAwait(false);
            var state = await context.ArmedAsync(arming).ConfigureAwait(false);
            Require(state.Phase == ArmedPhase.None && state.Items.IsEmpty && state.DepositId is null, $"after disarming the target says {state.Phase}");
        }

        var next = await context.CommittedAsync(session, manifest.Generation).ConfigureAwait(false);
        await context.ValueAsync(arming.ArmAsync(new(next, offer.Method), CancellationToken.None), "arming after disarming").ConfigureAwait(false);
    }

    private static async Task DisarmOtherAsync(ConformanceContext context)
    {
        var (_, arming, manifest, offer) = await ArmedAsync(context).ConfigureAwait(false);
        if (!offer.CanDisarm)
        {
            Skip("arming can't be taken back");
        }

        await context.ValueAsync(arming.DisarmAsync("conformance-none", CancellationToken.None), "disarming another deposit").ConfigureAwait(false);
        var state = await context.ArmedAsync(arming).ConfigureAwait(false);
        Require(IsArmed(state) && state.DepositId == manifest.Id, "disarming another deposit disarmed this one");
    }

    private static async Task DisarmUnsupportedAsync(ConformanceContext context)
    {
        var (_, arming, manifest, offer) = await ArmedAsync(context).ConfigureAwait(false);
        if (offer.CanDisarm)
        {
            Skip("arming can be taken back");
        }

        await context.RefusalAsync(arming.DisarmAsync(manifest.Id, CancellationToken.None), "disarming", TransportFaultKind.Unsupported).ConfigureAwait(false);
        Require(IsArmed(await context.ArmedAsync(arming).ConfigureAwait(false)), "disarming was Unsupported, but disarmed");
    }

    private static async Task DisarmNothingAsync(ConformanceContext context)
    {
        var arming = await context.CapabilityAsync<IArmingCapability>().ConfigureAwait(false);
        if (!(await context.OfferAsync(arming).ConfigureAwait(false)).CanDisarm)
        {
            Skip("arming can't be taken back");
        }

        await context.ValueAsync(arming.DisarmAsync("conformance-none", CancellationToken.None), "disarming what is not armed").ConfigureAwait(false);
    }

    private static async Task<(ITargetSession Session, IArmingCapability Arming, DepositManifest Manifest, ArmingOffer Offer)> ArmedAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var arming = Need<IArmingCapability>(session);
        Need<IDepositCapability>(session);
        var offer = await context.OfferAsync(arming).ConfigureAwait(false);
        var before = await context.ArmedAsync(arming).ConfigureAwait(false);
        Require(before.Phase == ArmedPhase.None && before.DepositId is null, $"a fresh target says {before.Phase}");
        var manifest = await context.CommittedAsync(session, await context.ClaimAsync(session).ConfigureAwait(false)).ConfigureAwait(false);
        await context.ValueAsync(arming.ArmAsync(new(manifest, offer.Method), CancellationToken.None), "arming").ConfigureAwait(false);
        return (session, arming, manifest, offer);
    }
}
