using System.Collections.Frozen;
using System.Globalization;

namespace RomFlash.Sdk.Compatibility.Import;

/// <summary>Turns a version in one of LVFS's formats into the number that the ESRT holds (the formats: fwupd, FwupdVersionFormat and fu-version-common).</summary>
internal static class LvfsVersion
{
    // The widths in bits of the parts, from the highest. All 32 bits have to be there: what a format hides can't be known.
    private static readonly FrozenDictionary<string, int[]> Dotted = new Dictionary<string, int[]>
    {
        ["quad"] = [8, 8, 8, 8],
        ["triplet"] = [8, 8, 16],
        ["pair"] = [16, 16],
        ["intel-me"] = [3, 5, 8, 16],
        ["intel-me2"] = [4, 4, 8, 16],
        ["surface-legacy"] = [10, 12, 10],
        ["surface"] = [8, 16, 8],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Numbers = FrozenSet.ToFrozenSet(["number", "plain", "hex"], StringComparer.Ordinal);

    /// <summary>Converts a version.</summary>
    /// <returns>The number, or null; then <paramref name="why"/> says why.</returns>
    public static uint? ToNumber(string text, string format, out string why)
    {
        why = $"the version is none of the format '{format}'";
        var isPartial = format is "dell-bios" or "dell-bios-msb";
        if (!Dotted.TryGetValue(format, out var widths) && !Numbers.Contains(format) && format != "bcd" && !isPartial)
        {
            why = $"the version format '{format}' gives no number that the ESRT could report";
            return null;
        }

        // Metadata may give the number itself under any format.
        if (text.StartsWith("0x", StringComparison.Ordinal))
        {
            return text.Length is > 2 and <= 10 && uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) ? hex : null;
        }

        if (isPartial)
        {
            why = $"the version format '{format}' hides eight of the 32 bits that the ESRT reports";
            return null;
        }

        if (Numbers.Contains(format))
        {
            return format != "hex" && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        }

        var parts = text.Split('.');
        return format == "bcd" ? FromBcd(parts) : FromParts(parts, widths!, format == "intel-me" ? 11u : 0);
    }

    private static uint? FromParts(string[] parts, int[] widths, uint offset)
    {
        if (parts.Length != widths.Length)
        {
            return null;
        }

        ulong number = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            // Intel's first part counts from 11 (its three bits are the version less 11).
            var least = i == 0 ? offset : 0;
            if (!uint.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out var part) || part < least || part - least >= 1u << widths[i])
            {
                return null;
            }

            number = (number << widths[i]) | (part - least);
        }

        return (uint)number;
    }

    private static uint? FromBcd(string[] parts)
    {
        if (parts.Length != 4)
        {
            return null;
        }

        uint number = 0;
        foreach (var text in parts)
        {
            if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var part) || part > 99)
            {
                return null;
            }

            number = (number << 8) | (part / 10 << 4) | (part % 10);
        }

        return number;
    }
}
