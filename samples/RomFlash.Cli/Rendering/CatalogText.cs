using System.Globalization;

namespace RomFlash.Cli.Rendering;

/// <summary>Catalogs for a person.</summary>
internal static class CatalogText
{
    // A whole archive of metadata leaves thousands out; whoever wants all of them takes the JSON.
    private const int MostOmissions = 50;

    public static IEnumerable<string> Lines(CatalogCheckResult result)
    {
        yield return $"{ResultText.Plain(result.File)}: usable";
        if (result.Catalog is { } catalog)
        {
            yield return "  " + Who(catalog);
            yield return $"  sha256: {catalog.Sha256}";
        }

        yield return string.Create(CultureInfo.InvariantCulture, $"  holds: {result.Systems} systems, {result.Roms} ROMs, {result.Releases} releases, {result.Withdrawn} withdrawn images");
    }

    public static IEnumerable<string> Lines(CatalogImportResult result)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"{ResultText.Plain(result.To)}: {result.Releases} releases for {result.Systems} systems, of {result.Components} components");
        foreach (var omission in result.Omissions.Take(MostOmissions))
        {
            yield return $"  left out: {ResultText.Plain(omission.Component)} {ResultText.Plain(omission.Release)}: {ResultText.Plain(omission.Reason)}";
        }

        if (result.Omissions.Length > MostOmissions)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  and {result.Omissions.Length - MostOmissions} more left out; --json lists all of them");
        }

        yield return "  nobody vouches for it yet: look at it, and sign it with romflash catalog sign";
    }

    /// <summary>One line: which catalog, and who vouches for it.</summary>
    public static string Who(CatalogResult catalog) => string.Create(
        CultureInfo.InvariantCulture,
        $"catalog '{ResultText.Plain(catalog.Name)}'{(catalog.Serial is { } serial ? $", serial {serial}" : ", no serial")}{(catalog.Expires is { } expires ? $", until {expires.UtcDateTime:u}" : ", never expires")}, {(catalog.SignedBy is { } by ? $"signed by {ResultText.Plain(by)}" : "not signed")}{(catalog.Accepted.IsEmpty ? string.Empty : $"; accepted: {string.Join(", ", catalog.Accepted)}")}");
}
