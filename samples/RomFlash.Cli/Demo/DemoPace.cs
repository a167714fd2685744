namespace RomFlash.Cli.Demo;

/// <summary>
/// How simulated time passes for whoever watches: a second in a twentieth of one while all targets are in work, and quicker the fewer there
/// are left to watch. For a pipe it passes in no time at all.
/// </summary>
/// <param name="isWatched">Whether somebody watches.</param>
/// <param name="cancellationToken">Ends the waiting.</param>
internal sealed class DemoPace(bool isWatched, CancellationToken cancellationToken)
{
    private const double SecondsForOne = 1.0 / 20;

    // Below this a wait costs more than it shows; it is saved up.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);

    private DateTimeOffset? _last;
    private TimeSpan _owed;

    /// <summary>Called before each advance of the simulated clock.</summary>
    /// <param name="now">What that clock shows.</param>
    /// <param name="share">Which share of the targets that can be in work at once is.</param>
    public void Keep(DateTimeOffset now, double share)
    {
        if (!isWatched || cancellationToken.IsCancellationRequested)
        {
            return;
        }

        _owed += (now - (_last ?? now)) * SecondsForOne * Math.Clamp(share, 0.15, 1);
        _last = now;
        if (_owed >= Shortest)
        {
            // Nothing else runs on this thread: the simulated machines, too, stand still meanwhile.
            cancellationToken.WaitHandle.WaitOne(_owed);
            _owed = TimeSpan.Zero;
        }
    }
}
