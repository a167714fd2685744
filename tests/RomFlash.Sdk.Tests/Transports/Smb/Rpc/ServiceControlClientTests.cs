using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Rpc;
using static RomFlash.Sdk.Tests.Transports.Smb.Rpc.RpcConnectionTests;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class ServiceControlClientTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public async Task QueryServiceAsync_EveryState_IsReadWithNoMoreRightsThanNeeded(uint state)
    {
        var (client, smb, server) = Serve();
        server.Services["RemoteRegistry"] = state;

        Assert.Equal((ServiceState)state, Value(await client.QueryServiceAsync("RemoteRegistry", default)));
        Assert.Equal([1u], server.Accesses);
        Assert.Equal((2u, 0), (server.Opened, server.LeftOpen));
        Assert.Equal(1, smb.Pipes[0].Disposed);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    [InlineData(0xFFFFFFFFu)]
    public async Task QueryServiceAsync_StateThatIsNone_IsAViolation(uint state)
    {
        var (client, _, server) = Serve();
        server.Services["RemoteRegistry"] = state;

        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await client.QueryServiceAsync("RemoteRegistry", default)).Kind);
        Assert.Equal(0, server.LeftOpen);
    }

    [Fact]
    public async Task QueryServiceAsync_NoSuchService_IsNotFoundAndAllIsClosed()
    {
        var (client, _, server) = Serve();

        var fault = Fault(await client.QueryServiceAsync("Other", default));

        Assert.Equal((TransportFaultKind.NotFound, FaultEffect.NotSent, 1060ul), (fault.Kind, fault.Effect, fault.PeerCode!.Value.Number));
        Assert.Equal((1u, 0), (server.Opened, server.LeftOpen));
    }

    [Fact]
    public async Task QueryServiceAsync_NoPipe_IsNotTakenForNoSuchService() =>
        Assert.Equal(TransportFaultKind.ServiceNotRunning, Fault(await new ServiceControlClient(new FakeSmb()).QueryServiceAsync("RemoteRegistry", default)).Kind);

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public async Task QueryServiceAsync_NameThatIsNone_IsRefusedHere(string name)
    {
        var (client, smb, _) = Serve();

        Assert.Equal(TransportFaultKind.Unsupported, Fault(await client.QueryServiceAsync(name, default)).Kind);
        Assert.Equal(TransportFaultKind.Unsupported, Fault(await client.QueryServiceAsync(new string('a', 257), default)).Kind);
        Assert.Empty(smb.Pipes);
        Assert.Equal(TransportFaultKind.NotFound, Fault(await client.QueryServiceAsync(new string('a', 256), default)).Kind);
    }

    [Theory]
    [InlineData(3u, true)]
    [InlineData(1u, false)]
    [InlineData(0u, false)]
    public async Task ProbeAdministratorAsync_ByWhatIsGranted_SaysYesOrNo(uint granted, bool isAdministrator)
    {
        var (client, smb, server) = Serve();
        server.Granted = granted;

        Assert.Equal(isAdministrator, Value(await client.ProbeAdministratorAsync(default)));
        Assert.Equal([3u], server.Accesses);
        Assert.Equal(0, server.LeftOpen);
        Assert.Equal(1, smb.Pipes[0].Disposed);
        Assert.All(server.Calls, call => Assert.True(call.Operation is 0 or 15));
    }

    [Fact]
    public async Task ProbeAdministratorAsync_RefusedElsewhere_IsAFaultAndNoAnswer()
    {
        var (client, smb, server) = Serve();
        server.Operations[15] = _ => FakeAnswer.Status(5);
        Assert.Equal(TransportFaultKind.AccessDenied, Fault(await client.ProbeAdministratorAsync(default)).Kind);
        server.Operations[15] = _ => new WireBuilder().NoHandle().U32(1058);
        Assert.Equal(TransportFaultKind.ServiceNotRunning, Fault(await new ServiceControlClient(new FakeSmb().Serve("svcctl", () => Again(server))).ProbeAdministratorAsync(default)).Kind);
        smb.Refusal = new(TransportFaultKind.AccessDenied, FaultEffect.NotSent);
        Assert.Equal(TransportFaultKind.AccessDenied, Fault(await client.ProbeAdministratorAsync(default)).Kind);
    }

    [Fact]
    public async Task QueryServiceAsync_CancelledAtAnyCall_IsCancelledAndThePipeIsClosed()
    {
        for (var at = 1; at < 5; at++)
        {
            using var source = new CancellationTokenSource();
            var (client, smb, server) = Serve();
            var operations = 0;
            smb.Prepare = pipe => pipe.FailAfter = _ =>
            {
                if (++operations == at)
                {
                    source.Cancel();
                }

                return null;
            };

            var asked = await client.QueryServiceAsync("RemoteRegistry", source.Token);

            Assert.Equal(at == 4, asked.TryGetValue(out _, out var fault));
            Assert.True(fault is null || (fault.Kind, fault.Effect) == (TransportFaultKind.Cancelled, FaultEffect.NotSent));
            Assert.Equal((1, 0), (smb.Pipes[0].Disposed, server.LeftOpen));
        }
    }

    private static FakeServiceControl Again(FakeServiceControl server)
    {
        var again = new FakeServiceControl();
        again.Operations[15] = server.Operations[15];
        return again;
    }

    private static (ServiceControlClient Client, FakeSmb Smb, FakeServiceControl Server) Serve()
    {
        FakeServiceControl? server = new();
        FakeServiceControl? next = server;
        var smb = new FakeSmb().Serve("svcctl", () =>
        {
            var given = next ?? new FakeServiceControl();
            next = null;
            return given;
        });
        return (new(smb), smb, server);
    }
}
