using System.Buffers.Binary;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Flow;

/// <summary>Requests and answers before and without a session: matching, cancellation, deadlines, and a peer that breaks the protocol.</summary>
public sealed class SmbChannelTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task ExchangeAsync_AnswersInAnotherOrder_FindTheirRequests()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        var (first, second) = (peer.EchoAsync(), peer.EchoAsync());
        var (one, two) = (await peer.ReadAsync(), await peer.ReadAsync());

        await peer.SendAsync(RawPeer.Answer(two, status: 0xC0000022));
        await peer.SendAsync(RawPeer.Answer(one, status: 0xC0000034));

        using var reply = await first.WaitAsync(Patience);
        using var other = await second.WaitAsync(Patience);
        Assert.Equal((0xC0000034u, 0xC0000022u), SmbHeader.MessageIdOf(one) < SmbHeader.MessageIdOf(two) ? (reply.Status, other.Status) : (other.Status, reply.Status));
    }

    [Fact]
    public async Task ExchangeAsync_Cancelled_ReturnsWithoutThePeerAndDropsTheLateAnswer()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        using var cancellation = new CancellationTokenSource();
        var reply = peer.SendAsync(SmbCommand.Write, 49, new(Changes: true), cancellation.Token);
        var request = await peer.ReadAsync();

        await cancellation.CancelAsync();
        var fault = (await reply.WaitAsync(Patience)).Fault!;
        var cancel = await peer.ReadAsync();
        await peer.SendAsync(RawPeer.Answer(request));
        await peer.GrantAsync();

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.Equal((SmbCommand.Cancel, SmbHeader.MessageIdOf(request)), (SmbHeader.CommandOf(cancel), SmbHeader.MessageIdOf(cancel)));
        Assert.Null(peer.Channel.Fault);
    }

    [Fact]
    public async Task ExchangeAsync_CancelledWhilePending_CancelsByTheAsyncId()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        using var cancellation = new CancellationTokenSource();
        var reply = peer.EchoAsync(cancellation.Token);
        var request = await peer.ReadAsync();
        await peer.SendAsync(RawPeer.Interim(request, 0xA5));
        await peer.GrantAsync();

        await cancellation.CancelAsync();
        var cancel = await peer.ReadAsync();

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), ((await reply).Fault!.Kind, (await reply).Fault!.Effect));
        Assert.Equal((SmbHeaderFlags.Async, 0xA5UL), (SmbHeader.FlagsOf(cancel), SmbHeader.AsyncIdOf(cancel)));
    }

    [Fact]
    public async Task ExchangeAsync_AbandonedCreateSucceedsLate_ClosesTheFile()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        using var cancellation = new CancellationTokenSource();
        var reply = peer.SendAsync(SmbCommand.Create, 64, new(Changes: true), cancellation.Token);
        var request = await peer.ReadAsync();
        await cancellation.CancelAsync();
        Assert.NotNull((await reply).Fault);
        await peer.ReadAsync();

        var answer = RawPeer.Answer(request, bodyBytes: 88);
        BinaryPrimitives.WriteUInt16LittleEndian(answer.AsSpan(64), 89);
        BinaryPrimitives.WriteUInt64LittleEndian(answer.AsSpan(64 + 64), 0x1234);
        await peer.SendAsync(answer);

        var close = await peer.ReadAsync();
        Assert.Equal((SmbCommand.Close, 0x1234UL), (SmbHeader.CommandOf(close), BinaryPrimitives.ReadUInt64LittleEndian(close.AsSpan(64 + 8))));
    }

    [Fact]
    public async Task ExchangeAsync_AbandonedCreateSucceedsWhileCreditsAreWaitedFor_ClosesTheFileAfterwards()
    {
        await using var peer = await RawPeer.ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        var reply = peer.SendAsync(SmbCommand.Create, 64, new(Changes: true), cancellation.Token);
        var request = await peer.ReadAsync();
        await cancellation.CancelAsync();
        Assert.NotNull((await reply).Fault);
        await peer.ReadAsync();
        var waiting = peer.EchoAsync();

        var answer = RawPeer.Answer(request, bodyBytes: 88);
        BinaryPrimitives.WriteUInt16LittleEndian(answer.AsSpan(64), 89);
        await peer.SendAsync(answer);

        var echo = await peer.ReadAsync();
        Assert.Equal(SmbCommand.Echo, SmbHeader.CommandOf(echo));
        await peer.SendAsync(RawPeer.Answer(echo));
        Assert.Equal(SmbCommand.Close, SmbHeader.CommandOf(await peer.ReadAsync()));
        (await waiting).Dispose();
    }

    [Fact]
    public async Task ExchangeAsync_RequestThatIsNeverAnswered_EndsTheChannelAtTheBound()
    {
        var clock = new SimulatedClock();
        await using var peer = await RawPeer.ConnectAsync(clock, new() { MaxPendingTime = TimeSpan.FromSeconds(70), KeepAliveInterval = TimeSpan.FromMinutes(10) });
        await peer.GrantAsync();
        using var cancellation = new CancellationTokenSource();
        var reply = peer.EchoAsync(cancellation.Token);
        await peer.ReadAsync();
        await cancellation.CancelAsync();
        Assert.Equal(TransportFaultKind.Cancelled, (await reply).Fault!.Kind);
        await peer.ReadAsync();

        clock.Advance(TimeSpan.FromSeconds(69));
        await peer.GrantAsync();
        Assert.Null(peer.Channel.Fault);

        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TransportFaultKind.TimedOut, (await peer.EchoAsync().WaitAsync(Patience)).Fault!.Kind);
    }

    [Fact]
    public async Task Receive_InterimAnswerThatGrantsAnyNumber_IsBelievedWhatWasAskedFor()
    {
        await using var peer = await RawPeer.ConnectAsync();
        peer.Protect(seals: false);
        var reply = peer.EchoAsync();
        var request = await peer.ReadAsync();
        var interim = RawPeer.Interim(request, 0xA5);
        BinaryPrimitives.WriteUInt16LittleEndian(interim.AsSpan(14), ushort.MaxValue);
        await peer.SendAsync(interim);
        await peer.SendAsync(RawPeer.Interim(request, 0xA6));
        await peer.SendAsync(peer.Sign(RawPeer.Answer(request)));
        (await reply.WaitAsync(Patience)).Dispose();

        Assert.InRange(peer.Channel.CreditTotal, 2, 256);
    }

    [Theory]
    [InlineData(true, FaultEffect.MayHaveApplied)]
    [InlineData(false, FaultEffect.NotSent)]
    public async Task ExchangeAsync_PeerCloses_IsLostAndTellsTheEffect(bool changes, FaultEffect effect)
    {
        await using var peer = await RawPeer.ConnectAsync();
        var reply = peer.SendAsync(SmbCommand.Flush, 24, new(changes));
        await peer.ReadAsync();

        peer.Close();

        var fault = (await reply.WaitAsync(Patience)).Fault!;
        Assert.Equal((TransportFaultKind.Lost, effect), (fault.Kind, fault.Effect));
        var next = (await peer.EchoAsync().WaitAsync(Patience)).Fault!;
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (next.Kind, next.Effect));
    }

    [Fact]
    public async Task ExchangeAsync_SilentPeer_TimesOutAndIsTakenForLost()
    {
        var clock = new SimulatedClock();
        await using var peer = await RawPeer.ConnectAsync(clock);
        var reply = peer.SendAsync(SmbCommand.Flush, 24, new(Changes: true));
        await peer.ReadAsync();

        clock.Advance(TimeSpan.FromSeconds(29.9));
        Assert.False(reply.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));

        var fault = (await reply.WaitAsync(Patience)).Fault!;
        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.NotNull(peer.Channel.Fault);
    }

    [Fact]
    public async Task ExchangeAsync_PeerForgetsOneRequest_TimesOutThatOneAlone()
    {
        var clock = new SimulatedClock();
        await using var peer = await RawPeer.ConnectAsync(clock);
        await peer.GrantAsync();
        var forgotten = peer.EchoAsync();
        await peer.ReadAsync();
        clock.Advance(TimeSpan.FromSeconds(20));
        await peer.GrantAsync();

        clock.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal(TransportFaultKind.TimedOut, (await forgotten.WaitAsync(Patience)).Fault!.Kind);
        Assert.Equal(SmbCommand.Cancel, SmbHeader.CommandOf(await peer.ReadAsync()));
        await peer.GrantAsync();
        Assert.Null(peer.Channel.Fault);
    }

    [Fact]
    public async Task ExchangeAsync_InterimAnswers_BeginTheTimeAnewUpToABound()
    {
        var clock = new SimulatedClock();
        await using var peer = await RawPeer.ConnectAsync(clock, new() { MaxPendingTime = TimeSpan.FromSeconds(70) });
        await peer.GrantAsync();
        var reply = peer.EchoAsync();
        var request = await peer.ReadAsync();
        for (var i = 0; i < 3; i++)
        {
            await peer.SendAsync(RawPeer.Interim(request, 1));
            await peer.GrantAsync();
            Assert.False(reply.IsCompleted);
            clock.Advance(TimeSpan.FromSeconds(20));
        }

        await peer.SendAsync(RawPeer.Interim(request, 1));
        await peer.GrantAsync();
        Assert.False(reply.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal(TransportFaultKind.TimedOut, (await reply.WaitAsync(Patience)).Fault!.Kind);
        Assert.Null(peer.Channel.Fault);
    }

    [Fact]
    public async Task ExchangeAsync_PeerStopsReading_TimesOut()
    {
        var clock = new SimulatedClock();
        await using var peer = await RawPeer.ConnectAsync(clock, smallBuffers: true);
        await peer.GrantAsync();
        var replies = Enumerable.Range(0, 24).Select(_ => peer.SendAsync(SmbCommand.Write, 1 << 20, new(Changes: true))).ToList();

        clock.Advance(TimeSpan.FromSeconds(31));

        var faults = (await Task.WhenAll(replies).WaitAsync(Patience)).Select(r => r.Fault!).ToList();
        Assert.All(faults, f => Assert.Equal(TransportFaultKind.TimedOut, f.Kind));

        // What the socket was never given, has not been sent.
        Assert.Equal(FaultEffect.MayHaveApplied, faults[0].Effect);
        Assert.Equal(FaultEffect.NotSent, faults[^1].Effect);
    }

    [Fact]
    public async Task ExchangeAsync_NoCreditsComeForAWhile_TimesOutUnsent()
    {
        var clock = new SimulatedClock();
        await using var peer = await RawPeer.ConnectAsync(clock);
        using var cancellation = new CancellationTokenSource();
        var first = peer.EchoAsync(cancellation.Token);
        await peer.ReadAsync();
        await cancellation.CancelAsync();
        Assert.NotNull((await first).Fault);

        var second = peer.SendAsync(SmbCommand.Write, 49, new(Changes: true));
        clock.Advance(TimeSpan.FromSeconds(31));

        var fault = (await second.WaitAsync(Patience)).Fault!;
        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task OnTimer_Idle_AsksAndTakesASilentPeerForLost()
    {
        var clock = new SimulatedClock();
        await using var peer = await RawPeer.ConnectAsync(clock);
        await peer.GrantAsync();
        peer.Protect(seals: true);

        clock.Advance(TimeSpan.FromSeconds(31));
        var echo = await peer.ReadAsync();
        await peer.SendAsync(peer.Seal(RawPeer.Answer(echo)));
        Assert.Equal(SmbCommand.Echo, SmbHeader.CommandOf(echo));
        var between = peer.EchoAsync();
        await peer.SendAsync(peer.Seal(RawPeer.Answer(await peer.ReadAsync())));
        Assert.Null((await between.WaitAsync(Patience)).Fault);

        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(SmbCommand.Echo, SmbHeader.CommandOf(await peer.ReadAsync()));
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(TransportFaultKind.TimedOut, peer.Channel.Fault!.Kind);
    }

    [Theory]
    [InlineData("unknown id")]
    [InlineData("replayed")]
    [InlineData("another command")]
    [InlineData("a request")]
    [InlineData("unsolicited")]
    [InlineData("SMB1")]
    [InlineData("compressed")]
    [InlineData("sealed")]
    [InlineData("structure size")]
    [InlineData("next command that is odd")]
    [InlineData("next command beyond the end")]
    [InlineData("next command into the header")]
    [InlineData("pending without a name")]
    [InlineData("short")]
    [InlineData("empty")]
    [InlineData("long")]
    [InlineData("16 MiB")]
    [InlineData("no direct TCP")]
    public async Task Receive_ThatBreaksTheProtocol_EndsTheChannelWithAViolation(string what)
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        var reply = peer.SendAsync(SmbCommand.Flush, 24, new(Changes: true));
        var request = await peer.ReadAsync();
        var answer = RawPeer.Answer(request);
        switch (what)
        {
            case "unknown id":
                answer[24] ^= 0x40;
                break;
            case "replayed":
                answer[24] = 0;
                break;
            case "another command":
                answer[12] = (byte)SmbCommand.Echo;
                break;
            case "a request":
                answer[16] = 0;
                break;
            case "unsolicited":
                answer.AsSpan(24, 8).Fill(0xFF);
                break;
            case "SMB1":
                answer[0] = 0xFF;
                break;
            case "compressed":
                answer[0] = 0xFC;
                break;
            case "sealed":
                answer[0] = 0xFD;
                break;
            case "structure size":
                answer[4] = 65;
                break;
            case "next command that is odd":
                answer[20] = 65;
                break;
            case "next command beyond the end":
                answer[20] = 72;
                break;
            case "next command into the header":
                answer[20] = 8;
                break;
            case "pending without a name":
                answer[8] = 3;
                answer[9] = 1;
                break;
            case "short":
                answer = answer[..63];
                break;
            case "empty":
                answer = [];
                break;
            default:
                break;
        }

        await (what switch
        {
            "long" => peer.SendRawAsync([0, 2, 0, 0]),
            "16 MiB" => peer.SendRawAsync([0, 0xFF, 0xFF, 0xFF]),
            "no direct TCP" => peer.SendRawAsync([0x85, 0, 0, 0x44, .. answer]),
            _ => peer.SendAsync(answer),
        });

        var fault = (await reply.WaitAsync(Patience)).Fault!;
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await peer.EchoAsync().WaitAsync(Patience)).Fault!.Kind);
    }

    [Fact]
    public async Task Receive_ByteByByte_GivesTheSameAnswers()
    {
        await using var peer = await RawPeer.ConnectAsync();
        for (var i = 0; i < 3; i++)
        {
            var reply = peer.EchoAsync();
            var answer = RawPeer.Answer(await peer.ReadAsync());
            foreach (var part in new byte[] { 0, 0, 0, (byte)answer.Length }.Concat(answer))
            {
                await peer.SendRawAsync([part]);
            }

            using var got = await reply.WaitAsync(Patience);
            Assert.Equal(answer, got.Message.ToArray());
        }
    }

    [Fact]
    public async Task SendCompound_AnswersInOneFrame_AreTakenApart()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        var waits = await SendTwoAsync(peer);
        var request = await peer.ReadAsync();
        var second = request[(int)SmbHeader.NextCommandOf(request)..];
        byte[] first = [.. RawPeer.Answer(request, 0xC0000034, credits: 3), 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32LittleEndian(first.AsSpan(20), first.Length);

        await peer.SendAsync([.. first, .. RawPeer.Answer(second, 0xC0000022)]);

        using var one = await waits[0].WaitAsync(Patience);
        using var two = await waits[1].WaitAsync(Patience);
        Assert.Equal((0xC0000034u, 0xC0000022u), (one.Status, two.Status));
    }

    [Fact]
    public async Task DisposeAsync_WhileRequestsWait_EndsThem()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        var replies = Enumerable.Range(0, 100).Select(_ => peer.EchoAsync()).ToList();

        await peer.Channel.DisposeAsync();
        await peer.Channel.DisposeAsync();

        Assert.All(await Task.WhenAll(replies).WaitAsync(Patience), r => Assert.Equal(TransportFaultKind.Lost, r.Fault!.Kind));
    }

    [Fact]
    public async Task ExchangeAsync_ManyAtOnceAndCancelledAtRandom_EachHasItsOwnAnswer()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync(200);
        var serving = Task.Run(async () =>
        {
            for (var cancelled = 0; ;)
            {
                var request = await peer.ReadAsync();
                if (SmbHeader.CommandOf(request) == SmbCommand.Cancel)
                {
                    cancelled++;
                    continue;
                }

                // The body says who asked.
                var answer = RawPeer.Answer(request, bodyBytes: 8);
                request.AsSpan(64, 8).CopyTo(answer.AsSpan(64));
                await peer.SendAsync(answer);
                if (BinaryPrimitives.ReadInt32LittleEndian(request.AsSpan(64)) == -1)
                {
                    return cancelled;
                }
            }
        });

        await Parallel.ForAsync(0, 3000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            using var cancellation = new CancellationTokenSource();
            var reply = AskAsync(peer, i, cancellation.Token);
            if (i % 5 == 0)
            {
                await cancellation.CancelAsync();
            }

            using var answer = await reply;
            Assert.True(answer.Fault is { Kind: TransportFaultKind.Cancelled } ? i % 5 == 0 : BinaryPrimitives.ReadInt32LittleEndian(answer.Message[64..]) == i);
        });

        using var last = await AskAsync(peer, -1, CancellationToken.None);
        Assert.Null(last.Fault);
        await serving.WaitAsync(Patience);
        Assert.Null(peer.Channel.Fault);

        static async Task<SmbReply> AskAsync(RawPeer peer, int who, CancellationToken cancellationToken)
        {
            var frame = peer.Channel.Rent(8);
            BinaryPrimitives.WriteInt32LittleEndian(frame.Add(SmbCommand.Echo, 0, 8), who);
            return await peer.Channel.ExchangeAsync(frame, default, null, cancellationToken);
        }
    }

    private static async Task<Task<SmbReply>[]> SendTwoAsync(RawPeer peer)
    {
        var frame = peer.Channel.Rent(64 + 24, 2);
        frame.Add(SmbCommand.Create, 7, 64);
        frame.Add(SmbCommand.Close, 7, 24);
        var lease = await peer.Channel.TakeCreditsAsync(2, 2, CancellationToken.None);
        var waits = new ValueTask<SmbReply>[2];
        peer.Channel.SendCompound(frame, lease, default, null, waits, CancellationToken.None);
        return [waits[0].AsTask(), waits[1].AsTask()];
    }
}
