using System.Globalization;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Scheduling;

namespace RomFlash.Cli.CommandLine;

/// <summary>
/// Reads a window. Two forms, both with the offset from UTC written out, because a time without it means another hour at the next desk, and happens
/// twice in the night when clocks are set back: two instants, or two times of the day for the next such window (the one that is open counts).
/// </summary>
internal static class FlashWindowText
{
    private const string Form = "--window is FROM/TO with the offset from UTC at each: 2026-11-24T01:00Z/2026-11-24T04:00Z, or 01:00Z/04:00Z (01:00+02:00/04:00+02:00) for the next such window";

    private static readonly string[] Instants = ["yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK"];
    private static readonly TimeSpan Farthest = TimeSpan.FromDays(30);

    public static FlashResult<FlashWindow> Read(string? text, DateTimeOffset now)
    {
        if (text is null)
        {
            return FlashWindow.Always;
        }

        if (text.Split('/') is not [var from, var to])
        {
            return Wrong("it has no '/' or several");
        }

        if (!HasOffset(from) || !HasOffset(to))
        {
            return Wrong("a time without its offset from UTC is ambiguous");
        }

        DateTimeOffset opens, closes;
        if (TryInstant(from, out opens) && TryInstant(to, out closes))
        {
            if (closes <= opens)
            {
                return Wrong("it closes before it opens");
            }
        }
        else if (TryTimeOfDay(from, now, out opens) && TryTimeOfDay(to, now, out closes))
        {
            if (opens.TimeOfDay == closes.TimeOfDay || opens.Offset != closes.Offset)
            {
                return Wrong("two times of the day differ, and have the same offset");
            }

            if (closes < opens)
            {
                // Over midnight: it may have opened yesterday.
                closes = closes.AddDays(1);
                if (now < closes.AddDays(-1))
                {
                    (opens, closes) = (opens.AddDays(-1), closes.AddDays(-1));
                }
            }
            else if (now >= closes)
            {
                (opens, closes) = (opens.AddDays(1), closes.AddDays(1));
            }
        }
        else
        {
            return Wrong("its times can't be read");
        }

        return now >= closes ? Wrong("it is over") : opens - now > Farthest ? Wrong("it opens in more than 30 days") : FlashWindow.Between(opens, closes);
    }

    private static bool HasOffset(string text) => text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':');

    private static bool TryInstant(string text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParseExact(text, Instants, CultureInfo.InvariantCulture, DateTimeStyles.None, out instant);

    // The day is the one that it is now at that offset.
    private static bool TryTimeOfDay(string text, DateTimeOffset now, out DateTimeOffset instant)
    {
        instant = default;
        if (!DateTimeOffset.TryParseExact("2000-01-01T" + text, Instants[0], CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed))
        {
            return false;
        }

        instant = new DateTimeOffset(now.ToOffset(parsed.Offset).Date + parsed.TimeOfDay, parsed.Offset);
        return true;
    }

    private static InvalidParameter Wrong(string why) => new() { Parameter = "--window", Detail = $"{why}; {Form}" };
}
