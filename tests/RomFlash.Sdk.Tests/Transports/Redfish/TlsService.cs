using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Redfish;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Tests.Transports.Directory;

namespace RomFlash.Sdk.Tests.Transports.Redfish;

/// <summary>A service on the loopback that does what a test says, byte by byte. By itself it knows its root and sessions.</summary>
internal sealed class TlsService : IAsyncDisposable
{
    public const string Password = "canary-pa\"ss+wörd";
    public const string Token = "canary-token";
    public static readonly TimeSpan Guard = TimeSpan.FromSeconds(20);
    public static readonly X509Certificate2 Certificate = Create("localhost");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly Func<ServiceCall, Task<bool>> _handle;
    private readonly Func<int, X509Certificate2> _certificate;
    private readonly Task _accepting;
    private int _connections;
    private int _logins;

    public TlsService(Func<ServiceCall, Task<bool>> handle, Func<int, X509Certificate2>? certificate = null)
    {
        _handle = handle;
        _certificate = certificate ?? (_ => Certificate);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Root { get; set; } = """{"@odata.id":"/redfish/v1/","UUID":"u","Links":{"Sessions":{"@odata.id":"/redfish/v1/SessionService/Sessions"}}}""";

    public ConcurrentQueue<string> Seen { get; } = new();

    public int Connections => _connections;

    public int Logins => _logins;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public static string Fingerprint(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    public static X509Certificate2 Create(string name, string? subject = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + (subject ?? name), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    public RedfishAddress Address(string host = "localhost", string? pin = null) =>
        RedfishAddress.TryParse(new Uri($"redfish://{host}:{Port}{(pin is null ? string.Empty : "?sha256=" + pin)}")).Ok();

    public async Task<TransportResult<RedfishConnection>> TryConnect(
        RedfishTransportOptions? options = null,
        TimeProvider? time = null,
        RedfishAddress? address = null,
        string password = Password,
        CancellationToken cancellationToken = default)
    {
        using var credentials = TargetCredentials.Password("admin", new Secret(password));
        return await RedfishConnection.ConnectAsync(address ?? Address(pin: Fingerprint(Certificate)), credentials, options ?? new(), time ?? TimeProvider.System, cancellationToken).AsTask().WaitAsync(Guard);
    }

    public async Task<RedfishConnection> Connect(RedfishTransportOptions? options = null, TimeProvider? time = null) => (await TryConnect(options, time)).Ok();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                socket.NoDelay = true;
                _sockets.Add(socket);
                serving.Add(ServeAsync(socket, _certificate(Interlocked.Increment(ref _connections))));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(serving).WaitAsync(Guard);
        }
    }

    private async Task ServeAsync(Socket socket, X509Certificate2 certificate)
    {
        try
        {
            using var owned = socket;
            await using var stream = new SslStream(new NetworkStream(socket));
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, _stop.Token);
            while (await ServiceCall.ReadAsync(socket, stream, _stop.Token) is { } call)
            {
                Seen.Enqueue($"{call.Method} {call.Path}");
                if (!await _handle(call) && !await AnswerAsync(call))
                {
                    return;
                }

                // What the test did not care for still stands in front of the next request.
                await call.Drain();
                if (call.IsLast)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // A client that goes away is what many of these tests are about.
        }
    }

    private async Task<bool> AnswerAsync(ServiceCall call)
    {
        switch (call.Method, call.Path)
        {
            case ("GET", "/redfish/v1/"):
                await call.Reply(200, Root);
                return true;
            case ("POST", "/redfish/v1/SessionService/Sessions"):
                using (var login = System.Text.Json.JsonDocument.Parse(await call.ReadBody()))
                {
                    if (login.RootElement.GetProperty("UserName").GetString() != "admin" || login.RootElement.GetProperty("Password").GetString() is not Password)
                    {
                        // As careless as a service can be.
                        await call.Reply(401, $$$"""{"error":{"code":"Base.1.8.GeneralError","message":"m","@Message.ExtendedInfo":[{"MessageId":"Base.1.8.PropertyValueIncorrect","Message":"{{{login.RootElement.GetProperty("Password").GetString()}}} is wrong"}]}}""");
                        return true;
                    }
                }

                var number = Interlocked.Increment(ref _logins);
                await call.Reply(201, "{}", $"X-Auth-Token: {Token}{number}", $"Location: /redfish/v1/SessionService/Sessions/{number}");
                return true;
            case ("DELETE", _):
                await call.Reply(204, null);
                return true;
            default:
                await call.Reply(404, """{"error":{"code":"Base.1.8.ResourceMissingAtURI","message":"nothing there"}}""");
                return true;
        }
    }
}

/// <summary>One request that a service has read the head of.</summary>
internal sealed partial class ServiceCall
{
    private readonly Socket _socket;
    private bool _isRead;

