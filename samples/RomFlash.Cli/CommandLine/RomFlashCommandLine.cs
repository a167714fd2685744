using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using RomFlash.Cli.Commands;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.CommandLine;

/// <summary>Parses the command line and runs the command. What can't be parsed is RF1001, with what was wrong and the correct form.</summary>
internal static partial class RomFlashCommandLine
{
    private const string Synopsis = "romflash demo|validate|probe|flash|confirm|cancel|history [options]; romflash COMMAND --help tells more";

    /// <summary>Looks whether a command line can be parsed; runs nothing.</summary>
    public static CommandLineSyntax? FindSyntaxError(string[] args) =>
        Parse(args, new Terminal(TextWriter.Null, TextWriter.Null, isRich: false, canAsk: false)) is { Action: ParseErrorAction } parsed
            ? new CommandLineSyntax { Detail = Describe(parsed, args) }
            : null;

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellationToken)
    {
        var parsed = Parse(args, terminal);
        if (parsed.Action is ParseErrorAction)
        {
            FailureText.Write(terminal, new CommandLineSyntax { Detail = Describe(parsed, args) });
            return ExitCode.Syntax;
        }

        if (parsed.Tokens.Any(t => t is { Type: TokenType.Argument, Value.Length: 0 }))
        {
            FailureText.Write(terminal, new InvalidParameter { Detail = "an option has an empty value" });
            return ExitCode.InvalidParameter;
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

    private static ParseResult Parse(string[] args, Terminal terminal)
    {
        var root = new RootCommand("Upgrades the ROMs of remote servers: prepares online, flashes at the next boot, and confirms what really happened.")
        {
            new DemoCommand(terminal),
            new ValidateCommand(terminal),
            new ProbeCommand(terminal),
            new FlashCommand(terminal),
            new ConfirmCommand(terminal),
            new CancelCommand(terminal),
            new RecoverCommand(terminal),
            new HistoryCommand(terminal),
        };
        root.Directives.Clear();

        // No response files: an argument that begins with '@' is that argument, and no file is read that nobody meant to be read.
        return root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    private static string Describe(ParseResult parsed, string[] args)
    {
        var form = parsed.CommandResult.Command is CliCommand command ? command.Synopsis : Synopsis;
        var problems = parsed.Errors.Select(e => e.Message).Distinct();

        // An argument with '@' may be an address with a password: then the parser's messages are not to repeat any argument.
        if (args.Any(a => a.Contains('@', StringComparison.Ordinal)))
        {
            problems = problems.Select(p => QuotedArgument().Replace(p, "(an argument, not repeated: it may hold credentials)"));
        }

        return $"{string.Join(" ", problems)} Correct form: {form}";
    }

    // Greedy on purpose: what is quoted may hold quotes itself. Names of options are ours, and may be shown.
    [GeneratedRegex("'(?!--[a-z-]+'[^']*$).*'", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex QuotedArgument();
}
