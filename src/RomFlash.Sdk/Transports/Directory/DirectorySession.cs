using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>A folder that is open as a target.</summary>
internal sealed class DirectorySession(string root, IFolderOperations operations)
    : ITargetSession, IFactsCapability, IDepositCapability, IArmingCapability, IClaimCapability
{
    private const int HashChunk = 1 << 17;

    private static readonly ArmingOffer FileOnly = new(ArmingMethod.CapsuleFileOnly, CanDisarm: true, FlashesAtOnce: false, DirectoryLayout.MaxFiles);

    private readonly Lock _gate = new();
    private volatile bool _disposed;

    public DepositTraits Traits { get; } = new() { Verification = [VerificationMethod.ReadBack], MaxWriteBytes = 1 << 20, UsesSystemPartition = true };

    private string FactsFile => root + ".facts.json";

    public ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) =>
        RunAsync(layout => ReadFacts(layout, kinds), cancellationToken);

    public ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken) =>
        RunAsync(ListDeposits, cancellationToken);

    public ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return RunAsync<IDeposit>(layout => OpenDeposit(layout, manifest), cancellationToken);
    }

    public ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        return RunAsync(layout => Discard(layout, id, generation), cancellationToken);
    }

    public ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken) =>
        RunAsync(layout => ReadArmedState(layout, withDigests, cancellationToken), cancellationToken);

    public ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return RunAsync(layout => Arm(layout, request), cancellationToken);
    }

    public ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(depositId);
        return RunAsync(layout => Disarm(layout, depositId), cancellationToken);
    }

    public ValueTask<TransportResult<ClaimState>> ReadClaimAsync(CancellationToken cancellationToken) => RunAsync(
        layout =>
        {
            var view = layout.ReadClaim(layout.FindRomFlash());
            return view.Unreadable is { } why ? throw FolderFault.Violation(HeldByUnknown(view, why)) : new ClaimState(view.Current, view.Last);
        },
        cancellationToken);

    public ValueTask<TransportResult<TargetClaim>> AcquireClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return RunAsync(layout => Acquire(layout, request), cancellationToken);
    }

    public ValueTask<TransportResult<Done>> ReleaseClaimAsync(TargetClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(claim);
        return RunAsync(layout => Release(layout, claim), cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _disposed = true;
        return ValueTask.CompletedTask;
    }

    /// <summary>Runs a step off the caller's thread, one at a time; whatever it throws becomes a fault that knows whether anything was changed.</summary>
    internal async ValueTask<TransportResult<T>> RunAsync<T>(Func<DirectoryLayout, T> step, CancellationToken cancellationToken)
        where T : notnull
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (_disposed)
        {
            return new TransportFault(TransportFaultKind.Lost, FaultEffect.NotSent, "the session was closed");
        }

        return await Task.Run(
            () =>
            {
                var folder = new TrackedFolder(operations);
                try
                {
                    lock (_gate)
                    {
                        return TransportResult<T>.From(step(new DirectoryLayout(root, folder)));
                    }
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    return new TransportFault(TransportFaultKind.Cancelled, folder.IsChanged ? FaultEffect.MayHaveApplied : FaultEffect.NotSent);
                }
                catch (Exception e)
                {
                    return FolderFault.From(e, folder.IsChanged);
                }
            },
            CancellationToken.None).ConfigureAwait(false);
    }

    private static string HeldByUnknown(ClaimView view, string why) => string.Create(
        CultureInfo.InvariantCulture,
        $"the claim can't be read, so it is held by an unknown owner (take over generation {view.Last} when nobody works on this target): {why}");

    private static bool IsArmed(DepositManifest manifest, List<FolderEntry> capsules) =>
        Enumerable.Range(0, manifest.Files.Length).Any(i => Find(manifest, i, capsules) is not null);

    private static FolderEntry? Find(DepositManifest manifest, int index, List<FolderEntry> capsules)
    {
        var name = DirectoryLayout.DiskName(manifest, index);
        foreach (var entry in capsules)
        {
            if (entry.Kind is FolderEntryKind.File && string.Equals(entry.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return entry;
            }
        }

        return null;
    }

    private static (DepositManifest? Manifest, List<FolderEntry> Capsules, string? Folder) LookAtArmed(DirectoryLayout layout)
    {
        var folder = layout.FindUpdateCapsule();
        var capsules = folder is null ? [] : layout.List(folder);
        return (layout.ReadArmedManifest(layout.FindRomFlash()), capsules, folder);
    }

    private static ImmutableArray<DepositInfo> ListDeposits(DirectoryLayout layout)
    {
        var romFlash = layout.FindRomFlash();
        var (armed, capsules, _) = LookAtArmed(layout);
        var isArmed = armed is not null && IsArmed(armed, capsules);
        var infos = layout.FindDeposits(romFlash)
            .Where(d => !(isArmed && !d.HasFolder && d.Id == armed!.Id && d.Generation == armed.Generation))
            .Select(d => new DepositInfo(d.Id, d.Generation, d is { HasFolder: true, HasManifest: true }))
            .ToList();

        // What a boot has consumed leaves the note of what was armed.
        if (armed is not null && !isArmed && !infos.Any(i => i.Id == armed.Id && i.Generation == armed.Generation))
        {
            infos.Add(new(armed.Id, armed.Generation, IsCommitted: false));
        }

        return [.. infos.DistinctBy(i => (i.Id, i.Generation))];
    }

    private static Done Discard(DirectoryLayout layout, string id, long generation)
    {
        if (layout.FindRomFlash() is not { } romFlash || !DirectoryLayout.IsId(id))
        {
            return default;
        }

        using var held = layout.TakeLock(romFlash);
        var (armed, capsules, _) = LookAtArmed(layout);
        if (armed is not null && armed.Id == id && armed.Generation == generation)
        {
            if (IsArmed(armed, capsules))
            {
                throw new FolderFaultException(TransportFaultKind.Busy, $"deposit {id} is armed");
            }

            layout.DeleteIfThere(Path.Combine(romFlash, "armed.json"));
            layout.Io.FlushFolder(romFlash);
        }

        foreach (var deposit in layout.FindDeposits(romFlash).Where(d => d.Id == id && d.Generation == generation))
        {
            layout.Delete(deposit);
        }

        return default;
    }

    // Before the last rename nothing lies where firmware looks; with it, everything does.
    private static Done Arm(DirectoryLayout layout, ArmRequest request, bool takesCapsuleFiles)
    {
        var manifest = request.Manifest;
        if (request.Method != ArmingMethod.CapsuleFileOnly || !takesCapsuleFiles)
        {
            throw new FolderFaultException(TransportFaultKind.Unsupported, $"this target does not take {request.Method}");
        }

        var efi = layout.NeedEfi();
        if (layout.FindRomFlash() is not { } romFlash)
        {
            throw new FolderFaultException(TransportFaultKind.NotFound, $"there is no deposit {manifest.Id}");
        }

        using var held = layout.TakeLock(romFlash);
        var (_, capsules, updateCapsule) = LookAtArmed(layout);
        if (capsules.Count > 0)
        {
            throw new FolderFaultException(TransportFaultKind.Busy, "something is armed already, or lies where firmware looks for capsules");
        }

        var generationFolder = Path.Combine(romFlash, DirectoryLayout.GenerationName(manifest.Generation));
        var folder = Path.Combine(generationFolder, manifest.Id);
        if (layout.Io.Look(generationFolder).Kind is not FolderEntryKind.Folder
            || layout.Io.Look(folder).Kind is not FolderEntryKind.Folder
            || layout.ReadDocument(generationFolder, manifest.Id + ".json") is not { } bytes)
        {
            throw new FolderFaultException(TransportFaultKind.NotFound, $"there is no committed deposit {manifest.Id} of generation {manifest.Generation}");
        }

        layout.NeedClaim(romFlash, manifest.Generation);
        var committed = FolderDocuments.ReadManifest(bytes, manifest.Id + ".json");
        var files = layout.List(folder);
        if (committed.Digest != manifest.Digest
            || files.Count != manifest.Files.Length
            || !Enumerable.Range(0, files.Count).All(i => Find(manifest, i, files)?.Length == manifest.Files[i].Length))
        {
            throw new FolderFaultException(TransportFaultKind.Rejected, $"deposit {manifest.Id} is not what was committed");
        }

        layout.WriteDocument(romFlash, "armed.json", FolderDocuments.Write(manifest));
        if (updateCapsule is not null)
        {
            // Empty, so it means nothing to firmware, and it is in the way.
            layout.Io.DeleteFolder(updateCapsule);
        }

        layout.Io.RenameFolder(folder, Path.Combine(efi, "UpdateCapsule"));
        layout.Io.FlushFolder(efi);
        layout.Io.FlushFolder(generationFolder);
        return default;
    }

    private static Done Disarm(DirectoryLayout layout, string depositId)
    {
        if (layout.FindRomFlash() is not { } romFlash)
        {
            return default;
        }

        using var held = layout.TakeLock(romFlash);
        var (manifest, capsules, updateCapsule) = LookAtArmed(layout);
        if (manifest is null || manifest.Id != depositId)
        {
            return default;
        }

        if (updateCapsule is not null && IsArmed(manifest, capsules))
        {
            TakeBack(layout, romFlash, manifest, capsules, updateCapsule);
        }

        foreach (var deposit in layout.FindDeposits(romFlash).Where(d => d.Id == manifest.Id && d.Generation == manifest.Generation))
        {
            layout.Delete(deposit);
        }

        layout.DeleteIfThere(Path.Combine(romFlash, "armed.json"));
        layout.Io.FlushFolder(romFlash);
        return default;
    }

    private static void TakeBack(DirectoryLayout layout, string romFlash, DepositManifest manifest, List<FolderEntry> capsules, string updateCapsule)
    {
        var ours = Enumerable.Range(0, manifest.Files.Length).Select(i => Find(manifest, i, capsules)?.Name).OfType<string>().ToList();
        if (ours.Count < capsules.Count)
        {
            // Somebody else's file lies among ours, and stays armed. Last to flash, first to go: what is left at any time is a whole beginning.
            foreach (var name in Enumerable.Reverse(ours))
            {
                layout.Io.DeleteFile(Path.Combine(updateCapsule, name));
            }

            layout.Io.FlushFolder(updateCapsule);
            return;
        }

        var generationFolder = Path.Combine(romFlash, DirectoryLayout.GenerationName(manifest.Generation));
        if (layout.Io.Look(generationFolder).Kind is FolderEntryKind.None)
        {
            layout.Io.CreateFolder(generationFolder);
        }

        layout.Io.RenameFolder(updateCapsule, Path.Combine(generationFolder, manifest.Id));
        layout.Io.FlushFolder(Path.GetDirectoryName(updateCapsule)!);
        layout.Io.FlushFolder(generationFolder);
    }

    private static TargetClaim Acquire(DirectoryLayout layout, ClaimRequest request)
    {
        if (request.Owner is not { Length: > 0 and <= 128 })
        {
            throw new FolderFaultException(TransportFaultKind.Unsupported, "an owner has 1 to 128 characters");
        }

        // A claim that is held is answered without writing anything.
        if (layout.FindRomFlash() is { } there)
        {
            RespectClaim(layout.ReadClaim(there), request);
        }

        var romFlash = layout.NeedRomFlash();
        using var held = layout.TakeLock(romFlash);
        var view = layout.ReadClaim(romFlash);
        RespectClaim(view, request);
        var claim = new TargetClaim(request.Owner, view.Last + 1);
        if (claim.Generation > FolderDocuments.MaxGeneration)
        {
            throw FolderFault.Violation("the generation on the target is too large to be followed by another one");
        }

        layout.WriteDocument(romFlash, "generation.json", FolderDocuments.WriteGeneration(claim.Generation));
        layout.Fence(romFlash);
        layout.WriteDocument(romFlash, "claim.json", FolderDocuments.Write(claim));
        return claim;
    }

    private static void RespectClaim(ClaimView view, ClaimRequest request)
    {
        if (view.Unreadable is { } why && request.TakeOverGeneration != view.Last)
        {
            throw new FolderFaultException(TransportFaultKind.ClaimHeld, HeldByUnknown(view, why));
        }

        if (view.Current is { } current && current.Owner != request.Owner && request.TakeOverGeneration != current.Generation)
        {
            throw new FolderFaultException(
                TransportFaultKind.ClaimHeld,
                string.Create(CultureInfo.InvariantCulture, $"held by {current.Owner}, generation {current.Generation}"));
        }
    }

    private static Done Release(DirectoryLayout layout, TargetClaim claim)
    {
        if (layout.FindRomFlash() is not { } romFlash)
        {
            return default;
        }

        using var held = layout.TakeLock(romFlash);
        if (layout.ReadClaim(romFlash).Current == claim)
        {
            layout.Io.DeleteFile(Path.Combine(romFlash, "claim.json"));
            layout.Io.FlushFolder(romFlash);
        }

        return default;
    }

    private static Fact<ContentDigest> Digest(DirectoryLayout layout, string path, long length, CancellationToken cancellationToken)
    {
        using var file = layout.Io.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[HashChunk];
        for (var offset = 0L; offset < length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = DirectoryLayout.ReadFully(file, offset, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - offset)));
            if (count == 0)
            {
                return Fact<ContentDigest>.Unknown("the file became shorter while it was read");
            }

            hash.AppendData(buffer.AsSpan(0, count));
            offset += count;
        }

        return new ContentDigest(hash.GetHashAndReset());
    }

    private static SystemPartition AddVolume(SystemPartition partition, string folder, bool isFromVolume)
    {
        var why = "the folder is not a mount point, and the facts file does not say that its volume counts";
        try
        {
            if (isFromVolume || DriveInfo.GetDrives().Any(d => string.Equals(Path.TrimEndingDirectorySeparator(d.RootDirectory.FullName), folder, StringComparison.Ordinal)))
            {
                var drive = new DriveInfo(folder);
                return partition with
                {
                    FileSystem = partition.FileSystem.IsKnown ? partition.FileSystem : drive.DriveFormat,
                    TotalBytes = partition.TotalBytes.IsKnown ? partition.TotalBytes : drive.TotalSize,
                    FreeBytes = partition.FreeBytes.IsKnown ? partition.FreeBytes : drive.AvailableFreeSpace,
                };
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            why = $"the volume can't be asked: {e.Message}";
        }

        return partition with
        {
            FileSystem = partition.FileSystem.IsKnown ? partition.FileSystem : Fact<string>.Unknown(why),
            TotalBytes = partition.TotalBytes.IsKnown ? partition.TotalBytes : Fact<long>.Unknown(why),
            FreeBytes = partition.FreeBytes.IsKnown ? partition.FreeBytes : Fact<long>.Unknown(why),
        };
    }

    private Done Arm(DirectoryLayout layout, ArmRequest request) => Arm(layout, request, ReadFactsFile(layout).TakesCapsuleFiles);

    private DirectoryFacts ReadFactsFile(DirectoryLayout layout) =>
        layout.ReadSmallFile(FactsFile, DirectoryFacts.MaxFileBytes) is { } bytes ? DirectoryFacts.Parse(bytes, FactsFile) : DirectoryFacts.None;

    private TargetFacts ReadFacts(DirectoryLayout layout, FactKinds kinds)
    {
        var told = ReadFactsFile(layout);
        var why = $"{FactsFile} does not tell";
        Fact<T> Tell<T>(FactKinds kind, T? value)
            where T : class => !kinds.HasFlag(kind) ? default : value is null ? Fact<T>.Unknown(why) : value;

        return new()
        {
            Identity = Tell(FactKinds.Identity, told.Identity),
            Boot = Tell(FactKinds.Boot, told.Boot),
            Readiness = Tell(FactKinds.Readiness, told.Readiness),
            Hardware = Tell(FactKinds.Hardware, told.Hardware),
            Roms = !kinds.HasFlag(FactKinds.Roms) ? default : told.Roms is { } roms ? roms : Fact<ImmutableArray<InstalledRom>>.Unknown(why),
            Account = !kinds.HasFlag(FactKinds.Account) ? default
                : told.Account is { } account ? account
                : Environment.IsPrivilegedProcess ? AccountRights.Administrator
                : Fact<AccountRights>.Unknown($"{why}, and the process has no special rights"),

            // A folder depends on no service, and that is known.
            Services = kinds.HasFlag(FactKinds.Services) ? ImmutableArray<ServiceFact>.Empty : default(Fact<ImmutableArray<ServiceFact>>),
            SystemPartition = kinds.HasFlag(FactKinds.SystemPartition) ? DescribePartition(layout, told) : default(Fact<SystemPartition>),
        };
    }

    private SystemPartition DescribePartition(DirectoryLayout layout, DirectoryFacts told)
    {
        Fact<bool> hasEfi;
        try
        {
            hasEfi = layout.FindEfi() is not null;
        }
        catch (FolderFaultException e)
        {
            hasEfi = Fact<bool>.Unknown(e.Message);
        }

        return AddVolume(told.Partition, root, told.IsFromVolume) with { Location = root, HasEfiDirectory = hasEfi };
    }

    private DirectoryDeposit OpenDeposit(DirectoryLayout layout, DepositManifest manifest)
    {
        if (manifest.Files.Length > DirectoryLayout.MaxFiles)
        {
            throw new FolderFaultException(TransportFaultKind.Unsupported, $"a deposit has {DirectoryLayout.MaxFiles} files at most");
        }

        layout.NeedEfi();
        layout.NeedClaim(layout.FindRomFlash(), manifest.Generation);
        var romFlash = layout.NeedRomFlash();
        using var held = layout.TakeLock(romFlash);
        layout.NeedClaim(romFlash, manifest.Generation);
        if (layout.FindDeposits(romFlash).Any(d => d.Id == manifest.Id) || layout.ReadArmedManifest(romFlash)?.Id == manifest.Id)
        {
            throw new FolderFaultException(TransportFaultKind.AlreadyExists, $"there is a deposit {manifest.Id}");
        }

        var generationFolder = Path.Combine(romFlash, DirectoryLayout.GenerationName(manifest.Generation));
        switch (layout.Io.Look(generationFolder).Kind)
        {
            case FolderEntryKind.None:
                layout.Io.CreateFolder(generationFolder);
                layout.Io.FlushFolder(romFlash);
                break;
            case not FolderEntryKind.Folder:
                throw FolderFault.Violation($"{generationFolder} is a link or a file, not a folder");
        }

        layout.Io.CreateFolder(Path.Combine(generationFolder, manifest.Id));
        layout.Io.FlushFolder(generationFolder);
        return new DirectoryDeposit(this, manifest, generationFolder);
    }

    private ArmedState ReadArmedState(DirectoryLayout layout, bool withDigests, CancellationToken cancellationToken)
    {
        ImmutableArray<ArmingOffer> offers = ReadFactsFile(layout).TakesCapsuleFiles ? [FileOnly] : [];
        var (manifest, capsules, folder) = LookAtArmed(layout);
        var items = ImmutableArray.CreateBuilder<ArmedItem>();
        var ours = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; folder is not null && i < manifest?.Files.Length; i++)
        {
            if (Find(manifest, i, capsules) is { } entry)
            {
                ours.Add(entry.Name);
                var digest = !withDigests ? Fact<ContentDigest>.Unknown("not asked for")
                    : entry.Length != manifest.Files[i].Length ? Fact<ContentDigest>.Unknown("its length is not the deposited one")
                    : Digest(layout, Path.Combine(folder, entry.Name), entry.Length, cancellationToken);
                items.Add(new(entry.Name, entry.Length, digest));
            }
        }

        var foreign = capsules.Where(c => !ours.Contains(c.Name))
            .Select(c => new ArmedItem(c.Name, c.Kind is FolderEntryKind.File ? c.Length : Fact<long>.Unknown("not a plain file"), Fact<ContentDigest>.Unknown("not deposited by this SDK")))
            .ToImmutableArray();
        var phase = items.Count > 0 ? ArmedPhase.Armed
            : manifest is not null && layout.FindDeposits(layout.FindRomFlash()).Any(d => d is { HasFolder: true, IsStale: false } && d.Id == manifest.Id && d.Generation == manifest.Generation) ? ArmedPhase.Prepared
            : ArmedPhase.None;
        return new()
        {
            Phase = phase,
            DepositId = phase is ArmedPhase.None ? null : manifest!.Id,
            Generation = phase is ArmedPhase.None ? 0 : manifest!.Generation,
            Items = items.ToImmutable(),
            Foreign = foreign,
            Offers = offers,
        };
    }
}
