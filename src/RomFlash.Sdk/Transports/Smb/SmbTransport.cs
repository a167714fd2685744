namespace RomFlash.Sdk.Transports.Smb;

/// <summary>
/// Serves <c>smb:</c> addresses: a Windows-like target, whose system partition is shared, and whose registry, services and restart are reached by remote calls over the same
/// connection. <c>smb://host[:port]/SHARE</c>. See docs/windows-targets.md.
/// </summary>
/// <remarks>
/// Thread-safe. Needs an administrative account of the target: the documented rule is the same one on every target. The current user's can't be supplied by the SDK's own
/// client on any platform, because nothing there gives the key that signs; another <see cref="ISmbConnector"/> may. SMB can't set the firmware's variables, so that a flash is armed by a
/// capsule file alone (<see cref="ArmingMethod.CapsuleFileOnly"/>), and only on targets whose registry says that this is enough: <c>HKLM\SOFTWARE\RomFlash.Sdk</c>, value <c>Arming</c>.
/// </remarks>
public sealed class SmbTransport : ITransport
{
    private readonly ISmbConnector _connector;

    /// <summary>Creates the transport with the SDK's own client and its defaults.</summary>
    public SmbTransport()
        : this(new SmbConnector())
    {
    }

    /// <summary>Creates the transport.</summary>
    /// <param name="connector">What opens connections: a <see cref="SmbConnector"/> with other options, or another library.</param>
    public SmbTransport(ISmbConnector connector)
    {
        ArgumentNullException.ThrowIfNull(connector);
        _connector = connector;
    }

    /// <inheritdoc/>
    public string Scheme => SmbAddress.Scheme;

    /// <inheritdoc/>
    /// <returns>
    /// The session; <see cref="TransportFaultKind.CredentialsRejected"/>, <see cref="TransportFaultKind.PeerNotTrusted"/> when the peer does not protect what it sends,
    /// <see cref="TransportFaultKind.Unsupported"/> when the address can't be used, …. Whether there is such a share is a fact of the target, and no reason not to connect.
    /// </returns>
    public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (!SmbAddress.TryParse(request.Endpoint.Address).TryGetValue(out var address, out var fault)
            || !(await _connector.ConnectAsync(new(address.Host, address.Port, request.Credentials, request.TimeProvider), cancellationToken).ConfigureAwait(false)).TryGetValue(out var connection, out fault))
        {
            return fault;
        }

        if (connection.Security.IsGuest)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            return new TransportFault(TransportFaultKind.CredentialsRejected, FaultEffect.NotSent, "the peer does not know the account, and made a guest of it");
        }

        return TransportResult<ITargetSession>.From(new SmbSession(connection, address, request.TimeProvider));
    }
}
