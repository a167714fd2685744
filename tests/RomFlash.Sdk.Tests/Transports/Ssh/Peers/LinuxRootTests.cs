using System.Globalization;
using RomFlash.Peers;
using RomFlash.Peers.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Peers;

/// <summary>The staged root is what the tests of the transport take it for; looked at by the tools of Linux, over ssh.</summary>
[Trait("Category", "Peer")]
public sealed class LinuxRootTests
{
    private static readonly Guid Controller = new("0a1b2c3d-0000-4000-8000-00000000000a");

    [Fact]
    public async Task CreateAsync_AnyMachine_ReadsAsLinuxTells()
    {
        await using var server = await SshServer.StartAsync();
        var root = await LinuxRoot.CreateAsync(server, new() { TakesAnyFile = true, SecureBoot = true, OsIndications = 1 });
        root.SetFirmware(new(Controller, 2, 7, 5));
        root.NameFirmware(Controller);
        root.AddArrayController("7.00");
        root.AddPciDevice("0000:04:00.1", 0x8086, 0x10d3, 0, 0, 0x020000);
        root.AddPowerSupply("ADP1", "Mains", ("online", "1"));
        Assert.Equal("Contoso\nServer 380\nU30 v2.50\nCZ1234\n00112233-4455-6677-8899-aabbccddeeff\n", await ReadAsync("cd sys/class/dmi/id; cat sys_vendor product_name bios_version product_serial product_uuid"));
        Assert.Equal("1 131122 65536 0\n", await ReadAsync("cd sys/firmware/efi/esrt/entries/entry0; echo $(cat fw_type fw_version lowest_supported_fw_version last_attempt_status)"));
        Assert.Equal($"{Controller}\n2\n", await ReadAsync("cat sys/firmware/efi/esrt/entries/entry1/fw_class; cat sys/firmware/efi/esrt/fw_resource_count"));
        Assert.Equal("7.00\n", await ReadAsync("cat sys/class/scsi_host/host0/firmware_revision"));

        // The way from the host to its PCI device is the one that sysfs has.
        Assert.Equal($"{root.Path}/sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0\nhpsa\n", await ReadAsync("readlink -f sys/class/scsi_host/host0/../../..; basename $(readlink -f sys/bus/pci/devices/0000:03:00.0/driver)"));
        Assert.Equal("0x010400\n0x020000\n", await ReadAsync("cat sys/bus/pci/devices/*/class"));
        Assert.Equal("Mains 1\n", await ReadAsync("cd sys/class/power_supply/ADP1; echo $(cat type online)"));
        Assert.Equal(" 06 00 00 00 05 00 00 00 00 00 00 00\n", await ReadAsync($"od -An -v -tx1 sys/firmware/efi/efivars/OsIndicationsSupported-{LinuxRoot.GlobalVariables}"));
        Assert.Equal(" 07 00 00 00 01 00 00 00 00 00 00 00\n", await ReadAsync($"od -An -v -tx1 sys/firmware/efi/efivars/OsIndications-{LinuxRoot.GlobalVariables}"));

        // Boot0000's hard drive node: the number of the partition at its fourth byte, its GUID at its 24th as UEFI stores it.
        Assert.Equal(" a4 c1 0d 5f\n", await ReadAsync($"od -An -v -tx1 -j $((4 + 6 + 12 + 24)) -N 4 sys/firmware/efi/efivars/Boot0000-{LinuxRoot.GlobalVariables}"));
        Assert.Equal("/boot/efi rw,relatime vfat\n", await ReadAsync("while read -r a b c d e f g h i j; do [ $c = 259:1 ] && echo $e $f $i; done <proc/self/mountinfo; true"));
        Assert.Equal("E:ID_PART_ENTRY_TYPE=c12a7328-f81f-11d2-ba4b-00a0c93ec93b\n", await ReadAsync("grep TYPE=c run/udev/data/b259:1"));
        Assert.Equal("capsule-file-only\narray-controller\n", await ReadAsync("cat etc/romflash/arming etc/romflash/firmware/*"));

        async Task<string> ReadAsync(string script) => (await RunAsync(server, $"cd {root.Path} && {script}")).Required(script).Output;
    }

