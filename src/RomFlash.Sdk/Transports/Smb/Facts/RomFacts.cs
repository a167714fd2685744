using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>The installed ROMs that a registry tells of.</summary>
internal static class RomFacts
{
    private const string Esrt = @"HARDWARE\UEFI\ESRT";
    private const string Told = @"SOFTWARE\RomFlash.Sdk\Firmware";
    private const int MaxResources = 256;

    // UEFI 2.10, 23.4: FW_TYPE_SYSTEMFIRMWARE.
    private const uint SystemFirmware = 1;

    public static async ValueTask<Fact<ImmutableArray<InstalledRom>>> ReadAsync(RegistryReader registry, string? biosVersion)
    {
        var resources = new List<(uint Type, InstalledRom Rom)>();
        if (await registry.ListKeysAsync(Esrt, MaxResources).ConfigureAwait(false) is not { } names)
        {
            // The lowest version that the firmware takes would be missing, and nobody would miss it.
            return Fact<ImmutableArray<InstalledRom>>.Unknown("the registry does not let the firmware resource table be read");
        }

        foreach (var name in names)
        {
            if (Guid.TryParseExact(name, "B", out var firmwareClass) && await ReadResourceAsync(registry, name, firmwareClass).ConfigureAwait(false) is { } resource)
            {
                resources.Add(resource);
            }
        }

        var system = new InstalledRom { Id = "system", Kind = RomKind.SystemRom, Versions = RomVersion.TryParse(biosVersion ?? string.Empty, out var version) ? [new(FactSource.Smbios, version)] : [] };

        // Of two that say they are the system's firmware nobody can tell which SMBIOS speaks of.
        var isSystem = resources.Count(r => r.Type == SystemFirmware) == 1;
        var roms = ImmutableArray.CreateBuilder<InstalledRom>();
        foreach (var (type, rom) in resources.OrderBy(r => r.Rom.FirmwareClass))
        {
            if (type == SystemFirmware && isSystem)
            {
                system = rom with { Id = system.Id, Kind = system.Kind, Versions = [.. system.Versions, .. rom.Versions] };
            }
            else
            {
                roms.Add(rom);
            }
        }

        if (system.Versions.IsEmpty && roms.Count == 0)
        {
            return Fact<ImmutableArray<InstalledRom>>.Unknown("the registry tells neither a BIOS version nor a firmware resource table");
        }

        roms.Insert(0, system);
        roms.AddRange(await PciFacts.ReadArrayControllersAsync(registry).ConfigureAwait(false));
        return roms.ToImmutable();
    }

    private static async ValueTask<(uint Type, InstalledRom Rom)?> ReadResourceAsync(RegistryReader registry, string name, Guid firmwareClass)
    {
        if (await registry.OpenAsync($@"{Esrt}\{name}").ConfigureAwait(false) is not { } key)
        {
            return null;
        }

        await using (key.ConfigureAwait(false))
        {
            var type = await registry.ReadNumberAsync(key, "Type").ConfigureAwait(false) ?? 0;
            var version = await registry.ReadNumberAsync(key, "Version").ConfigureAwait(false);
            var lowest = await registry.ReadNumberAsync(key, "LowestSupportedVersion").ConfigureAwait(false);
            var attempted = await registry.ReadNumberAsync(key, "LastAttemptVersion").ConfigureAwait(false);
            var status = await registry.ReadNumberAsync(key, "LastAttemptStatus").ConfigureAwait(false);
            return (type, new InstalledRom
            {
                Id = $"esrt-{firmwareClass:D}",
                Kind = type == SystemFirmware ? RomKind.SystemRom : await ReadKindAsync(registry, name).ConfigureAwait(false),
                Name = $"firmware resource {firmwareClass:D}",
                FirmwareClass = firmwareClass,
                Versions = version is { } installed ? [new(FactSource.Esrt, RomVersion.FromPacked(installed))] : [],
                LowestSupportedVersion = lowest is { } least ? RomVersion.FromPacked(least) : Fact<RomVersion>.Unknown("the registry does not tell"),
                LastAttempt = status is { } number
                    ? new LastAttempt(attempted is { } last and > 0 ? RomVersion.FromPacked(last) : null, new PeerCode(PeerCode.UefiLastAttempt, number))
                    : Fact<LastAttempt>.Unknown("the registry does not tell"),
            });
        }
    }

    // The table says "a device's", and not which. Whoever knows it of a model writes it into the registry of its machines, where administrators alone can.
    private static async ValueTask<RomKind> ReadKindAsync(RegistryReader registry, string name) =>
        await registry.ReadAsync($@"{Told}\{name}", "Kind").ConfigureAwait(false) is { } value && value.TryGetText(out var kind)
            ? kind switch
            {
                "array-controller" => RomKind.ArrayController,
                "controller" => RomKind.Controller,
                _ => RomKind.Other,
            }
            : RomKind.Other;
}
