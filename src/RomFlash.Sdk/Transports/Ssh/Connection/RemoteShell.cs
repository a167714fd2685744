using System.Globalization;
using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>How one request to a <see cref="RemoteShell"/> is bounded.</summary>
internal sealed record ShellRequest
{
    public static ShellRequest Default { get; } = new();

    /// <summary>The longest time until the whole answer is there.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many bytes the answer may have; more is a fault, and never a part of the answer.</summary>
    public int MaxOutput { get; init; } = 1024 * 1024;

    /// <summary>How many bytes of errors are kept; the rest is for nobody.</summary>
    public int MaxErrors { get; init; } = 16 * 1024;

    /// <summary>
    /// Whether the script prints either text or errors: what it prints comes as the one after status 0, and as the other after any other. That takes far fewer processes over there, which is what a
    /// request's time goes into; a NUL is lost.
    /// </summary>
    public bool IsPlain { get; init; }
}

/// <summary>What a script of the far side left; untrusted.</summary>
internal sealed record ShellReply(int ExitStatus, byte[] Output, byte[] Errors)
{
    /// <summary>The output as text; what is no UTF-8 is replaced.</summary>
    public string Text => Encoding.UTF8.GetString(Output);

    public string ErrorText => Encoding.UTF8.GetString(Errors);
}

/// <summary>
/// One long-lived POSIX shell on the far side that runs one script after another, each as a process of its own with no input. Answers are framed: each part names this shell's nonce, the
/// request's number and its own length, and holds hexadecimal digits or exactly as many bytes, so that no output can pass for a frame. Anything else ends the shell. Thread-safe; requests wait for one another.
/// </summary>
/// <remarks>
/// The far side needs a shell and head, od, tr, cat and dd. It tries them once at the beginning: a tool that lacks or behaves differently is found before it can cut an answer. Each part ends with
/// a dot that is no part of the output: when a process in between fails, it is missing. A request that was cut on its way has no last word, and is not run.
/// </remarks>
internal sealed class RemoteShell : IAsyncDisposable
{
    /// <summary>The longest script. Linux takes 128 KiB for one argument (MAX_ARG_STRLEN), and quoting is undone by then.</summary>
    public const int MaxScript = 96 * 1024;

    /// <summary>What a channel runs for a shell: it reads its commands from the channel.</summary>
    public const string Script = "exec /bin/sh";

    // Descriptors of a request: 5 is the channel's output, 4 collects the errors. The errors' collector ends after the output has been printed, because that group holds 4 open until then.
    private const string Prologue = """
        LC_ALL=C; export LC_ALL
        PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin; export PATH
        rf_enc() { head -c "$1" | od -An -v -tx1 | tr -d ' \n'; cat >/dev/null; }
        rf() {
          [ "$#" -eq 5 ] && [ "$5" = end ] || return 0
          {
            {
              o=$( { /bin/sh -c "$4" </dev/null 2>&4 4>&- 5>&-; printf '%s %s s %s\n' "$n" "$1" "$?" >&5; printf .; } | rf_enc "$2" 4>&- 5>&- )
              printf '%s %s o %s\n%s\n' "$n" "$1" "${#o}" "$o" >&5
              printf . >&4
            } 4>&1 | {
              e=$(rf_enc "$3" 5>&-)
              printf '%s %s e %s\n%s\n' "$n" "$1" "${#e}" "$e" >&5
            }
          } 5>&1
        }
        rp() {
          [ "$#" -eq 3 ] && [ "$3" = end ] || return 0
          o=$( (eval "$2") </dev/null 2>&1; printf '.%s' "$?")
          printf '%s %s p %s\n%s\n' "$n" "$1" "${#o}" "$o"
        }
        """;

    private readonly SshChannel _channel;
    private readonly string _nonce;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private int _number;

    private RemoteShell(SshChannel channel, string nonce)
    {
        _channel = channel;
        _nonce = nonce;
    }

    /// <summary>Why it can't be used any more; null while it can.</summary>
    public TransportFault? Fault => _channel.Fault;

    public int ProcessId => _channel.ProcessId;

    /// <summary>Begins a shell over a channel that runs <see cref="Script"/>; the channel is the shell's then, also when this fails.</summary>
    public static async Task<TransportResult<RemoteShell>> OpenAsync(SshChannel channel, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var shell = new RemoteShell(channel, SshChannel.NewNonce());
        var fault = await channel.AskAsync(ShellText.Encoding.GetBytes(Begin(shell._nonce)), shell.ReadHelloAsync, timeout, cancellationToken).ConfigureAwait(false);
        if (fault is null)
        {
            return shell;
        }

        // Only functions were defined until now.
        await shell.DisposeAsync().ConfigureAwait(false);
        return fault with { Effect = FaultEffect.NotSent };
    }

    /// <summary>What is sent first.</summary>
    public static string Begin(string nonce) => $"unset n; n={nonce}\n{Prologue}\nprintf '%s %s %s %s\\n' \"$n\" 0 ready \"$(printf 'A\\000\\377B' | rf_enc 3)\"\n";

