using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Redfish.Http;

namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>Makes facts of what a service says. What it does not say is unknown, with the reason.</summary>
internal sealed class RedfishFacts(RedfishConnection connection, RedfishService service)
{
    private readonly ResourceReader _reader = new(connection);

    /// <summary>Reads what is asked for.</summary>
    /// <param name="kinds">Which facts.</param>
    /// <param name="tasks">The tasks about updates, for the last attempts; null when they were not read.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async ValueTask<TransportResult<TargetFacts>> ReadAsync(FactKinds kinds, ImmutableArray<UpdateTask>? tasks, CancellationToken cancellationToken)
    {
        const FactKinds OfSystem = FactKinds.Identity | FactKinds.Boot | FactKinds.Readiness | FactKinds.Hardware | FactKinds.Roms;
        var system = default(RedfishJson);
        var missing = service.WhyNoSystem;
        TransportFault? fault;
        if ((kinds & OfSystem) != 0 && service.SystemPath is { } path)
        {
            if (!(await _reader.TryReadAsync(path, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out fault))
            {
                return fault;
            }

            (system, missing) = (read.Json, read.Path is null ? "the service does not show its system any more" : missing);
        }

        var facts = new TargetFacts();
        if (kinds.HasFlag(FactKinds.Identity))
        {
            facts = facts with { Identity = system.IsObject ? IdentityOf(system) : Fact<TargetIdentity>.Unknown(missing) };
        }

        if (kinds.HasFlag(FactKinds.Boot))
        {
            facts = facts with { Boot = system.IsObject ? BootOf(system) : Fact<BootIdentity>.Unknown(missing) };
        }

        if (kinds.HasFlag(FactKinds.Hardware))
        {
            facts = facts with
            {
                Hardware = system.Text("BiosVersion", 256) is { } version ? new HardwareDescription { BiosVersion = version } : Fact<HardwareDescription>.Unknown("the service tells of the system no more than its identity"),
            };
        }

        if (kinds.HasFlag(FactKinds.SystemPartition))
        {
            facts = facts with { SystemPartition = Fact<SystemPartition>.Unknown("a management controller shows no partitions") };
        }

        if (kinds.HasFlag(FactKinds.Services))
        {
            facts = facts with
            {
                Services = service.Updates is { } updates
                    ? ImmutableArray.Create(new ServiceFact("UpdateService", updates.IsEnabled is { } enabled ? enabled : Fact<bool>.Unknown("the service does not say whether it takes updates")))
                    : ImmutableArray.Create(new ServiceFact("UpdateService", false)),
            };
        }

        if (kinds.HasFlag(FactKinds.Readiness))
        {
            if (!(await ReadReadinessAsync(system, cancellationToken).ConfigureAwait(false)).TryGetValue(out var readiness, out fault))
            {
                return fault;
            }

            facts = facts with { Readiness = readiness };
        }

        if (kinds.HasFlag(FactKinds.Account))
        {
            if (!(await ReadAccountAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var account, out fault))
            {
                return fault;
            }

            facts = facts with { Account = account.Rights };
        }

        if (kinds.HasFlag(FactKinds.Roms))
        {
            if (!(await RedfishInventory.ReadAsync(connection, service, cancellationToken).ConfigureAwait(false)).TryGetValue(out var items, out fault))
            {
                return fault;
            }

            facts = facts with
            {
                Roms = service.Updates?.InventoryPath is null ? Fact<ImmutableArray<InstalledRom>>.Unknown("the service has no firmware inventory") : items.Select(i => RomOf(i, system, tasks)).ToImmutableArray(),
            };
        }

        return facts;
    }

    /// <summary>When the system was last reset, in UTC where it can be read as a time: the same moment under another offset is no other boot.</summary>
    public static string? ResetTimeOf(RedfishJson system) => system.Text("LastResetTime", 64) is { Length: > 0 } text
        ? UpdateTask.Time(text)?.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture) ?? text
        : null;

