using System.Buffers.Binary;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>Peers that let somebody log on, and are wrong afterwards: in how they protect what they send, and in what they say under a right signature.</summary>
[Collection("Alone")]
public sealed class HostileSessionTests
{
    private const ushort TreeConnect = 3;
    private const ushort Create = 5;
    private const ushort Read = 8;
    private const ushort Write = 9;
    private const ushort Ioctl = 11;
    private const ushort List = 14;
    private const ushort Query = 16;

    private static readonly Dictionary<string, (TransportFaultKind Kind, ushort Command, Action<ScriptedReply> Change)> s_lies = new()
    {
        ["a share's answer of another size"] = (TransportFaultKind.ProtocolViolation, TreeConnect, static r => r.Put16(0, 17)),
        ["a share's answer without a body"] = (TransportFaultKind.ProtocolViolation, TreeConnect, static r => r.Message = r.Message[..70]),
        ["a file of negative length"] = (TransportFaultKind.ProtocolViolation, Create, static r => r.Put64(48, 0x8000_0000_0000_0000)),
        ["a file's answer of another size"] = (TransportFaultKind.ProtocolViolation, Create, static r => r.Put16(0, 88)),
        ["a file's answer that ends early"] = (TransportFaultKind.ProtocolViolation, Create, static r => r.Message = r.Message[..150]),
        ["data outside"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Message[64 + 2] = 255),
        ["data in the header"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Message[64 + 2] = 16),
        ["more data than the message has"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Put32(4, 0xFFFF_FFFF)),
        ["more data than were asked for"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Message = SmbMessages.Answer(r.Request, 0, SmbMessages.Read(new byte[30_000]))),
        ["more was written than was given"] = (TransportFaultKind.ProtocolViolation, Write, static r => r.Put32(4, 0xFFFF_FFFF)),
        ["nothing was written"] = (TransportFaultKind.ProtocolViolation, Write, static r => r.Put32(4, 0)),
        ["another control's output"] = (TransportFaultKind.ProtocolViolation, Ioctl, static r => r.Put32(4, 0x0014_0204)),
        ["output outside"] = (TransportFaultKind.ProtocolViolation, Ioctl, static r => r.Put32(32, 0xFFFF_FFF0)),
        ["output in the header"] = (TransportFaultKind.ProtocolViolation, Ioctl, static r => r.Put32(32, 0)),
        ["more output than the message has"] = (TransportFaultKind.ProtocolViolation, Ioctl, static r => r.Put32(36, 0xFFFF_FFFF)),
        ["a pipe's message that is longer than was asked for"] = (TransportFaultKind.ProtocolViolation, Ioctl, static r => r.Message = SmbMessages.Answer(r.Request, 0, SmbMessages.Ioctl(r.Request, new byte[20_000]))),
        ["a pipe's message without content"] = (TransportFaultKind.ProtocolViolation, Ioctl, static r => r.Put32(36, 0)),
        ["entries outside"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put16(2, 0xFFF0)),
        ["more entries than the message has"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(4, 0xFFFF_FFFF)),
        ["an entry that lies in itself"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(8, 8)),
        ["an entry behind the last one"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(8, 0x7FFF_FFF8)),
        ["an entry before the first one"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(8, 0xFFFF_FFF8)),
        ["a name that is longer than its entry"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(8 + 60, 0x7FFF_FFFE)),
        ["a name of half a character"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(8 + 60, 1)),
        ["no name"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(8 + 60, 0)),
        ["a name that goes up"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Message = Listing(r, @"..\..\evil")),
        ["a name with a slash"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Message = Listing(r, "a/b")),
        ["a name with a zero"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Message = Listing(r, "a\0b")),
        ["an entry of negative length"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put64(8 + 40, ulong.MaxValue)),
        ["no entries at all in a listing that succeeds"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Put32(4, 0)),
        ["more entries than anybody wants"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Message = Listing(r, [.. Enumerable.Range(0, 101).Select(i => $"file{i}")])),
        ["a listing that never ends"] = (TransportFaultKind.ProtocolViolation, List, static r => r.Message = Listing(r, ".", "..")),
        ["a volume's size that is cut off"] = (TransportFaultKind.ProtocolViolation, Query, static r => r.Put32(4, 5)),
        ["a volume's answer outside"] = (TransportFaultKind.ProtocolViolation, Query, static r => r.Put16(2, 0xFFFF)),

        ["an answer to nobody"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.MessageId += 1000),
        ["an answer to what was never asked"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.MessageId = ulong.MaxValue),
        ["an answer to another command"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Message[12] = 9),
        ["a request"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Flags &= ~1u),
        ["an answer in another session"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.SessionId++),
        ["an answer twice"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Before.Add([.. r.Message])),
        ["an interim answer without a name"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Message = SmbMessages.Answer(r.Request, SmbMessages.Pending, SmbMessages.ErrorBody())),
        ["a header of another size"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.Message[4] = 65),
        ["a compound that goes on outside"] = (TransportFaultKind.ProtocolViolation, Read, static r => BinaryPrimitives.WriteInt32LittleEndian(r.Message.AsSpan(20), 0x0100_0000)),
        ["a compound that overlaps"] = (TransportFaultKind.ProtocolViolation, Read, static r => BinaryPrimitives.WriteInt32LittleEndian(r.Message.AsSpan(20), 8)),
        ["a compound at an odd place"] = (TransportFaultKind.ProtocolViolation, Read, static r => BinaryPrimitives.WriteInt32LittleEndian(r.Message.AsSpan(20), 65)),
        ["a refusal"] = (TransportFaultKind.AccessDenied, Read, static r => r.Message = SmbMessages.Answer(r.Request, SmbMessages.AccessDenied, SmbMessages.ErrorBody())),
        ["a refusal without a body"] = (TransportFaultKind.AccessDenied, Read, static r => r.Message = SmbMessages.Answer(r.Request, SmbMessages.AccessDenied, [])),
        ["a session that has ended"] = (TransportFaultKind.Lost, Read, static r => r.Message = SmbMessages.Answer(r.Request, SmbMessages.SessionDeleted, SmbMessages.ErrorBody())),
        ["a status that nobody knows"] = (TransportFaultKind.Unmapped, Read, static r => r.Status = 0xC0AA_BBCC),

        ["a frame that is cut off"] = (TransportFaultKind.Lost, Read, static r => (r.OnFrame, r.EndsConnection) = (static f => f[..^1], true)),
        ["no answer, and the connection ends"] = (TransportFaultKind.Lost, Read, static r => (r.Times, r.EndsConnection) = (0, true)),
        ["a frame of 16 MiB"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.OnFrame = static f => [0, 0xFF, 0xFF, 0xFF, .. f[4..]]),
        ["an empty frame"] = (TransportFaultKind.ProtocolViolation, Read, static r => r.OnFrame = static f => [0, 0, 0, 0, .. f]),
    };

