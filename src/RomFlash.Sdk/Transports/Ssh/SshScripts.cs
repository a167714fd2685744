using System.Globalization;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>
/// Runs everything that a session does on a target: in one shell while that works, as root wherever the account may. A shell that broke is replaced by a new one over the same connection; what was sent to it may
/// still be carried out over there, so that whatever changes something is done in a shell that holds a lock, which the next one waits for; an upload holds its file's own.
/// </summary>
internal sealed class SshScripts : IRemoteScripts, IAsyncDisposable
{
    private const int LockSeconds = 300;

    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(2);
    private static readonly ShellRequest Quick = new() { Timeout = TimeSpan.FromSeconds(15), MaxOutput = 1024, IsPlain = true };

    // Waits for a script: eight digits, and as many bytes.
    private const string Waiting = """
        n=$(dd bs=1 count=8 2>/dev/null)
        s=$(dd bs=1 count="$n" 2>/dev/null)
        [ "${#s}" -eq "$n" ] || exit 1
        eval "$s"
        """;

    private readonly SshConnection _connection;
    private readonly bool _isElevated;
    private RemoteShell? _shell;
    private RemoteShell? _holding;
    private Task<TransportResult<SshChannel>>? _warm;

    private SshScripts(SshConnection connection, string root, bool isElevated, RemoteShell? shell)
    {
        _connection = connection;
        _isElevated = isElevated;
        _shell = shell;
        Root = root;
    }

    public string Root { get; }

    /// <summary>Begins a shell, and finds out whether everything has to go through sudo. The connection is the result's then.</summary>
    public static async Task<TransportResult<SshScripts>> OpenAsync(SshConnection connection, SshTransportOptions options, CancellationToken cancellationToken)
    {
        if (!(await connection.OpenShellAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var shell, out var fault))
        {
            return fault;
        }

        // The sudo that is tried is the one that is used: a rule may name the shell alone. What it says beside the number is not heard: that the host's name can't be resolved, for one.
        var isElevated = false;
        if (!(await IsRootAsync("id -u 2>/dev/null").ConfigureAwait(false)).TryGetValue(out var isRoot, out fault)
            || (!isRoot && options.UseSudo && !(await IsRootAsync(Elevated("id -u") + " 2>/dev/null").ConfigureAwait(false)).TryGetValue(out isElevated, out fault)))
        {
            await shell.DisposeAsync().ConfigureAwait(false);
            return fault with { Effect = FaultEffect.NotSent };
        }

        if (isElevated)
        {
            await shell.DisposeAsync().ConfigureAwait(false);
        }

        return new SshScripts(connection, options.FactRoot, isElevated, isElevated ? null : shell);

        async Task<TransportResult<bool>> IsRootAsync(string script) =>
            (await shell.RunAsync(script, Quick, cancellationToken).ConfigureAwait(false)).TryGetValue(out var reply, out var broken) ? reply is { ExitStatus: 0, Text: "0\n" } : broken;
    }

    public async ValueTask<ShellReply> RunAsync(string script, ShellRequest request, CancellationToken cancellationToken)
    {
        var shell = _holding ?? await NeedShellAsync(cancellationToken).ConfigureAwait(false);
        if ((await shell.RunAsync(script, request, cancellationToken).ConfigureAwait(false)).TryGetValue(out var reply, out var fault))
        {
            return reply;
        }

        if (shell.Fault is not null && Interlocked.CompareExchange(ref _shell, null, shell) == shell)
        {
            await shell.DisposeAsync().ConfigureAwait(false);
        }

        throw new PartitionFaultException(fault);
    }

    /// <summary>A part of a script that waits some seconds for a lock of an open file (flock(1): <c>-x</c> alone, <c>-s</c> shared), and ends the script when somebody else keeps it. flock ends with 1 for that alone.</summary>
    public static string WaitForLock(int descriptor, string kind) => string.Create(CultureInfo.InvariantCulture, $$"""
        i=0
        while :; do
          flock -n {{kind}} {{descriptor}}
          s=$?
          [ "$s" -ne 0 ] || break
          [ "$s" -eq 1 ] || exit "$s"
          i=$((i + 1))
          [ "$i" -lt 100 ] || exit {{RemoteErrors.Held}}
          sleep 0.05 2>/dev/null || { sleep 1; i=$((i + 19)); }
        done

        """);

    /// <summary>Runs a script whose streams are the caller's.</summary>
    public async ValueTask<SshChannel> OpenChannelAsync(string script, CancellationToken cancellationToken) =>
        PartitionFaultException.Need(await _connection.OpenChannelAsync(_isElevated ? $"exec {Elevated(script)}" : script, cancellationToken).ConfigureAwait(false));

    /// <summary>Begins to open a channel for what will be sent soon: opening one takes longer than sending many megabytes does.</summary>
    public void Warm() => _warm ??= _connection.OpenChannelAsync(_isElevated ? $"exec {Elevated(Waiting)}" : Waiting, CancellationToken.None);