    /// <summary>What is sent for one script.</summary>
    public static string Frame(int number, ShellRequest request, string script) => request.IsPlain
        ? string.Create(CultureInfo.InvariantCulture, $"rp {number} {ShellText.Quote(script)} end\n")
        : string.Create(CultureInfo.InvariantCulture, $"rf {number} {request.MaxOutput + 2} {request.MaxErrors + 2} {ShellText.Quote(script)} end\n");

    /// <summary>Runs a script, in which each value is a <see cref="ShellText.Quote"/>.</summary>
    /// <returns>What it left, whatever its exit status; or a fault, after which the shell is gone unless the answer was only too long.</returns>
    public async Task<TransportResult<ShellReply>> RunAsync(string script, ShellRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(script);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfNegative(request.MaxOutput, nameof(request));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.MaxOutput, 16 * 1024 * 1024, nameof(request));
        ArgumentOutOfRangeException.ThrowIfNegative(request.MaxErrors, nameof(request));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.MaxErrors, 1024 * 1024, nameof(request));
        if (ShellText.Encoding.GetByteCount(script) > MaxScript)
        {
            throw new ArgumentException("the script is too long for an argument of the far side's shell", nameof(script));
        }

        try
        {
            await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
        }

        try
        {
            if (cancellationToken.IsCancellationRequested)
            {
                return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
            }

            var number = ++_number;
            ShellReply? reply = null;
            var framed = ShellText.Encoding.GetBytes(Frame(number, request, script));
            var fault = await _channel.AskAsync(framed, async (r, t) => reply = await ReadReplyAsync(r, number, request, t).ConfigureAwait(false), request.Timeout, cancellationToken).ConfigureAwait(false);
            return fault is not null ? fault
                : reply is not null ? reply
                : new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied, string.Create(CultureInfo.InvariantCulture, $"the answer has more than {request.MaxOutput} bytes"));
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Lets it end by itself, and waits for that: whatever it holds on the far side has been given back then.</summary>
    public async ValueTask EndAsync(TimeSpan timeout)
    {
        if (_channel.Fault is null)
        {
            await _channel.FinishAsync(timeout, CancellationToken.None).ConfigureAwait(false);
        }

        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    private async ValueTask ReadHelloAsync(SshReader reader, CancellationToken cancellationToken)
    {
        if (await reader.ReadLineAsync(64, cancellationToken).ConfigureAwait(false) != $"{_nonce} 0 ready 4100ff")
        {
            throw SshPeerException.Violation("the far side's shell or one of head, od, tr, cat behaves differently from what POSIX says");
        }
    }

    private async ValueTask<ShellReply?> ReadReplyAsync(SshReader reader, int number, ShellRequest request, CancellationToken cancellationToken)
    {
        if (request.IsPlain)
        {
            return await ReadPlainAsync().ConfigureAwait(false);
        }

        var status = await ReadNumberAsync('s', 255).ConfigureAwait(false);
        var output = await ReadPartAsync('o', request.MaxOutput).ConfigureAwait(false);
        var errors = await ReadPartAsync('e', request.MaxErrors).ConfigureAwait(false);
        return output.Length > request.MaxOutput ? null : new(status, output, errors.Length > request.MaxErrors ? errors[..request.MaxErrors] : errors);

        // The script's own output, a dot, its status.
        async ValueTask<ShellReply> ReadPlainAsync()
        {
            var bytes = new byte[await ReadNumberAsync('p', request.MaxOutput + 4).ConfigureAwait(false) + 1];
            await reader.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
            var dot = bytes.AsSpan().LastIndexOf((byte)'.');
            if (bytes[^1] != (byte)'\n' || dot < 0 || !byte.TryParse(bytes.AsSpan()[(dot + 1)..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var ended))
            {
                throw SshPeerException.Violation("the far side's answer is not framed as it must be");
            }

            return ended == 0 ? new(ended, bytes[..dot], []) : new(ended, [], bytes[..dot]);
        }

        async ValueTask<int> ReadNumberAsync(char part, int max)
        {
            var line = await reader.ReadLineAsync(96, cancellationToken).ConfigureAwait(false);
            var head = string.Create(CultureInfo.InvariantCulture, $"{_nonce} {number} {part} ");
            return line.StartsWith(head, StringComparison.Ordinal)
                && line.Length <= head.Length + 9
                && int.TryParse(line.AsSpan(head.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                && value <= max
                    ? value
                    : throw SshPeerException.Violation("the far side's answer is not framed as it must be");
        }

        // With the dot behind it; one byte more says that something was cut.
        async ValueTask<byte[]> ReadPartAsync(char part, int max)
        {
            var digits = new byte[await ReadNumberAsync(part, 2 * (max + 2)).ConfigureAwait(false) + 1];
            await reader.ReadExactlyAsync(digits, cancellationToken).ConfigureAwait(false);
            byte[] bytes;
            try
            {
                bytes = digits[^1] == (byte)'\n' ? Convert.FromHexString(Encoding.ASCII.GetString(digits.AsSpan(..^1))) : throw new FormatException();
            }
            catch (FormatException)
            {
                throw SshPeerException.Violation("the far side's answer is not hexadecimal");
            }

            return bytes.Length == max + 2 ? bytes
                : bytes is [.., (byte)'.'] ? bytes[..^1]
                : throw SshPeerException.Violation("the far side lost a part of the answer");
        }
    }
}
