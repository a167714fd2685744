using System.Buffers.Binary;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Tests.Transports.Smb.Scripted;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Authentication;

public sealed class NtlmAuthenticatorTests
{
    [Theory]
    [InlineData("admin", "admin", "")]
    [InlineData("ADMIN", "ADMIN", "")]
    [InlineData(@".\admin", "admin", "")]
    [InlineData(@"DOMAIN\admin", "admin", "DOMAIN")]
    [InlineData("admin@domain.example", "admin@domain.example", "")]
    public void Step_WithAServerThatDoesItRight_EndsWithTheSameKey(string account, string user, string domain)
    {
        var server = new NtlmServer();
        using var client = Client(account);

        Exchange(client, server, NtlmServer.Offer());

        var key = new byte[16];
        client.CopySessionKey(key);
        Assert.True(client.IsComplete);
        Assert.Equal(server.SessionKey, key);
        Assert.Equal((user, domain, "cifs/target1"), server.Client);
        Assert.All(server.LmResponse, b => Assert.Equal(0, b));
        Assert.NotNull(client.Step([]).Problem);
    }

    [Fact]
    public void Step_ServerThatOffersNothing_IsSpokenToFirst()
    {
        var server = new NtlmServer();
        using var client = Client();

        Exchange(client, server, []);

        Assert.True(client.IsComplete);
    }

    [Fact]
    public void Step_ServerThatTellsNoTime_GetsTheClientsAndAResponseInLmsPlace()
    {
        var server = new NtlmServer { Timestamp = null };
        using var client = Client();

        Exchange(client, server, NtlmServer.Offer());

        // The time is in the proof's statement.
        var offset = BinaryPrimitives.ReadInt32LittleEndian(server.Authenticate.AsSpan(24)) + 16 + 8;
        Assert.True(client.IsComplete);
        Assert.Equal(Noon.ToFileTime(), BinaryPrimitives.ReadInt64LittleEndian(server.Authenticate.AsSpan(offset)));
        Assert.Contains(server.LmResponse, b => b != 0);
    }

    [Fact]
    public void Step_ServerThatNamesTargetAndBindingsItself_GetsTheClientsInstead()
    {
        byte[] pairs = [.. NtlmServer.Pair(9, "c\0i\0f\0s\0/\0x\0"u8), .. NtlmServer.Pair(10, new byte[16]), .. NtlmServer.Pair(6, [1, 0, 0, 0]), .. NtlmServer.Pair(77, [1, 2, 3])];
        var server = new NtlmServer { MorePairs = pairs };
        using var client = Client();

        Exchange(client, server, NtlmServer.Offer());

        Assert.Equal("cifs/target1", server.Client.Target);
        Assert.True(server.Authenticate.AsSpan().IndexOf(NtlmServer.Pair(6, [3, 0, 0, 0])) > 0);
        Assert.True(server.Authenticate.AsSpan().IndexOf(NtlmServer.Pair(77, [1, 2, 3])) > 0);
        Assert.Equal(-1, server.Authenticate.AsSpan().IndexOf("c\0i\0f\0s\0/\0x\0"u8));
    }

    [Fact]
    public void Step_WrongPassword_IsTheServersToRefuse()
    {
        var server = new NtlmServer(password: "other");
        using var client = Client();

        Assert.Null(Exchange(client, server, NtlmServer.Offer()));

        Assert.False(client.IsComplete);
        Assert.Equal("the account's name or password is wrong", server.Problem);
    }

    [Fact]
    public void Step_ChallengeThatWasChangedOnItsWay_IsSeenByTheServer()
    {
        // What the client saw and what the server sent differ in a flag that nothing else covers.
        var server = new NtlmServer();
        using var client = Client();
        var initial = client.Step(NtlmServer.Offer()).Token!;
        var challenge = server.Start(initial);
        challenge[challenge.AsSpan().IndexOf("NTLMSSP\0"u8) + 20] ^= 4;

        Assert.Null(server.Finish(client.Step(challenge).Token!));
        Assert.Equal("the messages have been changed", server.Problem);
    }

