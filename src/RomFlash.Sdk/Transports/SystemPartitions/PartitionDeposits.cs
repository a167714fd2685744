using System.Collections.Immutable;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>Deposits on a system partition: found, opened, removed.</summary>
internal static class PartitionDeposits
{
    public static async ValueTask<ImmutableArray<DepositInfo>> ListAsync(PartitionLayout layout)
    {
        var romFlash = await layout.FindRomFlashAsync().ConfigureAwait(false);
        var look = await PartitionArming.LookAsync(layout).ConfigureAwait(false);
        var armed = look.Manifest;
        var isArmed = armed is not null && PartitionArming.IsArmed(armed, look.Capsules);
        var infos = new List<DepositInfo>();
        foreach (var found in await layout.FindDepositsAsync(romFlash).ConfigureAwait(false))
        {
            if (isArmed && !found.HasFolder && found.Id == armed!.Id && found.Generation == armed.Generation)
            {
                continue;
            }

            var isCommitted = found is { HasFolder: true, HasManifest: true };
            infos.Add(new(found.Id, found.Generation, isCommitted)
            {
                Unfinished = !isCommitted && found.HasFolder ? (await layout.ReadPlanAsync(found).ConfigureAwait(false))?.Digest : null,
            });
        }

        // What a boot has consumed leaves the note of what was armed.
        if (armed is not null && !isArmed && !infos.Any(i => i.Id == armed.Id && i.Generation == armed.Generation))
        {
            infos.Add(new(armed.Id, armed.Generation, IsCommitted: false));
        }

        return [.. infos.DistinctBy(i => (i.Id, i.Generation))];
    }

    public static async ValueTask<Done> DiscardAsync(PartitionLayout layout, string id, long generation)
    {
        if (await layout.FindRomFlashOfPartitionAsync().ConfigureAwait(false) is not { } romFlash || !PartitionLayout.IsId(id))
        {
            return default;
        }

        var held = await layout.TakeLockAsync(romFlash).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            var look = await PartitionArming.LookAsync(layout).ConfigureAwait(false);
            if (look.Manifest is { } armed && armed.Id == id && armed.Generation == generation)
            {
                if (PartitionArming.IsArmed(armed, look.Capsules))
                {
                    throw new PartitionFaultException(TransportFaultKind.Busy, $"deposit {id} is armed");
                }

                await layout.DeleteIfThereAsync(PartitionLayout.Join(romFlash, "armed.json")).ConfigureAwait(false);
                await layout.Files.FlushFolderAsync(romFlash, layout.Token).ConfigureAwait(false);
            }

            await RemoveAsync(layout, romFlash, id, generation).ConfigureAwait(false);
        }