    public static Fact<BootIdentity> BootOf(RedfishJson system) =>
        ResetTimeOf(system) is { } time
            ? new BootIdentity(time) { Source = PeerCode.Redfish }
            : Fact<BootIdentity>.Unknown("the service does not tell when the system was last reset (LastResetTime)");

    private static TargetIdentity IdentityOf(RedfishJson system) => new()
    {
        SmbiosUuid = Guid.TryParse(system.Text("UUID", 64), out var uuid) ? uuid : null,
        SerialNumber = Some(system.Text("SerialNumber", 128)),
        Manufacturer = Some(system.Text("Manufacturer", 128)),
        Product = Some(system.Text("Model", 128)),
        Sku = Some(system.Text("SKU", 128)),
    };

    private static InstalledRom RomOf(RedfishInventoryItem item, RedfishJson system, ImmutableArray<UpdateTask>? tasks)
    {
        var versions = ImmutableArray.CreateBuilder<ReportedVersion>(2);
        if (RomVersion.TryParse(item.Json.Text("Version", 256), out var version))
        {
            versions.Add(new(FactSource.Redfish, version));
        }

        // What the inventory lists may be written and not running yet; this is what the system booted with.
        if (item.Kind == RomKind.SystemRom && RomVersion.TryParse(system.Text("BiosVersion", 256), out var running))
        {
            versions.Add(new(FactSource.Smbios, running));
        }

        return new InstalledRom
        {
            Id = item.Id,
            Kind = item.Kind,
            Name = item.Json.Text("Name", 256) ?? string.Empty,
            FirmwareClass = Guid.TryParse(item.Json.Text("SoftwareId", 64), out var firmwareClass) ? firmwareClass : null,
            DeviceClass = Guid.TryParse(item.Json["Oem"]["Hpe"].Text("DeviceClass", 64), out var deviceClass) ? deviceClass : null,
            Pci = item.Pci,
            Versions = versions.ToImmutable(),
            LowestSupportedVersion = RomVersion.TryParse(item.Json.Text("LowestSupportedVersion", 256), out var lowest) ? lowest : Fact<RomVersion>.Unknown("the service does not tell"),
            LastAttempt = AttemptOf(item, tasks),
        };
    }

    // The newest upload that has ended. A task that waits for a restart has not.
    private static Fact<LastAttempt> AttemptOf(RedfishInventoryItem item, ImmutableArray<UpdateTask>? tasks)
    {
        var last = tasks?.Where(t => string.Equals(t.ComponentId, item.Id, StringComparison.Ordinal) && t.Phase is TaskPhase.Done or TaskPhase.Failed).OrderBy(t => t.Ended ?? DateTimeOffset.MinValue).LastOrDefault();
        if (last is null)
        {
            return Fact<LastAttempt>.Unknown("the service tells of no attempt");
        }

        var fault = RedfishFault.From(last.Messages, FaultEffect.MayHaveApplied);
        return new LastAttempt(null, new PeerCode(PeerCode.Redfish, last.Phase == TaskPhase.Done ? 0u : 1u, last.Phase == TaskPhase.Done ? null : fault.PeerCode?.Symbol ?? "TaskState.Exception"));
    }

