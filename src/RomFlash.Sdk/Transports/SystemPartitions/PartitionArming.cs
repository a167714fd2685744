using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>What lies where firmware looks for capsules, and whose it is.</summary>
/// <param name="Manifest">The deposit that was armed last, or null.</param>
/// <param name="Capsules">Everything in <c>EFI/UpdateCapsule</c>.</param>
/// <param name="Folder">That folder, or null when there is none.</param>
internal sealed record ArmedLook(DepositManifest? Manifest, IReadOnlyList<PartitionEntry> Capsules, string? Folder);

/// <summary>A bit of the firmware's that has to be set besides, so that what lies where firmware looks is taken.</summary>
/// <param name="SetAsync">Sets it; the commit point of arming.</param>
/// <param name="ClearAsync">Clears it.</param>
internal sealed record ArmingBit(Func<ValueTask> SetAsync, Func<ValueTask> ClearAsync);

/// <summary>Arms by one rename of a whole deposit to <c>EFI/UpdateCapsule</c> (UEFI 2.10, 8.5.5), and takes it back.</summary>
internal static class PartitionArming
{
    public static async ValueTask<ArmedLook> LookAsync(PartitionLayout layout)
    {
        await layout.NeedEfiAsync().ConfigureAwait(false);
        var folder = await layout.FindUpdateCapsuleAsync().ConfigureAwait(false);
        var capsules = folder is null ? [] : await layout.ListAsync(folder).ConfigureAwait(false);
        return new(await layout.ReadArmedManifestAsync(await layout.FindRomFlashAsync().ConfigureAwait(false)).ConfigureAwait(false), capsules, folder);
    }

    public static bool IsArmed(DepositManifest manifest, IReadOnlyList<PartitionEntry> capsules) =>
        Enumerable.Range(0, manifest.Files.Length).Any(i => Find(manifest, i, capsules) is not null);

    /// <summary>Reads what is armed, without the offers.</summary>
    public static async ValueTask<ArmedState> ReadAsync(PartitionLayout layout, bool withDigests)
    {
        var (manifest, capsules, folder) = await LookAsync(layout).ConfigureAwait(false);
        var items = ImmutableArray.CreateBuilder<ArmedItem>();
        var ours = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; folder is not null && i < manifest?.Files.Length; i++)
        {
            if (Find(manifest, i, capsules) is { } entry)
            {
                ours.Add(entry.Name);
                var digest = !withDigests ? Fact<ContentDigest>.Unknown("not asked for")
                    : entry.Length != manifest.Files[i].Length ? Fact<ContentDigest>.Unknown("its length is not the deposited one")
                    : await DigestAsync(layout, PartitionLayout.Join(folder, entry.Name), entry.Length).ConfigureAwait(false);
                items.Add(new(entry.Name, entry.Length, digest));
            }
        }

