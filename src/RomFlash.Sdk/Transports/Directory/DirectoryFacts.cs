using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>The facts file, as it was read. What it leaves out is unknown.</summary>
internal sealed class DirectoryFacts
{
    public const int MaxFileBytes = 1 << 20;

    private const int MaxRoms = 256;
    private const int MaxHardwareIds = 64;

    public static DirectoryFacts None { get; } = new();

    public TargetIdentity? Identity { get; private set; }

    public BootIdentity? Boot { get; private set; }

    public ImmutableArray<InstalledRom>? Roms { get; private set; }

    public AccountRights? Account { get; private set; }

    public TargetReadiness? Readiness { get; private set; }

    public HardwareDescription? Hardware { get; private set; }

    public SystemPartition Partition { get; private set; } = new();

    public bool IsFromVolume { get; private set; }

    public bool TakesCapsuleFiles { get; private set; }

    public static DirectoryFacts Parse(ReadOnlySpan<byte> bytes, string file)
    {
        var facts = new DirectoryFacts();
        var json = new StrictJson(bytes, file);
        json.Begin();
        var seen = Fields();
        while (json.NextField(seen, out var name))
        {
            switch (name)
            {
                case "identity":
                    facts.Identity = ReadIdentity(ref json);
                    break;
                case "boot":
                    facts.Boot = new(json.ReadText());
                    break;
                case "roms":
                    facts.Roms = ReadRoms(ref json);
                    break;
                case "systemPartition":
                    facts.ReadPartition(ref json);
                    break;
                case "account":
                    facts.Account = json.ReadText() switch
                    {
                        "administrator" => AccountRights.Administrator,
                        "not-administrator" => AccountRights.NotAdministrator,
                        _ => throw json.Wrong("administrator or not-administrator is expected"),
                    };
                    break;
                case "readiness":
                    facts.Readiness = ReadReadiness(ref json);
                    break;
                case "hardware":
                    facts.Hardware = ReadHardware(ref json);
                    break;
                case "arming":
                    json.BeginArray();
                    while (json.NextItem())
                    {
                        facts.TakesCapsuleFiles |= string.Equals(json.TextHere(64), ArmingMethod.CapsuleFileOnly.Name, StringComparison.Ordinal)
                            ? true
                            : throw json.Wrong("capsule-file-only is the one way to arm a folder");
                    }

                    break;
                default:
                    throw json.Unknown();
            }
        }

        json.End();
        return facts;
    }

    private static HashSet<string> Fields() => new(StringComparer.Ordinal);

    private static TargetIdentity ReadIdentity(ref StrictJson json)
    {
        var identity = new TargetIdentity();
        json.Begin();
        var seen = Fields();
        while (json.NextField(seen, out var name))
        {
            identity = name switch
            {
                "smbiosUuid" => identity with { SmbiosUuid = ReadUuid(ref json) },
                "serialNumber" => identity with { SerialNumber = json.ReadText() },
                "manufacturer" => identity with { Manufacturer = json.ReadText() },
                "product" => identity with { Product = json.ReadText() },
                "sku" => identity with { Sku = json.ReadText() },
                _ => throw json.Unknown(),
            };
        }

        return identity;
    }

    private static Guid ReadUuid(ref StrictJson json) =>
        Guid.TryParseExact(json.ReadText(), "D", out var uuid) ? uuid : throw json.Wrong("a UUID such as 00112233-4455-6677-8899-aabbccddeeff is expected");

    private static ImmutableArray<InstalledRom> ReadRoms(ref StrictJson json)
    {
        var roms = ImmutableArray.CreateBuilder<InstalledRom>();
        var ids = Fields();
        json.BeginArray();
        while (json.NextItem())
        {
            var rom = ReadRom(ref json);
            if (!ids.Add(rom.Id))
            {
                throw json.Wrong("two ROMs have the same id");
            }

            if (roms.Count == MaxRoms)
            {
                throw json.Wrong("there are more than 256 ROMs");
            }

            roms.Add(rom);
        }

        return roms.ToImmutable();
    }

    private static InstalledRom ReadRom(ref StrictJson json)
    {
        var rom = new InstalledRom { Id = string.Empty, Kind = RomKind.Other };
        json.ExpectObjectHere();
        var seen = Fields();
        while (json.NextField(seen, out var name))
        {
            rom = name switch
            {
                "id" => rom with { Id = json.ReadText(128) },
                "kind" => rom with { Kind = ReadKind(ref json) },
                "name" => rom with { Name = json.ReadText() },
                "firmwareClass" => rom with { FirmwareClass = ReadUuid(ref json) },
                "pci" => rom with { Pci = ReadPci(ref json) },
                "versions" => rom with { Versions = ReadVersions(ref json) },
                "lowestSupportedVersion" => rom with { LowestSupportedVersion = ReadVersion(ref json) },
                "lastAttempt" => rom with { LastAttempt = ReadAttempt(ref json) },
                _ => throw json.Unknown(),
            };
        }

        return string.IsNullOrWhiteSpace(rom.Id) || !seen.Contains("kind") ? throw json.Wrong("a ROM needs an id and a kind") : rom;
    }

    private static RomKind ReadKind(ref StrictJson json) => json.ReadText() switch
    {
        "system-rom" => RomKind.SystemRom,
        "array-controller" => RomKind.ArrayController,
        "controller" => RomKind.Controller,
        "other" => RomKind.Other,
        _ => throw json.Wrong("system-rom, array-controller, controller or other is expected"),
    };