    [Fact]
    public async Task CreateAsync_PartitionOfItsOwn_IsFullWhenItIsFullAndSeenByTheAccount()
    {
        await using var server = await SshServer.StartAsync(new SshServerOptions { Account = new("romflash", SshSudo.MayRunShell) });
        var root = await LinuxRoot.CreateAsync(server, new() { PartitionSize = 1 << 20 });
        Assert.Equal("tmpfs\n", (await RunAsync(server, $"stat -f -c %T {root.SystemPartition}")).Required("stat").Output);
        var full = await RunAsync(server, $"sudo -n /bin/sh -c 'head -c 2000000 /dev/zero >{root.SystemPartition}/EFI/big'");
        Assert.Contains("No space left", full.Errors, StringComparison.Ordinal);
        Assert.InRange(new FileInfo(Path.Combine(root.SystemPartition, "EFI", "big")).Length, 1, 1 << 20);
        Assert.NotEqual(0, (await RunAsync(server, $"echo x >{root.SystemPartition}/EFI/mine")).ExitCode);
        Assert.NotEqual(0, (await RunAsync(server, $"cat {root.Combine("sys/class/dmi/id/product_uuid")}")).ExitCode);
    }

    [Theory]
    [InlineData(false, null, false)]
    [InlineData(false, 1UL, false)]
    [InlineData(false, 5UL, true)]
    [InlineData(true, null, true)]
    public async Task PlayBoot_CapsuleInPlace_FlashesOnlyWhenArmed(bool takesAnyFile, ulong? osIndications, bool flashes)
    {
        await using var server = await SshServer.StartAsync();
        var root = await LinuxRoot.CreateAsync(server, new() { TakesAnyFile = takesAnyFile, OsIndications = osIndications });
        Assert.False(root.IsArmed);
        System.IO.Directory.CreateDirectory(root.CapsuleFolder);
        Assert.False(root.IsArmed);
        await File.WriteAllTextAsync(Path.Combine(root.CapsuleFolder, "b.cap"), "second");
        await File.WriteAllTextAsync(Path.Combine(root.CapsuleFolder, "a.cap"), "first");
        Assert.Equal(flashes, root.IsArmed);
        var before = root.BootId;
        var taken = root.PlayBoot(new LinuxFlash(0x0002_0033, "U30 v2.51"));
        Assert.NotEqual(before, root.BootId);
        Assert.False(root.IsArmed);
        Assert.Equal(flashes ? ["a.cap", "b.cap"] : [], taken.Select(t => t.Name));
        Assert.Equal(flashes ? 0 : 2, root.CapsuleFiles.Count);
        Assert.Equal(flashes ? "U30 v2.51" : "U30 v2.50", root.BiosVersion);
        Assert.Equal(flashes ? (0x0002_0033U, 0x0002_0033U) : (0x0002_0032U, 0U), (root.GetFirmware()!.Version, root.GetFirmware()!.LastAttemptVersion));
        Assert.Equal(osIndications & ~LinuxRoot.CapsuleFileBit, root.OsIndications);
    }

    [Fact]
    public async Task PlayBoot_AttemptThatFails_LeavesTheVersionAndTellsTheStatus()
    {
        await using var server = await SshServer.StartAsync();
        var root = await LinuxRoot.CreateAsync(server, new() { OsIndications = LinuxRoot.CapsuleFileBit });
        root.SetFirmware(new(Controller, 2, 7, 5));
        System.IO.Directory.CreateDirectory(root.CapsuleFolder);
        await File.WriteAllTextAsync(Path.Combine(root.CapsuleFolder, "a.cap"), "content");
        Assert.Equal("content"u8.ToArray(), root.PlayBoot(new(0x0002_0033, "U30 v2.51", Status: 3), new(8, FirmwareClass: Controller)).Single().Content);
        Assert.Equal(("U30 v2.50", 0x0002_0032U, 0x0002_0033U, 3U), (root.BiosVersion, root.GetFirmware()!.Version, root.GetFirmware()!.LastAttemptVersion, root.GetFirmware()!.LastAttemptStatus));
        Assert.Equal((8U, 0U), (root.GetFirmware(Controller)!.Version, root.GetFirmware(Controller)!.LastAttemptStatus));
    }

