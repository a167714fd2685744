using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.Ssh.Facts;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>
/// Serves <c>ssh:</c> addresses: a Linux target, by its shell, its mounted system partition and its firmware's variables. <c>ssh://[user@]host[:port][/path][?hostkey=SHA256:…]</c>; the path is where the
/// system partition is mounted, and is found out when it is left out. See docs/linux-targets.md.
/// </summary>
/// <remarks>
/// Thread-safe. Drives the installed OpenSSH client, so that keys, agents, jump hosts and ssh_config(5) work as by hand; nobody is ever asked anything, and a host key that is not known is not trusted. An account logs on
/// by key, and its credentials are the current user's; passwords only where <see cref="SshTransportOptions.AllowPasswords"/> says so. Needs root there, or an account that may run a shell by sudo without a password.
/// </remarks>
public sealed class SshTransport : ITransport
{
    // Processes here take the time of a logon; some may wait for the network meanwhile.
    private readonly LogonTurns _turns = new(4 * Environment.ProcessorCount);
    private readonly SshTransportOptions _options;

    /// <summary>Creates the transport with the defaults.</summary>
    public SshTransport()
        : this(new())
    {
    }

    /// <summary>Creates the transport.</summary>
    /// <param name="options">How targets are reached.</param>
    public SshTransport(SshTransportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    public string Scheme => SshAddress.Scheme;

    /// <inheritdoc/>
    /// <returns>
    /// The session; <see cref="TransportFaultKind.PeerNotTrusted"/> when the host key is not the known or pinned one, <see cref="TransportFaultKind.CredentialsRejected"/>,
    /// <see cref="TransportFaultKind.Unsupported"/> when the address or the credentials can't be used or there is no ssh here, …. Whether there is a system partition is a fact of the target, and no reason not to connect.
    /// </returns>
    public async ValueTask<TransportResult<ITargetSession>> ConnectAsync(TransportConnectRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (!SshAddress.TryParse(request.Endpoint.Address).TryGetValue(out var address, out var fault))
        {
            return fault;
        }

        var password = request.Credentials as PasswordCredentials;
        if (password is not null)
        {
            if (!_options.AllowPasswords || !_options.Multiplex)
            {
                return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "ssh: targets are logged on to by key; passwords are not allowed by the options");
            }

            if (address.As(password.UserName) is not { } named)
            {
                return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "the credentials are not those of the user in the address, or name none that ssh takes");
            }

            address = named;
        }

        LogonTurns.Turn turn;
        try
        {
            turn = await _turns.TakeAsync(request.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        using (turn)
        {
            var connected = await ConnectAsync(Client(request.TimeProvider), address, password, cancellationToken).ConfigureAwait(false);
            if (connected.TryGetValue(out _, out _))
            {
                turn.Succeeded();
            }

            return connected;
        }
    }

    private async ValueTask<TransportResult<ITargetSession>> ConnectAsync(OpenSshClient client, SshAddress address, PasswordCredentials? password, CancellationToken cancellationToken)
    {
        if (!(await SshConnection.OpenAsync(client, address, password, cancellationToken).ConfigureAwait(false)).TryGetValue(out var connection, out var fault))
        {
            return fault;
        }

        if (!(await SshScripts.OpenAsync(connection, _options, cancellationToken).ConfigureAwait(false)).TryGetValue(out var scripts, out fault))
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            return fault;
        }

        try
        {
            return TransportResult<ITargetSession>.From(new SshSession(scripts, await new VolumeFacts(scripts).FindAsync(address.Path, cancellationToken).ConfigureAwait(false), _options.ShutdownProgram));
        }
        catch (PartitionFaultException e)
        {
            await scripts.DisposeAsync().ConfigureAwait(false);
            return e.Fault with { Effect = FaultEffect.NotSent };
        }
    }

    private OpenSshClient Client(TimeProvider time) => new(
        new OpenSshOptions
        {
            Program = _options.Program,
            ConfigurationFile = _options.ConfigurationFile,
            Multiplex = _options.Multiplex,
            ConnectTimeout = _options.ConnectTimeout,
            StallTimeout = _options.StallTimeout,
        },
        time);
}
