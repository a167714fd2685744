using System.Buffers.Binary;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>Peers that are wrong before anybody is logged on: each is refused with the right kind, without a trace on the peer, and none is trusted.</summary>
public sealed class HostileLogonTests
{
    private const ushort Negotiate = 0;
    private const ushort SessionSetup = 1;

    private static readonly Dictionary<string, (TransportFaultKind Kind, SmbScript Script)> s_scenarios = new()
    {
        ["the last answer is not signed"] = (TransportFaultKind.PeerNotTrusted, On(SessionSetup, static r => r.Protection = ReplyProtection.None)),
        ["the last answer is signed wrongly"] = (TransportFaultKind.PeerNotTrusted, On(SessionSetup, static r => r.Protection = ReplyProtection.Wrong)),
        ["the account becomes a guest"] = (TransportFaultKind.CredentialsRejected, new() { SessionFlags = 1 }),
        ["the account becomes nobody"] = (TransportFaultKind.CredentialsRejected, new() { SessionFlags = 2 }),
        ["the account becomes a guest, unsigned"] = (TransportFaultKind.CredentialsRejected, On(SessionSetup, static r => r.Protection = ReplyProtection.None) with { SessionFlags = 1 }),
        ["the logon is over at once"] = (TransportFaultKind.PeerNotTrusted, On(SessionSetup, static r => r.Status = 0)),
        ["the logon is over at once, without a token"] = (TransportFaultKind.PeerNotTrusted, On(SessionSetup, static r => (r.Message, r.SessionId) = (SmbMessages.Answer(r.Request, 0, SmbMessages.SessionSetup(0, [])), 25))),
        ["the logon never ends"] = (TransportFaultKind.PeerNotTrusted, On(SessionSetup, static r => r.Status = SmbMessages.MoreProcessing)),
        ["mechListMIC is missing"] = (TransportFaultKind.PeerNotTrusted, new() { Logon = static s => new(s.User, s.Password) { SendsMic = false } }),
        ["the challenge has no 128 bits"] = (TransportFaultKind.PeerNotTrusted, new() { Logon = static s => new(s.User, s.Password) { Flags = 0xC28A_8215 } }),
        ["Kerberos alone is offered"] = (TransportFaultKind.PeerNotTrusted, new() { Offer = NtlmServer.Offer(ntlm: false) }),
        ["the offer is NTLM itself"] = (TransportFaultKind.PeerNotTrusted, new() { Offer = "NTLMSSP\0\u0001\0\0\0"u8.ToArray() }),
        ["the offer is garbage"] = (TransportFaultKind.PeerNotTrusted, new() { Offer = [1, 2, 3] }),
        ["encryption is demanded that was not agreed upon"] = (TransportFaultKind.ProtocolViolation, new() { Cipher = SmbCipher.None, EncryptsSession = true }),
        ["the session has no id"] = (TransportFaultKind.ProtocolViolation, On(SessionSetup, static r => r.SessionId = 0)),
        ["the session changes its id"] = (TransportFaultKind.ProtocolViolation, On(SessionSetup, static r => r.SessionId += r.Status == 0 ? 1u : 0u)),
        ["the token lies outside"] = (TransportFaultKind.ProtocolViolation, On(SessionSetup, static r => r.Put16(4, 0xFFFF))),
        ["the token is longer than the message"] = (TransportFaultKind.ProtocolViolation, On(SessionSetup, static r => r.Put16(6, 0xFFFF))),
        ["the token overlaps the header"] = (TransportFaultKind.ProtocolViolation, On(SessionSetup, static r => r.Put16(4, 8))),
        ["the structure has another size"] = (TransportFaultKind.ProtocolViolation, On(SessionSetup, static r => r.Put16(0, 8))),
        ["the answer ends in its header"] = (TransportFaultKind.ProtocolViolation, On(SessionSetup, static r => r.Message = r.Message[..66])),

        ["3.1.1 is talked down to 3.0.2"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Put16(4, 0x0302))),
        ["3.1.1 is talked down to 2.1"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Put16(4, 0x0210))),
        ["3.0.2 is talked down to 2.1"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Put16(4, 0x0210), SmbDialect.Smb302)),
        ["3.0.2 is talked down to 3.0"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Put16(4, 0x0300), SmbDialect.Smb302)),
        ["3.0.2's encryption is taken away"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Put32(24, 4), SmbDialect.Smb302)),
        ["3.0.2 is called another server"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Message[64 + 8] ^= 1, SmbDialect.Smb302)),
        ["3.0.2 is said not to demand signatures"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Put16(2, 1), SmbDialect.Smb302)),
        ["2.1 has another capability"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Put32(24, 5), SmbDialect.Smb210)),
        ["the salt is another one"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Message[Contexts(r) + 14] ^= 1)),
        ["the cipher is another one"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Message[Contexts(r) + 48 + 10] = 1)),
        ["the cipher is none"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Message[Contexts(r) + 48 + 10] = 0)),
        ["the signatures are other ones"] = (TransportFaultKind.PeerNotTrusted, On(Negotiate, static r => r.Message[Contexts(r) + 64 + 10] = 1)),
        ["the validation says another dialect"] = (TransportFaultKind.PeerNotTrusted, On(11, static r => r.Message[64 + 48 + 22] = 0x11, SmbDialect.Smb302)),
        ["the validation says less"] = (TransportFaultKind.PeerNotTrusted, On(11, static r => r.Put32(36, 23), SmbDialect.Smb302)),
        ["the validation is refused"] = (TransportFaultKind.PeerNotTrusted, On(11, static r => r.Message = SmbMessages.Answer(r.Request, SmbMessages.NotSupported, SmbMessages.ErrorBody()), SmbDialect.Smb302)),
        ["the validation is not signed"] = (TransportFaultKind.PeerNotTrusted, On(11, static r => r.Protection = ReplyProtection.None, SmbDialect.Smb210)),

        ["a dialect that was not offered"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put16(4, 0x0202))),
        ["the wildcard dialect"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put16(4, 0x02FF))),
        ["no preauthentication"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[Contexts(r)] = 0x77)),
        ["another hash"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[Contexts(r) + 12] = 2)),
        ["two hashes"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[Contexts(r) + 8] = 2)),
        ["a salt that is longer than its context"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[Contexts(r) + 10] = 255)),
        ["a cipher that was not offered"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[Contexts(r) + 48 + 10] = 9)),
        ["two ciphers"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[Contexts(r) + 48 + 8] = 2)),
        ["two preauthentications"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[Contexts(r) + 48] = 1)),
        ["more contexts than there are"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put16(6, 0xFFFF))),
        ["contexts outside"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put32(60, 0xFFFF_FFF8))),
        ["contexts in the header"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put32(60, 8))),
        ["contexts at an odd place"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put32(60, (uint)Contexts(r) + 1))),
        ["an offer outside"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put16(56, 0xFFF0))),
        ["an offer that is longer than the message"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Put16(58, 0xFFFF))),
        ["no room for requests"] = (TransportFaultKind.ProtocolViolation, new() { MaxRead = 0, MaxTransact = 0, MaxWrite = 0 }),
        ["nothing in the answer"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message = r.Message[..64])),
        ["a refusal"] = (TransportFaultKind.Unsupported, On(Negotiate, static r => r.Message = SmbMessages.Answer(r.Request, SmbMessages.NotSupported, SmbMessages.ErrorBody()))),

        ["SMB1"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[0] = 0xFF)),
        ["a seal before there is a key"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[0] = 0xFD)),
        ["another message's answer"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.MessageId = 99)),
        ["another command's answer"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[12] = 1)),
        ["a request"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Flags = 0)),
        ["a header of another size"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => r.Message[4] = 63)),
        ["a frame of 16 MiB"] = (TransportFaultKind.ProtocolViolation, OnFrame(Negotiate, static f => [0, 0xFF, 0xFF, 0xFF, .. f[4..]])),
        ["a frame of 4 GiB"] = (TransportFaultKind.ProtocolViolation, OnFrame(Negotiate, static f => [0xFF, 0xFF, 0xFF, 0xFF, .. f[4..]])),
        ["NetBIOS' keep-alive"] = (TransportFaultKind.ProtocolViolation, OnFrame(Negotiate, static f => [0x85, 0, 0, 0, .. f])),
        ["an empty frame"] = (TransportFaultKind.ProtocolViolation, OnFrame(Negotiate, static f => [0, 0, 0, 0, .. f])),
        ["a compound without end"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => BinaryPrimitives.WriteInt32LittleEndian(r.Message.AsSpan(20), 0x7FFF_FFF8))),
        ["a compound that goes back"] = (TransportFaultKind.ProtocolViolation, On(Negotiate, static r => BinaryPrimitives.WriteInt32LittleEndian(r.Message.AsSpan(20), -64))),
        ["half of a frame"] = (TransportFaultKind.Lost, Half(Negotiate)),
        ["half of the second frame"] = (TransportFaultKind.Lost, Half(SessionSetup)),
        ["no answer, and the connection ends"] = (TransportFaultKind.Lost, On(SessionSetup, static r => (r.Times, r.EndsConnection) = (0, true))),
    };

    public static TheoryData<string> Scenarios => [.. s_scenarios.Keys];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task Connect_ToAPeerThatIsWrong_IsRefusedForWhatIsWrong(string scenario)
    {
        var (kind, script) = s_scenarios[scenario];
        await using var server = new ScriptedSmbServer(script);

        // Without demanding encryption, so that its absence does not hide what else is wrong.
        var connected = await ScriptedClient.ConnectAsync(server, new() { Protection = SmbProtection.Signed, ConnectTimeout = TimeSpan.FromMinutes(1) }).WaitAsync(ScriptedClient.Bound);

        Assert.False(connected.TryGetValue(out _, out var fault), "it was trusted");
        Assert.True((kind, FaultEffect.NotSent) == (fault.Kind, fault.Effect), fault.ToString());
        Assert.DoesNotContain("Passw0rd!", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_PeerWithoutEncryption_IsRefusedBeforeTheLogon()
    {
        var answered = 0;
        foreach (var script in (SmbScript[])[new() { Cipher = SmbCipher.None }, new() { Dialect = SmbDialect.Smb302, Cipher = SmbCipher.None }])
        {
            await using var server = new ScriptedSmbServer(script with { OnReply = _ => answered++ });

            Assert.False((await ScriptedClient.ConnectAsync(server)).TryGetValue(out _, out var fault));

            Assert.Equal(TransportFaultKind.PeerNotTrusted, fault.Kind);
        }

        Assert.Equal(2, answered);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Connect_PeerThatDoesNotAnswer_IsGivenUpInTime(int silentFrom)
    {
        var clock = new SimulatedClock();
        await using var server = new ScriptedSmbServer(new() { OnReply = r => r.Times = r.Number >= silentFrom ? 0 : 1 });

        var connected = await ClockWork.DriveAsync(clock, ScriptedClient.ConnectAsync(server, time: clock));

        Assert.False(connected.TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task Connect_PeerThatSendsByteByByteForEver_IsGivenUpInTime()
    {
        // Each byte is a sign of life; the time for the whole of it is bounded all the same.
        await using var server = new ScriptedSmbServer(new() { OnReply = static r => (r.PieceBytes, r.PieceDelay) = (1, TimeSpan.FromMilliseconds(20)) });

        var connected = await ScriptedClient.ConnectAsync(server, new() { ConnectTimeout = TimeSpan.FromMilliseconds(500) }).WaitAsync(ScriptedClient.Bound);

        Assert.False(connected.TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task Connect_Cancelled_IsCancelledAtOnce()
    {
        using var cancellation = new CancellationTokenSource();
        await using var server = new ScriptedSmbServer(new()
        {
            OnReply = r =>
            {
                r.Times = 0;
                cancellation.Cancel();
            },
        });

        Assert.False((await ScriptedClient.ConnectAsync(server, cancellationToken: cancellation.Token).WaitAsync(ScriptedClient.Bound)).TryGetValue(out _, out var fault));

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    private static int Contexts(ScriptedReply reply) => BinaryPrimitives.ReadInt32LittleEndian(reply.Message.AsSpan(64 + 60));

    private static SmbScript On(ushort command, Action<ScriptedReply> change, SmbDialect dialect = SmbDialect.Smb311) => new()
    {
        Dialect = dialect,
        Cipher = dialect switch { SmbDialect.Smb210 => SmbCipher.None, SmbDialect.Smb311 => SmbCipher.Aes128Gcm, _ => SmbCipher.Aes128Ccm },
        OnReply = reply =>
        {
            if (reply.Command == command)
            {
                change(reply);
            }
        },
    };

    private static SmbScript OnFrame(ushort command, Func<byte[], byte[]> change) => On(command, reply => reply.OnFrame = change);

    private static SmbScript Half(ushort command) => On(command, static reply => (reply.OnFrame, reply.EndsConnection) = (static f => f[..(f.Length / 2)], true));
}
