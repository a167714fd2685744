using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace RomFlash.Peers;

/// <summary>The processes of one private server: started until it listens, stopped where they are, let go on, ended. Not for use at once.</summary>
/// <param name="name">The program's name, for the exceptions' texts.</param>
/// <param name="port">Where it is to listen on 127.0.0.1.</param>
/// <param name="log">What it has logged, for the same.</param>
/// <param name="all">All of them, from the one that was started.</param>
internal sealed class PeerProcesses(string name, int port, Func<string> log, Func<int?, IReadOnlyList<int>> all)
{
    private const int Attempts = 5;

    private Process? _first;

    public IPEndPoint EndPoint => new(IPAddress.Loopback, port);

    /// <summary>The one that was started; null when none is.</summary>
    public int? First => _first?.Id;

    public IReadOnlyList<int> All => all(First);

    /// <summary>Those that serve a connection each.</summary>
    public IReadOnlyList<int> Serving => LoopbackSockets.Serving(port, All);

    /// <summary>Starts servers until one gets the port that it was made for: somebody may take it in between.</summary>
    /// <param name="folder">Makes a folder.</param>
    /// <param name="prepare">Makes a server for a port in it, which owns the folder then; when it throws, the folder is gone.</param>
    /// <param name="tryRun">Starts it; false when it ended by itself.</param>
    /// <param name="failed">What to say when none has started.</param>
    public static async Task<T> StartAsync<T>(Func<PeerFolder> folder, Func<PeerFolder, int, Task<T>> prepare, Func<T, Task<bool>> tryRun, Func<T, string> failed)
        where T : IAsyncDisposable
    {
        for (var attempt = 1; ; attempt++)
        {
            IAsyncDisposable owner = folder();
            try
            {
                var server = await prepare((PeerFolder)owner, LoopbackSockets.FreePort());
                owner = server;
                if (await tryRun(server))
                {
                    return server;
                }

                if (attempt == Attempts)
                {
                    throw new InvalidOperationException($"{failed(server)}, {Attempts} times");
                }
            }
            catch
            {
                await owner.DisposeAsync();
                throw;
            }

            await owner.DisposeAsync();
        }
    }

    /// <summary>Starts the first one and waits until it listens; false when it ended by itself, and then nothing of it is left.</summary>
    /// <param name="start">What to start.</param>
    /// <param name="kill">Ends what it may have started.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<bool> TryStartAsync(ProcessStartInfo start, Func<Task> kill, CancellationToken cancellationToken)
    {
        var process = Process.Start(start)!;
        _first = process;
        if (start.RedirectStandardOutput)
        {
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        for (var tries = 0; tries < 2000; tries++)
        {
            if (process.HasExited)
            {
                await kill();
                return false;
            }

            if (LoopbackSockets.IsListening(port, [process.Id]))
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(EndPoint, cancellationToken);
                return true;
            }

            await Task.Delay(5, cancellationToken);
        }

        throw new InvalidOperationException($"{name} neither listened nor ended: {log()}");
    }

    /// <summary>Stops all of them where they are (SIGSTOP).</summary>
    public Task FreezeAsync() => SignalUntilNoneAsync(Signal.Stop, () => All.Where(ProcessTable.IsRunning), "do not stop");

    /// <summary>Lets all of them go on.</summary>
    public void Thaw()
    {
        foreach (var process in All)
        {
            Signals.Send(process, Signal.Continue);
        }
    }

    /// <summary>Sends a signal to whatever is found, until nothing is.</summary>
    public async Task SignalUntilNoneAsync(Signal signal, Func<IEnumerable<int>> find, string failed)
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            var found = find().ToList();
            if (found is [])
            {
                return;
            }

            found.ForEach(p => Signals.Send(p, signal));
            await Task.Delay(2);
        }

        throw new InvalidOperationException($"{name}'s processes {failed}");
    }

    /// <summary>Kills the first one, if it has not ended, and waits for it, so that no dead entry of it stays in the system's table.</summary>
    public async Task EndFirstAsync()
    {
        if (_first is { } process)
        {
            _first = null;
            if (!process.HasExited)
            {
                Signals.Send(process.Id, Signal.Kill);
            }

            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
