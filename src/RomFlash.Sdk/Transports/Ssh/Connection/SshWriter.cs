namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>
/// Writes to a process's standard input, what is long by a thread of its own that lives for as long as it has something to do. A pipe that is full blocks whoever writes: a far side that does not read takes no thread
/// of the pool. Nothing is written asynchronously: that would make the pipe a non-blocking one, and .NET wakes two threads then whenever a few KiB have left, which look for more work before they sleep, and
/// take the processor from the processes that encrypt. Not for several callers at once.
/// </summary>
internal sealed class SshWriter(Stream stream, TimeProvider time)
{
    // What must leave within the time in which the channel has to move: a slow link needs it to be little.
    private const int Piece = 64 * 1024;

    // So much has room in any pipe that is empty: Linux gives two pages where a user has many pipes, and Windows one.
    private const int DirectBytes = 4096;

    private const int StackBytes = 256 * 1024;

    // Longer than between what is sent in a row.
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(1);

    private readonly object _turn = new();
    private ReadOnlyMemory<byte> _next;
    private TaskCompletionSource? _written;
    private Thread? _thread;
    private bool _isClosed;
    private long _movedAt;

    /// <summary>Writes what the far side is to answer, where it has answered everything before: what is short has room then, whatever the far side does, and needs no thread.</summary>
    public ValueTask AskAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (bytes.Length > DirectBytes)
        {
            return WriteAsync(bytes, Timeout.InfiniteTimeSpan, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        stream.Write(bytes.Span);
        return ValueTask.CompletedTask;
    }

    /// <summary>Writes everything; <see cref="TimeoutException"/> when no bytes have left for so long. Who stops waiting has to end the process: bytes may leave until then.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, TimeSpan stall, CancellationToken cancellationToken)
    {
        var written = Begin(bytes);
        for (var left = stall; ;)
        {
            try
            {
                await written.WaitAsync(left, time, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (TimeoutException)
            {
                left = stall - time.GetElapsedTime(Volatile.Read(ref _movedAt));
                if (left <= TimeSpan.Zero)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>Lets the thread end, as soon as nothing blocks it.</summary>
    public void Close()
    {
        lock (_turn)
        {
            _isClosed = true;
            Monitor.Pulse(_turn);
        }
    }

    private Task Begin(ReadOnlyMemory<byte> bytes)
    {
        Volatile.Write(ref _movedAt, time.GetTimestamp());
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (_next, _written) = (bytes, written);
            if (_thread is null)
            {
                var thread = new Thread(Run, StackBytes) { IsBackground = true, Name = "romflash ssh" };
                thread.UnsafeStart();
                _thread = thread;
            }

            Monitor.Pulse(_turn);
            return written.Task;
        }
    }

    private void Run()
    {
        while (Take() is var (bytes, written))
        {
            try
            {
                for (; !bytes.IsEmpty; bytes = bytes[Math.Min(bytes.Length, Piece)..])
                {
                    stream.Write(bytes.Span[..Math.Min(bytes.Length, Piece)]);
                    Volatile.Write(ref _movedAt, time.GetTimestamp());
                }

                written.SetResult();
            }
            catch (Exception e)
            {
                // Whoever waits hears of it: out of a thread of ours, it would end the process.
                written.SetException(e is IOException or ObjectDisposedException ? e : new IOException(e.Message, e));
            }
        }
    }

    // Monitor.Wait, because it does not spin.
    private (ReadOnlyMemory<byte> Bytes, TaskCompletionSource Written)? Take()
    {
        lock (_turn)
        {
            while (_written is null && !_isClosed && Monitor.Wait(_turn, s_idle))
            {
            }

            if (_written is null)
            {
                _thread = null;
            }

            var taken = _written is { } written ? (_next, written) : default((ReadOnlyMemory<byte>, TaskCompletionSource)?);
            (_next, _written) = (default, null);
            return taken;
        }
    }
}
