using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Images;
using Xunit.Abstractions;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>The command line against a virtual machine with real firmware: an upgrade, and one whose power is cut, with the way back that <c>romflash recover</c> names.</summary>
[Trait("Category", "Peer")]
[Trait("Category", "Slow")]
[Trait("Category", "Firmware")]
public sealed class FirmwareLabTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int SectorBytes = 256 * 1024;
    private static readonly string[] NotTold = ["external-power-unknown", "health-unknown", "pending-reboot-unknown", "disk-encryption-unknown", "image-unsigned"];

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-cli-lab-").FullName;
    private VirtualLinux? _machine;

    private VirtualLinux Machine => _machine!;

    private string Journal => Path.Combine(_folder, "journal.rfj");

    private string[] How => ["--target", $"ssh://127.0.0.1:{Machine.Server.Port}", "--ssh-config", Machine.Server.ClientConfiguration, "--ssh-root", Machine.Root.Path, "--ssh-shutdown", Machine.Root.ShutdownProgram];

    [Fact]
    public async Task Flash_RealFirmware_IsUpgraded()
    {
        await StartAsync();

        var flash = await RunAsync(Flash("--no-reboot"));
        Assert.True(flash.ExitCode == 0, flash.ToString());
        var boots = await Machine.RestartAsync();
        var confirm = await RunAsync("confirm", "--journal", Journal);

        output.WriteLine($"[romflash] lab romflash: staged a good capsule; expected version 2, upgraded; firmware: {string.Join(", ", boots.Select(b => $"{b.End} (version {b.Version})"))}; romflash: {confirm.ExitCode}, {confirm.Out.Split('\n')[0]}");
        Assert.True(confirm.ExitCode == 0, confirm.ToString());
        Assert.Contains("upgraded", confirm.All, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(2, await Machine.Board.FlashedVersionAsync());
    }

    [Fact]
    public async Task Recover_PowerWasCutInTheFlash_NamesTheWayBackThatIsOne()
    {
        await StartAsync();
        var flash = await RunAsync(Flash("--no-reboot"));
        Assert.True(flash.ExitCode == 0, flash.ToString());

        using (var probe = Machine.Board.Probe(SectorBytes - 1 - TrailingErased()))
        {
            await Machine.RestartAsync(() => probe.Value == 0xFF);
        }

        Assert.Equal(0, await Machine.Board.FlashedVersionAsync());
        var recover = await RunAsync("recover", "--journal", Journal, "--catalog", UpgradeFiles.Catalog(_folder), "--allow-unsigned-catalog");
        output.WriteLine($"[romflash] lab romflash: staged a good capsule, and the power cut; expected neither version, recovery; firmware: dead; romflash: {recover.ExitCode}, {recover.Out.Split('\n')[0]}");
        Assert.True(recover.ExitCode == 9, recover.ToString());

        // What it says to do: look, wait, and bring back the ROM from the image that the catalog has for that, checked by its digest.
        var backup = await File.ReadAllBytesAsync(Path.Combine(_folder, "backup.rom"));
        Assert.Contains("Do not switch the target off", recover.Out, StringComparison.Ordinal);
        Assert.Contains($"Get the recovery image backup.rom and check that its SHA-256 is {new ContentDigest(SHA256.HashData(backup))}", Unwrapped(recover.Out), StringComparison.Ordinal);
        await Machine.Board.WriteFlashAsync(0, backup);
        var boots = await Machine.PowerOnAsync();
        Assert.Equal(1, boots[^1].Version);
        var confirm = await RunAsync("confirm", "--journal", Journal);

        output.WriteLine($"[romflash] lab romflash: the backup was written; expected version 1, not upgraded; firmware: version {boots[^1].Version}; romflash: {confirm.ExitCode}, {confirm.All.Split('\n')[0]}");
        Assert.True(confirm.ExitCode == 9, confirm.ToString());
        Assert.DoesNotContain("upgraded", confirm.Out, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, await Machine.Board.FlashedVersionAsync());
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_machine is not null)
        {
            await _machine.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string Unwrapped(string text) => string.Join(' ', text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));

    private async Task StartAsync()
    {
        _machine = await VirtualLinux.StartAsync(FirmwareKind.NeedsIndications);
        var (backup, capsule) = (Machine.Board.Firmware.Rom(1), await FirmwareBuild.CapsuleAsync(Machine.Board.Firmware.Rom(2)));
        await File.WriteAllBytesAsync(Path.Combine(_folder, "new.cap"), capsule);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "backup.rom"), backup);
        await UpgradeFiles.WriteCatalogAsync(_folder, "Contoso", "Server 380", FirmwareBuild.SystemClass, new()
        {
            ["version"] = "1.2",
            ["sha256"] = new ContentDigest(SHA256.HashData(capsule)).ToString(),
            ["size"] = capsule.Length,
            ["reportedAs"] = new JsonObject { ["smbios"] = VirtualLinux.Smbios(2), ["esrt"] = string.Create(CultureInfo.InvariantCulture, $"0x{VirtualLinux.Packed(2):x8}") },
            ["recovery"] = new JsonObject { ["sha256"] = new ContentDigest(SHA256.HashData(backup)).ToString(), ["size"] = backup.Length, ["name"] = "backup.rom" },
        });
    }

    private int TrailingErased() => SectorBytes - 1 - Machine.Board.Firmware.Rom(1).AsSpan(0, SectorBytes).LastIndexOfAnyExcept((byte)0xFF);

    private string[] Flash(params string[] further) =>
    [
        "flash", "--image", Path.Combine(_folder, "new.cap"), "--catalog", UpgradeFiles.Catalog(_folder), "--allow-unsigned-catalog", "--journal", Journal,
        .. NotTold.SelectMany(u => new[] { "--waive", u }), "--who", "test", "--why", "the lab's machine does not tell", .. further,
    ];

    private Task<RunResult> RunAsync(params string[] arguments) => Cli.RunAsync([.. arguments, .. How]);
}
