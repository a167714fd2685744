using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Outcomes;

public sealed class UntrustedTextTests
{
    [Theory]
    [InlineData("plain [x] <y>", "plain [x] <y>")]
    [InlineData("\u001b]0;x\a", "\\u001B]0;x\\u0007")]
    [InlineData("a\r\nb", "a\\u000D\\u000Ab")]
    [InlineData("\u202Eabc", "\\u202Eabc")]
    [InlineData("\u2028", "\\u2028")]
    [InlineData("ä😀", "ä😀")]
    [InlineData(null, "")]
    public void ForTerminal_Text_IsOneSafeLine(string? text, string expected)
    {
        Assert.Equal(expected, UntrustedText.ForTerminal(text));
        Assert.Equal(expected, UntrustedText.ForLog(text));
    }

    [Fact]
    public void ForTerminal_HalfASurrogatePair_IsEscaped() => Assert.Equal("a\\uD800b", UntrustedText.ForTerminal(string.Concat("a", ((char)0xD800).ToString(), "b")));

    [Fact]
    public void ForMarkupAndForHtml_SpecialCharacters_AreEscaped()
    {
        Assert.Equal("[[/]]", UntrustedText.ForMarkup("[/]"));
        Assert.Equal("&lt;script a=&quot;&#39;&amp;&quot;&gt;", UntrustedText.ForHtml("<script a=\"'&\">"));
    }

    [Theory]
    [InlineData(2047)]
    [InlineData(2048)]
    [InlineData(3000)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(5000)]
    public void ForMarkup_LongTextOfBrackets_IsNeverCutInsideAPair(int count)
    {
        foreach (var before in new[] { string.Empty, "a" })
        {
            var text = UntrustedText.ForMarkup(before + new string('[', count));

            Assert.InRange(text.Length, 1, UntrustedText.MaxLength);
            Assert.Equal(0, text.Count(c => c == '[') % 2);
            Assert.EndsWith(text.Count(c => c == '[') < 2 * count ? "…" : "[", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ForHtml_LongTextOfEntities_IsNeverCutInsideOne()
    {
        var text = UntrustedText.ForHtml(new string('<', 5000));

        Assert.InRange(text.Length, 1, UntrustedText.MaxLength);
        Assert.Equal("…", text.Replace("&lt;", string.Empty, StringComparison.Ordinal));
    }

    [Fact]
    public void ForTerminal_LongestPlainText_IsWhole()
    {
        Assert.Equal(UntrustedText.MaxLength, UntrustedText.ForTerminal(new string('x', UntrustedText.MaxLength)).Length);
        Assert.EndsWith("…", UntrustedText.ForTerminal(new string('x', UntrustedText.MaxLength + 1)), StringComparison.Ordinal);
    }
}
