using System.ComponentModel;
using System.Diagnostics;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>A running ssh, with all three streams in our hands: it ends with this process, because its standard input does.</summary>
internal sealed class SshProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly TimeProvider _time;
    private readonly SshErrorTail _errors = new();
    private readonly Task _pump;
    private readonly Task<int> _exit;
    private int _isDisposed;

    private SshProcess(Process process, TimeProvider time)
    {
        _process = process;
        _time = time;
        Id = process.Id;
        Input = process.StandardInput.BaseStream;
        Output = process.StandardOutput.BaseStream;
        _pump = PumpAsync(process.StandardError.BaseStream);
        _exit = ExitAsync();
    }

    public int Id { get; }

    public Stream Input { get; }

    public Stream Output { get; }

    /// <summary>The end of what ssh and the far side printed as errors; untrusted.</summary>
    public SshErrorTail Errors => _errors;

    /// <summary>Null while it runs.</summary>
    public int? ExitCode => _exit.IsCompletedSuccessfully ? _exit.Result : null;

    public static TransportResult<SshProcess> Start(ProcessStartInfo start, TimeProvider time)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.UseShellExecute = false;
        start.CreateNoWindow = true;
        try
        {
            return new SshProcess(Process.Start(start)!, time);
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, $"{Path.GetFileName(start.FileName)} can't be started: {e.Message}");
        }
    }

    /// <summary>Waits for its end and for the end of its errors; false when the time is over first.</summary>
    public async Task<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(_exit, _pump).WaitAsync(timeout, _time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Ends it at once, and what it started (a ProxyCommand, a jump).</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException or NotSupportedException)
        {
            // It has ended by itself, or will with its standard input.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        if (!_exit.IsCompleted)
        {
            Kill();
        }

        try
        {
            await Input.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // Nobody reads any more.
        }

        await Output.DisposeAsync().ConfigureAwait(false);

        // What shares a connection hands its errors on to the process that holds it, and they stay open there for as long as the far side runs: nothing waits for that.
        await Task.WhenAny(_exit, Task.Delay(EndTimeout, _time)).ConfigureAwait(false);
        _process.Dispose();
    }

    private async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        return _process.ExitCode;
    }

    private async Task PumpAsync(Stream errors)
    {
        var buffer = new byte[4096];
        try
        {
            for (int read; (read = await errors.ReadAsync(buffer).ConfigureAwait(false)) > 0;)
            {
                _errors.Append(buffer.AsSpan(0, read));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // What came until then is what there is.
        }
    }
}
