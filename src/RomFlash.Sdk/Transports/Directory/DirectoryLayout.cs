using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>A deposit that was found: the folder of its generation, what lies there of it.</summary>
internal sealed record FoundDeposit(string Id, long Generation, string GenerationFolder, bool IsStale, bool HasFolder, bool HasManifest);

/// <summary>What the claim's files say.</summary>
internal sealed record ClaimView(TargetClaim? Current, string? Unreadable, long Last);

/// <summary>
/// Where things lie in a system partition. <c>EFI/RomFlash</c> holds <c>lock</c>, <c>claim.json</c>, <c>generation.json</c>,
/// <c>armed.json</c> and, for each generation, <c>gN/ID/</c> with the files and <c>gN/ID.json</c> once the deposit is committed.
/// A take-over renames <c>gN</c> to <c>stale-gN</c>. Names are compared as FAT does, and links are never followed.
/// </summary>
internal sealed class DirectoryLayout(string root, IFolderOperations io)
{
    public const int MaxFiles = 16;

    private const int MaxEntries = 16_384;
    private const int LockTries = 2_000;
    private const string StalePrefix = "stale-";

    public IFolderOperations Io => io;

    public static string DiskName(DepositManifest manifest, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"romflash-{manifest.Id}-{index:00}-{manifest.Files[index].Name}");

    public string? FindEfi() => FindFolder(root, "EFI");

    public string NeedEfi() => FindEfi() ?? throw new FolderFaultException(TransportFaultKind.NotFound, $"{root} has no EFI folder: it is not a system partition");

    public string? FindRomFlash() => FindEfi() is { } efi ? FindFolder(efi, "RomFlash") : null;

    public string NeedRomFlash()
    {
        var efi = NeedEfi();
        if (FindFolder(efi, "RomFlash") is { } there)
        {
            return there;
        }

        var path = Path.Combine(efi, "RomFlash");
        io.CreateFolder(path);
        io.FlushFolder(efi);
        return path;
    }

    public string? FindUpdateCapsule() => FindEfi() is { } efi ? FindFolder(efi, "UpdateCapsule") : null;

    /// <summary>Lists a folder, bounded.</summary>
    public List<FolderEntry> List(string folder)
    {
        var entries = io.List(folder).Take(MaxEntries + 1).ToList();
        return entries.Count <= MaxEntries ? entries : throw FolderFault.Violation($"{folder} has more than {MaxEntries} entries");
    }

    /// <summary>Keeps other clients out while the claim, deposits or arming change.</summary>
    public FileStream TakeLock(string romFlash)
    {
        var path = Path.Combine(romFlash, "lock");
        if (io.Look(path).Kind is not (FolderEntryKind.None or FolderEntryKind.File))
        {
            throw FolderFault.Violation($"{path} is not a plain file");
        }

        var spinner = default(SpinWait);
        for (var tries = 1; ; tries++)
        {
            try
            {
                return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException e) when (FolderFault.From(e, false).Kind is TransportFaultKind.Busy)
            {
                // Held for some flushes by another client. The number of tries bounds the wait: no clock is asked.
                if (tries == LockTries)
                {
                    throw;
                }

                spinner.SpinOnce(sleep1Threshold: 4);
            }
        }
    }

    public ClaimView ReadClaim(string? romFlash)
    {
        if (romFlash is null)
        {
            return new(null, null, 0);
        }

        var last = Generations(romFlash).Select(g => g.Number).DefaultIfEmpty(0).Max();
        if (ReadDocument(romFlash, "generation.json") is { } counted)
        {
            last = Math.Max(last, FolderDocuments.ReadGeneration(counted, "generation.json"));
        }

        try
        {
            return ReadDocument(romFlash, "claim.json") is not { } bytes ? new(null, null, last)
                : FolderDocuments.ReadClaim(bytes, "claim.json") is var claim ? new(claim, null, Math.Max(last, claim.Generation))
                : new(null, null, last);
        }
        catch (FolderFaultException e) when (e.Kind is TransportFaultKind.ProtocolViolation)
        {
            return new(null, e.Message, last);
        }
    }

    /// <summary>Ends the step unless the claim has this generation.</summary>
    public void NeedClaim(string? romFlash, long generation)
    {
        var view = ReadClaim(romFlash);
        if (view.Current?.Generation != generation)
        {
            throw new FolderFaultException(
                TransportFaultKind.Fenced,
                string.Create(CultureInfo.InvariantCulture, $"generation {generation} is not the claim's ({(view.Current is { } c ? c.Generation : "nobody holds it")})"));
        }
    }

    public IEnumerable<(string Name, long Number, bool IsStale)> Generations(string romFlash)
    {
        foreach (var entry in List(romFlash))
        {
            if (entry.Kind is FolderEntryKind.Folder && TryGeneration(entry.Name, out var number, out var isStale))
            {
                yield return (entry.Name, number, isStale);
            }
        }
    }

    /// <summary>Everything of any deposit, of any generation; what is armed is not among it, but its manifest may be.</summary>
    public List<FoundDeposit> FindDeposits(string? romFlash)
    {
        var found = new List<FoundDeposit>();
        if (romFlash is null)
        {
            return found;
        }

        foreach (var (name, number, isStale) in Generations(romFlash))
        {
            var folder = Path.Combine(romFlash, name);
            var parts = new SortedDictionary<string, (bool Folder, bool Manifest)>(StringComparer.Ordinal);
            foreach (var entry in List(folder))
            {
                var isFolder = entry.Kind is FolderEntryKind.Folder;
                var id = isFolder ? entry.Name : entry.Name.Split('.')[0];
                if (IsId(id) && entry.Kind is FolderEntryKind.Folder or FolderEntryKind.File)
                {
                    parts.TryGetValue(id, out var part);
                    parts[id] = (part.Folder || isFolder, part.Manifest || (!isFolder && string.Equals(entry.Name, id + ".json", StringComparison.Ordinal)));
                }
            }

            found.AddRange(parts.Select(p => new FoundDeposit(p.Key, number, folder, isStale, p.Value.Folder, p.Value.Manifest)));
        }

        return found;
    }

