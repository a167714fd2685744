using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace RomFlash.Sdk.Tests.Documents;

/// <summary>The schema files of the repository, and places in JSON.</summary>
internal static partial class SchemaFiles
{
    public static string Root { get; } = FindRoot();

    public static JsonNode Read(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(Root, "docs", "schemas", name)))!;

    /// <summary>The words of the switch labels in a reader's source: what it may know as a field.</summary>
    public static string[] WordsOf(params string[] source) =>
        [.. CaseLabel().Matches(File.ReadAllText(Path.Combine([Root, "src", .. source]))).Select(m => m.Groups[1].Value).Distinct()];

    /// <summary>Follows names through objects, and numbers through lists.</summary>
    public static JsonNode At(JsonNode node, string[] path) =>
        path.Aggregate(node, (n, p) => n is JsonArray ? n[int.Parse(p, CultureInfo.InvariantCulture)]! : n[p]!);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "global.json")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }

    [GeneratedRegex("case \"([a-zA-Z0-9]+)\":", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10000)]
    private static partial Regex CaseLabel();
}
