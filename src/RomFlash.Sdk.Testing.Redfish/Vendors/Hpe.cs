using System.Collections.Immutable;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Testing.Redfish.Service;

namespace RomFlash.Sdk.Testing.Redfish.Vendors;

/// <summary>
/// HPE's iLO: the push goes to an address of its own, with the session's key as a cookie and as a field. No task comes of it: where the
/// update is, and how it ended, is told by the update service.
/// </summary>
internal sealed class Hpe : VendorBehaviour
{
    private const string SessionKey = "sessionKey";

    public override string? VendorName => "HPE";

    public override RedfishPushKinds PushKinds => RedfishPushKinds.Http;

    public override string HttpPushUri => "/cgi-bin/uploadFile";

    public override ImmutableArray<RedfishApplyTime> ApplyTimes => [RedfishApplyTime.OnReset];

    public override bool HidesTasks => true;

    public override bool HttpPushIsMultipart => true;

    public override string? SessionCookie => SessionKey;

    public override string ParametersPart => "parameters";

    public override string ImagePart => "files[]";

    public override Reply? RefuseFields(JsonObject? parameters, IReadOnlyDictionary<string, string> fields)
    {
        if (!fields.TryGetValue(SessionKey, out var key) || key.Length == 0)
        {
            return Replies.NotAuthenticated();
        }

        return parameters?["UpdateTarget"] is JsonValue target && target.TryGetValue(out bool updates) && updates ? null : Replies.Missing("UpdateTarget");
    }

    public override void Shape(string path, JsonObject resource, ServiceState state)
    {
        if (path != Paths.UpdateService)
        {
            return;
        }

        var hpe = new JsonObject { ["@odata.type"] = "#HpeiLOUpdateServiceExt.v2_1_1.HpeiLOUpdateServiceExt", ["PushUpdateUri"] = HttpPushUri };
        var last = state.Tasks.LastOrDefault();
        hpe["State"] = last?.Phase switch
        {
            null => "Idle",
            UpdatePhase.Applying => "Updating",
            UpdatePhase.Failed => "Error",
            _ => "Complete",
        };
        if (last is not null)
        {
            // What waits for the restart has been written to the flash as far as this controller is concerned.
            hpe["FlashProgressPercent"] = last.Phase == UpdatePhase.Applying ? state.PercentOf(last) : 100;
            hpe["Result"] = last.Phase == UpdatePhase.Failed
                ? Reply.Message("iLO.2.14.UpdateFailed", last.Messages[^2].Text, "Critical")
                : Reply.Message("Base.1.4.Success", "The request completed successfully.", "OK");
        }

        resource["Oem"] = new JsonObject { ["Hpe"] = hpe };
    }

    public override Reply Accept(UpdateTask task, Reply ordinary) =>
        new(200, Reply.Error(200, "Base.1.4.Success", "The request completed successfully.").Body);
}
