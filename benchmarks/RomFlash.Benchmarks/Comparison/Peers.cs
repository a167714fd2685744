using System.Diagnostics;
using System.Globalization;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>Runs programs that we are held against, and takes runs in pairs, so that what else the machine does meets both.</summary>
internal static class Peers
{
    /// <summary>The pair whose ratio is the median.</summary>
    public static async Task<(double Ours, double Peer)> CompareAsync(int warmUps, int pairs, Func<Task<double>> ours, Func<Task<double>> peer)
    {
        var measured = new List<(double Ours, double Peer)>();
        for (var run = 0; run < warmUps + pairs; run++)
        {
            var pair = (await ours(), await peer());
            if (run >= warmUps)
            {
                measured.Add(pair);
            }
        }

        return measured.OrderBy(p => p.Ours / p.Peer).ElementAt(measured.Count / 2);
    }

    /// <summary>How long a program takes, in milliseconds of wall time, its output read and thrown away.</summary>
    public static async Task<double> TimeAsync(params string[] command) => (await RunAsync(isSampled: false, command)).Milliseconds;

    /// <summary>What a program prints.</summary>
    public static async Task<string> OutputAsync(params string[] command) => (await RunAsync(isSampled: false, command)).Output;

    /// <summary>The largest resident size of a program, in MiB.</summary>
    public static async Task<double> PeakMemoryAsync(params string[] command) => (await RunAsync(isSampled: true, command)).PeakMiB;

    private static async Task<(double Milliseconds, double PeakMiB, string Output)> RunAsync(bool isSampled, string[] command)
    {
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException($"{command[0]} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        double peak = 0;
        while (isSampled && !process.HasExited)
        {
            peak = Math.Max(peak, HighWaterMark(process.Id));
            await Task.Delay(1);
        }

        var printed = await output;
        await process.WaitForExitAsync();
        var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return process.ExitCode == 0 ? (elapsed, peak, printed) : throw new InvalidOperationException($"{string.Join(' ', command)} failed: {await errors}");
    }

    // VmHWM of proc(5): the peak so far, so that the last look before the end is enough.
    private static double HighWaterMark(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
