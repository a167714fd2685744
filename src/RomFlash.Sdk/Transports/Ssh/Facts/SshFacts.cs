using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Ssh.Reading;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh.Facts;

/// <summary>Reads what a Linux target tells, in one request. What it does not tell is unknown, with the reason.</summary>
internal sealed class SshFacts(IRemoteScripts scripts)
{
    /// <summary>Reads facts.</summary>
    /// <param name="layout">What lies on the volume; null where there is none.</param>
    /// <param name="volume">The volume, or why there is none.</param>
    /// <param name="kinds">Which facts.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <exception cref="PartitionFaultException">The target can't be asked.</exception>
    public async ValueTask<TargetFacts> ReadAsync(PartitionLayout? layout, Fact<SshVolume> volume, FactKinds kinds, CancellationToken cancellationToken)
    {
        var parts = new List<string>();
        Add((FactKinds.Identity | FactKinds.Hardware) & kinds, DmiFacts.Script);
        Add(FactKinds.Roms & kinds, RomFacts.Script);
        Add(FactKinds.Account & kinds, AccountFacts.Script);
        Add(FactKinds.Readiness & kinds, ReadinessFacts.Script);
        Add(FactKinds.Boot & kinds, BootFacts.Script);
        if (kinds.HasFlag(FactKinds.SystemPartition) && volume.TryGet(out var found))
        {
            parts.Add(VolumeFacts.ScriptOf(found));
        }

        // Nothing else on the target has to run for this.
        var facts = kinds.HasFlag(FactKinds.Services) ? new TargetFacts { Services = ImmutableArray<ServiceFact>.Empty } : new();
        if (parts.Count > 0)
        {
            var readings = await ReadingScript.RunAsync(scripts, parts, cancellationToken).ConfigureAwait(false);
            facts = facts with
            {
                Identity = kinds.HasFlag(FactKinds.Identity) ? DmiFacts.ReadIdentity(readings) : default,
                Hardware = kinds.HasFlag(FactKinds.Hardware) ? DmiFacts.ReadHardware(readings) : default,
                Roms = kinds.HasFlag(FactKinds.Roms) ? RomFacts.Read(readings) : default,
                Account = kinds.HasFlag(FactKinds.Account) ? AccountFacts.Read(readings) : default,
                Readiness = kinds.HasFlag(FactKinds.Readiness) ? ReadinessFacts.Read(readings) : default(Fact<TargetReadiness>),
                Boot = kinds.HasFlag(FactKinds.Boot) ? BootFacts.Read(readings) : default,
                SystemPartition = kinds.HasFlag(FactKinds.SystemPartition) && volume.TryGet(out found) ? VolumeFacts.Read(readings, found) : default,
            };
        }

        if (!kinds.HasFlag(FactKinds.SystemPartition))
        {
            return facts;
        }

        return facts.SystemPartition.TryGet(out var partition) ? facts with { SystemPartition = partition with { HasEfiDirectory = await HasEfiAsync(layout).ConfigureAwait(false) } }
            : volume.IsKnown ? facts
            : facts with { SystemPartition = Fact<SystemPartition>.Unknown(volume.WhyUnknown) };

        void Add(FactKinds asked, string script)
        {
            if (asked != 0)
            {
                parts.Add(script);
            }
        }
    }

    private static async ValueTask<Fact<bool>> HasEfiAsync(PartitionLayout? layout)
    {
        if (layout is null)
        {
            return Fact<bool>.Unknown("nobody looked");
        }

        try
        {
            return await layout.FindEfiAsync().ConfigureAwait(false) is not null;
        }
        catch (PartitionFaultException e) when (e.IsOwn || PartitionFaultException.IsOfTheTarget(e.Fault))
        {
            return Fact<bool>.Unknown(e.Message);
        }
    }
}