    private async ValueTask<TransportResult<TargetReadiness>> ReadReadinessAsync(RedfishJson system, CancellationToken cancellationToken)
    {
        var chassis = default(RedfishJson);
        if ((system["Links"].Links("Chassis", 1).FirstOrDefault() ?? (service.Root.Link("Chassis") is { } all ? await FirstAsync(all, cancellationToken).ConfigureAwait(false) : null)) is { } link)
        {
            if (!(await _reader.TryReadAsync(link, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var fault))
            {
                return fault;
            }

            chassis = read.Json;
        }

        if (!(await ReadPowerAsync(chassis, cancellationToken).ConfigureAwait(false)).TryGetValue(out var power, out var broken))
        {
            return broken;
        }

        var type = chassis.Text("ChassisType", 32);
        return new TargetReadiness
        {
            PendingReboot = Fact<bool>.Unknown("a management controller does not know what the operating system waits for"),
            ExternalPower = power.IsGood,

            // What is mounted in a rack has no battery to run from.
            BatterySufficient = type is "RackMount" or "Blade" or "Sled" or "Enclosure" or "Drawer" or "StandAlone" or "Rack" ? true : Fact<bool>.Unknown("the service does not tell what kind of chassis it is"),
            DiskEncryptionSealed = Fact<bool>.Unknown("a management controller does not see the disks' encryption"),
            Healthy = (system["Status"].Text("HealthRollup", 32) ?? system["Status"].Text("Health", 32)) is { } health ? health == "OK" : Fact<bool>.Unknown("the service does not tell the system's health"),
            InRecovery = Fact<bool>.Unknown("the service does not tell"),
        };
    }

    private async ValueTask<string?> FirstAsync(string collection, CancellationToken cancellationToken) =>
        (await _reader.TryReadAsync(collection, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out _) ? read.Json.Links("Members", 1).FirstOrDefault() : null;

    private async ValueTask<TransportResult<FoundPower>> ReadPowerAsync(RedfishJson chassis, CancellationToken cancellationToken)
    {
        ImmutableArray<RedfishJson> supplies = [];
        if (chassis.Link("PowerSubsystem") is { } subsystem)
        {
            if (!(await _reader.TryReadAsync(subsystem, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var fault)
                || !(await _reader.ReadMembersAsync(read.Json.Link("PowerSupplies"), 16, cancellationToken).ConfigureAwait(false)).TryGetValue(out var members, out fault))
            {
                return fault;
            }

            supplies = [.. members.Select(m => m.Json)];
        }
        else if (chassis.Link("Power") is { } power)
        {
            if (!(await _reader.TryReadAsync(power, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var fault))
            {
                return fault;
            }

            supplies = read.Json.Items("PowerSupplies", 16);
        }

        var known = supplies.Where(s => s["Status"].Text("State", 32) is not "Absent" && s["Status"].Text("Health", 32) is not null).ToImmutableArray();
        return known.IsEmpty
            ? new FoundPower(Fact<bool>.Unknown("the service does not tell of its power supplies"))
            : new FoundPower(known.All(s => s["Status"].Text("Health", 32) == "OK" && s["Status"].Text("State", 32) is null or "Enabled"));
    }

    // Uploads need ConfigureComponents (DSP8011, privilege registry, UpdateService). An account that can't see its own role proves nothing.
    private async ValueTask<TransportResult<FoundRights>> ReadAccountAsync(CancellationToken cancellationToken)
    {
        if (!(await _reader.TryReadAsync(service.Root.Link("AccountService"), cancellationToken).ConfigureAwait(false)).TryGetValue(out var accounts, out var fault)
            || !(await _reader.ReadMembersAsync(accounts.Json.Link("Accounts"), 64, cancellationToken).ConfigureAwait(false)).TryGetValue(out var members, out fault))
        {
            return fault;
        }

        var own = members.FirstOrDefault(m => string.Equals(m.Json.Text("UserName", 256), connection.UserName, StringComparison.Ordinal)).Json;
        if (!own.IsObject)
        {
            return new FoundRights(Fact<AccountRights>.Unknown("the service does not show this account"));
        }

        if (!(await _reader.TryReadAsync(own["Links"].Link("Role"), cancellationToken).ConfigureAwait(false)).TryGetValue(out var role, out fault))
        {
            return fault;
        }

        var privileges = role.Json.Texts("AssignedPrivileges", 64, 128);
        return new FoundRights(
            privileges.IsEmpty ? Fact<AccountRights>.Unknown("the service does not show this account's role")
            : privileges.Contains("ConfigureComponents") ? AccountRights.Administrator
            : AccountRights.NotAdministrator);
    }

    private static string? Some(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private readonly record struct FoundPower(Fact<bool> IsGood);

    private readonly record struct FoundRights(Fact<AccountRights> Rights);
}
