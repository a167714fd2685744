using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using RomFlash.Cli.Commands;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.CommandLine;

/// <summary>Parses the command line and runs the command. What can't be parsed is RF1001, with what was wrong and the correct form.</summary>
internal static class RomFlashCommandLine
{
    private static string Synopsis => $"romflash {string.Join('|', CommandTable.All.Select(c => c.Name))} [options]; romflash COMMAND --help tells more";

    /// <summary>Looks whether a command line can be parsed; runs nothing.</summary>
    public static CommandLineSyntax? FindSyntaxError(string[] args) =>
        Parse(args, new Terminal(TextWriter.Null, TextWriter.Null, isRich: false, canAsk: false)) is { Action: ParseErrorAction } parsed
            ? new CommandLineSyntax { Detail = Describe(parsed, args) }
            : null;

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellationToken)
    {
        if (RootHelp.IsAskedFor(args))
        {
            RootHelp.Write(terminal.Out);
            return ExitCode.Success;
        }

        if (CompletionCommand.TryAnswer(args, terminal.Out))
        {
            return ExitCode.Success;
        }

        var parsed = Parse(args, terminal);
        if (parsed.Action is ParseErrorAction || SyntaxText.HasPassword(parsed, args))
        {
            return Fail(terminal, args, new CommandLineSyntax { Detail = Describe(parsed, args) });
        }

        if (AtSigns.Find(parsed) is { } unusable)
        {
            return Fail(terminal, args, unusable);
        }

        if (parsed.Tokens.Any(t => t is { Type: TokenType.Argument, Value.Length: 0 }))
        {
            return Fail(terminal, args, new InvalidParameter { Detail = "an option has an empty value" });
        }

        var invocation = new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        try
        {
            return await parsed.InvokeAsync(invocation, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            terminal.Error.WriteLine("romflash: cancelled; no target was changed");
            return ExitCode.Cancelled;
        }
#pragma warning disable CA1031 // A defect. What it says may quote anything, so it is escaped like everything else instead of being left to the runtime.
        catch (Exception defect)
#pragma warning restore CA1031
        {
            terminal.Error.WriteLine($"romflash: a defect of this program; look at the targets before going on: {UntrustedText.ForTerminal(defect.ToString())}");
            return ExitCode.Failed;
        }
    }

    // Before a command runs, whether JSON is wanted can only be told from the arguments themselves.
    private static int Fail(Terminal terminal, string[] args, FlashFailure failure)
    {
        if (args.Contains(SharedOptions.JsonName, StringComparer.Ordinal))
        {
            terminal.Out.WriteLine(RomFlashJson.Line(FailureResult.Of(failure)));
        }

        FailureText.Write(terminal, failure);
        return ExitCode.Of(failure);
    }

    private static ParseResult Parse(string[] args, Terminal terminal)
    {
        var root = new RootCommand(RootHelp.Description);
        foreach (var entry in CommandTable.All)
        {
            // The others are there by name, for the parser's messages; with options and all, they would cost as much as the whole start.
            root.Add(args.Contains(entry.Name, StringComparer.Ordinal) ? entry.Create(terminal) : new Command(entry.Name, entry.Summary));
        }

        root.Directives.Clear();
        HelpText.GiveTo(root);

        // No response files: an argument that begins with '@' is that argument, and no file is read that nobody meant to be read.
        return root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    private static string Describe(ParseResult parsed, string[] args) =>
        SyntaxText.Describe(parsed, args, parsed.CommandResult.Command is CliCommand command ? command.Synopsis : Synopsis);
}
