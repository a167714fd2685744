using System.Globalization;
using System.Net.Sockets;
using RomFlash.Peers;
using RomFlash.Peers.Links;
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

    [Fact]
    public async Task ShutdownRequests_AskedForByAnAdministratorAndAnotherAccount_TellsBothApart()
    {
        await using var server = await SambaServer.StartAsync();
        Assert.Empty(server.ShutdownRequests);
        (await new NetRpc(server, SambaAccount.Administrator).RestartAsync("new firmware")).Required("shutdown");
        Assert.NotEqual(0, (await new NetRpc(server, SambaAccount.Operator).RestartAsync("not mine")).ExitCode);
        (await new NetRpc(server, SambaAccount.Administrator).AbortShutdownAsync()).Required("abort");
        var requests = server.ShutdownRequests;
        Assert.Equal((0, false, true), (requests[0].User, requests[0].IsAbort, requests[0].Arguments.Contains("-r")));
        Assert.Contains("new_firmware", string.Join(' ', requests[0].Arguments), StringComparison.Ordinal);
        Assert.Equal((0, true), (requests[^1].User, requests[^1].IsAbort));

        // The tool asks once more on another pipe when it is refused.
        Assert.InRange(requests.Count, 3, 4);
        Assert.All(requests.Skip(1).SkipLast(1), r => Assert.NotEqual(0, r.User));
    }

    [Fact]
    public async Task StartAsync_WithAccountsOfEveryState_RefusesEachByItsOwnName()
    {
        await using var server = await SambaServer.StartAsync(new()
        {
            Accounts = [SambaAccount.Administrator, SambaAccount.Operator, SambaAccount.Disabled, SambaAccount.Expired, SambaAccount.MustChangePassword],
        });
        Assert.Equal(0, (await ListAsync(SambaAccount.Administrator)).ExitCode);
        Assert.Contains("tree connect failed: NT_STATUS_ACCESS_DENIED", (await ListAsync(SambaAccount.Operator)).Text, StringComparison.Ordinal);
        Assert.Contains("NT_STATUS_ACCOUNT_DISABLED", (await ListAsync(SambaAccount.Disabled)).Text, StringComparison.Ordinal);
        Assert.Contains("NT_STATUS_ACCOUNT_EXPIRED", (await ListAsync(SambaAccount.Expired)).Text, StringComparison.Ordinal);
        Assert.Contains("NT_STATUS_PASSWORD_MUST_CHANGE", (await ListAsync(SambaAccount.MustChangePassword)).Text, StringComparison.Ordinal);
        Assert.Contains("NT_STATUS_LOGON_FAILURE", (await ListAsync(SambaAccount.Administrator with { Password = "wrong" })).Text, StringComparison.Ordinal);
        Assert.Contains("NT_STATUS_LOGON_FAILURE", (await ListAsync(new("nobody-here", "x", SambaAccountState.Plain))).Text, StringComparison.Ordinal);

        Task<PeerResult> ListAsync(SambaAccount account) => new SmbClientTool(server, account).ListAsync(SambaServer.ShareName);
    }

    [Theory]
    [InlineData(SambaAdminShare.None, "NT_STATUS_BAD_NETWORK_NAME", "NT_STATUS_BAD_NETWORK_NAME")]
    [InlineData(SambaAdminShare.AdministratorsOnly, null, "NT_STATUS_ACCESS_DENIED")]
    [InlineData(SambaAdminShare.Everybody, null, null)]
    public async Task StartAsync_AdminShare_IsOpenToWhomTheOptionSays(SambaAdminShare share, string? administrator, string? other)
    {
        await using var server = await SambaServer.StartAsync(new() { AdminShare = share });
        await AssertAsync(SambaAccount.Administrator, administrator);
        await AssertAsync(SambaAccount.Operator, other);

        async Task AssertAsync(SambaAccount account, string? refusal)
        {
            var result = await new SmbClientTool(server, account).RunAsync("ADMIN$", "quit");
            Assert.Equal(refusal is null, result.ExitCode == 0);
            Assert.Contains(refusal ?? string.Empty, result.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task StartAsync_WithoutRegistryPipes_HasNone()
    {
        await using var server = await SambaServer.StartAsync(new() { RegistryPipes = false, Registry = new SambaRegistry().WithBootId(1) });
        var result = await new NetRpc(server, SambaAccount.Administrator).GetValueAsync(Prefetch, "BootId");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("pipe", result.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Processes, p => CommandLine(p).Contains("samba-dcerpcd", StringComparison.Ordinal));
    }

    [Fact]
    public async Task StartAsync_WithAReadOnlyShareOrOneMore_LetsReadAlone()
    {
        await using var server = await SambaServer.StartAsync(new() { ReadOnlyShare = true, ExtraShares = [new("DATA") { AdministratorsOnly = true }] });
        var client = new SmbClientTool(server, SambaAccount.Administrator);
        Assert.Contains("EFI", (await client.ListAsync(SambaServer.ShareName)).Required("ls").Output, StringComparison.Ordinal);
        Assert.Contains("NT_STATUS_ACCESS_DENIED", (await client.PutAsync(SambaServer.ShareName, "/etc/hostname", "a")).Text, StringComparison.Ordinal);
        (await client.PutAsync("DATA", "/etc/hostname", "a")).Required("put");
    }

    [Fact]
    public async Task StartAsync_MapsToGuest_LetsAnybodyIn()
    {
        await using var server = await SambaServer.StartAsync(new() { MapsToGuest = true });
        (await new SmbClientTool(server, new("nobody-here", "x", SambaAccountState.Plain)).ListAsync(SambaServer.ShareName)).Required("ls");
        Assert.NotEqual(0, (await new SmbClientTool(server, SambaAccount.Administrator with { Password = "wrong" }).ListAsync(SambaServer.ShareName)).ExitCode);
    }

    [Fact]
    public async Task StartAsync_WithADiskOfItsOwn_IsFullWhenItIsFull()
    {
        await using var server = await SambaServer.StartAsync(new() { DiskSize = 1 << 20 });
        var client = new SmbClientTool(server, SambaAccount.Administrator);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, new byte[2 << 20]);
            Assert.Contains("NT_STATUS_DISK_FULL", (await client.PutAsync(SambaServer.ShareName, file, "big")).Text, StringComparison.Ordinal);
            Assert.Contains("1024 blocks of size 1024. 0 blocks available", (await client.ListAsync(SambaServer.ShareName)).Output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task FreezeAsync_AnyConnection_AnswersAfterThawAlone()
    {
        await using var server = await SambaServer.StartAsync();
        using var socket = await NegotiatedAsync(server);
        await server.FreezeAsync();
        Assert.All(server.Processes, p => Assert.Contains("\nState:\tT", File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{p}/status")), StringComparison.Ordinal));
        using var another = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await another.ConnectAsync(server.EndPoint);
        await another.SendAsync(Negotiate, SocketFlags.None);
        using var little = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await another.ReceiveAsync(new byte[1000], little.Token));
        server.Thaw();
        Assert.NotEqual(0, await another.ReceiveAsync(new byte[1000]));
    }

    [Fact]
    public async Task KillConnectionsAsync_TwoConnections_EndsThemAndTakesNewOnes()
    {
        await using var server = await SambaServer.StartAsync();
        using var first = await NegotiatedAsync(server);
        using var second = await NegotiatedAsync(server);
        Assert.Equal(2, server.ConnectionProcesses.Count);
        await server.KillConnectionsAsync();
        Assert.Equal(0, await ReceiveAsync(first));
        Assert.Equal(0, await ReceiveAsync(second));
        using var third = await NegotiatedAsync(server);
        Assert.Single(server.ConnectionProcesses);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SmbClientSession_SeveralCommands_StoresAndFetchesOverOneConnection(bool isEncrypted)
    {
        await using var server = await SambaServer.StartAsync();
        var local = Path.Combine(server.ShareFolder, "local");
        await File.WriteAllTextAsync(local, "content");
        await using var client = SmbClientSession.Start(server, SambaAccount.Administrator, SambaServer.ShareName, isEncrypted);
        Assert.True(await client.PutAsync(local, "stored") > TimeSpan.Zero);
        Assert.Single(server.ConnectionProcesses);
        Assert.True(await client.GetAsync("stored", local + "-again") > TimeSpan.Zero);
        Assert.Equal("content", await File.ReadAllTextAsync(local + "-again"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetAsync("nothing", "/dev/null"));
    }

    [Fact]
    public async Task RestartAsync_AfterAPut_KeepsPortAndState()
    {
        await using var server = await SambaServer.StartAsync(new() { Registry = new SambaRegistry().WithBootId(7) });
        var client = new SmbClientTool(server, SambaAccount.Administrator);
        using var socket = await NegotiatedAsync(server);
        (await client.PutAsync(SambaServer.ShareName, "/etc/hostname", "kept")).Required("put");
        var (port, processes) = (server.Port, server.Processes);
        await server.RestartAsync();
        Assert.Equal(0, await ReceiveAsync(socket));
        Assert.Equal(port, server.Port);
        Assert.Empty(server.Processes.Intersect(processes));
        Assert.Contains("kept", (await client.ListAsync(SambaServer.ShareName)).Required("ls").Output, StringComparison.Ordinal);
        Assert.Contains("= 7\n", (await new NetRpc(server, SambaAccount.Administrator).GetValueAsync(Prefetch, "BootId")).Required("getvalue").Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FaultProxy_BeforeSmbclient_CutsAtTheMessageThatIsNamed()
    {
        await using var server = await SambaServer.StartAsync();
        await using var proxy = FaultProxy.Start(server.EndPoint, MessageFraming.Smb);
        var client = new SmbClientTool(server, SambaAccount.Administrator);
        (await ListAsync()).Required("ls through the proxy");
        var (requests, answers) = (proxy.Requests, proxy.Answers);
        Assert.InRange(requests, 5, 100);
        Assert.InRange(answers, requests, requests + 1);
        var cut = proxy.Arm(LinkFault.BeforeRequest(requests + 3));
        Assert.NotEqual(0, (await ListAsync()).ExitCode);
        await cut;
        Assert.Equal(requests + 2, proxy.Requests);

        Task<PeerResult> ListAsync() => client.RunAsync(SambaServer.ShareName, "ls", "-p", proxy.Port.ToString(CultureInfo.InvariantCulture));
    }

    // NEGOTIATE of 2.1 (MS-SMB2, 2.2.1.2, 2.2.3): what smbd answers first.
    private static byte[] Negotiate
    {
        get
        {
            // Without a client's identity of its own, smbd serves the connection in the process of the first that had the same.
            var message = new byte[4 + 64 + 36 + 2];
            message[3] = 64 + 36 + 2;
            new byte[] { 0xFE, (byte)'S', (byte)'M', (byte)'B', 64, 0 }.CopyTo(message, 4);
            message[4 + 14] = 1;
            message[4 + 64] = 36;
            Guid.NewGuid().TryWriteBytes(message.AsSpan(4 + 64 + 12));
            message[4 + 64 + 2] = 1;
            message[4 + 64 + 4] = 1;
            message[4 + 64 + 36] = 0x10;
            message[4 + 64 + 37] = 0x02;
            return message;
        }
    }

    private static async Task<Socket> NegotiatedAsync(SambaServer server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.EndPoint);
        await socket.SendAsync(Negotiate, SocketFlags.None);
        var answer = new byte[1000];
        Assert.InRange(await socket.ReceiveAsync(answer), 4 + 64, 1000);
        Assert.Equal(0xFE, answer[4]);
        return socket;
    }

    // 0 when the connection has ended, in whichever way.
    private static async Task<int> ReceiveAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1000]);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private static string CommandLine(int process) => File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/cmdline"));
}
