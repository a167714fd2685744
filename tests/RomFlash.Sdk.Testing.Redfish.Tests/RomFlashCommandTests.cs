using System.Text.Json.Nodes;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>The command line against a management controller, as processes of their own: what one of them armed, another one confirms.</summary>
public sealed class RomFlashCommandTests : IAsyncLifetime
{
    private const string Password = "canary-5up3r-secret";
    private static readonly Guid SystemClass = new("11111111-2222-4333-8444-555555555555");
    private static readonly SimulatedRom Old = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.0.0", 0x0001_0000, 5000);
    private static readonly SimulatedRom New = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.1.0", 0x0001_0001, 70_000, seed: 2);

    private static readonly string[] Unknowns = ["pending-reboot-unknown", "disk-encryption-unknown", "external-power-unknown", "battery-unknown", "health-unknown", "image-unsigned"];

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-cli-redfish-").FullName;
    private readonly SimulatedClock _clock = new();
    private RedfishFace? _face;
    private SimulatedTarget? _target;

    [Fact]
    public async Task Probe_Controller_TellsWhatItIs()
    {
        await StartAsync(RedfishApplyTime.OnReset);

        var run = await RunAsync("probe", "--json");

        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("1.0.0", run.Out, StringComparison.Ordinal);
        Assert.Contains("\"system\"", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(Password, run.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probe_AnotherCertificate_IsRefusedWithBothFingerprints()
    {
        await StartAsync(RedfishApplyTime.OnReset);
        var pinned = _face!.Fingerprint.ToString();
        var address = Address;
        var found = _face.SwapCertificate().ToString();

        var run = await RunAtAsync(address, "probe");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains(pinned, run.All, StringComparison.Ordinal);
        Assert.Contains(found, run.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RedfishApplyTime.OnStartUpdateRequest)]
    [InlineData(RedfishApplyTime.OnReset)]
    public async Task FlashAndConfirm_TwoProcesses_UpgradeByEvidence(RedfishApplyTime applyTime)
    {
        await StartAsync(applyTime);

        var flash = await RunAsync(["flash", .. FlashArguments, "--no-reboot"]);

        Assert.True(_target!.ArmedPhase is not ArmedPhase.None, flash.ToString());
        Assert.Equal(Old.Sha256, _target.RomOf("system")!.Sha256);

        // A controller tells the time of the last reset in whole seconds.
        _clock.Advance(TimeSpan.FromMinutes(1));
        _target.Restart();
        _clock.Advance(TimeSpan.FromMinutes(5));

        var confirm = await RunAsync("confirm", "--wait", "0s", "--journal", Journal);

        Assert.True(confirm.ExitCode == 0, confirm.ToString());
        Assert.Equal(New.Sha256, _target.RomOf("system")!.Sha256);
        Assert.Contains("upgraded", confirm.All, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Password, flash.All + confirm.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_ServiceThatFlashesAtOnce_IsRefusedWithoutThePermission()
    {
        await StartAsync(RedfishApplyTime.Immediate);

        var run = await RunAsync(["flash", .. FlashArguments]);

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("RF7004", run.All, StringComparison.Ordinal);
        Assert.DoesNotContain(_target!.History, e => e.Kind is SimulatedEventKind.DepositOpened);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_face is not null)
        {
            await _face.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string Address => $"redfish://127.0.0.1:{_face!.Address.Port}/?sha256={_face.Fingerprint}";

    private string Journal => Path.Combine(_folder, "journal.rfj");

    private string[] FlashArguments =>
    [
        "--image", Path.Combine(_folder, "bundle"), "--catalog", Path.Combine(_folder, "catalog.json"), "--allow-unsigned-catalog", "--journal", Journal,
        .. Unknowns.SelectMany(u => new[] { "--waive", u }), "--who", "test", "--why", "a controller does not tell",
    ];

    private async Task StartAsync(RedfishApplyTime applyTime)
    {
        var rack = new SimulatedRack(_clock);
        _target = rack.Add(new()
        {
            Name = "server-1",
            Persona = RedfishFace.ControllerPersona,
            Roms = [new("system", Old) { Name = "System ROM", Sources = [FactSource.Redfish, FactSource.Smbios] }],
        });
        _face = await RedfishFace.StartAsync(rack, _target, new RedfishFaceOptions { Accounts = [new("admin", Password)], ApplyTimes = [applyTime] }, CancellationToken.None);

        // The image comes as a bundle: a simulated ROM is no format of the product's.
        var bundle = Directory.CreateDirectory(Path.Combine(_folder, "bundle")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(bundle, "new.rom"), New.Content.ToArray());
        await File.WriteAllTextAsync(Path.Combine(bundle, "bundle.romflash"), $"romflash-bundle 1\nkind system-rom\nfirmware-class {SystemClass:D}\nversion 1.1.0\nrom {New.Sha256} {New.Content.Length} new.rom\n");
        var identity = _target.Identity;
        await File.WriteAllTextAsync(Path.Combine(_folder, "catalog.json"), new JsonObject
        {
            ["romflashCatalog"] = 1,
            ["name"] = "test",
            ["systems"] = new JsonArray(new JsonObject
            {
                ["manufacturer"] = identity.Manufacturer,
                ["product"] = identity.Product,
                ["roms"] = new JsonArray(new JsonObject
                {
                    ["component"] = "system-rom",
                    ["firmwareClass"] = SystemClass.ToString("D"),
                    ["releases"] = new JsonArray(new JsonObject
                    {
                        ["version"] = "1.1.0",
                        ["sha256"] = New.Sha256.ToString(),
                        ["size"] = New.Content.Length,
                        ["reportedAs"] = new JsonObject { ["redfish"] = "1.1.0", ["smbios"] = "1.1.0" },
                    }),
                }),
            }),
        }.ToJsonString());
    }

    private Task<Run> RunAsync(params string[] arguments) => RunAtAsync(Address, arguments);

    private static async Task<Run> RunAtAsync(string address, params string[] arguments)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.GetFullPath(Path.Combine(own.FullName, "../../../../../samples/RomFlash.Cli/bin", own.Parent!.Name, own.Name, "romflash.dll"));
        var (code, output) = await PeerProgram.RunAsync(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet",
            [program, .. arguments, "--target", address, "--user", "admin", "--password-env", "ROMFLASH_TEST_PASSWORD"],
            new() { ["ROMFLASH_TEST_PASSWORD"] = Password });
        return new(code, output);
    }

    private sealed record Run(int ExitCode, string All)
    {
        public string Out => All;
    }
}
