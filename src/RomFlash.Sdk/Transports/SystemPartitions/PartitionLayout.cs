using System.Collections.Immutable;
using System.Globalization;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>A deposit that was found: the folder of its generation, what lies there of it, and what it was to hold when that is told.</summary>
internal sealed record FoundDeposit(string Id, long Generation, string GenerationFolder, bool IsStale, bool HasFolder, bool HasManifest, bool HasPlan);

/// <summary>What the claim's files say.</summary>
internal sealed record ClaimView(TargetClaim? Current, string? Unreadable, long Last);

/// <summary>
/// Where things lie in a system partition, whichever transport reaches it. <c>EFI/RomFlash</c> holds <c>lock</c>, <c>holder</c>, <c>claim.json</c>, <c>generation.json</c>,
/// <c>armed.json</c> and, for each generation, <c>gN/ID/</c> with the files, <c>gN/ID.open.json</c> with what is to be there, and <c>gN/ID.json</c> once the deposit is
/// committed. A take-over renames <c>gN</c> to <c>stale-gN</c>. Names are compared as FAT does, and links are never followed.
/// </summary>
/// <remarks>One step's view; made anew for each.</remarks>
internal sealed class PartitionLayout(TrackedPartition files, CancellationToken cancellationToken)
{
    public const int MaxFiles = 16;
    public const string Efi = "EFI";

    private const int MaxEntries = 16_384;
    private const string StalePrefix = "stale-";

    private string? _efi;
    private string? _romFlash;

    public TrackedPartition Files => files;

    public CancellationToken Token => cancellationToken;

    public static string DiskName(DepositManifest manifest, int index) => DiskName(manifest, manifest.Id, index);

    /// <summary>The name that a file of this content would have under another deposit's id.</summary>
    public static string DiskName(DepositManifest manifest, string id, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"romflash-{id}-{index:00}-{manifest.Files[index].Name}");

    public static string PartName(DepositManifest manifest, int index) => DiskName(manifest, index) + ".part";

    public static string Join(string folder, string name) => folder.Length == 0 ? name : $"{folder}/{name}";

    public static string ParentOf(string path) => path.LastIndexOf('/') is >= 0 and var slash ? path[..slash] : string.Empty;

    public static bool IsId(string id) => id.Length is > 0 and <= 64 && id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    public static string GenerationName(long generation) => string.Create(CultureInfo.InvariantCulture, $"g{generation}");

    public string Show(string path) => files.Show(path);

    // Found once in a step: what it is called does not change meanwhile.
    public async ValueTask<string?> FindEfiAsync() => _efi ??= await FindFolderAsync(string.Empty, Efi).ConfigureAwait(false);

    public async ValueTask<string> NeedEfiAsync() => await FindEfiAsync().ConfigureAwait(false)
        ?? throw new PartitionFaultException(TransportFaultKind.NotFound, $"{Show(string.Empty)} has no EFI folder: it is not a system partition");

    public async ValueTask<string?> FindRomFlashAsync() =>
        _romFlash ??= await FindEfiAsync().ConfigureAwait(false) is { } efi ? await FindFolderAsync(efi, "RomFlash").ConfigureAwait(false) : null;

    /// <summary>The same for a step that says what is there: a volume without an EFI folder, such as the empty folder below a mount point, is no answer to that.</summary>
    public async ValueTask<string?> FindRomFlashOfPartitionAsync()
    {
        await NeedEfiAsync().ConfigureAwait(false);
        return await FindRomFlashAsync().ConfigureAwait(false);
    }

