using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish.Roads;

/// <summary>OpenBMC's: Immediate and OnReset are all that it knows, and it does not always list them. Its tasks can't be taken back.</summary>
internal static class OpenBmcRoad
{
    public static UpdateRoad Create(RedfishUpdateService updates) => updates.MultipartPath is not null
        ? new Multipart(updates, updates.MultipartTimes is [ApplyTime.Immediate] ? ApplyTime.Immediate : ApplyTime.OnReset)
        : new Plain(updates with { PushTimes = updates.PushTimes.IsEmpty ? [ApplyTime.Immediate, ApplyTime.OnReset] : updates.PushTimes }, updates.PushTimes is [ApplyTime.Immediate] ? ApplyTime.Immediate : ApplyTime.OnReset);

    private sealed class Multipart(RedfishUpdateService updates, ApplyTime applyTime) : MultipartRoad(updates, applyTime)
    {
        public override string Name => "OpenBMC, " + base.Name;

        public override bool CanDisarm => false;
    }

    private sealed class Plain(RedfishUpdateService updates, ApplyTime applyTime) : PlainPushRoad(updates, applyTime)
    {
        public override string Name => "OpenBMC, " + base.Name;

        public override bool CanDisarm => false;
    }
}
