using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports.Smb;

/// <summary>Opens SMB connections. The seam behind which another SMB library can stand: the SMB transport uses nothing else.</summary>
/// <remarks>Thread-safe: one instance connects many targets at once.</remarks>
public interface ISmbConnector
{
    /// <summary>Connects, agrees on a dialect and its protection, and logs on. Changes nothing on the peer.</summary>
    /// <param name="request">What to connect to, and as whom.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>
    /// The connection, or a fault with <see cref="FaultEffect.NotSent"/>: <see cref="TransportFaultKind.PeerNotTrusted"/> when the peer does not protect what it sends as the connector demands,
    /// <see cref="TransportFaultKind.CredentialsRejected"/>, <see cref="TransportFaultKind.CurrentUserUnavailable"/>, <see cref="TransportFaultKind.AccountDisabled"/>, ….
    /// </returns>
    ValueTask<TransportResult<ISmbConnection>> ConnectAsync(SmbConnectRequest request, CancellationToken cancellationToken);
}

/// <summary>What to connect to, and as whom.</summary>
/// <param name="Host">A name or an address; an IPv6 address without brackets.</param>
/// <param name="Port">The TCP port, 1 to 65535.</param>
/// <param name="Credentials">The credentials; owned by the caller and wiped when the connection has been opened.</param>
/// <param name="TimeProvider">The clock.</param>
public sealed record SmbConnectRequest(string Host, int Port, TargetCredentials Credentials, TimeProvider TimeProvider);
