using System.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.CommandLine;

/// <summary>A command: reads its options, does its work, and leaves how it looks to the rendering.</summary>
internal abstract class CliCommand : Command
{
    protected CliCommand(Terminal terminal, string name)
        : base(name, CommandTable.Find(name)?.Summary)
    {
        Terminal = terminal;
        SetAction(RunAsync);
    }

    /// <summary>The correct form, for syntax errors.</summary>
    public abstract string Synopsis { get; }

    protected Terminal Terminal { get; }

    protected abstract Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken);

    /// <summary>Shows a failure that is about no target, or about all.</summary>
    protected int Fail(FlashFailure failure)
    {
        FailureText.Write(Terminal, failure);
        return ExitCode.Of(failure);
    }
}
