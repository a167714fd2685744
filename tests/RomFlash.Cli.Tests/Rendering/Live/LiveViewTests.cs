using System.Text.RegularExpressions;
using RomFlash.Cli.Rendering;
using RomFlash.Cli.Rendering.Live;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Testing;

namespace RomFlash.Cli.Tests.Rendering.Live;

public sealed partial class LiveViewTests
{
    private const int Rows = 24;

    private readonly SimulatedClock _clock = new();

    [Fact]
    public void Draw_Transfer_ShowsBytesAndRate()
    {
        var board = new RunBoard("run", 1, _clock);
        board.Report(new("a", FlashStage.Stage, 0, 1 << 20));
        _clock.Advance(TimeSpan.FromSeconds(64));
        board.Report(new("a", FlashStage.Stage, 1 << 19, 1 << 20));

        var row = Assert.Single(Lines(board, 140), l => l.StartsWith("│ a ", StringComparison.Ordinal));
        Assert.Contains("512K of  1.0M  8.0K/s", row, StringComparison.Ordinal);
        Assert.Contains("01:04", row, StringComparison.Ordinal);
        Assert.InRange(row.Count(c => c == '█'), 5, row.Count(c => c == '░'));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(50)]
    [InlineData(79)]
    [InlineData(80)]
    [InlineData(140)]
    [InlineData(300)]
    public void Draw_HostileAndLongNames_KeepsEveryLineInItsWidth(int columns)
    {
        var board = new RunBoard("run \u202e", 4, _clock);
        board.Report(new(Output.Hostile, FlashStage.Probe));
        board.Report(new(new string('サ', 500), FlashStage.Stage, 5, 10));
        board.Report(new("[red]\u001b[2J\u001b[1;1H\ud83d\udda5\ufe0f e\u0301\u0302\u0303\u0304", FlashStage.Confirm));
        board.Ended(Result("\r\n\r\nUpgraded", "NotFlashed", "RF2001"));

        var lines = Lines(board, columns);

        Assert.All(lines, l => Assert.True(CellText.Width(l) < columns, l));
        Assert.All(lines, Output.AssertPlain);
        var table = lines.Where(l => l.Length > 0 && "│╭├╰".Contains(l[0], StringComparison.Ordinal)).ToList();
        Assert.Equal(columns >= 50 ? 8 : 0, table.Count);
        Assert.All(table, l => Assert.Equal(columns - 1, CellText.Width(l)));
    }

    [Fact]
    public void Take_MoreTargetsThanRows_ShowsThoseInWorkAndTheLastThatEnded()
    {
        var board = new RunBoard("run", 10_000, _clock);
        for (var i = 0; i < 5000; i++)
        {
            board.Report(new($"t{i}", FlashStage.Probe));
        }

        for (var i = 0; i < 3000; i++)
        {
            board.Ended(Result($"t{i}", i % 3 == 0 ? "NotFlashed" : "Upgraded", i % 3 == 0 ? "RF2001" : null));
        }

        var taken = board.Take(18);

        Assert.Equal(18, taken.Rows.Count);
        Assert.Equal("t3000", taken.Rows[0].Target);
        Assert.Equal("t2999", taken.Rows[12].Target);
        Assert.Equal((2000, 5000), (taken.InWork, taken.Waiting));
        Assert.Equal([new("NotFlashed", 1000), new("Upgraded", 2000)], taken.Ended);
    }

    [Fact]
    public void Report_AfterTheEnd_DoesNotBringATargetBack()
    {
        var board = new RunBoard("run", 1, _clock);
        board.Report(new("a", FlashStage.Probe));
        board.Ended(Result("a", "NotFlashed", "RF9002"));
        board.Report(new("a", FlashStage.CleanUp));

        Assert.Equal(0, board.Take(10).InWork);
        Assert.NotNull(Assert.Single(board.Take(10).Rows).Outcome);
    }

    [Fact]
    public void Ended_RefusedBesideOneInWork_LeavesTheOneInWork()
    {
        var board = new RunBoard("run", 2, _clock);
        board.Report(new("a", FlashStage.Probe));
        board.Ended(Result("a", "NotFlashed", "RF1006"));

        var taken = board.Take(10);
        Assert.Equal(1, taken.InWork);
        Assert.Equal([new("NotFlashed", 1)], taken.Ended);
    }

    [Fact]
    public void View_WhatOthersWriteMeanwhile_ComesAfterItInOrderAndWhole()
    {
        var screen = new StringWriter();
        var terminal = new Terminal(screen, screen, isRich: true, canAsk: true);
        using (var view = LiveView.Start(terminal, new RunBoard("run", 1, _clock), _clock))
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            terminal.Error.WriteLine("first");
            terminal.Out.WriteLine("second");
            view.Report(new("a", FlashStage.Probe));
            _clock.Advance(TimeSpan.FromSeconds(1));
            Assert.DoesNotContain("first", screen.ToString(), StringComparison.Ordinal);
        }

        terminal.Out.WriteLine("third");
        var text = screen.ToString();
        Assert.StartsWith(Ansi.Enter, text, StringComparison.Ordinal);
        Assert.EndsWith($"{Ansi.Leave}first{Environment.NewLine}second{Environment.NewLine}third{Environment.NewLine}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void View_ManyReports_DrawsNoMoreThanTenPicturesASecond()
    {
        var screen = new CountingWriter();
        using var view = LiveView.Start(new Terminal(screen, TextWriter.Null, isRich: true, canAsk: true), new RunBoard("run", 1, _clock), _clock);
        for (var i = 0; i < 10_000; i++)
        {
            view.Report(new($"t{i}", FlashStage.Probe));
            _clock.Advance(TimeSpan.FromMilliseconds(0.2));
        }

        Assert.InRange(screen.Count, 15, 22);
    }

    [Fact]
    public void View_TerminalGoesAway_TheRunGoesOn()
    {
        using var view = LiveView.Start(new Terminal(new BrokenWriter(), TextWriter.Null, isRich: true, canAsk: true), new RunBoard("run", 1, _clock), _clock);
        _clock.Advance(TimeSpan.FromSeconds(1));
        view.Report(new("a", FlashStage.Probe));
        _clock.Advance(TimeSpan.FromSeconds(1));
        view.Ended(Result("a", "Upgraded", null));
    }

    private static TargetResult Result(string target, string outcome, string? code) => new() { Target = target, Outcome = outcome, Code = code, TargetState = "Untouched", Message = string.Empty };

    // What a terminal makes of a picture: the sequences gone, the lines apart.
    private static List<string> Lines(RunBoard board, int columns)
    {
        var lines = LiveFrame.Lines(board.Take(LiveFrame.RowsFor(Rows)), columns, Rows, hasColour: true);
        return [.. lines.Select(l => Sequence().Replace(l, string.Empty))];
    }

    [GeneratedRegex("\u001b\\[[0-9;?]*[a-zA-Z]")]
    private static partial Regex Sequence();

    private sealed class CountingWriter : StringWriter
    {
        public int Count { get; private set; }

        public override void Write(string? value) => Count++;
    }

    private sealed class BrokenWriter : StringWriter
    {
        public override void Write(string? value)
        {
            if (value?.Contains(Ansi.Line(1), StringComparison.Ordinal) is true)
            {
                throw new IOException("gone");
            }
        }
    }
}
