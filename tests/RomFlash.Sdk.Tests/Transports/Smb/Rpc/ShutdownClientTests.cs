using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Rpc;
using static RomFlash.Sdk.Tests.Transports.Smb.Rpc.RpcConnectionTests;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class ShutdownClientTests
{
    private static readonly Guid Interface = new("894de0c0-0d55-11d3-a322-00c04fa321a1");

    [Fact]
    public async Task InitiateAsync_Accepted_SaysWhatWasAskedFor()
    {
        var (client, smb, server) = Serve();

        Value(await client.InitiateAsync(TimeSpan.FromSeconds(29.0001), "firmware", force: true, reboot: false, ShutdownReason.PlannedHardwareMaintenance, default));

        var (operation, stub) = Assert.Single(server.Calls);
        Assert.Equal(2, operation);
        Assert.Equal(
            new WireBuilder().U32(0).U32(0x20000).U16(16).U16(18).U32(0x20004).U32(9).U32(0).U32(8).Raw(Encoding.Unicode.GetBytes("firmware")).U32(30).U8(1).U8(0).U32(0x80010001).ToArray(),
            stub);
        Assert.Equal(["InitShutdown"], smb.Asked);
        Assert.Equal(1, smb.Pipes[0].Disposed);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(999, 1)]
    [InlineData(1000, 1)]
    [InlineData(1001, 2)]
    public async Task InitiateAsync_Delay_IsRoundedUpToSeconds(int milliseconds, uint seconds)
    {
        var (client, _, server) = Serve();

        Value(await client.InitiateAsync(TimeSpan.FromMilliseconds(milliseconds), "m", false, true, 0, default));

        Assert.Equal(seconds, BinaryPrimitives.ReadUInt32LittleEndian(server.Calls[0].Stub.AsSpan(32)));
    }

    [Fact]
    public async Task InitiateAsync_DelayBeyondWhatThereIs_Throws()
    {
        var (client, smb, server) = Serve();

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await client.InitiateAsync(TimeSpan.FromTicks(-1), "m", false, true, 0, default));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await client.InitiateAsync(ShutdownClient.MaxDelay + TimeSpan.FromTicks(1), "m", false, true, 0, default));
        Assert.Empty(smb.Asked);
        Value(await client.InitiateAsync(ShutdownClient.MaxDelay, "m", false, true, 0, default));
        Assert.Single(server.Calls);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(512, 512)]
    [InlineData(513, 512)]
    [InlineData(100_000, 512)]
    public async Task InitiateAsync_LongMessage_IsCut(int length, int sent)
    {
        var (client, _, server) = Serve();

        Value(await client.InitiateAsync(TimeSpan.Zero, new string('m', length), false, true, 0, default));

        Assert.Equal(2 * sent, BinaryPrimitives.ReadUInt16LittleEndian(server.Calls[0].Stub.AsSpan(8)));
    }

    [Fact]
    public async Task InitiateAsync_MessageWithATerminatorOrCutInAPair_IsStillText()
    {
        var (client, _, server) = Serve();

        Value(await client.InitiateAsync(TimeSpan.Zero, "a\0b" + new string('m', 508) + "\U0001F600", false, true, 0, default));

        var stub = server.Calls[0].Stub;
        var length = BinaryPrimitives.ReadUInt16LittleEndian(stub.AsSpan(8));
        Assert.Equal("a b" + new string('m', 508), Encoding.Unicode.GetString(stub, 28, length));
    }

    [Theory]
    [InlineData(5, TransportFaultKind.AccessDenied, FaultEffect.NotSent)]
    [InlineData(1115, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(1190, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(1191, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(1116, TransportFaultKind.NotFound, FaultEffect.NotSent)]
    [InlineData(31, TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied)]
    public async Task InitiateAsync_Refused_IsAFault(uint code, TransportFaultKind kind, FaultEffect effect)
    {
        var (client, smb, server) = Serve();
        server.Operations[2] = _ => new WireBuilder().U32(code);

        var fault = Fault(await client.InitiateAsync(TimeSpan.Zero, "m", false, true, 0, default));

        Assert.Equal((kind, effect, (ulong)code), (fault.Kind, fault.Effect, fault.PeerCode!.Value.Number));
        Assert.Equal(["InitShutdown"], smb.Asked);
    }

    [Fact]
    public async Task AbortAsync_PendingOrNot_Succeeds()
    {
        var (client, _, server) = Serve();
        Value(await client.AbortAsync(default));
        Assert.Equal((1, 4), (server.Calls[0].Operation, server.Calls[0].Stub.Length));

        (client, _, server) = Serve();
        server.Operations[1] = _ => new WireBuilder().U32(1116);
        Value(await client.AbortAsync(default));
    }

    [Theory]
    [InlineData(5, TransportFaultKind.AccessDenied)]
    [InlineData(1115, TransportFaultKind.Busy)]
    public async Task AbortAsync_Refused_IsAFault(uint code, TransportFaultKind kind)
    {
        var (client, _, server) = Serve();
        server.Operations[1] = _ => new WireBuilder().U32(code);

        Assert.Equal((kind, FaultEffect.NotSent), (Fault(await client.AbortAsync(default)).Kind, FaultEffect.NotSent));
        Assert.Single(server.Calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task InitiateAndAbort_NoShutdownInterface_TheRegistrysDoes(bool isSomethingElseThere)
    {
        var (smb, registries) = (new FakeSmb(), new List<FakeRegistry>());
        smb.Serve("winreg", () =>
        {
            var registry = new FakeRegistry { Operations = { [30] = _ => new WireBuilder().U32(0), [25] = _ => new WireBuilder().U32(0) } };
            registries.Add(registry);
            return registry;
        });
        if (isSomethingElseThere)
        {
            smb.Serve("InitShutdown", () =>
            {
                var server = new FakeRpcServer(Interface, 1, 0);
                server.BindAnswer = call => server.BindAck(call, 2, 1, Guid.Empty);
                return server;
            });
        }

        var client = new ShutdownClient(smb);

        Value(await client.InitiateAsync(TimeSpan.FromSeconds(1), "m", true, true, 7, default));
        Value(await client.AbortAsync(default));

        Assert.Equal(["InitShutdown", "winreg", "InitShutdown", "winreg"], smb.Asked);
        Assert.Equal(ShutdownClient.Initiate(1, "m", true, true, 7), Assert.Single(registries[0].Calls).Stub);
        Assert.Equal([(ushort)30, (ushort)25], registries.Select(registry => registry.Calls.Single().Operation));
        Assert.All(smb.Pipes, pipe => Assert.Equal(1, pipe.Disposed));
    }

    [Fact]
    public async Task InitiateAsync_NeitherIsThere_TheServiceDoesNotRun()
    {
        var fault = Fault(await new ShutdownClient(new FakeSmb()).InitiateAsync(TimeSpan.Zero, "m", false, true, 0, default));

        Assert.Equal((TransportFaultKind.ServiceNotRunning, FaultEffect.NotSent, "RemoteRegistry"), (fault.Kind, fault.Effect, fault.Detail));
    }

    [Fact]
    public async Task InitiateAsync_RefusedPipe_IsNotTriedElsewhere()
    {
        var smb = new FakeSmb { Refusal = new(TransportFaultKind.AccessDenied, FaultEffect.NotSent) };

        Assert.Equal(TransportFaultKind.AccessDenied, Fault(await new ShutdownClient(smb).InitiateAsync(TimeSpan.Zero, "m", false, true, 0, default)).Kind);
        Assert.Equal(["InitShutdown"], smb.Asked);
    }

    [Fact]
    public async Task InitiateAsync_AnswerLost_MayHaveAppliedAndIsNotTriedElsewhere()
    {
        var (client, smb, server) = Serve();
        smb.Serve("winreg", () => new FakeRegistry());
        smb.Prepare = pipe => pipe.FailAfter = number => number == 2 ? new TransportFault(TransportFaultKind.Lost, FaultEffect.MayHaveApplied) : null;

        var fault = Fault(await client.InitiateAsync(TimeSpan.Zero, "m", false, true, 0, default));

        Assert.Equal((TransportFaultKind.Lost, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.Single(server.Calls);
        Assert.Equal(["InitShutdown"], smb.Asked);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(12)]
    public async Task InitiateAsync_AnswerThatCantBeRead_MayHaveApplied(int length)
    {
        var (client, _, server) = Serve();
        server.Operations[2] = _ => new FakeAnswer(new byte[length]);

        var fault = Fault(await client.InitiateAsync(TimeSpan.Zero, "m", false, true, 0, default));

        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task InitiateAsync_CancelledBefore_NothingIsSent()
    {
        var (client, smb, _) = Serve();

        var fault = Fault(await client.InitiateAsync(TimeSpan.Zero, "m", false, true, 0, new CancellationToken(true)));

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Empty(smb.Asked);
    }

    private static (ShutdownClient Client, FakeSmb Smb, FakeRpcServer Server) Serve()
    {
        FakeRpcServer New() => new(Interface, 1, 0) { Operations = { [1] = _ => new WireBuilder().U32(0), [2] = _ => new WireBuilder().U32(0) } };
        var server = New();
        FakeRpcServer? first = server;
        var smb = new FakeSmb().Serve("InitShutdown", () =>
        {
            var given = first ?? New();
            first = null;
            return given;
        });
        return (new(smb), smb, server);
    }
}
