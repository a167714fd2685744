using System.Collections.Concurrent;
using System.Globalization;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>Follows which phase each target is in, so that Ctrl-C can say what it does to whom.</summary>
internal sealed class FlashPhases(IProgress<FlashProgress> inner, int targets) : IProgress<FlashProgress>
{
    private readonly ConcurrentDictionary<string, FlashStage> _stages = new(StringComparer.Ordinal);
    private int _ended;

    public void Report(FlashProgress value)
    {
        _stages[value.TargetId] = value.Stage;
        inner.Report(value);
    }

    public void Ended(string target)
    {
        _stages.TryRemove(target, out _);
        Interlocked.Increment(ref _ended);
    }

    /// <summary>What a first Ctrl-C does.</summary>
    public string OnStop()
    {
        var stages = _stages.Values;
        var looking = stages.Count(s => s < FlashStage.Stage);
        var prepared = stages.Count(s => s is FlashStage.Stage or FlashStage.Verify or FlashStage.Wait);
        var armed = stages.Count(s => s is FlashStage.Arm);
        var booting = stages.Count(s => s is FlashStage.Reboot or FlashStage.Flash or FlashStage.Confirm);
        var waiting = Math.Max(0, targets - Volatile.Read(ref _ended) - stages.Count);
        var parts = new List<string>();
        Add(waiting + looking, "left alone");
        Add(prepared, "cleaned up (nothing will flash)");
        Add(armed, "disarmed");
        Add(booting, "past the restart, which can't be stopped; waiting for what can be known");
        Add(stages.Count - looking - prepared - armed - booting, "cleaning up already");
        return $"stopping: {(parts.Count == 0 ? "all targets have ended" : string.Join("; ", parts))}. Targets that are armed are disarmed; targets that boot into the flash can't be stopped. Press again to leave everything as it is";

        void Add(int count, string what)
        {
            if (count > 0)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {what}"));
            }
        }
    }

    /// <summary>What a second one leaves, and how to go on.</summary>
    public string OnAbandon()
    {
        const int Most = 20;
        var left = _stages.Where(s => s.Value >= FlashStage.Stage).OrderBy(s => s.Key, StringComparer.Ordinal).ToList();
        var named = left.Take(Most).Select(s => $"{ResultText.Plain(s.Key)} (at {s.Value})");
        return left.Count == 0
            ? "No target was changed that has not been reported"
            : $"Left as they are: {string.Join(", ", named)}{(left.Count > Most ? ", and more" : string.Empty)}. They may be armed: run romflash confirm (what became of them?) or romflash cancel (disarm) for each";
    }
}
