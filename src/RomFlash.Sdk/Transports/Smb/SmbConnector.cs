using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;

namespace RomFlash.Sdk.Transports.Smb;

/// <summary>
/// The SDK's own SMB client: dialects 2.1 to 3.1.1, NTLMv2, always signed and encrypted where the dialect can (<see cref="SmbConnectorOptions.Protection"/>). SMB1 is never spoken, and a guest's
/// session never accepted.
/// </summary>
/// <remarks>Thread-safe and without state: one instance connects many targets at once. A connection has one socket, a timer and no thread.</remarks>
public sealed class SmbConnector : ISmbConnector
{
    private readonly SmbConnectorOptions _options;

    /// <summary>Creates a connector with the default options.</summary>
    public SmbConnector()
        : this(new())
    {
    }

    /// <summary>Creates a connector.</summary>
    /// <param name="options">How peers are spoken to.</param>
    public SmbConnector(SmbConnectorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    public async ValueTask<TransportResult<ISmbConnection>> ConnectAsync(SmbConnectRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Port, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Port, 65535, nameof(request));
        if (!SmbAuthenticators.Create(request.Credentials, request.Host, request.TimeProvider).TryGetValue(out var authenticator, out var fault))
        {
            return fault;
        }

        using (authenticator)
        using (var timeout = new CancellationTokenSource(_options.ConnectTimeout, request.TimeProvider))
        using (var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token))
        {
            var connected = await ConnectAsync(request, authenticator, both.Token).ConfigureAwait(false);
            if (!connected.TryGetValue(out _, out fault) && fault.Kind == TransportFaultKind.Cancelled && !cancellationToken.IsCancellationRequested)
            {
                return fault with { Kind = TransportFaultKind.TimedOut, Detail = "the peer was not connected and logged on to in time" };
            }

            return connected;
        }
    }

    private async ValueTask<TransportResult<ISmbConnection>> ConnectAsync(SmbConnectRequest request, ISmbAuthenticator authenticator, CancellationToken cancellationToken)
    {
        var dialed = await SmbDialer.ConnectAsync(request.Host, request.Port, request.TimeProvider, cancellationToken).ConfigureAwait(false);
        if (!dialed.TryGetValue(out var socket, out var fault))
        {
            return fault;
        }

        var channel = new SmbChannel(socket, _options, request.TimeProvider);
        var isHandedOver = false;
        try
        {
            channel.Start();
            using var logon = new SmbLogon(channel, _options, authenticator);
            var agreed = await logon.RunAsync(cancellationToken).ConfigureAwait(false);
            if (agreed.TryGetValue(out var agreement, out fault))
            {
                var connection = new SmbConnection(channel, agreement, request.Host, request.TimeProvider);
                fault = await connection.ValidateNegotiationAsync(cancellationToken).ConfigureAwait(false);
                if (fault is null)
                {
                    isHandedOver = true;
                    return TransportResult<ISmbConnection>.From(connection);
                }
            }

            return fault with { Effect = FaultEffect.NotSent };
        }
        catch (Exception e) when (e is PlatformNotSupportedException or CryptographicException)
        {
            // A cipher that this platform's library lacks.
            return SmbFault.From(e, FaultEffect.NotSent);
        }
        finally
        {
            if (!isHandedOver)
            {
                await channel.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
