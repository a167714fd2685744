using System.Buffers.Binary;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class RpcConnectionTests
{
    private const int Limit = 1 << 20;
    private static readonly RpcService Echo = new("echo", "the echo", new Guid("12345678-1234-1234-1234-123456789abc"), 1, 2);

    [Fact]
    public async Task OpenAsync_NoSuchPipe_TheServiceDoesNotRun()
    {
        var fault = Fault(await RpcConnection.OpenAsync(new FakeSmb(), Echo, default));

        Assert.Equal((TransportFaultKind.ServiceNotRunning, FaultEffect.NotSent, "the echo"), (fault.Kind, fault.Effect, fault.Detail));
        Assert.Equal(0xC0000034, fault.PeerCode!.Value.Number);
    }

    [Fact]
    public async Task OpenAsync_PipeRefused_IsTheRefusalAndNothingWasSent()
    {
        var smb = new FakeSmb { Refusal = new(TransportFaultKind.AccessDenied, FaultEffect.MayHaveApplied) };

        var fault = Fault(await RpcConnection.OpenAsync(smb, Echo, default));

        Assert.Equal((TransportFaultKind.AccessDenied, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    public static TheoryData<string, TransportFaultKind> BindAnswers => new()
    {
        { "ack with result 1", TransportFaultKind.Unmapped },
        { "abstract syntax not supported", TransportFaultKind.Unsupported },
        { "another transfer syntax", TransportFaultKind.ProtocolViolation },
        { "two results", TransportFaultKind.ProtocolViolation },
        { "no result", TransportFaultKind.ProtocolViolation },
        { "cut", TransportFaultKind.ProtocolViolation },
        { "address of 64 KiB", TransportFaultKind.ProtocolViolation },
        { "receives too little", TransportFaultKind.ProtocolViolation },
        { "nak: congestion", TransportFaultKind.Busy },
        { "nak: version", TransportFaultKind.Unsupported },
        { "nak: cut", TransportFaultKind.ProtocolViolation },
        { "fault", TransportFaultKind.AccessDenied },
        { "a response", TransportFaultKind.ProtocolViolation },
        { "of a kind that is none", TransportFaultKind.ProtocolViolation },
        { "only the first part", TransportFaultKind.ProtocolViolation },
        { "another call", TransportFaultKind.ProtocolViolation },
        { "big-endian", TransportFaultKind.ProtocolViolation },
        { "version 4", TransportFaultKind.ProtocolViolation },
        { "with a verifier", TransportFaultKind.ProtocolViolation },
        { "more behind it", TransportFaultKind.ProtocolViolation },
        { "shorter than a header", TransportFaultKind.ProtocolViolation },
        { "longer than offered", TransportFaultKind.ProtocolViolation },
        { "says more than it sends", TransportFaultKind.TimedOut },
    };

    [Theory]
    [MemberData(nameof(BindAnswers))]
    public async Task OpenAsync_BindAnsweredOtherwise_IsAFaultAndThePipeIsClosed(string how, TransportFaultKind kind)
    {
        var (smb, server) = Serve(_ => new FakeAnswer([]));
        server.BindAnswer = call => how switch
        {
            "ack with result 1" => server.BindAck(call, 1),
            "abstract syntax not supported" => server.BindAck(call, 2, 1, Guid.Empty),
            "another transfer syntax" => server.BindAck(call, syntax: Guid.Empty),
            "two results" => With(server.BindAck(call, address: "x"), 28, 2),
            "no result" => With(server.BindAck(call, address: "x"), 28, 0),
            "cut" => Resized(server.BindAck(call)[..^8]),
            "address of 64 KiB" => With(server.BindAck(call), 24, 0xFF, 0xFF),
            "receives too little" => With(server.BindAck(call), 18, 0x97, 0x05),
            "nak: congestion" => FakeRpcServer.BindNak(call, 1),
            "nak: version" => FakeRpcServer.BindNak(call, 4),
            "nak: cut" => FakeRpcServer.Pdu(13, 3, call, [0]),
            "fault" => FakeRpcServer.Fault(call, 5),
            "a response" => FakeRpcServer.Response(call, [1, 2, 3, 4], 100).Single(),
            "of a kind that is none" => With(server.BindAck(call), 2, 99),
            "only the first part" => With(server.BindAck(call), 3, 1),
            "another call" => server.BindAck(call + 1),
            "big-endian" => With(server.BindAck(call), 4, 0),
            "version 4" => With(server.BindAck(call), 0, 4),
            "with a verifier" => With(server.BindAck(call), 10, 8),
            "more behind it" => [.. server.BindAck(call), 0],
            "shorter than a header" => With(server.BindAck(call), 8, 15, 0),
            "longer than offered" => With(server.BindAck(call), 8, 0xB9, 0x10),
            _ => With(server.BindAck(call), 8, 0xFF, 0),
        };

        var fault = Fault(await RpcConnection.OpenAsync(smb, Echo, default));

        Assert.Equal((kind, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal(1, Assert.Single(smb.Pipes).Disposed);
    }

    [Fact]
    public async Task CallAsync_StubOfAnyLength_ArrivesWholeInFragmentsThatThePeerReceives()
    {
        // Windows' own length, the least that is allowed, and one that is no multiple of eight.
        foreach (var receives in new[] { 4280, 1432, 1437 })
        {
            var room = (receives - 24) & ~7;
            foreach (var length in new[] { 0, 1, 7, room - 1, room, room + 1, room + 8, (2 * room) - 1, 2 * room, (2 * room) + 1, 20_000 })
            {
                var (smb, server) = Serve(stub => new FakeAnswer(stub));
                server.Receives = receives;
                await using var rpc = await OpenAsync(smb);
                var stub = Pattern(length);

                Assert.Equal(stub, Value(await rpc.CallAsync<byte[]>(new(7, Limit), stub, Take, default)));

                Assert.Equal(stub, Assert.Single(server.Calls).Stub);
                Assert.Equal(Math.Max(1, (length + room - 1) / room), server.Fragments.Count - 1);
                var left = length;
                Assert.All(server.Fragments.Skip(1), fragment =>
                {
                    Assert.Equal(left, BinaryPrimitives.ReadInt32LittleEndian(fragment.AsSpan(16)));
                    left -= fragment.Length - 24;
                });
            }
        }
    }

    [Fact]
    public async Task CallAsync_AnswerInFragmentsOfEveryLength_IsPutTogether()
    {
        var expected = Pattern(200);
        for (var part = 1; part <= 201; part++)
        {
            var (smb, server) = Serve(_ => new FakeAnswer(expected));
            server.AnswerPart = part;
            await using var rpc = await OpenAsync(smb);

            Assert.Equal(expected, Value(await rpc.CallAsync<byte[]>(new(7, expected.Length), default, Take, default)));
        }
    }

    [Fact]
    public async Task CallAsync_AnswerCutAtEveryPlaceBetweenReads_IsPutTogether()
    {
        // Three fragments as one stream of bytes, cut in two and in pieces of one length.
        var expected = Pattern(100);
        var total = Joined(3).Length;
        for (var cut = 1; cut < total; cut++)
        {
            foreach (var inPieces in new[] { false, true })
            {
                var (smb, server) = Serve(_ => new FakeAnswer(expected));
                server.AnswerPart = 40;
                var pending = new List<byte>();
                await using var rpc = await OpenAsync(smb);
                smb.Pipes[0].Wire = answer =>
                {
                    pending.AddRange(answer);
                    return (answer[3] & 2) == 0 ? [] : inPieces ? [.. pending.Chunk(cut)] : [.. new[] { pending.ToArray()[..cut], pending.ToArray()[cut..] }];
                };

                Assert.Equal(expected, Value(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default)));
                Assert.True(rpc.IsUsable);
            }
        }

        byte[] Joined(uint call) => [.. FakeRpcServer.Response(call, expected, 40).SelectMany(fragment => fragment)];
    }

    [Fact]
    public async Task CallAsync_LongAnswerInOneStreamAndReadsOfOddSizes_IsPutTogether()
    {
        var expected = Pattern(70_000);
        var (smb, _) = Serve(_ => new FakeAnswer(expected));
        var pending = new List<byte>();
        var random = new Random(1);
        await using var rpc = await OpenAsync(smb);
        smb.Pipes[0].ReadSize = () => random.Next(1, 9000);
        smb.Pipes[0].Wire = answer =>
        {
            pending.AddRange(answer);
            return (answer[3] & 2) == 0 ? [] : [pending.ToArray()];
        };

        Assert.Equal(expected, Value(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default)));
    }

    public static TheoryData<string> Lies =>
    [
        "another call", "another context", "big-endian", "EBCDIC", "VAX", "version 4", "minor 2", "with a verifier", "a bind_ack", "a request", "a kind that is none", "not the first", "the first twice",
        "nothing but the header", "cut off in the call's header", "shorter than a header", "longer than offered", "an empty part", "longer than the limit", "more behind it", "another answer behind it",
        "a fault in parts", "a fault without status", "a fault with status zero",
    ];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task CallAsync_AnswerThatIsNotAllowed_IsAViolationAndEndsTheConnection(string lie)
    {
        foreach (var isChange in new[] { false, true })
        {
            var (smb, server) = Serve(_ => new FakeAnswer(Pattern(100)));
            server.AnswerPart = lie is "the first twice" or "an empty part" ? 50 : 200;
            await using var rpc = await OpenAsync(smb);
            var isFirst = true;
            smb.Pipes[0].Wire = answer =>
            {
                var call = BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(12));
                var first = isFirst;
                isFirst = false;
                return lie switch
                {
                    "another call" => [With(answer, 12, 99)],
                    "another context" => [With(answer, 20, 1)],
                    "big-endian" => [With(answer, 4, 0)],
                    "EBCDIC" => [With(answer, 4, 0x11)],
                    "VAX" => [With(answer, 5, 1)],
                    "version 4" => [With(answer, 0, 4)],
                    "minor 2" => [With(answer, 1, 2)],
                    "with a verifier" => [With(answer, 10, 16)],
                    "a bind_ack" => [server.BindAck(call)],
                    "a request" => [With(answer, 2, 0)],
                    "a kind that is none" => [With(answer, 2, 200)],
                    "not the first" => [With(answer, 3, 2)],
                    "the first twice" => [first ? answer : With(answer, 3, 3)],
                    "nothing but the header" => [FakeRpcServer.Pdu(2, 3, call, [])],
                    "cut off in the call's header" => [FakeRpcServer.Pdu(2, 3, call, [0, 0, 0, 0, 0, 0, 0])],
                    "shorter than a header" => [With(answer, 8, 8, 0)],
                    "longer than offered" => [With(answer, 8, 0xB9, 0x10)],
                    "an empty part" => first ? [answer, FakeRpcServer.Pdu(2, 0, call, new byte[8])] : [answer],
                    "longer than the limit" => FakeRpcServer.Response(call, new byte[1001], 100),
                    "more behind it" => [[.. answer, 5]],
                    "another answer behind it" => [[.. answer, .. answer]],
                    "a fault in parts" => [With(FakeRpcServer.Fault(call, 5), 3, 1)],
                    "a fault without status" => [Resized(FakeRpcServer.Fault(call, 5)[..27])],
                    _ => [FakeRpcServer.Fault(call, 0)],
                };
            };

            var fault = Fault(await rpc.CallAsync<byte[]>(new(7, 1000, isChange), default, Take, default));

            Assert.Equal((TransportFaultKind.ProtocolViolation, isChange ? FaultEffect.MayHaveApplied : FaultEffect.NotSent), (fault.Kind, fault.Effect));
            Assert.False(rpc.IsUsable);
            var next = Fault(await rpc.CallAsync<byte[]>(new(7, 1000, isChange), default, Take, default));
            Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (next.Kind, next.Effect));
            Assert.Single(server.Calls);
        }
    }

    [Fact]
    public async Task CallAsync_AnswerAtTheLimit_IsTaken()
    {
        var (smb, server) = Serve(_ => new FakeAnswer(Pattern(1000)));
        server.AnswerPart = 300;
        await using var rpc = await OpenAsync(smb);

        Assert.Equal(1000, Value(await rpc.CallAsync<byte[]>(new(7, 1000), default, Take, default)).Length);
        Assert.Equal(TransportFaultKind.ProtocolViolation, Fault(await rpc.CallAsync<byte[]>(new(7, 999), default, Take, default)).Kind);
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 4100)]
    [InlineData(4256, 250)]
    public async Task CallAsync_FragmentsWithoutEnd_StopAtABound(int part, int mostReads)
    {
        var (smb, server) = Serve(_ => new FakeAnswer(Pattern(2 * part)));
        server.AnswerPart = Math.Max(1, part);
        await using var rpc = await OpenAsync(smb);
        var pipe = smb.Pipes[0];
        pipe.Wire = answer => (answer[3] & 2) == 0 ? [answer] : [];
        pipe.Endless = () => FakeRpcServer.Pdu(2, part == 0 ? (byte)1 : (byte)0, 2, new WireBuilder().U32(0).U32(0).Raw(new byte[part]).ToArray());

        var fault = Fault(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default));

        Assert.Equal(TransportFaultKind.ProtocolViolation, fault.Kind);
        Assert.InRange(pipe.Reads, 0, mostReads);
    }

    [Fact]
    public async Task CallAsync_HintOfFourGigabytes_MakesNoRoom()
    {
        var (smb, _) = Serve(_ => new FakeAnswer(Pattern(100)));
        await using var rpc = await OpenAsync(smb);
        smb.Pipes[0].Wire = answer => [With(answer, 16, 0xFF, 0xFF, 0xFF, 0xFF)];
        _ = Value(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default));

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(100, Value(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default)).Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Theory]
    [InlineData(0x1C010002, 0x20, TransportFaultKind.Unsupported)]
    [InlineData(5, 0, TransportFaultKind.AccessDenied)]
    [InlineData(0x1C00001A, 0, TransportFaultKind.ProtocolViolation)]
    public async Task CallAsync_Fault_IsAValueAndTheConnectionGoesOn(uint status, byte flags, TransportFaultKind kind)
    {
        var (smb, server) = Serve(_ => FakeAnswer.Status(status, flags));
        server.Operations[8] = stub => new FakeAnswer(stub);
        await using var rpc = await OpenAsync(smb);

        var fault = Fault(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default));

        Assert.Equal((kind, FaultEffect.NotSent, (ulong)status), (fault.Kind, fault.Effect, fault.PeerCode!.Value.Number));
        Assert.Equal(Pattern(9), Value(await rpc.CallAsync<byte[]>(new(8, Limit), Pattern(9), Take, default)));
    }

    [Fact]
    public async Task CallAsync_FaultInTheMiddleOfAnAnswer_EndsTheAnswer()
    {
        var (smb, server) = Serve(_ => new FakeAnswer(Pattern(100)));
        server.AnswerPart = 60;
        await using var rpc = await OpenAsync(smb);
        smb.Pipes[0].Wire = answer => (answer[3] & 2) == 0 ? [answer] : [FakeRpcServer.Fault(2, 0x1C010014)];

        Assert.Equal(TransportFaultKind.Busy, Fault(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default)).Kind);
        Assert.True(rpc.IsUsable);
    }

    [Fact]
    public async Task CallAsync_ParametersThatCantBeRead_AreAViolationAndTheConnectionGoesOn()
    {
        var (smb, _) = Serve(stub => new FakeAnswer(stub));
        await using var rpc = await OpenAsync(smb);

        var read = Fault(await rpc.CallAsync<byte[]>(new(7, Limit), default, Refuse, default));
        var change = Fault(await rpc.CallAsync<byte[]>(new(7, Limit, IsChange: true), default, Refuse, default));

        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (read.Kind, read.Effect));
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (change.Kind, change.Effect));
        Assert.True(rpc.IsUsable);

        static bool Refuse(ReadOnlySpan<byte> stub, out byte[] answer)
        {
            answer = [];
            return false;
        }
    }

    // Operations: 1 binds; of the call, 2 and 3 are the first fragments, 4 is the last one and the answer's first part, 5 its rest.
    [Theory]
    [InlineData(2, false, null, FaultEffect.NotSent)]
    [InlineData(3, false, 0xC000014B, FaultEffect.NotSent)]
    [InlineData(3, true, null, FaultEffect.NotSent)]
    [InlineData(4, false, null, FaultEffect.NotSent)]
    [InlineData(4, false, 0xC000014B, FaultEffect.MayHaveApplied)]
    [InlineData(4, true, null, FaultEffect.MayHaveApplied)]
    [InlineData(5, false, 0xC000014B, FaultEffect.MayHaveApplied)]
    [InlineData(5, false, null, FaultEffect.MayHaveApplied)]
    public async Task CallAsync_ThePipeFails_TheEffectIsToldHonestly(int operation, bool mayHaveApplied, uint? status, FaultEffect effect)
    {
        foreach (var isChange in new[] { true, false })
        {
            var (smb, server) = Serve(_ => new FakeAnswer(Pattern(100)));
            server.Receives = 1432;
            server.AnswerPart = 60;
            await using var rpc = await OpenAsync(smb);
            var cause = new TransportFault(TransportFaultKind.Lost, mayHaveApplied ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, "cause") { PeerCode = status is { } number ? new PeerCode(PeerCode.NtStatus, number) : null };
            smb.Pipes[0].Fail = at => at == operation ? cause : null;

            var fault = Fault(await rpc.CallAsync<byte[]>(new(7, Limit, isChange), Pattern(4000), Take, default));

            Assert.Equal(cause with { Effect = isChange ? effect : FaultEffect.NotSent }, fault);
            Assert.Equal(operation == 5 ? 1 : 0, server.Calls.Count);
            Assert.False(rpc.IsUsable);
        }
    }

    [Fact]
    public async Task CallAsync_ThePipeThrows_IsAFaultWithoutItsText()
    {
        var (smb, _) = Serve(_ => new FakeAnswer(Pattern(100)));
        await using var rpc = await OpenAsync(smb);
        smb.Pipes[0].Fail = _ => throw new InvalidOperationException("secret");

        var fault = Fault(await rpc.CallAsync<byte[]>(new(7, Limit, IsChange: true), default, Take, default));

        Assert.Equal((TransportFaultKind.TransportBroken, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.DoesNotContain("secret", fault.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    [InlineData(9000)]
    public async Task OpenAsync_ThePipeReadsWhatItCant_IsAFault(int count)
    {
        var (smb, _) = Serve(_ => new FakeAnswer(Pattern(100)));
        smb.Prepare = pipe => pipe.LyingCount = count;

        Assert.Equal(TransportFaultKind.TransportBroken, Fault(await RpcConnection.OpenAsync(smb, Echo, default)).Kind);
    }

    [Fact]
    public async Task CallAsync_CancelledBefore_NothingIsSent()
    {
        var (smb, server) = Serve(stub => new FakeAnswer(stub));
        await using var rpc = await OpenAsync(smb);

        var fault = Fault(await rpc.CallAsync<byte[]>(new(7, Limit, IsChange: true), default, Take, new CancellationToken(true)));

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Empty(server.Calls);
        Assert.True(rpc.IsUsable);
        Assert.Equal(TransportFaultKind.Cancelled, Fault(await RpcConnection.OpenAsync(smb, Echo, new CancellationToken(true))).Kind);
        Assert.Single(smb.Pipes);
    }

    [Fact]
    public async Task CallAsync_CancelledWhileItIsAnswered_MayHaveAppliedAndEndsTheConnection()
    {
        using var source = new CancellationTokenSource();
        var (smb, server) = Serve(_ =>
        {
            source.Cancel();
            return new FakeAnswer(Pattern(100));
        });
        server.AnswerPart = 60;
        await using var rpc = await OpenAsync(smb);

        var fault = Fault(await rpc.CallAsync<byte[]>(new(7, Limit, IsChange: true), default, Take, source.Token));

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.False(rpc.IsUsable);
    }

    [Fact]
    public async Task DisposeAsync_Twice_ClosesThePipeAndLaterCallsAreLost()
    {
        var (smb, server) = Serve(stub => new FakeAnswer(stub));
        var rpc = await OpenAsync(smb);

        await rpc.DisposeAsync();
        await rpc.DisposeAsync();

        Assert.Equal(1, smb.Pipes[0].Disposed);
        Assert.Equal(TransportFaultKind.Lost, Fault(await rpc.CallAsync<byte[]>(new(7, Limit), default, Take, default)).Kind);
        Assert.Empty(server.Calls);
    }

    internal static T Value<T>(TransportResult<T> result)
        where T : notnull
    {
        Assert.True(result.TryGetValue(out var value, out var fault), fault?.ToString());
        return value;
    }

    internal static TransportFault Fault<T>(TransportResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out _, out var fault), "there is a value");
        return fault!;
    }

    private static (FakeSmb Smb, FakeRpcServer Server) Serve(Func<byte[], FakeAnswer> operation)
    {
        var server = new FakeRpcServer(Echo.Interface, Echo.Major, Echo.Minor) { Operations = { [7] = operation } };
        return (new FakeSmb().Serve(Echo.Pipe, () => server), server);
    }

    private static async Task<RpcConnection> OpenAsync(FakeSmb smb) => Value(await RpcConnection.OpenAsync(smb, Echo, default));

    private static bool Take(ReadOnlySpan<byte> stub, out byte[] answer)
    {
        answer = stub.ToArray();
        return true;
    }

    private static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7))];

    private static byte[] With(byte[] pdu, int offset, params byte[] bytes)
    {
        var changed = pdu.ToArray();
        bytes.CopyTo(changed, offset);
        return changed;
    }

    private static byte[] Resized(byte[] pdu) => With(pdu, 8, (byte)pdu.Length, (byte)(pdu.Length >> 8));
}
