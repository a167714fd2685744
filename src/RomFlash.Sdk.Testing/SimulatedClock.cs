using System.Diagnostics;

namespace RomFlash.Sdk.Testing;

/// <summary>
/// A clock that stands still until a test advances it. Timers fire inline, on the thread that advances the clock, in the order in which
/// they are due; what is due at the same instant fires in the order in which it was set.
/// </summary>
/// <remarks>
/// Thread-safe. Works with <see cref="CancellationTokenSource(TimeSpan, TimeProvider)"/>, <see cref="Task.Delay(TimeSpan, TimeProvider)"/>
/// and <see cref="Task.WaitAsync(TimeSpan, TimeProvider)"/>. A timer that is due at once fires at the next advance, not inside the call that
/// set it. Callbacks may set, change and dispose timers, and may advance the clock.
/// </remarks>
public sealed class SimulatedClock : TimeProvider
{
    private static readonly TimeSpan HopLimit = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly List<Timer> _heap = [];
    private long _now;
    private long _sequence;

    /// <summary>Creates a clock that shows 2025-01-01 00:00 UTC.</summary>
    public SimulatedClock()
        : this(new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Creates a clock.</summary>
    /// <param name="start">What it shows first.</param>
    public SimulatedClock(DateTimeOffset start) => _now = start.UtcTicks;

    /// <summary>UTC, wherever the test runs.</summary>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>10,000,000: a time stamp counts the ticks of <see cref="GetUtcNow"/>.</summary>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>
    /// How long, in real time, <see cref="Drive{T}"/> lets the thread pool work before it concludes that the work waits for the clock.
    /// Zero by default, which is right as long as everything completes inline; set a few milliseconds where real files are involved.
    /// </summary>
    public TimeSpan Grace { get; init; }

    /// <summary>How many timers are set.</summary>
    public int TimerCount
    {
        get
        {
            lock (_lock)
            {
                return _heap.Count;
            }
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _now), TimeSpan.Zero);

    /// <inheritdoc/>
    public override long GetTimestamp() => Volatile.Read(ref _now);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Advances the clock, and fires every timer that is due on the way, each at its own instant.</summary>
    /// <param name="by">How far; zero fires what is due now.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="by"/> is negative.</exception>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long until;
        lock (_lock)
        {
            until = checked(_now + by.Ticks);
        }

        AdvanceTo(until, onlyFirst: false);
    }

    /// <summary>Advances the clock to the next timer and fires it.</summary>
    /// <returns>False when no timer is set; the clock then stands where it stood.</returns>
    public bool AdvanceToNextTimer() => AdvanceTo(long.MaxValue, onlyFirst: true);

    /// <summary>
    /// Starts work on the current thread, and advances the clock to the next timer for as long as the work is not complete.
    /// </summary>
    /// <typeparam name="T">What the work gives.</typeparam>
    /// <param name="work">Called once. Has to be written so that it waits for nothing but this clock and the thread pool.</param>
    /// <returns>What the work gave; what it throws is thrown.</returns>
    /// <exception cref="InvalidOperationException">The work is not complete, no timer is set, and nothing moved for five seconds of real time.</exception>
    public T Drive<T>(Func<Task<T>> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        return Inline(() =>
        {
            var task = work();
            DriveToTheEnd(task, null);
            return task.GetAwaiter().GetResult();
        });
    }

    /// <summary>Starts work on the current thread, and advances the clock for as long as the work is not complete.</summary>
    /// <param name="work">Called once.</param>
    /// <exception cref="InvalidOperationException">As for <see cref="Drive{T}"/>.</exception>
    public void Drive(Func<Task> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        Inline(() =>
        {
            var task = work();
            DriveToTheEnd(task, null);
            task.GetAwaiter().GetResult();
            return true;
        });
    }

