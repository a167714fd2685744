namespace RomFlash.Cli.Tests.Rendering.Live;

/// <summary>The live view in a real terminal.</summary>
[Trait("Category", "Peer")]
public sealed class TerminalTests
{
    private const string Borders = "│╭├╰┬┼┴╮┤╯";

    [Theory]
    [InlineData(80, 24)]
    [InlineData(140, 40)]
    public async Task Demo_InATerminal_NoPictureIsTornAndTheTerminalIsAsBefore(int columns, int rows)
    {
        await using var tmux = await Tmux.StartAsync(columns, rows);
        await tmux.TypeAsync("romflash demo");
        await tmux.UntilAsync(s => IsPicture(s, columns), "a whole picture");

        var (pictures, hasProgress, hasOutcome) = (0, false, false);
        for (var screen = await LookAtWholeAsync(tmux, columns, rows); screen.IsSecondScreen; screen = await LookAtWholeAsync(tmux, columns, rows))
        {
            AssertPicture(screen, columns, rows);
            pictures++;
            hasProgress |= screen.Lines.Any(l => l.Contains("Stage", StringComparison.Ordinal) && l.Contains('█', StringComparison.Ordinal) && l.Contains("/s", StringComparison.Ordinal));
            hasOutcome |= screen.Lines.Any(l => l.Contains(" RF", StringComparison.Ordinal));
        }

        Assert.True(pictures > 20, $"{pictures} pictures");
        Assert.True(hasProgress, "no transfer was ever seen");
        Assert.True(hasOutcome, "no outcome was ever seen");
        await tmux.UntilAsync(s => s.Lines.Contains("exit 0"), "the end");
        AssertClean(await tmux.LookAsync());
        AssertFinalTable((await tmux.LookAsync(withHistory: true)).Lines, columns);
    }

    [Fact]
    public async Task Demo_TerminalIsResized_TheNextPictureIsWholeAndHasNothingOfTheOldOne()
    {
        await using var tmux = await Tmux.StartAsync(80, 24);
        await tmux.TypeAsync("romflash demo --targets 400");
        await tmux.UntilAsync(s => IsPicture(s, 80), "a picture at 80 columns");
        await tmux.ResizeAsync(140, 40);
        AssertPicture(await tmux.UntilAsync(s => IsPicture(s, 140), "a picture at 140 columns"), 140, 40);
        await tmux.ResizeAsync(80, 24);
        AssertPicture(await tmux.UntilAsync(s => IsPicture(s, 80), "a picture at 80 columns again"), 80, 24);
        await tmux.PressAsync("C-c");
        AssertClean(await tmux.UntilAsync(s => s.Lines.Contains("exit 130"), "the end"));
    }

    [Fact]
    public async Task Demo_CtrlCInMidFlight_LeavesAUsableShell()
    {
        await using var tmux = await Tmux.StartAsync(80, 24);
        await tmux.TypeAsync("romflash demo");
        await tmux.UntilAsync(s => IsPicture(s, 80) && s.Lines.Any(l => l.Contains('█', StringComparison.Ordinal)), "a transfer");
        await tmux.PressAsync("C-c");

        AssertClean(await tmux.UntilAsync(s => s.Lines.Contains("exit 130"), "the end"));
        await tmux.TypeAsync("echo still $((40 + 2))");
        var screen = await tmux.UntilAsync(s => s.Lines.Contains("still 42"), "what the shell answers");
        Assert.Contains("romflash: the demo was cancelled; everything was simulated", screen.Lines);
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(140, 40)]
    public async Task Flash_TargetWithAHostileName_NothingIsTorn(int columns, int rows)
    {
        using var bench = new Bench("サーバー[red]\u202ee\u0301\u0302\u0303\u0304");
        bench.WriteSmallCapsule();
        await using var tmux = await Tmux.StartAsync(columns, rows);

        await tmux.TypeAsync("clear");
        await tmux.TypeAsync(Command([.. bench.FlashArguments, "--yes", "--no-reboot"]));
        await tmux.UntilAsync(s => s.Lines.Any(l => l.StartsWith("exit ", StringComparison.Ordinal)), "the end of the flash");
        var screen = await tmux.LookAsync(withHistory: true);
        Assert.True(screen.Lines.Contains("exit 0"), screen.ToString());
        AssertTable(screen.Lines, columns);
        Assert.Contains("Pending", string.Concat(screen.Lines), StringComparison.Ordinal);
        AssertClean(screen);

        await tmux.TypeAsync(Command(["confirm", "--target", bench.Target, "--journal", bench.Journal, "--wait", "10m"]));
        screen = await tmux.UntilAsync(s => s.IsSecondScreen && s.Lines.Any(l => l.Contains("Confirm", StringComparison.Ordinal)) && s.Lines.Any(l => l.StartsWith('╰')), "the live view");
        AssertTable(screen.Lines, columns);
        await tmux.PressAsync("C-c");
        AssertClean(await tmux.UntilAsync(s => s.Lines.Contains("exit 130"), "the end of the waiting"));
    }

