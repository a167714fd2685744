using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Conformance.ConformanceContext;

namespace RomFlash.Sdk.Testing.Conformance.Rules;

/// <summary>Putting files on the target.</summary>
internal static class DepositRules
{
    public static ImmutableArray<ConformanceRule> All { get; } =
    [
        new("deposit-traits", "A deposit can be verified in some way, the usual one is among those that the traits name, and writes have a positive size.", TraitsAsync),
        new("deposit-read-back", "Reading back gives what was written, at any offset, and nothing behind the end.", ReadBackAsync),
        new("deposit-digest", "The digest on the target is that of what was written.", DigestAsync),
        new("deposit-unsupported-verification", "What the traits do not name is Unsupported.", UnsupportedAsync),
        new("deposit-list", "A deposit is listed as open where it stays, then as committed, with its id and generation.", ListAsync),
        new("deposit-commit-twice", "Committing twice succeeds.", CommitTwiceAsync),
        new("deposit-id-taken", "Opening a deposit under an id that is taken gives AlreadyExists.", IdTakenAsync),
        new("deposit-inert", "A committed deposit arms nothing.", InertAsync),
        new("deposit-arms", "Where committing a deposit arms, nothing is armed before, and the target's state names the deposit after.", ArmsAsync),
        new("deposit-discard", "Discarding removes a deposit, open or committed, and succeeds when there is none.", DiscardAsync),
        new("deposit-left-over", "What a disposed deposit leaves is found and removed by a new session; it leaves nothing where nothing stays.", LeftOverAsync),
        new("deposit-resumed", "A deposit of the same content as one that was left unfinished tells what is there of it, and becomes whole by what is written behind that; one of other content begins anew.", ResumedAsync),
    ];

    private static async Task TraitsAsync(ConformanceContext context)
    {
        var traits = (await context.CapabilityAsync<IDepositCapability>().ConfigureAwait(false)).Traits;
        Require(traits.Strongest != VerificationMethod.None, "the traits name no way to verify");
        Require(traits.Verification.Contains(traits.Usual), $"{traits.Usual} is usual, and not among the ways to verify");
        Require(traits.MaxWriteBytes >= 1, $"the largest write is {traits.MaxWriteBytes} bytes");
    }

    private static async Task ReadBackAsync(ConformanceContext context)
    {
        var (deposits, deposit, _) = await WrittenAsync(context).ConfigureAwait(false);
        await using var closing = deposit.ConfigureAwait(false);
        if (!deposits.Traits.Verification.Contains(VerificationMethod.ReadBack))
        {
            Skip("the transport does not read back");
        }

        var image = context.Subject.Image;
        var found = new byte[image.Length];
        for (var offset = 0; offset < found.Length;)
        {
            var count = await context.ValueAsync(deposit.ReadBackAsync(0, offset, found.AsMemory(offset), CancellationToken.None), $"reading back at {offset}").ConfigureAwait(false);
            Require(count > 0 && count <= found.Length - offset, $"reading back at {offset} of {found.Length} gave {count} bytes");
            offset += count;
        }

        Require(found.AsSpan().SequenceEqual(image.Span), "what was read back is not what was written");

        var piece = new byte[5];
        var at = image.Length / 2;
        var part = await context.ValueAsync(deposit.ReadBackAsync(0, at, piece, CancellationToken.None), "reading back a part").ConfigureAwait(false);
        Require(part >= 1 && part <= piece.Length && piece.AsSpan(0, part).SequenceEqual(image.Span.Slice(at, part)), "a part that was read back is not what was written there");
        var tail = await context.ValueAsync(deposit.ReadBackAsync(0, image.Length - 3, piece, CancellationToken.None), "reading back the end").ConfigureAwait(false);
        Require(tail is >= 1 and <= 3, $"reading back 3 bytes before the end gave {tail} bytes");
        var end = await context.ValueAsync(deposit.ReadBackAsync(0, image.Length, piece, CancellationToken.None), "reading back at the end").ConfigureAwait(false);
        Require(end == 0, $"reading back at the end gave {end} bytes");
    }

