using System.Globalization;
using System.Text;

namespace RomFlash.Sdk.Outcomes;

/// <summary>
/// Makes text that came from a target, an image or a catalog safe for where it is shown. Names from a peer can hold terminal
/// control sequences, markup, HTML and line breaks. All members are thread-safe.
/// </summary>
public static class UntrustedText
{
    /// <summary>The longest text, in characters, that any of these methods gives back of one input.</summary>
    public const int MaxLength = 4096;

    /// <summary>For a terminal or a single line of a file: control, format, surrogate-less and line-separating characters become <c>\uXXXX</c>.</summary>
    /// <param name="text">Any text, or null.</param>
    /// <returns>One line that holds no control character; empty for null.</returns>
    public static string ForTerminal(string? text) => Escape(text, markup: false, html: false);

    /// <summary>For a log: the same as <see cref="ForTerminal"/>, so that one event stays one line.</summary>
    /// <param name="text">Any text, or null.</param>
    /// <returns>One line that holds no control character; empty for null.</returns>
    public static string ForLog(string? text) => Escape(text, markup: false, html: false);

    /// <summary>For console markup in which square brackets have a meaning: as <see cref="ForTerminal"/>, with brackets doubled.</summary>
    /// <param name="text">Any text, or null.</param>
    /// <returns>One line; empty for null.</returns>
    public static string ForMarkup(string? text) => Escape(text, markup: true, html: false);

    /// <summary>For HTML text and attribute values: as <see cref="ForTerminal"/>, with &amp; &lt; &gt; and both quotes as entities.</summary>
    /// <param name="text">Any text, or null.</param>
    /// <returns>One line; empty for null.</returns>
    public static string ForHtml(string? text) => Escape(text, markup: false, html: true);

    // Two escaped halves of a surrogate pair.
    private const int LongestPiece = 12;

    private static string Escape(string? text, bool markup, bool html)
    {
        if (string.IsNullOrEmpty(text))
        {
            return string.Empty;
        }

        var clipped = text.Length > MaxLength;
        var span = clipped ? text.AsSpan(0, MaxLength - 1) : text.AsSpan();
        if (!clipped && IsPlain(span, markup, html))
        {
            return text;
        }

        var builder = new StringBuilder(span.Length + 16);
        for (var i = 0; i < span.Length; i++)
        {
            if (builder.Length > MaxLength - 1 - LongestPiece)
            {
                // Never in the middle of an escape: half of a doubled bracket would be markup again.
                clipped = true;
                break;
            }

            var c = span[i];
            if (char.IsHighSurrogate(c) && i + 1 < span.Length && char.IsLowSurrogate(span[i + 1]))
            {
                if (IsUnsafe(CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32(c, span[i + 1]))))
                {
                    AppendEscaped(builder, c);
                    AppendEscaped(builder, span[++i]);
                }
                else
                {
                    builder.Append(c).Append(span[++i]);
                }

                continue;
            }

            switch (c)
            {
                case '[' or ']' when markup:
                    builder.Append(c).Append(c);
                    break;
                case '&' when html:
                    builder.Append("&amp;");
                    break;
                case '<' when html:
                    builder.Append("&lt;");
                    break;
                case '>' when html:
                    builder.Append("&gt;");
                    break;
                case '"' when html:
                    builder.Append("&quot;");
                    break;
                case '\'' when html:
                    builder.Append("&#39;");
                    break;
                default:
                    if (IsUnsafe(CharUnicodeInfo.GetUnicodeCategory(c)))
                    {
                        AppendEscaped(builder, c);
                    }
                    else
                    {
                        builder.Append(c);
                    }

                    break;
            }
        }

        return clipped ? builder.Append('…').ToString() : builder.ToString();
    }

    private static bool IsPlain(ReadOnlySpan<char> text, bool markup, bool html)
    {
        foreach (var c in text)
        {
            if (c is < ' ' or > '~' || (markup && c is '[' or ']') || (html && c is '&' or '<' or '>' or '"' or '\''))
            {
                return false;
            }
        }

        return true;
    }

    private static void AppendEscaped(StringBuilder builder, char c) =>
        builder.Append("\\u").Append(((int)c).ToString("X4", CultureInfo.InvariantCulture));

    private static bool IsUnsafe(UnicodeCategory category) => category is UnicodeCategory.Control
        or UnicodeCategory.Format
        or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator;
}
