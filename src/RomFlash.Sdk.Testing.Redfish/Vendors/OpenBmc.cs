using System.Collections.Immutable;
using RomFlash.Sdk.Testing.Redfish.Service;

namespace RomFlash.Sdk.Testing.Redfish.Vendors;

/// <summary>OpenBMC's bmcweb: one address for both kinds of push, applied at once or at the restart.</summary>
internal sealed class OpenBmc : VendorBehaviour
{
    public override string? VendorName => "OpenBMC";

    public override string SystemId => "system";

    public override string ManagerId => "bmc";

    public override string ChassisId => "chassis";

    public override string MultipartPushUri => Paths.UpdateService + "/update";

    public override string HttpPushUri => Paths.UpdateService + "/update";

    public override ImmutableArray<RedfishApplyTime> ApplyTimes => [RedfishApplyTime.Immediate, RedfishApplyTime.OnReset];
}