    private static PciId ReadPci(ref StrictJson json)
    {
        var parts = json.ReadText(19).Split(':');
        var ids = new ushort[4];
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts.Length is not (2 or 4) || parts[i].Length != 4 || !ushort.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ids[i]))
            {
                throw json.Wrong("PCI ids such as 103c:3239 or 103c:3239:103c:21c2 are expected");
            }
        }

        return parts.Length switch
        {
            2 => new(ids[0], ids[1]),
            4 => new(ids[0], ids[1], ids[2], ids[3]),
            _ => throw json.Wrong("PCI ids such as 103c:3239 or 103c:3239:103c:21c2 are expected"),
        };
    }

    private static ImmutableArray<ReportedVersion> ReadVersions(ref StrictJson json)
    {
        var versions = ImmutableArray.CreateBuilder<ReportedVersion>();
        json.Begin();
        var seen = Fields();
        while (json.NextField(seen, out var source))
        {
            versions.Add(string.IsNullOrWhiteSpace(source) || source.Length > 64 || versions.Count == 16
                ? throw json.Wrong("a version needs a source of 1 to 64 characters, and there are 16 at most")
                : new(new FactSource(source), ReadVersion(ref json)));
        }

        return versions.ToImmutable();
    }

    private static RomVersion ReadVersion(ref StrictJson json) =>
        RomVersion.TryParse(json.ReadText(), out var version) ? version : throw json.Wrong("a version is 1 to 256 characters without control characters");

    private static LastAttempt ReadAttempt(ref StrictJson json)
    {
        RomVersion? version = null;
        long? status = null;
        json.Begin();
        var seen = Fields();
        while (json.NextField(seen, out var name))
        {
            switch (name)
            {
                case "version":
                    version = ReadVersion(ref json);
                    break;
                case "status":
                    status = json.ReadSize();
                    break;
                default:
                    throw json.Unknown();
            }
        }

        return status is { } number and <= uint.MaxValue
            ? new(version, new PeerCode(PeerCode.UefiLastAttempt, (ulong)number))
            : throw json.Wrong("a last attempt needs a status of 32 bits");
    }

    private static TargetReadiness ReadReadiness(ref StrictJson json)
    {
        var readiness = new TargetReadiness();
        json.Begin();
        var seen = Fields();
        while (json.NextField(seen, out var name))
        {
            readiness = name switch
            {
                "pendingReboot" => readiness with { PendingReboot = json.ReadFlag() },
                "externalPower" => readiness with { ExternalPower = json.ReadFlag() },
                "batterySufficient" => readiness with { BatterySufficient = json.ReadFlag() },
                "diskEncryptionSealed" => readiness with { DiskEncryptionSealed = json.ReadFlag() },
                "healthy" => readiness with { Healthy = json.ReadFlag() },
                "inRecovery" => readiness with { InRecovery = json.ReadFlag() },
                _ => throw json.Unknown(),
            };
        }

        return readiness;
    }

    private static HardwareDescription ReadHardware(ref StrictJson json)
    {
        var hardware = new HardwareDescription();
        json.Begin();
        var seen = Fields();
        while (json.NextField(seen, out var name))
        {
            hardware = name switch
            {
                "family" => hardware with { Family = json.ReadText() },
                "baseboardManufacturer" => hardware with { BaseboardManufacturer = json.ReadText() },
                "baseboardProduct" => hardware with { BaseboardProduct = json.ReadText() },
                "enclosureType" => hardware with { EnclosureType = ReadByte(ref json) },
                "biosVendor" => hardware with { BiosVendor = json.ReadText() },
                "biosVersion" => hardware with { BiosVersion = json.ReadText() },
                "biosMajorRelease" => hardware with { BiosMajorRelease = ReadByte(ref json) },
                "biosMinorRelease" => hardware with { BiosMinorRelease = ReadByte(ref json) },
                "hardwareIds" => hardware with { HardwareIds = ReadHardwareIds(ref json) },
                _ => throw json.Unknown(),
            };
        }

        return hardware;
    }

    private static byte ReadByte(ref StrictJson json) =>
        json.ReadSize() is var value and <= byte.MaxValue ? (byte)value : throw json.Wrong("a number from 0 to 255 is expected");

    private static ImmutableArray<Guid> ReadHardwareIds(ref StrictJson json)
    {
        var ids = ImmutableArray.CreateBuilder<Guid>();
        json.BeginArray();
        while (json.NextItem())
        {
            ids.Add(ids.Count == MaxHardwareIds
                ? throw json.Wrong("there are more than 64 hardware ids")
                : Guid.TryParseExact(json.TextHere(36), "D", out var id) ? id : throw json.Wrong("a GUID such as 6de5d951-d755-576b-bd09-c5cf66b27234 is expected"));
        }

        return ids.DrainToImmutable();
    }

    private void ReadPartition(ref StrictJson json)
    {
        json.Begin();
        var seen = Fields();
        while (json.NextField(seen, out var name))
        {
            switch (name)
            {
                case "fileSystem":
                    Partition = Partition with { FileSystem = json.ReadText(64) };
                    break;
                case "totalBytes":
                    Partition = Partition with { TotalBytes = json.ReadSize() };
                    break;
                case "freeBytes":
                    Partition = Partition with { FreeBytes = json.ReadSize() };
                    break;
                case "isBootVolume":
                    Partition = Partition with { IsBootVolume = json.ReadFlag() };
                    break;
                case "isReadOnly":
                    Partition = Partition with { IsReadOnly = json.ReadFlag() };
                    break;
                case "fromVolume":
                    IsFromVolume = json.ReadFlag();
                    break;
                default:
                    throw json.Unknown();
            }
        }
    }
}