    private static string Command(string[] arguments) =>
        "romflash " + string.Join(' ', arguments.Select(a => $"$'{string.Concat(a.Select(c => char.IsAscii(c) ? c.ToString() : $"\\u{(int)c:x4}"))}'"));

    // A look can come while a picture is being written. What is torn lasts longer: until the next picture, a tenth of a second later.
    private static async Task<Screen> LookAtWholeAsync(Tmux tmux, int columns, int rows)
    {
        var screen = await tmux.LookAsync();
        for (var again = 0; again < 3 && screen.IsSecondScreen && !IsWhole(screen, columns, rows); again++)
        {
            screen = await tmux.LookAsync();
        }

        return screen;
    }

    private static bool IsWhole(Screen screen, int columns, int rows)
    {
        var table = screen.Lines.Take(rows).Where(l => l.Length > 0 && "│╭├╰".Contains(l[0], StringComparison.Ordinal)).Select(BordersOf).ToList();
        return IsPicture(screen, columns) && table.TrueForAll(b => b.SequenceEqual(table[0]));
    }

    /// <summary>A whole picture: from the title to the counts, in a table of this width.</summary>
    private static bool IsPicture(Screen screen, int columns) =>
        screen.IsSecondScreen
        && screen.Lines[0].StartsWith("romflash demo:", StringComparison.Ordinal)
        && screen.Lines.Any(l => l.StartsWith('╭') && l.Length == columns - 1)
        && screen.Lines.Any(l => l.StartsWith('╰') && l.Length == columns - 1)
        && screen.Lines.Any(l => l.Contains(" targets: ", StringComparison.Ordinal));

    private static void AssertPicture(Screen screen, int columns, int rows)
    {
        Assert.True(IsPicture(screen, columns), screen.ToString());
        Assert.False(screen.HasCursor, screen.ToString());
        var lines = screen.Lines.Take(rows).ToList();
        var bottom = lines.FindIndex(l => l.StartsWith('╰'));
        var expected = BordersOf(lines[1]);
        Assert.True(expected.Count >= 4, screen.ToString());
        Assert.All(lines[1..(bottom + 1)], l => Assert.Equal(expected, BordersOf(l)));

        // Two lines of counts, and nothing that an earlier picture left.
        Assert.All(lines[(bottom + 3)..], l => Assert.Equal(string.Empty, l));
        Assert.DoesNotContain(lines[(bottom + 1)..], l => l.Any(c => Borders.Contains(c, StringComparison.Ordinal)));
    }

    /// <summary>A table whose borders are in the same columns on every line, with nothing between its lines.</summary>
    private static void AssertTable(IReadOnlyList<string> lines, int columns)
    {
        var all = lines.ToList();
        var (top, bottom) = (all.FindIndex(l => l.StartsWith('╭')), all.FindIndex(l => l.StartsWith('╰')));
        Assert.True(top >= 0 && bottom > top, string.Join('\n', all));
        var expected = BordersOf(all[top]);
        Assert.True(expected[^1] < columns, string.Join('\n', all));
        Assert.All(all[top..(bottom + 1)], l => Assert.Equal(expected, BordersOf(l)));
        Assert.DoesNotContain(string.Concat(all), c => c is '\u001b' or '\a' or '\u202e');
    }

    private static void AssertFinalTable(IReadOnlyList<string> lines, int columns)
    {
        AssertTable(lines, columns);
        Assert.Contains(lines, l => l.StartsWith("49 of 49 came out as staged", StringComparison.Ordinal));
        var text = string.Join('\n', lines);
        if (columns >= 140)
        {
            // Names that are hostile, wide, or full of marks.
            Assert.Contains(@"\u001B]0;x\u0007", text, StringComparison.Ordinal);
            Assert.Contains("サーバー", text, StringComparison.Ordinal);
            Assert.Contains(@"\u202E", text, StringComparison.Ordinal);
        }
    }

    private static void AssertClean(Screen screen)
    {
        Assert.False(screen.IsSecondScreen, screen.ToString());
        Assert.True(screen.HasCursor, screen.ToString());
        Assert.True(screen.Wraps, screen.ToString());
    }

    // The columns in which the borders are. What is wide or has no width among the demo's names is counted as a terminal counts it.
    private static List<int> BordersOf(string line)
    {
        var (column, found) = (0, new List<int>());
        foreach (var c in line)
        {
            if (Borders.Contains(c, StringComparison.Ordinal))
            {
                found.Add(column);
            }

            column += c switch
            {
                >= '\u0300' and <= '\u036f' => 0,
                >= '\u3040' and <= '\u30ff' => 2,
                _ => 1,
            };
        }

        return found;
    }
}
