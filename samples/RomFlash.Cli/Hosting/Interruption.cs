using System.Runtime.InteropServices;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Hosting;

/// <summary>
/// Turns the first Ctrl-C (or a request to end) into a cancellation, which the pipeline takes according to its phase: it cleans up, disarms, or
/// says that it is too late. A second one ends the process where it stands; the journal knows what was begun.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;
    private readonly Terminal _terminal;
    private int _count;

    public Interruption(Terminal terminal)
    {
        _terminal = terminal;
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        var count = Interlocked.Increment(ref _count);
        var (first, second) = _terminal.Stopping.Now;

        // A live view holds back what is written, and would leave the terminal without a cursor.
        _terminal.LeaveScreen();
        if (count == 1)
        {
            // Said before anything is cancelled: afterwards nothing would be left to say it of.
            _terminal.Error.WriteLine($"romflash: {first}");
            _source.Cancel();
            return;
        }

        if (count == 2)
        {
            _terminal.Error.WriteLine($"romflash: {second}");
            _terminal.Error.Flush();
            Environment.Exit(ExitCode.Cancelled);
        }
    }
}
