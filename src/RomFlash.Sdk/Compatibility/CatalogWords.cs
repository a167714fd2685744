using System.Globalization;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Compatibility;

/// <summary>How a catalog's file writes what the model has as values.</summary>
internal static class CatalogWords
{
    public const string Restart = "restart";
    public const string PowerCycle = "power-cycle";

    public const string Kinds = "system-rom, array-controller, controller or other";

    // ISO 8601 in UTC; the fraction of a second may be left out.
    public const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    public static RomKind? ToKind(string text) => text switch
    {
        "system-rom" => RomKind.SystemRom,
        "array-controller" => RomKind.ArrayController,
        "controller" => RomKind.Controller,
        "other" => RomKind.Other,
        _ => null,
    };

    public static string Of(RomKind kind) => kind switch
    {
        RomKind.SystemRom => "system-rom",
        RomKind.ArrayController => "array-controller",
        RomKind.Controller => "controller",
        RomKind.Other => "other",
        _ => throw new ArgumentException($"{kind} is no kind of ROM", nameof(kind)),
    };

    public static RebootNeed? ToReboot(string text) => text switch
    {
        Restart => RebootNeed.Restart,
        PowerCycle => RebootNeed.PowerCycle,
        _ => null,
    };

    public static DateTimeOffset? ToTime(string text) =>
        DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    public static PciId? ToPci(string text)
    {
        var parts = text.Split(':');
        if (parts.Length is not (2 or 4))
        {
            return null;
        }

        Span<ushort> ids = stackalloc ushort[4];
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i].Length != 4 || !ushort.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ids[i]))
            {
                return null;
            }
        }

        return parts.Length == 2 ? new PciId(ids[0], ids[1]) : new PciId(ids[0], ids[1], ids[2], ids[3]);
    }
}
