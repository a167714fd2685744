using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Tests.Transports.Redfish;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>
/// The command line against fwupd's Redfish service. That service tells neither machine nor boot, and its versions never change: a folder beside it tells the machine,
/// and the outcome is that nothing was applied, whatever the task says.
/// </summary>
[Trait("Category", "Peer")]
public sealed class FwupdServiceTests : IDisposable
{
    private static readonly string[] Waived =
    [
        "pending-reboot-unknown", "disk-encryption-unknown", "external-power-unknown", "battery-unknown", "health-unknown", "administrator-unproved", "endpoint-unidentified", "image-unsigned",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-cli-fwupd-").FullName;

    [Fact]
    public async Task ProbeFlashConfirm_ServiceWhoseVersionsNeverChange_IsNotApplied()
    {
        await using var service = await FwupdProcess.StartAsync();
        WriteFacts("boot-1");
        WriteImageAndCatalog();
        await File.WriteAllTextAsync(Path.Combine(_folder, "targets.json"), new JsonObject
        {
            ["romflashTargets"] = 1,
            ["credentials"] = new JsonObject { ["bmc"] = new JsonObject { ["userName"] = "smc_username", ["passwordEnvironment"] = "ROMFLASH_TEST_PASSWORD" } },
            ["groups"] = new JsonObject
            {
                ["rack"] = new JsonObject
                {
                    ["credentials"] = "bmc",
                    ["targets"] = new JsonArray(new JsonObject { ["id"] = "web-1", ["endpoints"] = new JsonArray(service.Address, "dir:" + Path.Combine(_folder, "esp")) }),
                },
            },
        }.ToJsonString());

        var probe = await RunAsync("probe", "--json");
        var flash = await RunAsync(["flash", .. FlashArguments, "--no-reboot"]);

        // The machine is restarted by hand, and still runs what it ran.
        WriteFacts("boot-2");
        var confirm = await RunAsync("confirm", "--journal", Journal);

        Assert.Contains("11A-1.02", probe.Out, StringComparison.Ordinal);
        Assert.Contains("P79 v1.45", probe.Out, StringComparison.Ordinal);
        Assert.True(flash.Out.Contains("Pending", StringComparison.Ordinal), flash.ToString());
        Assert.True(confirm.All.Contains("RF8003", StringComparison.Ordinal), $"{probe}\n{flash}\n{confirm}");
        Assert.DoesNotContain(FwupdProcess.Password, probe.All + flash.All + confirm.All, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Journal => Path.Combine(_folder, "journal.rfj");

    private string[] FlashArguments =>
    [
        "--image", Path.Combine(_folder, "bundle"), "--catalog", Path.Combine(_folder, "catalog.json"), "--allow-unsigned-catalog", "--journal", Journal,
        .. Waived.SelectMany(u => new[] { "--waive", u }), "--who", "test", "--why", "this service does not tell",
    ];

    private void WriteFacts(string boot)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "esp", "EFI"));
        File.WriteAllText(Path.Combine(_folder, "esp.facts.json"), new JsonObject
        {
            ["identity"] = new JsonObject { ["serialNumber"] = "S1", ["manufacturer"] = "SMCI", ["product"] = "Server" },
            ["boot"] = boot,
        }.ToJsonString());
    }

    // The one content that the service takes.
    private void WriteImageAndCatalog()
    {
        var content = Encoding.ASCII.GetBytes("hello");
        var digest = Convert.ToHexStringLower(SHA256.HashData(content));
        var bundle = Directory.CreateDirectory(Path.Combine(_folder, "bundle")).FullName;
        File.WriteAllBytes(Path.Combine(bundle, "bios.bin"), content);
        File.WriteAllText(Path.Combine(bundle, "bundle.romflash"), $"romflash-bundle 1\nkind system-rom\nversion P79 v1.50\nrom {digest} {content.Length} bios.bin\n");
        File.WriteAllText(Path.Combine(_folder, "catalog.json"), new JsonObject
        {
            ["romflashCatalog"] = 1,
            ["name"] = "test",
            ["systems"] = new JsonArray(new JsonObject
            {
                ["manufacturer"] = "SMCI",
                ["product"] = "Server",
                ["roms"] = new JsonArray(new JsonObject
                {
                    ["component"] = "system-rom",
                    ["id"] = "BIOS",
                    ["releases"] = new JsonArray(new JsonObject { ["version"] = "P79 v1.50", ["sha256"] = digest, ["size"] = content.Length, ["reportedAs"] = new JsonObject { ["redfish"] = "P79 v1.50" } }),
                }),
            }),
        }.ToJsonString());
    }

    private Task<RunResult> RunAsync(params string[] arguments) =>
        Cli.RunAsync([("ROMFLASH_TEST_PASSWORD", FwupdProcess.Password)], [.. arguments, "--targets", Path.Combine(_folder, "targets.json")]);
}
