using System.Globalization;
using Spectre.Console;

namespace RomFlash.Cli.Rendering;

/// <summary>What the demo shows a person: what was staged, and what came of it.</summary>
internal static class DemoText
{
    private const int WideTable = 120;
    private const int TargetCells = 15;
    private const int OutcomeCells = 24;

    public static void WriteHead(Terminal terminal, int targets, long seed) =>
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"romflash demo: {targets} simulated targets, seed {seed}"));

    /// <param name="terminal">Where to.</param>
    /// <param name="results">One for each row.</param>
    /// <param name="folded">Healthy targets that came out as staged and are told as a number, because there are too many to list.</param>
    public static void Write(Terminal terminal, IReadOnlyList<TargetResult> results, int folded)
    {
        if (terminal.IsRich)
        {
            terminal.Write(Table(results, Terminal.Size.Columns >= WideTable));
        }
        else
        {
            foreach (var result in results)
            {
                terminal.Out.WriteLine(Line(result));
            }
        }

        if (folded > 0)
        {
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"and {folded} healthy targets more, each Upgraded as staged"));
        }

        var asStaged = results.Count(r => r.AsStaged is true) + folded;
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{asStaged} of {results.Count + folded} came out as staged. Everything here was simulated."));
    }

    // What was staged, and what came of it; everything else is in the JSON. A line that is wrong says all that is known.
    private static string Line(TargetResult result)
    {
        var product = result.Product is null ? string.Empty : $" ({CellText.Safe(result.Product)})";
        var line = $"{(result.AsStaged is true ? "ok  " : "FAIL")} {CellText.Fit(CellText.Safe(result.Target), TargetCells)} {CellText.Fit(ShortOutcome(result), OutcomeCells)} {result.Scenario}{product}";
        return result.AsStaged is true ? line : $"{line}; expected {result.Expected}; state {result.TargetState}; {result.Message}";
    }

    // What was staged and what came of it are what the table is for; the rest is there where there is room.
    private static Table Table(IEnumerable<TargetResult> results, bool isWide)
    {
        var table = isWide
            ? ResultText.NewTable("Target", "Product", "Staged", "Came out", "Versions", "State", "As staged")
            : ResultText.NewTable("Target", "Staged", "Came out", "As staged");
        foreach (var result in results)
        {
            var asStaged = result.AsStaged is true ? "[green]yes[/]" : $"[red]no, expected {Cell(result.Expected)}[/]";
            table.AddRow(isWide
                ? [Cell(result.Target), Cell(result.Product), Cell(result.Scenario), Cell(ShortOutcome(result)), Cell(ResultText.Versions(result).TrimStart(',', ' ')), Cell(result.TargetState), asStaged]
                : [Cell(result.Target), Cell(result.Scenario), Cell(ShortOutcome(result)), asStaged]);
        }

        return table;
    }

    private static string Cell(string? text) => ResultText.Marked(text);

    private static string ShortOutcome(TargetResult result) => result.Code is null ? result.Outcome : $"{result.Outcome} {result.Code}";
}
