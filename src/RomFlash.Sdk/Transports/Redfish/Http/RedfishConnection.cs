using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports.Redfish.Http;

/// <summary>
/// Requests to one service, over connections that are kept, as one account. Every answer is bounded, every fault has a kind and says what may have taken effect.
/// </summary>
/// <remarks>
/// Thread-safe but for <see cref="DisposeAsync"/>. Requests that write go over connections of their own: the framework repeats by itself what it sent over a kept
/// connection that turns out to be closed, and nothing that writes may be repeated.
/// </remarks>
internal sealed class RedfishConnection : IAsyncDisposable
{
    public const string RootPath = "/redfish/v1/";

    private const int MaxRedirects = 3;
    private const string TokenHeader = "X-Auth-Token";
    private static readonly HttpRequestOptionsKey<Reached> ReachedKey = new("romflash-reached");

    private readonly RedfishTransportOptions _options;
    private readonly TimeProvider _time;
    private readonly ServerTrust _trust;
    private readonly HttpClient _reader;
    private readonly HttpClient _writer;
    private readonly string _userName;
    private readonly Secret _password;
    private readonly SemaphoreSlim _login = new(1, 1);
    private volatile string? _refusal;
    private volatile string? _token;
    private string? _session;
    private bool _usesBasic;
    private bool _isDisposed;

    private RedfishConnection(RedfishAddress address, string userName, Secret password, RedfishTransportOptions options, TimeProvider time)
    {
        Address = address;
        _userName = userName;
        _password = password;
        _options = options;
        _time = time;
        _trust = new ServerTrust(address.Pin, options.TrustedRoots);
        _reader = Create(Timeout.InfiniteTimeSpan);
        _writer = Create(TimeSpan.Zero);
    }

    public RedfishAddress Address { get; }

    public string UserName => _userName;

    /// <summary>The service's root (DSP0266, 8.3).</summary>
    public RedfishJson Root { get; private set; }

    /// <summary>Connects and logs in.</summary>
    public static async ValueTask<TransportResult<RedfishConnection>> ConnectAsync(
        RedfishAddress address,
        TargetCredentials account,
        RedfishTransportOptions options,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (account is not PasswordCredentials credentials)
        {
            return ReferenceEquals(account, TargetCredentials.CurrentUser)
                ? new TransportFault(TransportFaultKind.CurrentUserUnavailable, FaultEffect.NotSent, "a management controller knows accounts of its own alone")
                : new TransportFault(TransportFaultKind.CredentialsUnavailable, FaultEffect.NotSent, "a management controller wants a user name and a password");
        }

        // The caller wipes its own when the session is open; a new login needs it again.
        var password = credentials.UsePassword(0, static (_, characters) => new Secret(characters));
        var connection = new RedfishConnection(address, credentials.UserName, password, options, time);
        var opened = await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        if (opened is null)
        {
            return connection;
        }

        await connection.DisposeAsync().ConfigureAwait(false);
        return opened;
    }

