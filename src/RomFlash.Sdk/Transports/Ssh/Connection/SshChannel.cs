using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>How a command of the far side ended.</summary>
/// <param name="ExitStatus">As the far side's own shell tells it, 0 to 255; never a code of ssh's own.</param>
/// <param name="Errors">The end of what it printed as errors; untrusted.</param>
internal sealed record SshChannelEnd(int ExitStatus, string Errors);

/// <summary>
/// One script that runs on the far side, with its input and output as streams of bytes. What fails ends the channel: every call after it gives the same fault. Not for use by several callers at once,
/// but a read may be outstanding beside a write.
/// </summary>
/// <remarks>
/// The command line of the far side holds no value: it says that a shell runs, and reads so many bytes of a script from its input. So nothing depends on how the account's own shell
/// quotes, nothing is told to who lists processes, and the script is sent only when the other shell has answered: before that, nothing can have been done. A script that was cut
/// on its way is not run: the far side counts, and the brackets around it would not be closed.
/// </remarks>
internal sealed class SshChannel : IAsyncDisposable
{
    /// <summary>How much an account's own shell may print before ours answers.</summary>
    public const int MaxBanner = 64 * 1024;

    private static readonly TimeSpan ReasonTimeout = TimeSpan.FromMilliseconds(500);

    private readonly SshProcess _process;
    private readonly SshReader _reader;
    private readonly SshWriter _writer;
    private readonly TimeProvider _time;
    private readonly TimeSpan _stall;
    private readonly string _nonce;
    private TransportFault? _fault;
    private bool _isInputOpen = true;

    private SshChannel(SshProcess process, string nonce, TimeProvider time, TimeSpan stall)
    {
        _process = process;
        _nonce = nonce;
        _time = time;
        _stall = stall;
        _reader = new(process.Output);
        _writer = new(process.Input, time);
    }

    /// <summary>The local process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Whether the local process has ended.</summary>
    public bool HasEnded => _process.ExitCode is not null;

    /// <summary>Why it can't be used any more; null while it can.</summary>
    public TransportFault? Fault => _fault;

    /// <summary>How its script ended by itself; null while it runs, and when nobody heard.</summary>
    public SshChannelEnd? End => TryReadEnd();

    public static string NewNonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>The far side's command line: safe as it is for any shell that an account may have.</summary>
    public static string CommandLine(string nonce, int scriptBytes) => string.Create(
        CultureInfo.InvariantCulture,
        $"exec /bin/sh -c 'LC_ALL=C; export LC_ALL; printf \"\\n%s %s\\n\" {nonce} ready; s=$(dd bs=1 count={scriptBytes} 2>/dev/null); [ ${{#s}} -eq {scriptBytes} ] && eval \"$s\"'");

    /// <summary>The script as it is sent: its own end is told by a line of errors that holds the nonce.</summary>
    public static byte[] Frame(string nonce, string script) => ShellText.Encoding.GetBytes($"(\n{script}\n)\nprintf '\\n%s %s\\n' {nonce} \"$?\" >&2");

    /// <summary>Opens a channel over a process that was started with <see cref="CommandLine"/>; the process is the channel's then, also when this fails.</summary>
    /// <param name="process">The process.</param>
    /// <param name="nonce">What its command line holds.</param>
    /// <param name="framed">The script.</param>
    /// <param name="options">How long things may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="objection">Asked when the far side is there, and before the script is sent.</param>
    public static async Task<TransportResult<SshChannel>> OpenAsync(
        SshProcess process, string nonce, ReadOnlyMemory<byte> framed, OpenSshOptions options, TimeProvider time, CancellationToken cancellationToken, Func<TransportFault?>? objection = null)
    {
        var channel = new SshChannel(process, nonce, time, options.StallTimeout);
        TransportFault? fault;
        try
        {
            fault = await channel.RunAsync(
                t => channel._reader.SkipPastAsync(Encoding.ASCII.GetBytes($"\n{nonce} ready\n"), MaxBanner, t),
                options.ConnectTimeout,
                FaultEffect.NotSent,
                cancellationToken).ConfigureAwait(false);
            fault ??= objection?.Invoke();
            fault ??= await channel.RunAsync(t => channel.SendAsync(framed, t), options.StallTimeout, FaultEffect.MayHaveApplied, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await channel.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        if (fault is null)
        {
            return channel;
        }

        await channel.DisposeAsync().ConfigureAwait(false);
        return fault;
    }

    /// <summary>Sends bytes to the script's input. Done says that they have left, not that they arrived.</summary>
    public async ValueTask<TransportResult<Done>> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (await RunAsync(t => _writer.WriteAsync(bytes, _stall, t), Timeout.InfiniteTimeSpan, FaultEffect.MayHaveApplied, cancellationToken).ConfigureAwait(false) is { } fault)
        {
            return fault;
        }

        return new Done();
    }

    /// <summary>Reads what the script prints; 0 at the end of it, which is not yet a success: <see cref="FinishAsync"/> tells.</summary>
    public async ValueTask<TransportResult<int>> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = 0;
        var fault = await RunAsync(async t => read = await _reader.ReadAsync(buffer, t).ConfigureAwait(false), _stall, FaultEffect.MayHaveApplied, cancellationToken).ConfigureAwait(false);
        return fault is null ? read : fault;
    }

