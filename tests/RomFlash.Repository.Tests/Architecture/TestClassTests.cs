using System.Text.RegularExpressions;

namespace RomFlash.Repository.Tests.Architecture;

/// <summary>What the test classes of this repository have to be like for the runner.</summary>
public sealed partial class TestClassTests
{
    // xunit 2 ends what has IDisposable or IAsyncLifetime, and never looks for IAsyncDisposable: servers would run and folders stay until the test host ends.
    [Fact]
    public void TestClasses_ThatHoldSomething_AreEndedByTheRunner()
    {
        var classes = RepositoryFiles.All()
            .Where(f => f.StartsWith("tests/", StringComparison.Ordinal) && f.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(f => TestClass().Matches(File.ReadAllText(Path.Combine(RepositoryFiles.Root, f))).Select(m => (File: f, Bases: m.Groups["bases"].Value)))
            .ToArray();
        Assert.Contains(classes, c => c.Bases.Contains("IAsyncLifetime", StringComparison.Ordinal));
        Assert.DoesNotContain(classes, c => c.Bases.Contains("IAsyncDisposable", StringComparison.Ordinal) && !c.Bases.Contains("IAsyncLifetime", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"class \w+Tests\b[^{;:]*:(?<bases>[^{;]*)")]
    private static partial Regex TestClass();
}
