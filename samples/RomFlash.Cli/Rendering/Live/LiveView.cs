using System.Text;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering.Live;

/// <summary>
/// Draws the board ten times a second, on the terminal's second screen: nothing that was there before is touched, a resize leaves no traces,
/// and when the view ends the terminal is as it was. What others write meanwhile is shown then.
/// </summary>
internal sealed class LiveView : RunView
{
    private const int WholeEvery = 20;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Terminal _terminal;
    private readonly RunBoard _board;
    private readonly Lock _drawing = new();
    private ITimer? _timer;
    private (int Columns, int Rows) _size;
    private List<string> _shown = [];
    private int _pictures;
    private bool _isOver;

    private LiveView(Terminal terminal, RunBoard board)
    {
        _terminal = terminal;
        _board = board;
    }

    public static LiveView Start(Terminal terminal, RunBoard board, TimeProvider time)
    {
        var view = new LiveView(terminal, board);
        terminal.EnterScreen();
        view._timer = time.CreateTimer(static v => ((LiveView)v!).Draw(), view, TimeSpan.Zero, Interval);
        return view;
    }

    public override void Report(FlashProgress value) => _board.Report(value);

    public override void Ended(TargetResult result) => _board.Ended(result);

    public override void Dispose()
    {
        _timer?.Dispose();
        lock (_drawing)
        {
            if (!_isOver)
            {
                _isOver = true;
                _terminal.LeaveScreen();
            }
        }

        base.Dispose();
    }

    // Only the lines that have changed, because a terminal may be far away; all of them now and then, because somebody may have typed over them.
    private void Draw((int Columns, int Rows) size)
    {
        var picture = new StringBuilder();
        if (size != _size)
        {
            picture.Append(Ansi.Clear);
            (_size, _shown) = (size, []);
        }

        var lines = LiveFrame.Lines(_board.Take(LiveFrame.RowsFor(size.Rows)), size.Columns, size.Rows, _terminal.HasColour);
        var isWhole = _pictures++ % WholeEvery == 0;
        for (var i = 0; i < lines.Count; i++)
        {
            if (isWhole || i >= _shown.Count || !string.Equals(lines[i], _shown[i], StringComparison.Ordinal))
            {
                picture.Append(Ansi.Line(i + 1)).Append(lines[i]).Append(Ansi.EraseLine);
            }
        }

        _shown = lines;
        if (picture.Length > 0)
        {
            _terminal.Draw(picture.ToString());
        }
    }

    private void Draw()
    {
        // A terminal that is slower than the interval gets fewer pictures, and no queue of them.
        if (!_drawing.TryEnter())
        {
            return;
        }

        try
        {
            if (!_isOver)
            {
                Draw(Terminal.Size);
            }
        }
        catch (IOException)
        {
            // The terminal has gone. The run is worth more than its picture.
            _isOver = true;
        }
        finally
        {
            _drawing.Exit();
        }
    }
}
