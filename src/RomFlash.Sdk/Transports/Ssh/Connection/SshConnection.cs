using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>A target that ssh has logged on to. Channels and shells belong to who opened them; when the connection is disposed, those that share it end.</summary>
internal sealed class SshConnection : IAsyncDisposable
{
    // Its only use is to live: it ends when its input does, and that ends with this process.
    public const string KeeperScript = "exec cat >/dev/null";

    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(2);

    private readonly OpenSshClient _client;
    private readonly SshPrivateFolder _folder;
    private readonly SshAddress _address;
    private readonly SshRoute _route;
    private readonly SshChannel _keeper;
    private int _isDisposed;

    private SshConnection(OpenSshClient client, SshAddress address, SshPrivateFolder folder, SshRoute route, SshChannel keeper)
    {
        _client = client;
        _address = address;
        _folder = folder;
        _route = route;
        _keeper = keeper;
    }

    /// <summary>The process that holds the shared connection; null without one.</summary>
    public int? MasterProcessId => IsShared ? _keeper.ProcessId : null;

    private bool IsShared => _client.Options.Multiplex;

    /// <summary>Logs on by key. A fault's effect is always that nothing was sent.</summary>
    public static Task<TransportResult<SshConnection>> OpenAsync(OpenSshClient client, SshAddress address, CancellationToken cancellationToken) => OpenAsync(client, address, null, cancellationToken);

    /// <summary>The same by a password, when there is one; the address names its user then.</summary>
    public static async Task<TransportResult<SshConnection>> OpenAsync(OpenSshClient client, SshAddress address, PasswordCredentials? password, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (!SshPrivateFolder.Create().TryGetValue(out var folder, out var fault))
        {
            return fault;
        }

        var isOurs = true;
        SshAskPass? asked = null;
        try
        {
            // Without it nothing is better than it was by hand; a password needs it.
            var read = await SshConfiguration.ReadAsync(client, address, cancellationToken).ConfigureAwait(false);
            if (!read.TryGetValue(out var configuration, out fault) && (password is not null || fault.Kind is TransportFaultKind.Cancelled))
            {
                return fault;
            }

            if (password is not null && !(await SshAskPass.CreateAsync(client, configuration!, folder, address, password, cancellationToken).ConfigureAwait(false)).TryGetValue(out asked, out fault))
            {
                return fault;
            }

            var keys = new SshHostKeys(client, address, folder);
            string? knownHosts = null;
            if (address.HostKey is { } pin && !(await keys.PinAsync(pin, cancellationToken).ConfigureAwait(false)).TryGetValue(out knownHosts, out fault))
            {
                return fault;
            }

            var route = new SshRoute(client.Options.Multiplex ? folder.ControlSocket : null, knownHosts, asked?.Program, configuration?.Ciphers);
            var opened = await OpenOwnAsync(client, address, route, KeeperScript, cancellationToken).ConfigureAwait(false);
            if (!opened.TryGetValue(out var channel, out fault))
            {
                fault = fault.Kind is TransportFaultKind.PeerNotTrusted ? await keys.ExplainAsync(fault, cancellationToken).ConfigureAwait(false) : fault;

                // The keeper changes nothing, whether it ran or not.
                return fault with { Effect = FaultEffect.NotSent };
            }

            isOurs = false;
            return new SshConnection(client, address, folder, route, channel);
        }
        finally
        {
            // Whoever has logged on asks no more: further channels share the connection.
            asked?.Dispose();
            if (isOurs)
            {
                folder.Dispose();
            }
        }
    }

    /// <summary>Runs a script on the far side over a channel of its own; each value in it is a <see cref="ShellText.Quote"/>.</summary>
    public Task<TransportResult<SshChannel>> OpenChannelAsync(string script, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        return !IsShared
            ? OpenOwnAsync(_client, _address, _route with { ControlSocket = null, AskPass = null }, script, cancellationToken, WhyGone)
            : OpenAsync(_client, script, command => _client.Share(_address, _folder.ControlSocket, command), cancellationToken);
    }

    /// <summary>Begins a shell for one script after another.</summary>
    public Task<TransportResult<RemoteShell>> OpenShellAsync(CancellationToken cancellationToken) => OpenShellAsync(RemoteShell.Script, cancellationToken);

    /// <summary>The same by a script that becomes such a shell at its end.</summary>
    public async Task<TransportResult<RemoteShell>> OpenShellAsync(string script, CancellationToken cancellationToken)
    {
        var opened = await OpenChannelAsync(script, cancellationToken).ConfigureAwait(false);
        return opened.TryGetValue(out var channel, out var fault)
            ? await RemoteShell.OpenAsync(channel, _client.Options.ConnectTimeout, cancellationToken).ConfigureAwait(false)
            : fault with { Effect = FaultEffect.NotSent };
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        if (IsShared && _keeper.Fault is null && _client.Start(_client.Exit(_address, _folder.ControlSocket)).TryGetValue(out var exit, out _))
        {
            await using (exit.ConfigureAwait(false))
            {
                await exit.WaitAsync(ExitTimeout, CancellationToken.None).ConfigureAwait(false);
            }
        }

        // By its id when it did not listen.
        await _keeper.DisposeAsync().ConfigureAwait(false);
        _folder.Dispose();
    }

    // Where each channel connects anew, the first connection stays: when it has ended, what answers now may be another machine, or another boot.
    private TransportFault? WhyGone() => _keeper.HasEnded ? new(TransportFaultKind.Lost, FaultEffect.NotSent, "the connection has ended") : null;

    private static Task<TransportResult<SshChannel>> OpenOwnAsync(
        OpenSshClient client, SshAddress address, SshRoute route, string script, CancellationToken cancellationToken, Func<TransportFault?>? objection = null) =>
        OpenAsync(client, script, command => client.Connect(address, route, command), cancellationToken, route.AskPass, objection);

    private static async Task<TransportResult<SshChannel>> OpenAsync(OpenSshClient client, string script, Func<string, List<string>> arguments, CancellationToken cancellationToken, string? askPass = null, Func<TransportFault?>? objection = null)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        if (objection?.Invoke() is { } gone)
        {
            return gone;
        }

        var nonce = SshChannel.NewNonce();
        var framed = SshChannel.Frame(nonce, script);
        return client.Start(arguments(SshChannel.CommandLine(nonce, framed.Length)), askPass).TryGetValue(out var process, out var fault)
            ? await SshChannel.OpenAsync(process, nonce, framed, client.Options, client.Time, cancellationToken, objection).ConfigureAwait(false)
            : fault;
    }
}