        return default;
    }

    public static async ValueTask RemoveAsync(PartitionLayout layout, string romFlash, string id, long generation)
    {
        foreach (var deposit in await layout.FindDepositsAsync(romFlash).ConfigureAwait(false))
        {
            if (deposit.Id == id && deposit.Generation == generation)
            {
                await layout.DeleteAsync(deposit).ConfigureAwait(false);
            }
        }
    }

    public static async ValueTask<PartitionDeposit> OpenAsync(PartitionLayout layout, PartitionSession session, DepositManifest manifest)
    {
        if (manifest.Files.Length > PartitionLayout.MaxFiles)
        {
            throw new PartitionFaultException(TransportFaultKind.Unsupported, $"a deposit has {PartitionLayout.MaxFiles} files at most");
        }

        await layout.NeedEfiAsync().ConfigureAwait(false);
        await layout.NeedClaimAsync(await layout.FindRomFlashAsync().ConfigureAwait(false), manifest.Generation).ConfigureAwait(false);
        var romFlash = await layout.NeedRomFlashAsync().ConfigureAwait(false);
        var held = await layout.TakeLockAsync(romFlash).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            await layout.NeedClaimAsync(romFlash, manifest.Generation).ConfigureAwait(false);
            var deposits = await layout.FindDepositsAsync(romFlash).ConfigureAwait(false);
            if (deposits.Any(d => d.Id == manifest.Id) || (await layout.ReadArmedManifestAsync(romFlash).ConfigureAwait(false))?.Id == manifest.Id)
            {
                throw new PartitionFaultException(TransportFaultKind.AlreadyExists, $"there is a deposit {manifest.Id}");
            }

            var generationFolder = PartitionLayout.Join(romFlash, PartitionLayout.GenerationName(manifest.Generation));
            switch ((await layout.LookAsync(generationFolder).ConfigureAwait(false)).Kind)
            {
                case PartitionEntryKind.None:
                    await layout.Files.CreateFolderAsync(generationFolder, layout.Token).ConfigureAwait(false);
                    await layout.Files.FlushFolderAsync(romFlash, layout.Token).ConfigureAwait(false);
                    break;
                case not PartitionEntryKind.Folder:
                    throw PartitionFaultException.Violation($"{layout.Show(generationFolder)} is a link or a file, not a folder");
            }

            var folder = PartitionLayout.Join(generationFolder, manifest.Id);
            var present = await AdoptAsync(layout, deposits, manifest, folder).ConfigureAwait(false);
            if (present is null)
            {
                await layout.Files.CreateFolderAsync(folder, layout.Token).ConfigureAwait(false);
            }

            await layout.WriteDocumentAsync(generationFolder, manifest.Id + ".open.json", PartitionDocuments.Write(manifest)).ConfigureAwait(false);
            return new PartitionDeposit(session, manifest, generationFolder, present ?? new long?[manifest.Files.Length]);
        }
    }

    // What an interrupted run left of the same content is moved here, so that it need not be sent again. Whoever writes on compares it first: nothing there is believed.
    private static async ValueTask<long?[]?> AdoptAsync(PartitionLayout layout, List<FoundDeposit> deposits, DepositManifest manifest, string folder)
    {
        long?[]? adopted = null;
        foreach (var found in deposits.OrderByDescending(d => d.Generation))
        {
            if (found is not { HasFolder: true, HasManifest: false, IsStale: true }
                || await layout.ReadPlanAsync(found).ConfigureAwait(false) is not { } plan
                || plan.Digest != manifest.Digest)
            {
                continue;
            }

            var old = PartitionLayout.Join(found.GenerationFolder, found.Id);
            var entries = await layout.ListAsync(old).ConfigureAwait(false);
            if (adopted is null && TryMatch(manifest, found.Id, entries) is { } parts && await AreFreeAsync(layout, old, parts).ConfigureAwait(false))
            {
                adopted = new long?[parts.Length];
                await layout.Files.RenameFolderAsync(old, folder, layout.Token).ConfigureAwait(false);
                for (var i = 0; i < parts.Length; i++)
                {
                    if (parts[i] is { } part)
                    {
                        adopted[i] = part.Length;
                        await layout.Files.RenameFileAsync(PartitionLayout.Join(folder, part.Name), PartitionLayout.Join(folder, PartitionLayout.PartName(manifest, i)), layout.Token).ConfigureAwait(false);
                    }
                }
            }

            if (!entries.Any(e => e.Kind is PartitionEntryKind.Folder))
            {
                await layout.DeleteAsync(found).ConfigureAwait(false);
            }
        }

        return adopted;
    }

    // What a client that was cut off had sent may still be on its way into a file, for as long as the target holds its connection for it.
    private static async ValueTask<bool> AreFreeAsync(PartitionLayout layout, string folder, PartitionEntry?[] parts)
    {
        try
        {
            foreach (var part in parts.OfType<PartitionEntry>())
            {
                var file = await layout.Files.OpenWriteAsync(PartitionLayout.Join(folder, part.Name), layout.Token).ConfigureAwait(false);
                await file.DisposeAsync().ConfigureAwait(false);
            }

            return true;
        }
        catch (PartitionFaultException e) when (e.Kind is TransportFaultKind.Busy)
        {
            return false;
        }
    }

    // Null when something lies there that is no beginning of the files: such a deposit is removed, not gone on with.
    private static PartitionEntry?[]? TryMatch(DepositManifest manifest, string id, IReadOnlyList<PartitionEntry> entries)
    {
        var parts = new PartitionEntry?[manifest.Files.Length];
        foreach (var entry in entries)
        {
            // A commit that was cut short has renamed some of them.
            var index = Enumerable.Range(0, parts.Length).FirstOrDefault(i => entry.Name.StartsWith(PartitionLayout.DiskName(manifest, id, i), StringComparison.OrdinalIgnoreCase), -1);
            if (index < 0
                || parts[index] is not null
                || entry.Kind is not PartitionEntryKind.File
                || entry.Length > manifest.Files[index].Length
                || entry.Name.AsSpan(PartitionLayout.DiskName(manifest, id, index).Length) is not ("" or ".part"))
            {
                return null;
            }

            parts[index] = entry;
        }

        return entries.Count > 0 ? parts : null;
    }
}
