using System.Text;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Tests.Targets;

public sealed class TargetsFileTests
{
    private static readonly string[] Schemes = ["dir", "redfish"];

    public static TheoryData<string> MalformedNames => [.. Malformed.Keys];

    // Each block: a name, a file, and every problem that it has.
    private static Dictionary<string, (string File, string[] Problems)> Malformed { get; } = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Targets", "malformed-targets.txt"))
        .ReplaceLineEndings("\n")
        .Split("# ", StringSplitOptions.RemoveEmptyEntries)
        .Select(block => block.Split('\n', 2))
        .Select(block => (Name: block[0], Parts: block[1].Split("=>\n", 2)))
        .ToDictionary(b => b.Name, b => (b.Parts[0].TrimEnd('\n'), b.Parts[1].Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(MalformedNames))]
    public void TryParse_Malformed_TellsEveryProblemWithItsPlace(string name)
    {
        var (file, problems) = Malformed[name];

        Assert.False(TargetsFile.TryParse(Encoding.UTF8.GetBytes(file), "rack.json", Schemes).TryGetValue(out _, out var failure));

        var unusable = Assert.IsType<TargetsFileUnusable>(failure);
        Assert.NotEmpty(problems);
        Assert.Equal(problems, unusable.Problems.Select(p => UntrustedText.ForTerminal(p.ToString())));
        Assert.StartsWith("rack.json: line ", unusable.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("CANARY", unusable.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_TheCases_AreAtLeastFifty() => Assert.True(Malformed.Count >= 50, $"{Malformed.Count}");

    [Fact]
    public void TryParse_Credentials_TheInnermostWins()
    {
        var file = Parse("""
            {"romflashTargets":1,
             "credentials":{"g":{"userName":"u","prompt":true},"t":{"userName":"u","passwordFile":"p"},"e":{"userName":"u","passwordEnvironment":"E"},"me":{"currentUser":true}},
             "groups":{
              "a":{"targets":["dir:/1",{"id":"two","credentials":"t","endpoints":["dir:/2",{"address":"redfish://2","credentials":"e"}]}],"credentials":"g"},
              "b":{"groups":["a"],"credentials":"me","targets":["dir:/3"]}}}
            """);

        Assert.Equal(["g", "t", "e", "me"], file.Targets.SelectMany(t => t.Endpoints).Select(e => e.CredentialReference));
        Assert.Equal(new CredentialDeclaration(CredentialOrigin.File, "u", "p"), file.Credentials["t"]);
        Assert.Equal(new CredentialDeclaration(CredentialOrigin.Environment, "u", "E"), file.Credentials["e"]);
        Assert.Equal(new CredentialDeclaration(CredentialOrigin.Prompt, "u", string.Empty), file.Credentials["g"]);
        Assert.Equal(new CredentialDeclaration(CredentialOrigin.CurrentUser, string.Empty, string.Empty), file.Credentials["me"]);
    }

    [Fact]
    public void TryParse_NoCredentialsSection_LeavesReferencesToTheCaller() =>
        Assert.Equal("vault-7", Parse("""{"romflashTargets":1,"groups":{"a":{"credentials":"vault-7","targets":["dir:/1"]}}}""").Targets[0].Endpoints[0].CredentialReference);

    [Fact]
    public void Select_TargetReachedOnTwoWays_IsThereOnceInTheOrderOfTheFile()
    {
        var file = Parse("""
            {"romflashTargets":1,"groups":{
              "all":{"groups":["left","right"]},
              "left":{"groups":["core"],"targets":["dir:/l"]},
              "right":{"groups":["core"],"targets":["dir:/r"]},
              "core":{"targets":["dir:/c"]},
              "spare":{"targets":["dir:/s"]}}}
            """);

        Assert.Equal(["dir:/l", "dir:/r", "dir:/c"], Ids(file, "all"));
        Assert.Equal(["dir:/l", "dir:/r", "dir:/c"], Ids(file, "right", "left"));
        Assert.Equal(["dir:/l", "dir:/r", "dir:/c", "dir:/s"], Ids(file));
        Assert.False(file.Select(["nowhere"]).TryGetValue(out _, out var failure));
        Assert.IsType<InvalidParameter>(failure);
    }

    [Theory]
    [InlineData(TargetsFile.MaxTargets, true)]
    [InlineData(TargetsFile.MaxTargets + 1, false)]
    public void TryParse_Targets_AreAtMostAHundredThousand(int count, bool isGood)
    {
        var text = $"{{\"romflashTargets\":1,\"groups\":{{\"a\":{{\"targets\":[{string.Join(',', Enumerable.Range(0, count).Select(i => $"\"dir:/{i}\""))}]}}}}}}";

        Assert.Equal(isGood, TargetsFile.TryParse(Encoding.UTF8.GetBytes(text), "rack.json", Schemes).TryGetValue(out _, out var failure));
        Assert.True(isGood || failure!.Detail.Contains("more than 100000 targets", StringComparison.Ordinal));
    }

    [Fact]
    public void TryParse_TenThousandGroupsInARow_NeitherOverflowsNorMissesTheCycle()
    {
        var groups = Enumerable.Range(0, TargetsFile.MaxGroups).Select(i => $"\"g{i}\":{{\"groups\":[\"g{(i + 1) % TargetsFile.MaxGroups}\"]}}");

        Assert.False(TargetsFile.TryParse(Encoding.UTF8.GetBytes($"{{\"romflashTargets\":1,\"groups\":{{{string.Join(',', groups)}}}}}"), "rack.json", Schemes).TryGetValue(out _, out var failure));

        Assert.Contains("g0 -> g1 -> ", Assert.Single(((TargetsFileUnusable)failure).Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_EverythingWrong_StopsAtAHundredProblems()
    {
        var text = $"{{\"romflashTargets\":1,\"groups\":{{\"a\":{{\"targets\":[{string.Join(',', Enumerable.Repeat("7", 5000))}]}}}}}}";

        Assert.False(TargetsFile.TryParse(Encoding.UTF8.GetBytes(text), "rack.json", Schemes).TryGetValue(out _, out var failure));

        var problems = ((TargetsFileUnusable)failure).Problems;
        Assert.Equal(101, problems.Length);
        Assert.Equal("and more", problems[^1].Message);
    }

    [Fact]
    public void TryParse_TooLarge_IsRefusedUnread() =>
        Assert.Contains("larger than 16777216 bytes", TargetsFile.TryParse(new byte[TargetsFile.MaxLength + 1], "rack.json", Schemes).Match(_ => "good", f => f.Detail), StringComparison.Ordinal);

    [Theory]
    [InlineData("/no/such/file")]
    [InlineData("/dev/zero")]
    [InlineData("/")]
    public async Task LoadAsync_NoRegularFile_IsUnusable(string path) =>
        Assert.IsType<TargetsFileUnusable>((await TargetsFile.LoadAsync(path, Schemes, default)).Match<object>(f => f, f => f));

    private static TargetsFile Parse(string text) => TargetsFile.TryParse(Encoding.UTF8.GetBytes(text), "rack.json", Schemes).GetValueOrThrow();

    private static IEnumerable<string> Ids(TargetsFile file, params string[] groups) => file.Select(groups).GetValueOrThrow().Select(t => t.Id);
}
