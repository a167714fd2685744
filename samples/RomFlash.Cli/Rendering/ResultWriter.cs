using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>Writes what became of targets: JSON and lines as each one ends, a table when all have. Failures go to the error stream as well.</summary>
internal sealed class ResultWriter(Terminal terminal, bool isJson)
{
    private readonly List<TargetResult> _table = [];

    public void Write(TargetResult result, FlashFailure? failure)
    {
        if (isJson)
        {
            terminal.Out.WriteLine(RomFlashJson.Line(result));
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
        if (_table.Count > 0)
        {
            terminal.Write(ResultText.Table(_table, Terminal.Size.Columns));
        }
    }
}
