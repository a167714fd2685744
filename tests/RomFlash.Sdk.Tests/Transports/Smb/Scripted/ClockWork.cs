using RomFlash.Sdk.Testing;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>Lets a simulated clock run while something waits for it and for a socket.</summary>
internal static class ClockWork
{
    /// <summary>Advances the clock until the task is done.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="task">What waits for a deadline.</param>
    /// <param name="reached">Done when nothing but a deadline is waited for: before that, whoever needs the socket would not get to it in time.</param>
    public static async Task<T> DriveAsync<T>(SimulatedClock clock, Task<T> task, Task? reached = null)
    {
        if (reached is not null)
        {
            await reached.WaitAsync(ScriptedClient.Bound);
        }

        // Real time is asked for a little of itself before each second: answers that are on their way are to arrive.
        for (var second = 0; !task.IsCompleted && second < 3600; second++)
        {
            await Task.WhenAny(task, Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System));
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(task.IsCompleted, "an hour was not enough");
        return await task;
    }
}
