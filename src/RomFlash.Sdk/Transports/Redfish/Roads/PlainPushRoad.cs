using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish.Roads;

/// <summary>An image sent as it is (DSP2046, UpdateService, HttpPushUri; deprecated in 1.15). When it is applied is a setting of the service.</summary>
internal class PlainPushRoad(RedfishUpdateService updates, ApplyTime applyTime) : UpdateRoad(updates, applyTime)
{
    public override string Name => $"plain push, {ApplyTime}";

    public override async ValueTask<TransportResult<RedfishPushRequest>> ComposeAsync(RedfishConnection connection, DepositManifest manifest, DepositFile file, RedfishInventoryItem item, CancellationToken cancellationToken)
    {
        // Where the service lists apply times the setting is the client's to make; where it does not, the service has one that can't be known, and the worst is assumed.
        var current = Updates.Json["HttpPushUriOptions"]["HttpPushUriApplyTime"].Text("ApplyTime", 64);
        if (!Updates.PushTimes.IsEmpty && !string.Equals(current, ApplyTime.ToString(), StringComparison.Ordinal))
        {
            var body = Json(json =>
            {
                json.WriteStartObject("HttpPushUriOptions");
                json.WriteStartObject("HttpPushUriApplyTime");
                json.WriteString("ApplyTime", ApplyTime.ToString());
                json.WriteEndObject();
                json.WriteEndObject();
            });
            if (!(await connection.PatchAsync(Updates.Path, body, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out var fault))
            {
                return fault;
            }
        }

        return new RedfishPushRequest { Path = Updates.PushPath!, Length = file.Length, Comment = UploadComment.Of(manifest.Id, file.ComponentId) };
    }
}
