namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>
/// Lets some targets at a time be logged on to, and the others wait: each logon is several processes that agree on keys, and hundreds at once would all be late. Whoever hangs gives its place up after some
/// times what a logon has taken lately, so that a target that does not answer keeps nobody waiting for long. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody asks for holds nothing of the system's.
internal sealed class LogonTurns(int places)
#pragma warning restore CA1001
{
    private const int Times = 2;

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _places = new(places);
    private readonly Lock _lock = new();
    private TimeSpan _usual = TimeSpan.FromMilliseconds(500);

    /// <summary>Waits for a place. Dispose the result when the logon is over, however it ended.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    public async ValueTask<Turn> TakeAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new(this, time);
    }

    private TimeSpan Patience()
    {
        lock (_lock)
        {
            var patience = Times * _usual;
            return patience < Shortest ? Shortest : patience > Longest ? Longest : patience;
        }
    }

    private void Learn(TimeSpan took)
    {
        lock (_lock)
        {
            _usual = ((3 * _usual) + took) / 4;
        }
    }

    internal sealed class Turn : IDisposable
    {
        private readonly LogonTurns _turns;
        private readonly TimeProvider _time;
        private readonly long _begun;
        private readonly ITimer _timer;
        private int _isGivenUp;

        public Turn(LogonTurns turns, TimeProvider time)
        {
            _turns = turns;
            _time = time;
            _begun = time.GetTimestamp();
            _timer = time.CreateTimer(static t => ((Turn)t!).GiveUp(), this, turns.Patience(), Timeout.InfiniteTimeSpan);
        }

        /// <summary>Says that it has come to a logon: how long that takes is what others are measured by.</summary>
        public void Succeeded() => _turns.Learn(_time.GetElapsedTime(_begun));

        public void Dispose()
        {
            _timer.Dispose();
            GiveUp();
        }

        private void GiveUp()
        {
            if (Interlocked.Exchange(ref _isGivenUp, 1) == 0)
            {
                _turns._places.Release();
            }
        }
    }
}