    private static async Task DigestAsync(ConformanceContext context)
    {
        var (deposits, deposit, manifest) = await WrittenAsync(context).ConfigureAwait(false);
        await using var closing = deposit.ConfigureAwait(false);
        if (!deposits.Traits.Verification.Contains(VerificationMethod.DigestOnTarget))
        {
            Skip("the target computes no digests");
        }

        var digest = await context.ValueAsync(deposit.DigestOnTargetAsync(0, CancellationToken.None), "digesting").ConfigureAwait(false);
        Require(digest == manifest.Files[0].Sha256, $"the digest is {digest}, what was written has {manifest.Files[0].Sha256}");
    }

    private static async Task UnsupportedAsync(ConformanceContext context)
    {
        var (deposits, deposit, _) = await WrittenAsync(context).ConfigureAwait(false);
        await using var closing = deposit.ConfigureAwait(false);
        var verification = deposits.Traits.Verification;
        if (verification.Contains(VerificationMethod.ReadBack) && verification.Contains(VerificationMethod.DigestOnTarget))
        {
            Skip("the transport can do both");
        }

        if (!verification.Contains(VerificationMethod.ReadBack))
        {
            await context.RefusalAsync(deposit.ReadBackAsync(0, 0, new byte[8], CancellationToken.None), "reading back", TransportFaultKind.Unsupported).ConfigureAwait(false);
        }

        if (!verification.Contains(VerificationMethod.DigestOnTarget))
        {
            await context.RefusalAsync(deposit.DigestOnTargetAsync(0, CancellationToken.None), "digesting", TransportFaultKind.Unsupported).ConfigureAwait(false);
        }
    }

    private static async Task ListAsync(ConformanceContext context)
    {
        var (deposits, deposit, manifest) = await WrittenAsync(context).ConfigureAwait(false);
        await using var closing = deposit.ConfigureAwait(false);
        if (deposits.Traits.KeepsUncommitted)
        {
            Require(
                IsOnly(await context.ListAsync(deposits).ConfigureAwait(false), manifest.Id, manifest.Generation, false),
                "an open deposit is not listed as that, and as the only one");
        }

        if (deposits.Traits.Effect != DepositEffect.Inert)
        {
            Skip("committing a deposit arms here");
        }

        await context.ValueAsync(deposit.CommitAsync(CancellationToken.None), "committing").ConfigureAwait(false);
        Require(
            IsOnly(await context.ListAsync(deposits).ConfigureAwait(false), manifest.Id, manifest.Generation, true),
            "a committed deposit is not listed as that, and as the only one");
    }

    private static async Task CommitTwiceAsync(ConformanceContext context)
    {
        var (_, deposit, _) = await WrittenAsync(context).ConfigureAwait(false);
        await using var closing = deposit.ConfigureAwait(false);
        await context.ValueAsync(deposit.CommitAsync(CancellationToken.None), "committing").ConfigureAwait(false);
        await context.ValueAsync(deposit.CommitAsync(CancellationToken.None), "committing twice").ConfigureAwait(false);
    }

    private static async Task IdTakenAsync(ConformanceContext context)
    {
        var (deposits, deposit, manifest) = await WrittenAsync(context).ConfigureAwait(false);
        await using var closing = deposit.ConfigureAwait(false);
        await context.RefusalAsync(deposits.OpenDepositAsync(manifest, CancellationToken.None), "opening a deposit twice", TransportFaultKind.AlreadyExists).ConfigureAwait(false);
        await context.ValueAsync(deposit.CommitAsync(CancellationToken.None), "committing the first").ConfigureAwait(false);
        await context.RefusalAsync(deposits.OpenDepositAsync(manifest, CancellationToken.None), "opening a committed deposit", TransportFaultKind.AlreadyExists).ConfigureAwait(false);
    }

