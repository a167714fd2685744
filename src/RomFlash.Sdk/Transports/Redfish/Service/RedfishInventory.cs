using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports.Redfish.Http;

namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>One entry of the firmware inventory.</summary>
internal sealed record RedfishInventoryItem
{
    /// <summary>Where it is: what an update names as its target.</summary>
    public required string Path { get; init; }

    /// <summary>Its id in the collection: stays the same over updates, except where a vendor puts the version into it.</summary>
    public required string Id { get; init; }

    public required RomKind Kind { get; init; }

    public required RedfishJson Json { get; init; }

    /// <summary>Whether the service says that it takes updates; null when it does not say.</summary>
    public bool? IsUpdateable { get; init; }

    public PciId? Pci { get; init; }
}

/// <summary>Reads the firmware inventory (DSP2046, SoftwareInventory).</summary>
internal static class RedfishInventory
{
    private const int MaxItems = 256;

    // Dell keeps the version that was before, and what is uploaded and not installed, in the same collection.
    private static readonly string[] NotInstalled = ["Previous-", "Available-"];

    public static async ValueTask<TransportResult<ImmutableArray<RedfishInventoryItem>>> ReadAsync(RedfishConnection connection, RedfishService service, CancellationToken cancellationToken)
    {
        var reader = new ResourceReader(connection);
        if (!(await reader.ReadMembersAsync(service.Updates?.InventoryPath, MaxItems, cancellationToken).ConfigureAwait(false)).TryGetValue(out var members, out var fault))
        {
            return fault;
        }

        var items = ImmutableArray.CreateBuilder<RedfishInventoryItem>(members.Length);
        foreach (var (path, json) in members)
        {
            var id = json.Text("Id", 128) is { } told && !string.IsNullOrWhiteSpace(told) ? told : path!.TrimEnd('/')[(path.TrimEnd('/').LastIndexOf('/') + 1)..];
            if (NotInstalled.Any(prefix => id.StartsWith(prefix, StringComparison.Ordinal)) || items.Any(i => i.Id == id))
            {
                continue;
            }

            var related = json.Links("RelatedItem", 16);
            var kind = KindOf(id, json, related, service);
            PciId? pci = null;
            if (kind is RomKind.ArrayController or RomKind.Other && related.Length > 0)
            {
                var read = await ReadPciAsync(reader, related, cancellationToken).ConfigureAwait(false);
                if (!read.TryGetValue(out var found, out fault))
                {
                    return fault;
                }

                pci = found.Id;
                kind = kind == RomKind.Other && found.IsMassStorage ? RomKind.ArrayController : kind;
            }

            items.Add(new RedfishInventoryItem { Path = path!, Id = id, Kind = kind, Json = json, IsUpdateable = json.Flag("Updateable"), Pci = pci });
        }

        return items.ToImmutable();
    }

    // What an entry belongs to is in its related items; names are only for services that give none.
    private static RomKind KindOf(string id, RedfishJson json, ImmutableArray<string> related, RedfishService service)
    {
        foreach (var link in related)
        {
            if (link.Contains("/Storage", StringComparison.OrdinalIgnoreCase) && !link.Contains("/Drives/", StringComparison.OrdinalIgnoreCase))
            {
                return RomKind.ArrayController;
            }

            if (link.TrimEnd('/').EndsWith("/Bios", StringComparison.OrdinalIgnoreCase) || string.Equals(link.TrimEnd('/'), service.SystemPath?.TrimEnd('/'), StringComparison.Ordinal))
            {
                return RomKind.SystemRom;
            }

            if (link.Contains("/Managers/", StringComparison.OrdinalIgnoreCase))
            {
                return RomKind.Controller;
            }
        }

        var name = json.Text("Name", 256) ?? string.Empty;
        return id.Contains("BIOS", StringComparison.OrdinalIgnoreCase) || name.Contains("BIOS", StringComparison.OrdinalIgnoreCase) || name.Contains("System ROM", StringComparison.OrdinalIgnoreCase) ? RomKind.SystemRom
            : id.Contains("BMC", StringComparison.OrdinalIgnoreCase) || name.Contains("BMC", StringComparison.OrdinalIgnoreCase) ? RomKind.Controller
            : RomKind.Other;
    }

    private static async ValueTask<TransportResult<FoundPci>> ReadPciAsync(ResourceReader reader, ImmutableArray<string> related, CancellationToken cancellationToken)
    {
        foreach (var link in related)
        {
            if (!(await reader.TryReadAsync(link, cancellationToken).ConfigureAwait(false)).TryGetValue(out var controller, out var fault))
            {
                return fault;
            }

            // A controller links to its functions; a device has a collection of them.
            var function = controller.Json["Links"].Links("PCIeFunctions", 1).FirstOrDefault();
            if (function is null && controller.Json.Link("PCIeFunctions") is { } functions)
            {
                if (!(await reader.TryReadAsync(functions, cancellationToken).ConfigureAwait(false)).TryGetValue(out var collection, out fault))
                {
                    return fault;
                }

                function = collection.Json.Links("Members", 1).FirstOrDefault();
            }

            if (!(await reader.TryReadAsync(function, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out fault))
            {
                return fault;
            }

            if (Hex(read.Json.Text("VendorId", 16)) is { } vendor && Hex(read.Json.Text("DeviceId", 16)) is { } device)
            {
                // PCI class 01h (PCI Code and ID Assignment 1.11, 1.2).
                var isMassStorage = read.Json.Text("DeviceClass", 64) is "MassStorageController" || read.Json.Text("ClassCode", 16)?.StartsWith("0x01", StringComparison.OrdinalIgnoreCase) == true;
                return new FoundPci(isMassStorage, Hex(read.Json.Text("SubsystemVendorId", 16)) is { } subVendor && Hex(read.Json.Text("SubsystemId", 16)) is { } sub
                    ? new PciId(vendor, device, subVendor, sub)
                    : new PciId(vendor, device));
            }
        }

        return default(FoundPci);

        static ushort? Hex(string? text) =>
            ushort.TryParse(text?.StartsWith("0x", StringComparison.OrdinalIgnoreCase) == true ? text[2..] : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    private readonly record struct FoundPci(bool IsMassStorage, PciId? Id);
}
