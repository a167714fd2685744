using System.Collections.Immutable;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Testing.Redfish.Service;

namespace RomFlash.Sdk.Testing.Redfish.Vendors;

/// <summary>
/// Supermicro: what is pushed waits for StartUpdate. The push's task is about verifying it, StartUpdate makes one about writing it; both
/// are named in the answer's message. One update at a time, and none without a license.
/// </summary>
internal sealed class Supermicro : VendorBehaviour
{
    public override string? VendorName => "SMCI";

    public override RedfishPushKinds PushKinds => RedfishPushKinds.Multipart;

    public override ImmutableArray<RedfishApplyTime> ApplyTimes => [RedfishApplyTime.OnStartUpdateRequest, RedfishApplyTime.Immediate, RedfishApplyTime.OnReset];

    public override bool LocationNamesTask => true;

    public override bool StartMakesATask => true;

    public override Reply? RefusePush(ServiceState state, bool isLook) =>
        !state.Options.IsLicensed ? Reply.Error(405, "SMC.1.0.OemLicenseNotPassed", "Not licensed to perform this request.", "BIOS")
        : !isLook && state.Tasks.Any(t => t.IsInFlight || t.IsStaged)
            ? Reply.Error(405, "SMC.1.0.OemFirmwareAlreadyInUpdateMode", "The BIOS firmware update was already in update mode.", "BIOS")
        : null;

    public override Reply Accept(UpdateTask task, Reply ordinary)
    {
        var uri = $"{Paths.Tasks}/{task.Id}";
        var reply = new Reply(202, new()
        {
            ["Accepted"] = new JsonObject
            {
                ["code"] = "Base.v1_4_0.Accepted",
                ["Message"] = "Successfully Accepted Request. Please see the location header and ExtendedInfo for more information.",
                ["@Message.ExtendedInfo"] = new JsonArray(
                    Reply.Message("SMC.1.0.OemSimpleupdateAcceptedMessage", $"Please also check Task Resource {uri} to see more information.", "OK", uri)),
            },
        });
        reply.Headers.AddRange(ordinary.Headers);
        return reply;
    }
}
