using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Ssh;

/// <summary>Two hundred sessions in one process, and targets that delay none but themselves.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Collection("Alone")]
public sealed class ManySshTargetsTests(ITestOutputHelper output)
{
    private const int Sessions = 200;

    [Fact]
    public async Task ConnectAsync_TwoHundredAtOnce_AllFinishAndNoneHasAThread()
    {
        await using var target = await SshTarget.StartAsync(server: new() { Further = "MaxStartups 500" });
        using var process = Process.GetCurrentProcess();
        var before = process.Threads.Count;
        var most = 0;
        var transport = new SshTransport(target.Options);
        var watch = Stopwatch.StartNew();
        var connects = new List<double>();

        await Task.WhenAll(Enumerable.Range(0, Sessions).Select(async i =>
        {
            var connecting = Stopwatch.StartNew();
            Assert.True((await transport.ConnectAsync(SshTarget.Request(target.Address), CancellationToken.None)).TryGetValue(out var session, out var fault), $"{fault} after {connecting.Elapsed}");
            lock (connects)
            {
                connects.Add(connecting.Elapsed.TotalSeconds);
            }

            await using (session)
            {
                Assert.True((await ((IFactsCapability)session).ReadFactsAsync(FactKinds.SystemPartition | FactKinds.Identity, CancellationToken.None)).TryGetValue(out var facts, out fault), fault?.ToString());
                Assert.True(facts.SystemPartition.IsKnown, facts.SystemPartition.WhyUnknown);
                Assert.True((await ((IDepositCapability)session).ListDepositsAsync(CancellationToken.None)).TryGetValue(out _, out fault), fault?.ToString());
                if (i % 10 == 0)
                {
                    process.Refresh();
                    most = Math.Max(most, process.Threads.Count);
                }
            }
        }));

        output.WriteLine($"[romflash] SSH: {Sessions} sessions at once in {watch.Elapsed.TotalSeconds:0.0} s, the slowest logon after {connects.Max():0.0} s, {most - before} threads more than before");
        Assert.InRange(most - before, int.MinValue, Sessions / 4);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        await RemoteShellTests.WaitForAsync(() => target.Server.Clients is []);
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(20, 25)]
    public async Task ConnectAsync_SomeTargetsHangAndOneDrips_OthersAreHardlyDelayed(int hung, int seconds)
    {
        await using var target = await SshTarget.StartAsync();
        using var mute = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        mute.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        mute.Listen(64);
        using var dripping = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        dripping.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        dripping.Listen(64);

        // The same transport for all of them: what it shares, it shares with those that hang, too. These hang for as long as the test runs.
        var transport = new SshTransport(target.Options with { ConnectTimeout = TimeSpan.FromMinutes(10) });
        await HonestAsync();
        var alone = await HonestAsync();
        using var stop = new CancellationTokenSource();
        using var end = new CancellationTokenSource();
        var drip = DripAsync();
        var hanging = Enumerable.Repeat(mute, hung).Append(dripping)
            .Select(s => transport.ConnectAsync(SshTarget.Request(SshTarget.AddressAt(((IPEndPoint)s.LocalEndPoint!).Port)), stop.Token).AsTask())
            .ToArray();
        await Task.Delay(500);
        var beside = await HonestAsync();
        Assert.DoesNotContain(hanging, h => h.IsCompleted);
        await stop.CancelAsync();
        foreach (var one in await Task.WhenAll(hanging))
        {
            Assert.True(!one.TryGetValue(out _, out var fault) && fault.Kind is TransportFaultKind.Cancelled);
        }

        await end.CancelAsync();
        await drip;
        output.WriteLine($"[romflash] SSH: eight targets in {alone.TotalSeconds:0.0} s alone, in {beside.TotalSeconds:0.0} s beside {hung} that hang and one that drips");
        Assert.InRange(beside, TimeSpan.Zero, (3 * alone) + TimeSpan.FromSeconds(seconds));

        // RFC 4253, 4.2: a server may send other lines before its version.
        async Task DripAsync()
        {
            try
            {
                using var socket = await dripping.AcceptAsync(end.Token);
                while (true)
                {
                    await socket.SendAsync("x\r\n"u8.ToArray(), end.Token);
                    await Task.Delay(100, end.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
            }
        }

        async Task<TimeSpan> HonestAsync()
        {
            var watch = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            {
                Assert.True((await transport.ConnectAsync(SshTarget.Request(target.Address), CancellationToken.None)).TryGetValue(out var session, out var fault), fault?.ToString());
                await using (session)
                {
                    Assert.True((await ((IFactsCapability)session).ReadFactsAsync(FactKinds.All, CancellationToken.None)).TryGetValue(out var facts, out fault), fault?.ToString());
                    Assert.True(facts.Identity.IsKnown, facts.Identity.WhyUnknown);
                }
            }));
            return watch.Elapsed;
        }
    }
}
