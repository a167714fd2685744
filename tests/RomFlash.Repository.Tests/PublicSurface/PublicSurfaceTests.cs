using System.Reflection;

namespace RomFlash.Repository.Tests.PublicSurface;

/// <summary>The public surface of each package is a reviewed text file.</summary>
public sealed class PublicSurfaceTests
{
    private const string Accept = "ROMFLASH_ACCEPT_API";

    public static TheoryData<string> Projects => [.. RepositoryFiles.Shipped];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Surface_OfTheAssembly_IsTheReviewedOne(string project)
    {
        var file = Path.Combine(RepositoryFiles.Root, "src", project, "PublicApi.txt");
        var surface = PublicSurfaceWriter.Write(Assembly.LoadFrom(RepositoryFiles.AssemblyPath(project)));
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            File.WriteAllText(file, surface);
        }

        Assert.True(File.Exists(file), $"{file} is missing: run the test with {Accept}=1 and review what it writes");
        var reviewed = File.ReadAllText(file);
        Assert.True(
            reviewed == surface,
            $"The public surface of {project} is not the reviewed one. If the change is meant: run with {Accept}=1, review the file, and add a line to CHANGELOG.md.\n{Difference(reviewed, surface)}");
    }

    [Fact]
    public void Writer_Members_AreWrittenInFull()
    {
        var surface = PublicSurfaceWriter.Write(typeof(Sdk.Outcomes.FlashFailure).Assembly);
        Assert.Contains("abstract record RomFlash.Sdk.Outcomes.FlashFailure : IEquatable<FlashFailure>", surface, StringComparison.Ordinal);
        Assert.Contains("readonly struct RomFlash.Sdk.Outcomes.FlashResult<T>", surface, StringComparison.Ordinal);
        Assert.Contains("    T Match<T>(FlashFailureCases<T> cases)", surface, StringComparison.Ordinal);
        Assert.Contains("    required Func<AccessFailure, T> Access { get; init; }", surface, StringComparison.Ordinal);
        Assert.Contains("    const long MinimumBytes = 32000000", surface, StringComparison.Ordinal);
        Assert.Contains("    RecoveryRequired = 7", surface, StringComparison.Ordinal);
        Assert.Contains("where T : class, ITargetCapability", surface, StringComparison.Ordinal);
        Assert.DoesNotContain("PrintMembers", surface, StringComparison.Ordinal);
        Assert.DoesNotContain("Dispatch", surface, StringComparison.Ordinal);
    }

    [Fact]
    public void Difference_OfTwoSurfaces_NamesTheTypeAndBothLines() =>
        Assert.Equal("class A\n-     int Old { get; }\n+     int New { get; }", Difference("class A\n    int Old { get; }\nclass B\n", "class A\n    int New { get; }\nclass B\n"));

    /// <summary>The lines that only one side has, below the type that they belong to.</summary>
    private static string Difference(string reviewed, string surface)
    {
        var (before, after) = (Qualify(reviewed), Qualify(surface));
        var changed = before.Except(after).Select(l => (l.Type, Sign: '-', l.Line)).Concat(after.Except(before).Select(l => (l.Type, Sign: '+', l.Line)));
        return string.Join('\n', changed.GroupBy(c => c.Type, StringComparer.Ordinal).SelectMany(g => g.Select(c => $"{c.Sign} {c.Line}").Prepend(g.Key)));
    }

    private static List<(string Type, string Line)> Qualify(string surface)
    {
        var type = string.Empty;
        return [.. surface.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => (Type: type = l.StartsWith(' ') ? type : l, Line: l))];
    }
}
