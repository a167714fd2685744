using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RomFlash.Peers.Links;
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Peers that say nothing, or stop to: every call returns when its time is over, or when it is cancelled.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
public sealed class SshSilentTargetTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    // What a call may take besides. Other tests have the processor at times: the quickest of some is held to the first, and each to the second.
    private static readonly TimeSpan Besides = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("drops what comes", false)]
    [InlineData("drops what comes", true)]
    [InlineData("accepts nothing", false)]
    [InlineData("accepts nothing", true)]
    [InlineData("says nothing", false)]
    [InlineData("says nothing", true)]
    [InlineData("says its version alone", false)]
    [InlineData("says its version alone", true)]
    [InlineData("drips", false)]
    [InlineData("drips", true)]
    public async Task ConnectAsync_SilentAddress_IsGivenUpInTime(string kind, bool isPinned)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(kind == "drops what comes" ? 0 : 64);
        var end = (IPEndPoint)listener.LocalEndPoint!;
        using var stop = new CancellationTokenSource();
        var filling = new List<Socket>();
        var serving = Task.CompletedTask;
        switch (kind)
        {
            case "drops what comes":
                // The queue of a listener that accepts nobody is soon full, and then nothing that comes is answered.
                for (var i = 0; i < 4; i++)
                {
                    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    filling.Add(socket);
                    _ = socket.ConnectAsync(end, stop.Token).AsTask().ContinueWith(static t => t.Exception, TaskScheduler.Default);
                }

                await Task.Delay(100);
                break;
            case not "accepts nothing":
                serving = ServeAsync();
                break;
        }

        var address = SshTarget.AddressAt(end.Port) + (isPinned ? "?hostkey=SHA256:" + new string('A', 43) : string.Empty);
        var transport = new SshTransport(new SshTransportOptions { ConfigurationFile = "/dev/null", ConnectTimeout = Deadline, StallTimeout = Deadline });
        var watch = new Stopwatch();
        TransportFault? fault;
        for (var tries = 1; ; tries++)
        {
            watch.Restart();
            Assert.False((await transport.ConnectAsync(SshTarget.Request(address), CancellationToken.None)).TryGetValue(out _, out fault));
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, Deadline + AtMost);
            Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
            if (watch.Elapsed < Deadline + Besides)
            {
                break;
            }

            Assert.True(tries < 5, $"{watch.Elapsed}");
        }

        using var cancel = new CancellationTokenSource();
        var patient = new SshTransport(new SshTransportOptions { ConfigurationFile = "/dev/null" });
        var connecting = patient.ConnectAsync(SshTarget.Request(address), cancel.Token).AsTask();
        await Task.Delay(200);
        watch.Restart();
        await cancel.CancelAsync();
        Assert.False((await connecting).TryGetValue(out _, out fault));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, AtMost);
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));

        await stop.CancelAsync();
        await serving;
        filling.ForEach(s => s.Dispose());

        async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    filling.Add(await listener.AcceptAsync(stop.Token));
                    _ = SpeakAsync(filling[^1]);
                }
            }
            catch (OperationCanceledException)
            {
            }
        }

        async Task SpeakAsync(Socket socket)
        {
            try
            {
                if (kind == "says its version alone")
                {
                    await socket.SendAsync("SSH-2.0-OpenSSH_9.9\r\n"u8.ToArray(), stop.Token);
                }

                // RFC 4253, 4.2: a server may send other lines before its version.
                while (kind == "drips")
                {
                    await socket.SendAsync(Encoding.ASCII.GetBytes("x\r\n"), stop.Token);
                    await Task.Delay(100, stop.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WriteAsync_PeerStopsReading_IsGivenUpInTimeAndNothingIsArmed(bool multiplex)
    {
        await using var target = await SshTarget.StartAsync();
        await using var proxy = FaultProxy.Start(target.Server.EndPoint, bufferSize: 16 << 10);
        var bytes = new byte[16 << 20];
        var frozen = proxy.Arm(LinkFault.AfterBytes(LinkDirection.ToServer, 2 << 20, LinkAction.FreezeRequests));
        await using var session = await target.ConnectAsync(
            target.Options with { StallTimeout = Deadline, Multiplex = multiplex },
            $"{SshTarget.AddressAt(proxy.Port)}?hostkey={Uri.EscapeDataString(target.Server.Fingerprint)}");
        var claim = Value(await ((IClaimCapability)session).AcquireClaimAsync(new("client"), CancellationToken.None));
        var manifest = new DepositManifest("d1", claim.Generation, [new("image.cap", bytes.Length, new ContentDigest(System.Security.Cryptography.SHA256.HashData(bytes)), "system")]);
        await using (var deposit = Value(await ((IDepositCapability)session).OpenDepositAsync(manifest, CancellationToken.None)))
        {
            TransportFault? fault = null;
            var watch = Stopwatch.StartNew();
            for (var offset = 0; fault is null && offset < bytes.Length; offset += SshPartition.Chunk)
            {
                watch.Restart();
                (await deposit.WriteAsync(0, offset, bytes.AsMemory(offset, SshPartition.Chunk), CancellationToken.None)).TryGetValue(out _, out fault);
            }

            Assert.InRange(watch.Elapsed, TimeSpan.Zero, Deadline + AtMost);
            Assert.True(frozen.IsCompletedSuccessfully);
            Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied), (fault!.Kind, fault.Effect));
        }

        Assert.False(target.Root.IsArmed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EveryCall_PeerIsFrozenAndTheCallCancelled_ReturnsAtOnce(bool multiplex)
    {
        await using var target = await SshTarget.StartAsync();
        var session = await target.ConnectAsync(target.Options with { Multiplex = multiplex });
        var claim = Value(await ((IClaimCapability)session).AcquireClaimAsync(new("client"), CancellationToken.None));
        try
        {
            await target.Server.FreezeAsync();
            var calls = new (string Name, Func<CancellationToken, Task<TransportFault>> Call)[]
            {
                ("facts", async t => FaultOf(await ((IFactsCapability)session).ReadFactsAsync(RomFlash.Sdk.Probing.FactKinds.All, t))),
                ("claim", async t => FaultOf(await ((IClaimCapability)session).ReadClaimAsync(t))),
                ("armed", async t => FaultOf(await ((IArmingCapability)session).ReadArmedStateAsync(true, t))),
                ("disarm", async t => FaultOf(await ((IArmingCapability)session).DisarmAsync("d1", t))),
                ("release", async t => FaultOf(await ((IClaimCapability)session).ReleaseClaimAsync(claim, t))),
                ("restart", async t => FaultOf(await ((IPowerCapability)session).ScheduleRebootAsync(new(TimeSpan.Zero, "", false), t))),
            };
            var quickest = TimeSpan.MaxValue;
            foreach (var (name, call) in calls)
            {
                using var stop = new CancellationTokenSource();
                var calling = call(stop.Token);
                await Task.Delay(100);
                Assert.False(calling.IsCompleted, name);
                var watch = Stopwatch.StartNew();
                await stop.CancelAsync();
                var fault = await calling;
                Assert.True(watch.Elapsed < AtMost, $"{name}: {watch.Elapsed}");
                quickest = watch.Elapsed < quickest ? watch.Elapsed : quickest;
                Assert.Equal(TransportFaultKind.Cancelled, fault.Kind);
            }

            Assert.InRange(quickest, TimeSpan.Zero, TimeSpan.FromMilliseconds(300));

            // Closing does not wait for who does not answer.
            var closing = Stopwatch.StartNew();
            await session.DisposeAsync();
            Assert.InRange(closing.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        }
        finally
        {
            target.Server.Thaw();
        }

        Assert.False(target.Root.IsArmed);
    }

    private static T Value<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new InvalidOperationException(fault.ToString());

    private static TransportFault FaultOf<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out _, out var fault) ? throw new InvalidOperationException("it succeeded") : fault;
}