    public DepositManifest? ReadArmedManifest(string? romFlash)
    {
        try
        {
            return romFlash is not null && ReadDocument(romFlash, "armed.json") is { } bytes ? FolderDocuments.ReadManifest(bytes, "armed.json") : null;
        }
        catch (FolderFaultException e) when (e.Kind is TransportFaultKind.ProtocolViolation)
        {
            // Not ours any more. What lies in UpdateCapsule is then somebody else's, and blocks.
            return null;
        }
    }

    public byte[]? ReadDocument(string folder, string name) => ReadSmallFile(Path.Combine(folder, name), FolderDocuments.MaxBytes);

    public byte[]? ReadSmallFile(string path, int maxBytes)
    {
        var entry = io.Look(path);
        switch (entry.Kind)
        {
            case FolderEntryKind.None:
                return null;
            case not FolderEntryKind.File:
                throw FolderFault.Violation($"{path} is not a plain file");
        }

        if (entry.Length > maxBytes)
        {
            throw FolderFault.Violation($"{path} is larger than {maxBytes} bytes");
        }

        // Pipes and devices have no length either, and opening one could wait for ever.
        if (entry.Length == 0)
        {
            return [];
        }

        using var file = io.OpenRead(path);
        var bytes = new byte[entry.Length];
        var done = ReadFully(file, 0, bytes);
        return bytes[..done];
    }

    public static int ReadFully(SafeFileHandle file, long offset, Span<byte> buffer)
    {
        var done = 0;
        while (done < buffer.Length && RandomAccess.Read(file, buffer[done..], offset + done) is > 0 and var count)
        {
            done += count;
        }

        return done;
    }

    /// <summary>Writes a small file so that it is there whole or not at all, also after a power cut.</summary>
    public void WriteDocument(string folder, string name, byte[] bytes)
    {
        var path = Path.Combine(folder, name);
        var temporary = path + ".tmp";
        if (io.Look(temporary).Kind is not FolderEntryKind.None)
        {
            io.DeleteFile(temporary);
        }

        using (var file = io.CreateFile(temporary))
        {
            io.Write(file, 0, bytes);
            io.FlushFile(file);
        }

        io.RenameFile(temporary, path);
        io.FlushFolder(folder);
    }

    public void DeleteIfThere(string path)
    {
        if (io.Look(path).Kind is not FolderEntryKind.None)
        {
            io.DeleteFile(path);
        }
    }

    /// <summary>Removes what lies of a deposit: the manifest first, so that half a removal is no committed deposit.</summary>
    public void Delete(FoundDeposit deposit)
    {
        DeleteIfThere(Path.Combine(deposit.GenerationFolder, deposit.Id + ".json"));
        DeleteIfThere(Path.Combine(deposit.GenerationFolder, deposit.Id + ".json.tmp"));
        var folder = Path.Combine(deposit.GenerationFolder, deposit.Id);
        if (io.Look(folder).Kind is FolderEntryKind.Folder)
        {
            foreach (var entry in List(folder))
            {
                if (entry.Kind is FolderEntryKind.Folder)
                {
                    throw FolderFault.Violation($"{folder} holds a folder that was not put there by a deposit");
                }

                io.DeleteFile(Path.Combine(folder, entry.Name));
            }

            io.DeleteFolder(folder);
        }

        io.FlushFolder(deposit.GenerationFolder);
        if (List(deposit.GenerationFolder).Count == 0)
        {
            io.DeleteFolder(deposit.GenerationFolder);
            io.FlushFolder(Path.GetDirectoryName(deposit.GenerationFolder)!);
        }
    }

    /// <summary>Moves every generation out of the way of an owner that still believes in it.</summary>
    public void Fence(string romFlash)
    {
        var generations = Generations(romFlash).ToList();
        foreach (var (name, number, isStale) in generations)
        {
            if (isStale)
            {
                continue;
            }

            var target = string.Create(CultureInfo.InvariantCulture, $"{StalePrefix}g{number}");
            for (var i = 2; io.Look(Path.Combine(romFlash, target)).Kind is not FolderEntryKind.None; i++)
            {
                target = string.Create(CultureInfo.InvariantCulture, $"{StalePrefix}g{number}-{i}");
            }

            io.RenameFolder(Path.Combine(romFlash, name), Path.Combine(romFlash, target));
        }

        io.FlushFolder(romFlash);
    }

    public static bool IsId(string id) => id.Length is > 0 and <= 64 && id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    public static string GenerationName(long generation) => string.Create(CultureInfo.InvariantCulture, $"g{generation}");

    // FAT keeps no two names that differ in case only; another file system may, and nobody can say which of them firmware would take.
    private string? FindFolder(string parent, string name)
    {
        var matches = List(parent).Where(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase)).ToImmutableArray();
        return matches switch
        {
            [] => null,
            [{ Kind: FolderEntryKind.Folder } one] => Path.Combine(parent, one.Name),
            [_] => throw FolderFault.Violation($"{Path.Combine(parent, name)} is a link or a file, not a folder"),
            _ => throw FolderFault.Violation($"{parent} has several names that are {name} but for their case"),
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

        return long.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and <= FolderDocuments.MaxGeneration;
    }
}
