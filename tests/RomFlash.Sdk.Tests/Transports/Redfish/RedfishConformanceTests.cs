using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Testing.Redfish;
using FaceFault = RomFlash.Sdk.Testing.Redfish.RedfishFault;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

public sealed class RedfishConformanceTests
{
    [Theory]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnStartUpdateRequest)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.OnReset)]
    [InlineData(RedfishVendor.Generic, RedfishApplyTime.Immediate)]
    [InlineData(RedfishVendor.OpenBmc, RedfishApplyTime.OnReset)]
    [InlineData(RedfishVendor.Dell, RedfishApplyTime.OnReset)]
    [InlineData(RedfishVendor.Supermicro, RedfishApplyTime.OnStartUpdateRequest)]
    [InlineData(RedfishVendor.Hpe, RedfishApplyTime.Immediate)]
    public async Task RunAsync_RedfishTransport_IsConformant(RedfishVendor vendor, RedfishApplyTime applyTime)
    {
        var report = await TransportConformance.RunAsync(
            async _ =>
            {
                var rig = await FaceRig.StartAsync(FaceRig.Options(vendor, applyTime), o => o with { Identity = new TargetIdentity { SmbiosUuid = new Guid("00112233-4455-6677-8899-aabbccddeeff"), SerialNumber = Hostile } });
                return new ConformanceSubject
                {
                    Transport = rig.Transport,
                    Endpoint = rig.Endpoint,
                    UnknownEndpoint = TargetEndpoint.TryCreate("redfish://127.0.0.1:1").GetValueOrThrow(),
                    TimeProvider = TimeProvider.System,
                    Image = FaceRig.NewSystem.Content,
                    Credentials = () => FaceRig.Credentials(),
                    WrongCredentials = () => FaceRig.Credentials(password: "wrong"),
                    HostileText = Hostile,

                    // No cut connections: a session with a controller is no connection, and outlives it; and some operations need no request that could hang. RedfishFaceFaultTests do both to every request.
                    LoseNextAnswer = () => rig.MeetNext(FaceFault.LoseAnswer),
                    CleanUp = rig.DisposeAsync,
                };
            },
            CancellationToken.None);

        Assert.True(report.IsConformant, report.ToString());
    }

    private const string Hostile = "S/N\u001b[31m<b>&[x]\u202e";
}
