using RomFlash.Sdk.Outcomes;
using Spectre.Console;

namespace RomFlash.Cli.Rendering;

/// <summary>Results for a person: a table at a terminal, lines elsewhere. Everything that came from outside is escaped here.</summary>
internal static class ResultText
{
    private const int WideTable = 120;

    /// <summary>One line for each target, and one for each note and blocker.</summary>
    public static IEnumerable<string> Lines(TargetResult result)
    {
        var verified = result.Verification == "None" ? string.Empty : $", verified by {result.Verification}";
        var code = result.Code is null ? string.Empty : $" {result.Code}";
        yield return $"{Plain(result.Target)}: {result.Outcome}{code}{Plain(Versions(result))}{verified}; state {result.TargetState}; {result.Message}";
        foreach (var blocker in result.Blockers)
        {
            yield return $"  blocker {Plain(blocker.Name)}: {blocker.Code} {blocker.Message}{(blocker.CanBeWaived ? $" (--waive {Plain(blocker.Name)})" : string.Empty)}";
        }

        foreach (var waived in result.Waived)
        {
            yield return $"  waived: {Plain(waived)}";
        }

        foreach (var note in result.Notes)
        {
            yield return $"  note: {Plain(note)}";
        }
    }

    /// <summary>A row for each target. Where there is little room, versions and state stand before the message instead of in columns of their own.</summary>
    public static Table Table(IEnumerable<TargetResult> results, int columns)
    {
        var isWide = columns >= WideTable;
        var table = isWide ? NewTable("Target", "Outcome", "From", "To", "State", "Message") : NewTable("Target", "Outcome", "What happened");
        foreach (var result in results)
        {
            var outcome = $"[{Colour(result)}]{Marked(result.Outcome)}[/]{(result.Code is null ? string.Empty : " " + result.Code)}";
            string[] message = [result.Message, .. result.Blockers.Select(b => $"{b.Name} ({b.Code})"), .. result.Notes];
            table.AddRow(isWide
                ? [Marked(result.Target), outcome, Marked(result.FromVersion), Marked(result.ToVersion), Marked(result.TargetState), Marked(string.Join(" / ", message))]
                : [Marked(result.Target), outcome, Marked(string.Join(" / ", [$"{result.TargetState}{Versions(result)}", .. message]))]);
        }

        return table;
    }

    public static Table NewTable(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column)));
        }

        return table;
    }

    public static string Versions(TargetResult result) => (result.FromVersion, result.ToVersion) switch
    {
        (null, null) => string.Empty,
        (var from, null) => $", runs {from}",
        var (from, to) when string.Equals(from, to, StringComparison.Ordinal) => $", runs {from}",
        (null, var to) => $", to {to}",
        var (from, to) => $", {from} -> {to}",
    };

    public static string Plain(string? text) => UntrustedText.ForTerminal(text);

    /// <summary>For a table: safe in a cell, and with the brackets of markup doubled.</summary>
    public static string Marked(string? text) => Spectre.Console.Markup.Escape(CellText.Safe(text));

    private static string Colour(TargetResult result) => result.Outcome switch
    {
        "Upgraded" or "AlreadyCurrent" or "WouldUpgrade" => "green",
        "Pending" => "yellow",
        _ => "red",
    };
}
