using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;

namespace RomFlash.Cli.CommandLine;

/// <summary>The help of a command: what it does, its options by what they are for, examples, and how it can end.</summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    private const int Width = 100;
    private const int LongestName = 30;
    private const string Margin = "  ";

    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        var to = parseResult.InvocationConfiguration.Output;
        foreach (var line in Lines(command))
        {
            to.WriteLine(line);
        }

        return ExitCode.Success;
    }

    /// <summary>Gives a command this help, and its subcommands too.</summary>
    public static void GiveTo(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            option.Action = new HelpText();
        }
    }

    private static IEnumerable<string> Lines(Command command)
    {
        var help = command is CliCommand { Help: var own } ? own : CommandHelp.None;
        foreach (var line in Wrap(command.Description ?? string.Empty, string.Empty))
        {
            yield return line;
        }

        yield return string.Empty;
        yield return "Usage:";

        // A command with several forms has them behind each other; each begins its own line here.
        var forms = command is CliCommand { Synopsis: var synopsis } ? synopsis.Split("; ") : [FullName(command) + " COMMAND [options]"];
        foreach (var line in forms.SelectMany(f => Wrap(f, Margin)))
        {
            yield return line;
        }

        if (command.Subcommands.Any(c => !c.Hidden))
        {
            yield return string.Empty;
            yield return "Commands:";
            foreach (var line in command.Subcommands.Where(c => !c.Hidden).SelectMany(c => Row(c.Name, c.Description)))
            {
                yield return line;
            }
        }

        if (command.Arguments.Count > 0)
        {
            yield return string.Empty;
            yield return "Arguments:";
            foreach (var line in command.Arguments.SelectMany(a => Row(a.HelpName ?? a.Name, a.Description)))
            {
                yield return line;
            }
        }

        foreach (var line in Groups(command, help).SelectMany(GroupLines))
        {
            yield return line;
        }

        if (!help.Examples.IsEmpty)
        {
            yield return string.Empty;
            yield return "Examples:";
            foreach (var example in help.Examples)
            {
                yield return Margin + example.Line;
                yield return Margin + Margin + example.What;
            }
        }

        if (!help.ExitCodes.IsEmpty)
        {
            yield return string.Empty;
            yield return "Exit codes (docs/exit-codes.md):";
            foreach (var code in ((int[])[.. help.ExitCodes, ExitCode.Syntax, ExitCode.InvalidParameter, ExitCode.Cancelled]).Distinct().Order())
            {
                yield return $"{Margin}{code.ToString(CultureInfo.InvariantCulture),-5}{ExitCode.Meaning(code)}";
            }
        }

        yield return string.Empty;
    }

    // What no group has comes last; a group that is named has its place.
    private static ImmutableArray<OptionGroup> Groups(Command command, CommandHelp help)
    {
        var rest = command.Options.Where(o => !o.Hidden && !help.Groups.Any(g => g.Options.Contains(o))).ToImmutableArray();
        return rest.IsEmpty ? help.Groups : [.. help.Groups, new(help.Groups.IsEmpty ? "Options" : "Other options", rest)];
    }

    private static IEnumerable<string> GroupLines(OptionGroup group)
    {
        yield return string.Empty;
        yield return group.Title + ":";
        foreach (var line in group.Options.SelectMany(o => Row(Name(o), o.Description + (o.Required ? " Required." : string.Empty))))
        {
            yield return line;
        }
    }

    private static string Name(Option option) =>
        string.Join(", ", option.Aliases.Where(a => a.StartsWith('-')).OrderBy(a => a.Length).Append(option.Name)) + (option.HelpName is { } value ? $" {value}" : string.Empty);

    private static List<string> Row(string name, string? description)
    {
        var indent = new string(' ', LongestName + Margin.Length);
        var lines = Wrap(description ?? string.Empty, indent).ToList();
        if (name.Length < LongestName)
        {
            lines[0] = Margin + name.PadRight(LongestName) + lines[0].TrimStart();
            return lines;
        }

        return [Margin + name, .. lines];
    }

    private static IEnumerable<string> Wrap(string text, string indent)
    {
        var line = indent;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > indent.Length && line.Length + word.Length > Width)
            {
                yield return line.TrimEnd();
                line = indent;
            }

            line += word + " ";
        }

        yield return line.TrimEnd();
    }

    private static string FullName(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{FullName(parent)} {command.Name}" : "romflash";
}
