using System.Text;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering.Live;

/// <summary>
/// Draws the board ten times a second, on the terminal's second screen: nothing that was there before is touched, a resize leaves no traces,
/// and when the view ends the terminal is as it was. What others write meanwhile is shown then.
/// </summary>
internal sealed class LiveView : RunView
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Terminal _terminal;
    private readonly RunBoard _board;
    private readonly Lock _drawing = new();
    private ITimer? _timer;
    private (int Columns, int Rows) _size;
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
                var size = Terminal.Size;
                var frame = new StringBuilder(size == _size ? string.Empty : Ansi.Clear);
                _size = size;
                LiveFrame.Append(frame, _board.Take(LiveFrame.RowsFor(size.Rows)), size.Columns, size.Rows, _terminal.HasColour);
                _terminal.Draw(frame.ToString());
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
