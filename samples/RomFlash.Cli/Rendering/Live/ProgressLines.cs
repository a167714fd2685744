using System.Collections.Concurrent;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering.Live;

/// <summary>Tells somebody who can't be shown a live view which step each target has reached, a line for each, on the error stream.</summary>
internal sealed class ProgressLines(Terminal terminal) : RunView
{
    private readonly ConcurrentDictionary<string, FlashStage> _stages = new(StringComparer.Ordinal);

    public override void Report(FlashProgress value)
    {
        if (!_stages.TryGetValue(value.TargetId, out var last) || last != value.Stage)
        {
            _stages[value.TargetId] = value.Stage;
            terminal.Error.WriteLine($"{UntrustedText.ForTerminal(value.TargetId)}: {value.Stage}");
        }
    }

    public override void Ended(TargetResult result) => _stages.TryRemove(result.Target, out _);
}
