using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Transports;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>What is taken from tasks, and what is not.</summary>
public sealed class RedfishTaskTests
{
    private const string Tasks = "/redfish/v1/TaskService/Tasks";
    private const string Push = "/redfish/v1/UpdateService/MultipartUpload";

    [Theory]
    [InlineData(500)]
    [InlineData(403)]
    [InlineData(503)]
    public async Task ReadArmedStateAsync_TasksCannotBeRead_IsNeverNothingArmed(int status)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnReset));
        await using var session = await rig.ConnectAsync();
        rig.Face.Interfere = r => r.Path.StartsWith(Tasks, StringComparison.Ordinal) ? FaceFault.Refuse(status) : null;

        FaceRig.Fault(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None));
        FaceRig.Fault(await ((IPowerCapability)session).ScheduleRebootAsync(new(TimeSpan.Zero, string.Empty, true), CancellationToken.None));
        Assert.Null(rig.Target.RebootDue);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"Members":{}}""")]
    [InlineData("""{"Members":[{}]}""")]
    [InlineData("""{"Members":[{"@odata.id":7}]}""")]
    public async Task ScheduleRebootAsync_ListOfTasksThatIsNone_IsNeverNothingWritten(string list)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnReset));
        await using var session = await rig.ConnectAsync();
        rig.Face.Interfere = r => r.Path == Tasks ? FaceFault.Answer(200, list, "application/json") : null;

        Assert.Equal(TransportFaultKind.ProtocolViolation, FaceRig.Fault(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None)).Kind);
        var fault = FaceRig.Fault(await ((IPowerCapability)session).ScheduleRebootAsync(new(TimeSpan.Zero, string.Empty, true), CancellationToken.None));
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Null(rig.Target.RebootDue);
    }

    [Theory]
    [InlineData("Running", ArmedPhase.Applying)]
    [InlineData("Suspended", ArmedPhase.Applying)]
    [InlineData("Pending", ArmedPhase.Armed)]
    [InlineData("Completed", ArmedPhase.None)]
    public async Task ReadArmedStateAsync_TaskThatTellsNoPayload_IsSomebodyElses(string state, ArmedPhase phase)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnReset));
        await using var session = await rig.ConnectAsync();
        rig.Face.Interfere = r => r.Path switch
        {
            Tasks => FaceFault.Answer(200, $$"""{"@odata.id":"{{Tasks}}","Members":[],"Members@odata.nextLink":"{{Tasks}}/page2"}""", "application/json"),
            Tasks + "/page2" => FaceFault.Answer(200, $$"""{"Members":[{"@odata.id":"{{Tasks}}/77"}]}""", "application/json"),
            Tasks + "/77" => FaceFault.Answer(200, $$"""{"@odata.id":"{{Tasks}}/77","@odata.type":"#Task.v1_4_3.Task","TaskState":"{{state}}","HidePayload":true}""", "application/json"),
            _ => null,
        };

        var armed = FaceRig.Value(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None));
        var reboot = await ((IPowerCapability)session).ScheduleRebootAsync(new(TimeSpan.Zero, string.Empty, true), CancellationToken.None);

        Assert.Equal((phase, phase == ArmedPhase.None ? 0 : 1, null), (armed.Phase, armed.Foreign.Length, armed.DepositId));
        Assert.Equal(phase != ArmedPhase.Applying, reboot.TryGetValue(out _, out var fault));
        Assert.True(phase != ArmedPhase.Applying || fault is { Kind: TransportFaultKind.Busy, Effect: FaultEffect.NotSent }, fault?.ToString());
    }

    [Fact]
    public async Task ScheduleRebootAsync_PathOfATaskThatEndedIsAnotherTasksNow_SeesThatItWrites()
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnReset));
        await using var session = await rig.ConnectAsync();
        var state = "Completed";
        rig.Face.Interfere = r => r.Path switch
        {
            Tasks => FaceFault.Answer(200, $$"""{"Members":[{"@odata.id":"{{Tasks}}/1"}]}""", "application/json"),
            Tasks + "/1" => FaceFault.Answer(200, $$"""{"@odata.id":"{{Tasks}}/1","TaskState":"{{state}}","Payload":{"TargetUri":"{{Push}}"} }""", "application/json"),
            _ => null,
        };
        Assert.Equal(ArmedPhase.None, FaceRig.Value(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None)).Phase);

        // The controller has restarted, and counts from the beginning.
        state = "Running";
        var reboot = FaceRig.Fault(await ((IPowerCapability)session).ScheduleRebootAsync(new(TimeSpan.Zero, string.Empty, true), CancellationToken.None));

        Assert.Equal((TransportFaultKind.Busy, FaultEffect.NotSent), (reboot.Kind, reboot.Effect));
        Assert.Equal(ArmedPhase.Applying, FaceRig.Value(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None)).Phase);
        Assert.Null(rig.Target.RebootDue);
    }

    [Theory]
    [InlineData(403, "")]
    [InlineData(404, "")]
    [InlineData(405, "")]
    [InlineData(500, "")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"Oem":{"Hpe":{"State":7}}}""")]
    public async Task ScheduleRebootAsync_HpeStateIsNotTold_IsNeverNothingWritten(int status, string body)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Hpe, RedfishApplyTime.Immediate));
        await using var session = await rig.ConnectAsync();
        rig.Face.Interfere = r => r.Path != "/redfish/v1/UpdateService" ? null : status == 200 ? FaceFault.Answer(200, body, "application/json") : FaceFault.Refuse(status);

        var armed = FaceRig.Fault(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None));
        var reboot = FaceRig.Fault(await ((IPowerCapability)session).ScheduleRebootAsync(new(TimeSpan.Zero, string.Empty, true), CancellationToken.None));

        Assert.Equal((FaultEffect.NotSent, FaultEffect.NotSent), (armed.Effect, reboot.Effect));
        Assert.True(status is not (200 or 404) || reboot.Kind == TransportFaultKind.ProtocolViolation, reboot.ToString());
        Assert.Null(rig.Target.RebootDue);
    }

    [Theory]
    [InlineData(403, true)]
    [InlineData(500, true)]
    [InlineData(404, false)]
    public async Task ReadArmedStateAsync_DellJobCannotBeRead_IsNoJobOnlyWhereItIsGone(int status, bool isFault)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Dell, RedfishApplyTime.Immediate) with { AppliesWhileRunning = true, ApplyDuration = TimeSpan.FromSeconds(30) });
        await using var session = await rig.ConnectAsync();
        FaceRig.Value(await FaceRig.DepositAsync(session, FaceRig.NewSystem));
        rig.Clock.Advance(TimeSpan.FromMinutes(1));
        var asked = 0;
        rig.Face.Interfere = r =>
        {
            asked += r.Path.Contains("/Jobs/", StringComparison.Ordinal) ? 1 : 0;
            return r.Path.Contains("/Jobs/", StringComparison.Ordinal) ? FaceFault.Refuse(status) : null;
        };

        var armed = await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None);

        Assert.Equal((1, !isFault), (asked, armed.TryGetValue(out _, out _)));
    }

    [Theory]
    [InlineData(403)]
    [InlineData(500)]
    public async Task ScheduleRebootAsync_SystemCannotBeRead_IsAFaultAndNoUnknownBoot(int status)
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.OnReset));
        await using var session = await rig.ConnectAsync();
        FaceRig.Value(await FaceRig.DepositAsync(session, FaceRig.NewSystem));
        rig.Face.Interfere = r => r.Path.StartsWith("/redfish/v1/Systems/", StringComparison.Ordinal) ? FaceFault.Refuse(status) : null;

        Assert.Equal((ulong)status, FaceRig.Fault(await ((IArmingCapability)session).ReadArmedStateAsync(false, CancellationToken.None)).PeerCode?.Number);
        Assert.Equal((ulong)status, FaceRig.Fault(await ((IPowerCapability)session).ScheduleRebootAsync(new(TimeSpan.Zero, string.Empty, true), CancellationToken.None)).PeerCode?.Number);
        Assert.Null(rig.Target.RebootDue);
    }

    [Fact]
    public async Task DisarmAsync_WrittenByAnotherProcess_IsNotCalledTakenBack()
    {
        await using var rig = await FaceRig.StartAsync(FaceRig.Options(RedfishVendor.Generic, RedfishApplyTime.Immediate) with { AppliesWhileRunning = true, ApplyDuration = TimeSpan.FromSeconds(30) });
        await using (var session = await rig.ConnectAsync())
        {
            FaceRig.Value(await FaceRig.DepositAsync(session, FaceRig.NewSystem));
        }

        rig.Clock.Advance(TimeSpan.FromMinutes(1));
        using var credentials = FaceRig.Credentials();
        await using var later = FaceRig.Value(await new RomFlash.Sdk.Transports.Redfish.RedfishTransport().ConnectAsync(new(rig.Endpoint, credentials, TimeProvider.System), CancellationToken.None));

        Assert.Equal(TransportFaultKind.Unsupported, FaceRig.Fault(await ((IArmingCapability)later).DisarmAsync("d-1", CancellationToken.None)).Kind);
    }
}
