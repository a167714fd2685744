namespace RomFlash.Cli.Tests;

[Trait("Category", "Slow")]
public sealed class TrimmedPublishTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-trimmed-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Publish_TrimmedAndReadyToRun_WarnsOfNothingAndRunsTheDemo()
    {
        // Everything goes to a folder of its own: the build that is being tested stays as it is.
        var published = await Cli.RunProgramAsync(
            "dotnet",
            ["publish", Project, "-r", "linux-x64", "--self-contained", "-p:PublishTrimmed=true", "-p:PublishReadyToRun=true", "--artifacts-path", Path.Combine(_folder, "artifacts"), "-o", Path.Combine(_folder, "out"), "-nodeReuse:false"],
            []);

        Assert.True(published.ExitCode == 0, published.ToString());
        Assert.DoesNotContain("warning", published.All, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotMatch("IL[0-9]{4}", published.All);

        var demo = await Cli.RunProgramAsync(Path.Combine(_folder, "out", "romflash"), ["demo", "--json"], []);
        Assert.True(demo.ExitCode == 0, demo.ToString());
        Assert.True(demo.Json.Count >= 12);

        var help = await Cli.RunProgramAsync(Path.Combine(_folder, "out", "romflash"), ["--help"], []);
        Assert.True(help.ExitCode == 0, help.ToString());
        Assert.Contains("romflash COMMAND", help.Out, StringComparison.Ordinal);

        var table = await Cli.RunProgramAsync("script", ["-q", "-e", "-c", $"'{Path.Combine(_folder, "out", "romflash")}' demo", "/dev/null"], [("TERM", "xterm-256color")]);
        Assert.Equal(0, table.ExitCode);
        Assert.Contains("│", table.Out, StringComparison.Ordinal);
    }

    private static string Project => Path.Combine(Repository.Root, "samples", "RomFlash.Cli");
}
