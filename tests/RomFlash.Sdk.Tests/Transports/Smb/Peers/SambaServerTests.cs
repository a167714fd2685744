using System.Globalization;
using RomFlash.Peers.Samba;

namespace RomFlash.Sdk.Tests.Transports.Smb.Peers;

/// <summary>The private Samba is what the tests of the transport take it for.</summary>
[Trait("Category", "Peer")]
public sealed class SambaServerTests
{
    private const string Bios = @"HKLM\HARDWARE\DESCRIPTION\System\BIOS";
    private const string Prefetch = @"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters";

    public static TheoryData<string, SambaOptions> Variants() => new()
    {
        { "default", new() },
        { "2.1", new() { MinProtocol = "SMB2_10", MaxProtocol = "SMB2_10" } },
        { "3.0", new() { MinProtocol = "SMB3_00", MaxProtocol = "SMB3_00" } },
        { "3.0.2", new() { MinProtocol = "SMB3_02", MaxProtocol = "SMB3_02" } },
        { "3.1.1", new() { MinProtocol = "SMB3_11", MaxProtocol = "SMB3_11" } },
        { "signed", new() { SigningMandatory = true, EncryptOff = true } },
        { "encrypted", new() { EncryptRequired = true } },
        { "AES-256-CCM", new() { EncryptRequired = true, Ciphers = ["AES-256-CCM"] } },
        { "HMAC-SHA256", new() { SigningMandatory = true, SigningAlgorithms = ["HMAC-SHA256"] } },
        { "few credits", new() { MaxCredits = 16 } },
        { "small requests", new() { MaxRead = 65536, MaxWrite = 65536, MaxTransaction = 65536 } },
        { "open ADMIN$", new() { AdminShare = SambaAdminShare.Everybody } },
        { "a disk of its own", new() { DiskSize = 64 << 20 } },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task StartAsync_AnyVariant_StoresAndReturnsAFile(string name, SambaOptions options)
    {
        Assert.NotEmpty(name);
        await using var server = await SambaServer.StartAsync(options);
        var content = new byte[300_000];
        new Random(1).NextBytes(content);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, content);
            var client = new SmbClientTool(server, SambaAccount.Administrator);
            (await client.PutAsync(SambaServer.ShareName, file, @"EFI\rom.bin")).Required("put");
            Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(server.ShareFolder, "EFI", "rom.bin")));
            (await client.GetAsync(SambaServer.ShareName, @"EFI\rom.bin", file)).Required("get");
            Assert.Equal(content, await File.ReadAllBytesAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task ImportAsync_WhileRunning_ChangesWhatThePipeAnswers()
    {
        var registry = new SambaRegistry().WithIdentity("Contoso", @"Server ""9"" \ é", "SKU-1").WithBootId(7)
            .WithPciDevice("VEN_103C&DEV_3239&SUBSYS_21CB103C&REV_01", "4&1", "Smart Array", "hpsa");
        await using var server = await SambaServer.StartAsync(new() { Registry = registry });
        var rpc = new NetRpc(server, SambaAccount.Administrator);
        Assert.Contains("\"Server \"9\" \\ é\"", (await rpc.GetValueAsync(Bios, "SystemProductName")).Required("getvalue").Output, StringComparison.Ordinal);
        Assert.Contains("= 7\n", (await rpc.GetValueAsync(Prefetch, "BootId")).Required("getvalue").Output, StringComparison.Ordinal);
        var device = (await rpc.RunAsync("registry", "enumerate", @"HKLM\SYSTEM\CurrentControlSet\Enum\PCI\VEN_103C&DEV_3239&SUBSYS_21CB103C&REV_01\4&1")).Required("enumerate").Output;
        Assert.Contains(@"""PCI\VEN_103C&DEV_3239&SUBSYS_21CB103C&REV_01""", device, StringComparison.Ordinal);

        await server.ImportAsync(new SambaRegistry().WithBootId(8));
        Assert.Contains("= 8\n", (await rpc.GetValueAsync(Prefetch, "BootId")).Required("getvalue").Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DisposeAsync_AfterPipesWereServed_LeavesNeitherProcessNorFolder()
    {
        var server = await SambaServer.StartAsync(new() { Registry = new SambaRegistry().WithBootId(1), DiskSize = 1 << 20 });
        (await new NetRpc(server, SambaAccount.Administrator).GetValueAsync(Prefetch, "BootId")).Required("getvalue");
        Assert.Contains(server.Processes, p => CommandLine(p).Contains("samba-dcerpcd", StringComparison.Ordinal));
        await server.DisposeAsync();
        Assert.Empty(server.Processes);
        Assert.False(Path.Exists(Path.GetDirectoryName(server.ConfigurationFile)));
        Assert.DoesNotContain(Path.GetDirectoryName(server.ConfigurationFile)!, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
    }

    private static string CommandLine(int process) => File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/cmdline"));
}
