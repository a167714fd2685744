using Spectre.Console;

namespace RomFlash.Cli.Rendering;

/// <summary>What the demo shows a person: what was staged, and what came of it.</summary>
internal static class DemoText
{
    public static void Write(Terminal terminal, IReadOnlyList<TargetResult> results)
    {
        if (terminal.IsRich)
        {
            terminal.Write(Table(results));
        }
        else
        {
            foreach (var result in results)
            {
                terminal.Out.WriteLine(Line(result));
            }
        }

        var asStaged = results.Count(r => r.AsStaged is true);
        terminal.Out.WriteLine($"{asStaged} of {results.Count} came out as staged. Everything here was simulated.");
    }

    private static string Line(TargetResult result) =>
        $"{(result.AsStaged is true ? "ok  " : "FAIL")} {ResultText.Plain(result.Target)} ({ResultText.Plain(result.Product ?? "not probed")}): {result.Scenario}: "
        + $"{ShortOutcome(result)}{ResultText.Plain(ResultText.Versions(result))}; state {result.TargetState}; {result.Message}"
        + (result.AsStaged is true ? string.Empty : $" (expected {result.Expected})");

    private static Table Table(IEnumerable<TargetResult> results)
    {
        var table = ResultText.NewTable("Target", "Product", "Staged", "Outcome", "Versions", "State", "As staged");
        foreach (var result in results)
        {
            table.AddRow(
                ResultText.Marked(result.Target),
                ResultText.Marked(result.Product ?? "not probed"),
                ResultText.Marked(result.Scenario),
                ResultText.Marked(ShortOutcome(result)),
                ResultText.Marked(ResultText.Versions(result).TrimStart(',', ' ')),
                ResultText.Marked(result.TargetState),
                result.AsStaged is true ? "[green]yes[/]" : $"[red]no, expected {ResultText.Marked(result.Expected)}[/]");
        }

        return table;
    }

    private static string ShortOutcome(TargetResult result) => result.Code is null ? result.Outcome : $"{result.Outcome} {result.Code}";
}
