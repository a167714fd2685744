using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Tests.Documents;

namespace RomFlash.Sdk.Tests.Targets;

/// <summary>The schema of the targets file and its reader know the same fields, need the same, and refuse the same names.</summary>
public sealed class TargetsSchemaTests
{
    // Has every field of every object.
    private const string Full = """
        {"romflashTargets":1,
         "credentials":{"f":{"userName":"u","passwordFile":"p"},"e":{"userName":"u","passwordEnvironment":"E"},"p":{"userName":"u","prompt":true},"me":{"currentUser":true}},
         "groups":{
          "a":{"credentials":"f","groups":["b"],"targets":[{"id":"one","credentials":"e","endpoints":[{"address":"dir:/1","credentials":"p"}]}]},
          "b":{"targets":["dir:/2"]}}}
        """;

    private static readonly JsonNode Schema = SchemaFiles.Read("targets.schema.json");

    // Where each kind of object is in the schema, and in the file.
    private static readonly (string[] Definition, string[] Path)[] Objects =
    [
        ([], []),
        (["properties", "credentials", "additionalProperties", "oneOf", "0"], ["credentials", "f"]),
        (["properties", "credentials", "additionalProperties", "oneOf", "1"], ["credentials", "e"]),
        (["properties", "credentials", "additionalProperties", "oneOf", "2"], ["credentials", "p"]),
        (["properties", "credentials", "additionalProperties", "oneOf", "3"], ["credentials", "me"]),
        (["$defs", "group"], ["groups", "a"]),
        (["$defs", "target"], ["groups", "a", "targets", "0"]),
        (["$defs", "endpoint"], ["groups", "a", "targets", "0", "endpoints", "0"]),
    ];

    private static readonly string[] NoName = ["", " ", "\t", "\u00a0", "a\u0000", "a\u0007b", "a\nb", "a\u007f", "a\u0085b", "a\u009f"];

    [Fact]
    public void Schema_EveryObject_IsHeldAgainstTheReader() =>
        Assert.Equal(Objects.Length, Closed(Schema));