    /// <summary>The same as <see cref="OpenChannelAsync"/>, by the channel that was opened ahead when there is one.</summary>
    public async ValueTask<SshChannel> OpenWarmChannelAsync(string script, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _warm, null) is not { } warm
            || !(await EndAsync(warm, cancellationToken).ConfigureAwait(false)).TryGetValue(out var channel, out _))
        {
            return await OpenChannelAsync(script, cancellationToken).ConfigureAwait(false);
        }

        // A shell drops the line breaks at the end of what it has read.
        var text = script.TrimEnd('\n');
        var sent = await channel.WriteAsync(ShellText.Encoding.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{ShellText.Encoding.GetByteCount(text):00000000}{text}")), cancellationToken).ConfigureAwait(false);
        if (sent.TryGetValue(out _, out var fault))
        {
            return channel;
        }

        await channel.DisposeAsync().ConfigureAwait(false);
        throw new PartitionFaultException(fault);
    }

    /// <summary>
    /// Takes a file's lock (flock(2)) and, until the result is disposed, runs all scripts in the shell that holds it: when the lock is lost, so is that shell, and nothing is done without it. A client that is gone
    /// without a word keeps it for some minutes at most.
    /// </summary>
    /// <param name="path">The file, which is made when it is not there.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <param name="isPrivate">Whether it is made so that nobody else can open it: whoever can, can lock it.</param>
    /// <exception cref="PartitionFaultException">Somebody has it for longer than a moment (<see cref="TransportFaultKind.Busy"/>), …</exception>
    public async ValueTask<IAsyncDisposable> LockAsync(string path, CancellationToken cancellationToken, bool isPrivate = false)
    {
        if (_holding is not null)
        {
            throw new PartitionFaultException(TransportFaultKind.Busy, "the session holds a lock already");
        }

        var script = string.Create(CultureInfo.InvariantCulture, $$"""
            {{(isPrivate ? $"(umask 077; : >>{ShellText.Quote(path)})" : string.Empty)}}
            exec 9>>{{ShellText.Quote(path)}}
            {{WaitForLock(9, "-x")}}
            exec timeout -k 5 {{LockSeconds}} /bin/sh
            """);
        var channel = await OpenChannelAsync(script, cancellationToken).ConfigureAwait(false);
        if (!(await RemoteShell.OpenAsync(channel, EndsOfLock, cancellationToken).ConfigureAwait(false)).TryGetValue(out var shell, out var fault))
        {
            throw new PartitionFaultException(channel.End is { ExitStatus: not 0 } end ? RemoteErrors.Of(end.ExitStatus, end.Errors, isChange: false) : fault);
        }

        _holding = shell;
        return new Lock(this, shell);
    }

    /// <summary>The same lock for as long as the result lives, without waiting for it and without a shell; null while somebody else has it.</summary>
    public async ValueTask<IAsyncDisposable?> TryHoldAsync(string path, CancellationToken cancellationToken)
    {
        var channel = await OpenChannelAsync($"exec 9>>{ShellText.Quote(path)}\nflock -n 9\ns=$?\n[ \"$s\" -ne 1 ] || exit {RemoteErrors.Held}\n[ \"$s\" -eq 0 ] || exit \"$s\"\necho held\nexec cat >/dev/null", cancellationToken).ConfigureAwait(false);
        var isHeld = false;
        try
        {
            var answer = new byte[1];
            if (PartitionFaultException.Need(await channel.ReadAsync(answer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                isHeld = true;
                return new Holder(channel);
            }

            var end = PartitionFaultException.Need(await channel.FinishAsync(EndTimeout, cancellationToken).ConfigureAwait(false));
            return end.ExitStatus is RemoteErrors.Held ? null : throw new PartitionFaultException(RemoteErrors.Of(end.ExitStatus, end.Errors, isChange: false));
        }
        finally
        {
            if (!isHeld)
            {
                await channel.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _warm, null) is { } warm)
        {
            await DisposeAsync(warm).ConfigureAwait(false);
        }

        if (Interlocked.Exchange(ref _shell, null) is { } shell)
        {
            await shell.DisposeAsync().ConfigureAwait(false);
        }

        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    // Longer than the wait for the lock.
    private static TimeSpan EndsOfLock => TimeSpan.FromSeconds(30);

    private static string Elevated(string script) => $"sudo -n -- /bin/sh -c {ShellText.Quote(script)}";

    private static async Task DisposeAsync(Task<TransportResult<SshChannel>> opening)
    {
        if ((await opening.ConfigureAwait(false)).TryGetValue(out var channel, out _))
        {
            await channel.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Whoever gives up does not wait for it; it is closed when it comes.
    private static async Task<TransportResult<SshChannel>> EndAsync(Task<TransportResult<SshChannel>> opening, CancellationToken cancellationToken)
    {
        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = DisposeAsync(opening);
            throw;
        }
    }

    private async ValueTask<RemoteShell> NeedShellAsync(CancellationToken cancellationToken) =>
        _shell ??= PartitionFaultException.Need(await _connection.OpenShellAsync(_isElevated ? $"exec {Elevated(RemoteShell.Script)}" : RemoteShell.Script, cancellationToken).ConfigureAwait(false));

    private sealed class Lock(SshScripts scripts, RemoteShell shell) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (Interlocked.CompareExchange(ref scripts._holding, null, shell) == shell)
            {
                await shell.EndAsync(EndTimeout).ConfigureAwait(false);
            }
        }
    }

    private sealed class Holder(SshChannel channel) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await channel.FinishAsync(EndTimeout, CancellationToken.None).ConfigureAwait(false);
            await channel.DisposeAsync().ConfigureAwait(false);
        }
    }
}
