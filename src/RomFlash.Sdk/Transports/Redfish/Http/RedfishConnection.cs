using System.Buffers;
using System.Collections.Immutable;
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

    /// <summary>A session that is refused is as good as gone: of these the last ones are still ended.</summary>
    private const int MaxLogins = 64;

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
    private readonly Lock _gate = new();
    private readonly List<Login> _logins = [];
    private readonly CancellationTokenSource _closing = new();
    private long _opened;
    private volatile bool _usesBasic;
    private volatile bool _isDisposed;

    private RedfishConnection(RedfishAddress address, string userName, Secret password, RedfishTransportOptions options, TimeProvider time)
    {
        Address = address;
        _userName = userName;
        _password = password;
        _options = options;
        _time = time;
        _trust = new ServerTrust(address.Pin, options.TrustedRoots);
        _reader = Create(isWriter: false, stream => stream);
        _writer = Create(isWriter: true, stream =>
        {
            // From here on a request may reach the service; before, none has. Which one it is, is known too late.
            Interlocked.Increment(ref _opened);
            return stream;
        });
    }

    public RedfishAddress Address { get; }

    public string UserName => _userName;

    /// <summary>Whether requests go under a session's token, and not with the password.</summary>
    public bool HasSession => _token is not null;

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

        // A service that knows no "Expect" says so before it has anything of the body; it is asked once more without (RFC 9110, 10.1.1).
        for (var expects = true; ; expects = false)
        {
            if (_isDisposed)
            {
                return Closed;
            }

            var push = new RedfishPush(this, filter => Create(isWriter: true, filter), request, _closing.Token);
            var message = Compose(HttpMethod.Post, uri, push.Content, request.Comment);
            message.Headers.ExpectContinue = expects;
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
            if (!expects || fault.PeerCode is not { Dialect: Outcomes.PeerCode.Redfish, Number: 417 })
            {
                return fault;
            }
        }
    }

    /// <summary>Logs out, within its own bound, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _closing.CancelAsync().ConfigureAwait(false);
        Login[] logins;
        lock (_gate)
        {
            logins = [.. _logins];
        }

        if (logins.Length > 0)
        {
            using var limit = new CancellationTokenSource(_options.LogoutTimeout, _time);

            // The last one first: it is the one that lives for certain.
            for (var i = logins.Length - 1; i >= 0 && !limit.IsCancellationRequested; i--)
            {
                await EndAsync(logins[i], limit.Token).ConfigureAwait(false);
            }
        }

        _token = null;
        _reader.Dispose();
        _writer.Dispose();
        _password.Dispose();
        _closing.Dispose();
    }

    /// <summary>Makes a path on this host of a reference that the service gave; null when it leads elsewhere.</summary>
    public string? TryGetPath(string? reference) => TryGetPath("/", reference);

    /// <summary>Takes out of messages what holds a secret of this session: some services quote what they were sent.</summary>
    public ImmutableArray<RedfishMessage> WithoutSecrets(ImmutableArray<RedfishMessage> messages)
    {
        for (var i = 0; i < messages.Length; i++)
        {
            var message = messages[i];
            if (HoldsSecret(message.Text) || HoldsSecret(message.Resolution) || HoldsSecret(message.Id) || message.Args.Any(HoldsSecret))
            {
                // An id that is known is a word of the standard, whatever the password may be.
                var isKnown = RedfishFault.KindOf(message.Id) is not null;
                messages = messages.SetItem(i, new() { Id = isKnown || !HoldsSecret(message.Id) ? message.Id : string.Empty, Severity = message.Severity });
            }
        }

        return messages;
    }

    /// <summary>Reads an answer whose head is there.</summary>
    /// <param name="response">The head.</param>
    /// <param name="isWrite">Whether the request was to change something.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <param name="isLogin">Whether it was a login: what is said about one may quote the password in part or in another spelling, and is not repeated.</param>
    internal async ValueTask<TransportResult<RedfishReply>> ReadReplyAsync(HttpResponseMessage response, bool isWrite, CancellationToken cancellationToken, bool isLogin = false)
    {
        var status = (int)response.StatusCode;
        var retryAfter = RetryAfterOf(response);
        if (status is < 200 or > 599)
        {
            // What follows "switching protocols" has no end, and of numbers beyond nobody knows what they mean (RFC 9110, 15).
            return RedfishFault.From(status, [], isWrite, false) with { Kind = TransportFaultKind.ProtocolViolation };
        }

        var isSuccess = status < 300;
        var isJson = IsJson(response);
        RedfishJson body = default;
        var isRead = false;
        try
        {
            isRead = isJson && RedfishJson.TryParse(await ReadBodyAsync(response, cancellationToken).ConfigureAwait(false), out body);
        }
        catch (Exception exception) when (!isSuccess && !cancellationToken.IsCancellationRequested && exception is HttpRequestException or IOException or RedfishFaultException)
        {
            // The status says enough.
        }

        var messages = WithoutSecrets(RedfishMessage.Of(body));
        if (!isSuccess)
        {
            return RedfishFault.From(status, isLogin ? RedfishMessage.IdsOf(messages) : messages, isWrite, retryAfter is not null);
        }

        if (!isWrite && status != 204 && (!isRead || !body.IsObject))
        {
            return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, isJson ? "the answer is not valid JSON" : "the answer is no JSON that can be read");
        }

        string? location = null;
        if (response.Headers.Location is { } given)
        {
            location = TryGetPath(response.RequestMessage?.RequestUri?.PathAndQuery ?? "/", given.OriginalString);
            if (location is null && !isLogin)
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
            Messages = messages,
            Body = body,
        };
    }

    /// <summary>Makes a fault of what the framework threw. Of its messages none is repeated that may hold a service's words.</summary>
    internal TransportFault FaultOf(Exception exception, FaultEffect effect, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return RedfishFault.From(exception, effect, isCancelled: true);
        }

        if (_isDisposed)
        {
            return new(TransportFaultKind.Lost, effect, "the session was closed");
        }

        for (var depth = 0; depth < 8; depth++)
        {
            var error = exception switch
            {
                HttpRequestException http => http.HttpRequestError,
                HttpIOException http => http.HttpRequestError,
                _ => (HttpRequestError?)null,
            };
            switch (error)
            {
                case HttpRequestError.NameResolutionError:
                    return new(TransportFaultKind.NameNotResolved, FaultEffect.NotSent, $"the name {Address.Host} can't be resolved");
                case HttpRequestError.ResponseEnded:
                    return new(TransportFaultKind.Lost, effect, "the service closed the connection before it had answered");
                case HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.VersionNegotiationError or HttpRequestError.HttpProtocolError:
                    return new(TransportFaultKind.ProtocolViolation, effect, $"the service does not speak HTTP/1.1 as it should ({error})");
            }

            if (error is HttpRequestError.SecureConnectionError || exception is AuthenticationException)
            {
                if (_refusal is { } refusal)
                {
                    return new(TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent, refusal);
                }
            }

            if (error is null)
            {
                break;
            }

            if (exception.InnerException is not { } inner)
            {
                return new(TransportFaultKind.Lost, effect, $"the connection broke ({error})");
            }

            exception = inner;
        }

        return RedfishFault.From(exception, effect, isCancelled: false);
    }

    private static TransportFault Cancelled => new(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled");

    private static TransportFault Closed => new(TransportFaultKind.Lost, FaultEffect.NotSent, "the session was closed");

    private TransportFault Elsewhere(string reference, FaultEffect effect) =>
        new(TransportFaultKind.ProtocolViolation, effect, "the service refers to another host" + (HoldsSecret(reference) ? string.Empty : ": " + (reference.Length > 256 ? reference[..256] : reference)));

    private HttpClient Create(bool isWriter, Func<Stream, Stream> filter) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        MaxConnectionsPerServer = 4,
        MaxResponseHeadersLength = Math.Max(1, _options.MaxHeaderBytes >> 10),
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        PooledConnectionLifetime = isWriter ? TimeSpan.Zero : Timeout.InfiniteTimeSpan,
        Expect100ContinueTimeout = TimeSpan.FromSeconds(1),
        SslOptions = new SslClientAuthenticationOptions
        {
            TargetHost = Address.Host,
            CertificateChainPolicy = _trust.Policy(),
            AllowRenegotiation = false,

            // A resumed session shows no certificate anew.
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => (_refusal = _trust.Refuse(certificate, chain, errors)) is null,
        },
        PlaintextStreamFilter = (context, _) => new(filter(context.PlaintextStream)),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestVersion = HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private string? TryGetPath(string from, string? reference) => SameHost.TryResolve(Address.Authority, from, reference, out var path) ? path : null;

    private bool HoldsSecret(string? text)
    {
        if (string.IsNullOrEmpty(text) || _isDisposed)
        {
            return false;
        }

        if (_password.Use(text, static (within, characters) => !characters.IsEmpty && within.AsSpan().Contains(characters, StringComparison.Ordinal))
            || (_usesBasic && text.Contains(BasicOf(), StringComparison.Ordinal)))
        {
            return true;
        }

        lock (_gate)
        {
            foreach (var login in _logins)
            {
                // As it is, and as a message's id loses its middle.
                if (login.Token is { } token && (text.Contains(token, StringComparison.Ordinal) || (RedfishMessage.Shorten(token) is { Length: > 0 } shortened && text.Contains(shortened, StringComparison.Ordinal))))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private async ValueTask EndAsync(Login login, CancellationToken cancellationToken)
    {
        if (login.Path is not { } path || TryGetUri(path) is not { } uri)
        {
            return;
        }

        try
        {
            using var message = Compose(HttpMethod.Delete, uri, null, null, isAuthenticated: false);
            Authenticate(message, login.Token, login.Token is null || _usesBasic);
            using var response = await _writer.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A session that can't be ended expires by itself; closing never fails.
        catch (Exception)
#pragma warning restore CA1031
        {
            // Nothing to tell anybody.
        }
    }

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
        if (_isDisposed)
        {
            return Closed;
        }

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
        try
        {
            using var content = Json(body);
            using var message = Compose(HttpMethod.Post, TryGetUri(path)!, content, null, isAuthenticated: _usesBasic);
            using var response = await _writer.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);

            // Noted at once: what follows may break, and the session is there all the same.
            var login = response.IsSuccessStatusCode ? Note(response) : null;
            var result = await ReadReplyAsync(response, isWrite: true, cancellationToken, isLogin: true).ConfigureAwait(false);
            if (result.TryGetValue(out var reply, out var fault))
            {
                login!.Path ??= TryGetPath(reply.Body.Id);
                if (login.Token is { } token)
                {
                    _token = token;
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
            // A session that was opened and is not known expires by itself; one that is known is ended with the others.
            return FaultOf(exception, FaultEffect.NotSent, cancellationToken);
        }
    }

    private Login Note(HttpResponseMessage response)
    {
        var login = new Login
        {
            Token = response.Headers.TryGetValues(TokenHeader, out var tokens) && tokens.FirstOrDefault() is { Length: > 0 and <= 4096 } token && !token.AsSpan().ContainsAnyExceptInRange('!', '~') ? token : null,
            Path = TryGetPath(response.RequestMessage?.RequestUri?.PathAndQuery ?? "/", response.Headers.Location?.OriginalString),
        };
        lock (_gate)
        {
            if (_logins.Count == MaxLogins)
            {
                _logins.RemoveAt(0);
            }

            _logins.Add(login);
        }

        return login;
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
        var opened = Interlocked.Read(ref _opened);
        for (var redirects = 0; ; redirects++)
        {
            if (_isDisposed)
            {
                return Closed;
            }

            if (TryGetUri(path) is not { } uri)
            {
                return Elsewhere(path, FaultEffect.NotSent);
            }

            try
            {
                using var content = json is { } bytes ? Json(bytes) : null;
                using var message = Compose(method, uri, content, comment, isAuthenticated);
                using var response = await (isRead ? _reader : _writer).SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
                if (isRead && response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect)
                {
                    if (TryGetPath(path, response.Headers.Location?.OriginalString) is not { } next)
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
                return FaultOf(exception, !isRead && Interlocked.Read(ref _opened) != opened ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, cancellationToken);
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
        if (isAuthenticated)
        {
            Authenticate(message, _token, _usesBasic);
        }

        return message;
    }

    private void Authenticate(HttpRequestMessage message, string? token, bool withBasic)
    {
        if (token is not null)
        {
            message.Headers.TryAddWithoutValidation(TokenHeader, token);
        }

        if (withBasic)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Basic", BasicOf());
        }
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

    // In UTF-8, which is what JSON is written in (RFC 8259, 8.1), and in no coding that was not asked for.
    private static bool IsJson(HttpResponseMessage response)
    {
        foreach (var coding in response.Content.Headers.ContentEncoding)
        {
            if (!coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        foreach (var coding in response.Headers.TransferEncoding)
        {
            if (!coding.Value.Equals("chunked", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        return response.Content.Headers.ContentType is { MediaType: { } type } content
            && (type.Equals("application/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase))
            && (content.CharSet is not { } charset || charset.Trim('"').ToUpperInvariant() is "UTF-8" or "UTF8" or "US-ASCII");
    }

    private async ValueTask<byte[]> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
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

        return body.ToArray();
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta < TimeSpan.Zero ? TimeSpan.Zero : delta,
        { Date: { } date } => date - _time.GetUtcNow() is { Ticks: > 0 } wait ? wait : TimeSpan.Zero,
        _ => null,
    };

    /// <summary>A session that the service opened; where it is and how to speak in it, as far as that was said.</summary>
    private sealed class Login
    {
        public string? Token { get; init; }

        public string? Path { get; set; }
    }

    /// <summary>One exchange: its result, and how long the service wants to be left alone where that is why there is none.</summary>
    private readonly record struct Exchange(TransportResult<RedfishReply> Result, TimeSpan? BusyFor = null)
    {
        public static implicit operator Exchange(TransportFault fault) => new(fault);
    }
}
