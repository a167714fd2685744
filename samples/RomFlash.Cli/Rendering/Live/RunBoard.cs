using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering.Live;

/// <summary>One target as it is shown.</summary>
/// <param name="Target">Its name, safe to show.</param>
/// <param name="Stage">The step it has reached.</param>
/// <param name="BytesDone">Bytes of the transfer.</param>
/// <param name="BytesTotal">All bytes of the transfer; 0 while nothing is transferred.</param>
/// <param name="BytesPerSecond">How fast the transfer is.</param>
/// <param name="Elapsed">How long it has been in work, or was.</param>
/// <param name="Outcome">What became of it, or null while it is in work.</param>
internal readonly record struct BoardRow(string Target, FlashStage Stage, long BytesDone, long BytesTotal, double BytesPerSecond, TimeSpan Elapsed, BoardOutcome? Outcome);

/// <summary>How a target ended.</summary>
/// <param name="Name">The outcome, as the results name it.</param>
/// <param name="Code">The failure's code, or null.</param>
internal sealed record BoardOutcome(string Name, string? Code);

/// <summary>What the view shows of a run at one moment.</summary>
/// <param name="Title">What runs.</param>
/// <param name="OnStop">What Ctrl-C does.</param>
/// <param name="Elapsed">How long it has been running.</param>
/// <param name="Targets">How many targets there are.</param>
/// <param name="InWork">How many of them are in work.</param>
/// <param name="Ended">How many have ended, by outcome, in the order in which the outcomes first came.</param>
/// <param name="Rows">Those that are shown.</param>
internal sealed record BoardSnapshot(string Title, string OnStop, TimeSpan Elapsed, int Targets, int InWork, IReadOnlyList<KeyValuePair<string, int>> Ended, IReadOnlyList<BoardRow> Rows)
{
    public int Waiting => Math.Max(0, Targets - InWork - Ended.Sum(e => e.Value));
}

/// <summary>
/// What is known of a run: who is in work and how far, who ended last, and how many ended how. Remembers as many rows as a screen can show,
/// however many targets there are.
/// </summary>
internal sealed class RunBoard(string title, int targets, TimeProvider clock, string onStop = "")
{
    private const int MostRemembered = 256;
    private const string InRequestTwice = "RF1006";

    private readonly string _title = CellText.Safe(title);
    private readonly Lock _lock = new();
    private readonly long _start = clock.GetTimestamp();
    private readonly Dictionary<string, Row> _inWork = new(StringComparer.Ordinal);
    private readonly LinkedList<Row> _order = new();
    private readonly Queue<Row> _last = new();
    private readonly OrderedDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _over = new(StringComparer.Ordinal);

    public void Report(FlashProgress progress)
    {
        var now = clock.GetTimestamp();
        lock (_lock)
        {
            // A step that was given up may still report when its target has long ended.
            if (!_over.Contains(progress.TargetId))
            {
                Find(progress.TargetId, now).Take(progress, now);
            }
        }
    }

    public void Ended(TargetResult result)
    {
        var now = clock.GetTimestamp();
        lock (_lock)
        {
            Count(result.Outcome);
            if (string.Equals(result.Code, InRequestTwice, StringComparison.Ordinal))
            {
                // The other one of this name may be in work.
                return;
            }

            _over.Add(result.Target);
            var row = Find(result.Target, now);
            _inWork.Remove(result.Target);
            _order.Remove(row.Node!);
            row.End(new BoardOutcome(result.Outcome, result.Code), now);
            _last.Enqueue(row);
            if (_last.Count > MostRemembered)
            {
                _last.Dequeue();
            }
        }
    }

    /// <summary>What to show in so many rows: those in work, in the order in which they began, and as many of the last that ended as there is room for.</summary>
    public BoardSnapshot Take(int rows)
    {
        var now = clock.GetTimestamp();
        lock (_lock)
        {
            // Who ended has a third of the rows at least: what became of a target is not to be missed.
            var ended = Math.Min(_last.Count, Math.Max(rows / 3, rows - _inWork.Count));
            var shown = _order.Take(rows - ended).Concat(_last.TakeLast(ended).Reverse());
            return new(_title, onStop, clock.GetElapsedTime(_start, now), targets, _inWork.Count, [.. _counts], [.. shown.Select(r => r.ToBoardRow(clock, now))]);
        }
    }

    private void Count(string outcome) => _counts[outcome] = _counts.GetValueOrDefault(outcome) + 1;

    private Row Find(string target, long now)
    {
        if (!_inWork.TryGetValue(target, out var row))
        {
            row = new Row(CellText.Safe(target), now);
            row.Node = _order.AddLast(row);
            _inWork.Add(target, row);
        }

        return row;
    }

    private sealed class Row(string target, long begun)
    {
        private FlashStage _stage;
        private long _done;
        private long _total;
        private long _transferBegun;
        private long _transferFrom;
        private long? _ended;
        private BoardOutcome? _outcome;

        public LinkedListNode<Row>? Node { get; set; }

        public void Take(FlashProgress progress, long now)
        {
            // A further boot begins another transfer.
            if (progress.BytesTotal > 0 && (_total == 0 || progress.BytesDone < _done))
            {
                (_transferBegun, _transferFrom) = (now, progress.BytesDone);
            }

            (_stage, _done, _total) = (progress.Stage, progress.BytesDone, progress.BytesTotal);
        }

        public void End(BoardOutcome outcome, long now)
        {
            (_outcome, _ended, _total) = (outcome, now, 0);
            Node = null;
        }

        public BoardRow ToBoardRow(TimeProvider clock, long now)
        {
            var seconds = clock.GetElapsedTime(_transferBegun, now).TotalSeconds;
            var rate = _total > 0 && seconds > 0 ? (_done - _transferFrom) / seconds : 0;
            return new(target, _stage, _done, _total, rate, clock.GetElapsedTime(begun, _ended ?? now), _outcome);
        }
    }
}