    [Theory]
    [InlineData(0x0000_0001u)]
    [InlineData(0x0000_0010u)]
    [InlineData(0x0008_0000u)]
    [InlineData(0x0080_0000u)]
    [InlineData(0x2000_0000u)]
    [InlineData(0x4000_0000u)]
    public void Step_ServerWithoutWhatNtlmV2Needs_IsRefused(uint flag)
    {
        var server = new NtlmServer { Flags = 0xE28A_8215 & ~flag };
        using var client = Client();

        var step = client.Step(server.Start(client.Step(NtlmServer.Offer()).Token!));

        Assert.Null(step.Token);
        Assert.Contains("NTLMv2", step.Problem, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => client.CopySessionKey(new byte[16]));
    }

    [Fact]
    public void Step_ServerThatOffersKerberosAlone_IsToldApart()
    {
        using var client = Client();

        Assert.Contains("Kerberos only", client.Step(NtlmServer.Offer(ntlm: false)).Problem, StringComparison.Ordinal);
        Assert.Contains("failed before", client.Step([]).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Step_NtlmWithoutSpnego_IsRefused()
    {
        var server = new NtlmServer();
        using var first = Client();
        using var second = Client();
        server.Start(second.Step([]).Token!);

        Assert.Contains("without SPNEGO", first.Step("NTLMSSP\0\u0002\0\0\0"u8).Problem, StringComparison.Ordinal);
        Assert.Contains("without SPNEGO", second.Step(server.Challenge).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SpnegoState.Reject, true, false)]
    [InlineData(SpnegoState.AcceptCompleted, true, false)]
    [InlineData(SpnegoState.AcceptIncomplete, false, false)]
    [InlineData(SpnegoState.AcceptIncomplete, true, true)]
    public void Step_FirstAnswerThatIsNone_IsRefused(object state, bool hasChallenge, bool hasMic)
    {
        var server = new NtlmServer();
        using var client = Client();
        server.Start(client.Step([]).Token!);

        var step = client.Step(SpnegoTokens.Response((SpnegoState)state, isFirst: true, hasChallenge ? server.Challenge : [], hasMic ? new byte[16] : []));

        Assert.Null(step.Token);
        Assert.NotEmpty(step.Problem!);
    }

    [Fact]
    public void Step_AnotherMechanism_IsRefused()
    {
        var server = new NtlmServer();
        using var client = Client();
        var answer = server.Start(client.Step([]).Token!);
        answer[answer.AsSpan().IndexOf(SpnegoTokens.Mechanisms[2..]) + 11]++;

        Assert.Contains("another mechanism", client.Step(answer).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Step_LastAnswer_IsTakenOnlyWithTheRightChecksum()
    {
        Assert.Null(LastProblem(static answer => answer));
        Assert.Contains("mechListMIC", LastProblem(static answer => [.. answer[..^5], (byte)(answer[^5] ^ 1), .. answer[^4..]]), StringComparison.Ordinal);
        Assert.Contains("lacks its checksum", LastProblem(static _ => SpnegoTokens.Response(SpnegoState.AcceptCompleted, isFirst: false, [], [])), StringComparison.Ordinal);
        Assert.Contains("mechListMIC", LastProblem(static answer => SpnegoTokens.Response(SpnegoState.AcceptCompleted, isFirst: false, [], answer.AsSpan()[^15..])), StringComparison.Ordinal);
        Assert.NotNull(LastProblem(static answer => SpnegoTokens.Response(SpnegoState.AcceptIncomplete, isFirst: false, [], answer.AsSpan()[^16..])));
        Assert.NotNull(LastProblem(static answer => SpnegoTokens.Response(SpnegoState.AcceptCompleted, isFirst: false, [1], answer.AsSpan()[^16..])));
        Assert.NotNull(LastProblem(static answer => [.. answer, 0]));

        // An answer without any token is shown to be the peer's by its signature.
        Assert.Null(LastProblem(static _ => []));

        static string? LastProblem(Func<byte[], byte[]> change)
        {
            var server = new NtlmServer();
            using var client = Client();
            var challenge = server.Start(client.Step([]).Token!);
            var step = client.Step(change(server.Finish(client.Step(challenge).Token!)!));
            Assert.Equal(step.Problem is null, client.IsComplete);
            Assert.True(step.Token is null or []);
            return step.Problem;
        }
    }

    [Fact]
    public void Step_TargetThatIsTooLongOrDoesNotEnd_IsRefused()
    {
        Assert.NotNull(ProblemOf(new() { MorePairs = NtlmServer.Pair(77, new byte[NtlmChallenge.MaxTargetInfoBytes]) }));
        Assert.NotNull(ProblemOf(new() { MorePairs = [77, 0, 255, 255] }));
        Assert.NotNull(ProblemOf(new() { MorePairs = NtlmServer.Pair(7, new byte[8]) }));
        Assert.NotNull(ProblemOf(new() { MorePairs = NtlmServer.Pair(6, new byte[3]) }));
        Assert.NotNull(ProblemOf(new() { OnChallenge = static c => c[..^4] }));
        Assert.NotNull(ProblemOf(new() { OnChallenge = static c => c[..47] }));
        Assert.Null(ProblemOf(new() { MorePairs = NtlmServer.Pair(77, new byte[NtlmChallenge.MaxTargetInfoBytes - 256]) }));

        static string? ProblemOf(NtlmServer server)
        {
            using var client = Client();
            return client.Step(server.Start(client.Step([]).Token!)).Problem;
        }
    }

    [Fact]
    public void Step_BlobThatIsTooLong_IsRefused()
    {
        using var client = Client();

        Assert.Contains("too long", client.Step(new byte[65536]).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_AfterTheLogon_LeavesNoKey()
    {
        var server = new NtlmServer();
        var client = Client();
        Exchange(client, server, []);

        client.Dispose();

        Assert.Throws<InvalidOperationException>(() => client.CopySessionKey(new byte[16]));
    }

    [Theory]
    [InlineData(@"DOMAIN\")]
    [InlineData(@"A\B\c")]
    [InlineData("ad\u0007min")]
    public void Create_NameThatIsNone_IsUnavailable(string name) => Assert.Equal(TransportFaultKind.CredentialsUnavailable, FaultOf(Account(name, "x")).Kind);

    [Fact]
    public void Create_WhatIsNoAccount_IsTold()
    {
        Assert.Equal(TransportFaultKind.CurrentUserUnavailable, FaultOf(TargetCredentials.CurrentUser).Kind);
        Assert.Equal(TransportFaultKind.CredentialsUnavailable, FaultOf(TargetCredentials.None).Kind);
        Assert.Equal(TransportFaultKind.CredentialsUnavailable, FaultOf(Account("admin", string.Empty)).Kind);
        Assert.Equal(TransportFaultKind.CredentialsUnavailable, FaultOf(Account(new string('a', 257), "x")).Kind);
        Assert.Equal(FaultEffect.NotSent, FaultOf(TargetCredentials.None).Effect);
    }

    internal static DateTimeOffset Noon { get; } = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    internal static ISmbAuthenticator Client(string account = "admin", string password = "Passw0rd!", string host = "target1")
    {
        using var credentials = Account(account, password);
        Assert.True(SmbAuthenticators.Create(credentials, host, new Clock()).TryGetValue(out var client, out var fault), fault?.ToString());
        return client;
    }

    internal static byte[]? Exchange(ISmbAuthenticator client, NtlmServer server, byte[] offer)
    {
        var answer = server.Finish(client.Step(server.Start(client.Step(offer).Token!)).Token!);
        if (answer is not null)
        {
            Assert.True(client.Step(answer).Token is []);
        }

        return answer;
    }

    private static PasswordCredentials Account(string name, string password) => TargetCredentials.Password(name, new Secret(password));

    private static TransportFault FaultOf(TargetCredentials credentials)
    {
        Assert.False(SmbAuthenticators.Create(credentials, "target1", new Clock()).TryGetValue(out _, out var fault));
        return fault;
    }

    private sealed class Clock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Noon;
    }
}