    /// <summary>Reads a resource. Repeated while the service says that it is busy and for how long.</summary>
    public ValueTask<TransportResult<RedfishReply>> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, null, null, cancellationToken);

    /// <summary>Sends what changes something; never repeated, but for a fresh login when the service did not look at it without.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="json">The body.</param>
    /// <param name="comment">A comment for the User-Agent field, by which the request is found again in a task's payload; or null.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public ValueTask<TransportResult<RedfishReply>> PostAsync(string path, ReadOnlyMemory<byte> json, string? comment, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, json, comment, cancellationToken);

    public ValueTask<TransportResult<RedfishReply>> PatchAsync(string path, ReadOnlyMemory<byte> json, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Patch, path, json, null, cancellationToken);

    public ValueTask<TransportResult<RedfishReply>> DeleteAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, path, null, null, cancellationToken);

    /// <summary>The token of a session, logging in where requests go without one: some uploads want it beside the header.</summary>
    public async ValueTask<TransportResult<string>> NeedTokenAsync(CancellationToken cancellationToken)
    {
        if (_token is { } token)
        {
            return token;
        }

        var fault = await LoginAsync(null, cancellationToken).ConfigureAwait(false);
        return fault is not null ? fault
            : _token is { } fresh ? fresh
            : new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "the service opens no sessions");
    }

    /// <summary>Begins an upload; see <see cref="RedfishPush"/>.</summary>
    public async ValueTask<TransportResult<RedfishPush>> OpenPushAsync(RedfishPushRequest request, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Cancelled;
        }

        if (TryGetUri(request.Path) is not { } uri)
        {
            return Elsewhere(request.Path, FaultEffect.NotSent);
        }

        var push = new RedfishPush(this, _writer, request);
        var message = Compose(HttpMethod.Post, uri, push.Content, request.Comment);
        message.Headers.ExpectContinue = true;
        if (request.Cookie is { } cookie)
        {
            message.Headers.TryAddWithoutValidation("Cookie", cookie);
        }

        if (request.IfMatch is { } etag)
        {
            message.Headers.TryAddWithoutValidation("If-Match", etag);
        }

        var fault = await push.BeginAsync(message, cancellationToken).ConfigureAwait(false);
        if (fault is null)
        {
            return push;
        }

        await push.DisposeAsync().ConfigureAwait(false);
        return fault;
    }

    /// <summary>Logs out, within its own bound, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (_session is { } session && TryGetUri(session) is { } uri)
        {
            using var limit = new CancellationTokenSource(_options.LogoutTimeout, _time);
            try
            {
                using var message = Compose(HttpMethod.Delete, uri, null, null);
                using var response = await _writer.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // A session that can't be ended expires by itself; closing never fails.
            catch (Exception)
#pragma warning restore CA1031
            {
                // Nothing to tell anybody.
            }
        }

        _token = null;
        _password.Dispose();
        _reader.Dispose();
        _writer.Dispose();
        _login.Dispose();
    }

    /// <summary>Makes a path on this host of a reference that the service gave; null when it leads elsewhere.</summary>
    public string? TryGetPath(string? reference)
    {
        if (string.IsNullOrEmpty(reference) || reference.Length > RedfishJson.MaxTextLength)
        {
            return null;
        }

        if (!Uri.TryCreate(Address.Authority, reference, out var uri))
        {
            return null;
        }

        return uri.Scheme == Address.Authority.Scheme && uri.Port == Address.Authority.Port && string.Equals(uri.IdnHost, Address.Authority.IdnHost, StringComparison.OrdinalIgnoreCase) && uri.UserInfo.Length == 0
            ? uri.PathAndQuery
            : null;
    }

    /// <summary>Reads the answer to a request that writes.</summary>
    internal async ValueTask<TransportResult<RedfishReply>> ReadReplyAsync(HttpResponseMessage response, bool isWrite, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var retryAfter = RetryAfterOf(response);
        var (bytes, isJson) = await ReadBodyAsync(response, cancellationToken).ConfigureAwait(false);
        RedfishJson body = default;
        var isRead = isJson && RedfishJson.TryParse(bytes, out body);
        if (status is >= 200 and < 300)
        {
            if (!isWrite && status != 204 && (!isRead || !body.IsObject))
            {
                return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, isJson ? "the answer is not valid JSON" : $"the answer is no JSON but '{response.Content.Headers.ContentType?.MediaType}'");
            }

            string? location = null;
            if (response.Headers.Location is { } given)
            {
                location = TryGetPath(given.OriginalString);
                if (location is null)
                {
                    return Elsewhere(given.OriginalString, isWrite ? FaultEffect.Applied : FaultEffect.NotSent);
                }
            }

            return new RedfishReply
            {
                Status = status,
                Location = location,
                RetryAfter = retryAfter,
                ETag = response.Headers.TryGetValues("ETag", out var etags) ? etags.FirstOrDefault() : null,
                Messages = RedfishMessage.Of(body),
                Body = body,
            };
        }

        return RedfishFault.From(status, RedfishMessage.Of(body), isWrite, retryAfter is not null);
    }

    /// <summary>Makes a fault of what the framework threw.</summary>
    internal TransportFault FaultOf(Exception exception, FaultEffect effect, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return RedfishFault.From(exception, effect, isCancelled: true);
        }

        for (var depth = 0; depth < 8; depth++)
        {
            switch (exception)
            {
                case AuthenticationException or HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } when _refusal is { } refusal:
                    return new(TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent, refusal);
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError }:
                    return new(TransportFaultKind.NameNotResolved, FaultEffect.NotSent, $"the name {Address.Host} can't be resolved");
                case HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded, InnerException: null }:
                    return new(TransportFaultKind.Lost, effect, "the service closed the connection before it had answered");
                case HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.VersionNegotiationError or HttpRequestError.HttpProtocolError } violation:
                    return new(TransportFaultKind.ProtocolViolation, effect, $"the service does not speak HTTP/1.1 as it should ({violation.HttpRequestError})");
                case HttpRequestException { InnerException: { } inner }:
                    exception = inner;
                    continue;
                case HttpRequestException http:
                    return new(TransportFaultKind.Lost, effect, $"the connection broke ({http.HttpRequestError})");
            }

            break;
        }

        return RedfishFault.From(exception, effect, isCancelled: false);
    }

    private static TransportFault Cancelled => new(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled");

    private static TransportFault Elsewhere(string reference, FaultEffect effect) =>
        new(TransportFaultKind.ProtocolViolation, effect, "the service refers to another host: " + (reference.Length > 256 ? reference[..256] : reference));

    private HttpClient Create(TimeSpan lifetime) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        MaxConnectionsPerServer = 4,
        MaxResponseHeadersLength = Math.Max(1, _options.MaxHeaderBytes >> 10),
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        PooledConnectionLifetime = lifetime,
        Expect100ContinueTimeout = TimeSpan.FromSeconds(2),
        SslOptions = new SslClientAuthenticationOptions
        {
            TargetHost = Address.Host,
            CertificateChainPolicy = _trust.Policy(),
            AllowRenegotiation = false,

            // A resumed session shows no certificate anew.
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => (_refusal = _trust.Refuse(certificate, chain, errors)) is null,
        },
        PlaintextStreamFilter = static (context, _) =>
        {
            // From here on the request may reach the service; before, nothing has.
            if (context.InitialRequestMessage.Options.TryGetValue(ReachedKey, out var reached))
            {
                reached.IsTrue = true;
            }

            return new(context.PlaintextStream);
        },
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestVersion = HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private async ValueTask<TransportFault?> OpenAsync(CancellationToken cancellationToken)
    {
        // The root needs no authentication (DSP0266, 13.3.2); some services want it all the same.
        var root = await SendOnceAsync(HttpMethod.Get, RootPath, null, null, isAuthenticated: false, cancellationToken).ConfigureAwait(false);
        if (!root.Result.TryGetValue(out var reply, out var fault))
        {
            if (fault.PeerCode is not { Dialect: Outcomes.PeerCode.Redfish, Number: 400 or 401 or 403 })
            {
                return fault;
            }

            _usesBasic = true;
            if (!(await SendOnceAsync(HttpMethod.Get, RootPath, null, null, isAuthenticated: true, cancellationToken).ConfigureAwait(false)).Result.TryGetValue(out reply, out fault))
            {
                return fault;
            }
        }

        Root = reply.Body;
        return _usesBasic ? null : await LoginAsync(null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens a session (DSP0266, 13.3.4); falls back to Basic where the service opens none.</summary>
    /// <param name="stale">The token that was refused, or null: whoever else has fetched a fresh one meanwhile has done it.</param>
    /// <param name="cancellationToken">Cancels.</param>
    private async ValueTask<TransportFault?> LoginAsync(string? stale, CancellationToken cancellationToken)
    {
        try
        {
            await _login.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Cancelled;
        }

        try
        {
            if (_token is { } token && token != stale)
            {
                return null;
            }

            _token = null;
            var path = TryGetPath(Root["Links"].Link("Sessions")) ?? "/redfish/v1/SessionService/Sessions";
            var body = _password.Use(_userName, static (name, password) =>
            {
                var buffer = new ArrayBufferWriter<byte>(256);
                using var json = new Utf8JsonWriter(buffer);
                json.WriteStartObject();
                json.WriteString("UserName"u8, name);
                json.WriteString("Password"u8, password);
                json.WriteEndObject();
                json.Flush();
                var bytes = buffer.WrittenSpan.ToArray();
                buffer.Clear();
                return bytes;
            });
            try
            {
                return await LoginAsync(path, body, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(body);
            }
        }
        finally
        {
            _login.Release();
        }
    }

    private async ValueTask<TransportFault?> LoginAsync(string path, byte[] body, CancellationToken cancellationToken)
    {
        var reached = new Reached();
        try
        {
            using var content = Json(body);
            using var message = Compose(HttpMethod.Post, TryGetUri(path)!, content, null, isAuthenticated: _usesBasic);
            message.Options.Set(ReachedKey, reached);
            using var response = await _writer.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            var result = await ReadReplyAsync(response, isWrite: true, cancellationToken).ConfigureAwait(false);
            if (result.TryGetValue(out var reply, out var fault))
            {
                if (response.Headers.TryGetValues(TokenHeader, out var tokens) && tokens.FirstOrDefault() is { Length: > 0 and <= 4096 } token && token.All(c => c is > ' ' and < '\u007f'))
                {
                    _token = token;
                    _session = reply.Location ?? TryGetPath(reply.Body.Id);
                    return null;
                }

                return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied, "the service opened a session and gave no token");
            }

            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
            {
                _usesBasic = true;
                return null;
            }

            // A login that is refused for what is in it is refused for the account.
            return fault.PeerCode is { Number: 400 or 401 or 403 } && fault.Kind is TransportFaultKind.Rejected or TransportFaultKind.AccessDenied or TransportFaultKind.CredentialsRejected
                ? fault with { Kind = TransportFaultKind.CredentialsRejected, Effect = FaultEffect.NotSent }
                : fault with { Effect = FaultEffect.NotSent };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException or RedfishFaultException)
        {
            // A session that was opened and is not known expires by itself.
            return FaultOf(exception, FaultEffect.NotSent, cancellationToken);
        }
    }

    private async ValueTask<TransportResult<RedfishReply>> SendAsync(HttpMethod method, string path, ReadOnlyMemory<byte>? json, string? comment, CancellationToken cancellationToken)
    {
        var isRead = method == HttpMethod.Get;
        for (var (logins, retries) = (0, 0); ; )
        {
            var token = _token;
            var exchange = await SendOnceAsync(method, path, json, comment, isAuthenticated: true, cancellationToken).ConfigureAwait(false);
            if (exchange.Result.TryGetValue(out _, out var fault))
            {
                return exchange.Result;
            }

            if (fault.PeerCode is { Dialect: Outcomes.PeerCode.Redfish, Number: 401 } && logins == 0 && !_usesBasic)
            {
                logins++;
                if (await LoginAsync(token, cancellationToken).ConfigureAwait(false) is { } refused)
                {
                    return refused;
                }

                continue;
            }

            if (isRead && exchange.BusyFor is { } wanted && retries < _options.MaxRetries)
            {
                retries++;
                try
                {
                    await Task.Delay(wanted < _options.MaxRetryDelay ? wanted : _options.MaxRetryDelay, _time, cancellationToken).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return Cancelled with { Detail = "cancelled while the service was busy: " + fault.Detail };
                }

                continue;
            }

            return fault;
        }
    }

    private async ValueTask<Exchange> SendOnceAsync(
        HttpMethod method,
        string path,
        ReadOnlyMemory<byte>? json,
        string? comment,
        bool isAuthenticated,
        CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Cancelled;
        }

        var isRead = method == HttpMethod.Get;
        var reached = new Reached();
        for (var redirects = 0; ; redirects++)
        {
            if (_isDisposed)
            {
                return new TransportFault(TransportFaultKind.Lost, FaultEffect.NotSent, "the session was closed");
            }

            if (TryGetUri(path) is not { } uri)
            {
                return Elsewhere(path, FaultEffect.NotSent);
            }

            try
            {
                using var content = json is { } bytes ? Json(bytes) : null;
                using var message = Compose(method, uri, content, comment, isAuthenticated);
                message.Options.Set(ReachedKey, reached);
                using var response = await (isRead ? _reader : _writer).SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
                if (isRead && response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect)
                {
                    if (TryGetPath(response.Headers.Location?.OriginalString) is not { } next)
                    {
                        return Elsewhere(response.Headers.Location?.OriginalString ?? "(nowhere)", FaultEffect.NotSent);
                    }

                    if (redirects == MaxRedirects)
                    {
                        return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, "the service redirects in circles");
                    }

                    path = next;
                    continue;
                }

                var result = await ReadReplyAsync(response, !isRead, cancellationToken).ConfigureAwait(false);
                return new(result, response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests ? RetryAfterOf(response) : null);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException or RedfishFaultException)
            {
                return FaultOf(exception, !isRead && reached.IsTrue ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, cancellationToken);
            }
        }
    }

    private static ByteArrayContent Json(ReadOnlyMemory<byte> bytes)
    {
        // A byte array of its own is what the caller can wipe.
        var content = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Array is { } array
            ? new ByteArrayContent(array, segment.Offset, segment.Count)
            : new ByteArrayContent(bytes.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        return content;
    }

    private Uri? TryGetUri(string path) => TryGetPath(path) is { } own ? new Uri(Address.Authority, own) : null;

    private HttpRequestMessage Compose(HttpMethod method, Uri uri, HttpContent? content, string? comment, bool isAuthenticated = true)
    {
        var message = new HttpRequestMessage(method, uri) { Content = content, Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        message.Headers.TryAddWithoutValidation("Accept", "application/json");
        message.Headers.TryAddWithoutValidation("OData-Version", "4.0");
        message.Headers.TryAddWithoutValidation("User-Agent", comment is null ? "RomFlash" : $"RomFlash ({comment})");
        if (!isAuthenticated)
        {
            return message;
        }

        if (_token is { } token)
        {
            message.Headers.TryAddWithoutValidation(TokenHeader, token);
        }

        if (_usesBasic)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Basic", BasicOf());
        }

        return message;
    }

    // RFC 7617. The framework takes headers as strings, which nobody can wipe: sessions are the better way, and tried first.
    private string BasicOf() => _password.Use(_userName, static (name, password) =>
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(name) + 1 + Encoding.UTF8.GetByteCount(password)];
        var at = Encoding.UTF8.GetBytes(name, bytes);
        bytes[at++] = (byte)':';
        Encoding.UTF8.GetBytes(password, bytes.AsSpan(at));
        var text = Convert.ToBase64String(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return text;
    });

    private async ValueTask<(byte[] Bytes, bool IsJson)> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var type = response.Content.Headers.ContentType?.MediaType;
        var isJson = type is not null && (type.Equals("application/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));
        var max = _options.MaxBodyBytes;
        if (response.Content.Headers.ContentLength > max)
        {
            throw RedfishFaultException.Violation(string.Create(CultureInfo.InvariantCulture, $"the service's answer is longer than {max} bytes"));
        }

        using var body = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(16 << 10);
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (body.Length + read > max)
                {
                    throw RedfishFaultException.Violation(string.Create(CultureInfo.InvariantCulture, $"the service's answer is longer than {max} bytes"));
                }

                body.Write(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }

        return (body.ToArray(), isJson);
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta < TimeSpan.Zero ? TimeSpan.Zero : delta,
        { Date: { } date } => date - _time.GetUtcNow() is { Ticks: > 0 } wait ? wait : TimeSpan.Zero,
        _ => null,
    };

    /// <summary>Whether a request got as far as the service.</summary>
    private sealed class Reached
    {
        public volatile bool IsTrue;
    }

    /// <summary>One exchange: its result, and how long the service wants to be left alone where that is why there is none.</summary>
    private readonly record struct Exchange(TransportResult<RedfishReply> Result, TimeSpan? BusyFor = null)
    {
        public static implicit operator Exchange(TransportFault fault) => new(fault);
    }
}
