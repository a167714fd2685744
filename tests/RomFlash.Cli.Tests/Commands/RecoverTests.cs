using System.Text.Json.Nodes;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Journal;

namespace RomFlash.Cli.Tests.Commands;

public sealed class RecoverTests : IDisposable
{
    private readonly Bench _bench = new();

    public RecoverTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("armed", 0, "NothingToRecover", "Armed", "has not booted")]
    [InlineData("flashed", 0, "NothingToRecover", "RomChanged", "The promised version runs")]
    [InlineData("not flashed", 0, "NothingToRecover", "PreviousRomIntact", "was not applied")]
    [InlineData("gone", 9, "CantTell", "Indeterminate", "Do not switch the target off")]
    [InlineData("in recovery", 9, "RecoveryNeeded", "RecoveryRequired", "recovery image")]
    [InlineData("other version", 9, "RecoveryNeeded", "RomChanged", "neither the promised one")]
    [InlineData("other machine", 9, "CantTell", "Indeterminate", "Another machine")]
    [InlineData("foreign", 9, "RecoveryNeeded", "Armed", "Do not restart")]
    [InlineData("confirmed", 0, "NothingToRecover", "RomChanged", "Nothing to do")]
    [InlineData("booted and still armed", 9, "CantTell", "Armed", "the next boot may flash it")]
    [InlineData("cancelled and gone", 9, "CantTell", "Indeterminate", "No flash of this target")]
    [InlineData("told to restart", 9, "CantTell", "Indeterminate", "Do not switch the target off")]
    [InlineData("restarted, not flashed", 0, "NothingToRecover", "PreviousRomIntact", "was not applied")]
    [InlineData("told to restart and gone", 9, "CantTell", "Indeterminate", "Do not switch the target off")]
    [InlineData("concluded as recovery", 9, "CantTell", "Indeterminate", "needs recovery")]
    [InlineData("concluded as unknown", 0, "NothingToRecover", "PreviousRomIntact", "was not applied")]
    [InlineData("cancelled", 0, "NothingToRecover", "Untouched", "Nothing to do")]
    public async Task Recover_EachSituation_SaysWhatItIsAndWhatToDo(string situation, int code, string outcome, string state, string step)
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        string[] where = ["--target", _bench.Target, "--journal", _bench.Journal];
        switch (situation)
        {
            case "flashed" or "confirmed":
                _bench.PlayBoot(isFlashed: true);
                break;
            case "not flashed":
                _bench.PlayBoot(isFlashed: false);
                break;
            case "gone":
                Directory.Move(_bench.Esp, _bench.Esp + "-away");
                break;
            case "in recovery":
                _bench.WriteFacts(boot: "boot-2", change: f => f["readiness"]!["inRecovery"] = true);
                break;
            case "other version":
                _bench.PlayBoot(isFlashed: true);
                _bench.WriteFacts(boot: "boot-2", isNew: true, change: f =>
                {
                    f["roms"]![0]!["versions"]!["smbios"] = "OVMF v9.00 (09/09/2025)";
                    f["roms"]![0]!["versions"]!["esrt"] = "0x00090000";
                });
                break;
            case "other machine":
                _bench.WriteFacts(boot: "boot-2", change: f => f["identity"]!["serialNumber"] = "CZ9");
                break;
            case "foreign":
                File.WriteAllText(Path.Combine(_bench.UpdateCapsule, "other.cap"), "not ours");
                break;
            case "booted and still armed":
                _bench.WriteFacts(boot: "boot-2");
                break;
            case "told to restart":
                await AppendAsync(FlashJournalRecordKind.RebootRequested);
                break;
            case "restarted, not flashed":
                await AppendAsync(FlashJournalRecordKind.RebootRequested);
                _bench.PlayBoot(isFlashed: false);
                break;
            case "told to restart and gone":
                await AppendAsync(FlashJournalRecordKind.RebootRequested);
                Directory.Move(_bench.Esp, _bench.Esp + "-away");
                break;
            case "concluded as recovery":
                await AppendAsync(FlashJournalRecordKind.Concluded, FlashOutcomeKind.RecoveryRequired);
                _bench.PlayBoot(isFlashed: true);
                break;
            case "concluded as unknown":
                await AppendAsync(FlashJournalRecordKind.Concluded, FlashOutcomeKind.Indeterminate);
                _bench.PlayBoot(isFlashed: false);
                break;
            case "cancelled and gone":
                Assert.Equal(0, (await Cli.RunAsync(["cancel", .. where])).ExitCode);
                Directory.Move(_bench.Esp, _bench.Esp + "-away");
                break;
        }

        if (situation is "confirmed" or "cancelled")
        {
            Assert.Equal(0, (await Cli.RunAsync([situation == "confirmed" ? "confirm" : "cancel", .. where])).ExitCode);
        }

        var before = Directory.EnumerateFileSystemEntries(_bench.Folder, "*", SearchOption.AllDirectories).Select(f => (f, File.GetLastWriteTimeUtc(f))).ToList();
        var text = await Cli.RunAsync(["recover", .. where]);
        var json = await Cli.RunAsync(["recover", .. where, "--json"]);

        Assert.True(text.ExitCode == code, text.ToString());
        Assert.Equal(code, json.ExitCode);
        Assert.Equal((outcome, state), (json.SingleJson.GetProperty("outcome").GetString(), json.SingleJson.GetProperty("targetState").GetString()));
        var steps = json.SingleJson.GetProperty("recovery").GetProperty("steps").EnumerateArray().Select(s => s.GetString()!).ToList();
        Assert.Contains(step, string.Join('\n', steps), StringComparison.Ordinal);
        Assert.Contains("  1. ", text.Out, StringComparison.Ordinal);
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(_bench.Folder, "*", SearchOption.AllDirectories).Select(f => (f, File.GetLastWriteTimeUtc(f))));
    }

    [Fact]
    public async Task Recover_CatalogThatNamesARecoveryImage_NamesItInTheSteps()
    {
        const string Digest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        Directory.Move(_bench.Esp, _bench.Esp + "-away");
        var catalog = JsonNode.Parse(File.ReadAllText(_bench.Catalog))!;
        catalog["systems"]![0]!["roms"]![0]!["releases"]![0]!["recovery"] = new JsonObject { ["sha256"] = Digest, ["size"] = 4096, ["name"] = "rescue.bin" };
        File.WriteAllText(_bench.Catalog, catalog.ToJsonString());

        var result = await Cli.RunAsync("recover", "--target", _bench.Target, "--journal", _bench.Journal, "--catalog", _bench.Catalog, "--allow-unsigned-catalog", "--json");

        Assert.True(result.ExitCode == 9, result.ToString());
        var recovery = result.SingleJson.GetProperty("recovery");
        Assert.Equal(Digest, recovery.GetProperty("image").GetProperty("sha256").GetString());
        Assert.Contains(recovery.GetProperty("steps").EnumerateArray(), s => s.GetString()!.Contains($"rescue.bin and check that its SHA-256 is {Digest}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Recover_NothingKnown_IsNothingToDo()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        using var other = new Bench();
        other.WriteFacts(change: f => f["identity"] = new JsonObject { ["serialNumber"] = "CZ2", ["manufacturer"] = "Maker", ["product"] = "Other" });

        var result = await Cli.RunAsync("recover", "--target", other.Target, "--journal", _bench.Journal);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("no flash of this target is known here", result.Out, StringComparison.Ordinal);
    }

    // What a client writes that restarts targets itself, or that concluded long ago.
    private async Task AppendAsync(FlashJournalRecordKind kind, FlashOutcomeKind? outcome = null)
    {
        await using var journal = (await FileFlashJournal.OpenAsync(_bench.Journal, new FileFlashJournalOptions { TimeProvider = TimeProvider.System }, CancellationToken.None)).GetValueOrThrow();
        var open = (await journal.ReadOpenAsync(_bench.Target, null, CancellationToken.None)).GetValueOrThrow();
        (await journal.AppendAsync(open[^1] with { Kind = kind, Outcome = outcome }, CancellationToken.None)).GetValueOrThrow();
    }
}
