namespace RomFlash.Sdk.Tests;

/// <summary>What an action allocates on the thread that runs it.</summary>
internal static class ThreadAllocations
{
    /// <summary>Runs an action once to warm up, then several times.</summary>
    /// <param name="action">The action; it does the same each time, and everything on the calling thread.</param>
    /// <returns>The least that it allocated, in bytes: where the runtime compiles a loop anew in the middle of it, that is counted for this thread, too.</returns>
    public static long Least(Action action)
    {
        action();
        var least = long.MaxValue;
        for (var run = 0; run < 10 && least > 0; run++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
