using System.Xml.Linq;

namespace RomFlash.Repository.Tests.Packages;

/// <summary>A project outside the solution that sees the packages alone.</summary>
[Collection(PackagesCollection.Name)]
[Trait("Category", "Slow")]
public sealed class ConsumerTests(PackedPackages packages)
{
    [Fact]
    public void Consumer_OfThePackages_ImplementsSubstitutesAndRuns()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root, "tests", "RomFlash.Repository.Tests", "Consumer"), "*.txt"))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileNameWithoutExtension(file)));
        }

        var pins = XDocument.Load(Path.Combine(RepositoryFiles.Root, "Directory.Packages.props")).Descendants("PackageVersion");
        var substitute = (string)pins.Single(p => (string?)p.Attribute("Include") == "NSubstitute").Attribute("Version")!;
        var fetched = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set
            ? set
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

        var build = RepositoryFiles.DotNet(
            folder.Path,
            "build",
            "-nologo",
            "-verbosity:quiet",
            "-nodeReuse:false",
            "-property:UseSharedCompilation=false",
            $"-property:RomFlashFeed={packages.Feed}",
            $"-property:RomFlashVersion={packages.Version}",
            $"-property:NSubstituteVersion={substitute}",
            $"-property:FetchedPackages={fetched}");
        Assert.True(build.ExitCode == 0, build.Text + build.Errors);

        // The one that needs the web framework is not what this consumer is about.
        Assert.All(RepositoryFiles.Shipped.Where(p => p != "RomFlash.Sdk.Testing.Redfish"), p =>
            Assert.True(Directory.Exists(Path.Combine(folder.Path, "packages", p.ToLowerInvariant(), packages.Version)), $"{p} did not come from the feed"));

        var run = RepositoryFiles.DotNet(folder.Path, "exec", Directory.GetFiles(Path.Combine(folder.Path, "bin"), "Consumer.dll", SearchOption.AllDirectories)[0]);
        Assert.True(run.ExitCode == 0, run.Text + run.Errors);
        Assert.Equal(
            [
                "from scratch: Upgraded, verified by ReadBack, runs 2.0",
                "from scratch: RF5008 ImageChangedOnClient, removed 1, runs 1.0",
                "substitutes: all, RF3001",
                "pipeline: Upgraded, verified by ReadBack, runs 2.0, again AlreadyCurrent",
            ],
            run.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