    private static async Task InertAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var arming = Need<IArmingCapability>(session);
        await context.CommittedAsync(session, await context.ClaimAsync(session).ConfigureAwait(false)).ConfigureAwait(false);
        var state = await context.ArmedAsync(arming).ConfigureAwait(false);
        Require(state.Phase == ArmedPhase.None && state.Items.IsEmpty && state.Foreign.IsEmpty && state.DepositId is null, $"a deposit that was not armed shows as {state.Phase}");
    }

    private static async Task ArmsAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var deposits = Need<IDepositCapability>(session);
        var arming = Need<IArmingCapability>(session);
        if (deposits.Traits.Effect == DepositEffect.Inert)
        {
            Skip("committing a deposit is inert here");
        }

        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposit = await context.OpenAsync(deposits, manifest).ConfigureAwait(false);
        await using (deposit.ConfigureAwait(false))
        {
            await context.WriteAsync(deposits, deposit).ConfigureAwait(false);
            var before = await context.ArmedAsync(await context.CapabilityAsync<IArmingCapability>().ConfigureAwait(false)).ConfigureAwait(false);
            Require(before.Phase == ArmedPhase.None, $"before the commit the target says {before.Phase}");
            await context.ValueAsync(deposit.CommitAsync(CancellationToken.None), "committing").ConfigureAwait(false);
        }

        var after = await context.ArmedAsync(arming).ConfigureAwait(false);
        Require(after.Phase is ArmedPhase.Armed or ArmedPhase.Applying && after.DepositId == manifest.Id, $"after the commit the target says {after.Phase}, deposit '{after.DepositId}'");
    }

    private static async Task DiscardAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var deposits = Need<IDepositCapability>(session);
        var generation = await context.ClaimAsync(session).ConfigureAwait(false);
        await context.ValueAsync(deposits.DiscardDepositAsync("conformance-none", generation, CancellationToken.None), "discarding what is not there").ConfigureAwait(false);

        var open = context.Manifest(generation);
        var deposit = await context.OpenAsync(deposits, open).ConfigureAwait(false);
        await using (deposit.ConfigureAwait(false))
        {
            await context.WriteAsync(deposits, deposit).ConfigureAwait(false);
        }

        var committed = await context.CommittedAsync(session, generation).ConfigureAwait(false);
        await context.ValueAsync(deposits.DiscardDepositAsync(open.Id, generation, CancellationToken.None), "discarding an open deposit").ConfigureAwait(false);
        Require(
            IsOnly(await context.ListAsync(deposits).ConfigureAwait(false), committed.Id, generation, true),
            "after one of two deposits was discarded, the other is not the only one");
        for (var i = 0; i < 2; i++)
        {
            await context.ValueAsync(deposits.DiscardDepositAsync(committed.Id, generation, CancellationToken.None), "discarding a committed deposit").ConfigureAwait(false);
        }

        Require((await context.ListAsync(deposits).ConfigureAwait(false)).IsEmpty, "discarded deposits are still listed");
    }

    private static async Task LeftOverAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var generation = await context.ClaimAsync(session).ConfigureAwait(false);
        var deposits = Need<IDepositCapability>(session);
        var manifest = context.Manifest(generation);
        var deposit = await context.OpenAsync(deposits, manifest).ConfigureAwait(false);
        await context.ValueAsync(deposit.WriteAsync(0, 0, context.Subject.Image[..Math.Min(8, deposits.Traits.MaxWriteBytes)], CancellationToken.None), "writing").ConfigureAwait(false);
        await deposit.DisposeAsync().ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);

        var next = await context.CapabilityAsync<IDepositCapability>().ConfigureAwait(false);
        if (!next.Traits.KeepsUncommitted)
        {
            Require((await context.ListAsync(next).ConfigureAwait(false)).IsEmpty, "a deposit that was not committed is still there");
            return;
        }

        Require(
            IsOnly(await context.ListAsync(next).ConfigureAwait(false), manifest.Id, generation, false),
            "what an earlier session left is not listed as an open deposit");
        await context.ValueAsync(next.DiscardDepositAsync(manifest.Id, generation, CancellationToken.None), "discarding what an earlier session left").ConfigureAwait(false);
        Require((await context.ListAsync(next).ConfigureAwait(false)).IsEmpty, "what an earlier session left is still there");
    }

    private static async Task ResumedAsync(ConformanceContext context)
    {
        var image = context.Subject.Image;
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var first = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposits = Need<IDepositCapability>(session);
        var half = Math.Min(image.Length / 2, deposits.Traits.MaxWriteBytes);
        var deposit = await context.OpenAsync(deposits, first).ConfigureAwait(false);
        Require(deposit.PresentBytes(0) == 0, "something is there of a deposit that is new");
        await context.ValueAsync(deposit.WriteAsync(0, 0, image[..half], CancellationToken.None), "writing").ConfigureAwait(false);
        await deposit.DisposeAsync().ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);

        session = await context.ConnectAsync().ConfigureAwait(false);
        deposits = Need<IDepositCapability>(session);
        var second = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        if (await context.ListAsync(deposits).ConfigureAwait(false) is not [{ Unfinished: { } unfinished }])
        {
            Skip("the transport goes on with nothing");
            return;
        }

        Require(unfinished == first.Digest, "what was left unfinished is not named by the digest of its manifest");
        var other = new DepositManifest("conformance-else", second.Generation, [second.Files[0] with { Sha256 = new ContentDigest(new byte[ContentDigest.Size]) }]);
        await (await context.OpenAsync(deposits, other).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        await context.ValueAsync(deposits.DiscardDepositAsync(other.Id, other.Generation, CancellationToken.None), "discarding a deposit of other content").ConfigureAwait(false);
        Require(await context.ListAsync(deposits).ConfigureAwait(false) is [{ Unfinished: not null }], "a deposit of other content used up what had been left");

        deposit = await context.OpenAsync(deposits, second).ConfigureAwait(false);
        await using var closing = deposit.ConfigureAwait(false);
        var present = deposit.PresentBytes(0);
        Require(present == half, $"{half} bytes were left, and {present} are said to be there");
        Require((await context.ListAsync(deposits).ConfigureAwait(false)).Length == 1, "what was gone on with is listed besides");
        for (var offset = (int)present; offset < image.Length;)
        {
            var piece = Math.Min(image.Length - offset, deposits.Traits.MaxWriteBytes);
            await context.ValueAsync(deposit.WriteAsync(0, offset, image.Slice(offset, piece), CancellationToken.None), $"writing on at {offset}").ConfigureAwait(false);
            offset += piece;
        }

        if (deposits.Traits.Verification.Contains(VerificationMethod.ReadBack))
        {
            var found = new byte[image.Length];
            for (var offset = 0; offset < found.Length;)
            {
                var count = await context.ValueAsync(deposit.ReadBackAsync(0, offset, found.AsMemory(offset), CancellationToken.None), $"reading back at {offset}").ConfigureAwait(false);
                Require(count > 0, "reading back ends too early");
                offset += count;
            }

            Require(found.AsSpan().SequenceEqual(image.Span), "what was gone on with is not the image");
        }

        await context.ValueAsync(deposit.CommitAsync(CancellationToken.None), "committing").ConfigureAwait(false);
        Require(IsOnly(await context.ListAsync(deposits).ConfigureAwait(false), second.Id, second.Generation, true), "what was gone on with is not listed as committed");
    }

    private static async Task<(IDepositCapability Deposits, IDeposit Deposit, DepositManifest Manifest)> WrittenAsync(ConformanceContext context)
    {
        var session = await context.ConnectAsync().ConfigureAwait(false);
        var deposits = Need<IDepositCapability>(session);
        var manifest = context.Manifest(await context.ClaimAsync(session).ConfigureAwait(false));
        var deposit = await context.OpenAsync(deposits, manifest).ConfigureAwait(false);
        Require(deposit.Manifest.Id == manifest.Id && deposit.Manifest.Digest == manifest.Digest, "an open deposit does not tell its manifest");
        await context.WriteAsync(deposits, deposit).ConfigureAwait(false);
        return (deposits, deposit, manifest);
    }
}
