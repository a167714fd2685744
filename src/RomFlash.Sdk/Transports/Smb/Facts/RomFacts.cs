using System.Collections.Immutable;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Inventory;
using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>The installed ROMs that a registry tells of.</summary>
internal static class RomFacts
{
    private const string Esrt = @"HARDWARE\UEFI\ESRT";
    private const string Told = @"SOFTWARE\RomFlash.Sdk\Firmware";

    public static async ValueTask<Fact<ImmutableArray<InstalledRom>>> ReadAsync(RegistryReader registry, string? biosVersion)
    {
        var resources = new List<FirmwareResource>();
        if (await registry.ListKeysAsync(Esrt, FirmwareResources.Max).ConfigureAwait(false) is not { } names)
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

        return FirmwareResources.ToRoms(biosVersion, resources, "the registry does not tell") is { } roms
            ? roms.AddRange(await PciFacts.ReadArrayControllersAsync(registry).ConfigureAwait(false))
            : Fact<ImmutableArray<InstalledRom>>.Unknown("the registry tells neither a BIOS version nor a firmware resource table");
    }

    private static async ValueTask<FirmwareResource?> ReadResourceAsync(RegistryReader registry, string name, Guid firmwareClass)
    {
        if (await registry.OpenAsync($@"{Esrt}\{name}").ConfigureAwait(false) is not { } key)
        {
            return null;
        }

        await using (key.ConfigureAwait(false))
        {
            var resource = new FirmwareResource(firmwareClass, await registry.ReadNumberAsync(key, "Type").ConfigureAwait(false));
            return resource with
            {
                ToldKind = resource.IsSystem ? null : await ReadToldKindAsync(registry, name).ConfigureAwait(false),
                Version = await registry.ReadNumberAsync(key, "Version").ConfigureAwait(false),
                LowestSupportedVersion = await registry.ReadNumberAsync(key, "LowestSupportedVersion").ConfigureAwait(false),
                LastAttemptVersion = await registry.ReadNumberAsync(key, "LastAttemptVersion").ConfigureAwait(false),
                LastAttemptStatus = await registry.ReadNumberAsync(key, "LastAttemptStatus").ConfigureAwait(false),
            };
        }
    }

    // Whoever knows it of a model writes it into the registry of its machines, where administrators alone can.
    private static async ValueTask<string?> ReadToldKindAsync(RegistryReader registry, string name) =>
        await registry.ReadAsync($@"{Told}\{name}", "Kind").ConfigureAwait(false) is { } value && value.TryGetText(out var kind) ? kind : null;
}