        var foreign = capsules.Where(c => !ours.Contains(c.Name))
            .Select(c => new ArmedItem(c.Name, c.Kind is PartitionEntryKind.File ? c.Length : Fact<long>.Unknown("not a plain file"), Fact<ContentDigest>.Unknown("not deposited by this SDK")))
            .ToImmutableArray();
        var phase = items.Count > 0 ? ArmedPhase.Armed
            : manifest is not null && await LiesReadyAsync(layout, manifest).ConfigureAwait(false) ? ArmedPhase.Prepared
            : ArmedPhase.None;
        return new()
        {
            Phase = phase,
            DepositId = phase is ArmedPhase.None ? null : manifest!.Id,
            Generation = phase is ArmedPhase.None ? 0 : manifest!.Generation,
            Items = items.ToImmutable(),
            Foreign = foreign,
        };
    }

    /// <summary>Arms. Before the last rename nothing lies where firmware looks; with it, everything does.</summary>
    /// <param name="layout">The partition.</param>
    /// <param name="manifest">The committed deposit.</param>
    /// <param name="bit">What else has to be set, where files alone arm nothing: the commit point then. One that is set already is cleared before.</param>
    public static async ValueTask<Done> ArmAsync(PartitionLayout layout, DepositManifest manifest, ArmingBit? bit = null)
    {
        var efi = await layout.NeedEfiAsync().ConfigureAwait(false);
        if (await layout.FindRomFlashAsync().ConfigureAwait(false) is not { } romFlash)
        {
            throw new PartitionFaultException(TransportFaultKind.NotFound, $"there is no deposit {manifest.Id}");
        }

        var held = await layout.TakeLockAsync(romFlash).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            var look = await LookAsync(layout).ConfigureAwait(false);
            if (look.Capsules.Count > 0)
            {
                throw new PartitionFaultException(TransportFaultKind.Busy, "something is armed already, or lies where firmware looks for capsules");
            }

            var generationFolder = PartitionLayout.Join(romFlash, PartitionLayout.GenerationName(manifest.Generation));
            var folder = PartitionLayout.Join(generationFolder, manifest.Id);
            if (!await layout.AreFoldersAsync(generationFolder, folder).ConfigureAwait(false)
                || await layout.ReadDocumentAsync(generationFolder, manifest.Id + ".json").ConfigureAwait(false) is not { } bytes)
            {
                throw new PartitionFaultException(TransportFaultKind.NotFound, $"there is no committed deposit {manifest.Id} of generation {manifest.Generation}");
            }

            await layout.NeedClaimAsync(romFlash, manifest.Generation).ConfigureAwait(false);
            var committed = PartitionDocuments.ReadManifest(bytes, manifest.Id + ".json");
            var files = await layout.ListAsync(folder).ConfigureAwait(false);
            if (committed.Digest != manifest.Digest
                || files.Count != manifest.Files.Length
                || !Enumerable.Range(0, files.Count).All(i => Find(manifest, i, files)?.Length == manifest.Files[i].Length))
            {
                throw new PartitionFaultException(TransportFaultKind.ContentDiffers, $"deposit {manifest.Id} is not what was committed");
            }

            // Hours may have passed since it was verified, and others have the rights of an administrator, too.
            for (var i = 0; i < manifest.Files.Length; i++)
            {
                var digest = await DigestAsync(layout, PartitionLayout.Join(folder, Find(manifest, i, files)!.Value.Name), manifest.Files[i].Length).ConfigureAwait(false);
                if (!digest.TryGet(out var there) || there != manifest.Files[i].Sha256)
                {
                    throw new PartitionFaultException(TransportFaultKind.ContentDiffers, $"file {i} of deposit {manifest.Id} is not what was committed: {(digest.IsKnown ? $"its SHA-256 is {there}" : digest.WhyUnknown)}");
                }
            }

            if (bit is not null)
            {
                await bit.ClearAsync().ConfigureAwait(false);
            }

            await layout.WriteDocumentAsync(romFlash, "armed.json", PartitionDocuments.Write(manifest)).ConfigureAwait(false);
            if (look.Folder is { } inTheWay)
            {
                // Empty, so it means nothing to firmware.
                await layout.Files.DeleteFolderAsync(inTheWay, layout.Token).ConfigureAwait(false);
            }

            await layout.Files.RenameFolderAsync(folder, PartitionLayout.Join(efi, "UpdateCapsule"), layout.Token).ConfigureAwait(false);
            await layout.Files.FlushFolderAsync(efi, layout.Token).ConfigureAwait(false);
            await layout.Files.FlushFolderAsync(generationFolder, layout.Token).ConfigureAwait(false);
            if (bit is not null)
            {
                await bit.SetAsync().ConfigureAwait(false);
            }
        }

        return default;
    }

    /// <summary>Takes it back.</summary>
    /// <param name="layout">The partition.</param>
    /// <param name="depositId">The deposit.</param>
    /// <param name="bit">What else arms; it is cleared first, unless somebody else's file waits there, too.</param>
    public static async ValueTask<Done> DisarmAsync(PartitionLayout layout, string depositId, ArmingBit? bit = null)
    {
        if (await layout.FindRomFlashOfPartitionAsync().ConfigureAwait(false) is not { } romFlash)
        {
            return default;
        }

        var held = await layout.TakeLockAsync(romFlash).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            var (manifest, capsules, updateCapsule) = await LookAsync(layout).ConfigureAwait(false);
            if (manifest is null || manifest.Id != depositId)
            {
                return default;
            }

            if (updateCapsule is not null && IsArmed(manifest, capsules))
            {
                if (bit is not null && !HasForeign(manifest, capsules))
                {
                    await TryClearAsync(bit).ConfigureAwait(false);
                }

                await TakeBackAsync(layout, romFlash, manifest, capsules, updateCapsule).ConfigureAwait(false);
            }

            await PartitionDeposits.RemoveAsync(layout, romFlash, manifest.Id, manifest.Generation).ConfigureAwait(false);
            await layout.DeleteIfThereAsync(PartitionLayout.Join(romFlash, "armed.json")).ConfigureAwait(false);
            await layout.Files.FlushFolderAsync(romFlash, layout.Token).ConfigureAwait(false);
        }

        return default;
    }

    // Where the bit can't be cleared any more, taking the files away disarms all the same.
    private static async ValueTask TryClearAsync(ArmingBit bit)
    {
        try
        {
            await bit.ClearAsync().ConfigureAwait(false);
        }
        catch (PartitionFaultException e) when (e.IsOwn || e.Kind is TransportFaultKind.ProtocolViolation || PartitionFaultException.IsOfTheTarget(e.Fault))
        {
            // Of no use without files; it is cleared before anything is armed again. A firmware may also take the write and keep what it had.
        }
    }

    private static bool HasForeign(DepositManifest manifest, IReadOnlyList<PartitionEntry> capsules) =>
        Enumerable.Range(0, manifest.Files.Length).Count(i => Find(manifest, i, capsules) is not null) < capsules.Count;

    private static async ValueTask<bool> LiesReadyAsync(PartitionLayout layout, DepositManifest manifest) =>
        (await layout.FindDepositsAsync(await layout.FindRomFlashAsync().ConfigureAwait(false)).ConfigureAwait(false))
            .Any(d => d is { HasFolder: true, IsStale: false } && d.Id == manifest.Id && d.Generation == manifest.Generation);

    private static PartitionEntry? Find(DepositManifest manifest, int index, IReadOnlyList<PartitionEntry> capsules)
    {
        var name = PartitionLayout.DiskName(manifest, index);
        foreach (var entry in capsules)
        {
            if (entry.Kind is PartitionEntryKind.File && string.Equals(entry.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return entry;
            }
        }

        return null;
    }

    private static async ValueTask TakeBackAsync(PartitionLayout layout, string romFlash, DepositManifest manifest, IReadOnlyList<PartitionEntry> capsules, string updateCapsule)
    {
        var ours = Enumerable.Range(0, manifest.Files.Length).Select(i => Find(manifest, i, capsules)?.Name).OfType<string>().ToList();
        if (ours.Count < capsules.Count)
        {
            // Somebody else's file lies among ours, and stays armed. Last to flash, first to go: what is left at any time is a whole beginning.
            foreach (var name in Enumerable.Reverse(ours))
            {
                await layout.Files.DeleteFileAsync(PartitionLayout.Join(updateCapsule, name), layout.Token).ConfigureAwait(false);
            }

            await layout.Files.FlushFolderAsync(updateCapsule, layout.Token).ConfigureAwait(false);
            return;
        }

        var generationFolder = PartitionLayout.Join(romFlash, PartitionLayout.GenerationName(manifest.Generation));
        if ((await layout.LookAsync(generationFolder).ConfigureAwait(false)).Kind is PartitionEntryKind.None)
        {
            await layout.Files.CreateFolderAsync(generationFolder, layout.Token).ConfigureAwait(false);
        }

        await layout.Files.RenameFolderAsync(updateCapsule, PartitionLayout.Join(generationFolder, manifest.Id), layout.Token).ConfigureAwait(false);
        await layout.Files.FlushFolderAsync(PartitionLayout.ParentOf(updateCapsule), layout.Token).ConfigureAwait(false);
        await layout.Files.FlushFolderAsync(generationFolder, layout.Token).ConfigureAwait(false);
    }

    private static async ValueTask<Fact<ContentDigest>> DigestAsync(PartitionLayout layout, string path, long length)
    {
        if (await layout.Files.TryDigestAsync(path, layout.Token).ConfigureAwait(false) is { } computed)
        {
            return computed;
        }

        var file = await layout.Files.OpenReadAsync(path, layout.Token).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

            // Not given back when the step breaks: an operation that was given up may still write into it.
            var buffer = ArrayPool<byte>.Shared.Rent(layout.Files.ChunkBytes);
            for (var offset = 0L; offset < length;)
            {
                layout.Token.ThrowIfCancellationRequested();
                var count = await file.ReadAsync(offset, buffer.AsMemory(0, (int)Math.Min(layout.Files.ChunkBytes, length - offset)), layout.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    return Fact<ContentDigest>.Unknown("the file became shorter while it was read");
                }

                hash.AppendData(buffer.AsSpan(0, count));
                offset += count;
            }

            ArrayPool<byte>.Shared.Return(buffer);
            return new ContentDigest(hash.GetHashAndReset());
        }
    }
}
