using System.CommandLine;
using RomFlash.Cli.Commands;
using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.CommandLine;

/// <summary>What can stand at a place of a command line. Looks at names alone: reads no file, contacts nobody, and repeats nothing that was typed.</summary>
internal static class CompletionWords
{
    private static readonly Dictionary<string, string[]> Values = new(StringComparer.Ordinal)
    {
        ["--verify-at-least"] = ["read-back", "digest-on-target", "accepted-by-device"],
    };

    /// <summary>Finds the words.</summary>
    /// <param name="before">The words that stand before, without the program's name.</param>
    /// <param name="current">What is typed of the word so far.</param>
    /// <returns>The words that begin so; none where a value is expected that only its author knows, such as a file.</returns>
    public static IEnumerable<string> Find(IReadOnlyList<string> before, string current) =>
        All(before, current).Where(w => w.StartsWith(current, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static IEnumerable<string> All(IReadOnlyList<string> before, string current)
    {
        if (before.Count == 0)
        {
            return [.. CommandTable.All.Select(c => c.Name), "--help", "--version"];
        }

        if (CommandTable.Find(before[0]) is not { } entry)
        {
            return [];
        }

        var silent = new Terminal(TextWriter.Null, TextWriter.Null, isRich: false, canAsk: false);
        Command command = entry.Create(silent);
        foreach (var word in before.Skip(1))
        {
            command = command.Subcommands.FirstOrDefault(c => !c.Hidden && c.Name == word) ?? command;
        }

        if (before[^1].StartsWith('-') && command.Options.FirstOrDefault(o => o.Name == before[^1]) is { } option && option.HelpName is not null)
        {
            return Values.GetValueOrDefault(option.Name, []);
        }

        if (command.Name == CompletionCommand.CommandName && before.Count == 1)
        {
            return CompletionCommand.Shells;
        }

        // The value of an option that takes several, such as a further target.
        var isValue = !current.StartsWith('-') && before.LastOrDefault(w => w.StartsWith('-')) is { } last && command.Options.Any(o => o.Name == last && o.Arity.MaximumNumberOfValues > 1);
        return isValue ? [] : [.. command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name), .. command.Options.Where(o => !o.Hidden && (o.Arity.MaximumNumberOfValues > 1 || !before.Contains(o.Name))).Select(o => o.Name), "--help"];
    }
}
