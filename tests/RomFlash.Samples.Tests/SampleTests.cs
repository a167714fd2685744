using System.Diagnostics;
using System.Reflection;

namespace RomFlash.Samples.Tests;

/// <summary>Each sample is run as a program, and has to say and do what it is there to show. The sample of unit tests is a test project of its own.</summary>
public sealed class SampleTests
{
    private static readonly string Root = Baked("RepoRoot");

    [Fact]
    public void Embedding_Run_UpgradesConfirmsAndHasNothingLeftToDo()
    {
        var (code, lines, errors) = Run("Embedding");
        Assert.True(code == 0, errors);
        Assert.Equal(
            [
                "image: simulated-rom, 100128 bytes",
                "flash: Pending, verified by ReadBack",
                "confirm: Upgraded",
                "again: AlreadyCurrent",
            ],
            lines);
    }

    [Fact]
    public void CustomOrchestrator_Run_StopsWhenTheCanaryFails()
    {
        var (code, lines, errors) = Run("CustomOrchestrator");
        Assert.True(code == 0, errors + string.Join('\n', lines));
        Assert.Contains("canary: sim://server-1 Upgraded", lines);
        Assert.Equal(
            [.. Enumerable.Range(2, 5).Select(i => $"rest: sim://server-{i} Upgraded")],
            lines.Where(l => l.StartsWith("rest:", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("good ROM: 6 of 6 servers restarted, 6 in service", StringComparison.Ordinal));
        Assert.Contains("canary: sim://server-1 RF7009 GateRefused: the workload does not start", lines);
        Assert.Contains("stopped: the canary failed, the rest is untouched", lines);
        Assert.Contains(lines, l => l.StartsWith("bad ROM: 1 of 6 servers restarted, 5 in service", StringComparison.Ordinal));
    }

    [Fact]
    public void CustomTransport_Run_ConformsAndCarriesAnUpgrade()
    {
        var (code, lines, errors) = Run("CustomTransport");
        Assert.True(code == 0, errors + string.Join('\n', lines));
        Assert.True(lines.Count(l => l.StartsWith("Passed  ", StringComparison.Ordinal)) >= 40, string.Join('\n', lines));
        Assert.DoesNotContain(lines, l => l.StartsWith("Failed", StringComparison.Ordinal));
        Assert.Equal(["conformant", "upgrade: Upgraded, verified by ReadBack, runs 2.0"], lines[^2..]);
    }

    [Fact]
    public void CustomTransport_Source_TakesFewerThan150Lines() =>
        Assert.InRange(File.ReadAllLines(Path.Combine(Root, "samples", "CustomTransport", "MemoryTransport.cs")).Length, 50, 149);

    private static (int ExitCode, string[] Lines, string Errors) Run(string sample)
    {
        var program = Path.Combine(Root, "samples", sample, "bin", Baked("Configuration"), "net10.0", sample + ".dll");
        using var process = Process.Start(new ProcessStartInfo(Baked("DotNetHost"), ["exec", program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries), errors.GetAwaiter().GetResult());
    }

    private static string Baked(string key) =>
        typeof(SampleTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
