using System.Net;
using System.Net.Sockets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Flow;

public sealed class SmbDialerTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task ConnectAsync_NameOrAddress_FindsWhoListens(string host)
    {
        using var listener = Listen();

        var result = await SmbDialer.ConnectAsync(host, Port(listener), TimeProvider.System, CancellationToken.None);

        Assert.True(result.TryGetValue(out var socket, out var fault), fault?.ToString());
        Assert.True(socket.Connected);
        socket.Dispose();
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task ConnectAsync_NobodyListens_IsRefused(string host)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        var result = await SmbDialer.ConnectAsync(host, Port(socket), TimeProvider.System, CancellationToken.None);

        Assert.False(result.TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Refused, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task ConnectAsync_NameThatNoHostCanHave_IsNotResolved()
    {
        var result = await SmbDialer.ConnectAsync(new string('a', 300), 445, TimeProvider.System, CancellationToken.None);

        Assert.False(result.TryGetValue(out _, out var fault));
        Assert.Equal(TransportFaultKind.NameNotResolved, fault.Kind);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task ConnectAsync_CancelledBefore_IsCancelled(string host)
    {
        using var listener = Listen();

        var result = await SmbDialer.ConnectAsync(host, Port(listener), TimeProvider.System, new CancellationToken(true));

        Assert.False(result.TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    private static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(4);
        return listener;
    }

    private static int Port(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;
}
