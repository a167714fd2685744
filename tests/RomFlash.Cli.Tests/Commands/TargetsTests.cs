using System.Text.Json.Nodes;

namespace RomFlash.Cli.Tests.Commands;

public sealed class TargetsTests : IDisposable
{
    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    private string TargetsFile => Path.Combine(_bench.Folder, "targets.json");

    [Fact]
    public async Task Probe_Group_TakesItAndWhatItIncludesAndNothingElse()
    {
        Directory.CreateDirectory(Path.Combine(_bench.Folder, "a"));
        Directory.CreateDirectory(Path.Combine(_bench.Folder, "b"));
        Directory.CreateDirectory(Path.Combine(_bench.Folder, "c"));
        Write(new JsonObject
        {
            ["row"] = new JsonObject { ["groups"] = new JsonArray("rack", "other"), ["targets"] = new JsonArray(Target("web-a", "a")) },
            ["rack"] = new JsonObject { ["targets"] = new JsonArray(Target("web-b", "b")) },
            ["other"] = new JsonObject { ["groups"] = new JsonArray("rack") },
            ["spare"] = new JsonObject { ["targets"] = new JsonArray(Target("web-c", "c")) },
        });

        var row = await Cli.RunAsync("probe", "--targets", TargetsFile, "--group", "row", "--json");
        var all = await Cli.RunAsync("probe", "--targets", TargetsFile, "--json");

        Assert.True(row.ExitCode == 0, row.ToString());
        Assert.Equal(["web-a", "web-b"], Ids(row));
        Assert.Equal(["web-a", "web-b", "web-c"], Ids(all));
    }

    [Fact]
    public async Task Probe_GroupThatDoesNotExist_NamesThoseThatDo()
    {
        Write(new JsonObject { ["rack7"] = new JsonObject { ["targets"] = new JsonArray(_bench.Target) } });

        var result = await Cli.RunAsync("probe", "--targets", TargetsFile, "--group", "rack8");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("'rack7'", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("probe")]
    [InlineData("confirm")]
    [InlineData("cancel")]
    [InlineData("recover")]
    [InlineData("flash --image a --catalog b")]
    [InlineData("history")]
    public async Task Run_UnusableFile_ShowsEachProblemOnALineOfItsOwn(string command)
    {
        File.WriteAllText(TargetsFile, "{\"romflashTargets\":1,\n \"groups\":{\"a\":{\"groups\":[\"a\"]},\n  \"b\":{\"targets\":[\"gopher://x\"]}}}");

        var result = await Cli.RunAsync([.. command.Split(' '), "--targets", TargetsFile]);

        Assert.True(result.ExitCode == 3, result.ToString());
        Assert.Contains("RF1007", result.Error, StringComparison.Ordinal);
        Assert.Contains("\n  at:     line 2, column 27: the groups contain each other: a -> a\n", result.Error.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("\n  at:     line 3, column 19: no transport serves 'gopher' addresses; known are dir, redfish, smb, ssh\n", result.Error.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancel_ManyTargets_TellsOfEach()
    {
        _bench.WriteSmallCapsule();
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        Write(new JsonObject { ["a"] = new JsonObject { ["targets"] = new JsonArray(_bench.Target, "dir:" + Path.Combine(_bench.Folder, "nowhere")) } });

        var result = await Cli.RunAsync("cancel", "--targets", TargetsFile, "--journal", _bench.Journal, "--json");

        // What can't be reached may be armed, for all that is known.
        Assert.True(result.ExitCode == 9, result.ToString());
        Assert.Equal(["Disarmed", "Indeterminate"], result.Json.Select(o => o.GetProperty("outcome").GetString()).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string?> Ids(RunResult result) => result.Json.Select(o => o.GetProperty("target").GetString()).Order(StringComparer.Ordinal);

    private JsonObject Target(string id, string folder) => new() { ["id"] = id, ["endpoints"] = new JsonArray("dir:" + Path.Combine(_bench.Folder, folder)) };

    private void Write(JsonObject groups) => File.WriteAllText(TargetsFile, new JsonObject { ["romflashTargets"] = 1, ["groups"] = groups }.ToJsonString());
}
