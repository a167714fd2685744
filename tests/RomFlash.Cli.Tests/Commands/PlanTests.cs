using System.Security.Cryptography;
using System.Text.Json;

namespace RomFlash.Cli.Tests.Commands;

public sealed class PlanTests : IDisposable
{
    private readonly Bench _bench = new();

    public PlanTests()
    {
        _bench.WriteSmallCapsule();
        _bench.WriteTargets();
        _bench.SignCatalog();
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Plan_ShownAndCarriedOut_IsTheSameThroughout()
    {
        var made = await PlanAsync("--out", "plan.json");
        var shown = await RunAsync("plan", "show", "plan.json");
        var hash = shown.Out.Split('\n')[0].Split(' ')[1];

        Assert.Equal(0, made.ExitCode);
        Assert.Equal(made.Out, shown.Out);
        foreach (var text in (string[])["web-1 (Maker Virtual machine CZ1): will be flashed, 1 boot", $"{Bench.OldVersion} -> {Bench.NewVersion}", "signed by CN=Catalog maker", "serial 1", "verified by ReadBack", "1 to be flashed, 0 current already, 0 refused", $"     at {_bench.Target}", "     prepared on "])
        {
            Assert.Contains(text, shown.Out, StringComparison.Ordinal);
        }

        var flashed = await CarryOutAsync("--plan-hash", hash, "--json");

        Assert.True(flashed.ExitCode == 0, flashed.ToString());
        Assert.Equal("Pending", flashed.SingleJson.GetProperty("outcome").GetString());
        Assert.Equal(hash, flashed.SingleJson.GetProperty("planHash").GetString());
    }

    [Fact]
    public async Task Plan_ImageOfABundle_SaysWhichAndPutsThePayloadOnTheTarget()
    {
        await PlanAsync("--out", "file.json");
        var rom = await File.ReadAllBytesAsync(_bench.Image);
        var bundle = Directory.CreateDirectory(Path.Combine(_bench.Folder, "bundle")).FullName;
        var manifest = Path.Combine(bundle, "bundle.romflash");
        await File.WriteAllBytesAsync(Path.Combine(bundle, "system.rom"), rom);
        await File.WriteAllTextAsync(manifest, $"romflash-bundle 1\nrom {Convert.ToHexStringLower(SHA256.HashData(rom))} {rom.Length} system.rom\n");
        _bench.SignImage(manifest);
        string[] images = ["--image", "bundle", "--image-trust", "maker.pem", "--catalog", "catalog.json", "--trust", "signer.pem"];

        var made = await RunAsync(["plan", "--targets", "targets.json", .. images, "--no-reboot", "--by", "ann", "--out", "plan.json"]);
        var shown = await RunAsync("plan", "show", "plan.json");
        var differs = await RunAsync("plan", "diff", "file.json", "plan.json");
        var flashed = await RunAsync(["flash", "--plan", "plan.json", .. images, "--journal", "journal.rfj", "--json"]);

        Assert.True(made.ExitCode == 0, made.ToString());
        Assert.Contains("    is 'system.rom' of a package: rompaq-bundle, ", shown.Out, StringComparison.Ordinal);
        Assert.Contains("/package/format: is 'rompaq-bundle', was not there", differs.Out, StringComparison.Ordinal);
        Assert.True(flashed.ExitCode == 0, flashed.ToString());
        Assert.Equal(rom, await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(_bench.UpdateCapsule))));
    }

    [Fact]
    public async Task Plan_FileIsThereAlready_IsRefusedBeforeAnythingIsReadOrContacted()
    {
        File.WriteAllText(Path.Combine(_bench.Folder, "plan.json"), "approved");

        var refused = await RunAsync("plan", "--target", "dir:/no/such/folder", "--image", "/no/such/image", "--catalog", "/no/such/catalog", "--out", "plan.json", "--json");

        Assert.Equal(3, refused.ExitCode);
        Assert.Equal("RF1002", refused.SingleJson.GetProperty("code").GetString());
        Assert.Contains("plan.json is there already; --force replaces it", refused.Error, StringComparison.Ordinal);
        Assert.Equal("approved", File.ReadAllText(Path.Combine(_bench.Folder, "plan.json")));
    }

    [Fact]
    public async Task Plan_Json_IsOneObjectForEachTarget()
    {
        var plan = await PlanAsync("--json");

        var one = plan.SingleJson;
        Assert.Equal("WouldUpgrade", one.GetProperty("outcome").GetString());
        Assert.Equal("web-1", one.GetProperty("target").GetString());
        Assert.Equal(Bench.OldVersion, one.GetProperty("fromVersion").GetString());
        Assert.Equal(Bench.NewVersion, one.GetProperty("toVersion").GetString());
        Assert.Equal(64, one.GetProperty("planHash").GetString()!.Length);
        Assert.False(Directory.Exists(_bench.UpdateCapsule) && Directory.EnumerateFiles(_bench.UpdateCapsule).Any());
    }

    [Fact]
    public async Task Plan_RefusedTarget_SaysWhyAndEndsWithItsKind()
    {
        _bench.WriteFacts(totalBytes: 31_999_999);

        var plan = await PlanAsync("--json");

        Assert.Equal(8, plan.ExitCode);
        Assert.Equal("RF6002", plan.SingleJson.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Plan_FileIsThere_IsNotReplacedUnlessForced()
    {
        var file = Path.Combine(_bench.Folder, "plan.json");
        await File.WriteAllTextAsync(file, "mine");

        var refused = await PlanAsync("--out", "plan.json");

        Assert.Equal(3, refused.ExitCode);
        Assert.Equal("mine", await File.ReadAllTextAsync(file));
        Assert.Equal(0, (await PlanAsync("--out", "plan.json", "--force")).ExitCode);
        Assert.Equal(0, (await RunAsync("plan", "show", "plan.json")).ExitCode);
    }

    [Fact]
    public async Task Plan_File_HasTheFieldsThatItsDocumentNames()
    {
        await PlanAsync("--out", "plan.json");
        var document = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "plan.md"));
        using var plan = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_bench.Folder, "plan.json")));
        var body = plan.RootElement.GetProperty("plan");
        var names = body.EnumerateObject().Concat(body.GetProperty("policy").EnumerateObject()).Concat(body.GetProperty("images")[0].EnumerateObject()).Concat(body.GetProperty("catalogs")[0].EnumerateObject())
            .Concat(body.GetProperty("targets")[0].EnumerateObject()).Concat(body.GetProperty("targets")[0].GetProperty("roms")[0].EnumerateObject()).Concat(body.GetProperty("targets")[0].GetProperty("partition").EnumerateObject())
            .Select(p => p.Name).Distinct().ToList();

        Assert.True(names.Count > 40, string.Join(", ", names));
        Assert.All(names, n => Assert.Matches($"`{n}(\\[\\])?`", document));
    }

    [Fact]
    public async Task Plan_Diff_NamesWhatHasChanged()
    {
        await PlanAsync("--out", "old.json");
        await PlanAsync("--out", "same.json");
        _bench.WriteFacts(change: f => f["identity"]!["serialNumber"] = "CZ2");
        await PlanAsync("--out", "new.json");

        var same = await RunAsync("plan", "diff", "old.json", "same.json");
        var changed = await RunAsync("plan", "diff", "old.json", "new.json");

        Assert.Equal((0, "both plans say the same"), (same.ExitCode, same.Out.Trim()));
        Assert.Equal((6, "targets/web-1/identity/serialNumber: was 'CZ1', is 'CZ2'"), (changed.ExitCode, changed.Out.Trim()));
        Assert.Equal("CZ2", (await RunAsync("plan", "diff", "old.json", "new.json", "--json")).SingleJson.GetProperty("is").GetString());
    }

    [Fact]
    public async Task Flash_MachineHasChanged_IsRefusedWithTheDifference()
    {
        await PlanAsync("--out", "plan.json");
        _bench.WriteFacts(change: f => f["identity"]!["serialNumber"] = "CZ2");

        var result = await CarryOutAsync();

        Assert.Equal(6, result.ExitCode);
        Assert.Contains("RF4018", result.Out, StringComparison.Ordinal);
        Assert.Contains("was 'CZ1', is 'CZ2'", result.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_bench.UpdateCapsule) && Directory.EnumerateFiles(_bench.UpdateCapsule).Any());
    }

    [Fact]
    public async Task Flash_CatalogHasChanged_IsRefused()
    {
        await PlanAsync("--out", "plan.json");
        var text = await File.ReadAllTextAsync(_bench.Catalog);
        await File.WriteAllTextAsync(_bench.Catalog, text.Replace("\"bench\"", "\"another\"", StringComparison.Ordinal));
        _bench.SignCatalog();

        var result = await CarryOutAsync("--json");

        Assert.Equal((6, "RF4018"), (result.ExitCode, result.SingleJson.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Flash_ImageIsAnother_IsRefusedBeforeTheTargetIsContacted()
    {
        await PlanAsync("--out", "plan.json");
        var image = await File.ReadAllBytesAsync(_bench.Image);
        image[^1] ^= 1;
        await File.WriteAllBytesAsync(_bench.Image, image);

        // By the same maker, so that it is the plan that refuses it.
        _bench.SignImage();

        var result = await CarryOutAsync("--json");

        Assert.Equal(6, result.ExitCode);
        Assert.Equal("RF4018", result.Json[0].GetProperty("code").GetString());
    }

    [Fact]
    public async Task Flash_PlanWasEdited_IsRefused()
    {
        await PlanAsync("--out", "plan.json");
        var file = Path.Combine(_bench.Folder, "plan.json");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("\"forceReboot\": false", "\"forceReboot\": true", StringComparison.Ordinal));

        var result = await CarryOutAsync();

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RF1008", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_AnotherHashWasApproved_IsRefused()
    {
        await PlanAsync("--out", "plan.json");

        var result = await CarryOutAsync("--plan-hash", new string('0', 64));

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("another one was approved", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--reflash")]
    [InlineData("--window", "01:00Z/02:00Z")]
    [InlineData("--target", "dir:/mnt/esp")]
    public async Task Flash_OptionThatThePlanSays_IsASyntaxError(params string[] more)
    {
        var result = await CarryOutAsync(more);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"'{more[0]}' can't be given with '--plan'", result.Error, StringComparison.Ordinal);
    }

    private Task<RunResult> RunAsync(params string[] arguments) => Cli.RunInAsync(_bench.Folder, arguments);

    private Task<RunResult> PlanAsync(params string[] more) =>
        RunAsync(["plan", "--targets", "targets.json", "--image", "rom.cap", "--image-trust", "maker.pem", "--catalog", "catalog.json", "--trust", "signer.pem", "--no-reboot", "--by", "ann", .. more]);

    private Task<RunResult> CarryOutAsync(params string[] more) =>
        RunAsync(["flash", "--plan", "plan.json", "--image", "rom.cap", "--image-trust", "maker.pem", "--catalog", "catalog.json", "--trust", "signer.pem", "--journal", "journal.rfj", .. more]);
}
