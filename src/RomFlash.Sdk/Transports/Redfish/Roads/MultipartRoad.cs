using System.Text.Json;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish.Roads;

/// <summary>The standard's way: one multipart upload of parameters and image (DSP0266, 8.7.3; since UpdateService 1.6).</summary>
internal class MultipartRoad(RedfishUpdateService updates, ApplyTime applyTime) : UpdateRoad(updates, applyTime)
{
    public override string Name => $"multipart push, {ApplyTime}";

    // What waits for StartUpdate can be several images; what arms or flashes by itself is one at a time.
    public override int MaxComponents => Effect == DepositEffect.Inert ? 8 : 1;

    public override ValueTask<TransportResult<RedfishPushRequest>> ComposeAsync(RedfishConnection connection, DepositManifest manifest, DepositFile file, RedfishInventoryItem item, CancellationToken cancellationToken) =>
        new(new RedfishPushRequest
        {
            Path = Updates.MultipartPath!,
            Length = file.Length,
            Fields = [new("UpdateParameters", "application/json", Json(json => WriteParameters(json, item)))],
            FileField = "UpdateFile",
            FileName = FileNameOf(file),
            Comment = UploadComment.Of(manifest.Id, file.ComponentId),
        });

    protected virtual string FileNameOf(DepositFile file) => file.Name;

    protected virtual string? TargetOf(RedfishInventoryItem item) => item.Path;

    protected virtual void WriteParameters(Utf8JsonWriter json, RedfishInventoryItem item)
    {
        if (TargetOf(item) is { } target)
        {
            json.WriteStartArray("Targets");
            json.WriteStringValue(target);
            json.WriteEndArray();
        }

        json.WriteString("@Redfish.OperationApplyTime", ApplyTime.ToString());
    }
}
