using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline.Guarding;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>Whether what is about to happen still has its time in the window.</summary>
internal static class MissedWindow
{
    /// <summary>Looks at the window, and at the restart's delay where this client is who restarts the target: the restart comes when the delay is over.</summary>
    /// <returns>The failure, or null.</returns>
    public static WindowMissed? Find(FlashPolicy policy, TargetReport? report, DateTimeOffset now) =>
        Find(policy, report, report is not null && report.Evidence.Armed.TryGet(out var armed) ? DefaultFlashScheduler.Choose(armed, policy) : null, now);

    /// <summary>The same, for the way to arm that was chosen.</summary>
    /// <returns>The failure, or null.</returns>
    public static WindowMissed? Find(FlashPolicy policy, TargetReport? report, ArmingOffer? offer, DateTimeOffset now)
    {
        // What flashes as soon as it is told, and is not written before, restarts by itself and without a delay.
        var isDelayed = policy.Reboot == RebootMode.Request && report is { Evidence.CanReboot: true } && offer is not { FlashesAtOnce: true, WritesBeforeRestart: false };
        return Find(policy.Window, isDelayed ? DelayOf(policy, report) : TimeSpan.Zero, now);
    }

    /// <summary>How long the target waits when it is asked to restart: never shorter than the policy says, whatever a probe tells.</summary>
    public static TimeSpan DelayOf(FlashPolicy policy, TargetReport? report) => report?.Evidence.RebootDelay is { } told && told > policy.RebootDelay ? LongestTimer.Cut(told) : policy.RebootDelay;

    /// <summary>Looks at the window for something that comes after a delay.</summary>
    /// <returns>The failure, or null.</returns>
    public static WindowMissed? Find(FlashWindow window, TimeSpan delay, DateTimeOffset now)
    {
        if (window.IsOver(now))
        {
            return new() { Detail = $"it closed at {window.Closes:u}" };
        }

        var begins = now + window.UntilOpen(now);
        return window.Closes is { } closes && closes - begins <= delay
            ? new() { Detail = $"it closes at {closes:u}, before the restart would come: its delay is {delay:c}" }
            : null;
    }
}
