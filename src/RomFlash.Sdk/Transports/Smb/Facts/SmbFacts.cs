using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>Reads what a Windows-like target tells: registry, services, shares. What it does not tell is unknown, with the reason.</summary>
internal sealed class SmbFacts(ISmbConnection connection, SmbAddress address)
{
    private const FactKinds OfRegistry = FactKinds.Identity | FactKinds.Hardware | FactKinds.Roms | FactKinds.Boot | FactKinds.Readiness | FactKinds.Services;

    public async ValueTask<TargetFacts> ReadAsync(PartitionLayout layout, FactKinds kinds)
    {
        var facts = new TargetFacts();
        if ((kinds & OfRegistry) != 0)
        {
            var opened = await RegistryClient.OpenAsync(connection, layout.Token).ConfigureAwait(false);
            if (opened.TryGetValue(out var registry, out var fault))
            {
                await using (registry.ConfigureAwait(false))
                {
                    facts = await ReadRegistryAsync(new RegistryReader(registry, layout.Token), facts, kinds).ConfigureAwait(false);
                }
            }
            else
            {
                facts = PartitionFaultException.IsOfTheTarget(fault) ? await WithoutRegistryAsync(fault, facts, kinds, layout.Token).ConfigureAwait(false) : throw new PartitionFaultException(fault);
            }
        }

        if (kinds.HasFlag(FactKinds.SystemPartition))
        {
            facts = facts with { SystemPartition = await ReadPartitionAsync(layout).ConfigureAwait(false) };
        }

        if (kinds.HasFlag(FactKinds.Account))
        {
            facts = facts with { Account = await AccountFacts.ReadAsync(connection, layout.Token).ConfigureAwait(false) };
        }

        return facts;
    }

    private static async ValueTask<TargetFacts> ReadRegistryAsync(RegistryReader registry, TargetFacts facts, FactKinds kinds)
    {
        if ((kinds & (FactKinds.Identity | FactKinds.Hardware | FactKinds.Roms)) != 0)
        {
            facts = await MachineFacts.ReadAsync(registry, facts, kinds).ConfigureAwait(false);
        }

        if (kinds.HasFlag(FactKinds.Boot))
        {
            facts = facts with { Boot = await BootFacts.ReadIdentityAsync(registry).ConfigureAwait(false) };
        }

        if (kinds.HasFlag(FactKinds.Readiness))
        {
            facts = facts with { Readiness = await BootFacts.ReadReadinessAsync(registry).ConfigureAwait(false) };
        }

        // It answers, so it runs.
        return kinds.HasFlag(FactKinds.Services) ? facts with { Services = ImmutableArray.Create(new ServiceFact(ServiceFacts.RemoteRegistry, true)) } : facts;
    }

    private async ValueTask<TargetFacts> WithoutRegistryAsync(TransportFault fault, TargetFacts facts, FactKinds kinds, CancellationToken cancellationToken)
    {
        var why = $"the remote registry can't be read: {fault.Detail}";
        if (kinds.HasFlag(FactKinds.Identity))
        {
            facts = facts with { Identity = Fact<TargetIdentity>.Unknown(why) };
        }

        if (kinds.HasFlag(FactKinds.Hardware))
        {
            facts = facts with { Hardware = Fact<HardwareDescription>.Unknown(why) };
        }

        if (kinds.HasFlag(FactKinds.Roms))
        {
            facts = facts with { Roms = Fact<ImmutableArray<InstalledRom>>.Unknown(why) };
        }

        if (kinds.HasFlag(FactKinds.Boot))
        {
            facts = facts with { Boot = Fact<BootIdentity>.Unknown(why) };
        }

        if (kinds.HasFlag(FactKinds.Readiness))
        {
            facts = facts with { Readiness = Fact<TargetReadiness>.Unknown(why) };
        }

        return kinds.HasFlag(FactKinds.Services)
            ? facts with { Services = ImmutableArray.Create(new ServiceFact(ServiceFacts.RemoteRegistry, await ServiceFacts.IsRunningAsync(connection, fault, cancellationToken).ConfigureAwait(false))) }
            : facts;
    }

    private async ValueTask<Fact<SystemPartition>> ReadPartitionAsync(PartitionLayout layout)
    {
        if (!(await connection.QueryVolumeAsync(address.Share, layout.Token).ConfigureAwait(false)).TryGetValue(out var volume, out var fault))
        {
            // Also after a boot: a system partition that was mounted by hand, and its share, are gone then.
            return PartitionFaultException.IsOfTheTarget(fault) ? Fact<SystemPartition>.Unknown($"the share {address.Share} can't be used: {fault.Detail}") : throw new PartitionFaultException(fault);
        }

        Fact<bool> hasEfi;
        try
        {
            hasEfi = await layout.FindEfiAsync().ConfigureAwait(false) is not null;
        }
        catch (PartitionFaultException e) when (e.IsOwn || PartitionFaultException.IsOfTheTarget(e.Fault))
        {
            hasEfi = Fact<bool>.Unknown(e.Message);
        }

        return new SystemPartition
        {
            Location = address.ToString(),
            FileSystem = volume.FileSystem.Length == 0 ? Fact<string>.Unknown("the volume does not tell") : volume.FileSystem,
            TotalBytes = volume.TotalBytes,
            FreeBytes = volume.FreeBytes,
            HasEfiDirectory = hasEfi,
            IsReadOnly = volume.IsReadOnly,
            IsBootVolume = Fact<bool>.Unknown("SMB does not tell which volume the firmware boots from"),
        };
    }
}
