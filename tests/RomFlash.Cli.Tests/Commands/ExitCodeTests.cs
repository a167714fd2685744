using System.Text.Json.Nodes;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>Each exit code of docs/exit-codes.md, from the executable.</summary>
public sealed class ExitCodeTests : IDisposable
{
    private readonly Bench _bench = new();

    public ExitCodeTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    public async Task Run_EachKindOfEnd_HasItsCode(int code)
    {
        using var other = new Bench();
        string[] arguments = code switch
        {
            2 => ["flash"],
            3 => [.. _bench.FlashArguments, "--concurrency", "0"],
            9 => ["history", "--journal", Broken()],
            10 => [.. _bench.FlashArguments, "--target", "dir:" + Path.Combine(_bench.Folder, "nowhere"), other.Target],
            _ => _bench.FlashArguments,
        };
        switch (code)
        {
            case 4:
                _bench.WriteFacts(change: f => f["account"] = "not-administrator");
                break;
            case 5:
                // A peer that does not keep to its protocol.
                File.WriteAllText(_bench.Esp + ".facts.json", "{");
                break;
            case 6:
                _bench.WriteFacts(change: f => f["identity"]!["manufacturer"] = "Nobody");
                break;
            case 7:
                File.WriteAllText(_bench.Image, "no image");
                break;
            case 8:
                _bench.WriteFacts(totalBytes: 31_999_999);
                break;
            case 10:
                other.WriteFacts(change: f =>
                {
                    f["identity"] = new JsonObject { ["serialNumber"] = "CZ2", ["manufacturer"] = "Maker", ["product"] = "Other" };
                    f["account"] = "not-administrator";
                });
                break;
        }

        var result = await Cli.RunAsync(arguments);

        Assert.True(result.ExitCode == code, result.ToString());
    }

    [Fact]
    public void Document_NamesTheCodesThatAreTested()
    {
        var documented = File.ReadLines(Path.Combine(Repository.Root, "docs", "exit-codes.md"))
            .Select(l => l.Split('|', StringSplitOptions.TrimEntries))
            .Where(c => c.Length > 2 && int.TryParse(c[1], out _))
            .Select(c => c[1]);

        // 130 takes a signal: InterruptionTests.
        Assert.Equal(["0", "2", "3", "4", "5", "6", "7", "8", "9", "10", "130"], documented);
    }

    private string Broken()
    {
        File.WriteAllText(_bench.Journal, "no journal");
        return _bench.Journal;
    }
}
