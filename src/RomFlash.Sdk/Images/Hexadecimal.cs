using System.Globalization;

namespace RomFlash.Sdk.Images;

/// <summary>Hexadecimal digits of checksums, most of which are zero.</summary>
internal static class Hexadecimal
{
    /// <summary>Upper-case digits with leading zeros.</summary>
    public static string Of(ulong value, int digits) => (value, digits) switch
    {
        (0, 2) => "00",
        (0, 4) => "0000",
        (0, 8) => "00000000",
        _ => value.ToString("X" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
    };
}
