using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering.Live;

/// <summary>Shows how a run goes while it goes. Thread-safe: targets report from several threads at once, and none waits for what is shown.</summary>
internal abstract class RunView : IProgress<FlashProgress>, IDisposable
{
    /// <summary>A live view for a person at a terminal; lines for one whose output goes elsewhere; nothing where nobody looks.</summary>
    /// <param name="terminal">Where to show it.</param>
    /// <param name="isJson">Whether the results are JSON, which nothing may come between.</param>
    /// <param name="title">What runs.</param>
    /// <param name="targets">How many targets there are.</param>
    /// <param name="clock">What the targets' time is measured with.</param>
    /// <param name="onStop">What Ctrl-C does, in a line.</param>
    /// <returns>The view. The terminal is as before once it is disposed.</returns>
    public static RunView Start(Terminal terminal, bool isJson, string title, int targets, TimeProvider clock, string onStop = OnStopUsually) =>
        terminal.IsRich && !isJson ? LiveView.Start(terminal, new RunBoard(title, targets, clock, onStop), TimeProvider.System)
        : terminal.CanAsk ? new ProgressLines(terminal)
        : Silent;

    private const string OnStopUsually = "Ctrl-C stops: what is not armed is cleaned up, what is armed is disarmed";

    /// <summary>Shows nothing.</summary>
    public static RunView Silent { get; } = new SilentView();

    public abstract void Report(FlashProgress value);

    /// <summary>A target has ended, or was left alone.</summary>
    /// <param name="result">What became of it.</param>
    public abstract void Ended(TargetResult result);

    public virtual void Dispose()
    {
    }

    private sealed class SilentView : RunView
    {
        public override void Report(FlashProgress value)
        {
        }

        public override void Ended(TargetResult result)
        {
        }
    }
}
