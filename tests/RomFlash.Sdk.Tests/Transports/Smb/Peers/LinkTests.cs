using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RomFlash.Peers.Links;

namespace RomFlash.Sdk.Tests.Transports.Smb.Peers;

/// <summary>The proxies do to a link what their names say.</summary>
public sealed class LinkTests
{
    [Theory]
    [InlineData(LinkAction.Cut)]
    [InlineData(LinkAction.Reset)]
    public async Task BeforeRequest_TheThird_IsNeverSeen(LinkAction action)
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb);
        var cut = proxy.Arm(LinkFault.BeforeRequest(3, action));
        using var client = await ConnectAsync(proxy.EndPoint);
        await client.SendAsync(Messages(5, 1000), SocketFlags.None);
        await cut;
        Assert.Equal(2000, await echo.EndAsync());
        await AssertEndsAsync(client, 2000);
        Assert.Equal(2, proxy.Requests);
    }

    [Fact]
    public async Task AfterRequest_TheThird_IsSeenWhole()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb);
        var cut = proxy.Arm(LinkFault.AfterRequest(3));
        using var client = await ConnectAsync(proxy.EndPoint);
        await client.SendAsync(Messages(5, 1000), SocketFlags.None);
        await cut;
        Assert.Equal(3000, await echo.EndAsync());
        await AssertEndsAsync(client, 3000);
    }

    [Fact]
    public async Task InsteadOfAnswer_TheThird_WasAskedForAndNeverComes()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb);
        _ = proxy.Arm(LinkFault.InsteadOfAnswer(3));
        using var client = await ConnectAsync(proxy.EndPoint);
        await client.SendAsync(Messages(3, 1000), SocketFlags.None);
        Assert.Equal(2000, await ReceiveAsync(client));
        Assert.Equal(3000, await echo.EndAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1001)]
    [InlineData(2500)]
    public async Task AfterBytes_ToServer_ComeExactlySoMany(int count)
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb);
        var cut = proxy.Arm(LinkFault.AfterBytes(LinkDirection.ToServer, count));
        using var client = await ConnectAsync(proxy.EndPoint);
        await client.SendAsync(Messages(5, 1000), SocketFlags.None);
        await cut;
        Assert.Equal(count, await echo.EndAsync());
        Assert.Equal(count, proxy.Bytes(LinkDirection.ToServer));
    }

    [Fact]
    public async Task AfterBytes_ToClient_ComeExactlySoManyWithoutFraming()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint);
        _ = proxy.Arm(LinkFault.AfterBytes(LinkDirection.ToClient, 1234));
        using var client = await ConnectAsync(proxy.EndPoint);
        await client.SendAsync(Messages(5, 1000), SocketFlags.None);
        Assert.Equal(1234, await ReceiveAsync(client));
    }

    [Fact]
    public async Task Requests_SentByteByByte_AreCountedAsSentAtOnce()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb);
        using var client = await ConnectAsync(proxy.EndPoint);
        client.NoDelay = true;
        foreach (var one in Messages(7, 9))
        {
            await client.SendAsync(new[] { one }, SocketFlags.None);
        }

        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(63, await ReceiveAsync(client));
        Assert.Equal((7, 7), (proxy.Requests, proxy.Answers));
    }

    [Fact]
    public async Task Freeze_WhoSendsMuch_BlocksAndGoesOnAfterThaw()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb, bufferSize: 16 << 10);
        proxy.Do(LinkAction.Freeze);
        using var client = await ConnectAsync(proxy.EndPoint);
        client.SendBufferSize = 16 << 10;

        // More than all buffers between hold.
        var all = Messages(400, 10_000);
        var sending = Task.Run(async () =>
        {
            for (var sent = 0; sent < all.Length;)
            {
                sent += await client.SendAsync(all.AsMemory(sent));
            }

            client.Shutdown(SocketShutdown.Send);
        });
        using var little = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(little.Token));
        Assert.Equal((0, 0), (proxy.Requests, proxy.Bytes(LinkDirection.ToServer)));
        proxy.Thaw();
        Assert.Equal(all.Length, await ReceiveAsync(client));
        await sending;
        Assert.Equal(400, proxy.Answers);
    }

    [Fact]
    public async Task FreezeAnswers_AtTheSecondRequest_StillLetsRequestsThrough()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb);
        var frozen = proxy.Arm(LinkFault.InsteadOfAnswer(2, LinkAction.FreezeAnswers));
        using var client = await ConnectAsync(proxy.EndPoint);
        await client.SendAsync(Messages(4, 1000), SocketFlags.None);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(4000, await echo.EndAsync());
        await frozen;
        Assert.Equal(1, proxy.Answers);
        proxy.Thaw();
        Assert.Equal(4000, await ReceiveAsync(client));
    }

    [Fact]
    public async Task RefusesConnections_ANewOne_EndsAtOnceAndTheOldOneStays()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Start(echo.EndPoint, MessageFraming.Smb);
        using var old = await ConnectAsync(proxy.EndPoint);
        await old.SendAsync(Messages(1, 10), SocketFlags.None);
        Assert.Equal(10, await old.ReceiveAsync(new byte[100]));
        proxy.RefusesConnections = true;
        using var another = await ConnectAsync(proxy.EndPoint);
        await AssertEndsAsync(another, 0);
        await old.SendAsync(Messages(1, 10), SocketFlags.None);
        Assert.Equal(10, await old.ReceiveAsync(new byte[100]));
        Assert.Equal(2, proxy.Connections);
    }

    [Fact]
    public async Task DelayProxy_RoundTrips_TakeTwiceTheDelayAndLittleMore()
    {
        await using var echo = new Echo();
        await using var proxy = DelayProxy.Start(echo.EndPoint, TimeSpan.FromMilliseconds(5));
        using var client = await ConnectAsync(proxy.EndPoint);
        client.NoDelay = true;
        var times = new List<double>();
        for (var trip = 0; trip < 30; trip++)
        {
            var start = Stopwatch.GetTimestamp();
            await client.SendAsync(Messages(1, 100), SocketFlags.None);
            Assert.Equal(100, await client.ReceiveAsync(new byte[1000]));
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        // What else the machine does makes some later, none sooner; a timer of the system's tick would make all later.
        Assert.InRange(times.Min(), 10, 13);
    }

    [Fact]
    public async Task DelayProxy_MuchAtOnce_IsOnTheWayTogether()
    {
        await using var echo = new Echo();
        await using var proxy = DelayProxy.Start(echo.EndPoint, TimeSpan.FromMilliseconds(50));
        using var client = await ConnectAsync(proxy.EndPoint);
        var all = Messages(16, 1 << 20);
        var start = Stopwatch.GetTimestamp();
        var sending = Task.Run(async () =>
        {
            for (var sent = 0; sent < all.Length;)
            {
                sent += await client.SendAsync(all.AsMemory(sent));
            }

            client.Shutdown(SocketShutdown.Send);
        });
        Assert.Equal(all.Length, await ReceiveAsync(client));
        await sending;

        // One chunk at a time, 256 of them would take 12.8 s each way.
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.1, 6);
    }

    private static byte[] Messages(int count, int length)
    {
        var messages = new byte[count * length];
        for (var message = 0; message < count; message++)
        {
            BinaryPrimitives.WriteInt32BigEndian(messages.AsSpan(message * length), length - 4);
        }

        return messages;
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server);
        return socket;
    }

    // Of what the server had, it may have answered all before the link ended.
    private static async Task AssertEndsAsync(Socket client, int answerable) => Assert.InRange(await ReceiveAsync(client), 0, answerable);

    // How many bytes come until the end, in whichever way it comes.
    private static async Task<int> ReceiveAsync(Socket client)
    {
        var total = 0;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            for (var buffer = new byte[1 << 16]; await client.ReceiveAsync(buffer, deadline.Token) is > 0 and var count;)
            {
                total += count;
            }
        }
        catch (SocketException)
        {
            // Reset: an end as well.
        }

        return total;
    }

    /// <summary>Sends back what it gets, and tells how much came when a connection has ended.</summary>
    private sealed class Echo : IAsyncDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly TaskCompletionSource<int> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _serving;

        public Echo()
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            _serving = ServeAsync();
        }

        public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

        public Task<int> EndAsync() => _end.Task.WaitAsync(TimeSpan.FromSeconds(30));

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _serving;
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    _ = EchoAsync(await _listener.AcceptAsync());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Disposed.
            }
        }

        private async Task EchoAsync(Socket socket)
        {
            var total = 0;
            try
            {
                for (var buffer = new byte[1 << 16]; await socket.ReceiveAsync(buffer) is > 0 and var count;)
                {
                    total += count;
                    for (var sent = 0; sent < count;)
                    {
                        sent += await socket.SendAsync(buffer.AsMemory(sent, count - sent));
                    }
                }
            }
            catch (SocketException)
            {
                // What was not sent back counts, too.
            }
            finally
            {
                socket.Dispose();
                _end.TrySetResult(total);
            }
        }
    }
}
