namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of the command line: how long it takes to start, beside an empty console program that was published the same way.</summary>
internal static class CliRows
{
    private const int WarmUps = 5;
    private const int Pairs = 41;

    private static readonly string[] Published =
    [
        "--configuration", "Release", "--runtime", "linux-x64", "--self-contained", "-p:PublishTrimmed=true", "-p:PublishReadyToRun=true", "-nodeReuse:false", "--nologo", "--verbosity", "quiet",
    ];

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        var folder = Directory.CreateTempSubdirectory("romflash-benchmark-");
        try
        {
            var ours = await PublishAsync(folder.FullName, "samples/RomFlash.Cli", "romflash");
            var empty = await PublishAsync(folder.FullName, "benchmarks/EmptyConsole", "EmptyConsole");
            var (help, peer) = await CompareAsync([ours, "--help"], empty);
            yield return new("cli.startup", help, peer, "ms, romflash --help and an empty program", "at most 1.5");
            var (command, peerOfCommand) = await CompareAsync([ours, "flash", "--help"], empty);
            yield return new("cli.startup.command", command, peerOfCommand, "ms, romflash flash --help and an empty program", "reported");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> PublishAsync(string folder, string project, string program)
    {
        var output = Path.Combine(folder, program);
        await Peers.TimeAsync(["dotnet", "publish", project, .. Published, "--artifacts-path", Path.Combine(folder, "artifacts"), "--output", output]);
        return Path.Combine(output, program);
    }

    private static Task<(double Ours, double Peer)> CompareAsync(string[] ours, string empty) =>
        Peers.CompareAsync(WarmUps, Pairs, () => Peers.TimeAsync(ours), () => Peers.TimeAsync(empty));
}