    /// <summary>Ends the script's input, drops what else it prints, and waits until it has ended.</summary>
    /// <param name="timeout">The longest time for all of it: a script may have work to do when its input ends.</param>
    /// <param name="cancellationToken">Ends the channel.</param>
    public async ValueTask<TransportResult<SshChannelEnd>> FinishAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        SshChannelEnd? end = null;
        var fault = await RunAsync(EndAsync, timeout, FaultEffect.MayHaveApplied, cancellationToken).ConfigureAwait(false);
        return fault is null ? end! : fault;

        async ValueTask EndAsync(CancellationToken token)
        {
            await CloseInputAsync().ConfigureAwait(false);
            var dropped = new byte[16 * 1024];
            while (await _reader.ReadAsync(dropped, token).ConfigureAwait(false) > 0)
            {
            }

            await _process.WaitAsync(Timeout.InfiniteTimeSpan, token).ConfigureAwait(false);
            end = TryReadEnd() ?? throw SshPeerException.Ended();
        }
    }

    /// <summary>Sends and reads within one deadline.</summary>
    internal ValueTask<TransportFault?> AskAsync(ReadOnlyMemory<byte> request, Func<SshReader, CancellationToken, ValueTask> read, TimeSpan timeout, CancellationToken cancellationToken) =>
        RunAsync(
            async t =>
            {
                await SendAsync(request, t).ConfigureAwait(false);
                await read(_reader, t).ConfigureAwait(false);
            },
            timeout,
            FaultEffect.MayHaveApplied,
            cancellationToken);

    public ValueTask DisposeAsync()
    {
        _fault ??= new(TransportFaultKind.Lost, FaultEffect.NotSent, "the channel was closed");
        _writer.Close();
        return _process.DisposeAsync();
    }

    // Its caller has a deadline for it.
    private ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken token) => _writer.AskAsync(bytes, token);

    private async ValueTask CloseInputAsync()
    {
        if (_isInputOpen)
        {
            _isInputOpen = false;
            _writer.Close();
            await _process.Input.DisposeAsync().ConfigureAwait(false);
        }
    }

    // The one border: nothing but a fault of ours gets out, and after one the process is gone.
    private async ValueTask<TransportFault?> RunAsync(Func<CancellationToken, ValueTask> step, TimeSpan timeout, FaultEffect effect, CancellationToken cancellationToken)
    {
        if (_fault is { } before)
        {
            return before with { Effect = FaultEffect.NotSent };
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return Break(new(TransportFaultKind.Cancelled, FaultEffect.NotSent));
        }

        using var deadline = new CancellationTokenSource(timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await step(both.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException)
        {
            return Break(cancellationToken.IsCancellationRequested
                ? new(TransportFaultKind.Cancelled, effect)
                : new(TransportFaultKind.TimedOut, effect, With("the far side did not answer in time")));
        }
        catch (SshPeerException e) when (e.Kind is not TransportFaultKind.Lost)
        {
            return Break(new(e.Kind, effect, With(e.Message)));
        }
        catch (Exception e) when (e is SshPeerException or IOException or ObjectDisposedException)
        {
            return Break(await EndedAsync(effect, cancellationToken).ConfigureAwait(false));
        }
    }

    private TransportFault Break(TransportFault fault)
    {
        _fault = fault;
        _process.Kill();
        return fault;
    }

    private async ValueTask<TransportFault> EndedAsync(FaultEffect effect, CancellationToken cancellationToken)
    {
        try
        {
            // ssh's own reason comes with its end.
            await _process.WaitAsync(ReasonTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Then without it.
        }

        var fault = SshFaults.Of(_process.ExitCode, _process.Errors.ToString(), effect);
        if (effect is not FaultEffect.NotSent)
        {
            // Texts of a script are no texts of ssh: whatever they say, an open channel has ended.
            return fault with { Kind = TransportFaultKind.Lost, Detail = fault.Detail.Length > 0 ? fault.Detail : "the channel ended" };
        }

        return _process.ExitCode is 255 || fault.Kind is not TransportFaultKind.Unmapped
            ? fault
            : fault with { Kind = TransportFaultKind.Unsupported, Detail = With("the account does not run a shell's commands") };
    }

    private string With(string what) => SshFaults.Detail(_process.Errors.ToString()) is { Length: > 0 } said ? $"{what}: {said}" : what;

    // The last one counts: the script itself can't know the nonce, and ssh may print something after it.
    private SshChannelEnd? TryReadEnd()
    {
        var errors = _process.Errors.ToString();
        var mark = $"\n{_nonce} ";
        var at = errors.LastIndexOf(mark, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var digits = errors.AsSpan(at + mark.Length);
        var length = digits.IndexOf('\n');
        return length is >= 1 and <= 3 && byte.TryParse(digits[..length], NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? new(status, errors[..at]) : null;
    }
}