    /// <summary>
    /// Starts work and drives it until it is complete or a condition holds, such as the death of a simulated client; the work is then
    /// abandoned where it stands.
    /// </summary>
    /// <typeparam name="T">What the work gives.</typeparam>
    /// <param name="work">Called once.</param>
    /// <param name="stop">Looked at before each advance.</param>
    /// <returns>The task of the work: complete, or abandoned.</returns>
    /// <exception cref="InvalidOperationException">Neither is complete, and nothing will ever happen.</exception>
    public Task<T> DriveUntil<T>(Func<Task<T>> work, Func<bool> stop)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(stop);
        return Inline(() =>
        {
            var task = work();
            DriveToTheEnd(task, stop);
            return task;
        });
    }

    // A continuation runs inline only where no synchronisation context is current; test frameworks set one.
    private static T Inline<T>(Func<T> act)
    {
        var context = SynchronizationContext.Current;
        if (context is null)
        {
            return act();
        }

        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return act();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private void DriveToTheEnd(Task task, Func<bool>? stop)
    {
        var idleSince = 0L;
        while (!task.IsCompleted && stop?.Invoke() is not true)
        {
            if (Grace > TimeSpan.Zero && WaitForHops(task, Grace))
            {
                return;
            }

            if (stop?.Invoke() is true)
            {
                return;
            }

            if (AdvanceToNextTimer())
            {
                idleSince = 0;
                continue;
            }

            idleSince = idleSince == 0 ? Stopwatch.GetTimestamp() : idleSince;
            if (WaitForHops(task, TimeSpan.FromMilliseconds(1)))
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(idleSince) > HopLimit)
            {
                throw new InvalidOperationException(
                    $"Nothing will ever happen: the work is not complete, and no timer is set at {GetUtcNow():O}. It waits for something that neither this clock nor the thread pool will give.");
            }
        }
    }

    private static bool WaitForHops(Task task, TimeSpan limit) => Task.WaitAny([task], limit) == 0;

    private bool AdvanceTo(long until, bool onlyFirst) => Inline(() =>
    {
        var fired = false;
        while (true)
        {
            Timer? timer;
            lock (_lock)
            {
                timer = _heap.Count > 0 && _heap[0].Due <= until ? _heap[0] : null;
                if (timer is null)
                {
                    _now = onlyFirst ? _now : Math.Max(_now, until);
                    return fired;
                }

                _now = Math.Max(_now, timer.Due);
                Remove(timer);
                if (timer.Period > 0)
                {
                    timer.Due += timer.Period;
                    Add(timer);
                }
            }

            timer.Fire();
            fired = true;
            if (onlyFirst)
            {
                return true;
            }
        }
    });

    private void Add(Timer timer)
    {
        timer.Sequence = ++_sequence;
        timer.Index = _heap.Count;
        _heap.Add(timer);
        Up(timer.Index);
    }

    private void Remove(Timer timer)
    {
        var at = timer.Index;
        if (at < 0)
        {
            return;
        }

        var last = _heap.Count - 1;
        Swap(at, last);
        _heap.RemoveAt(last);
        timer.Index = -1;
        if (at < last)
        {
            Down(Up(at));
        }
    }

    private int Up(int at)
    {
        while (at > 0 && IsBefore(at, (at - 1) / 2))
        {
            Swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }

        return at;
    }

    private void Down(int at)
    {
        while (true)
        {
            var first = at;
            for (var child = (2 * at) + 1; child <= (2 * at) + 2 && child < _heap.Count; child++)
            {
                first = IsBefore(child, first) ? child : first;
            }

            if (first == at)
            {
                return;
            }

            Swap(at, first);
            at = first;
        }
    }

    private bool IsBefore(int a, int b)
    {
        var (x, y) = (_heap[a], _heap[b]);
        return x.Due != y.Due ? x.Due < y.Due : x.Sequence < y.Sequence;
    }

    private void Swap(int a, int b)
    {
        (_heap[a], _heap[b]) = (_heap[b], _heap[a]);
        _heap[a].Index = a;
        _heap[b].Index = b;
    }

    private sealed class Timer(SimulatedClock clock, TimerCallback callback, object? state) : ITimer
    {
        private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private bool _disposed;

        public long Due { get; set; }

        public long Period { get; private set; }

        public long Sequence { get; set; }

        public int Index { get; set; } = -1;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Check(dueTime, nameof(dueTime));
            Check(period, nameof(period));
            lock (clock._lock)
            {
                if (_disposed)
                {
                    return false;
                }

                clock.Remove(this);
                Period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    Due = clock._now + dueTime.Ticks;
                    clock.Add(this);
                }

                return true;
            }
        }

        public void Fire()
        {
            if (_context is null)
            {
                callback(state);
            }
            else
            {
                ExecutionContext.Run(_context, s => ((Timer)s!).Call(), this);
            }
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                _disposed = true;
                clock.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private static void Check(TimeSpan value, string name)
        {
            if (value != Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, name);
                ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Longest, name);
            }
        }

        private void Call() => callback(state);
    }
}
