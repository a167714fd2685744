using System.Collections.Concurrent;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>
/// Serves <c>redfish:</c> addresses: a management controller, over HTTPS. <c>redfish://host[:port][?sha256=HEX]</c>, where the 64 hexadecimal digits pin the
/// certificate; without them it has to lead to a root that the platform, or <see cref="RedfishTransportOptions.TrustedRoots"/>, trusts. See docs/redfish.md.
/// </summary>
/// <remarks>
/// Thread-safe. Needs an account of the controller; sessions are opened where the service has them, and always ended. Nothing that was uploaded can be read back.
/// What a commit means depends on the service: see <see cref="DepositTraits.Effect"/>.
/// </remarks>
public sealed class RedfishTransport : ITransport
{
    private readonly RedfishTransportOptions _options;

    // What a session learned and a later one can't read from the service: which task an upload became. One small entry for each controller that was connected to, for as long as the transport lives.
    private readonly ConcurrentDictionary<string, ControllerMemory> _memories = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Creates the transport.</summary>
    public RedfishTransport()
        : this(new RedfishTransportOptions())
    {
    }

    /// <summary>Creates the transport.</summary>
    /// <param name="options">How controllers are spoken to.</param>
    public RedfishTransport(RedfishTransportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    public string Scheme => RedfishAddress.Scheme;

    /// <inheritdoc/>
    /// <returns>
    /// The session; <see cref="TransportFaultKind.PeerNotTrusted"/> with the fingerprint found, <see cref="TransportFaultKind.CredentialsRejected"/>,
    /// <see cref="TransportFaultKind.Unsupported"/> when the address can't be used, ….
    /// </returns>
    public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (!RedfishAddress.TryParse(request.Endpoint.Address).TryGetValue(out var address, out var fault)
            || !(await RedfishConnection.ConnectAsync(address, request.Credentials, _options, request.TimeProvider, cancellationToken).ConfigureAwait(false)).TryGetValue(out var connection, out fault))
        {
            return fault;
        }

        RedfishSession? session = null;
        try
        {
            if (!(await RedfishService.DiscoverAsync(connection, cancellationToken).ConfigureAwait(false)).TryGetValue(out var service, out fault))
            {
                return fault;
            }

            var memory = _memories.GetOrAdd(address.Authority.Authority, static _ => new ControllerMemory());
            session = new RedfishSession(connection, service, memory, _options, request.TimeProvider);
            return TransportResult<ITargetSession>.From(session);
        }
        finally
        {
            // However it ends: a controller has few sessions, and keeps one that nobody ends.
            if (session is null)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
