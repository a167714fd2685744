using System.Diagnostics;

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
            var (help, peer) = await CompareAsync([ours, "--help"], [empty]);
            yield return new("cli.startup", help, peer, "ms, romflash --help and an empty program", "at most 1.5");
            var (command, peerOfCommand) = await CompareAsync([ours, "flash", "--help"], [empty]);
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
        await RunAsync(["dotnet", "publish", project, .. Published, "--artifacts-path", Path.Combine(folder, "artifacts"), "--output", output]);
        return Path.Combine(output, program);
    }

    /// <summary>The pair whose ratio is the median: runs are taken in pairs, so that what else the machine does meets both.</summary>
    private static async Task<(double Ours, double Peer)> CompareAsync(string[] ours, string[] peer)
    {
        var pairs = new List<(double Ours, double Peer)>();
        for (var run = 0; run < WarmUps + Pairs; run++)
        {
            var pair = (await TimeAsync(ours), await TimeAsync(peer));
            if (run >= WarmUps)
            {
                pairs.Add(pair);
            }
        }

        return pairs.OrderBy(p => p.Ours / p.Peer).ElementAt(pairs.Count / 2);
    }

    private static async Task<double> TimeAsync(string[] command)
    {
        var start = Stopwatch.GetTimestamp();
        await RunAsync(command);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static async Task RunAsync(string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{command[0]} did not start");
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)} failed: {text}");
        }
    }
}
