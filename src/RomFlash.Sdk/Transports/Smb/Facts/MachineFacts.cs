using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>What machine it is, and which ROMs it has: SMBIOS as Windows keeps it in the registry, the EFI system resource table (UEFI 2.10, 23.4), devices on the PCI bus.</summary>
internal static class MachineFacts
{
    private const string Bios = @"HARDWARE\DESCRIPTION\System\BIOS";
    private const string HardwareConfig = @"SYSTEM\HardwareConfig";

    public static async ValueTask<TargetFacts> ReadAsync(RegistryReader registry, TargetFacts facts, FactKinds kinds)
    {
        var bios = await registry.OpenAsync(Bios).ConfigureAwait(false);
        try
        {
            if (kinds.HasFlag(FactKinds.Identity))
            {
                facts = facts with { Identity = await ReadIdentityAsync(registry, bios).ConfigureAwait(false) };
            }

            if (kinds.HasFlag(FactKinds.Hardware))
            {
                facts = facts with { Hardware = bios is null ? Fact<HardwareDescription>.Unknown(@"the registry has no HARDWARE\DESCRIPTION\System\BIOS") : await ReadHardwareAsync(registry, bios).ConfigureAwait(false) };
            }

            if (kinds.HasFlag(FactKinds.Roms))
            {
                var version = bios is null ? null : await registry.ReadTextAsync(bios, "BIOSVersion").ConfigureAwait(false);
                facts = facts with { Roms = await RomFacts.ReadAsync(registry, version).ConfigureAwait(false) };
            }

            return facts;
        }
        finally
        {
            if (bios is not null)
            {
                await bios.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private static async ValueTask<Fact<TargetIdentity>> ReadIdentityAsync(RegistryReader registry, RegistryKey? bios)
    {
        var identity = new TargetIdentity { SmbiosUuid = await ReadUuidAsync(registry).ConfigureAwait(false) };
        if (bios is not null)
        {
            identity = identity with
            {
                Manufacturer = await registry.ReadTextAsync(bios, "SystemManufacturer").ConfigureAwait(false),
                Product = await registry.ReadTextAsync(bios, "SystemProductName").ConfigureAwait(false),
                Sku = await registry.ReadTextAsync(bios, "SystemSKU").ConfigureAwait(false),
            };
        }

        return identity == new TargetIdentity() ? Fact<TargetIdentity>.Unknown("the registry does not tell which machine it is") : identity;
    }

    // The name of the configuration that was booted last is the machine's UUID. All zeros and all ones mean that there is none (SMBIOS 3.6, 7.2.1).
    private static async ValueTask<Guid?> ReadUuidAsync(RegistryReader registry) =>
        await registry.ReadAsync(HardwareConfig, "LastConfig").ConfigureAwait(false) is { } value
            && value.TryGetText(out var text)
            && Guid.TryParseExact(text.Trim(), "B", out var uuid)
            && uuid != Guid.Empty
            && uuid != Guid.AllBitsSet
                ? uuid
                : null;

    private static async ValueTask<HardwareDescription> ReadHardwareAsync(RegistryReader registry, RegistryKey bios) => new()
    {
        Family = await registry.ReadTextAsync(bios, "SystemFamily").ConfigureAwait(false),
        BaseboardManufacturer = await registry.ReadTextAsync(bios, "BaseBoardManufacturer").ConfigureAwait(false),
        BaseboardProduct = await registry.ReadTextAsync(bios, "BaseBoardProduct").ConfigureAwait(false),
        EnclosureType = await ReadByteAsync(registry, bios, "EnclosureType").ConfigureAwait(false),
        BiosVendor = await registry.ReadTextAsync(bios, "BIOSVendor").ConfigureAwait(false),
        BiosVersion = await registry.ReadTextAsync(bios, "BIOSVersion").ConfigureAwait(false),
        BiosMajorRelease = await ReadByteAsync(registry, bios, "BiosMajorRelease").ConfigureAwait(false),
        BiosMinorRelease = await ReadByteAsync(registry, bios, "BiosMinorRelease").ConfigureAwait(false),
    };

    private static async ValueTask<byte?> ReadByteAsync(RegistryReader registry, RegistryKey key, string name) =>
        await registry.ReadNumberAsync(key, name).ConfigureAwait(false) is { } number && number <= byte.MaxValue ? (byte)number : null;
}
