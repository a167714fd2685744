using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace RomFlash.Sdk.Images;

/// <summary>How a ROM version is written; versions are ordered within one style (and one family) only.</summary>
public enum RomVersionKind
{
    /// <summary>Any other text: equal or not, never ordered.</summary>
    Opaque = 0,

    /// <summary>Numbers with dots, such as <c>2.50</c> or <c>7.10.3</c>.</summary>
    Dotted,

    /// <summary>A date alone, such as <c>01/22/2018</c> (month first) or <c>2018-01-22</c>.</summary>
    Dated,

    /// <summary>A family with a version and perhaps a date, such as <c>U30 v2.50 (03/12/2021)</c>.</summary>
    Prefixed,

    /// <summary>A family with a date, such as <c>P89 01/22/2018</c>.</summary>
    PrefixedDate,

    /// <summary>A 32-bit number as the ESRT reports it, written <c>0x</c> and hexadecimal digits.</summary>
    Packed,
}

/// <summary>
/// The version of a ROM, as a fact source or a catalog writes it. There is a total order within a style
/// (<see cref="RomVersionKind"/> and family); versions of different styles are <em>not comparable</em>.
/// </summary>
/// <remarks>Immutable and thread-safe. Equality follows the order: <c>2.5</c> equals <c>2.05</c> in no style (it is the higher one), and <c>2.50</c> equals <c>2.50.0</c>.</remarks>
public sealed partial class RomVersion : IEquatable<RomVersion>
{
    /// <summary>The longest text that is read, in characters.</summary>
    public const int MaxLength = 256;

    private readonly ulong[] _numbers;

    private RomVersion(string text, RomVersionKind kind, string family, ulong[] numbers)
    {
        Text = text;
        Kind = kind;
        Family = family;
        _numbers = numbers;
    }

    /// <summary>The version as it was given, without white space around it.</summary>
    public string Text { get; }

    /// <summary>How it is written.</summary>
    public RomVersionKind Kind { get; }

    /// <summary>The vendor's prefix, such as <c>U30</c>, in upper case; empty where the style has none.</summary>
    public string Family { get; }

    /// <summary>Makes a version from a number as the ESRT holds it (UEFI 2.10, 23.4, FwVersion).</summary>
    /// <param name="value">The number.</param>
    /// <returns>A version of the style <see cref="RomVersionKind.Packed"/>.</returns>
    public static RomVersion FromPacked(uint value) =>
        new(string.Create(CultureInfo.InvariantCulture, $"0x{value:X8}"), RomVersionKind.Packed, string.Empty, [value]);

    /// <summary>Reads a version. Text of no known style becomes <see cref="RomVersionKind.Opaque"/>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The version.</returns>
    /// <exception cref="FormatException">The text is empty, longer than <see cref="MaxLength"/>, or holds control characters.</exception>
    public static RomVersion Parse(string text) =>
        TryParse(text, out var version) ? version : throw new FormatException("A ROM version is 1 to 256 characters without control characters.");

    /// <summary>Reads a version. Text of no known style becomes <see cref="RomVersionKind.Opaque"/>.</summary>
    /// <param name="text">The text; may be null.</param>
    /// <param name="version">The version, when this returns true.</param>
    /// <returns>False when the text is empty, too long, or holds control characters.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out RomVersion? version)
    {
        version = null;
        var trimmed = text?.Trim();
        if (string.IsNullOrEmpty(trimmed) || trimmed.Length > MaxLength || trimmed.Any(char.IsControl))
        {
            return false;
        }

        version = ParsePacked(trimmed) ?? ParsePrefixed(trimmed) ?? ParseDated(trimmed) ?? ParseDotted(trimmed)
            ?? new RomVersion(trimmed, RomVersionKind.Opaque, trimmed, []);
        return true;
    }

    /// <summary>Whether the two versions have a common order.</summary>
    /// <param name="other">The other version.</param>
    /// <returns>True when both have the same style and family.</returns>
    public bool IsComparableTo([NotNullWhen(true)] RomVersion? other) =>
        other is not null && Kind == other.Kind && string.Equals(Family, other.Family, StringComparison.Ordinal);