    public static TheoryData<string, bool> Lies
    {
        get
        {
            var all = new TheoryData<string, bool>();
            foreach (var lie in s_lies.Keys)
            {
                all.Add(lie, true);
                all.Add(lie, false);
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Walk_PeerThatLiesUnderARightSignatureOrSeal_IsFoundOut(string lie, bool seals)
    {
        var (kind, command, change) = s_lies[lie];
        await using var server = new ScriptedSmbServer(On(command, change));
        var before = GC.GetTotalAllocatedBytes();

        var fault = await ScriptedClient.WalkAsync(server, Options(seals), isTrusted: false).WaitAsync(ScriptedClient.Bound);

        Assert.True(kind == fault?.Kind, fault?.ToString() ?? "it was believed");
        Assert.True(GC.GetTotalAllocatedBytes() - before < 1L << 30, "it made a gigabyte of it");
    }

    [Theory]
    [InlineData("Wrong", true)]
    [InlineData("Wrong", false)]
    [InlineData("None", true)]
    [InlineData("None", false)]
    [InlineData("SignedOnly", true)]
    public async Task Walk_AnyAnswerProtectedWrongly_IsNotTrusted(string protection, bool seals)
    {
        // Each answer of a walk in its turn, from the first one after the logon on.
        var answers = await CountAsync(seals);
        Assert.InRange(answers, 20, 60);
        for (var number = 3; number < answers; number++)
        {
            await using var server = new ScriptedSmbServer(new()
            {
                Tree = ScriptedClient.Tree(),
                OnReply = reply => reply.Protection = reply.Number == number ? Enum.Parse<ReplyProtection>(protection) : ReplyProtection.Right,
            });

            var fault = await ScriptedClient.WalkAsync(server, Options(seals)).WaitAsync(ScriptedClient.Bound);

            // The last two are to tidying up, CLOSE and LOGOFF: nobody waits for what comes of them.
            Assert.True(fault?.Kind is TransportFaultKind.PeerNotTrusted || (fault is null && number >= answers - 2), $"answer {number} of {answers}: {fault?.ToString() ?? "it was trusted"}");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Walk_AnswerOfAnotherSession_IsNotTrusted(bool seals)
    {
        // Recorded in one session, and played back in the next one under the same ids: only the keys differ.
        var recorded = new Dictionary<int, byte[]>();
        await using var server = new ScriptedSmbServer(On(Read, reply => reply.OnFrame = frame => recorded.TryAdd(reply.Number, frame) ? frame : recorded[reply.Number]));
        Assert.Null(await ScriptedClient.WalkAsync(server, Options(seals)).WaitAsync(ScriptedClient.Bound));

        var fault = await ScriptedClient.WalkAsync(server, Options(seals)).WaitAsync(ScriptedClient.Bound);

        Assert.Equal(TransportFaultKind.PeerNotTrusted, fault?.Kind);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(500, true)]
    [InlineData(500, false)]
    public async Task Walk_PeerThatNeverAnswersOrOnlySaysThatItWill_IsGivenUpInTime(int interims, bool seals)
    {
        var (clock, reached) = (new SimulatedClock(), new TaskCompletionSource());
        await using var server = new ScriptedSmbServer(On(Read, reply =>
        {
            reached.TrySetResult();
            reply.Times = 0;
            for (var i = 0; i < interims; i++)
            {
                reply.Before.Add(reply.Interim());
            }
        }));

        var fault = await ClockWork.DriveAsync(clock, ScriptedClient.WalkAsync(server, Options(seals), clock), reached.Task);

        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault?.Kind, fault?.Effect));
    }

    [Fact]
    public async Task Walk_PeerThatIsSilentAtAWrite_SaysThatItMayHaveHappened()
    {
        var (clock, reached) = (new SimulatedClock(), new TaskCompletionSource());
        await using var server = new ScriptedSmbServer(On(Write, reply =>
        {
            reached.TrySetResult();
            reply.Times = 0;
        }));

        var fault = await ClockWork.DriveAsync(clock, ScriptedClient.WalkAsync(server, Options(seals: true), clock), reached.Task);

        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied), (fault?.Kind, fault?.Effect));
    }

    [Fact]
    public async Task Walk_PeerThatWritesAPartAndRefusesTheRest_SaysThatItMayHaveHappened()
    {
        var writes = 0;
        await using var server = new ScriptedSmbServer(On(Write, reply =>
        {
            if (++writes == 1)
            {
                reply.Put32(4, 1000);
                return;
            }

            reply.Message = SmbMessages.Answer(reply.Request, SmbMessages.AccessDenied, SmbMessages.ErrorBody());
        }));

        var fault = await ScriptedClient.WalkAsync(server).WaitAsync(ScriptedClient.Bound);

        Assert.Equal((2, TransportFaultKind.AccessDenied, FaultEffect.MayHaveApplied), (writes, fault?.Kind, fault?.Effect));
    }

    [Fact]
    public async Task Walk_PeerThatWritesOneByteAtATime_IsGivenUpAfterAFewAnswers()
    {
        var writes = 0;
        await using var server = new ScriptedSmbServer(On(Write, reply =>
        {
            writes++;
            reply.Put32(4, 1);
        }));

        var fault = await ScriptedClient.WalkAsync(server).WaitAsync(ScriptedClient.Bound);

        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (fault?.Kind, fault?.Effect));
        Assert.InRange(writes, 2, 10);
    }