    [Fact]
    public async Task ShutdownRequests_AskedForTakenBackAndRefused_TellEach()
    {
        await using var server = await SshServer.StartAsync(new SshServerOptions { Account = new("romflash", SshSudo.MayRunShell) });
        var root = await LinuxRoot.CreateAsync(server);
        Assert.NotEqual(0, (await RunAsync(server, "shutdown -r +5 'not mine'")).ExitCode);
        (await RunAsync(server, "sudo -n /bin/sh -c \"shutdown -r +5 'new  firmware'\"")).Required("shutdown");
        Assert.Equal(["-r", "+5", "new  firmware"], root.PendingShutdown!.Arguments);
        Assert.Contains("MODE=reboot", await File.ReadAllTextAsync(root.Combine("run/systemd/shutdown/scheduled")), StringComparison.Ordinal);
        (await RunAsync(server, "sudo -n sh -c 'shutdown -c'")).Required("cancel");
        Assert.Null(root.PendingShutdown);
        Assert.False(File.Exists(root.Combine("run/systemd/shutdown/scheduled")));
        (await RunAsync(server, $"sudo -n sh -c '{root.ShutdownProgram} -r now'")).Required("now");
        Assert.Equal(["-r", "now"], root.PendingShutdown!.Arguments);
        root.PlayBoot();
        Assert.Null(root.PendingShutdown);
        root.RefuseShutdown("shutdown: not today");
        Assert.Equal("shutdown: not today\n", (await RunAsync(server, "sudo -n sh -c 'shutdown -r +1'")).Errors);
        Assert.Null(root.PendingShutdown);
        Assert.Equal(
            [(true, false, false), (false, true, false), (false, false, true), (false, false, false), (true, false, false)],
            root.ShutdownRequests.Select(r => (r.WasRefused, r.WasCancelled, r.IsCancel)));
        Assert.NotEqual(0, root.ShutdownRequests[0].User);
        Assert.Equal(0, root.ShutdownRequests[1].User);
    }

    [Fact]
    public async Task Shutdown_SysVInit_WaitsUntilItIsTakenBackOrTheBoot()
    {
        await using var server = await SshServer.StartAsync();
        var root = await LinuxRoot.CreateAsync(server, new() { Shutdown = LinuxShutdown.SysVInit });
        var first = RunAsync(server, "shutdown -r +5 wait");
        await WaitAsync(() => root.PendingShutdown is not null);
        Assert.False(first.IsCompleted);
        (await RunAsync(server, "shutdown -c")).Required("cancel");
        (await first).Required("shutdown");
        Assert.Null(root.PendingShutdown);
        var second = RunAsync(server, "shutdown -r +1 wait");
        await WaitAsync(() => root.PendingShutdown is not null);
        root.PlayBoot();
        (await second).Required("shutdown");
        Assert.Null(root.PendingShutdown);
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        for (var tries = 0; !condition(); tries++)
        {
            Assert.InRange(tries, 0, 1000);
            await Task.Delay(10);
        }
    }

    private static Task<PeerResult> RunAsync(SshServer server, string command) => PeerProgram.RunAsync(
        PeerProgram.Find("ssh", "openssh-client"),
        ["-F", server.ClientConfiguration, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-T", "-p", server.Port.ToString(CultureInfo.InvariantCulture), "127.0.0.1", command]);
}
