using System.Collections.Immutable;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Redfish.Vendors;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>What the service knows while it answers one request.</summary>
internal sealed class ServiceState(RedfishFaceOptions options, VendorBehaviour vendor, TargetFacts facts, UpdateTask[] tasks, FarSide far, DateTimeOffset lastReset)
{
    public RedfishFaceOptions Options { get; } = options;

    public VendorBehaviour Vendor { get; } = vendor;

    public UpdateTask[] Tasks { get; } = tasks;

    public DateTimeOffset LastReset { get; } = lastReset;

    public required DateTimeOffset ManagerLastReset { get; init; }

    /// <summary>When a raw push is applied, and what it is for: both are properties that clients set.</summary>
    public required RedfishApplyTime PushApplyTime { get; init; }

    public required ImmutableArray<string> PushTargets { get; init; }

    public DateTimeOffset Now { get; } = far.Clock.GetUtcNow();

    public bool IsAway { get; } = far.Target.IsAway;

    public bool HasPower { get; } = far.Target.Persona.HasPower;

    public TargetIdentity Identity { get; } = facts.Identity.TryGet(out var identity) ? identity : far.Target.Identity;

    public ImmutableArray<InstalledRom> Roms { get; } = facts.Roms.TryGet(out var roms) ? roms : [];

    public bool IsHealthy { get; } = !facts.Readiness.TryGet(out var readiness) || !readiness.Healthy.TryGet(out var healthy) || healthy;

    public string SystemPath => $"{Paths.Systems}/{Vendor.SystemId}";

    public string ManagerPath => $"{Paths.Managers}/{Vendor.ManagerId}";

    public string ChassisPath => $"{Paths.Chassis}/{Vendor.ChassisId}";

    public RedfishPushKinds PushKinds => Options.PushKinds ?? Vendor.PushKinds;

    public ImmutableArray<RedfishApplyTime> ApplyTimes => Options.ApplyTimes.IsDefaultOrEmpty ? Vendor.ApplyTimes : Options.ApplyTimes;

    public static JsonObject Link(string path) => new() { ["@odata.id"] = path };

    public static JsonArray Links(IEnumerable<string> paths)
    {
        var links = new JsonArray();
        foreach (var path in paths)
        {
            links.Add((JsonNode)Link(path));
        }

        return links;
    }

    public static JsonObject Collection(string path, string type, string name, IEnumerable<string> members)
    {
        var links = Links(members);
        return new()
        {
            ["@odata.id"] = path,
            ["@odata.type"] = type,
            ["Name"] = name,
            ["Members@odata.count"] = links.Count,
            ["Members"] = links,
        };
    }

    public RedfishInventoryItem ItemOf(InstalledRom rom) => Options.Inventory.GetValueOrDefault(rom.Id) ?? Default;

    public PciId? PciOf(InstalledRom rom) => ItemOf(rom).Pci ?? rom.Pci;

    public int PercentOf(UpdateTask task) => task.Percent(Now, Options.ApplyDuration);

    private static RedfishInventoryItem Default { get; } = new();
}
