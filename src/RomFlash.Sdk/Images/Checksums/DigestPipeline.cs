using System.Buffers;
using System.Threading.Tasks.Sources;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>
/// Reads a stream into a ring of buffers, while workers take each buffer through each algorithm. Whichever algorithm is furthest behind is worked on next, by
/// whichever core is free: so all cores end together, however unequal the algorithms are.
/// </summary>
internal sealed class DigestPipeline : IValueTaskSource, IDisposable
{
    private const int BufferSize = 256 << 10;
    private const int Ring = 8;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly DigestUnit[] _units;
    private readonly long[] _next;
    private readonly bool[] _isBusy;
    private readonly byte[]?[] _buffers = new byte[]?[Ring];
    private readonly int[] _lengths = new int[Ring];
    private ManualResetValueTaskSourceCore<bool> _roomSignal = new() { RunContinuationsAsynchronously = true };
    private bool _isWaitingForRoom;
    private long _produced;
    private bool _isEnded;
    private bool _isAborted;

    public DigestPipeline(DigestUnit[] units)
    {
        _units = units;
        _next = new long[units.Length];
        _isBusy = new bool[units.Length];
    }

    /// <summary>Reads to the end, and gives how many bytes that were.</summary>
    public async ValueTask<long> RunAsync(Stream stream, CancellationToken cancellationToken)
    {
        Array.Clear(_next);
        (_produced, _isEnded, _isAborted) = (0, false, false);
        for (var i = 0; i < Ring; i++)
        {
            _buffers[i] = ArrayPool<byte>.Shared.Rent(BufferSize);
        }

        var workers = new Task[Math.Min(_units.Length, Environment.ProcessorCount)];
        for (var i = 0; i < workers.Length; i++)
        {
            workers[i] = Task.Run(Work, CancellationToken.None);
        }

        long length = 0;
        var isWhole = false;
        try
        {
            while (true)
            {
                await RoomAsync().ConfigureAwait(false);
                var slot = (int)(_produced % Ring);
                var read = await stream.ReadAtLeastAsync(_buffers[slot].AsMemory(0, BufferSize), BufferSize, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                length += read;
                _lengths[slot] = read;
                lock (_gate)
                {
                    _produced += read > 0 ? 1 : 0;
                    _isEnded = read < BufferSize;
                }

                _work.Release(workers.Length);
                if (read < BufferSize)
                {
                    isWhole = true;
                    break;
                }
            }
        }
        finally
        {
            if (!isWhole)
            {
                lock (_gate)
                {
                    _isAborted = true;
                }

                _work.Release(workers.Length);
            }

            await Task.WhenAll(workers).ConfigureAwait(false);
            for (var i = 0; i < Ring; i++)
            {
                ArrayPool<byte>.Shared.Return(_buffers[i]!);
                _buffers[i] = null;
            }

            while (_work.Wait(0, CancellationToken.None))
            {
                // What was signalled and not needed any more.
            }
        }

        return length;
    }

    public void Dispose() => _work.Dispose();

    void IValueTaskSource.GetResult(short token) => _roomSignal.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _roomSignal.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _roomSignal.OnCompleted(continuation, state, token, flags);

    // A place in the ring that every algorithm is done with. Nothing is allocated for the waiting.
    private ValueTask RoomAsync()
    {
        lock (_gate)
        {
            if (_produced - Slowest() < Ring)
            {
                return ValueTask.CompletedTask;
            }

            _roomSignal.Reset();
            _isWaitingForRoom = true;
            return new(this, _roomSignal.Version);
        }
    }

    private long Slowest()
    {
        var slowest = long.MaxValue;
        foreach (var next in _next)
        {
            slowest = Math.Min(slowest, next);
        }

        return slowest;
    }

    private void Work()
    {
        while (true)
        {
            var unit = -1;
            lock (_gate)
            {
                for (var i = 0; i < _units.Length && !_isAborted; i++)
                {
                    if (!_isBusy[i] && _next[i] < _produced && (unit < 0 || _next[i] < _next[unit]))
                    {
                        unit = i;
                    }
                }

                if (unit >= 0)
                {
                    _isBusy[unit] = true;
                }
                else if (_isAborted || (_isEnded && Slowest() == _produced))
                {
                    // Another one may be waiting for what will not come any more.
                    _work.Release();
                    return;
                }
            }

            if (unit < 0)
            {
                // Until there is a further buffer, or another worker is done with an algorithm.
                _work.Wait(CancellationToken.None);
                continue;
            }

            var slot = (int)(_next[unit] % Ring);
            _units[unit].Append(_buffers[slot].AsSpan(0, _lengths[slot]));
            var hasRoom = false;
            lock (_gate)
            {
                _isBusy[unit] = false;
                _next[unit]++;
                if (_isWaitingForRoom && _produced - Slowest() < Ring)
                {
                    _isWaitingForRoom = false;
                    hasRoom = true;
                }
            }

            _work.Release();
            if (hasRoom)
            {
                _roomSignal.SetResult(true);
            }
        }
    }
}
