using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>An SMB2 server on the loopback address, for tests alone. It does things right, as far as a test needs them, until its script says otherwise.</summary>
internal sealed class ScriptedSmbServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly ConcurrentQueue<Exception> _broken = new();
    private readonly Task _accepting;
    private volatile SmbScript _script;

    public ScriptedSmbServer(SmbScript script)
    {
        _script = script;
        _listener.Start(512);
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>What connections from now on do.</summary>
    public SmbScript Script
    {
        get => _script;
        set => _script = value;
    }

    /// <summary>Ends all connections. What went wrong in the server itself is thrown here: a test must not pass because its server broke.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        _listener.Dispose();
        _end.Dispose();
        Assert.True(_broken.IsEmpty, _broken.TryPeek(out var exception) ? "the scripted server broke: " + exception : string.Empty);
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync(_end.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            socket.NoDelay = true;
            var script = _script;
            var task = Task.Run(() => ServeAsync(socket, script));
            _connections[task] = true;
            _ = task.ContinueWith(t => _connections.TryRemove(t, out _), TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket socket, SmbScript script)
    {
        using var connection = new ScriptedConnection(socket, script);
        try
        {
            await connection.RunAsync(_end.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // The client has gone, or the test has ended.
        }
#pragma warning disable CA1031 // It is told when the server is disposed of.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _broken.Enqueue(exception);
        }
    }
}
