using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>A folder that is open as a target.</summary>
internal sealed class DirectorySession(string root, IFolderOperations operations) : PartitionSession(new FolderPartition(root, operations))
{
    private static readonly ArmingOffer FileOnly = new(ArmingMethod.CapsuleFileOnly, CanDisarm: true, FlashesAtOnce: false, PartitionLayout.MaxFiles);

    public override DepositTraits Traits { get; } = new() { Verification = [VerificationMethod.ReadBack], MaxWriteBytes = 1 << 20, PreferredWriteBytes = 1 << 20, UsesSystemPartition = true };

    protected override string WhyNoOffer =>
        $"{FactsFile} does not say that the firmware takes capsule files (\"arming\": [\"capsule-file-only\"]), and a folder has no variables of the firmware; an ssh: endpoint can set them, a redfish: endpoint needs none";

    private string FactsFile => root + ".facts.json";

    public override ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) =>
        RunAsync(layout => ReadFactsAsync(layout, kinds), cancellationToken);

    // Every step blocks: it runs off the caller's thread.
    protected override async ValueTask<T> StepAsync<T>(Func<PartitionLayout, ValueTask<T>> step, PartitionLayout layout) =>
        await Task.Run(async () => await step(layout).ConfigureAwait(false), CancellationToken.None).ConfigureAwait(false);

    protected override ValueTask<ImmutableArray<ArmingOffer>> ReadOffersAsync(PartitionLayout layout) => new(ReadFactsFile().TakesCapsuleFiles ? [FileOnly] : []);

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

    // Beside the partition, not on it.
    private DirectoryFacts ReadFactsFile()
    {
        try
        {
            var entry = operations.Look(FactsFile);
            return entry.Kind switch
            {
                PartitionEntryKind.None => DirectoryFacts.None,
                PartitionEntryKind.File when entry.Length <= DirectoryFacts.MaxFileBytes => DirectoryFacts.Parse(Read(entry.Length), FactsFile),
                PartitionEntryKind.File => throw PartitionFaultException.Violation($"{FactsFile} is larger than {DirectoryFacts.MaxFileBytes} bytes"),
                _ => throw PartitionFaultException.Violation($"{FactsFile} is not a plain file"),
            };
        }
        catch (Exception e) when (e is not PartitionFaultException)
        {
            throw new PartitionFaultException(FolderFault.From(e, isChanged: false));
        }

        byte[] Read(long length)
        {
            // Pipes and devices have no length either, and opening one could wait for ever.
            if (length == 0)
            {
                return [];
            }

            using var file = operations.OpenRead(FactsFile);
            var bytes = new byte[length];
            var done = 0;
            while (done < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(done), done) is > 0 and var count)
            {
                done += count;
            }

            return bytes[..done];
        }
    }

    private async ValueTask<TargetFacts> ReadFactsAsync(PartitionLayout layout, FactKinds kinds)
    {
        var told = ReadFactsFile();
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
            SystemPartition = kinds.HasFlag(FactKinds.SystemPartition) ? await DescribePartitionAsync(layout, told).ConfigureAwait(false) : default(Fact<SystemPartition>),
        };
    }

    private async ValueTask<SystemPartition> DescribePartitionAsync(PartitionLayout layout, DirectoryFacts told)
    {
        Fact<bool> hasEfi;
        try
        {
            hasEfi = await layout.FindEfiAsync().ConfigureAwait(false) is not null;
        }
        catch (PartitionFaultException e)
        {
            hasEfi = Fact<bool>.Unknown(e.Message);
        }

        return AddVolume(told.Partition, root, told.IsFromVolume) with { Location = root, HasEfiDirectory = hasEfi };
    }
}
