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

        // Somebody else may have set it meanwhile, and a service may take a PATCH and do nothing: what counts is what it says now.
        if (ApplyTime != ApplyTime.Immediate)
        {
            if (!(await connection.GetAsync(Updates.Path, cancellationToken).ConfigureAwait(false)).TryGetValue(out var now, out var unread))
            {
                return unread;
            }

            if (!string.Equals(now.Body["HttpPushUriOptions"]["HttpPushUriApplyTime"].Text("ApplyTime", 64), ApplyTime.ToString(), StringComparison.Ordinal))
            {
                return new TransportFault(TransportFaultKind.Rejected, FaultEffect.NotSent, $"the service does not keep the apply time {ApplyTime}, and an upload may flash at once");
            }
        }

        return new RedfishPushRequest { Path = Updates.PushPath!, Length = file.Length, Comment = UploadComment.Of(manifest.Id, file.ComponentId) };
    }
}