    public async ValueTask<string> NeedRomFlashAsync()
    {
        var efi = await NeedEfiAsync().ConfigureAwait(false);
        if (await FindRomFlashAsync().ConfigureAwait(false) is { } there)
        {
            return there;
        }

        var path = Join(efi, "RomFlash");
        try
        {
            await files.CreateFolderAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (PartitionFaultException e) when (e.Kind is TransportFaultKind.AlreadyExists && e.Fault.Effect is FaultEffect.NotSent)
        {
            // Another client was faster.
            return await FindRomFlashAsync().ConfigureAwait(false) ?? throw new PartitionFaultException(e.Fault);
        }

        await files.FlushFolderAsync(efi, cancellationToken).ConfigureAwait(false);
        return path;
    }

    public async ValueTask<string?> FindUpdateCapsuleAsync() =>
        await FindEfiAsync().ConfigureAwait(false) is { } efi ? await FindFolderAsync(efi, "UpdateCapsule").ConfigureAwait(false) : null;

    /// <summary>Lists a folder, bounded.</summary>
    public ValueTask<IReadOnlyList<PartitionEntry>> ListAsync(string folder) => files.ListAsync(folder, MaxEntries, cancellationToken);

    public ValueTask<PartitionEntry> LookAsync(string path) => files.LookAsync(path, cancellationToken);

    public async ValueTask<bool> IsFolderAsync(string path) => (await LookAsync(path).ConfigureAwait(false)).Kind is PartitionEntryKind.Folder;

    /// <summary>Whether both are folders.</summary>
    public async ValueTask<bool> AreFoldersAsync(string first, string second) =>
        await files.TrySeeFoldersAsync([first, second], cancellationToken).ConfigureAwait(false)
        || (await IsFolderAsync(first).ConfigureAwait(false) && await IsFolderAsync(second).ConfigureAwait(false));

    /// <summary>Keeps other clients out while the claim, deposits or arming change.</summary>
    public async ValueTask<IAsyncDisposable> TakeLockAsync(string romFlash)
    {
        var path = Join(romFlash, "lock");
        if ((await LookAsync(path).ConfigureAwait(false)).Kind is not (PartitionEntryKind.None or PartitionEntryKind.File))
        {
            throw PartitionFaultException.Violation($"{Show(path)} is not a plain file");
        }

        return await files.LockAsync(path, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<ClaimView> ReadClaimAsync(string? romFlash)
    {
        if (romFlash is null)
        {
            return new(null, null, 0);
        }

        var last = (await GenerationsAsync(romFlash).ConfigureAwait(false)).Select(g => g.Number).DefaultIfEmpty(0).Max();
        if (await ReadDocumentAsync(romFlash, "generation.json").ConfigureAwait(false) is { } counted)
        {
            last = Math.Max(last, PartitionDocuments.ReadGeneration(counted, "generation.json"));
        }

        try
        {
            return await ReadDocumentAsync(romFlash, "claim.json").ConfigureAwait(false) is not { } bytes ? new(null, null, last)
                : PartitionDocuments.ReadClaim(bytes, "claim.json") is var claim ? new(claim, null, Math.Max(last, claim.Generation))
                : new(null, null, last);
        }
        catch (PartitionFaultException e) when (IsBadDocument(e))
        {
            return new(null, e.Message, last);
        }
    }

    /// <summary>Ends the step unless the claim has this generation.</summary>
    public async ValueTask NeedClaimAsync(string? romFlash, long generation)
    {
        var view = await ReadClaimAsync(romFlash).ConfigureAwait(false);
        if (view.Current?.Generation != generation)
        {
            throw new PartitionFaultException(
                TransportFaultKind.Fenced,
                string.Create(CultureInfo.InvariantCulture, $"generation {generation} is not the claim's ({(view.Current is { } c ? c.Generation : "nobody holds it")})"));
        }
    }

    public async ValueTask<List<(string Name, long Number, bool IsStale)>> GenerationsAsync(string romFlash)
    {
        var generations = new List<(string, long, bool)>();
        foreach (var entry in await ListAsync(romFlash).ConfigureAwait(false))
        {
            if (entry.Kind is PartitionEntryKind.Folder && TryGeneration(entry.Name, out var number, out var isStale))
            {
                generations.Add((entry.Name, number, isStale));
            }
        }

        return generations;
    }

    /// <summary>Everything of any deposit, of any generation; what is armed is not among it, but its manifest may be.</summary>
    public async ValueTask<List<FoundDeposit>> FindDepositsAsync(string? romFlash)
    {
        var found = new List<FoundDeposit>();
        if (romFlash is null)
        {
            return found;
        }

        foreach (var (name, number, isStale) in await GenerationsAsync(romFlash).ConfigureAwait(false))
        {
            var folder = Join(romFlash, name);
            var parts = new SortedDictionary<string, (bool Folder, bool Manifest, bool Plan)>(StringComparer.Ordinal);
            foreach (var entry in await ListAsync(folder).ConfigureAwait(false))
            {
                var isFolder = entry.Kind is PartitionEntryKind.Folder;
                var id = isFolder ? entry.Name : entry.Name.Split('.')[0];
                if (IsId(id) && entry.Kind is PartitionEntryKind.Folder or PartitionEntryKind.File)
                {
                    parts.TryGetValue(id, out var part);
                    parts[id] = (
                        part.Folder || isFolder,
                        part.Manifest || (!isFolder && string.Equals(entry.Name, id + ".json", StringComparison.Ordinal)),
                        part.Plan || (!isFolder && string.Equals(entry.Name, id + ".open.json", StringComparison.Ordinal)));
                }
            }

            found.AddRange(parts.Select(p => new FoundDeposit(p.Key, number, folder, isStale, p.Value.Folder, p.Value.Manifest, p.Value.Plan)));
        }

        return found;
    }

    public async ValueTask<DepositManifest?> ReadArmedManifestAsync(string? romFlash)
    {
        try
        {
            return romFlash is not null && await ReadDocumentAsync(romFlash, "armed.json").ConfigureAwait(false) is { } bytes ? PartitionDocuments.ReadManifest(bytes, "armed.json") : null;
        }
        catch (PartitionFaultException e) when (IsBadDocument(e))
        {
            // Not ours any more. What lies in UpdateCapsule is then somebody else's, and blocks.
            return null;
        }
    }

    /// <summary>What a deposit that is not committed was to hold; null when nobody can tell.</summary>
    public async ValueTask<DepositManifest?> ReadPlanAsync(FoundDeposit deposit)
    {
        try
        {
            return deposit.HasPlan && await ReadDocumentAsync(deposit.GenerationFolder, deposit.Id + ".open.json").ConfigureAwait(false) is { } bytes
                && PartitionDocuments.ReadManifest(bytes, deposit.Id + ".open.json") is var plan && plan.Id == deposit.Id
                    ? plan
                    : null;
        }
        catch (PartitionFaultException e) when (IsBadDocument(e))
        {
            return null;
        }
    }

    public ValueTask<byte[]?> ReadDocumentAsync(string folder, string name) => ReadSmallFileAsync(Join(folder, name), PartitionDocuments.MaxBytes);

    public async ValueTask<byte[]?> ReadSmallFileAsync(string path, int maxBytes)
    {
        var entry = await LookAsync(path).ConfigureAwait(false);
        switch (entry.Kind)
        {
            case PartitionEntryKind.None:
                return null;
            case not PartitionEntryKind.File:
                throw PartitionFaultException.Violation($"{Show(path)} is not a plain file");
        }

        if (entry.Length > maxBytes)
        {
            throw PartitionFaultException.Violation($"{Show(path)} is larger than {maxBytes} bytes");
        }

        // Pipes and devices have no length either, and opening one could wait for ever.
        if (entry.Length == 0)
        {
            return [];
        }

        var file = await files.OpenReadAsync(path, cancellationToken).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            var bytes = new byte[entry.Length];
            var done = await file.ReadAsync(0, bytes, cancellationToken).ConfigureAwait(false);
            return bytes[..done];
        }
    }

    /// <summary>Writes a small file so that it is there whole or not at all, also after a power cut.</summary>
    public async ValueTask WriteDocumentAsync(string folder, string name, byte[] bytes)
    {
        var path = Join(folder, name);
        var temporary = path + ".tmp";
        if ((await LookAsync(temporary).ConfigureAwait(false)).Kind is not PartitionEntryKind.None)
        {
            await files.DeleteFileAsync(temporary, cancellationToken).ConfigureAwait(false);
        }

        var file = await files.CreateFileAsync(temporary, cancellationToken).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            await files.WriteAsync(file, 0, bytes, cancellationToken).ConfigureAwait(false);
            await file.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        await files.RenameFileAsync(temporary, path, cancellationToken).ConfigureAwait(false);
        await files.FlushFolderAsync(folder, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DeleteIfThereAsync(string path)
    {
        if ((await LookAsync(path).ConfigureAwait(false)).Kind is not PartitionEntryKind.None)
        {
            await files.DeleteFileAsync(path, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Removes what lies of a deposit: the manifest first, so that half a removal is no committed deposit.</summary>
    public async ValueTask DeleteAsync(FoundDeposit deposit)
    {
        var documents = Join(deposit.GenerationFolder, deposit.Id);
        await DeleteIfThereAsync(documents + ".json").ConfigureAwait(false);
        await DeleteIfThereAsync(documents + ".json.tmp").ConfigureAwait(false);
        await DeleteIfThereAsync(documents + ".open.json.tmp").ConfigureAwait(false);
        var folder = Join(deposit.GenerationFolder, deposit.Id);
        if (await IsFolderAsync(folder).ConfigureAwait(false))
        {
            foreach (var entry in await ListAsync(folder).ConfigureAwait(false))
            {
                if (entry.Kind is PartitionEntryKind.Folder)
                {
                    throw PartitionFaultException.Violation($"{Show(folder)} holds a folder that was not put there by a deposit");
                }

                await files.DeleteFileAsync(Join(folder, entry.Name), cancellationToken).ConfigureAwait(false);
            }

            await files.DeleteFolderAsync(folder, cancellationToken).ConfigureAwait(false);
        }

        await DeleteIfThereAsync(Join(deposit.GenerationFolder, deposit.Id + ".open.json")).ConfigureAwait(false);
        await files.FlushFolderAsync(deposit.GenerationFolder, cancellationToken).ConfigureAwait(false);
        if ((await ListAsync(deposit.GenerationFolder).ConfigureAwait(false)).Count == 0)
        {
            await files.DeleteFolderAsync(deposit.GenerationFolder, cancellationToken).ConfigureAwait(false);
            await files.FlushFolderAsync(ParentOf(deposit.GenerationFolder), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Moves every generation out of the way of an owner that still believes in it.</summary>
    public async ValueTask FenceAsync(string romFlash)
    {
        foreach (var (name, number, isStale) in await GenerationsAsync(romFlash).ConfigureAwait(false))
        {
            if (isStale)
            {
                continue;
            }

            var target = string.Create(CultureInfo.InvariantCulture, $"{StalePrefix}g{number}");
            for (var i = 2; (await LookAsync(Join(romFlash, target)).ConfigureAwait(false)).Kind is not PartitionEntryKind.None; i++)
            {
                target = string.Create(CultureInfo.InvariantCulture, $"{StalePrefix}g{number}-{i}");
            }

            await files.RenameFolderAsync(Join(romFlash, name), Join(romFlash, target), cancellationToken).ConfigureAwait(false);
        }

        await files.FlushFolderAsync(romFlash, cancellationToken).ConfigureAwait(false);
    }

    // What was written there by anybody; a peer that breaks its own protocol is something else.
    private static bool IsBadDocument(PartitionFaultException fault) => fault is { Kind: TransportFaultKind.ProtocolViolation, IsOwn: true };

    // FAT keeps no two names that differ in case only; another file system may, and nobody can say which of them firmware would take.
    private async ValueTask<string?> FindFolderAsync(string parent, string name)
    {
        var matches = (await ListAsync(parent).ConfigureAwait(false)).Where(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase)).ToImmutableArray();
        return matches switch
        {
            [] => null,
            [{ Kind: PartitionEntryKind.Folder } one] => Join(parent, one.Name),
            [_] => throw PartitionFaultException.Violation($"{Show(Join(parent, name))} is a link or a file, not a folder"),
            _ => throw PartitionFaultException.Violation($"{Show(parent)} has several names that are {name} but for their case"),
        };
    }

    private static bool TryGeneration(string name, out long number, out bool isStale)
    {
        isStale = name.StartsWith(StalePrefix, StringComparison.OrdinalIgnoreCase);
        var rest = isStale ? name.AsSpan(StalePrefix.Length) : name;
        number = 0;
        if (rest.Length < 2 || rest[0] is not ('g' or 'G'))
        {
            return false;
        }

        rest = rest[1..];
        if (isStale && rest.IndexOf('-') is > 0 and var dash)
        {
            rest = rest[..dash];
        }

        return long.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and <= PartitionDocuments.MaxGeneration;
    }
}
