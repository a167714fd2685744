using System.Collections.Immutable;
using RomFlash.Sdk.Transports.Redfish.Http;

namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>When an uploaded image is applied (DSP2046, Settings, OperationApplyTime).</summary>
internal enum ApplyTime
{
    Immediate,
    OnReset,
    OnStartUpdateRequest,
}

/// <summary>What the update service offers (DSP2046, UpdateService).</summary>
internal sealed record RedfishUpdateService
{
    public required string Path { get; init; }

    public required RedfishJson Json { get; init; }

    public bool? IsEnabled { get; init; }

    /// <summary>Where multipart uploads go (1.6), or null.</summary>
    public string? MultipartPath { get; init; }

    /// <summary>Where an image goes as it is (deprecated in 1.15), or null.</summary>
    public string? PushPath { get; init; }

    public string? StartUpdatePath { get; init; }

    public string? SimpleUpdatePath { get; init; }

    public string? InventoryPath { get; init; }

    public long? MaxImageBytes { get; init; }

    /// <summary>The apply times that the service lists for multipart uploads; empty when it lists none.</summary>
    public ImmutableArray<ApplyTime> MultipartTimes { get; init; } = [];

    /// <summary>The apply times that the service lists for images pushed as they are; empty when it lists none.</summary>
    public ImmutableArray<ApplyTime> PushTimes { get; init; } = [];

    public static RedfishUpdateService Of(RedfishJson json, RedfishConnection connection)
    {
        var times = json["HttpPushUriOptions"]["HttpPushUriApplyTime"];
        return new()
        {
            Path = connection.TryGetPath(json.Id) ?? "/redfish/v1/UpdateService",
            Json = json,
            IsEnabled = json.Flag("ServiceEnabled"),
            MultipartPath = connection.TryGetPath(json.Text("MultipartHttpPushUri")),
            PushPath = connection.TryGetPath(json.Text("HttpPushUri")),
            StartUpdatePath = connection.TryGetPath(json["Actions"]["#UpdateService.StartUpdate"].Text("target")),
            SimpleUpdatePath = connection.TryGetPath(json["Actions"]["#UpdateService.SimpleUpdate"].Text("target")),
            InventoryPath = connection.TryGetPath(json.Link("FirmwareInventory")),
            MaxImageBytes = json.Number("MaxImageSizeBytes"),
            MultipartTimes = Times(json["MultipartHttpPushUri@Redfish.OperationApplyTimeSupport"].Texts("SupportedValues", 16)),
            PushTimes = Times(times.Texts("ApplyTime@Redfish.AllowableValues", 16)),
        };
    }

    private static ImmutableArray<ApplyTime> Times(ImmutableArray<string> texts)
    {
        var times = ImmutableArray.CreateBuilder<ApplyTime>();
        foreach (var text in texts)
        {
            // Maintenance windows of the controller's own are none that the client can see the end of.
            ApplyTime? time = text switch
            {
                "Immediate" => ApplyTime.Immediate,
                "OnReset" => ApplyTime.OnReset,
                "OnStartUpdateRequest" => ApplyTime.OnStartUpdateRequest,
                _ => null,
            };
            if (time is { } known && !times.Contains(known))
            {
                times.Add(known);
            }
        }

        return times.ToImmutable();
    }
}
