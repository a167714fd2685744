using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Inventory;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>
/// Array controllers among the devices on the PCI bus, as Windows enumerates them. Nothing there tells the firmware's version: it stays unknown, and somebody who needs it asks another endpoint.
/// </summary>
internal static class PciFacts
{
    private const string Enumeration = @"SYSTEM\CurrentControlSet\Enum\PCI";
    private const int MaxDevices = 1024;
    private const int MaxInstances = 64;

    public static async ValueTask<ImmutableArray<InstalledRom>> ReadArrayControllersAsync(RegistryReader registry)
    {
        var controllers = new SortedDictionary<string, InstalledRom>(StringComparer.Ordinal);
        // Where nobody is told, none is listed: what is not listed can't be upgraded.
        foreach (var device in await registry.ListKeysAsync(Enumeration, MaxDevices).ConfigureAwait(false) ?? [])
        {
            if (!TryParse(device, out var pci, out var stem))
            {
                continue;
            }

            foreach (var instance in await registry.ListKeysAsync($@"{Enumeration}\{device}", MaxInstances).ConfigureAwait(false) ?? [])
            {
                if (controllers.Count == ArrayControllers.Max || await registry.OpenAsync($@"{Enumeration}\{device}\{instance}").ConfigureAwait(false) is not { } key)
                {
                    continue;
                }

                await using (key.ConfigureAwait(false))
                {
                    if (!await IsArrayControllerAsync(registry, key).ConfigureAwait(false))
                    {
                        // All instances of a device are of one class.
                        break;
                    }

                    var id = Clip($"pci-{stem}-{instance}").ToLowerInvariant();
                    controllers[id] = ArrayControllers.ToRom(id, NameOf(await registry.ReadTextAsync(key, "DeviceDesc").ConfigureAwait(false) ?? device), pci);
                }
            }
        }

        return [.. controllers.Values];
    }

    /// <summary>Reads the ids of a device's key, such as <c>VEN_103C&amp;DEV_3239&amp;SUBSYS_21CB103C&amp;REV_01</c>; the stem leaves out the revision, which a flash may change.</summary>
    internal static bool TryParse(string device, out PciId pci, out string stem)
    {
        var (vendor, number, subsystem) = ((uint?)null, (uint?)null, (uint?)null);
        foreach (var part in device.Split('&'))
        {
            _ = Read(part, "VEN_", 4, ref vendor) || Read(part, "DEV_", 4, ref number) || Read(part, "SUBSYS_", 8, ref subsystem);
        }

        stem = string.Join('&', device.Split('&').Where(p => !p.StartsWith("REV_", StringComparison.OrdinalIgnoreCase)));
        if (vendor is not { } v || number is not { } n)
        {
            pci = default;
            return false;
        }

        // SUBSYS_ssssvvvv: the subsystem's id, then its vendor's.
        pci = subsystem is { } s ? new((ushort)v, (ushort)n, (ushort)s, (ushort)(s >> 16)) : new((ushort)v, (ushort)n);
        return true;

        static bool Read(string part, string prefix, int digits, ref uint? value)
        {
            if (part.Length != prefix.Length + digits
                || !part.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
                || !uint.TryParse(part.AsSpan(prefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var parsed))
            {
                return false;
            }

            value = parsed;
            return true;
        }
    }

    private static async ValueTask<bool> IsArrayControllerAsync(RegistryReader registry, Rpc.RegistryKey key) =>
        IsOne(await registry.ReadTextsAsync(key, "CompatibleIDs").ConfigureAwait(false)) || IsOne(await registry.ReadTextsAsync(key, "HardwareID").ConfigureAwait(false));

    private static bool IsOne(ImmutableArray<string> ids) => ids.Any(id => ArrayControllers.Classes.Any(c => id.Contains("CC_" + c, StringComparison.OrdinalIgnoreCase)));

    // "@oem12.inf,%pci\ven_103c&dev_3239.desc%;HP Smart Array P410i": the text for people is behind the reference.
    private static string NameOf(string description) => description.StartsWith('@') && description.LastIndexOf(';') is >= 0 and var at && at + 1 < description.Length ? description[(at + 1)..].Trim() : description;

    private static string Clip(string id) => id.Length <= 128 ? id : id[..128];
}
