using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>Writes what became of targets: JSON and lines as each one ends, a table when all have. Failures go to the error stream as well.</summary>
internal sealed class ResultWriter(Terminal terminal, bool isJson)
{
    private readonly List<TargetResult> _table = [];

    /// <summary>Called before the table is written: a live view ends first.</summary>
    public Action? BeforeTable { get; init; }

    /// <summary>Writes one result.</summary>
    /// <param name="result">The result.</param>
    /// <param name="failure">For the error stream, or null.</param>
    /// <param name="lines">For a person, where it is more than a row of a table; null for the usual form.</param>
    public void Write(TargetResult result, FlashFailure? failure, IReadOnlyList<string>? lines = null)
    {
        if (isJson)
        {
            terminal.Out.WriteLine(RomFlashJson.Line(result));
        }
        else if (lines is not null)
        {
            terminal.Out.WriteLine(string.Join(Environment.NewLine, lines));
        }
        else if (terminal.IsRich)
        {
            _table.Add(result);
        }
        else
        {
            terminal.Out.WriteLine(string.Join(Environment.NewLine, ResultText.Lines(result)));
        }

        if (failure is not null)
        {
            FailureText.Write(terminal, failure);
        }
    }

    public void Finish()
    {
        BeforeTable?.Invoke();
        if (_table.Count > 0)
        {
            terminal.Write(ResultText.Table(_table, Terminal.Size.Columns));
        }
    }
}
