using System.Globalization;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>The claim of one session: a file that says who and under which generation, and a handle for as long as the session is connected. No clock is asked.</summary>
internal sealed class PartitionClaims : IAsyncDisposable
{
    private IAsyncDisposable? _holder;

    public static async ValueTask<ClaimState> ReadAsync(PartitionLayout layout)
    {
        var view = await layout.ReadClaimAsync(await layout.FindRomFlashAsync().ConfigureAwait(false)).ConfigureAwait(false);
        return view.Unreadable is { } why ? throw PartitionFaultException.Violation(HeldByUnknown(view, why)) : new ClaimState(view.Current, view.Last);
    }

    public async ValueTask<TargetClaim> AcquireAsync(PartitionLayout layout, ClaimRequest request)
    {
        if (request.Owner is not { Length: > 0 and <= 128 })
        {
            throw new PartitionFaultException(TransportFaultKind.Unsupported, "an owner has 1 to 128 characters");
        }

        // A claim that is held is answered without writing anything.
        if (await layout.FindRomFlashAsync().ConfigureAwait(false) is { } there)
        {
            await RespectAsync(layout, there, await layout.ReadClaimAsync(there).ConfigureAwait(false), request).ConfigureAwait(false);
        }

        var romFlash = await layout.NeedRomFlashAsync().ConfigureAwait(false);
        var held = await layout.TakeLockAsync(romFlash).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            var view = await layout.ReadClaimAsync(romFlash).ConfigureAwait(false);
            await RespectAsync(layout, romFlash, view, request).ConfigureAwait(false);
            var claim = new TargetClaim(request.Owner, view.Last + 1);
            if (claim.Generation > PartitionDocuments.MaxGeneration)
            {
                throw PartitionFaultException.Violation("the generation on the target is too large to be followed by another one");
            }

            var hadHolder = _holder is not null;
            await HoldAsync(layout, romFlash).ConfigureAwait(false);
            try
            {
                await layout.WriteDocumentAsync(romFlash, "generation.json", PartitionDocuments.WriteGeneration(claim.Generation)).ConfigureAwait(false);
                await layout.FenceAsync(romFlash).ConfigureAwait(false);
                await layout.WriteDocumentAsync(romFlash, "claim.json", PartitionDocuments.Write(claim)).ConfigureAwait(false);
            }
            catch (Exception) when (!hadHolder)
            {
                // Whoever asks would be told that the owner whom the claim names is connected.
                await DisposeAsync().ConfigureAwait(false);
                throw;
            }

            return claim;
        }
    }

    public async ValueTask<Done> ReleaseAsync(PartitionLayout layout, TargetClaim claim)
    {
        if (await layout.FindRomFlashOfPartitionAsync().ConfigureAwait(false) is not { } romFlash)
        {
            return default;
        }

        var held = await layout.TakeLockAsync(romFlash).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            if ((await layout.ReadClaimAsync(romFlash).ConfigureAwait(false)).Current == claim)
            {
                await layout.Files.DeleteFileAsync(PartitionLayout.Join(romFlash, "claim.json"), layout.Token).ConfigureAwait(false);
                await layout.Files.FlushFolderAsync(romFlash, layout.Token).ConfigureAwait(false);
                await DisposeAsync().ConfigureAwait(false);
            }
        }

        return default;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _holder, null) is { } holder)
        {
            await holder.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static string HeldByUnknown(ClaimView view, string why) => string.Create(
        CultureInfo.InvariantCulture,
        $"the claim can't be read, so it is held by an unknown owner (take over generation {view.Last} when nobody works on this target): {why}");

    private static async ValueTask RespectAsync(PartitionLayout layout, string romFlash, ClaimView view, ClaimRequest request)
    {
        if (view.Unreadable is { } why && request.TakeOverGeneration != view.Last)
        {
            throw new PartitionFaultException(TransportFaultKind.ClaimHeld, HeldByUnknown(view, why));
        }

        if (view.Current is { } current && current.Owner != request.Owner && request.TakeOverGeneration != current.Generation)
        {
            var connected = await WhetherConnectedAsync(layout, romFlash).ConfigureAwait(false);
            throw new PartitionFaultException(
                TransportFaultKind.ClaimHeld,
                string.Create(CultureInfo.InvariantCulture, $"held by {current.Owner}, generation {current.Generation}{connected}"));
        }
    }

    // For others to see whether the owner is connected. An owner's own connection that died may hold it for a while: that is no reason to refuse him.
    private async ValueTask HoldAsync(PartitionLayout layout, string romFlash) =>
        _holder ??= await layout.Files.TryHoldAsync(PartitionLayout.Join(romFlash, "holder"), layout.Token).ConfigureAwait(false);

    // The target drops the handle when the client is gone, whatever became of the client: no clock has to be asked.
    private static async ValueTask<string> WhetherConnectedAsync(PartitionLayout layout, string romFlash)
    {
        var path = PartitionLayout.Join(romFlash, "holder");
        if (!layout.Files.KnowsConnections || (await layout.LookAsync(path).ConfigureAwait(false)).Kind is not PartitionEntryKind.File)
        {
            return string.Empty;
        }

        try
        {
            if (await layout.Files.TryHoldAsync(path, layout.Token).ConfigureAwait(false) is not { } free)
            {
                return ", who is connected now";
            }

            await free.DisposeAsync().ConfigureAwait(false);
            return ", who is not connected now";
        }
        catch (PartitionFaultException e) when (e.Kind is TransportFaultKind.Busy)
        {
            // A target that has too much to do does not tell.
            return string.Empty;
        }
    }
}
