using System.Security.Cryptography;

namespace RomFlash.Cli.Tests.Commands;

/// <summary><c>--backup-image</c>, and what is told of it when the target does not come back.</summary>
public sealed class BackupImageTests : IDisposable
{
    private readonly Bench _bench = new();

    public BackupImageTests() => _bench.WriteSmallCapsule();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Recover_BackupLiesThere_NamesVersionImagePlaceAndSteps()
    {
        var backup = _bench.WriteBackup();
        var digest = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(backup)));
        var flashed = await Cli.RunAsync([.. _bench.FlashArguments, "--backup-image", backup]);
        Assert.True(flashed.ExitCode == 0, flashed.ToString());
        Assert.Contains("lies on the target, not armed: EFI/RomFlash/", flashed.Out, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(_bench.Image), File.ReadAllBytes(Assert.Single(Directory.GetFiles(_bench.UpdateCapsule))));

        var away = _bench.Esp + "-away";
        Directory.Move(_bench.Esp, away);
        string[] recover = ["recover", "--target", _bench.Target, "--journal", _bench.Journal];
        var json = await Cli.RunAsync([.. recover, "--json"]);
        Assert.Equal(9, json.ExitCode);
        var recovery = json.SingleJson.GetProperty("recovery");
        var plan = Assert.Single(recovery.GetProperty("plans").EnumerateArray());
        Assert.Equal(Bench.OldVersion, plan.GetProperty("fromVersion").GetString());
        Assert.Equal(("previous.cap", digest), (plan.GetProperty("image").GetProperty("name").GetString(), plan.GetProperty("image").GetProperty("sha256").GetString()));
        Assert.Equal(digest, recovery.GetProperty("image").GetProperty("sha256").GetString());
        Assert.Equal(("Staged", "SystemPartition"), (plan.GetProperty("copy").GetString(), plan.GetProperty("road").GetString()));
        var place = plan.GetProperty("copyLocation").GetString()!;
        Assert.Equal(File.ReadAllBytes(backup), File.ReadAllBytes(Path.Combine(away, place)));
        Assert.Contains(plan.GetProperty("steps").EnumerateArray(), s => s.GetString()!.Contains(place, StringComparison.Ordinal));
        Assert.Contains(recovery.GetProperty("steps").EnumerateArray(), s => s.GetString()!.StartsWith($"system: {place} ", StringComparison.Ordinal));

        var text = await Cli.RunAsync(recover);
        Assert.Contains($"  before: system, {Bench.OldVersion}; image previous.cap, sha256 {digest}; a copy on the target: {place}", text.Out, StringComparison.Ordinal);
        var history = await Cli.RunAsync("history", "--journal", _bench.Journal, "--json");
        Assert.Contains(place, history.Out.Split('\n').Single(l => l.Contains("\"ArmIntent\"", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_BackupWithoutRoom_StopsUnlessThatIsWaived()
    {
        var backup = _bench.WriteBackup();
        _bench.WriteFacts(change: f => f["systemPartition"]!["freeBytes"] = (1 << 20) + new FileInfo(_bench.Image).Length + 100);
        string[] flash = [.. _bench.FlashArguments, "--backup-image", backup, "--json"];
        var refused = await Cli.RunAsync(flash);
        Assert.Equal(8, refused.ExitCode);
        Assert.Equal("backup-does-not-fit", Assert.Single(refused.SingleJson.GetProperty("blockers").EnumerateArray()).GetProperty("name").GetString());
        Assert.False(Directory.Exists(_bench.UpdateCapsule));

        var waived = await Cli.RunAsync([.. flash, "--waive", "backup-does-not-fit", "--who", "operator", "--why", "a copy is on the shelf"]);
        Assert.True(waived.ExitCode == 0, waived.ToString());
        Assert.Equal("DoesNotFit", Assert.Single(waived.SingleJson.GetProperty("recoveryPlans").EnumerateArray()).GetProperty("copy").GetString());
        Assert.Contains(waived.SingleJson.GetProperty("notes").EnumerateArray(), n => n.GetString()!.Contains("which was waived", StringComparison.Ordinal));
        Assert.Single(Directory.GetFiles(_bench.UpdateCapsule));
    }

    [Fact]
    public async Task Flash_BackupThatNoCatalogNames_SaysThatItLiesNowhere()
    {
        var backup = _bench.WriteBackup();
        _bench.WriteCatalog();
        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--backup-image", backup, "--json"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("NoImageKnown", Assert.Single(result.SingleJson.GetProperty("recoveryPlans").EnumerateArray()).GetProperty("copy").GetString());
        Assert.Contains(result.SingleJson.GetProperty("notes").EnumerateArray(), n => n.GetString()!.StartsWith("no backup image that was given", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Flash_BackupThatIsNoImage_IsRefusedBeforeTheTargetIsContacted()
    {
        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--backup-image", _bench.Catalog, "--json"]);
        Assert.Equal(7, result.ExitCode);
        Assert.False(File.Exists(_bench.Journal));
    }

    [Fact]
    public async Task Plan_BackupWithoutRoom_ShowsTheBlocker()
    {
        var backup = _bench.WriteBackup();
        _bench.WriteFacts(change: f => f["systemPartition"]!["freeBytes"] = (1 << 20) + new FileInfo(_bench.Image).Length + 100);
        var result = await Cli.RunAsync("plan", "--target", _bench.Target, "--image", _bench.Image, "--image-trust", _bench.Maker, "--backup-image", backup, "--catalog", _bench.Catalog, "--allow-unsigned-catalog", "--json");
        Assert.Equal("backup-does-not-fit", Assert.Single(result.SingleJson.GetProperty("blockers").EnumerateArray()).GetProperty("name").GetString());
    }
}