    [Fact]
    public async Task Walk_PeerThatWritesLessThanItIsGivenNowAndThen_GetsTheRest()
    {
        var lengths = new List<int>();
        await using var server = new ScriptedSmbServer(On(Write, reply =>
        {
            lengths.Add(BinaryPrimitives.ReadInt32LittleEndian(reply.Request.AsSpan(64 + 4)));
            if (lengths.Count <= 3)
            {
                reply.Put32(4, 1000);
            }
        }));

        Assert.Null(await ScriptedClient.WalkAsync(server).WaitAsync(ScriptedClient.Bound));
        Assert.Equal([5000, 4000, 3000, 2000], lengths.Take(4));
    }

    [Fact]
    public async Task Walk_PeerThatGrantsNoCredits_IsToldSoAtOnce()
    {
        // From the logon's end on nothing is granted; what had been, is used up.
        await using var server = new ScriptedSmbServer(new() { Tree = ScriptedClient.Tree(), Credits = static (number, _) => number < 2 ? (ushort)1 : (ushort)0 });

        var fault = await ScriptedClient.WalkAsync(server).WaitAsync(ScriptedClient.Bound);

        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (fault?.Kind, fault?.Effect));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(65535)]
    public async Task Walk_PeerThatGrantsFewOrFarTooManyCredits_DoesWhatCanBeDone(int credits)
    {
        await using var server = new ScriptedSmbServer(new() { Tree = ScriptedClient.Tree(), Credits = (_, _) => (ushort)credits });

        Assert.Null(await ScriptedClient.WalkAsync(server).WaitAsync(ScriptedClient.Bound));
    }

    [Fact]
    public async Task Walk_AnswerInAnotherTree_GivesNothingThatIsNotTrue()
    {
        // What is signed and answers the right message id, is that message's answer, whatever tree it names.
        await using var server = new ScriptedSmbServer(On(Read, static reply => reply.TreeId += 7));

        Assert.True(await ScriptedClient.WalkAsync(server).WaitAsync(ScriptedClient.Bound) is null or { Kind: TransportFaultKind.ProtocolViolation });
    }

    [Fact]
    public async Task Dispose_PeerThatDoesNotAnswerTheLogoff_EndsInTime()
    {
        var clock = new SimulatedClock();
        await using var server = new ScriptedSmbServer(On(2, static reply => reply.Times = 0));
        Assert.True((await ScriptedClient.ConnectAsync(server, time: clock)).TryGetValue(out var connection, out var fault), fault?.ToString());

        Assert.True(await ClockWork.DriveAsync(clock, EndAsync(connection)));

        static async Task<bool> EndAsync(ISmbConnection connection)
        {
            await connection.DisposeAsync();
            await connection.DisposeAsync();
            return true;
        }
    }

    private static async Task<int> CountAsync(bool seals)
    {
        var answers = 0;
        await using var server = new ScriptedSmbServer(new() { Tree = ScriptedClient.Tree(), OnReply = _ => answers++ });
        Assert.Null(await ScriptedClient.WalkAsync(server, Options(seals)));
        return answers;
    }

    private static SmbConnectorOptions Options(bool seals) => new() { Protection = seals ? SmbProtection.Encrypted : SmbProtection.Signed, ConnectTimeout = TimeSpan.FromMinutes(1) };

    private static byte[] Listing(ScriptedReply reply, params string[] names) =>
        SmbMessages.Answer(reply.Request, 0, SmbMessages.Output(SmbMessages.Listing([.. names.Select(n => (n, new MemoryTree.Node()))], isIdBoth: false)));

    private static SmbScript On(ushort command, Action<ScriptedReply> change) => new()
    {
        Tree = ScriptedClient.Tree(),
        OnReply = reply =>
        {
            if (reply.Command == command)
            {
                change(reply);
            }
        },
    };
}
