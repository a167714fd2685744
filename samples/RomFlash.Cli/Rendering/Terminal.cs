using Spectre.Console;

namespace RomFlash.Cli.Rendering;

/// <summary>Where output goes. Tables and colours are for a person at a terminal; a pipe, or NO_COLOR, gets plain lines without any control character.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error, bool isRich, bool canAsk)
{
    public TextWriter Out { get; } = output;

    public TextWriter Error { get; } = error;

    public bool IsRich { get; } = isRich;

    /// <summary>Whether somebody can be asked.</summary>
    public bool CanAsk { get; } = canAsk;

    public static Terminal OfProcess()
    {
        var isPlain = Console.IsOutputRedirected || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new(Console.Out, Console.Error, !isPlain, !Console.IsInputRedirected && !Console.IsErrorRedirected);
    }

    public void Write(Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Out), Interactive = InteractionSupport.No });
        console.Write(table);
    }
}
