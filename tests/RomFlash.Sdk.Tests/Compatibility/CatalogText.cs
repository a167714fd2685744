using System.Globalization;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>Catalogs as text, and the problems that are expected in them.</summary>
internal static class CatalogText
{
    /// <summary>Every field that there is, each on a line of its own.</summary>
    public static readonly string Full = string.Join('\n',
        "{",
        "  \"romflashCatalog\": 1,",
        "  \"name\": \"rack 7\",",
        "  \"serial\": 12,",
        "  \"expires\": \"2027-06-30T00:00:00Z\",",
        "  \"systems\": [",
        "    {",
        "      \"manufacturer\": \"HPE\",",
        "      \"product\": \"DL360*\",",
        "      \"sku\": \"8675*\",",
        "      \"smbiosUuids\": [\"30373237-3132-4d32-3230-343230304c36\"],",
        "      \"exceptSmbiosUuids\": [\"30373237-3132-4d32-3230-343230304c37\"],",
        "      \"hardwareIds\": [\"6de5d951-d755-576b-bd09-c5cf66b27234\"],",
        "      \"roms\": [",
        "        {",
        "          \"component\": \"system-rom\",",
        "          \"firmwareClass\": \"0f2c63b1-8a3f-4f0b-9d3e-5a1f7c1d2e3f\",",
        "          \"pci\": \"103c:3239:103c:21c2\",",
        "          \"id\": \"system\",",
        "          \"releases\": [",
        "            {",
        "              \"version\": \"3.0\",",
        $"              \"sha256\": \"{Digest(3)}\",",
        "              \"size\": 100,",
        "              \"reportedAs\": { \"smbios\": \"3.0\", \"esrt\": \"0x00000003\" },",
        "              \"requiredMinimum\": { \"smbios\": \"2.0\" },",
        "              \"lowestSupported\": { \"smbios\": \"1.0\" },",
        "              \"reboot\": \"power-cycle\",",
        "              \"recovery\": {",
        $"                \"sha256\": \"{Digest(103)}\",",
        "                \"size\": 200,",
        "                \"name\": \"r.bin\"",
        "              },",
        "              \"notes\": \"n\"",
        "            }",
        "          ]",
        "        }",
        "      ]",
        "    }",
        "  ],",
        "  \"withdrawn\": [",
        "    {",
        $"      \"sha256\": \"{Digest(200)}\",",
        "      \"why\": \"bad\"",
        "    }",
        "  ]",
        "}");

    public static ContentDigest Digest(int number)
    {
        var bytes = new byte[32];
        bytes[31] = 1;
        BitConverter.TryWriteBytes(bytes, number);
        return new(bytes);
    }

    public static string Release(int version, string? more = null, string? reportedAs = null, int? digest = null, string? name = null) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"version":"{{name ?? $"{version}.0"}}","sha256":"{{Digest(digest ?? version)}}","size":100,"reportedAs":{{{reportedAs ?? $"\"smbios\":\"{version}.0\""}}}{{(more is null ? string.Empty : "," + more)}}}""");

    public static string Rom(params string[] releases) => $$"""{"component":"system-rom","releases":[{{string.Join(',', releases)}}]}""";

    public static string Machine(string product, params string[] roms) => $$"""{"manufacturer":"HPE","product":"{{product}}","roms":[{{string.Join(',', roms)}}]}""";

    public static string Catalog(params string[] systems) => $$"""{"romflashCatalog":1,"name":"test","systems":[{{string.Join(',', systems)}}]}""";

    public static string Withdrawing(string catalog, params string[] withdrawn) => $$"""{{catalog[..^1]}},"withdrawn":[{{string.Join(',', withdrawn)}}]}""";

    public static string Withdrawn(int digest, string why = "bad") => $$"""{"sha256":"{{Digest(digest)}}","why":"{{why}}"}""";

    /// <summary>All problems of a text, or none.</summary>
    public static string[] Problems(string text)
    {
        if (CatalogDocument.TryParse(Encoding.UTF8.GetBytes(text), "catalog.json").TryGetValue(out _, out var failure))
        {
            return [];
        }

        var unusable = Assert.IsType<CatalogUnusable>(failure);
        Assert.NotEmpty(unusable.Problems);
        Assert.Equal($"catalog.json: {string.Join("; ", unusable.Problems)}", unusable.Detail);
        return [.. unusable.Problems.Select(p => p.ToString())];
    }

    /// <summary>Holds a text, in which each <c>§</c> stands before a place, against the problems at these places: all of them, in order, and no other.</summary>
    public static void AssertProblems(string marked, params string[] messages)
    {
        var text = new StringBuilder();
        var expected = new List<string>();
        var (line, column) = (1, 1);
        foreach (var c in marked)
        {
            if (c == '§')
            {
                expected.Add($"line {line}, column {column}: {messages.ElementAtOrDefault(expected.Count)}");
                continue;
            }

            text.Append(c);
            (line, column) = c == '\n' ? (line + 1, 1) : (line, column + 1);
        }

        Assert.Equal(messages.Length, expected.Count);
        Assert.Equal(expected, Problems(text.ToString()));
    }

    public static CatalogDocument Parse(string text) => CatalogDocument.TryParse(Encoding.UTF8.GetBytes(text), "catalog.json").GetValueOrThrow();
}
