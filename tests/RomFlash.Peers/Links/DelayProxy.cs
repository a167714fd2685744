using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace RomFlash.Peers.Links;

/// <summary>A TCP proxy on 127.0.0.1 that makes the way longer, not narrower: each byte arrives a given time after it was sent, and as many may be on the way as fit a fast link.</summary>
/// <remarks>
/// Each direction of a connection has a thread that reads and one that writes. A pool's timers are as coarse as the system's tick, some 1 to 15 ms; a thread that sleeps by
/// clock_nanosleep(2) wakes within 0.1 ms, and leaves the pool to what is measured.
/// </remarks>
public sealed partial class DelayProxy : IAsyncDisposable
{
    // What may be on the way in one direction: 10 ms of 3 GB/s.
    private const int Chunk = 64 << 10;
    private const int Chunks = 512;

    private readonly IPEndPoint _server;
    private readonly long _delay;
    private readonly Socket _listener;
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private readonly Thread _accepting;
    private volatile bool _isEnded;

    private DelayProxy(IPEndPoint server, TimeSpan delay)
    {
        _server = server;
        _delay = (long)(delay.TotalSeconds * Stopwatch.Frequency);
        _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = Run(Accept);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port => EndPoint.Port;

    /// <summary>Starts one.</summary>
    /// <param name="server">What stands behind it.</param>
    /// <param name="delay">How long a byte is on the way, in each direction: half the round trip.</param>
    /// <returns>The proxy.</returns>
    public static DelayProxy Start(IPEndPoint server, TimeSpan delay) => new(server, delay);

    /// <summary>Ends all connections and the proxy.</summary>
    /// <returns>Done when all is closed.</returns>
    public ValueTask DisposeAsync()
    {
        _isEnded = true;
        _listener.Dispose();
        foreach (var socket in _sockets.Keys)
        {
            socket.Dispose();
        }

        _accepting.Join();
        return ValueTask.CompletedTask;
    }

    private static Thread Run(Action action)
    {
        var thread = new Thread(() => action()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private void Accept()
    {
        while (!_isEnded)
        {
            try
            {
                Link(_listener.Accept());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // A client that has gone before it was accepted, or the end.
            }
        }
    }

    private void Link(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _sockets[client] = _sockets[server] = true;
        try
        {
            client.NoDelay = true;
            server.Connect(_server);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Forget(client);
            Forget(server);
            return;
        }

        var open = new CountdownEvent(2);
        Start(client, server, open);
        Start(server, client, open);
        if (_isEnded)
        {
            Forget(client);
            Forget(server);
        }
    }

    private void Start(Socket from, Socket to, CountdownEvent open)
    {
        // The chunk that was used last is used next, while it is warm.
        var free = new BlockingCollection<byte[]?>(new ConcurrentStack<byte[]?>(Enumerable.Repeat<byte[]?>(null, Chunks)));
        var way = new BlockingCollection<(byte[] Bytes, int Count, long Due)>();
        Run(() => Read(from, free, way));
        Run(() =>
        {
            if (!TryWrite(to, free, way) || open.Signal())
            {
                // Both ways have ended, or who does not take what is on the way has; so does the other side.
                Forget(from);
                Forget(to);
            }
        });
    }

    private void Read(Socket from, BlockingCollection<byte[]?> free, BlockingCollection<(byte[] Bytes, int Count, long Due)> way)
    {
        try
        {
            int count;
            do
            {
                var bytes = free.Take() ?? new byte[Chunk];
                count = Receive(from, bytes);
                way.Add((bytes, count, Stopwatch.GetTimestamp() + _delay));
            }
            while (count > 0);
        }
        catch (InvalidOperationException)
        {
            // Nobody writes any more.
        }
    }

    private static bool TryWrite(Socket to, BlockingCollection<byte[]?> free, BlockingCollection<(byte[] Bytes, int Count, long Due)> way)
    {
        try
        {
            while (true)
            {
                var (bytes, count, due) = way.Take();
                WaitUntil(due);
                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return true;
                }

                for (var sent = 0; sent < count;)
                {
                    sent += to.Send(bytes.AsSpan(sent, count - sent));
                }

                free.Add(bytes);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            free.CompleteAdding();
            way.CompleteAdding();
        }
    }

    // A connection that breaks is one that ends.
    private static int Receive(Socket socket, byte[] bytes)
    {
        try
        {
            return socket.Receive(bytes);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private void Forget(Socket socket)
    {
        socket.Dispose();
        _sockets.TryRemove(socket, out _);
    }

    private static void WaitUntil(long due)
    {
        for (long rest; (rest = due - Stopwatch.GetTimestamp()) > 0;)
        {
            var nanoseconds = (long)(rest * (1e9 / Stopwatch.Frequency));
            var time = new TimeSpec { Seconds = (nint)(nanoseconds / 1_000_000_000), Nanoseconds = (nint)(nanoseconds % 1_000_000_000) };
            NanoSleep(in time, 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int NanoSleep(in TimeSpec time, nint rest);

    // struct timespec of time(7), as 64-bit systems have it.
    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
