using System.Diagnostics;
using System.Text.Json.Nodes;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>The commands over a directory target, with a small capsule that needs no tool.</summary>
public sealed class DirectoryTargetTests : IDisposable
{
    private readonly Bench _bench = new();

    public DirectoryTargetTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Flash_DryRun_WritesNothing()
    {
        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--dry-run", "--json"]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("WouldUpgrade", result.SingleJson.GetProperty("outcome").GetString());
        Assert.False(File.Exists(_bench.Journal));
        Assert.Equal([Path.Combine(_bench.Esp, "EFI")], Directory.EnumerateFileSystemEntries(_bench.Esp, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Flash_Installed_IsAlreadyCurrent()
    {
        _bench.WriteFacts(isNew: true);

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("AlreadyCurrent", result.SingleJson.GetProperty("outcome").GetString());
        Assert.Equal(Bench.NewVersion, result.SingleJson.GetProperty("toVersion").GetString());
    }

    [Theory]
    [InlineData(31_999_999, 8)]
    [InlineData(32_000_000, 0)]
    public async Task Flash_SmallestPartition_IsThirtyTwoMillionBytes(long totalBytes, int exitCode)
    {
        _bench.WriteFacts(totalBytes: totalBytes);

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--dry-run", "--json"]);

        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Equal(exitCode == 0 ? null : "RF6002", result.SingleJson.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Flash_SealedDisk_NeedsAWaiverWithNameAndReason()
    {
        _bench.WriteFacts(change: f => f["readiness"]!["diskEncryptionSealed"] = true);

        var blocked = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);
        var waived = await Cli.RunAsync([.. _bench.FlashArguments, "--waive", "disk-encryption-sealed", "--who", "mara", "--why", "keys are escrowed"]);
        var history = await Cli.RunAsync("history", "--journal", _bench.Journal);

        Assert.Equal(6, blocked.ExitCode);
        Assert.Equal("RF4013", blocked.SingleJson.GetProperty("code").GetString());
        Assert.Equal("disk-encryption-sealed", blocked.SingleJson.GetProperty("blockers")[0].GetProperty("name").GetString());
        Assert.True(waived.ExitCode == 0, waived.ToString());
        Assert.Contains("waived: disk-encryption-sealed", waived.Out, StringComparison.Ordinal);
        Assert.Contains("waived disk-encryption-sealed by mara: keys are escrowed", history.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_SeveralBlockers_ShowsAllOfThem()
    {
        _bench.WriteFacts(totalBytes: 31_999_999, change: f => f["account"] = "not-administrator");

        var result = await Cli.RunAsync(_bench.FlashArguments);

        Assert.Equal(4, result.ExitCode);
        Assert.Contains("blocker access-denied: RF3001", result.Out, StringComparison.Ordinal);
        Assert.Contains("blocker system-partition-too-small: RF6002", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_TargetsThatFailDifferently_ExitsTenAndUpgradesTheOthers()
    {
        using var other = new Bench();
        other.WriteFacts(totalBytes: 31_999_999, change: f => f["identity"] = new JsonObject { ["serialNumber"] = "CZ2", ["manufacturer"] = "Maker", ["product"] = "Other" });

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--target", other.Target, "sim://rack-01", "--json"]);

        Assert.Equal(10, result.ExitCode);
        Assert.Equal(["Pending", "NotFlashed", "NotFlashed"], result.Json.OrderByDescending(o => o.GetProperty("outcome").GetString(), StringComparer.Ordinal).Select(o => o.GetProperty("outcome").GetString()));
    }

    [Fact]
    public async Task Flash_SameTargetTwice_RefusesTheSecond()
    {
        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--target", _bench.Target, "--json"]);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains(result.Json, o => o.GetProperty("code").GetString() == "RF1006");
        Assert.Contains(result.Json, o => o.GetProperty("outcome").GetString() == "Pending");
    }

    [Fact]
    public async Task Probe_NoSuchFolder_IsAMissingSystemPartition()
    {
        var result = await Cli.RunAsync("probe", "--target", "dir:" + Path.Combine(_bench.Folder, "nowhere"));

        Assert.Equal(8, result.ExitCode);
        Assert.Contains("RF6001", result.Error, StringComparison.Ordinal);
        Assert.Contains("there is no folder", result.Error, StringComparison.Ordinal);
        Assert.Contains("Untouched", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_UnusableCatalog_ExitsSix()
    {
        File.WriteAllText(_bench.Catalog, "{");

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);

        Assert.Equal(6, result.ExitCode);
        Assert.Equal("RF4010", result.SingleJson.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Run_HostileNames_AreNeverRaw()
    {
        _bench.WriteFacts(product: Output.Hostile, change: f => f["readiness"] = new JsonObject());

        foreach (var arguments in (string[][])[["probe", "--target", _bench.Target], [.. _bench.FlashArguments, "--dry-run"], [.. _bench.FlashArguments, "--dry-run", "--json"], _bench.FlashArguments])
        {
            var result = await Cli.RunAsync(arguments);

            Output.AssertPlain(result);
            Assert.DoesNotContain("\nromflash: all is well", result.All, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Probe_DirectoryTarget_SaysWhatItIs()
    {
        var result = await Cli.RunAsync("probe", "--target", _bench.Target);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("uuid 00112233-4455-6677-8899-aabbccddeeff", result.Out, StringComparison.Ordinal);
        Assert.Contains($"smbios: {Bench.OldVersion}", result.Out, StringComparison.Ordinal);
        Assert.Contains("arms by capsule-file-only", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Confirm_BeforeTheBoot_IsStillPendingAndNoSuccess()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);

        var result = await Cli.RunAsync("confirm", "--target", _bench.Target, "--journal", _bench.Journal, "--json");

        Assert.Equal(9, result.ExitCode);
        Assert.Equal("Pending", result.SingleJson.GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task Confirm_NothingArmed_ExitsThree()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        using var other = new Bench();

        var result = await Cli.RunAsync("confirm", "--target", other.Target, "--journal", _bench.Journal);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RF1002", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancel_AfterArming_TakesTheCapsuleAway()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        Assert.Single(Directory.GetFiles(_bench.UpdateCapsule));

        var result = await Cli.RunAsync("cancel", "--target", _bench.Target, "--journal", _bench.Journal);
        var again = await Cli.RunAsync("cancel", "--target", _bench.Target, "--journal", _bench.Journal);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("disarmed; state Untouched", result.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_bench.UpdateCapsule) && Directory.EnumerateFileSystemEntries(_bench.UpdateCapsule).Any());
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("nothing was armed", again.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_JournalInUse_ExitsNineAndTouchesNothing()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        using var waiting = Cli.Start("confirm", "--target", _bench.Target, "--journal", _bench.Journal, "--wait", "10m");
        Assert.Contains("waiting up to 10m", await waiting.StandardError.ReadLineAsync(), StringComparison.Ordinal);

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--json"]);
        await StopAsync(waiting);

        Assert.Equal(9, result.ExitCode);
        Assert.Equal("RF9003", result.SingleJson.GetProperty("code").GetString());

        // It is armed: who can't read the journal does not know, and does not say otherwise.
        Assert.Equal("Indeterminate", result.SingleJson.GetProperty("targetState").GetString());
    }

    [Fact]
    public async Task Confirm_StoppedWhileWaiting_SaysThatTheFlashStaysOpen()
    {
        Assert.Equal(0, (await Cli.RunAsync(_bench.FlashArguments)).ExitCode);
        using var waiting = Cli.Start("confirm", "--target", _bench.Target, "--journal", _bench.Journal, "--wait", "10m");
        Assert.Contains("waiting up to 10m", await waiting.StandardError.ReadLineAsync(), StringComparison.Ordinal);

        var result = await StopAsync(waiting);

        Assert.Equal(130, result.ExitCode);
        Assert.Contains("RF9001", result.Error, StringComparison.Ordinal);
        Assert.Contains("the flash stays open", result.Out, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_bench.UpdateCapsule));
        _bench.PlayBoot(isFlashed: true);
        Assert.Equal(0, (await Cli.RunAsync("confirm", "--target", _bench.Target, "--journal", _bench.Journal)).ExitCode);
    }

    [Theory]
    [Trait("Category", "Peer")]
    [InlineData("n\n", 130, false)]
    [InlineData("y\n", 0, true)]
    public async Task Flash_AtATerminal_AsksOnce(string typed, int exitCode, bool isArmed)
    {
        var result = await Cli.RunAtTerminalAsync(typed, [], _bench.FlashArguments);

        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Contains("Flash 1 target(s)", result.Out, StringComparison.Ordinal);
        Assert.Equal(isArmed, Directory.Exists(_bench.UpdateCapsule));
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Flash_AtATerminalWithYes_AsksNothing()
    {
        var result = await Cli.RunAtTerminalAsync(string.Empty, [], [.. _bench.FlashArguments, "--yes"]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.DoesNotContain("[y/N]", result.Out, StringComparison.Ordinal);
        Assert.Contains("Pending", result.Out, StringComparison.Ordinal);
    }

    // SIGTERM is taken as Ctrl-C is, and arrives also where the test runner was started with SIGINT ignored.
    private static async Task<RunResult> StopAsync(Process process)
    {
        var killed = await Cli.RunProgramAsync("kill", ["-TERM", $"{process.Id}"], []);
        Assert.Equal(0, killed.ExitCode);
        return await Cli.FinishAsync(process);
    }
}
