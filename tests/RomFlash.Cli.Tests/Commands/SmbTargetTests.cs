using RomFlash.Peers.Samba;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>The command line against a private Samba that looks like a Windows server; its firmware is played when it is asked to restart.</summary>
[Trait("Category", "Peer")]
public sealed class SmbTargetTests : IAsyncLifetime
{
    private static readonly Guid SystemClass = new("11111111-2222-4333-8444-555555555555");
    private static readonly SimulatedRom Old = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.0.0", 0x0001_0000, 5000);
    private static readonly SimulatedRom New = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.1.0", 0x0001_0001, 70_000, seed: 2);
    private static readonly string[] NotTold = ["disk-encryption-unknown", "external-power-unknown", "battery-unknown", "health-unknown", "image-unsigned"];

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-cli-smb-").FullName;
    private SambaServer? _server;

    [Fact]
    public async Task Flash_Samba_IsRestartedAndUpgraded()
    {
        await StartAsync();
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var playing = PlayAsync(stop.Token);

        var flash = await RunAsync(SambaAccount.Administrator, "flash", "--image", UpgradeFiles.Bundle(_folder), "--catalog", UpgradeFiles.Catalog(_folder), "--allow-unsigned-catalog", "--journal", Path.Combine(_folder, "journal.rfj"));
        await playing;

        Assert.True(flash.ExitCode == 0, flash.ToString());
        Assert.Contains("upgraded", flash.All, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(SambaAccount.Administrator.Password, flash.All, StringComparison.Ordinal);
        var request = Assert.Single(_server!.ShutdownRequests);
        Assert.Contains("-r", request.Arguments);
    }

    [Fact]
    public async Task Probe_SeveralTargets_TellsInOneTableWhoIsNotFitAndWhy()
    {
        await StartAsync();
        await using var off = await SambaServer.StartAsync(new() { RegistryPipes = false });

        var probe = await RunAsync(SambaAccount.Administrator, "probe", "--target", $"smb://127.0.0.1:{off.Port}/ESP$");
        Assert.Contains("1.0.0", probe.All, StringComparison.Ordinal);
        Assert.Contains("RemoteRegistry", probe.All, StringComparison.Ordinal);

        var denied = await RunAsync(SambaAccount.Operator, "probe");
        Assert.Contains("administrat", denied.All, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_server!.ShareFolder, "EFI")));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync()
    {
        _server = await SambaServer.StartAsync(new()
        {
            Registry = Machine(Old, boots: 1)
                .WithHardwareId(new Guid("00112233-4455-6677-8899-aabbccddeeff"))
                .WithText(@"HKLM\SOFTWARE\RomFlash.Sdk", "Arming", "capsule-file-only"),
        });

        await UpgradeFiles.WriteAsync(_folder, "HPE", "ProLiant DL380 Gen10", New, new() { ["smbios"] = "1.1.0" });
    }

    private static SambaRegistry Machine(SimulatedRom rom, uint boots) => new SambaRegistry()
        .WithIdentity("HPE", "ProLiant DL380 Gen10", "868703-B21", rom.Version.Text)
        .WithBootId(boots)
        .WithFirmware(SystemClass, 1, rom.PackedVersion);

    private async Task PlayAsync(CancellationToken cancellationToken)
    {
        while (_server!.ShutdownRequests.Count == 0)
        {
            await Task.Delay(50, cancellationToken);
        }

        await _server.KillAsync();
        var capsules = Path.Combine(_server.ShareFolder, "EFI", "UpdateCapsule");
        var armed = await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(capsules)), cancellationToken);
        Assert.Equal(New.Content.ToArray(), armed);
        Directory.Delete(capsules, recursive: true);
        await _server.RestartAsync(cancellationToken);
        await _server.ImportAsync(Machine(New, boots: 2), cancellationToken);
    }

    private Task<RunResult> RunAsync(SambaAccount account, params string[] arguments)
    {
        string[] waivers = arguments[0] is "flash" ? [.. NotTold.SelectMany(u => new[] { "--waive", u }), "--who", "test", "--why", "the registry does not tell", "--reboot-delay", "1s"] : [];
        return Cli.RunAsync(
            [("ROMFLASH_TEST_PASSWORD", account.Password)],
            [.. arguments, .. waivers, "--target", $"smb://127.0.0.1:{_server!.Port}/ESP$", "--user", account.Name, "--password-env", "ROMFLASH_TEST_PASSWORD"]);
    }
}
