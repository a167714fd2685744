using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace RomFlash.Sdk.Diagnostics;

/// <summary>The names under which the SDK is traced and measured.</summary>
public static class RomFlashTelemetry
{
    /// <summary>The name of the <see cref="ActivitySource"/>: one activity for each upgrade, a child for each step.</summary>
    public const string ActivitySourceName = "RomFlash.Sdk";

    /// <summary>
    /// The name of the <see cref="Meter"/>: <c>romflash.upgrades</c> (count, tags <c>outcome</c> and <c>code</c>),
    /// <c>romflash.upgrade.duration</c> (seconds, tag <c>outcome</c>), <c>romflash.staged</c> (bytes).
    /// </summary>
    public const string MeterName = "RomFlash.Sdk";

    internal static readonly ActivitySource Source = new(ActivitySourceName);

    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Upgrades = Meter.CreateCounter<long>("romflash.upgrades", "{upgrade}", "Upgrades that ended");
    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>("romflash.upgrade.duration", "s", "Time from start to end of an upgrade");
    private static readonly Counter<long> Staged = Meter.CreateCounter<long>("romflash.staged", "By", "Image bytes acknowledged by targets");

    internal static void UpgradeEnded(string outcome, string? code, TimeSpan duration)
    {
        if (Upgrades.Enabled)
        {
            Upgrades.Add(1, new("outcome", outcome), new("code", code ?? "none"));
        }

        if (Durations.Enabled)
        {
            Durations.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));
        }
    }

    internal static void BytesStaged(long bytes) => Staged.Add(bytes);
}
