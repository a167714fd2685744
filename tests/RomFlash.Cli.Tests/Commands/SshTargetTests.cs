using System.Security.Cryptography;
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Tests.Commands;

/// <summary>The command line against a private sshd on a machine that is staged in a folder; its firmware is played when it restarts.</summary>
[Trait("Category", "Peer")]
public sealed class SshTargetTests : IAsyncLifetime
{
    private const string Canary = "CANARY-2e88";
    private static readonly Guid SystemClass = new("11111111-2222-4333-8444-555555555555");
    private static readonly SimulatedRom Old = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.0.0", 0x0001_0000, 5000);
    private static readonly SimulatedRom New = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "1.1.0", 0x0001_0001, 70_000, seed: 2);
    private static readonly string[] NotTold = ["external-power-unknown", "health-unknown", "pending-reboot-unknown", "image-unsigned"];

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-cli-ssh-").FullName;
    private SshServer? _server;
    private LinuxRoot? _root;

    private SshServer Server => _server!;

    private LinuxRoot Root => _root!;

    private string Address => $"ssh://127.0.0.1:{Server.Port}";

    private string Journal => Path.Combine(_folder, "journal.rfj");

    private string[] How => ["--ssh-config", Server.ClientConfiguration, "--ssh-root", Root.Path, "--ssh-shutdown", Root.ShutdownProgram];

    [Fact]
    public async Task Probe_LinuxTarget_TellsMachineFirmwarePartitionAndSecureBoot()
    {
        await StartAsync(new() { SecureBoot = true });
        Root.AddArrayController("8.32");

        var text = await RunAsync("probe");
        var json = await RunAsync("probe", "--json");

        Assert.True(text.ExitCode == 0, text.ToString());
        foreach (var says in (string[])
        [
            "machine: Contoso Server 380 826565-B21; uuid 00112233-4455-6677-8899-aabbccddeeff; serial CZ1234", "1.0.0", "array controller", "8.32", "system partition: /boot/efi", "secure boot: True",
            "account: Administrator", "usual: DigestOnTarget", "arms by capsule-on-disk", "can be restarted: yes",
        ])
        {
            Assert.Contains(says, text.Out, StringComparison.OrdinalIgnoreCase);
        }

        Assert.True(json.ExitCode == 0, json.ToString());
        var probe = json.SingleJson.GetProperty("probe");
        Assert.True(probe.GetProperty("secureBoot").GetBoolean());
        Assert.Equal(["SystemRom", "ArrayController"], probe.GetProperty("roms").EnumerateArray().Select(r => r.GetProperty("kind").GetString()));
        Assert.Equal(Root.BootId, probe.GetProperty("boot").GetString());
        Assert.Equal([Path.Combine(Root.SystemPartition, "EFI", "linux")], Directory.EnumerateFileSystemEntries(Path.Combine(Root.SystemPartition, "EFI")));
    }

    [Fact]
    public async Task Flash_LinuxTarget_IsRestartedAndUpgraded()
    {
        await StartAsync();
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var playing = PlayWhenAskedAsync(stop.Token);

        var flash = await RunAsync(Flash("--reboot-delay", "1s"));
        await stop.CancelAsync();
        Assert.True(flash.ExitCode == 0, flash.ToString());
        await playing;

        Assert.Contains("upgraded", flash.All, StringComparison.OrdinalIgnoreCase);
        var request = Assert.Single(Root.ShutdownRequests);
        Assert.Equal(["-r", "+1"], request.Arguments.Take(2));
        AssertNothingIsArmed();
    }

    [Fact]
    public async Task Confirm_BootThatSomebodyElseAskedFor_IsUpgraded()
    {
        await StartAsync();

        var flash = await RunAsync(Flash("--no-reboot"));
        Assert.True(flash.ExitCode == 0, flash.ToString());
        Assert.Contains("pending", flash.All, StringComparison.OrdinalIgnoreCase);
        Assert.True(Root.IsArmed);
        Assert.Empty(Root.ShutdownRequests);
        Assert.Equal(9, (await RunAsync("confirm", "--journal", Journal)).ExitCode);

        await PlayAsync(new(New.PackedVersion, New.Version.Text));
        var confirm = await RunAsync("confirm", "--journal", Journal);

        Assert.True(confirm.ExitCode == 0, confirm.ToString());
        Assert.Contains("upgraded", confirm.All, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Cancel_ArmedTarget_ClearsTheBitAndLeavesNothing()
    {
        const ulong OfSomebodyElse = 1;
        await StartAsync(new() { OsIndications = OfSomebodyElse });
        Assert.Equal(0, (await RunAsync(Flash("--no-reboot"))).ExitCode);
        Assert.Equal(LinuxRoot.CapsuleFileBit | OfSomebodyElse, Root.OsIndications);

        var cancel = await RunAsync("cancel", "--journal", Journal, "--json");

        Assert.True(cancel.ExitCode == 0, cancel.ToString());
        Assert.Equal("Disarmed", cancel.SingleJson.GetProperty("outcome").GetString());
        Assert.Equal(OfSomebodyElse, Root.OsIndications);
        AssertNothingIsArmed();
        Assert.DoesNotContain(Directory.EnumerateFiles(Root.SystemPartition, "*", SearchOption.AllDirectories), f => new FileInfo(f).Length >= New.Content.Length);
    }

    [Fact]
    public async Task Recover_FirmwareThatRefusedTheCapsule_SaysSoAndNamesACommandThatConfirmsIt()
    {
        const uint AuthenticationError = 4;
        await StartAsync();
        Assert.Equal(0, (await RunAsync(Flash("--no-reboot"))).ExitCode);

        var armed = await RunAsync("recover", "--journal", Journal);
        Assert.True(armed.ExitCode == 0, armed.ToString());
        Assert.Contains("has not booted", armed.Out, StringComparison.Ordinal);

        await Server.KillAsync();
        var gone = await RunAsync("recover", "--journal", Journal);
        Assert.True(gone.ExitCode == 9, gone.ToString());
        Assert.Contains("Do not switch the target off", gone.Out, StringComparison.Ordinal);

        await PlayAsync(new(New.PackedVersion, Status: AuthenticationError));
        var recover = await RunAsync("recover", "--journal", Journal, "--json");
        Assert.True(recover.ExitCode == 0, recover.ToString());
        Assert.Equal(("NothingToRecover", "PreviousRomIntact"), (recover.SingleJson.GetProperty("outcome").GetString(), recover.SingleJson.GetProperty("targetState").GetString()));
        var steps = recover.SingleJson.GetProperty("recovery").GetProperty("steps").EnumerateArray().Select(s => s.GetString()!).ToList();
        Assert.Contains(steps, s => s.Contains("was not applied", StringComparison.Ordinal));

        // As it is printed: with the options by which the target is reached.
        var command = Assert.Single(steps, s => s.Contains("romflash confirm ", StringComparison.Ordinal)).Split("romflash ")[1].Split(' ');
        var confirm = await Cli.RunAsync(command);
        Assert.True(confirm.ExitCode == 9, confirm.ToString());
        Assert.Contains("RF8003", confirm.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Probe_HostKeyThatIsNotTheKnownOne_IsRefusedWithBothFingerprints(bool isPinned)
    {
        await StartAsync();

        // Another machine's key: any will do.
        var key = (await File.ReadAllTextAsync(Path.Combine(Server.Folder, "user.pub"))).Split(' ');
        var fingerprint = "SHA256:" + Convert.ToBase64String(SHA256.HashData(Convert.FromBase64String(key[1]))).TrimEnd('=');
        var known = Path.Combine(_folder, "known_hosts");
        var configuration = Path.Combine(_folder, "ssh_config");
        await File.WriteAllTextAsync(known, $"[127.0.0.1]:{Server.Port} {key[0]} {key[1]}\n");
        await File.WriteAllTextAsync(configuration, (await File.ReadAllTextAsync(Server.ClientConfiguration)).Replace(Server.KnownHosts, known, StringComparison.Ordinal));

        var result = isPinned
            ? await Cli.RunAsync(["probe", "--target", $"{Address}?hostkey={Uri.EscapeDataString(fingerprint)}", .. How])
            : await Cli.RunAsync("probe", "--target", Address, "--ssh-config", configuration, "--ssh-root", Root.Path);

        Assert.True(result.ExitCode == 5, result.ToString());
        Assert.Contains("RF2008", result.All, StringComparison.Ordinal);
        Assert.Contains(Server.Fingerprint, result.All, StringComparison.Ordinal);
        Assert.Contains(fingerprint, result.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probe_PasswordThatTheTargetDoesNotTake_IsRefusedAndNotRepeated()
    {
        await StartAsync();
        var user = Environment.UserName;

        var result = await Cli.RunAsync(
            [("ROMFLASH_TEST_PASSWORD", Canary)],
            ["probe", "--target", $"ssh://{user}@127.0.0.1:{Server.Port}", .. How, "--ssh-password", "--user", user, "--password-env", "ROMFLASH_TEST_PASSWORD"]);

        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.DoesNotContain(Canary, result.All, StringComparison.Ordinal);
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

    private async Task StartAsync(LinuxRootOptions? options = null)
    {
        _server = await SshServer.StartAsync(new SshServerOptions());
        _root = await LinuxRoot.CreateAsync(_server, (options ?? new()) with { BiosVersion = Old.Version.Text, SystemFirmware = new(SystemClass, 1, Old.PackedVersion, Old.PackedVersion) });

        // No disk is encrypted.
        Directory.CreateDirectory(Root.Combine("sys/block"));

        await UpgradeFiles.WriteAsync(_folder, "Contoso", "Server 380", New, new() { ["smbios"] = "1.1.0", ["esrt"] = $"0x{New.PackedVersion:x8}" });
    }

    private string[] Flash(params string[] further) =>
    [
        "flash", "--image", UpgradeFiles.Bundle(_folder), "--catalog", UpgradeFiles.Catalog(_folder), "--allow-unsigned-catalog", "--journal", Journal,
        .. NotTold.SelectMany(u => new[] { "--waive", u }), "--who", "test", "--why", "the staged machine does not tell", .. further,
    ];

    private Task<RunResult> RunAsync(params string[] arguments) => Cli.RunAsync([.. arguments, "--target", Address, .. How]);

    private async Task PlayWhenAskedAsync(CancellationToken cancellationToken)
    {
        while (Root.PendingShutdown is null)
        {
            await Task.Delay(20, cancellationToken);
        }

        await PlayAsync(new(New.PackedVersion, New.Version.Text));
    }

    // A machine goes down, and comes back with what its firmware did.
    private async Task PlayAsync(LinuxFlash flash)
    {
        await Server.KillAsync();
        Assert.Equal(New.Content.ToArray(), Assert.Single(Root.PlayBoot(flash)).Content);
        await Server.RestartAsync();
    }

    private void AssertNothingIsArmed()
    {
        Assert.False(Root.IsArmed);
        Assert.Empty(Root.CapsuleFiles);
        Assert.Equal(0UL, (Root.OsIndications ?? 0) & LinuxRoot.CapsuleFileBit);
    }
}
