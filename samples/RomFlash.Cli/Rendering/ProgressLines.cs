using System.Collections.Concurrent;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>Tells a person at a terminal which step each target has reached. Reports come from several threads at once.</summary>
internal sealed class ProgressLines(Terminal terminal) : IProgress<FlashProgress>
{
    private readonly ConcurrentDictionary<string, FlashStage> _stages = new(StringComparer.Ordinal);

    public static ProgressLines? For(Terminal terminal) => terminal is { IsRich: true, CanAsk: true } ? new(terminal) : null;

    public void Report(FlashProgress value)
    {
        if (!_stages.TryGetValue(value.TargetId, out var last) || last != value.Stage)
        {
            _stages[value.TargetId] = value.Stage;
            terminal.Error.WriteLine($"{UntrustedText.ForTerminal(value.TargetId)}: {value.Stage}");
        }
    }
}
