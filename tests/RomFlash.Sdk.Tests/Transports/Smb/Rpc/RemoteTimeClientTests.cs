using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Rpc;
using static RomFlash.Sdk.Tests.Transports.Smb.Rpc.RpcConnectionTests;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class RemoteTimeClientTests
{
    [Fact]
    public async Task QueryAsync_Answered_IsTheTimeAndHowLongItIsUp()
    {
        var time = Value(await Client(() => new WireBuilder().U32(1).U32(1_700_000_000).U32(3_600_000).U32(1).U32(2).U32(3).U32(4).U32(5).U32(6).U32(7).U32(8).U32(9).U32(10).U32(0)).QueryAsync(default));

        Assert.Equal(new RemoteTime(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000), TimeSpan.FromHours(1)), time);
    }

    [Fact]
    public async Task QueryAsync_RefusedOrMalformed_IsAFault()
    {
        Assert.Equal(TransportFaultKind.AccessDenied, Fault(await Client(() => new WireBuilder().U32(0).U32(5)).QueryAsync(default)).Kind);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await Client(() => new WireBuilder().U32(0).U32(0)).QueryAsync(default)).Kind);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await Client(() => new WireBuilder().U32(1).U32(5)).QueryAsync(default)).Kind);
        Assert.Equal(TransportFaultKind.ServiceNotRunning, Fault(await new RemoteTimeClient(new FakeSmb()).QueryAsync(default)).Kind);
    }

    private static RemoteTimeClient Client(Func<WireBuilder> answer) => new(new FakeSmb().Serve(
        "srvsvc", () => new FakeRpcServer(new Guid("4b324fc8-1670-01d3-1278-5a47bf6ee188"), 3, 0) { Operations = { [28] = _ => answer() } }));
}
