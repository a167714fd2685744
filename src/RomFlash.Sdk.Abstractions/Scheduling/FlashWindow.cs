namespace RomFlash.Sdk.Scheduling;

/// <summary>When a target may be armed and restarted. Half open: the opening instant is inside, the closing one is not.</summary>
public sealed record FlashWindow
{
    private FlashWindow(DateTimeOffset? opens, DateTimeOffset? closes)
    {
        Opens = opens;
        Closes = closes;
    }

    /// <summary>No limit.</summary>
    public static FlashWindow Always { get; } = new(null, null);

    /// <summary>When it opens, in UTC, or null.</summary>
    public DateTimeOffset? Opens { get; }

    /// <summary>When it closes, in UTC, or null.</summary>
    public DateTimeOffset? Closes { get; }

    /// <summary>Makes a window.</summary>
    /// <param name="opens">When it opens.</param>
    /// <param name="closes">When it closes; later than <paramref name="opens"/>.</param>
    /// <returns>The window.</returns>
    public static FlashWindow Between(DateTimeOffset opens, DateTimeOffset closes)
    {
        if (closes <= opens)
        {
            throw new ArgumentException("A window closes after it opens.", nameof(closes));
        }

        return new(opens.ToUniversalTime(), closes.ToUniversalTime());
    }

    /// <summary>How long until it opens; zero when it is open or over.</summary>
    /// <param name="now">The time.</param>
    /// <returns>The wait.</returns>
    public TimeSpan UntilOpen(DateTimeOffset now) => Opens is { } opens && opens > now ? opens - now : TimeSpan.Zero;

    /// <summary>Whether it has closed.</summary>
    /// <param name="now">The time.</param>
    /// <returns>True from the closing instant on.</returns>
    public bool IsOver(DateTimeOffset now) => Closes is { } closes && now >= closes;
}
