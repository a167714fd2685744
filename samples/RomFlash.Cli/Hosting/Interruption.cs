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
        if (_source.IsCancellationRequested)
        {
            // The process ends here, without any clean-up: a live view would leave the terminal without a cursor.
            _terminal.LeaveScreen();
            return;
        }

        context.Cancel = true;
        _source.Cancel();
    }
}
