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
}
