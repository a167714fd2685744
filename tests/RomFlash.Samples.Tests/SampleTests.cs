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

    [Fact]
    public void ImageInventory_Run_SaysWhatEachFileIsAndWhetherItIsWhole()
    {
        var folder = Directory.CreateTempSubdirectory("romflash-inventory-");
        try
        {
            // A vendor's own capsule around nothing that anybody knows, the same cut short, and a text.
            byte[] capsule = [.. new Guid("11111111-2222-3333-4444-555555555555").ToByteArray(), 28, 0, 0, 0, 0, 0, 1, 0, 36, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
            File.WriteAllBytes(Path.Combine(folder.FullName, "a.cap"), capsule);
            File.WriteAllBytes(Path.Combine(folder.FullName, "b.cap"), capsule[..^1]);
            File.WriteAllText(Path.Combine(folder.FullName, "c.txt"), "no firmware");

            var (code, lines, errors) = Run("ImageInventory", folder.FullName);

            Assert.True(code == 1, errors + string.Join('\n', lines));
            Assert.Equal("a.cap: uefi-capsule, whole, signature Unsigned", lines[0]);
            Assert.Contains("11111111-2222-3333-4444-555555555555", lines[1], StringComparison.Ordinal);
            Assert.Contains("sha256 " + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(capsule)), lines[2], StringComparison.Ordinal);
            Assert.StartsWith("b.cap: RF5004", lines[3], StringComparison.Ordinal);
            Assert.StartsWith("c.txt: RF5004", lines[4], StringComparison.Ordinal);
            Assert.Equal("2 to look at", lines[^1]);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (int ExitCode, string[] Lines, string Errors) Run(string sample, params string[] arguments)
    {
        var program = Path.Combine(Root, "samples", sample, "bin", Baked("Configuration"), "net10.0", sample + ".dll");
        using var process = Process.Start(new ProcessStartInfo(Baked("DotNetHost"), ["exec", program, .. arguments])
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
