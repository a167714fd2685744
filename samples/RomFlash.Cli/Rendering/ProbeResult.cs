using System.Collections.Immutable;
using System.Text.Json.Serialization;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;

namespace RomFlash.Cli.Rendering;

/// <summary>A version and who reports it, as it is written.</summary>
internal sealed record VersionResult(string Source, string Version);

/// <summary>An installed ROM, as it is written.</summary>
internal sealed record RomResult(string Id, string Kind, string Name, string? FirmwareClass, string? Pci, ImmutableArray<VersionResult> Versions);

/// <summary>A fact that is unknown, as it is written.</summary>
internal sealed record UnknownResult(string Fact, string Why);

/// <summary>What a target is and can do, as it is written. What is unknown is null, and in <see cref="Unknown"/> with the reason.</summary>
internal sealed record ProbeResult
{
    public string? SmbiosUuid { get; init; }

    public string? SerialNumber { get; init; }

    public string? Manufacturer { get; init; }

    public string? Sku { get; init; }

    public ImmutableArray<RomResult> Roms { get; init; } = [];

    public string? SystemPartition { get; init; }

    public string? FileSystem { get; init; }

    public long? TotalBytes { get; init; }

    public long? FreeBytes { get; init; }

    public bool? HasEfiDirectory { get; init; }

    public bool? IsBootVolume { get; init; }

    public bool? IsReadOnly { get; init; }

    public string? Account { get; init; }

    public bool? PendingReboot { get; init; }

    public bool? ExternalPower { get; init; }

    public bool? BatterySufficient { get; init; }

    public bool? DiskEncryptionSealed { get; init; }

    public bool? Healthy { get; init; }

    public bool? InRecovery { get; init; }

    // Most transports can't tell, and nothing depends on it: it is written where it is known.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? SecureBoot { get; init; }

    public string? Boot { get; init; }

    public string? StrongestVerification { get; init; }

    // Written where it is another one than the strongest.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UsualVerification { get; init; }

    public string? Armed { get; init; }

    public ImmutableArray<string> ArmsBy { get; init; } = [];

    public bool CanRestart { get; init; }

    public ImmutableArray<UnknownResult> Unknown { get; init; } = [];

    public static ProbeResult Of(TargetReport report)
    {
        var facts = report.Facts;
        var unknown = ImmutableArray.CreateBuilder<UnknownResult>();
        var identity = Reference(facts.Identity, "identity");
        var partition = Reference(facts.SystemPartition, "systemPartition");
        var readiness = Reference(facts.Readiness, "readiness");
        var armed = Reference(report.Evidence.Armed, "armed");
        _ = facts.Roms.IsKnown || Note("roms", facts.Roms.WhyUnknown);
        return new()
        {
            SmbiosUuid = identity?.SmbiosUuid?.ToString(),
            SerialNumber = identity?.SerialNumber,
            Manufacturer = identity?.Manufacturer,
            Sku = identity?.Sku,
            Roms = [.. report.Roms.Select(Of)],
            SystemPartition = partition?.Location,
            FileSystem = partition is null ? null : Reference(partition.FileSystem, "fileSystem"),
            TotalBytes = partition is null ? null : Value(partition.TotalBytes, "totalBytes"),
            FreeBytes = partition is null ? null : Value(partition.FreeBytes, "freeBytes"),
            HasEfiDirectory = partition is null ? null : Value(partition.HasEfiDirectory, "hasEfiDirectory"),
            IsBootVolume = partition is null ? null : Value(partition.IsBootVolume, "isBootVolume"),
            IsReadOnly = partition is null ? null : Value(partition.IsReadOnly, "isReadOnly"),
            Account = Value(facts.Account, "account")?.ToString(),
            PendingReboot = readiness is null ? null : Value(readiness.PendingReboot, "pendingReboot"),
            ExternalPower = readiness is null ? null : Value(readiness.ExternalPower, "externalPower"),
            BatterySufficient = readiness is null ? null : Value(readiness.BatterySufficient, "batterySufficient"),
            DiskEncryptionSealed = readiness is null ? null : Value(readiness.DiskEncryptionSealed, "diskEncryptionSealed"),
            Healthy = readiness is null ? null : Value(readiness.Healthy, "healthy"),
            InRecovery = readiness is null ? null : Value(readiness.InRecovery, "inRecovery"),
            SecureBoot = readiness is not null && readiness.SecureBoot.TryGet(out var secureBoot) ? secureBoot : null,
            Boot = Reference(facts.Boot, "boot")?.Value,
            StrongestVerification = Reference(report.Evidence.Deposit, "strongestVerification")?.Strongest.ToString(),
            UsualVerification = report.Evidence.Deposit.TryGet(out var deposit) && deposit.Usual != deposit.Strongest ? deposit.Usual.ToString() : null,
            Armed = armed?.Phase.ToString(),
            ArmsBy = armed is null || armed.Offers.IsDefaultOrEmpty ? [] : [.. armed.Offers.Select(o => o.Method.Name)],
            CanRestart = report.Evidence.CanReboot,
            Unknown = unknown.ToImmutable(),
        };

        bool Note(string name, string? why)
        {
            unknown.Add(new(name, why ?? string.Empty));
            return false;
        }

        T? Reference<T>(Fact<T> fact, string name)
            where T : class => fact.TryGet(out var value) || Note(name, fact.WhyUnknown) ? value : null;

        T? Value<T>(Fact<T> fact, string name)
            where T : struct => fact.TryGet(out var value) || Note(name, fact.WhyUnknown) ? value : null;
    }

    private static RomResult Of(InstalledRom rom) => new(
        rom.Id,
        rom.Kind.ToString(),
        rom.Name,
        rom.FirmwareClass?.ToString(),
        rom.Pci?.ToString(),
        rom.Versions.IsDefaultOrEmpty ? [] : [.. rom.Versions.Select(v => new VersionResult(v.Source.Name, v.Version.Text))]);
}
