using System.Globalization;
using System.Text;

namespace RomFlash.Cli.Rendering.Live;

/// <summary>One picture of the board. Its columns follow from the width of the terminal alone, so that they stand still from picture to picture.</summary>
internal static class LiveFrame
{
    // The title, three borders, the heads, and two lines of counts.
    private const int OtherLines = 7;
    private const int NarrowestTable = 40;
    private const int NarrowestWithBar = 72;
    private const int NarrowestWithOutcome = 100;

    private const int Green = 32;
    private const int Yellow = 33;
    private const int Red = 31;
    private const int Cyan = 36;

    /// <summary>How many targets fit.</summary>
    public static int RowsFor(int lines) => Math.Max(0, lines - OtherLines);

    /// <summary>The lines of a picture, each with its colours. Their number follows from the terminal and the number of targets alone.</summary>
    public static List<string> Lines(BoardSnapshot board, int columns, int lines, bool hasColour)
    {
        // One column stays free: at the very edge, terminals differ about where the cursor is.
        columns--;
        var elapsed = Time(board.Elapsed);
        List<string> all = [CellText.Fit(board.Title, columns - elapsed.Length - 1) + " " + elapsed];
        if (columns >= NarrowestTable && lines > OtherLines)
        {
            var layout = Layout.Of(columns);
            all.Add(layout.Border('╭', '┬', '╮'));
            all.Add(layout.Line([.. layout.Columns.Select(c => (c.Head, 0))], hasColour));
            all.Add(layout.Border('├', '┼', '┤'));
            all.AddRange(board.Rows.Select(row => layout.Line([.. layout.Columns.Select(c => c.Cell(row, c.Width))], hasColour)));
            all.AddRange(Enumerable.Repeat(layout.Line([.. layout.Columns.Select(c => (string.Empty, 0))], hasColour), Math.Max(0, Math.Min(board.Targets, RowsFor(lines)) - board.Rows.Count)));
            all.Add(layout.Border('╰', '┴', '╯'));
        }

        var (first, second) = Counts(board, columns);
        all.Add(CellText.Fit(first, columns));
        all.Add(CellText.Fit(second, columns));
        return all.Count <= lines ? all : all[..lines];
    }

    // On two lines, if need be; otherwise the second one is for what a person may want to know.
    private static (string First, string Second) Counts(BoardSnapshot board, int columns)
    {
        List<string> counts = [string.Create(CultureInfo.InvariantCulture, $"{board.Targets} targets: {board.InWork} in work")];
        if (board.Waiting > 0)
        {
            counts.Add(string.Create(CultureInfo.InvariantCulture, $"{board.Waiting} waiting"));
        }

        counts.AddRange(board.Ended.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Value} {e.Key}")));
        var fitting = counts.Count;
        while (fitting > 1 && string.Join(", ", counts.Take(fitting)).Length >= columns)
        {
            fitting--;
        }

        return fitting == counts.Count
            ? (string.Join(", ", counts), board.OnStop)
            : (string.Join(", ", counts.Take(fitting)) + ",", string.Join(", ", counts.Skip(fitting)));
    }

    private static (string, int) State(BoardRow row) => row.Outcome is null ? (row.Stage.ToString(), Cyan) : Outcome(row);

    private static (string, int) Outcome(BoardRow row) => row.Outcome is not { } outcome
        ? (string.Empty, 0)
        : (outcome.Code is null ? outcome.Name : $"{outcome.Name} {outcome.Code}", outcome switch
        {
            { Code: null, Name: "Pending" } => Yellow,
            { Code: null } => Green,
            _ => Red,
        });

    private static (string, int) Transfer(BoardRow row, int width)
    {
        if (row.BytesTotal <= 0)
        {
            return (string.Empty, 0);
        }

        var numbers = width < 30
            ? $"{Bytes(row.BytesDone),5} {Bytes(row.BytesPerSecond),5}/s"
            : $"{Bytes(row.BytesDone),5} of {Bytes(row.BytesTotal),5} {Bytes(row.BytesPerSecond),5}/s";
        var bar = Math.Max(4, width - numbers.Length - 1);
        var full = (int)Math.Clamp(bar * row.BytesDone / row.BytesTotal, 0, bar);
        return (new string('█', full) + new string('░', bar - full) + " " + numbers, Cyan);
    }

    // At most five characters: 1023B, 99.9K, 1023K, 9.9M.
    private static string Bytes(double bytes)
    {
        const string units = "BKMGT";
        var unit = 0;
        while (bytes >= 1000 && unit < units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return bytes.ToString(unit > 0 && bytes < 99.95 ? "0.0" : "0", CultureInfo.InvariantCulture) + units[unit];
    }

    private static string Time(TimeSpan time) => time < TimeSpan.FromHours(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{time:mm\\:ss}")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time:mm\\:ss}");

    /// <summary>A column: its head, its width in cells, and what stands in it, with its colour or 0.</summary>
    private sealed record Column(string Head, int Width, Func<BoardRow, int, (string Text, int Colour)> Cell);

    private sealed record Layout(IReadOnlyList<Column> Columns)
    {
        public static Layout Of(int columns)
        {
            List<Column> chosen =
            [
                new("Target", 0, static (r, _) => (r.Target, 0)),
                new("State", columns >= NarrowestWithOutcome ? 9 : 24, columns >= NarrowestWithOutcome ? static (r, _) => (r.Outcome is null ? r.Stage.ToString() : "done", r.Outcome is null ? Cyan : 0) : static (r, _) => State(r)),
            ];
            if (columns >= NarrowestWithBar)
            {
                chosen.Add(new("Transfer", columns >= NarrowestWithOutcome ? 40 : 19, Transfer));
            }

            chosen.Add(new("Time", 8, static (r, _) => (Time(r.Elapsed), 0)));
            if (columns >= NarrowestWithOutcome)
            {
                chosen.Add(new("Outcome", 25, static (r, _) => Outcome(r)));
            }

            // The target has what is left: a border and a space on each side of a column, and one border more.
            chosen[0] = chosen[0] with { Width = Math.Max(4, columns - 1 - (3 * chosen.Count) - chosen.Sum(c => c.Width)) };
            return new(chosen);
        }

        public string Border(char left, char middle, char right) => left + string.Join(middle, Columns.Select(c => new string('─', c.Width + 2))) + right;

        public string Line(IReadOnlyList<(string Text, int Colour)> cells, bool hasColour)
        {
            var line = new StringBuilder("│");
            var column = 1;
            for (var i = 0; i < cells.Count; i++)
            {
                var (text, colour) = cells[i];
                var fitted = CellText.Fit(text, Columns[i].Width);
                line.Append(' ').Append(hasColour && colour != 0 ? Ansi.Colour(colour) + fitted + Ansi.Reset : fitted);
                column += Columns[i].Width + 3;

                // A terminal that thinks otherwise of the width of a character still has its borders where they belong.
                line.Append(Ascii.IsValid(fitted) ? " " : " " + Ansi.Column(column)).Append('│');
            }

            return line.ToString();
        }
    }
}
