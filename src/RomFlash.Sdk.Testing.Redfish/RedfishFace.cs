using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Redfish.Service;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Redfish;

/// <summary>
/// A Redfish service (DSP0266) on the loopback address in front of one simulated target, as its management controller. What a client pushes
/// becomes a deposit, what it starts becomes arming, and a reset becomes a restart of the target.
/// </summary>
/// <remarks>Thread-safe. It has no timer: what has become due on the target's clock is told when somebody asks.</remarks>
public sealed class RedfishFace : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly RedfishService _service;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, ConnectionContext> _connections;
    private readonly CancellationTokenSource _stopping;
    private X509Certificate2? _certificate;
    private int _requests;

    private RedfishFace(WebApplication server, RedfishService service, TimeProvider clock, ConcurrentDictionary<string, ConnectionContext> connections, X509Certificate2? certificate, CancellationTokenSource stopping)
    {
        _stopping = stopping;
        _server = server;
        _service = service;
        _clock = clock;
        _connections = connections;
        _certificate = certificate;
    }

    /// <summary>A persona for a target behind a management controller: it takes a deposit or refuses it, lets nobody look at it, and has no claims.</summary>
    public static SimulatedPersona ControllerPersona { get; } = SimulatedPersona.OnlyAccepts with { Name = "Controller", HasClaim = false };

    /// <summary>The address: <c>https</c> (or <c>http</c>, see <see cref="RedfishFaceOptions.PlainHttp"/>), <c>127.0.0.1</c> and the port.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>The SHA-256 of the certificate that is shown now; empty without TLS.</summary>
    public ContentDigest Fingerprint => Volatile.Read(ref _certificate) is { } shown ? new(SHA256.HashData(shown.RawData)) : default;

    /// <summary>The certificate that is shown now as PEM text, for clients that are given what to trust; empty without TLS.</summary>
    public string CertificatePem => Volatile.Read(ref _certificate)?.ExportCertificatePem() ?? string.Empty;

    /// <summary>How many requests came so far.</summary>
    public int RequestCount => Volatile.Read(ref _requests);

    /// <summary>Asked before each request: what becomes of it, or null for the right answer. Called on the thread that serves the request.</summary>
    public Func<RedfishRequest, RedfishFault?>? Interfere { get; set; }

    /// <summary>Starts a face.</summary>
    /// <param name="rack">The rack that holds the target.</param>
    /// <param name="target">The target, at the address of its own name, without accounts of its own: the face has them.</param>
    /// <param name="options">What the face is.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    /// <returns>The face, which listens.</returns>
    /// <exception cref="ArgumentException">The options name no account, or the target has accounts.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<RedfishFace> StartAsync(SimulatedRack rack, SimulatedTarget target, RedfishFaceOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rack);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Accounts.IsDefaultOrEmpty || !target.Options.Accounts.IsDefaultOrEmpty)
        {
            throw new ArgumentException("A face has accounts, and its target has none.", nameof(options));
        }

        RedfishFace? face = null;
        var connections = new ConcurrentDictionary<string, ConnectionContext>();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => async connection =>
                {
                    connections[connection.ConnectionId] = connection;
                    try
                    {
                        await next(connection).ConfigureAwait(false);
                    }
                    finally
                    {
                        connections.TryRemove(connection.ConnectionId, out _);
                    }
                });
                if (!options.PlainHttp)
                {
                    listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificateSelector = (_, _) => face!._certificate });
                }
            });
        });
        var server = builder.Build();
        var stopping = new CancellationTokenSource();
        face = new(server, new(options, new FarSide(rack, target), stopping.Token), rack.Clock, connections, options.PlainHttp ? null : CreateCertificate(), stopping);
        server.Run(face.ServeAsync);
        try
        {
            await server.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await face.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        face.Address = new(server.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());
        return face;
    }

    /// <summary>Ends all sessions, as a controller does that restarts or that has waited too long.</summary>
    public void ExpireSessions() => _service.Sessions.EndAll();

    /// <summary>Cuts all connections that are open now, as a pulled cable does.</summary>
    public void CutConnections()
    {
        foreach (var connection in _connections.Values)
        {
            connection.Abort(new ConnectionAbortedException("cut by the test"));
        }
    }

    /// <summary>Shows another certificate from the next connection on.</summary>
    /// <returns>Its fingerprint.</returns>
    /// <exception cref="InvalidOperationException">The face speaks plain HTTP.</exception>
    public ContentDigest SwapCertificate()
    {
        if (_certificate is null)
        {
            throw new InvalidOperationException("A face without TLS shows no certificate.");
        }

        Volatile.Write(ref _certificate, CreateCertificate());
        return Fingerprint;
    }

    /// <summary>Stops listening, and cuts what is still open.</summary>
    /// <returns>When it has stopped.</returns>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        CutConnections();
        await _server.DisposeAsync().ConfigureAwait(false);
        _service.Dispose();
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));

        // Clients judge it by their own clock, which is not the target's: it is valid at any time.
        using var certificate = request.CreateSelfSigned(new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2049, 12, 31, 0, 0, 0, TimeSpan.Zero));

        // Some platforms use a key only when it came with the certificate.
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    private async Task ServeAsync(HttpContext context)
    {
        var request = new RedfishRequest(Interlocked.Increment(ref _requests), context.Request.Method, context.Request.Path.Value ?? "/");
        var fault = Interfere?.Invoke(request);
        try
        {
            if (fault is not null && await MeetAsync(context, fault).ConfigureAwait(false))
            {
                return;
            }

            var reply = await _service.AnswerAsync(context).ConfigureAwait(false);
            await WriteAsync(context, reply, fault).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away, or its connection was cut: nobody is there to be answered.
            context.Abort();
        }
    }

    // True when the fault was all of the answer.
    private async Task<bool> MeetAsync(HttpContext context, RedfishFault fault)
    {
        switch (fault.Way)
        {
            case RedfishFault.FaultWay.Close:
                context.Abort();
                return true;
            case RedfishFault.FaultWay.Hang:
                await ForeverAsync(context).ConfigureAwait(false);
                return true;
            case RedfishFault.FaultWay.Endless:
                await WriteEndlesslyAsync(context).ConfigureAwait(false);
                return true;
            case RedfishFault.FaultWay.Refuse:
                var refusal = fault.Status == 401 ? Replies.NotAuthenticated() : Reply.Error(fault.Status, "Base.1.18.GeneralError", "A general error has occurred.");
                await WriteAsync(context, fault.RetryAfter is { } after ? refusal.With("Retry-After", Replies.Seconds(after)) : refusal, null).ConfigureAwait(false);
                return true;
            case RedfishFault.FaultWay.Answer:
                await WriteAsync(context, new(fault.Status) { Other = (fault.Body, fault.ContentType) }, null).ConfigureAwait(false);
                return true;
            case RedfishFault.FaultWay.Redirect:
                await WriteAsync(context, new Reply(fault.Status).With("Location", fault.Location), null).ConfigureAwait(false);
                return true;
            case RedfishFault.FaultWay.Slow:
                await Task.Delay(fault.Pause, _clock, context.RequestAborted).ConfigureAwait(false);
                return false;
            case RedfishFault.FaultWay.CloseAfter:
                context.Request.Body = new CutStream(context.Request.Body, fault.Bytes, context);
                return false;
            default:
                return false;
        }
    }

    private async Task ForeverAsync(HttpContext context)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        await Task.Delay(Timeout.InfiniteTimeSpan, _clock, ends.Token).ConfigureAwait(false);
    }

    private async Task WriteEndlesslyAsync(HttpContext context)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        context.Response.StatusCode = 200;
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync("{\"Name\":\"", ends.Token).ConfigureAwait(false);
        var more = new string('x', 1 << 14);
        while (!ends.IsCancellationRequested)
        {
            await context.Response.WriteAsync(more, ends.Token).ConfigureAwait(false);
        }
    }

    private static async Task WriteAsync(HttpContext context, Reply reply, RedfishFault? fault)
    {
        if (fault?.Way == RedfishFault.FaultWay.LoseAnswer)
        {
            context.Abort();
            return;
        }

        var response = context.Response;
        response.StatusCode = reply.Status;
        response.Headers["OData-Version"] = "4.0";
        response.Headers.CacheControl = "no-cache";
        foreach (var (name, value) in reply.Headers)
        {
            response.Headers[name] = value;
        }

        var body = reply.Body is { } json ? Reply.Write(json) : reply.Other is { } other ? Encoding.UTF8.GetBytes(other.Text) : null;
        if (body is null)
        {
            return;
        }

        response.ContentType = fault?.Way == RedfishFault.FaultWay.ContentType ? fault.ContentType : reply.Other?.ContentType ?? "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        if (fault?.Way == RedfishFault.FaultWay.HalfAnswer)
        {
            await response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), context.RequestAborted).ConfigureAwait(false);
            await response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            context.Abort();
            return;
        }

        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
    }

    /// <summary>A request's body that is cut after some bytes.</summary>
    private sealed class CutStream(Stream inner, long bytes, HttpContext context) : Stream
    {
        private long _left = bytes;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_left == 0)
            {
                context.Abort();
                throw new IOException("cut by the test");
            }

            var count = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
            _left -= count;
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
