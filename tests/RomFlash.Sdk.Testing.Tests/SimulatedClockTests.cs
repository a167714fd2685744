namespace RomFlash.Sdk.Testing.Tests;

public sealed class SimulatedClockTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Advance_SeveralTimers_FireInDueOrderAtTheirOwnInstants()
    {
        var clock = new SimulatedClock();
        var start = clock.GetUtcNow();
        var fired = new List<(string Name, TimeSpan At)>();
        using var late = clock.CreateTimer(_ => fired.Add(("late", clock.GetUtcNow() - start)), null, 3 * Second, Timeout.InfiniteTimeSpan);
        using var early = clock.CreateTimer(_ => fired.Add(("early", clock.GetUtcNow() - start)), null, Second, Timeout.InfiniteTimeSpan);
        using var sameFirst = clock.CreateTimer(_ => fired.Add(("a", clock.GetUtcNow() - start)), null, 2 * Second, Timeout.InfiniteTimeSpan);
        using var sameSecond = clock.CreateTimer(_ => fired.Add(("b", clock.GetUtcNow() - start)), null, 2 * Second, Timeout.InfiniteTimeSpan);

        clock.Advance(2 * Second);

        Assert.Equal([("early", Second), ("a", 2 * Second), ("b", 2 * Second)], fired);
        Assert.Equal(1, clock.TimerCount);
        clock.Advance(5 * Second);
        Assert.Equal(("late", 3 * Second), fired[^1]);
        Assert.Equal(7 * Second, clock.GetUtcNow() - start);
    }

    [Fact]
    public void Advance_PeriodicTimer_FiresOncePerPeriodUntilChangedOrDisposed()
    {
        var clock = new SimulatedClock();
        var count = 0;
        var timer = clock.CreateTimer(_ => count++, null, Second, 2 * Second);
        clock.Advance(5 * Second);
        Assert.Equal(3, count);

        Assert.True(timer.Change(Second, Timeout.InfiniteTimeSpan));
        clock.Advance(10 * Second);
        Assert.Equal(4, count);

        Assert.True(timer.Change(Second, Second));
        timer.Dispose();
        clock.Advance(10 * Second);
        Assert.Equal(4, count);
        Assert.False(timer.Change(Second, Second));
        Assert.Equal(0, clock.TimerCount);
    }

    [Fact]
    public async Task DisposeAsync_TimerThatIsSet_NeverFires()
    {
        var clock = new SimulatedClock();
        var fired = false;
        await clock.CreateTimer(_ => fired = true, null, Second, Timeout.InfiniteTimeSpan).DisposeAsync();
        clock.Advance(2 * Second);
        Assert.False(fired);
    }

    [Fact]
    public void CreateTimer_DueAtOnce_FiresAtTheNextAdvanceAndNotInTheCall()
    {
        var clock = new SimulatedClock();
        var fired = false;
        using var timer = clock.CreateTimer(_ => fired = true, null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        Assert.False(fired);
        clock.Advance(TimeSpan.Zero);
        Assert.True(fired);
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(4294967295)]
    public void CreateTimer_TimeOutOfRange_Throws(long milliseconds)
    {
        var clock = new SimulatedClock();
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.CreateTimer(_ => { }, null, TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.CreateTimer(_ => { }, null, Second, TimeSpan.FromMilliseconds(milliseconds)));
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.Advance(TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public void Advance_CallbackSetsAndDisposesTimers_SeesBothAtOnce()
    {
        var clock = new SimulatedClock();
        var fired = new List<string>();
        ITimer? victim = null;
        ITimer? nested = null;
        victim = clock.CreateTimer(_ => fired.Add("victim"), null, 2 * Second, Timeout.InfiniteTimeSpan);
        using var first = clock.CreateTimer(
            _ =>
            {
                fired.Add("first");
                victim.Dispose();
                nested = clock.CreateTimer(_ => fired.Add("nested"), null, Second, Timeout.InfiniteTimeSpan);
                clock.Advance(Second / 2);
            },
            null,
            Second,
            Timeout.InfiniteTimeSpan);

        clock.Advance(3 * Second);

        Assert.Equal(["first", "nested"], fired);
        nested!.Dispose();
    }

    [Fact]
    public void GetTimestamp_AfterAdvance_AgreesWithUtcNow()
    {
        var clock = new SimulatedClock();
        var before = clock.GetTimestamp();
        clock.Advance(TimeSpan.FromMilliseconds(1234.5));
        Assert.Equal(TimeSpan.FromMilliseconds(1234.5), clock.GetElapsedTime(before));
    }

    [Fact]
    public void AdvanceToNextTimer_NoTimer_StandsStill()
    {
        var clock = new SimulatedClock();
        var now = clock.GetUtcNow();
        Assert.False(clock.AdvanceToNextTimer());
        Assert.Equal(now, clock.GetUtcNow());
    }

    [Fact]
    public void Timers_ManySetAndRemovedInAnyOrder_StillFireInOrder()
    {
        var clock = new SimulatedClock();
        var random = new Random(7);
        var due = new List<int>();
        var timers = Enumerable.Range(0, 500).Select(_ => random.Next(1, 1000)).Select(d => (Due: d, Timer: clock.CreateTimer(s => due.Add((int)s!), d, TimeSpan.FromSeconds(d), Timeout.InfiniteTimeSpan))).ToList();
        foreach (var (_, timer) in timers.Where((_, i) => i % 3 == 0))
        {
            timer.Dispose();
        }

        clock.Advance(TimeSpan.FromSeconds(1000));

        Assert.Equal(timers.Where((_, i) => i % 3 != 0).Select(t => t.Due).Order(), due);
    }

    [Fact]
    public void Drive_DelaysOnTheClock_TakesNoRealTimeAndEndsAtTheRightInstant()
    {
        var clock = new SimulatedClock();
        var start = clock.GetUtcNow();
        var result = clock.Drive(async () =>
        {
            await Task.Delay(TimeSpan.FromHours(1), clock);
            await Task.Delay(TimeSpan.FromMinutes(1), clock);
            return 42;
        });
        Assert.Equal(42, result);
        Assert.Equal(TimeSpan.FromMinutes(61), clock.GetUtcNow() - start);
    }

    [Fact]
    public void Drive_CancellationTokenSourceWithTheClock_IsCancelledAtItsDeadline()
    {
        var clock = new SimulatedClock();
        var start = clock.GetUtcNow();
        clock.Drive(async () =>
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30), clock);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Delay(TimeSpan.FromHours(1), clock, deadline.Token));
        });
        Assert.Equal(TimeSpan.FromSeconds(30), clock.GetUtcNow() - start);
        Assert.Equal(0, clock.TimerCount);
    }

    [Fact]
    public void Drive_WaitAsyncWithTheClock_TimesOutAtItsDeadline()
    {
        var clock = new SimulatedClock();
        var start = clock.GetUtcNow();
        clock.Drive(() => Assert.ThrowsAsync<TimeoutException>(() => new TaskCompletionSource().Task.WaitAsync(TimeSpan.FromSeconds(5), clock)));
        Assert.Equal(TimeSpan.FromSeconds(5), clock.GetUtcNow() - start);
    }

    [Fact]
    public void Drive_HopOverTheThreadPool_IsWaitedFor()
    {
        var clock = new SimulatedClock();
        Assert.Equal(7, clock.Drive(async () =>
        {
            await Task.Run(() => { });
            await Task.Yield();
            return 7;
        }));
    }

    [Fact]
    public void Drive_WorkThatThrows_ThrowsTheSame()
    {
        var clock = new SimulatedClock();
        Assert.Throws<FormatException>(() => clock.Drive(async () =>
        {
            await Task.Delay(Second, clock);
            throw new FormatException();
        }));
    }

    [Fact]
    public void Drive_NothingWillEverHappen_SaysSo()
    {
        var clock = new SimulatedClock();
        var error = Assert.Throws<InvalidOperationException>(() => clock.Drive(() => new TaskCompletionSource().Task));
        Assert.Contains("Nothing will ever happen", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Drive_UnderASynchronizationContext_RunsInlineAndRestoresIt()
    {
        var clock = new SimulatedClock();
        var context = new SynchronizationContext();
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            var thread = Environment.CurrentManagedThreadId;
            var end = clock.Drive(async () =>
            {
                await Task.Delay(Second, clock).ConfigureAwait(false);
                return Environment.CurrentManagedThreadId;
            });
            Assert.Equal(thread, end);
            Assert.Same(context, SynchronizationContext.Current);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    [Fact]
    public void DriveUntil_ConditionHolds_LeavesTheWorkWhereItStands()
    {
        var clock = new SimulatedClock();
        var steps = 0;
        var work = clock.DriveUntil(
            async () =>
            {
                while (true)
                {
                    await Task.Delay(Second, clock);
                    steps++;
                }
#pragma warning disable CS0162 // the type of the task has to come from somewhere
                return 0;
#pragma warning restore CS0162
            },
            () => steps == 3);
        Assert.False(work.IsCompleted);
        Assert.Equal(3, steps);
    }
}