    private ServiceCall(Socket socket, SslStream stream, string head, CancellationToken stop)
    {
        (_socket, Stream, Head, Stop) = (socket, stream, head, stop);
        var line = head[..head.IndexOf('\r', StringComparison.Ordinal)].Split(' ');
        (Method, Path) = (line[0], line[1]);
        Length = Field("Content-Length") is { } length ? long.Parse(length, CultureInfo.InvariantCulture) : 0;
    }

    public SslStream Stream { get; }

    public string Head { get; }

    public CancellationToken Stop { get; }

    public string Method { get; }

    public string Path { get; }

    public long Length { get; }

    public bool IsLast { get; private set; }

    public static async Task<ServiceCall?> ReadAsync(Socket socket, SslStream stream, CancellationToken stop)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, stop) == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        return new(socket, stream, head.ToString(), stop);
    }

    public string? Field(string name) => Regex.Match(Head, $"^{name}: (.*)\r$", RegexOptions.Multiline | RegexOptions.IgnoreCase) is { Success: true } match ? match.Groups[1].Value : null;

    public async Task Drain()
    {
        if (!_isRead && !IsLast && Field("Expect") is null && Length is > 0 and < 1 << 16)
        {
            await ReadBody();
        }
    }

    /// <summary>Asks for a body that the client holds back until it is asked for.</summary>
    public async Task<bool> Continue() => Field("Expect") is null || await Raw("HTTP/1.1 100 Continue\r\n\r\n");

    public async Task<byte[]> ReadBody(bool asksFor = true)
    {
        _isRead = true;
        if (asksFor)
        {
            await Continue();
        }

        var body = new byte[Length];
        await Stream.ReadExactlyAsync(body, Stop);
        return body;
    }

    public async Task<bool> Reply(int status, string? json, params string[] fields)
    {
        var body = Encoding.UTF8.GetBytes(json ?? string.Empty);
        var head = new StringBuilder($"HTTP/1.1 {status} X\r\n");
        foreach (var field in fields)
        {
            head.Append(field).Append("\r\n");
        }

        if (json is not null)
        {
            head.Append(fields.Any(f => f.StartsWith("Content-Type", StringComparison.Ordinal)) ? string.Empty : "Content-Type: application/json; charset=utf-8\r\n");
        }

        head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n\r\n");
        return await Raw([.. Encoding.Latin1.GetBytes(head.ToString()), .. body]);
    }

    public Task<bool> Raw(string text) => Raw(Encoding.Latin1.GetBytes(text));

    public async Task<bool> Raw(byte[] bytes)
    {
        await Stream.WriteAsync(bytes, Stop);
        return true;
    }

    /// <summary>Answers nothing, and stays.</summary>
    public async Task<bool> Mute(TaskCompletionSource? reached = null)
    {
        reached?.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, Stop);
        return true;
    }

    /// <summary>Closes in order after this.</summary>
    public bool Close() => IsLast = true;

    /// <summary>Says that nothing more is said, and takes what comes until the client has gone.</summary>
    public async Task<bool> Linger()
    {
        _socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[1 << 16];
        while (await _socket.ReceiveAsync(buffer, Stop) > 0)
        {
            // Thrown away.
        }

        return IsLast = true;
    }

    /// <summary>Resets the connection at once.</summary>
    public bool Cut()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
        throw new IOException("cut");
    }
}

internal static class RedfishResults
{
    /// <summary>The fault, which holds no secret.</summary>
    public static TransportFault Refused<T>(this TransportResult<T> result)
        where T : notnull
    {
        var fault = result.Fault();
        Assert.DoesNotContain("canary", fault.Detail + fault, StringComparison.Ordinal);
        return fault;
    }
}

/// <summary>A clock on which waits of one length are over at once, and are counted. All others last for ever.</summary>
internal sealed class WaitCounter(TimeSpan counted) : TimeProvider
{
    private int _count;

    public int Count => _count;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var isCounted = dueTime == counted;
        if (isCounted)
        {
            Interlocked.Increment(ref _count);
        }

        return System.CreateTimer(callback, state, isCounted ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
