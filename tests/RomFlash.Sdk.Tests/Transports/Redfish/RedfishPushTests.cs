using System.Text;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Tests.Transports.Directory;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;
using RomFlash.Sdk.Transports.Redfish.Http;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

public sealed class RedfishPushTests
{
    private const string Path = "/redfish/v1/UpdateService/push";
    private const int Step = 64 << 10;
    private static readonly byte[] Image = [.. Enumerable.Range(0, 1 << 20).Select(i => (byte)(i * 31 >> 3))];

    private static RedfishPushRequest Raw => new() { Path = Path, Length = Image.Length };

    private static RedfishPushRequest Multipart => Raw with { FileField = "UpdateFile" };

    [Fact]
    public async Task CompleteAsync_Multipart_HasItsPartsInOrder()
    {
        byte[] body = [];
        ServiceCall? seen = null;
        await using var service = new TlsService(async call =>
        {
            if (call.Path != Path)
            {
                return false;
            }

            seen = call;
            body = await call.ReadBody();
            return await call.Reply(202, """{"TaskState":"New"}""", "Location: /redfish/v1/TaskService/Tasks/1", "Retry-After: 5");
        });
        await using var connection = await service.Connect();
        await using var push = (await connection.OpenPushAsync(
            Multipart with
            {
                Fields = [new("UpdateParameters", "application/json", """{"Targets":[]}"""u8.ToArray()), new("x", null, "ü"u8.ToArray())],
                FileName = "BIOS 1.2.bin",
                IfMatch = "\"7\"",
                Comment = "deposit d-1",
                Cookie = "sessionKey=k",
            },
            default)).Ok();
        await Write(push, Image);
        var reply = (await push.CompleteAsync(default)).Ok();
        Assert.Equal((202, "/redfish/v1/TaskService/Tasks/1", TimeSpan.FromSeconds(5), "New"), (reply.Status, reply.Location, reply.RetryAfter, reply.Body.Text("TaskState")));

        var boundary = seen!.Field("Content-Type")!["multipart/form-data; boundary=".Length..];
        var begin = $"--{boundary}\r\nContent-Disposition: form-data; name=\"UpdateParameters\"\r\nContent-Type: application/json\r\n\r\n{{\"Targets\":[]}}\r\n"
            + $"--{boundary}\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nü\r\n"
            + $"--{boundary}\r\nContent-Disposition: form-data; name=\"UpdateFile\"; filename=\"BIOS 1.2.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n";
        byte[] expected = [.. Encoding.UTF8.GetBytes(begin), .. Image, .. Encoding.UTF8.GetBytes($"\r\n--{boundary}--\r\n")];
        Assert.True(expected.AsSpan().SequenceEqual(body));
        Assert.Equal(("\"7\"", "RomFlash (deposit d-1)", "sessionKey=k"), (seen.Field("If-Match"), seen.Field("User-Agent"), seen.Field("Cookie")));
        Assert.Equal((TlsService.Token + "1", "100-continue"), (seen.Field("X-Auth-Token"), seen.Field("Expect")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DisposeAsync_EverythingWrittenButNotCompleted_RequestIsNotWhole(bool isRaw)
    {
        var request = isRaw ? Raw : Multipart;
        var missing = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var service = new TlsService(async call =>
        {
            if (call.Path != Path)
            {
                return false;
            }

            await call.Continue();
            var left = call.Length;
            var buffer = new byte[Step];
            try
            {
                while (left > 0 && await call.Stream.ReadAsync(buffer, call.Stop) is var read and > 0)
                {
                    left -= read;
                }
            }
            finally
            {
                missing.TrySetResult(left);
            }

            return call.Cut();
        });
        await using var connection = await service.Connect();
        foreach (var length in new[] { 1, Image.Length })
        {
            missing = new(TaskCreationOptions.RunContinuationsAsynchronously);
            var push = (await connection.OpenPushAsync(request with { Length = length }, default)).Ok();
            await Write(push, Image.AsMemory(0, length));
            await push.DisposeAsync();
            Assert.InRange(await missing.Task.WaitAsync(TlsService.Guard), 1, length + 400L);
        }
    }

    [Fact]
    public async Task CompleteAsync_Raw_IsTheFileAlone()
    {
        byte[] body = [];
        await using var service = new TlsService(async call => call.Path == Path && (body = await call.ReadBody()).Length > 0 && await call.Reply(200, null));
        await using var connection = await service.Connect();
        foreach (var length in new[] { 1, 2, 100_000 })
        {
            await using var push = (await connection.OpenPushAsync(Raw with { Length = length }, default)).Ok();
            await Write(push, Image.AsMemory(0, length));
            Assert.Equal(200, (await push.CompleteAsync(default)).Ok().Status);
            Assert.True(Image.AsSpan(0, length).SequenceEqual(body));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WriteAsync_ConnectionCutAtAnyStep_IsLostAndNeverApplied(bool isRaw)
    {
        var request = isRaw ? Raw : Multipart;
        var cutAt = 0;
        await using var service = new TlsService(async call =>
        {
            if (call.Path != Path)
            {
                return false;
            }

            await call.Continue();
            await call.Stream.ReadExactlyAsync(new byte[Math.Min(cutAt, call.Length)], call.Stop);
            return call.Cut();
        });
        await using var connection = await service.Connect();
        for (cutAt = 0; cutAt <= Image.Length + Step; cutAt += Step)
        {
            var opened = await connection.OpenPushAsync(request, default);
            if (!opened.TryGetValue(out var push, out var fault))
            {
                Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (opened.Refused().Kind, fault.Effect));
                continue;
            }

            await using (push)
            {
                for (var at = 0; at < Image.Length && fault is null; at += Step)
                {
                    (await push.WriteAsync(Image.AsMemory(at, Step), default)).TryGetValue(out _, out fault);
                }

                var isComplete = fault is null;
                fault ??= (await push.CompleteAsync(default).AsTask().WaitAsync(TlsService.Guard)).Refused();
                Assert.Equal(TransportFaultKind.Lost, fault.Kind);
                Assert.True(isComplete || fault.Effect is FaultEffect.NotSent);
                Assert.True(cutAt < Image.Length || fault.Effect is FaultEffect.MayHaveApplied || !isComplete);

                // It stays ended.
                Assert.Equal(TransportFaultKind.Lost, isComplete ? fault.Kind : (await push.CompleteAsync(default)).Refused().Kind);
            }
        }
    }

    [Theory]
    [InlineData(401, TransportFaultKind.CredentialsRejected, FaultEffect.NotSent)]
    [InlineData(405, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(413, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(500, TransportFaultKind.Busy, FaultEffect.MayHaveApplied)]
    [InlineData(202, TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied)]
    public async Task WriteAsync_AnsweredTooEarly_SaysWhatTheServiceSaid(int status, TransportFaultKind kind, FaultEffect effect)
    {
        var body = status == 401 ? null : """{"error":{"@Message.ExtendedInfo":[{"MessageId":"SMC.1.0.OemFirmwareAlreadyInUpdateMode","Message":"m"}]}}""";

        // A service that stops reading, one that goes on and throws away, one that closes at once: Linux keeps its words then.
        foreach (var way in OperatingSystem.IsLinux() ? new[] { 0, 1, 2 } : [0, 1])
        {
            await using var service = new TlsService(async call => call.Path == Path && await call.Continue() && await call.Stream.ReadAsync(new byte[1000], call.Stop) > 0 && await call.Reply(status, body) && (way == 2 ? call.Close() : await (way == 0 ? call.Mute() : call.Linger())));
            await using var connection = await service.Connect();
            await using var push = (await connection.OpenPushAsync(Multipart with { Length = 1L << 30 }, default)).Ok();
            TransportFault? fault = null;
            for (var i = 0; fault is null && i < 1000; i++)
            {
                (await push.WriteAsync(Image, default).AsTask().WaitAsync(TlsService.Guard)).TryGetValue(out _, out fault);
            }

            Assert.NotNull(fault);
            Assert.Equal((kind, effect), (fault.Kind, fault.Effect));
            if (status != 202)
            {
                Assert.Equal(new PeerCode(PeerCode.Redfish, (ulong)status, body is null ? null : "SMC.OemFirmwareAlreadyInUpdateMode"), fault.PeerCode);
            }

            // No replay, and no second opinion.
            Assert.Equal(kind, (await push.CompleteAsync(default)).Refused().Kind);
            Assert.Equal(1, service.Seen.Count(s => s.EndsWith("/push", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData(400, FaultEffect.NotSent)]
    [InlineData(401, FaultEffect.NotSent)]
    [InlineData(500, FaultEffect.MayHaveApplied)]
    [InlineData(503, FaultEffect.MayHaveApplied)]
    public async Task CompleteAsync_Refused_IsAFaultAndNotRepeated(int status, FaultEffect effect)
    {
        await using var service = new TlsService(async call => call.Path == Path && (await call.ReadBody()).Length > 0 && await call.Reply(status, """{"error":{"message":"no"}}"""));
        await using var connection = await service.Connect();
        await using var push = (await connection.OpenPushAsync(Multipart, default)).Ok();
        await Write(push, Image);
        var fault = (await push.CompleteAsync(default)).Refused();
        Assert.Equal((effect, (ulong)status), (fault.Effect, fault.PeerCode!.Value.Number));
        Assert.Equal(1, service.Seen.Count(s => s.EndsWith("/push", StringComparison.Ordinal)));
        Assert.Equal(1, service.Logins);
    }

    [Fact]
    public async Task WriteAsync_ServiceStopsReading_EndsAtTheDeadline()
    {
        await using var service = new TlsService(async call => call.Path == Path && await call.Continue() && await call.Mute());
        await using var connection = await service.Connect();
        await using var push = (await connection.OpenPushAsync(Raw with { Length = 1L << 40 }, default)).Ok();
        using var deadline = new CancellationTokenSource();

        // Until the sockets are full: then a write waits.
        Task<TransportResult<Done>> pending;
        do
        {
            pending = push.WriteAsync(Image, deadline.Token).AsTask();
        }
        while (pending.IsCompletedSuccessfully);

        await deadline.CancelAsync();
        TransportFault? fault = null;
        if ((await pending.WaitAsync(TlsService.Guard)).TryGetValue(out _, out fault))
        {
            fault = (await push.WriteAsync(Image, deadline.Token)).Refused();
        }

        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task CompleteAsync_ServiceFallsSilent_EndsAtTheDeadline()
    {
        foreach (var begin in new[] { string.Empty, "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{" })
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var service = new TlsService(async call => call.Path == Path && (await call.ReadBody()).Length > 0 && await call.Raw(begin) && await call.Mute(reached));
            await using var connection = await service.Connect();
            await using var push = (await connection.OpenPushAsync(Raw, default)).Ok();
            await Write(push, Image);
            using var deadline = new CancellationTokenSource();
            var pending = push.CompleteAsync(deadline.Token).AsTask();
            await reached.Task.WaitAsync(TlsService.Guard);
            await deadline.CancelAsync();
            var fault = (await pending.WaitAsync(TlsService.Guard)).Refused();
            Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(0)]
    [InlineData(413)]
    [InlineData(417)]
    public async Task OpenPushAsync_ServiceIsAskedFirst_HasTheLastWord(int answer)
    {
        await using var service = new TlsService(async call => call.Path == Path && answer switch
        {
            100 => (await call.ReadBody()).Length > 0 && await call.Reply(200, null),

            // It waits for what it does not know to ask for, or does not know what it is asked.
            0 => (await call.ReadBody(asksFor: false)).Length > 0 && await call.Reply(200, null),
            417 when call.Field("Expect") is null => (await call.ReadBody()).Length > 0 && await call.Reply(200, null),
            _ => await call.Reply(answer, null) && call.Close(),
        });
        await using var connection = await service.Connect();
        var opened = await connection.OpenPushAsync(Multipart, default).AsTask().WaitAsync(TlsService.Guard);
        if (answer == 413)
        {
            var fault = opened.Refused();
            Assert.Equal((TransportFaultKind.Rejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
            return;
        }

        await using var push = opened.Ok();
        await Write(push, Image);
        Assert.Equal(200, (await push.CompleteAsync(default)).Ok().Status);
        Assert.Equal(answer == 417 ? 2 : 1, service.Seen.Count(s => s.EndsWith("/push", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task OpenPushAsync_ConnectionIsDisposedOf_CutsTheUpload()
    {
        await using var service = new TlsService(async call => call.Path == Path && await call.Continue() && await call.Mute());
        var connection = await service.Connect();
        await using var push = (await connection.OpenPushAsync(Raw, default)).Ok();
        await connection.DisposeAsync();
        Assert.Equal(TransportFaultKind.Lost, (await push.WriteAsync(Image, default)).Refused().Kind);
        Assert.Equal(TransportFaultKind.Lost, (await connection.OpenPushAsync(Raw, default)).Refused().Kind);
    }

    [Fact]
    public async Task OpenPushAsync_ToElsewhere_IsRefusedBeforeAnythingIsSent()
    {
        await using var service = new TlsService(_ => Task.FromResult(false));
        await using var connection = await service.Connect();
        var before = service.Connections;
        foreach (var path in new[] { "https://evil.example/push", "//evil.example/push", $"https://localhost:{service.Port}//evil.example/push", string.Empty })
        {
            var fault = (await connection.OpenPushAsync(Raw with { Path = path }, default)).Refused();
            Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        }

        Assert.Equal(before, service.Connections);
    }

    [Fact]
    public async Task WriteAsync_OtherLengthThanAnnounced_IsRefused()
    {
        await using var service = new TlsService(async call => call.Path == Path && await call.Continue() && await call.Mute());
        await using var connection = await service.Connect();
        await using var push = (await connection.OpenPushAsync(Raw with { Length = 10 }, default)).Ok();
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await push.WriteAsync(Image, default)).Refused().Kind);
        Assert.Equal(TransportFaultKind.ProtocolViolation, (await push.CompleteAsync(default)).Refused().Kind);
    }

    private static async Task Write(RedfishPush push, ReadOnlyMemory<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at += Step)
        {
            (await push.WriteAsync(bytes.Slice(at, Math.Min(Step, bytes.Length - at)), default).AsTask().WaitAsync(TlsService.Guard)).Ok();
        }
    }
}