    /// <summary>Compares with another version of the same style.</summary>
    /// <param name="other">The other version.</param>
    /// <param name="order">Less than, equal to or greater than zero, as this is older, equal or newer; 0 when this returns false.</param>
    /// <returns>False when the two are not comparable.</returns>
    public bool TryCompareTo([NotNullWhen(true)] RomVersion? other, out int order)
    {
        order = 0;
        if (!IsComparableTo(other))
        {
            return false;
        }

        var length = Math.Max(_numbers.Length, other._numbers.Length);
        for (var i = 0; i < length && order == 0; i++)
        {
            order = Part(_numbers, i).CompareTo(Part(other._numbers, i));
        }

        return true;

        static ulong Part(ulong[] numbers, int i) => i < numbers.Length ? numbers[i] : 0;
    }

    /// <summary>Whether both are comparable and neither is newer.</summary>
    /// <param name="other">The other version.</param>
    /// <returns>True when equal.</returns>
    public bool Equals([NotNullWhen(true)] RomVersion? other) => TryCompareTo(other, out var order) && order == 0;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => Equals(obj as RomVersion);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Kind);
        hash.Add(Family, StringComparer.Ordinal);
        var last = _numbers.Length;
        while (last > 0 && _numbers[last - 1] == 0)
        {
            last--;
        }

        for (var i = 0; i < last; i++)
        {
            hash.Add(_numbers[i]);
        }

        return hash.ToHashCode();
    }

    /// <summary>The version as it was given. May come from a peer: escape it for where it is shown.</summary>
    /// <returns><see cref="Text"/>.</returns>
    public override string ToString() => Text;

    private static RomVersion? ParsePacked(string text)
    {
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && text.Length <= 10
            && uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return FromPacked(value);
        }

        return null;
    }

    private static RomVersion? ParsePrefixed(string text)
    {
        var match = PrefixedPattern().Match(text);
        if (!match.Success)
        {
            return null;
        }

        var family = match.Groups["family"].Value.ToUpperInvariant();
        var dateText = match.Groups["date"].Value;
        ulong date = 0;
        if (dateText.Length > 0 && !TryDate(dateText, out date))
        {
            return null;
        }

        if (!match.Groups["dots"].Success)
        {
            return new(text, RomVersionKind.PrefixedDate, family, [date]);
        }

        if (!TryNumbers(match.Groups["dots"].Value, out var numbers))
        {
            return null;
        }

        // The version decides; the date only breaks a tie, behind a fixed number of version parts.
        return new(text, RomVersionKind.Prefixed, family, [.. numbers, date]);
    }

    private static RomVersion? ParseDated(string text) =>
        TryDate(text, out var date) ? new(text, RomVersionKind.Dated, string.Empty, [date]) : null;

    private static RomVersion? ParseDotted(string text)
    {
        var body = text.StartsWith('v') || text.StartsWith('V') ? text[1..] : text;
        return DottedPattern().IsMatch(body) && TryNumbers(body, out var numbers) ? new(text, RomVersionKind.Dotted, string.Empty, numbers) : null;
    }

    private const int MaxParts = 8;

    // A fixed length: first the parts, then how they are written, so that 2.5 and 2.05 are two versions and 2.05 is the lower one.
    private static bool TryNumbers(string text, out ulong[] numbers)
    {
        var parts = text.Split('.');
        numbers = new ulong[MaxParts * 2];
        numbers.AsSpan(MaxParts).Fill(MaxLength);
        if (parts.Length > MaxParts)
        {
            return false;
        }

        for (var i = 0; i < parts.Length; i++)
        {
            if (!ulong.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
            {
                return false;
            }

            var digits = parts[i].AsSpan();
            numbers[MaxParts + i] -= (ulong)(digits.Length - Math.Max(1, digits.TrimStart('0').Length));
        }

        return true;
    }

    private static bool TryDate(string text, out ulong date)
    {
        date = 0;
        if (!DateOnly.TryParseExact(text, ["MM/dd/yyyy", "M/d/yyyy", "yyyy-MM-dd"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            return false;
        }

        date = (ulong)day.DayNumber;
        return true;
    }

    [GeneratedRegex(@"^(?<family>[A-Za-z][A-Za-z0-9]{0,15}) (?:v(?<dots>[0-9]+(?:\.[0-9]+)+)(?: \((?<date>[0-9/]{8,10})\))?|(?<date>[0-9/]{8,10}))$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PrefixedPattern();

    [GeneratedRegex(@"^[0-9]{1,19}(?:\.[0-9]{1,19})+$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DottedPattern();
}
