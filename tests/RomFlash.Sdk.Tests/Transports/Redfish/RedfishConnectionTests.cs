using System.Net;
using System.Net.Sockets;
using System.Text;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;
using RomFlash.Sdk.Transports.Redfish.Http;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

public sealed class RedfishConnectionTests
{
    private const string Chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    private const string ThingPath = "/redfish/v1/Thing";
    private static readonly ReadOnlyMemory<byte> Action = "{}"u8.ToArray();

    [Fact]
    public async Task ConnectAsync_Service_LogsInAndOutOnce()
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && call.Field("X-Auth-Token") == TlsService.Token + "1" && await call.Reply(200, """{"Name":"x"}""", "ETag: W/\"1\""));
        await using (var connection = await service.Connect())
        {
            Assert.Equal("u", connection.Root.Text("UUID"));
            Assert.True(connection.HasSession);
            var reply = (await connection.GetAsync(ThingPath, default)).Ok();
            Assert.Equal(("x", "W/\"1\"", 200), (reply.Body.Text("Name"), reply.ETag, reply.Status));
            await connection.DisposeAsync();
        }

        Assert.Equal(["GET /redfish/v1/", "POST /redfish/v1/SessionService/Sessions", "GET /redfish/v1/Thing", "DELETE /redfish/v1/SessionService/Sessions/1"], service.Seen.ToArray());

        // One that is kept for what reads, and one for each request that writes.
        Assert.Equal(3, service.Connections);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"Links":{"Sessions":{"@odata.id":"/none"}}}""")]
    public async Task ConnectAsync_NoSessions_SendsThePasswordItself(string root)
    {
        var hasSessions = false;
        await using var service = new TlsService(async call =>
            (call.Path == ThingPath && IsBasic(call) && await call.Reply(200, "{}"))
            || (call.Method == "POST" && !hasSessions && await call.Reply(405, null))) { Root = root };
        await using var connection = await service.Connect();
        Assert.False(connection.HasSession);
        (await connection.GetAsync(ThingPath, default)).Ok();
        Assert.Equal(TransportFaultKind.Unsupported, (await connection.NeedTokenAsync(default)).Refused().Kind);
        hasSessions = root == "{}";
        Assert.Equal(hasSessions, (await connection.NeedTokenAsync(default)).TryGetValue(out _, out _));
    }

    [Fact]
    public async Task ConnectAsync_RootWantsALogin_GoesWithThePasswordEverywhere()
    {
        await using var service = new TlsService(async call =>
            (call.Path == "/redfish/v1/" && !IsBasic(call) && await call.Reply(400, """{"error":{"message":"invalid"}}"""))
            || (call.Path == ThingPath && await call.Reply(IsBasic(call) ? 200 : 500, "{}")));
        await using (var connection = await service.Connect())
        {
            Assert.False(connection.HasSession);
            (await connection.GetAsync(ThingPath, default)).Ok();

            // An upload that wants a token all the same.
            Assert.Equal(TlsService.Token + "1", (await connection.NeedTokenAsync(default)).Ok());
            (await connection.GetAsync(ThingPath, default)).Ok();
        }

        Assert.Equal("DELETE /redfish/v1/SessionService/Sessions/1", service.Seen.Last());
    }

    [Fact]
    public async Task ConnectAsync_WrongPassword_IsRejectedAndNotQuoted()
    {
        await using var service = new TlsService(_ => Task.FromResult(false));
        var fault = (await service.TryConnect(password: "canary-wrong")).Refused();
        Assert.Equal(FaultEffect.NotSent, fault.Effect);
        Assert.Equal(new PeerCode(PeerCode.Redfish, 401, "Base.PropertyValueIncorrect"), fault.PeerCode);
        Assert.Equal(2, service.Seen.Count);
    }

    [Fact]
    public async Task ConnectAsync_NoPassword_NeverConnects()
    {
        await using var service = new TlsService(_ => Task.FromResult(false));
        var none = await RedfishConnection.ConnectAsync(service.Address(), TargetCredentials.None, new(), TimeProvider.System, default);
        Assert.Equal(TransportFaultKind.CredentialsUnavailable, none.Refused().Kind);
        var current = await RedfishConnection.ConnectAsync(service.Address(), TargetCredentials.CurrentUser, new(), TimeProvider.System, default);
        Assert.Equal(TransportFaultKind.CurrentUserUnavailable, current.Refused().Kind);
        Assert.Equal(0, service.Connections);
    }

    [Fact]
    public async Task ConnectAsync_Certificate_IsThePinnedOneOrVouchedForByARoot()
    {
        await using var service = new TlsService(_ => Task.FromResult(false));
        var trusted = new RedfishTransportOptions { TrustedRoots = [TlsService.Certificate] };
        var other = TlsService.Create("localhost", "other");
        var pin = TlsService.Fingerprint(TlsService.Certificate);

        await (await service.TryConnect(trusted, address: service.Address())).Ok().DisposeAsync();
        await (await service.TryConnect(address: service.Address("127.0.0.1", pin))).Ok().DisposeAsync();

        // By the platform, under another name, by another root, and in spite of a root when another one is pinned.
        foreach (var (options, address) in new[]
        {
            (new RedfishTransportOptions(), service.Address()),
            (trusted, service.Address("127.0.0.1")),
            (new RedfishTransportOptions { TrustedRoots = [other] }, service.Address()),
            (trusted, service.Address(pin: TlsService.Fingerprint(other))),
        })
        {
            var fault = (await service.TryConnect(options, address: address)).Refused();
            Assert.Equal((TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent), (fault.Kind, fault.Effect));
            Assert.Contains(pin, fault.Detail, StringComparison.Ordinal);
        }

        Assert.All(service.Seen, line => Assert.DoesNotContain("/none", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task GetAsync_CertificateChanges_IsRefusedWithBothFingerprints()
    {
        var other = TlsService.Create("localhost", "other");
        await using var service = new TlsService(
            async call => call.Path == ThingPath && await call.Reply(200, "{}", "Connection: close") && call.Close(),
            connection => connection <= 2 ? TlsService.Certificate : other);
        var options = new RedfishTransportOptions { TrustedRoots = [TlsService.Certificate, other] };
        await using var connection = (await service.TryConnect(options, address: service.Address())).Ok();
        (await connection.GetAsync(ThingPath, default)).Ok();
        var fault = (await connection.PostAsync(ThingPath, Action, null, default)).Refused();
        Assert.Equal((TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Contains(TlsService.Fingerprint(TlsService.Certificate), fault.Detail, StringComparison.Ordinal);
        Assert.Contains(TlsService.Fingerprint(other), fault.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnyRequest_ConnectionCutInIt_IsLost(bool inBody)
    {
        foreach (var cutAt in new[] { "GET /redfish/v1/", "POST /redfish/v1/SessionService/Sessions", "GET /redfish/v1/Thing", "POST /redfish/v1/Thing", "PATCH /redfish/v1/Thing", "DELETE /redfish/v1/Thing" })
        {
            await using var service = new TlsService(async call => $"{call.Method} {call.Path}" == cutAt
                ? (!inBody || await call.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":")) && call.Cut()
                : call.Path == ThingPath && await call.Reply(200, "{}"));
            var result = await service.TryConnect();
            if (!result.TryGetValue(out var connection, out var fault))
            {
                Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (result.Refused().Kind, fault.Effect));
                continue;
            }

            await using (connection)
            {
                foreach (var (name, answer) in new[]
                {
                    ("GET", await connection.GetAsync(ThingPath, default)),
                    ("POST", await connection.PostAsync(ThingPath, Action, null, default)),
                    ("PATCH", await connection.PatchAsync(ThingPath, Action, default)),
                    ("DELETE", await connection.DeleteAsync(ThingPath, default)),
                })
                {
                    if (!cutAt.StartsWith(name, StringComparison.Ordinal))
                    {
                        continue;
                    }

                    fault = answer.Refused();
                    Assert.Equal((TransportFaultKind.Lost, name == "GET" ? FaultEffect.NotSent : FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
                    Assert.InRange(service.Seen.Count(s => s == cutAt), 1, name == "GET" ? 2 : 1);
                }
            }
        }
    }

    [Fact]
    public async Task ConnectAsync_NothingListens_IsRefused()
    {
        var service = new TlsService(_ => Task.FromResult(false));
        var address = service.Address();
        await service.DisposeAsync();
        Assert.Equal(TransportFaultKind.Refused, (await service.TryConnect(address: address)).Refused().Kind);
        Assert.Equal(TransportFaultKind.NameNotResolved, (await service.TryConnect(address: RedfishAddress.TryParse(new Uri("redfish://no-such-host.invalid")).Ok())).Refused().Kind);
    }

    [Fact]
    public async Task GetAsync_RestedConnectionWasClosed_IsSentOverANewOne()
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && await call.Reply(200, "{}") && call.Close());
        await using var connection = await service.Connect();
        for (var i = 0; i < 3; i++)
        {
            (await connection.GetAsync(ThingPath, default)).Ok();
        }

        Assert.Equal(4, service.Connections);
    }

    [Fact]
    public async Task GetAsync_Busy_IsRepeatedSoOftenAndWritesNever()
    {
        var wait = TimeSpan.FromSeconds(7);
        var busy = 2;
        await using var service = new TlsService(async call => call.Path == ThingPath && await (busy-- > 0 || call.Method == "POST" ? call.Reply(503, null, "Retry-After: 7") : call.Reply(200, "{}", "Retry-After: 3")));
        var time = new WaitCounter(wait);
        await using var connection = await service.Connect(new() { MaxRetries = 3 }, time);
        var reply = (await connection.GetAsync(ThingPath, default)).Ok();
        Assert.Equal((TimeSpan.FromSeconds(3), 2), (reply.RetryAfter, time.Count));

        busy = 100;
        var fault = (await connection.GetAsync(ThingPath, default)).Refused();
        Assert.Equal((TransportFaultKind.Busy, FaultEffect.NotSent, 2 + 3), (fault.Kind, fault.Effect, time.Count));

        fault = (await connection.PostAsync(ThingPath, Action, null, default)).Refused();
        Assert.Equal((TransportFaultKind.Busy, FaultEffect.NotSent, 2 + 3), (fault.Kind, fault.Effect, time.Count));
    }

    [Fact]
    public async Task GetAsync_BusyForLongerThanTheDeadline_EndsWithIt()
    {
        using var deadline = new CancellationTokenSource();
        var asked = 0;
        await using var service = new TlsService(async call => call.Path == ThingPath && await call.Reply(429, null, "Retry-After: Wed, 31 Dec 2200 23:59:59 GMT") && ++asked > 0);
        await using var connection = await service.Connect();
        var pending = connection.GetAsync(ThingPath, deadline.Token).AsTask();
        Assert.False(pending.IsCompleted);
        await deadline.CancelAsync();
        Assert.Equal(TransportFaultKind.Cancelled, (await pending.WaitAsync(TlsService.Guard)).Refused().Kind);
        Assert.InRange(asked, 0, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task AnyRequest_SessionForgotten_LogsInOnceMore(int refusals)
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && await (refusals-- > 0
            ? call.Reply(401, """{"error":{"code":"Base.1.8.NoValidSession","message":"m"}}""")
            : call.Reply(200, $$"""{"Name":"{{call.Field("X-Auth-Token")?[^1]}}"}""")));
        var isForgetful = refusals > 1;
        await using (var connection = await service.Connect())
        {
            var result = await connection.GetAsync(ThingPath, default);
            Assert.Equal(2, service.Logins);
            if (isForgetful)
            {
                var fault = result.Refused();
                Assert.Equal((TransportFaultKind.CredentialsRejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
                Assert.Equal(TransportFaultKind.CredentialsRejected, (await connection.PostAsync(ThingPath, Action, null, default)).Refused().Kind);
                Assert.Equal(3, service.Logins);
            }
            else
            {
                Assert.Equal("2", result.Ok().Body.Text("Name"));
            }
        }

        // Every session that was ever given is given back.
        Assert.Equal(service.Logins, service.Seen.Count(s => s.StartsWith("DELETE", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task GetAsync_SessionForgottenAndManyAsk_LogInTogether()
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && await (call.Field("X-Auth-Token") == TlsService.Token + "1" ? call.Reply(401, null) : call.Reply(200, "{}")));
        await using var connection = await service.Connect();
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => connection.GetAsync(ThingPath, default).AsTask())).WaitAsync(TlsService.Guard);
        Assert.All(results, r => r.Ok());
        Assert.Equal(2, service.Logins);
        Assert.InRange(service.Connections, 3, 2 + 4);
    }

    [Theory]
    [InlineData("/redfish/v1/Other", true)]
    [InlineData("https://localhost:PORT/redfish/v1/Other", true)]
    [InlineData("/redfish/v1/Thing", false)]
    [InlineData("https://127.0.0.1:PORT/redfish/v1/Other", false)]
    [InlineData("http://localhost:PORT/redfish/v1/Other", false)]
    [InlineData("//bmc2/redfish/v1/Other", false)]
    [InlineData("", false)]
    public async Task GetAsync_Redirected_FollowsOnTheSameHostAlone(string location, bool isFollowed)
    {
        TlsService? self = null;
        await using var service = self = new TlsService(async call => call.Path switch
        {
            ThingPath => await call.Reply(308, null, "Location: " + location.Replace("PORT", $"{self!.Port}", StringComparison.Ordinal)),
            "/redfish/v1/Other" => await call.Reply(200, "{}"),
            _ => false,
        });
        await using var connection = await service.Connect();
        var result = await connection.GetAsync(ThingPath, default);
        Assert.Equal(isFollowed, result.TryGetValue(out _, out _));
        if (!isFollowed)
        {
            Assert.Equal(TransportFaultKind.ProtocolViolation, result.Refused().Kind);
            Assert.InRange(service.Seen.Count(s => s.EndsWith("/Thing", StringComparison.Ordinal)), 1, 4);
        }

        var write = (await connection.PostAsync(ThingPath, Action, null, default)).Refused();
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (write.Kind, write.Effect));
    }

    [Theory]
    [InlineData("/redfish/v1/TaskService/Tasks/1", "/redfish/v1/TaskService/Tasks/1")]
    [InlineData("https://localhost:PORT/redfish/v1/Tasks/1", "/redfish/v1/Tasks/1")]
    [InlineData("https://evil.example/redfish/v1/Tasks/1", null)]
    public async Task PostAsync_Accepted_GivesALocationOnTheSameHostAlone(string location, string? path)
    {
        TlsService? self = null;
        await using var service = self = new TlsService(async call => call.Path == ThingPath && await call.Reply(202, """{"@Message.ExtendedInfo":[{"MessageId":"Base.1.8.Success","MessageArgs":["x"]}]}""", "Location: " + location.Replace("PORT", $"{self!.Port}", StringComparison.Ordinal)));
        await using var connection = await service.Connect();
        var result = await connection.PostAsync(ThingPath, Action, null, default);
        if (path is null)
        {
            var fault = result.Refused();
            Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.Applied), (fault.Kind, fault.Effect));
            return;
        }

        var reply = result.Ok();
        Assert.Equal((202, path, "Base.Success", "x"), (reply.Status, reply.Location, reply.Messages[0].Id, reply.Messages[0].Args[0]));
    }

    [Theory]
    [InlineData("application/json", true)]
    [InlineData("application/json;odata.metadata=minimal;charset=utf-8", true)]
    [InlineData("Application/JSON; Charset=\"UTF-8\"", true)]
    [InlineData("application/problem+json", true)]
    [InlineData("application/json; charset=utf-16", false)]
    [InlineData("text/html", false)]
    [InlineData("application/jsonx", false)]
    public async Task GetAsync_ContentType_MustBeJson(string type, bool isTaken)
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && await call.Reply(200, "{}", "Content-Type: " + type));
        await using var connection = await service.Connect();
        var result = await connection.GetAsync(ThingPath, default);
        Assert.Equal(isTaken, result.TryGetValue(out _, out _));
        Assert.True(isTaken || result.Refused().Kind is TransportFaultKind.ProtocolViolation);

        // A write that was carried out is not failed for what its answer looks like.
        Assert.Equal(isTaken, (await connection.PostAsync(ThingPath, Action, null, default)).Ok().Body.Exists);
    }

    [Fact]
    public async Task GetAsync_OtherForms_AreFaults()
    {
        var body = "7";
        await using var service = new TlsService(async call => call.Path == ThingPath && await call.Reply(200, body));
        await using var connection = await service.Connect();
        foreach (var text in new[] { "", "{", "{} {}", "nul", "7", "[]" })
        {
            body = text;
            Assert.Equal(TransportFaultKind.ProtocolViolation, (await connection.GetAsync(ThingPath, default)).Refused().Kind);
        }

        Assert.Equal(TransportFaultKind.NotFound, (await connection.GetAsync("/redfish/v1/None", default)).Refused().Kind);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await connection.GetAsync("https://evil.example/", default)).Refused().Kind);
    }

    public static TheoryData<string> MalformedHeads =>
    [
        "HTTP/2 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 999 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \u0001\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 101 Switching\r\n\r\n",
        Chunked + "x\r\n",
        Chunked + "-1\r\n",
        Chunked + "FFFFFFFFFFFFFFFFF\r\n",
        Chunked + "2\r\n{}x\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n", 9000)) + "\r\n",
    ];

    [Theory]
    [MemberData(nameof(MalformedHeads))]
    public async Task GetAsync_MalformedAnswer_IsAViolation(string answer)
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && await call.Raw(answer) && await call.Mute());
        await using var connection = await service.Connect(new() { LogoutTimeout = TimeSpan.FromMilliseconds(50) });
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await connection.GetAsync(ThingPath, default).AsTask().WaitAsync(TlsService.Guard)).Refused().Kind);
    }

    [Theory]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"Name\":\"x\"}")]
    [InlineData("HTTP/1.1 200\nContent-Type: application/json\nContent-Length: 12\n\n{\"Name\":\"x\"}")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"Name\":\"x\"}")]
    [InlineData(Chunked + "5;x=y\r\n{\"Nam\r\n7\r\ne\":\"x\"}\r\n0\r\nTrailer: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nC\r\n{\"Name\":\"x\"}\r\n0\r\n\r\n")]
    public async Task GetAsync_OddFraming_IsRead(string answer)
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && await call.Raw(answer) && (!answer.Contains("1.0", StringComparison.Ordinal) || call.Close()));
        await using var connection = await service.Connect();
        Assert.Equal("x", (await connection.GetAsync(ThingPath, default)).Ok().Body.Text("Name"));
        Assert.Equal("x", (await connection.GetAsync(ThingPath, default)).Ok().Body.Text("Name"));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nA: ", "aaaaaaaaaaaaaaaa")]
    [InlineData("HTTP/1.1 200 OK\r\n", "Aaaaaaaaaaa: b\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", "1,1,1,1,1,1,1,1,")]
    [InlineData(Chunked, "4\r\n1,1,\r\n")]
    [InlineData(Chunked + "4;", "xxxxxxxx")]
    public async Task GetAsync_EndlessAnswer_EndsAtTheBound(string begin, string again)
    {
        var sent = 0L;
        var piece = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(again, 512)));
        await using var service = new TlsService(async call =>
        {
            if (call.Path != ThingPath)
            {
                return false;
            }

            await call.Raw(begin);
            while (true)
            {
                await call.Raw(piece);
                sent += piece.Length;
            }
        });
        await using var connection = await service.Connect();
        var fault = (await connection.GetAsync(ThingPath, default).AsTask().WaitAsync(TlsService.Guard)).Refused();

        // The framework gives up a chunk's line as it gives up a connection.
        Assert.Equal(begin.EndsWith(';') ? TransportFaultKind.Lost : TransportFaultKind.ProtocolViolation, fault.Kind);

        // What the sockets hold, and what is allowed, and no more.
        Assert.InRange(sent, 0, 32 << 20);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")]
    [InlineData(Chunked + "50\r\n{")]
    [InlineData(Chunked + "7FFFFFFF\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")]
    public async Task AnyRequest_ServiceFallsSilent_EndsAtTheDeadline(string begin)
    {
        foreach (var method in new[] { "GET", "POST", "PATCH", "DELETE" })
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var deadline = new CancellationTokenSource();
            await using var service = new TlsService(async call => call.Path == ThingPath && await call.Raw(begin) && await call.Mute(reached));
            await using var connection = await service.Connect();
            var pending = method switch
            {
                "GET" => connection.GetAsync(ThingPath, deadline.Token),
                "POST" => connection.PostAsync(ThingPath, Action, null, deadline.Token),
                "PATCH" => connection.PatchAsync(ThingPath, Action, deadline.Token),
                _ => connection.DeleteAsync(ThingPath, deadline.Token),
            };
            await reached.Task.WaitAsync(TlsService.Guard);
            Assert.False(pending.IsCompleted);
            await deadline.CancelAsync();
            var fault = (await pending.AsTask().WaitAsync(TlsService.Guard)).Refused();
            Assert.Equal((TransportFaultKind.Cancelled, method == "GET" ? FaultEffect.NotSent : FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        }
    }

    [Fact]
    public async Task GetAsync_AnswerDrips_EndsAtTheDeadline()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var deadline = new CancellationTokenSource();
        await using var service = new TlsService(async call =>
        {
            if (call.Path != ThingPath)
            {
                return false;
            }

            await call.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n");
            for (var i = 0; i < 999_999; i++)
            {
                await call.Raw(" ");
                if (i == 100)
                {
                    reached.TrySetResult();
                }
            }

            return await call.Mute();
        });
        await using var connection = await service.Connect();
        var pending = connection.GetAsync(ThingPath, deadline.Token).AsTask();
        await reached.Task.WaitAsync(TlsService.Guard);
        await deadline.CancelAsync();
        Assert.Equal(TransportFaultKind.Cancelled, (await pending.WaitAsync(TlsService.Guard)).Refused().Kind);
    }

    [Fact]
    public async Task ConnectAsync_PeerSpeaksNoTls_IsNotTrustedOrTakenForMute()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = RedfishAddress.TryParse(new Uri($"redfish://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}")).Ok();
        using var deadline = new CancellationTokenSource();
        foreach (var isMute in new[] { false, true })
        {
            using var credentials = TargetCredentials.Password("admin", new Secret(TlsService.Password));
            var pending = RedfishConnection.ConnectAsync(address, credentials, new(), TimeProvider.System, deadline.Token).AsTask();
            using var peer = await listener.AcceptSocketAsync();
            Assert.True(await peer.ReceiveAsync(new byte[1]) > 0);
            if (isMute)
            {
                await deadline.CancelAsync();
            }
            else
            {
                await peer.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
            }

            var fault = (await pending.WaitAsync(TlsService.Guard)).Refused();
            Assert.Equal((isMute ? TransportFaultKind.Cancelled : TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        }
    }

    [Theory]
    [InlineData("/redfish/v1/")]
    [InlineData("/redfish/v1/SessionService/Sessions")]
    public async Task ConnectAsync_ServiceFallsSilent_EndsAtTheDeadline(string path)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var deadline = new CancellationTokenSource();
        await using var service = new TlsService(async call => call.Path == path && await call.Mute(reached));
        var pending = service.TryConnect(cancellationToken: deadline.Token);
        await reached.Task.WaitAsync(TlsService.Guard);
        await deadline.CancelAsync();
        var fault = (await pending).Refused();
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task ConnectAsync_LoginAnswerCutBehindItsHead_LogsOut()
    {
        await using var service = new TlsService(async call => call.Method == "POST" && await call.Raw("HTTP/1.1 201 Created\r\nX-Auth-Token: canary-token\r\nLocation: /redfish/v1/SessionService/Sessions/9\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{") && call.Cut());
        Assert.Equal(TransportFaultKind.Lost, (await service.TryConnect()).Refused().Kind);
        Assert.Equal("DELETE /redfish/v1/SessionService/Sessions/9", service.Seen.Last());
    }

    [Fact]
    public async Task DisposeAsync_ServiceIsMute_EndsWithinItsTime()
    {
        await using var service = new TlsService(async call => call.Method == "DELETE" && await call.Mute());
        var connection = await service.Connect(new() { LogoutTimeout = TimeSpan.FromMilliseconds(50) });
        await connection.DisposeAsync().AsTask().WaitAsync(TlsService.Guard);
        var fault = (await connection.GetAsync(ThingPath, default)).Refused();
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task AnyRequest_ServiceQuotesSecrets_AreNotRepeated()
    {
        await using var service = new TlsService(async call => call.Path == ThingPath && await call.Reply(400, $$$"""{"error":{"code":"{{{call.Field("X-Auth-Token")}}}","message":"the token is {{{call.Field("X-Auth-Token")}}}"}}"""));
        await using var connection = await service.Connect();
        Assert.Equal(TransportFaultKind.Rejected, (await connection.PostAsync(ThingPath, Action, null, default)).Refused().Kind);
    }

    [Theory]
    [InlineData("POST /redfish/v1/Thing")]
    [InlineData("POST /redfish/v1/SessionService/Sessions")]
    public async Task AnyRequest_SecretsInEveryPlace_AreNotRepeated(string at)
    {
        // In the id, in its middle, in an argument that is shown, behind what is clipped, in a reference to elsewhere, in a media type.
        var quotes = new Func<string, string, (string? Json, string Field)>[]
        {
            (_, s) => ($$$"""{"error":{"@Message.ExtendedInfo":[{"MessageId":"{{{s}}}","Message":"m"}]}}""", "A: b"),
            (_, s) => ($$$"""{"error":{"@Message.ExtendedInfo":[{"MessageId":"A.1.{{{s}}}","Message":"m"}]}}""", "A: b"),
            (_, s) => ($$$"""{"error":{"message":"{{{new string('x', 470)}}} {{{s}}}"}}""", "A: b"),
            (_, s) => ($$$"""{"error":{"@Message.ExtendedInfo":[{"MessageId":"A.1.0.B","Message":"m","Resolution":"Don't send {{{s}}}."}]}}""", "A: b"),
            (_, s) => (null, $"Location: https://evil.example/?t={s}"),
            (_, s) => ("{}", $"Content-Type: text/{s}"),
            (token, _) => ($$$"""{"error":{"message":"{{{token}}}"}}""", "A: b"),
        };
        for (var i = 0; i < quotes.Length; i++)
        {
            await using var service = new TlsService(async call =>
            {
                if ($"{call.Method} {call.Path}" != at)
                {
                    return false;
                }

                var (json, field) = quotes[i](call.Field("X-Auth-Token") ?? "x", at.EndsWith("Thing", StringComparison.Ordinal) ? TlsService.Token + "1" : "canary-pass");
                return await call.Reply(field.StartsWith("Location", StringComparison.Ordinal) ? 202 : 400, json, field);
            });
            var result = await service.TryConnect(password: at.EndsWith("Thing", StringComparison.Ordinal) ? TlsService.Password : "canary-pass");
            if (!result.TryGetValue(out var connection, out _))
            {
                result.Refused();
                continue;
            }

            await using (connection)
            {
                (await connection.PostAsync(ThingPath, Action, null, default)).Refused();
            }
        }
    }

    private static bool IsBasic(ServiceCall call) => call.Field("Authorization") == "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("admin:" + TlsService.Password));
}
