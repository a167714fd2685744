using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Flow;

/// <summary>What a peer has to prove once there is a session.</summary>
public sealed class SmbShieldTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Receive_ProtectedAnswer_IsTaken(bool seals)
    {
        await using var peer = await ProtectedAsync(seals);
        foreach (var bodyBytes in new[] { 4, 60_000, 70_000, 100_000 })
        {
            var reply = peer.EchoAsync();
            var answer = RawPeer.Answer(await peer.ReadAsync(), bodyBytes: bodyBytes);
            Random.Shared.NextBytes(answer.AsSpan(64));

            await peer.SendAsync(seals ? peer.Seal(answer) : peer.Sign(answer));

            using var got = await reply.WaitAsync(Patience);
            Assert.Null(got.Fault);
            Assert.Equal(answer.AsSpan(64), got.Message[64..]);
        }
    }

    [Theory]
    [InlineData("unsigned", TransportFaultKind.PeerNotTrusted)]
    [InlineData("wrong signature", TransportFaultKind.PeerNotTrusted)]
    [InlineData("changed", TransportFaultKind.PeerNotTrusted)]
    [InlineData("changed, large", TransportFaultKind.PeerNotTrusted)]
    [InlineData("wrongly signed interim", TransportFaultKind.PeerNotTrusted)]
    [InlineData("another session", TransportFaultKind.ProtocolViolation)]
    public async Task Receive_SignedSession_RefusesWhatIsNotSignedRightly(string what, TransportFaultKind kind)
    {
        await using var peer = await ProtectedAsync(seals: false);
        var reply = peer.SendAsync(SmbCommand.Flush, 24, new(Changes: true));
        var request = await peer.ReadAsync();
        var answer = what == "wrongly signed interim" ? RawPeer.Interim(request, 1) : RawPeer.Answer(request, bodyBytes: what == "changed, large" ? 100_000 : 4);
        if (what == "another session")
        {
            answer[40] ^= 1;
        }

        answer = what == "unsigned" ? answer : peer.Sign(answer);
        answer[what.StartsWith("wrong", StringComparison.Ordinal) ? 50 : ^1] ^= what is "unsigned" or "another session" ? (byte)0 : (byte)1;
        await peer.SendAsync(answer);

        var fault = (await reply.WaitAsync(Patience)).Fault!;
        Assert.Equal((kind, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.Equal(kind, peer.Channel.Fault!.Kind);
    }

    [Theory]
    [InlineData("plain and signed")]
    [InlineData("changed")]
    [InlineData("changed, large")]
    [InlineData("another session in the header")]
    [InlineData("plain interim")]
    public async Task Receive_SealedSession_RefusesWhatIsNotSealedRightly(string what)
    {
        await using var peer = await ProtectedAsync(seals: true);
        var reply = peer.EchoAsync();
        var request = await peer.ReadAsync();
        var answer = RawPeer.Answer(request, bodyBytes: what == "changed, large" ? 100_000 : 4);
        answer = what switch
        {
            "plain and signed" => peer.Sign(answer),
            "plain interim" => RawPeer.Interim(request, 1),
            _ => peer.Seal(answer),
        };
        if (what.StartsWith("changed", StringComparison.Ordinal))
        {
            answer[^1] ^= 1;
        }
        else if (what == "another session in the header")
        {
            answer[44] ^= 1;
        }

        await peer.SendAsync(answer);

        Assert.Equal(TransportFaultKind.PeerNotTrusted, (await reply.WaitAsync(Patience)).Fault!.Kind);
    }

    [Fact]
    public async Task Receive_PlainAnswerToASealedRequest_IsRefusedInASignedSession()
    {
        await using var peer = await ProtectedAsync(seals: false);
        var reply = peer.SendAsync(SmbCommand.Flush, 24, new(DemandsSealing: true));
        var request = await peer.ReadAsync();
        Assert.Equal(SmbHeaderFlags.None, SmbHeader.FlagsOf(request) & SmbHeaderFlags.Signed);

        await peer.SendAsync(peer.Sign(RawPeer.Answer(request)));

        Assert.Equal(TransportFaultKind.PeerNotTrusted, (await reply.WaitAsync(Patience)).Fault!.Kind);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Receive_AnswerOfBefore_IsAViolation(bool seals)
    {
        await using var peer = await ProtectedAsync(seals);
        var reply = peer.EchoAsync();
        var answer = RawPeer.Answer(await peer.ReadAsync());
        answer = seals ? peer.Seal(answer) : peer.Sign(answer);
        await peer.SendAsync(answer);
        (await reply.WaitAsync(Patience)).Dispose();
        var next = peer.EchoAsync();
        await peer.ReadAsync();

        await peer.SendAsync(answer);

        Assert.Equal(TransportFaultKind.ProtocolViolation, (await next.WaitAsync(Patience)).Fault!.Kind);
    }

    [Fact]
    public async Task Receive_SealedMessageThatIsNoMessage_IsAViolation()
    {
        await using var peer = await ProtectedAsync(seals: true);
        var reply = peer.EchoAsync();
        await peer.ReadAsync();

        await peer.SendAsync(peer.Seal(new byte[100]));

        Assert.Equal(TransportFaultKind.ProtocolViolation, (await reply.WaitAsync(Patience)).Fault!.Kind);
    }

    [Fact]
    public async Task Receive_UnsignedInterim_OnlyPostpones()
    {
        await using var peer = await ProtectedAsync(seals: false);
        var reply = peer.EchoAsync();
        var request = await peer.ReadAsync();

        await peer.SendAsync(RawPeer.Interim(request, 5));
        await peer.SendAsync(peer.Sign(RawPeer.Answer(request)));

        using var got = await reply.WaitAsync(Patience);
        Assert.Null(got.Fault);
    }

    [Fact]
    public async Task Cancel_InASession_IsProtected()
    {
        foreach (var seals in new[] { false, true })
        {
            await using var peer = await ProtectedAsync(seals);
            using var cancellation = new CancellationTokenSource();
            var reply = peer.EchoAsync(cancellation.Token);
            await peer.ReadAsync();
            await cancellation.CancelAsync();

            // Reading checks the protection.
            Assert.Equal(SmbCommand.Cancel, SmbHeader.CommandOf(await peer.ReadAsync()));
            Assert.Equal(TransportFaultKind.Cancelled, (await reply).Fault!.Kind);
        }
    }

    [Fact]
    public void PreauthHash_TwoMessages_IsTheHashOfTheHashAndTheNext()
    {
        using var hash = new PreauthHash();
        hash.Append("one"u8);
        hash.Append("two"u8);

        var first = System.Security.Cryptography.SHA512.HashData([.. new byte[64], .. "one"u8]);
        Assert.Equal(System.Security.Cryptography.SHA512.HashData([.. first, .. "two"u8]), hash.Value.ToArray());
    }

    private static async Task<RawPeer> ProtectedAsync(bool seals)
    {
        var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        peer.Channel.MaxDataBytes = 1 << 20;
        peer.Protect(seals);
        return peer;
    }
}
