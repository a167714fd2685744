using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>docs/json.md, the schema and what the commands really write, held against each other.</summary>
public sealed class JsonTests : IDisposable
{
    private static readonly JsonObject Schema = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "schemas", "result.schema.json")))!.AsObject();

    private readonly Bench _bench = new();

    public JsonTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    private static JsonObject Definitions => Schema["$defs"]!.AsObject();

    [Fact]
    public void Document_EachObject_HasTheFieldsAndTypesOfTheSchema()
    {
        var sections = Regex.Split(File.ReadAllText(Path.Combine(Repository.Root, "docs", "json.md")), "^## ", RegexOptions.Multiline).Skip(1)
            .ToDictionary(s => s[..s.IndexOf('\n', StringComparison.Ordinal)].Trim(), s => s, StringComparer.Ordinal);

        Assert.Equal(Definitions.Select(d => d.Key).Order(StringComparer.Ordinal), sections.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, definition) in Definitions)
        {
            var documented = Regex.Matches(sections[name], @"^\| `(\w+)` \| ([^|]+) \| (yes|no) \|", RegexOptions.Multiline).Select(m => (m.Groups[1].Value, m.Groups[2].Value.Trim(), m.Groups[3].Value)).Order().ToList();
            var required = definition!["required"]!.AsArray().Select(f => f!.GetValue<string>()).ToHashSet(StringComparer.Ordinal);
            var inSchema = definition["properties"]!.AsObject().Select(p => (p.Key, InWords(p.Value!), required.Contains(p.Key) ? "yes" : "no")).Order().ToList();

            Assert.Equal(inSchema, documented);
        }
    }

    [Fact]
    public async Task Output_EachCommand_IsWhatTheSchemaSays()
    {
        var journal = (string[])["--journal", _bench.Journal];
        var target = (string[])["--target", _bench.Target];
        File.WriteAllText(Path.Combine(_bench.Folder, "targets.json"), "{\"romflashTargets\":1,\"groups\":{\"a\":{\"targets\":[\"gopher://x\"],\"colour\":1}}}");
        string before = Path.Combine(_bench.Folder, "before.json"), after = Path.Combine(_bench.Folder, "after.json"), metadata = Path.Combine(_bench.Folder, "firmware.xml");
        string[] planned = [.. target, "--image", _bench.Image, "--image-trust", _bench.Maker, "--catalog", _bench.Catalog, "--allow-unsigned-catalog"];
        File.WriteAllText(metadata, "<components><component type=\"firmware\"><id>com.maker.board</id><releases><release version=\"1\"/></releases></component></components>");
        using var signed = new Bench();
        signed.WriteSmallCapsule();
        signed.SetSerial(1);
        var signer = signed.WriteSigner();
        (string Kind, string[] Arguments)[] runs =
        [
            ("image", ["validate", "--image", _bench.Image, "--image", _bench.Catalog]),
            ("image", ["validate", "--tree", "--image", _bench.Image]),
            ("target", ["probe", .. target, "dir:" + Path.Combine(_bench.Folder, "nowhere")]),
            ("target", [.. _bench.FlashArguments, "--dry-run"]),
            ("target", [.. _bench.FlashArguments, "--backup-image", _bench.WriteBackup(), "--dry-run"]),
            ("target", _bench.FlashArguments),
            ("target", ["confirm", .. target, .. journal]),
            ("target", ["recover", .. target, .. journal]),
            ("record", ["history", .. journal]),
            ("target", ["cancel", .. target, .. journal]),
            ("target", ["cancel", .. target, .. journal]),
            ("catalogCheck", ["catalog", "check", _bench.Catalog, _bench.Image, "--allow-unsigned-catalog"]),
            ("catalogCheck", ["catalog", "sign", signed.Catalog, "--pfx", signer]),
            ("catalogImport", ["catalog", "import", "--from", metadata, "--to", Path.Combine(_bench.Folder, "lvfs.json")]),
            ("target", ["catalog", "explain", .. target, "dir:" + Path.Combine(_bench.Folder, "nowhere"), "--catalog", _bench.Catalog, "--allow-unsigned-catalog", "--image", _bench.Image]),
            ("target", ["plan", .. planned, "--out", before]),
            ("target", ["plan", .. planned, "--reflash", "--out", after]),
            ("target", ["plan", "show", before]),
            ("difference", ["plan", "diff", before, after]),
            ("target", ["flash", "--plan", before, "--image", _bench.Image, "--image-trust", _bench.Maker, "--catalog", _bench.Catalog, "--allow-unsigned-catalog", "--dry-run"]),
            ("target", ["demo"]),
            ("failure", ["plan", "show", _bench.Catalog]),
            ("failure", ["catalog", "import", "--from", _bench.Image, "--to", Path.Combine(_bench.Folder, "other.json")]),
            ("failure", ["demo", "--targets", "0"]),
            ("failure", ["probe", "--targets", Path.Combine(_bench.Folder, "targets.json")]),
            ("failure", ["probe"]),
            ("failure", ["history", "--journal", "/no/such/journal"]),
            ("failure", ["recover", .. target, "--journal", ""]),
        ];

        // Each command that can write JSON is run to its result, not only to a failure.
        string[] able = [.. Programs.Commands().Where(c => c.Command.Options.Any(o => o.Name == "--json")).Select(c => c.Path).Order(StringComparer.Ordinal)];
        Assert.NotEmpty(able);
        Assert.Equal(able, runs.Where(r => r.Kind != "failure").Select(r => able.Where(p => p.Split(' ').SequenceEqual(r.Arguments.Take(p.Split(' ').Length))).MaxBy(p => p.Length)).Distinct().Order(StringComparer.Ordinal));

        foreach (var (kind, arguments) in runs)
        {
            var result = await Cli.RunAsync([.. arguments, "--json"]);

            Assert.True(result.Json.Count > 0, $"{string.Join(' ', arguments)}: {result}");
            Output.AssertPlain(result.Out);
            foreach (var line in result.Json)
            {
                Check(line, Definitions[kind]!, $"{string.Join(' ', arguments)}: ");
            }
        }
    }

    [Theory]
    [InlineData("validate", "--image", "a", "--colour")]
    [InlineData("history", "--last", "0")]
    [InlineData("probe", "--target", "nowhere")]
    public async Task Failure_BeforeAnyTarget_IsOneObjectAndStillOnTheErrorStream(params string[] arguments)
    {
        var result = await Cli.RunAsync([.. arguments, "--json"]);

        Assert.Equal(JsonValueKind.Null, result.SingleJson.GetProperty("target").ValueKind);
        Assert.Contains(result.SingleJson.GetProperty("code").GetString()!, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task History_LastAndTarget_SelectRecords()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        var all = (await Cli.RunAsync("history", "--journal", _bench.Journal, "--json")).Json;

        var last = await Cli.RunAsync("history", "--journal", _bench.Journal, "--last", "2", "--json");
        var other = await Cli.RunAsync("history", "--journal", _bench.Journal, "--target", "web-1", "--json");
        var both = await Cli.RunAsync("history", "--journal", _bench.Journal, "--target", "web-1", _bench.Target, "--json");

        Assert.True(all.Count > 2);
        Assert.Equal(all.TakeLast(2).Select(o => o.GetRawText()), last.Json.Select(o => o.GetRawText()));
        Assert.Empty(other.Json);
        Assert.Equal(all.Count, both.Json.Count);
    }

    [Fact]
    public async Task Plan_Json_NamesTheCatalogsAndNoStageWhereNothingFailed()
    {
        var plan = (await Cli.RunAsync("plan", "--target", _bench.Target, "--image", _bench.Image, "--image-trust", _bench.Maker, "--catalog", _bench.Catalog, "--allow-unsigned-catalog", "--json")).SingleJson;

        Assert.Equal("WouldUpgrade", plan.GetProperty("outcome").GetString());
        Assert.Equal(JsonValueKind.Null, plan.GetProperty("stage").ValueKind);
        Assert.Equal("bench", Assert.Single(plan.GetProperty("catalogs").EnumerateArray()).GetProperty("name").GetString());
    }

    private static string InWords(JsonNode schema)
    {
        if (schema["$ref"] is { } reference)
        {
            return reference.GetValue<string>().Split('/')[^1];
        }

        if (schema["anyOf"] is JsonArray any)
        {
            return string.Join(" or ", any.Select(a => InWords(a!)));
        }

        return schema["type"] is JsonArray types ? string.Join(" or ", types.Select(t => Word(t!.GetValue<string>())))
            : schema["type"]!.GetValue<string>() == "array" ? "list of " + InWords(schema["items"]!)
            : Word(schema["type"]!.GetValue<string>());
    }

    private static string Word(string type) => type switch { "string" => "text", "integer" => "number", "boolean" => "true or false", _ => type };

    private static void Check(JsonElement value, JsonNode schema, string at)
    {
        if (schema["$ref"] is { } reference)
        {
            Check(value, Definitions[reference.GetValue<string>().Split('/')[^1]]!, at);
            return;
        }

        if (schema["anyOf"] is JsonArray any)
        {
            if (value.ValueKind != JsonValueKind.Null)
            {
                Check(value, any[0]!, at);
            }

            return;
        }

        var types = schema["type"] is JsonArray several ? several.Select(t => t!.GetValue<string>()) : [schema["type"]!.GetValue<string>()];
        var kind = value.ValueKind switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => "integer",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            JsonValueKind.Array => "array",
            JsonValueKind.Object => "object",
            _ => "null",
        };
        Assert.True(types.Contains(kind), $"{at} is {kind}");
        if (kind == "array")
        {
            Assert.All(value.EnumerateArray(), (item, i) => Check(item, schema["items"]!, $"{at}[{i}]"));
        }
        else if (kind == "object")
        {
            var known = schema["properties"]!.AsObject();
            Assert.All(schema["required"]!.AsArray(), f => Assert.True(value.TryGetProperty(f!.GetValue<string>(), out _), $"{at} lacks {f}"));
            foreach (var property in value.EnumerateObject())
            {
                Assert.True(known.ContainsKey(property.Name), $"{at} has {property.Name}, which the schema does not know");
                Check(property.Value, known[property.Name]!, $"{at}.{property.Name}");
            }
        }
    }
}
