namespace RomFlash.Cli.Rendering;

/// <summary>What Ctrl-C means at the moment, and what a second one leaves. Thread-safe: set by the command, read when a signal arrives.</summary>
internal sealed class StopNotice
{
    private volatile Func<(string First, string Second)> _say = static () => ("stopping; no target was changed", "No target was changed");

    /// <summary>What is said at once, and what is said when the process is ended where it stands.</summary>
    public (string First, string Second) Now => _say();

    public void Set(string first, string second) => Set(() => (first, second));

    /// <summary>For a command whose answer changes while it works.</summary>
    public void Set(Func<(string First, string Second)> say) => _say = say;
}
