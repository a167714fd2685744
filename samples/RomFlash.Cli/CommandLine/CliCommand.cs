using System.CommandLine;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.CommandLine;

/// <summary>A command: reads its options, does its work, and leaves how it looks to the rendering.</summary>
internal abstract class CliCommand : Command
{
    private bool _isJson;

    protected CliCommand(Terminal terminal, string name, string? summary = null)
        : base(name, summary ?? CommandTable.Find(name)?.Summary)
    {
        Terminal = terminal;
        SetAction((parsed, cancellationToken) =>
        {
            _isJson = IsJson(parsed);
            return RunAsync(parsed, cancellationToken);
        });
    }

    /// <summary>The correct form, for syntax errors.</summary>
    public abstract string Synopsis { get; }

    /// <summary>What the help has beyond the summary and the options.</summary>
    public virtual CommandHelp Help => CommandHelp.None;

    protected Terminal Terminal { get; }

    protected abstract Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken);

    /// <summary>Shows a failure that is about no target, or about all: on the error stream, and with <c>--json</c> as an object too.</summary>
    protected int Fail(FlashFailure failure)
    {
        if (_isJson)
        {
            Terminal.Out.WriteLine(RomFlashJson.Line(FailureResult.Of(failure)));
        }

        FailureText.Write(Terminal, failure);
        return ExitCode.Of(failure);
    }

    private bool IsJson(ParseResult parsed) => Options.OfType<Option<bool>>().FirstOrDefault(o => o.Name == SharedOptions.JsonName) is { } json && parsed.GetValue(json);
}
