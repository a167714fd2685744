using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Tests.Documents;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>The schema file and the reader know the same fields, and need the same.</summary>
public sealed class CatalogSchemaTests
{
    // Where each kind of object is in a catalog that has every field.
    private static readonly (string Definition, string[] Path)[] Objects =
    [
        ("", []),
        ("system", ["systems", "0"]),
        ("rom", ["systems", "0", "roms", "0"]),
        ("release", ["systems", "0", "roms", "0", "releases", "0"]),
        ("recovery", ["systems", "0", "roms", "0", "releases", "0", "recovery"]),
        ("withdrawn", ["withdrawn", "0"]),
    ];

    private static readonly JsonNode Schema = SchemaFiles.Read("catalog.schema.json");

    [Fact]
    public void Schema_EveryObject_IsHeldAgainstTheReader() =>
        Assert.Equal(
            Objects.Select(o => o.Definition).Where(d => d.Length > 0).Order(StringComparer.Ordinal),
            Schema["$defs"]!.AsObject().Where(d => d.Value!["additionalProperties"]?.GetValueKind() == System.Text.Json.JsonValueKind.False).Select(d => d.Key).Order(StringComparer.Ordinal));

    [Fact]
    public void Schema_EveryField_IsInTheFullCatalogAndKnownToTheReader()
    {
        Assert.Empty(CatalogText.Problems(CatalogText.Full));
        foreach (var (definition, path) in Objects)
        {
            Assert.Equal(
                Fields(definition).Order(StringComparer.Ordinal),
                SchemaFiles.At(JsonNode.Parse(CatalogText.Full)!, path).AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Schema_FieldLeftOut_IsNeededByBothOrByNeither()
    {
        foreach (var (definition, path) in Objects)
        {
            foreach (var field in Fields(definition))
            {
                var catalog = JsonNode.Parse(CatalogText.Full)!;
                SchemaFiles.At(catalog, path).AsObject().Remove(field);
                var isNeeded = Names(Definition(definition)["required"]).Contains(field)
                    || (Definition(definition)["dependentRequired"]?.AsObject().Any(d => d.Key != field && Names(d.Value).Contains(field)) ?? false);

                Assert.True(isNeeded == (Problems(catalog).Length > 0), $"{definition}.{field}: the schema says {(isNeeded ? "needed" : "optional")}, the reader {string.Join("; ", Problems(catalog))}");
            }
        }
    }

    [Fact]
    public void Schema_WhatTellsSystemsApart_IsNeededByBoth()
    {
        string[][] ways = [.. Definition("system")["anyOf"]!.AsArray().Select(a => Names(a!["required"]).ToArray())];
        var all = ways.SelectMany(w => w).ToArray();
        Assert.Equal(["manufacturer", "product", "smbiosUuids", "hardwareIds"], all);
        foreach (var kept in ways.Append([]))
        {
            var catalog = JsonNode.Parse(CatalogText.Full)!;
            foreach (var field in all.Except(kept))
            {
                SchemaFiles.At(catalog, ["systems", "0"]).AsObject().Remove(field);
            }

            Assert.Equal(kept.Length > 0, Problems(catalog).Length == 0);
        }
    }

    [Fact]
    public void Reader_FieldThatTheSchemaLacks_IsUnknown()
    {
        // Every word that the reader could take for a field, anywhere.
        var words = Objects.SelectMany(o => Fields(o.Definition)).Concat(SchemaFiles.WordsOf("RomFlash.Sdk", "Compatibility", "CatalogReader.cs")).Distinct().ToArray();
        Assert.InRange(words.Length, 25, 100);
        foreach (var (definition, path) in Objects)
        {
            foreach (var word in words.Except(Fields(definition)))
            {
                var catalog = JsonNode.Parse(CatalogText.Full)!;
                SchemaFiles.At(catalog, path).AsObject().Add(word, 1);

                Assert.EndsWith($": the field '{word}' is not known here", Assert.Single(Problems(catalog)), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("rom", "component")]
    [InlineData("release", "reboot")]
    public void Schema_Words_AreThoseOfTheReader(string definition, string field)
    {
        var path = Objects.First(o => o.Definition == definition).Path;
        foreach (var word in Names(Definition(definition)["properties"]![field]!["enum"]))
        {
            var catalog = JsonNode.Parse(CatalogText.Full)!;
            SchemaFiles.At(catalog, path)[field] = word;
            Assert.Empty(Problems(catalog));
        }

        var wrong = JsonNode.Parse(CatalogText.Full)!;
        SchemaFiles.At(wrong, path)[field] = "another word";
        var listed = Assert.Single(Problems(wrong));
        Assert.All(Names(Definition(definition)["properties"]![field]!["enum"]), w => Assert.Contains(w, listed, StringComparison.Ordinal));
    }

    [Fact]
    public void Schema_Limits_AreThoseOfTheReader()
    {
        var size = Definition("size");
        Assert.Equal(CatalogDocument.MaxImageLength, (long)size["maximum"]!);
        Assert.Equal(long.MaxValue, (long)Schema["properties"]!["serial"]!["maximum"]!);
        Assert.Equal(16, (int)Definition("versions")["maxProperties"]!);
        Assert.Equal(256, (int)Definition("text")["maxLength"]!);
        Assert.Equal(4096, (int)Definition("longText")["maxLength"]!);
    }

    [Fact]
    public void Documentation_Example_IsRead()
    {
        var page = File.ReadAllText(Path.Combine(SchemaFiles.Root, "docs", "catalog.md"));
        var example = page.Split("```json")[1].Split("```")[0];

        Assert.Empty(CatalogText.Problems(example));

        // Each field is explained on the page.
        Assert.All(Objects.SelectMany(o => Fields(o.Definition)), f => Assert.Contains($"`{f}`", page, StringComparison.Ordinal));
    }

    private static JsonNode Definition(string name) => name.Length == 0 ? Schema : Schema["$defs"]![name]!;

    private static string[] Fields(string definition) => [.. Definition(definition)["properties"]!.AsObject().Select(p => p.Key)];

    private static IEnumerable<string> Names(JsonNode? list) => list is null ? [] : list.AsArray().Select(n => (string)n!);

    private static string[] Problems(JsonNode catalog) =>
        CatalogDocument.TryParse(Encoding.UTF8.GetBytes(catalog.ToJsonString()), "c").TryGetValue(out _, out var failure) ? [] : [.. ((CatalogUnusable)failure).Problems.Select(p => p.ToString())];
}
