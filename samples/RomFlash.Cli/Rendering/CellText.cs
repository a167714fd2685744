using System.Globalization;
using System.Text;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Rendering;

/// <summary>
/// Text in the cells of a terminal. Names come from machines, and may hold anything: what would move the cursor, turn text around, or be as
/// wide as each terminal likes is shown as its code, so that a table keeps its columns.
/// </summary>
internal static class CellText
{
    // More marks on one letter than any language puts there climb into the lines above and below.
    private const int MostMarks = 2;

    /// <summary>East Asian wide and fullwidth characters (Unicode Standard Annex 11), first and last of each range.</summary>
    private static ReadOnlySpan<int> Wide =>
    [
        0x1100, 0x115F, 0x231A, 0x231B, 0x2329, 0x232A, 0x23E9, 0x23EC, 0x23F0, 0x23F0, 0x23F3, 0x23F3, 0x25FD, 0x25FE, 0x2614, 0x2615, 0x2648, 0x2653,
        0x267F, 0x267F, 0x2693, 0x2693, 0x26A1, 0x26A1, 0x26AA, 0x26AB, 0x26BD, 0x26BE, 0x26C4, 0x26C5, 0x26CE, 0x26CE, 0x26D4, 0x26D4, 0x26EA, 0x26EA,
        0x26F2, 0x26F3, 0x26F5, 0x26F5, 0x26FA, 0x26FA, 0x26FD, 0x26FD, 0x2705, 0x2705, 0x270A, 0x270B, 0x2728, 0x2728, 0x274C, 0x274C, 0x274E, 0x274E,
        0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797, 0x27B0, 0x27B0, 0x27BF, 0x27BF, 0x2B1B, 0x2B1C, 0x2B50, 0x2B50, 0x2B55, 0x2B55, 0x2E80, 0x303E,
        0x3041, 0x3247, 0x3250, 0x4DBF, 0x4E00, 0xA4C6, 0xA960, 0xA97C, 0xAC00, 0xD7A3, 0xF900, 0xFAFF, 0xFE10, 0xFE19, 0xFE30, 0xFE6B, 0xFF01, 0xFF60,
        0xFFE0, 0xFFE6, 0x16FE0, 0x18CD5, 0x1AFF0, 0x1B2FB, 0x20000, 0x3FFFD,
    ];

    /// <summary>Escapes what is not safe in a cell. Done once for a text; everything else here expects that it was.</summary>
    public static string Safe(string? text)
    {
        var plain = UntrustedText.ForTerminal(text);
        if (Ascii.IsValid(plain))
        {
            return plain;
        }

        var safe = new StringBuilder(plain.Length);
        var marks = MostMarks;
        foreach (var rune in plain.EnumerateRunes())
        {
            var isMark = Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark;
            marks = isMark ? marks + 1 : 0;
            if (IsUncertain(rune) || marks > MostMarks || (isMark && safe.Length == 0))
            {
                foreach (var unit in rune.ToString())
                {
                    safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
                }

                // The next mark would go on the last digit.
                marks = isMark ? MostMarks : 0;
            }
            else
            {
                safe.Append(rune);
            }
        }

        return safe.ToString();
    }

    /// <summary>How many cells a text takes.</summary>
    public static int Width(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text.Length;
        }

        var width = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            width += Width(rune);
        }

        return width;
    }

    /// <summary>Makes a text exactly so many cells wide: cuts it, with an ellipsis, or pads it.</summary>
    public static string Fit(string text, int cells)
    {
        if (cells <= 0)
        {
            return string.Empty;
        }

        var width = Width(text);
        if (width <= cells)
        {
            return text + new string(' ', cells - width);
        }

        var cut = new StringBuilder(cells);
        width = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (width + Width(rune) > cells - 1)
            {
                break;
            }

            width += Width(rune);
            cut.Append(rune);
        }

        return cut.Append('…').Append(' ', cells - 1 - width).ToString();
    }

    private static int Width(Rune rune)
    {
        if (rune.IsAscii)
        {
            return 1;
        }

        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark)
        {
            return 0;
        }

        var ranges = Wide;
        for (var i = 0; i < ranges.Length && rune.Value >= ranges[i]; i += 2)
        {
            if (rune.Value <= ranges[i + 1])
            {
                return 2;
            }
        }

        return 1;
    }

    // Selectors and modifiers that change the width of what is before them; vowels and consonants that join the syllable before; pictures,
    // of which each terminal knows those of its own year, and the letters that pair to flags.
    private static bool IsUncertain(Rune rune) => rune.Value
        is (>= 0xFE00 and <= 0xFE0F)
        or (>= 0xE0100 and <= 0xE01EF)
        or (>= 0x1160 and <= 0x11FF)
        or (>= 0xD7B0 and <= 0xD7FB)
        or (>= 0x1F000 and <= 0x1FAFF);
}
