using System.Net;
using System.Net.Sockets;

namespace RomFlash.Peers.Links;

/// <summary>A TCP proxy on 127.0.0.1 that forwards until it is told not to: cuts, resets and freezes, at once or at the n-th message or byte. Counts messages. Thread-safe.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly IPEndPoint _server;
    private readonly MessageFraming? _framing;
    private readonly int? _bufferSize;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly HashSet<Socket> _sockets = [];
    private readonly List<Task> _links = [];
    private readonly Gate[] _gates = [new(), new()];
    private readonly long[] _messages = new long[2];
    private readonly long[] _bytes = new long[2];
    private readonly List<(LinkFault Fault, TaskCompletionSource Fired)> _faults = [];
    private readonly Task _accepting;
    private int _connections;
    private int _isDisposed;

    private FaultProxy(IPEndPoint server, MessageFraming? framing, int? bufferSize)
    {
        _server = server;
        _framing = framing;
        _bufferSize = bufferSize;
        _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        // A connection that is accepted has the listener's buffers from its first byte on.
        if (bufferSize is { } size)
        {
            _listener.ReceiveBufferSize = size;
        }

        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port => EndPoint.Port;

    /// <summary>Whether new connections end as soon as they are made.</summary>
    public bool RefusesConnections { get; set; }

    /// <summary>How many connections were accepted so far, those that were refused included.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>How many messages of clients have begun so far.</summary>
    public long Requests => Interlocked.Read(ref _messages[(int)LinkDirection.ToServer]);

    /// <summary>How many messages of the server have begun so far.</summary>
    public long Answers => Interlocked.Read(ref _messages[(int)LinkDirection.ToClient]);

    /// <summary>Starts one.</summary>
    /// <param name="server">What stands behind it.</param>
    /// <param name="framing">How messages are told apart; null when none are counted.</param>
    /// <param name="bufferSize">The sockets' buffers in bytes, small ones so that who sends into a frozen link soon blocks; the system's when null.</param>
    /// <returns>The proxy.</returns>
    public static FaultProxy Start(IPEndPoint server, MessageFraming? framing = null, int? bufferSize = null) => new(server, framing, bufferSize);

    /// <summary>How many bytes were forwarded one way.</summary>
    /// <param name="direction">Which way.</param>
    /// <returns>The count.</returns>
    public long Bytes(LinkDirection direction) => Interlocked.Read(ref _bytes[(int)direction]);

    /// <summary>Arms a fault, which comes once.</summary>
    /// <param name="fault">The fault.</param>
    /// <returns>Done when the fault has come.</returns>
    public Task Arm(LinkFault fault)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _faults.Add((fault, fired));
        }

        return fired.Task;
    }

    /// <summary>Waits for so many bytes, counted as <see cref="Bytes"/> does, and does nothing to the link. Where a protocol's messages can't be told apart, this is when.</summary>
    /// <param name="direction">Which way they go.</param>
    /// <param name="number">How many; done at once when they came before.</param>
    /// <returns>Done when they have come through.</returns>
    public Task ReachAsync(LinkDirection direction, long number)
    {
        lock (_lock)
        {
            return _bytes[(int)direction] >= number ? Task.CompletedTask : Arm(LinkFault.AfterBytes(direction, number, LinkAction.None));
        }
    }

    /// <summary>Does something to the link now.</summary>
    /// <param name="action">What.</param>
    public void Do(LinkAction action)
    {
        switch (action)
        {
            case LinkAction.Cut:
                End(isReset: false);
                break;
            case LinkAction.Reset:
                End(isReset: true);
                break;
            case LinkAction.FreezeAnswers:
                _gates[(int)LinkDirection.ToClient].Close();
                break;
            case LinkAction.FreezeRequests:
                _gates[(int)LinkDirection.ToServer].Close();
                break;
            case LinkAction.None:
                break;
            default:
                Array.ForEach(_gates, g => g.Close());
                break;
        }
    }

    /// <summary>Ends a freeze: everything that was held is forwarded.</summary>
    public void Thaw() => Array.ForEach(_gates, g => g.Open());

    /// <summary>Ends all connections and the proxy.</summary>
    /// <returns>Done when all is closed.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _end.CancelAsync();
        _listener.Dispose();
        End(isReset: false);
        Thaw();
        await _accepting;
        await Task.WhenAll(_links);
        lock (_lock)
        {
            _faults.ForEach(f => f.Fired.TrySetCanceled());
        }

        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptAsync(_end.Token);
                Interlocked.Increment(ref _connections);
                _links.RemoveAll(l => l.IsCompleted);
                _links.Add(LinkAsync(client));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // A client that has gone before it was accepted, or the end.
            }
        }
    }

    private async Task LinkAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            lock (_lock)
            {
                _sockets.Add(client);
                _sockets.Add(server);
            }

            if (_end.IsCancellationRequested || RefusesConnections)
            {
                return;
            }

            client.NoDelay = server.NoDelay = true;
            if (_bufferSize is { } size)
            {
                client.SendBufferSize = server.ReceiveBufferSize = server.SendBufferSize = size;
            }

            await server.ConnectAsync(_server, _end.Token);
            await Task.WhenAll(PumpAsync(client, server, LinkDirection.ToServer), PumpAsync(server, client, LinkDirection.ToClient));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The link's end is what a cut is, and what a client or a server that goes makes of it.
        }
        finally
        {
            client.Dispose();
            lock (_lock)
            {
                _sockets.Remove(client);
                _sockets.Remove(server);
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, LinkDirection direction)
    {
        var gate = _gates[(int)direction];
        var progress = new MessageProgress(_framing);
        var buffer = new byte[Math.Min(_bufferSize ?? int.MaxValue, 256 << 10)];
        try
        {
            while (true)
            {
                // Before reading, so that a frozen link takes nothing off the sender's hands, and after, for what came while it froze.
                await gate.PassAsync();
                var count = await from.ReceiveAsync(buffer.AsMemory());
                await gate.PassAsync();
                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                for (var done = 0; done < count;)
                {
                    if (Next(from, direction, progress, buffer.AsSpan(done, count - done)) is not (var forward, var fault))
                    {
                        return;
                    }

                    for (var sent = 0; sent < forward;)
                    {
                        sent += await to.SendAsync(buffer.AsMemory(done + sent, forward - sent));
                    }

                    done += forward;
                    if (fault is { } armed)
                    {
                        Do(armed.Fault.Action);
                        armed.Fired.TrySetResult();
                        await gate.PassAsync();
                    }
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One way is gone, and so the other.
            from.Dispose();
            to.Dispose();
        }
    }

    // How much may be forwarded until a fault comes; null when the link has ended meanwhile.
    private (int Forward, (LinkFault Fault, TaskCompletionSource Fired)? Fault)? Next(Socket from, LinkDirection direction, MessageProgress progress, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            if (!_sockets.Contains(from))
            {
                return null;
            }

            ref var messages = ref _messages[(int)direction];
            ref var total = ref _bytes[(int)direction];
            for (var done = 0; done < bytes.Length;)
            {
                if (progress.IsAtStart)
                {
                    if (Take(direction, LinkPoint.BeforeMessage, messages + 1) is { } before)
                    {
                        return (done, before);
                    }

                    progress.Number = ++messages;
                }

                var count = progress.Measure(bytes[done..]);
                if (Take(direction, LinkPoint.AfterByte, total + 1, total + count) is { } within)
                {
                    var part = (int)(within.Fault.Number - total);
                    progress.Advance(bytes.Slice(done, part));
                    total += part;
                    return (done + part, within);
                }

                progress.Advance(bytes.Slice(done, count));
                done += count;
                total += count;
                if (progress.IsAtStart && Take(direction, LinkPoint.AfterMessage, progress.Number) is { } after)
                {
                    return (done, after);
                }
            }

            return (bytes.Length, null);
        }
    }

    private (LinkFault Fault, TaskCompletionSource Fired)? Take(LinkDirection direction, LinkPoint point, long first, long? last = null)
    {
        var index = _faults.FindIndex(f => f.Fault.Direction == direction && f.Fault.Point == point && f.Fault.Number >= first && f.Fault.Number <= (last ?? first));
        if (index < 0)
        {
            return null;
        }

        var fault = _faults[index];
        _faults.RemoveAt(index);
        return fault;
    }

    private void End(bool isReset)
    {
        Socket[] sockets;
        lock (_lock)
        {
            sockets = [.. _sockets];
            _sockets.Clear();
        }

        foreach (var socket in sockets)
        {
            if (isReset)
            {
                try
                {
                    socket.LingerState = new(true, 0);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // It has ended by itself.
                }
            }

            socket.Dispose();
        }
    }

    // Open at first. Who passes while it is closed waits.
    private sealed class Gate
    {
        private TaskCompletionSource? _closed;

        public void Close() => Interlocked.CompareExchange(ref _closed, new(TaskCreationOptions.RunContinuationsAsynchronously), null);

        public void Open() => Interlocked.Exchange(ref _closed, null)?.TrySetResult();

        public Task PassAsync() => Volatile.Read(ref _closed)?.Task ?? Task.CompletedTask;
    }
}
