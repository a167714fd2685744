using System.Collections.Immutable;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

public sealed class RedfishFaultTests
{
    [Theory]
    [InlineData(400, TransportFaultKind.Rejected)]
    [InlineData(401, TransportFaultKind.CredentialsRejected)]
    [InlineData(403, TransportFaultKind.AccessDenied)]
    [InlineData(404, TransportFaultKind.NotFound)]
    [InlineData(405, TransportFaultKind.Unsupported)]
    [InlineData(408, TransportFaultKind.TimedOut)]
    [InlineData(409, TransportFaultKind.Busy)]
    [InlineData(410, TransportFaultKind.NotFound)]
    [InlineData(412, TransportFaultKind.Busy)]
    [InlineData(413, TransportFaultKind.Rejected)]
    [InlineData(415, TransportFaultKind.Unsupported)]
    [InlineData(417, TransportFaultKind.Unsupported)]
    [InlineData(422, TransportFaultKind.Rejected)]
    [InlineData(423, TransportFaultKind.Busy)]
    [InlineData(428, TransportFaultKind.Unsupported)]
    [InlineData(429, TransportFaultKind.Busy)]
    [InlineData(499, TransportFaultKind.Unmapped)]
    [InlineData(500, TransportFaultKind.Unmapped)]
    [InlineData(501, TransportFaultKind.Unsupported)]
    [InlineData(502, TransportFaultKind.ServiceNotRunning)]
    [InlineData(503, TransportFaultKind.ServiceNotRunning)]
    [InlineData(504, TransportFaultKind.TimedOut)]
    [InlineData(507, TransportFaultKind.NoSpace)]
    [InlineData(599, TransportFaultKind.Unmapped)]
    [InlineData(302, TransportFaultKind.ProtocolViolation)]
    public void From_Status_HasItsKindAndCode(int status, TransportFaultKind kind)
    {
        var fault = RedfishFault.From(status, [], isWrite: false, hasRetryAfter: false);
        Assert.Equal((kind, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal(new PeerCode(PeerCode.Redfish, (ulong)status), fault.PeerCode);
        Assert.NotEmpty(fault.Detail);
    }

    [Fact]
    public void From_AnyStatus_IsTotalAndNeverSaysThatAWriteApplied()
    {
        foreach (var status in Enumerable.Range(300, 300))
        {
            foreach (var hasRetryAfter in new[] { false, true })
            {
                var fault = RedfishFault.From(status, [], isWrite: true, hasRetryAfter);
                var isRefused = status is >= 400 and <= 499 or 501 or 301 or 302 or 307 or 308 || (status == 503 && hasRetryAfter);
                Assert.Equal(isRefused ? FaultEffect.NotSent : FaultEffect.MayHaveApplied, fault.Effect);
            }
        }
    }

    [Theory]
    [InlineData(403, "Base.1.8.InsufficientPrivilege", TransportFaultKind.AccessDenied)]
    [InlineData(401, "Base.1.8.1.NoValidSession", TransportFaultKind.CredentialsRejected)]
    [InlineData(403, "Base.1.8.PasswordChangeRequired", TransportFaultKind.PasswordExpired)]
    [InlineData(400, "Base.1.8.ResourceNotFound", TransportFaultKind.NotFound)]
    [InlineData(400, "Base.1.8.ResourceInUse", TransportFaultKind.Busy)]
    [InlineData(503, "Base.1.8.ServiceTemporarilyUnavailable", TransportFaultKind.Busy)]
    [InlineData(503, "Base.1.8.SessionLimitExceeded", TransportFaultKind.Busy)]
    [InlineData(400, "Base.1.8.PropertyValueNotInList", TransportFaultKind.Rejected)]
    [InlineData(400, "Base.1.8.ActionNotSupported", TransportFaultKind.Unsupported)]
    [InlineData(500, "Base.1.8.InsufficientStorage", TransportFaultKind.NoSpace)]
    [InlineData(400, "Update.1.0.0.VerificationFailed", TransportFaultKind.Rejected)]
    [InlineData(405, "SMC.1.0.OemLicenseNotPassed", TransportFaultKind.Unsupported)]
    [InlineData(405, "SMC.1.0.OemFirmwareAlreadyInUpdateMode", TransportFaultKind.Busy)]
    [InlineData(400, "iLO.2.14.FirmwareFlashAlreadyInProgress", TransportFaultKind.Busy)]
    [InlineData(500, "Contoso.1.0.OnFire", TransportFaultKind.Unmapped)]
    public void From_MessageId_SaysMoreThanTheStatus(int status, string id, TransportFaultKind kind)
    {
        var body = $$$"""{"error":{"code":"Base.v1_4_0.GeneralError","message":"g","@Message.ExtendedInfo":[{"MessageId":"Base.1.8.GeneralError","Message":"g"},{"MessageId":"{{{id}}}","Message":"what happened.","MessageArgs":["a"],"Severity":"Warning","Resolution":"Do it."}]}}""";
        var fault = RedfishFault.From(status, RedfishMessage.Of(Json(body)), isWrite: false, hasRetryAfter: false);
        Assert.Equal(kind, fault.Kind);
        var parts = id.Split('.');
        Assert.Equal(new PeerCode(PeerCode.Redfish, (ulong)status, $"{parts[0]}.{parts[^1]}"), fault.PeerCode);
        Assert.Contains("what happened. Do it.", fault.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"error":{"code":"Base.v1_4_0.GeneralError","message":"m"}}""", "Base.GeneralError", "m")]
    [InlineData("""{"error":{"message":"unauthorised"}}""", "", "unauthorised")]
    [InlineData("""{"error":{"Message":"m","@Message.ExtendedInfo":{"MessageId":"SYS403","Message":"x"}}}""", "SYS403", "x")]
    [InlineData("""{"@Message.ExtendedInfo":[{"MessageId":"A.1.0.B","MessageSeverity":"Critical"}]}""", "A.B", "")]
    [InlineData("""{"Accepted":{"@Message.ExtendedInfo":[{"MessageId":"A.1.0.B","Message":7}]}}""", "A.B", "")]
    [InlineData("""{"error":{"@Message.ExtendedInfo":[{"MessageId":"A\u001b[2J","Message":"x"}]}}""", "", "x")]
    [InlineData("""{"error":[],"@Message.ExtendedInfo":7}""", null, null)]
    [InlineData("""{"error":{"@Message.ExtendedInfo":[null,7,[],{}]}}""", null, null)]
    [InlineData("[]", null, null)]
    [InlineData("7", null, null)]
    public void Of_OddBodies_GiveWhatCanBeRead(string body, string? id, string? text)
    {
        var messages = RedfishMessage.Of(Json(body));
        if (id is null)
        {
            Assert.Empty(messages);
            return;
        }

        Assert.Equal((id, text), (messages[0].Id, messages[0].Text));
    }

    [Fact]
    public void From_LongTexts_AreClipped()
    {
        var message = new RedfishMessage { Id = "A.B", Text = new string('x', 2000), Resolution = new string('y', 2000) };
        Assert.True(RedfishFault.From(500, [message], false, false).Detail.Length <= 512);
        var many = "[" + string.Join(',', Enumerable.Repeat("""{"Message":"x"}""", 1000)) + "]";
        Assert.Equal(RedfishMessage.MaxMessages, RedfishMessage.Of(Json($$$"""{"error":{"@Message.ExtendedInfo":{{{many}}}}}""")).Length);
    }

    [Fact]
    public void From_AnySocketError_IsTotal()
    {
        foreach (var error in Enum.GetValues<SocketError>())
        {
            var fault = RedfishFault.From(new SocketException((int)error), FaultEffect.NotSent, isCancelled: false);
            Assert.Equal(PeerCode.HResult, fault.PeerCode!.Value.Dialect);
            Assert.Equal(RedfishFault.KindOf(error), fault.Kind);
        }

        Assert.Equal(TransportFaultKind.Unmapped, RedfishFault.KindOf(SocketError.TypeNotFound));
    }

    public static TheoryData<int, TransportFaultKind> Exceptions => new()
    {
        { 0, TransportFaultKind.NameNotResolved },
        { 1, TransportFaultKind.Refused },
        { 2, TransportFaultKind.Unreachable },
        { 3, TransportFaultKind.Lost },
        { 4, TransportFaultKind.PeerNotTrusted },
        { 5, TransportFaultKind.Lost },
        { 6, TransportFaultKind.Lost },
        { 7, TransportFaultKind.TimedOut },
        { 8, TransportFaultKind.ProtocolViolation },
        { 9, TransportFaultKind.TransportBroken },
        { 10, TransportFaultKind.PeerNotTrusted },
        { 11, TransportFaultKind.Lost },
    };

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void From_Exception_HasItsKind(int index, TransportFaultKind kind)
    {
        Exception exception = index switch
        {
            0 => new SocketException((int)SocketError.HostNotFound),
            1 => new SocketException((int)SocketError.ConnectionRefused),
            2 => new SocketException((int)SocketError.NetworkUnreachable),
            3 => new IOException("x", new SocketException((int)SocketError.ConnectionReset)),
            4 => new AuthenticationException("x"),
            5 => new EndOfStreamException(),
            6 => new ObjectDisposedException("x"),
            7 => new OperationCanceledException(),
            8 => new JsonException(),
            9 => new InvalidOperationException("canary"),
            10 => new RedfishFaultException(TransportFaultKind.PeerNotTrusted, "x"),
            _ => new IOException("x"),
        };
        var fault = RedfishFault.From(exception, FaultEffect.MayHaveApplied, isCancelled: false);
        Assert.Equal((kind, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.DoesNotContain("canary", fault.ToString(), StringComparison.Ordinal);
        Assert.Equal(TransportFaultKind.Cancelled, RedfishFault.From(exception, FaultEffect.MayHaveApplied, isCancelled: true).Kind);
    }

    [Fact]
    public void RedfishJson_MistypedProperties_AreAbsent()
    {
        var json = Json("""{"s":"x","n":7,"f":1.5,"b":true,"z":null,"l":{"@odata.id":"/a"},"bad":{"@odata.id":7},"a":[{"@odata.id":"/1"},{"@odata.id":2},"x"],"d":1,"d":"last","u":"\ud800","long":"abcdef"}""");
        Assert.Equal(("x", null, null), (json.Text("s"), json.Text("n"), json.Text("z")));
        Assert.Equal((7L, null, null), (json.Number("n"), json.Number("f"), json.Number("s")));
        Assert.Equal((true, null), (json.Flag("b"), json.Flag("s")));
        Assert.Equal(("/a", null, null), (json.Link("l"), json.Link("bad"), json.Link("s")));
        Assert.Equal(["/1"], json.Links("a").ToArray());
        Assert.Equal(["x"], json.Texts("a").ToArray());
        Assert.Equal(2, json.Items("a", 2).Length);
        Assert.Empty(json.Items("s"));
        Assert.Equal("last", json.Text("d"));
        Assert.Null(json.Text("u"));
        Assert.Null(json.Text("long", 5));
        Assert.Null(json["no"]["such"]["thing"].Text("x"));
        Assert.False(json["z"].Exists);
        Assert.False(default(RedfishJson).Exists);
    }

    [Fact]
    public void RedfishJson_NameWithHalfASurrogatePair_IsAbsentAndHidesNothing()
    {
        var json = Json("""{"a":1,"b":"x","a":"last","\ud800":2,"o":{"\udc00x":{}},"l":[{"\ud800":1,"@odata.id":"/1"}]}""");
        Assert.Equal(("last", "x"), (json.Text("a"), json.Text("b")));
        Assert.Null(json.Text("none"));
        Assert.False(json["o"]["x"].Exists);
        Assert.Equal(["/1"], json.Links("l").ToArray());
    }

    [Fact]
    public void TryParse_NotWholeOrTooDeep_IsRefused()
    {
        Assert.False(RedfishJson.TryParse("{} {}"u8, out _));
        Assert.False(RedfishJson.TryParse("{"u8, out _));
        Assert.False(RedfishJson.TryParse(default, out _));
        Assert.False(RedfishJson.TryParse(Encoding.UTF8.GetBytes(new string('[', 65) + new string(']', 65)), out _));
        Assert.True(RedfishJson.TryParse(Encoding.UTF8.GetBytes("\uFEFF" + new string('[', 64) + new string(']', 64)), out _));
    }

    private static RedfishJson Json(string text)
    {
        Assert.True(RedfishJson.TryParse(Encoding.UTF8.GetBytes(text), out var json));
        return json;
    }
}
