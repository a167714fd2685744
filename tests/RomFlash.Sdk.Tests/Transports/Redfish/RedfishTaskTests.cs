using RomFlash.Sdk.Testing.Redfish;
using RomFlash.Sdk.Transports;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>What is taken from tasks, and what is not.</summary>
public sealed class RedfishTaskTests
{
    private const string Tasks = "/redfish/v1/TaskService/Tasks";

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
