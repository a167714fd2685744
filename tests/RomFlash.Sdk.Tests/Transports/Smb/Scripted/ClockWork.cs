using RomFlash.Sdk.Testing;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>Lets a simulated clock run while something waits for it and for a socket.</summary>
internal static class ClockWork
{
    /// <summary>Advances the clock until the task is done. Only for what waits for a deadline: whoever needs the socket as well may not get to it in time.</summary>
    public static async Task<T> DriveAsync<T>(SimulatedClock clock, Task<T> task)
    {
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
