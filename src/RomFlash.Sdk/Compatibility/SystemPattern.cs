namespace RomFlash.Sdk.Compatibility;

/// <summary>A pattern in which <c>*</c> stands for any text, and case does not matter.</summary>
internal static class SystemPattern
{
    /// <summary>Whether a text fits. What a target does not tell fits no pattern: unknown is never good.</summary>
    /// <remarks>Greedy with one point to go back to: linear for one star, quadratic at worst, never exponential.</remarks>
    public static bool Matches(string pattern, string? text)
    {
        var value = text.AsSpan().Trim();
        if (value.IsEmpty)
        {
            return false;
        }

        var (p, t, star, mark) = (0, 0, -1, 0);
        while (t < value.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, t);
            }
            else if (p < pattern.Length && char.ToUpperInvariant(pattern[p]) == char.ToUpperInvariant(value[t]))
            {
                (p, t) = (p + 1, t + 1);
            }
            else if (star >= 0)
            {
                (p, t) = (star + 1, ++mark);
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }

    /// <summary>The text before the first star; all of it where there is none.</summary>
    public static string Prefix(string pattern) => pattern.IndexOf('*', StringComparison.Ordinal) is >= 0 and var star ? pattern[..star] : pattern;

    /// <summary>The text behind the last star; all of it where there is none.</summary>
    public static string Suffix(string pattern) => pattern[(pattern.LastIndexOf('*') + 1)..];
}
