using RomFlash.Peers.Links;
using RomFlash.Peers.Samba;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using static RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba.SambaClient;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba;

/// <summary>Servers that die or freeze, and links that break: told in time, and with an effect that is true.</summary>
[Trait("Category", "Peer")]
public sealed class SambaLossTests
{
    private static readonly SmbConnectorOptions Quick = new() { OperationTimeout = TimeSpan.FromSeconds(2) };

    [Fact]
    public async Task Write_ServerKilled_IsLost()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port);
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile, default));
        await server.KillConnectionsAsync();

        var fault = Fault(await file.WriteAsync(0, RandomBytes(4 << 20), default));

        Assert.Equal(TransportFaultKind.Lost, fault.Kind);
        Assert.Equal(TransportFaultKind.Lost, Fault(await connection.LookAsync(Share, "a", default)).Kind);
    }

    [Fact]
    public async Task Anything_ServerFrozen_TimesOutAndDisposingDoesNotWait()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port, options: Quick);
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile, default));
        Value(await file.WriteAsync(0, RandomBytes(100_000), default));
        await server.FreezeAsync();

        var fault = Fault(await file.ReadAsync(0, new byte[100_000], default).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));

        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        await file.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        await connection.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Write_PeerStopsReading_TimesOutAndMayHaveHappened()
    {
        await using var server = await SambaServer.StartAsync();
        await using var proxy = FaultProxy.Start(server.EndPoint, MessageFraming.Smb, bufferSize: 16 << 10);
        await using var connection = await ConnectAsync(proxy.Port, options: Quick);
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile, default));
        proxy.Do(LinkAction.Freeze);

        var fault = Fault(await file.WriteAsync(0, RandomBytes(16 << 20), default).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));

        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task Write_CancelledWhileThePeerIsFrozen_ReturnsAtOnce()
    {
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port);
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile, default));
        await server.FreezeAsync();
        using var cancellation = new CancellationTokenSource();
        var write = file.WriteAsync(0, RandomBytes(16 << 20), cancellation.Token).AsTask();
        await cancellation.CancelAsync();

        var fault = Fault(await write.WaitAsync(TimeSpan.FromSeconds(10)));

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        server.Thaw();
        Value(await connection.QueryVolumeAsync(Share, default));
    }

    [Theory]
    [InlineData(LinkAction.Cut)]
    [InlineData(LinkAction.Reset)]
    public async Task Rename_AnswerNeverComes_MayHaveHappened(LinkAction action)
    {
        await using var server = await SambaServer.StartAsync();
        await using var proxy = FaultProxy.Start(server.EndPoint, MessageFraming.Smb);
        await using var connection = await ConnectAsync(proxy.Port);
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile, default));
        var fired = proxy.Arm(LinkFault.InsteadOfAnswer(proxy.Answers + 1, action));

        var fault = Fault(await file.RenameAsync("b", replace: false, default));

        await fired;
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.True(File.Exists(Path.Combine(server.ShareFolder, "b")));
    }

    [Fact]
    public async Task Write_LinkCutAtAnyByte_IsLostAndMayHaveHappened()
    {
        await using var server = await SambaServer.StartAsync();
        var content = RandomBytes(2 << 20);
        for (var i = 0; i < 12; i++)
        {
            await using var proxy = FaultProxy.Start(server.EndPoint, MessageFraming.Smb);
            await using var connection = await ConnectAsync(proxy.Port, options: new() { Protection = i % 2 == 0 ? SmbProtection.Encrypted : SmbProtection.Signed });
            await using var file = Value(await connection.OpenFileAsync(Share, $"f{i}", NewFile, default));
            _ = proxy.Arm(LinkFault.AfterBytes(LinkDirection.ToServer, proxy.Bytes(LinkDirection.ToServer) + 1 + (i * 190_000), i % 3 == 0 ? LinkAction.Reset : LinkAction.Cut));

            var result = await file.WriteAsync(0, content, default).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

            var fault = Fault(result);
            Assert.Equal((TransportFaultKind.Lost, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        }
    }
}