    [Fact]
    public void Schema_EveryField_IsInTheFullFileAndKnownToTheReader()
    {
        Assert.Empty(Problems(JsonNode.Parse(Full)!));
        foreach (var (definition, path) in Objects)
        {
            Assert.Equal(Fields(definition).Order(StringComparer.Ordinal), SchemaFiles.At(JsonNode.Parse(Full)!, path).AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Schema_FieldLeftOut_IsNeededByBothOrByNeither()
    {
        foreach (var (definition, path) in Objects)
        {
            foreach (var field in Fields(definition))
            {
                var file = JsonNode.Parse(Full)!;
                SchemaFiles.At(file, path).AsObject().Remove(field);
                var isNeeded = SchemaFiles.At(Schema, definition)["required"]?.AsArray().Any(f => (string)f! == field) ?? false;

                Assert.True(isNeeded == (Problems(file).Length > 0), $"{string.Join('/', path)}.{field}: the schema says {(isNeeded ? "needed" : "optional")}, the reader {string.Join("; ", Problems(file))}");
            }
        }
    }

    [Fact]
    public void Schema_WhatAGroupHolds_IsNeededByBoth()
    {
        string[] either = [.. SchemaFiles.At(Schema, ["$defs", "group", "anyOf"]).AsArray().Select(a => (string)a!["required"]![0]!)];
        Assert.Equal(["targets", "groups"], either);
        foreach (var kept in either.Append(string.Empty))
        {
            var file = JsonNode.Parse(Full)!;
            foreach (var field in either.Where(f => f != kept))
            {
                SchemaFiles.At(file, ["groups", "a"]).AsObject().Remove(field);
            }

            Assert.Equal(kept.Length > 0, Problems(file).Length == 0);
        }
    }

    [Fact]
    public void Reader_FieldThatTheSchemaLacks_IsRefused()
    {
        // Every word that the reader could take for a field, anywhere.
        var words = Objects.SelectMany(o => Fields(o.Definition)).Concat(SchemaFiles.WordsOf("RomFlash.Sdk", "Targets", "TargetsFileReader.cs")).Distinct().ToArray();
        Assert.InRange(words.Length, 10, 100);
        foreach (var (definition, path) in Objects)
        {
            foreach (var word in words.Except(Fields(definition)))
            {
                var file = JsonNode.Parse(Full)!;
                SchemaFiles.At(file, path).AsObject().Add(word, true);

                Assert.True(Problems(file).Length > 0, $"{string.Join('/', path)}: the reader takes {word}");
            }
        }
    }

    [Theory]
    [InlineData("credentials")]
    [InlineData("groups")]
    public void Schema_Names_AreThoseOfTheReader(string section)
    {
        var name = SchemaFiles.At(Schema, ["properties", section, "propertyNames"]);
        Assert.Equal("#/$defs/name", (string)name["$ref"]!);
        foreach (var text in (string[])["a", " a ", "rack 7", "\u00e9", new('n', 128), new('n', 129), .. NoName])
        {
            var file = JsonNode.Parse("""{"romflashTargets":1,"credentials":{},"groups":{"x":{"targets":["dir:/1"]}}}""")!;
            file[section]!.AsObject().Add(text, JsonNode.Parse(section == "groups" ? """{"targets":["dir:/2"]}""" : """{"currentUser":true}"""));

            Assert.True(Allows("name", text) == (Problems(file).Length == 0), $"{section} '{UntrustedText.ForTerminal(text)}': the schema says {Allows("name", text)}, the reader {string.Join("; ", Problems(file))}");
        }
    }

    [Fact]
    public void Schema_BlankTexts_AreRefusedByBoth()
    {
        foreach (var definition in (string[])["text", "name", "address", "path"])
        {
            Assert.False(Allows(definition, " "), definition);
            Assert.False(Allows(definition, string.Empty), definition);
            Assert.True(Allows(definition, "a"), definition);
        }

        foreach (var (path, field) in ((string[], string)[])[(["credentials", "f"], "userName"), (["credentials", "f"], "passwordFile"), (["groups", "a"], "credentials"), (["groups", "a", "targets", "0"], "id"), (["groups", "a", "targets", "0", "endpoints", "0"], "address")])
        {
            var file = JsonNode.Parse(Full)!;
            SchemaFiles.At(file, path)[field] = " ";
            Assert.NotEmpty(Problems(file));
        }
    }

    [Fact]
    public void Schema_Limits_AreThoseOfTheReader()
    {
        Assert.Equal(TargetsFile.MaxGroups, (int)Schema["properties"]!["groups"]!["maxProperties"]!);
        Assert.Equal(TargetsFile.MaxEndpoints, (int)SchemaFiles.At(Schema, ["$defs", "target", "properties", "endpoints", "maxItems"]));
    }

    private static bool Allows(string definition, string text)
    {
        var schema = Schema["$defs"]![definition]!;
        return text.Length >= (int)schema["minLength"]! && text.Length <= (int)schema["maxLength"]!
            && Regex.IsMatch(text, (string)schema["pattern"]!, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    }

    private static int Closed(JsonNode? node) => node switch
    {
        JsonObject o => (o["additionalProperties"]?.GetValueKind() == JsonValueKind.False ? 1 : 0) + o.Sum(p => Closed(p.Value)),
        JsonArray a => a.Sum(Closed),
        _ => 0,
    };

    private static string[] Fields(string[] definition) => [.. SchemaFiles.At(Schema, definition)["properties"]!.AsObject().Select(p => p.Key)];

    private static string[] Problems(JsonNode file) =>
        TargetsFile.TryParse(Encoding.UTF8.GetBytes(file.ToJsonString()), "rack.json", ["dir"]).TryGetValue(out _, out var failure) ? [] : [.. ((TargetsFileUnusable)failure).Problems.Select(p => p.ToString())];
}
