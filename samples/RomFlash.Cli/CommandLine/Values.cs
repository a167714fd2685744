using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.CommandLine;

/// <summary>Reads the values of options. What can't be used is RF1002 (or RF1005), and names the option.</summary>
internal static class Values
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(30);

    /// <summary>Reads addresses; all of them, so that nothing is contacted when one is wrong.</summary>
    public static FlashResult<ImmutableArray<FlashTarget>> Targets(IReadOnlyList<string> addresses)
    {
        var targets = ImmutableArray.CreateBuilder<FlashTarget>(addresses.Count);
        for (var i = 0; i < addresses.Count; i++)
        {
            if (!FlashTarget.TryCreate(addresses[i]).TryGetValue(out var target, out var failure))
            {
                // What can't be read as an address may be anything, a password too.
                var detail = failure is InvalidParameter ? "an address is an absolute URI such as dir:/mnt/esp (what was given is not repeated: it may hold credentials)" : failure.Detail;
                return failure with { Detail = addresses.Count == 1 ? detail : string.Create(CultureInfo.InvariantCulture, $"target {i + 1}: {detail}") };
            }

            targets.Add(target);
        }

        return targets.MoveToImmutable();
    }

    /// <summary>Refuses what begins with '-' as a value of an option that takes several: it is an option that the command does not have, and is not to be taken for a value.</summary>
    public static Option<string[]> WithoutOptions(Option<string[]> option)
    {
        option.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => t.Value.StartsWith('-')))
            {
                r.AddError($"Behind '{option.Name}' stands an option that this command does not have.");
            }
        });
        return option;
    }

    /// <summary>Reads a whole number within bounds.</summary>
    public static bool TryNumber(string option, string? text, int least, int most, int byDefault, out int value, [NotNullWhen(false)] out FlashFailure? failure)
    {
        failure = null;
        value = byDefault;
        if (text is null || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most))
        {
            return true;
        }

        failure = new InvalidParameter { Parameter = option, Detail = string.Create(CultureInfo.InvariantCulture, $"{option} is a whole number from {least} to {most}, not '{text}'") };
        return false;
    }

    /// <summary>Reads a duration: a number with <c>s</c>, <c>m</c> or <c>h</c> behind it.</summary>
    public static bool TryDuration(string option, string? text, out TimeSpan value, [NotNullWhen(false)] out FlashFailure? failure)
    {
        failure = null;
        value = TimeSpan.Zero;
        if (text is null)
        {
            return true;
        }

        if (text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            // A number of hours that is no number of days is out of bounds, whatever it would be in ticks.
            var unit = text[^1] switch { 's' => 1L, 'm' => 60, 'h' => 3600, _ => 0 };
            if (unit > 0 && number * unit <= (long)LongestWait.TotalSeconds)
            {
                value = TimeSpan.FromSeconds(number * unit);
                return true;
            }
        }

        failure = new InvalidParameter { Parameter = option, Detail = $"{option} is a duration such as 30s, 10m or 2h, at most 30 days, not '{text}'" };
        return false;
    }
}
