using System.Diagnostics;
using System.Globalization;
using RomFlash.Peers;
using RomFlash.Peers.Links;
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Peers;

/// <summary>The private sshd is what the tests of the transport take it for; asked by ssh itself.</summary>
[Trait("Category", "Peer")]
public sealed class SshServerTests
{
    [Fact]
    public async Task RestartAsync_WithAConnection_EndsItAndKeepsPortAndKeys()
    {
        await using var server = await SshServer.StartAsync();
        using var client = Begin(server, "echo up; exec sleep 60");
        Assert.Equal("up", await client.StandardOutput.ReadLineAsync());
        var (port, processes) = (server.Port, server.Processes);
        Assert.NotEmpty(server.ConnectionProcesses);
        await server.RestartAsync();
        await EndAsync(client);
        Assert.Equal(port, server.Port);
        Assert.Empty(server.Processes.Intersect(processes));
        Assert.Equal("again\n", (await RunAsync(server, "echo again")).Required("ssh").Output);
    }

    [Fact]
    public async Task KillConnectionsAsync_TwoConnections_EndsThemWithWhatTheyRunAndTakesNewOnes()
    {
        await using var server = await SshServer.StartAsync();
        using var first = Begin(server, "sleep 61 & echo $!; wait");
        using var second = Begin(server, "echo $$; exec sleep 61");
        int[] running = [int.Parse((await first.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture), int.Parse((await second.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture)];

        // Each tells its number before it is that program.
        await RemoteShellTests.WaitForAsync(() => running.All(p => Name(p).Contains("sleep", StringComparison.Ordinal)));
        var listener = server.Processes[0];
        await server.KillConnectionsAsync();
        await EndAsync(first);
        await EndAsync(second);
        Assert.All(running, p => Assert.DoesNotContain("sleep", Name(p), StringComparison.Ordinal));
        Assert.Equal("taken\n", (await RunAsync(server, "echo taken")).Required("ssh").Output);
        Assert.Equal(listener, server.Processes[0]);
    }

    [Fact]
    public async Task FreezeAsync_AnyConnection_AnswersAfterThawAlone()
    {
        await using var server = await SshServer.StartAsync();
        using var client = Begin(server, "echo up; read -r line; echo \"$line\"");
        Assert.Equal("up", await client.StandardOutput.ReadLineAsync());
        await server.FreezeAsync();
        await client.StandardInput.WriteLineAsync("question");
        await client.StandardInput.FlushAsync();
        var answer = client.StandardOutput.ReadLineAsync();
        await Task.Delay(300);
        Assert.False(answer.IsCompleted);
        server.Thaw();
        Assert.Equal("question", await answer.WaitAsync(TimeSpan.FromSeconds(30)));
        await EndAsync(client);
    }

    [Fact]
    public async Task StartAsync_AccountThatMayRunAShell_IsNotRootAndBecomesIt()
    {
        await using var server = await SshServer.StartAsync(new SshServerOptions { Account = new("romflash", SshSudo.MayRunShell) });
        var secret = Path.Combine(server.Folder, "secret");
        await File.WriteAllTextAsync(secret, "for root alone");
        (await PeerProgram.RunAsync(PeerProgram.Find("chmod", "coreutils"), ["400", secret])).Required("chmod");
        var login = (await RunAsync(server, "id -un; id -u; pwd")).Required("ssh").Output.Split('\n');
        Assert.Equal("romflash", login[0]);
        Assert.InRange(int.Parse(login[1], CultureInfo.InvariantCulture), 1000, int.MaxValue);
        Assert.Equal(Path.Combine(server.Folder, "home"), login[2]);
        Assert.Contains("Permission denied", (await RunAsync(server, $"cat {secret}")).Errors, StringComparison.Ordinal);

        // A new environment, all of root's rights, and nothing but a shell.
        Assert.Equal("0 0 unset\nfor root alone", (await RunAsync(server, $"A=1 sudo -n /bin/sh -c 'echo $(id -u) $(id -ru) ${{A-unset}}; cat {secret}'")).Required("sudo").Output);
        Assert.Equal("0\n", (await RunAsync(server, "echo id -u | sudo -n -- sh")).Required("sudo").Output);
        Assert.Equal((1, "sudo: a password is required\n"), Refusal(await RunAsync(server, "sudo -n id -u")));

        // The account is the server's alone, and so is what gains root's rights.
        Assert.DoesNotContain("romflash:", await File.ReadAllTextAsync("/etc/passwd"), StringComparison.Ordinal);
        Assert.Empty(System.IO.Directory.GetFiles(Path.Combine(server.Folder, "private")));
        Assert.Equal("root\n", (await RunAsync(server, "id -un", "root@127.0.0.1")).Required("ssh").Output);
    }

    [Theory]
    [InlineData(SshSudo.Missing, 127, "sudo")]
    [InlineData(SshSudo.NeedsPassword, 1, "sudo: a password is required\n")]
    [InlineData(SshSudo.NeedsTerminal, 1, "sudo: sorry, you must have a tty to run sudo\n")]
    public async Task StartAsync_AccountWithoutTheRule_IsRefused(SshSudo sudo, int code, string text)
    {
        await using var server = await SshServer.StartAsync(new SshServerOptions { Account = new("romflash", sudo) });
        var refusal = Refusal(await RunAsync(server, "sudo -n /bin/sh -c 'id -u'"));
        Assert.Equal(code, refusal.ExitCode);
        Assert.Contains(text, refusal.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WriteStandIn_AProgramOfTheSystem_IsFoundFirstUntilRemoved()
    {
        await using var server = await SshServer.StartAsync();
        server.WriteStandIn("uname", "echo another");
        Assert.Equal("another\n", (await RunAsync(server, "uname")).Required("ssh").Output);
        server.RemoveStandIn("uname");
        Assert.Equal("Linux\n", (await RunAsync(server, "uname")).Required("ssh").Output);
    }

    [Fact]
    public async Task DisposeAsync_WithAccountAndPartition_LeavesNeitherMountNorFolder()
    {
        var server = await SshServer.StartAsync(new SshServerOptions { Account = new("romflash", SshSudo.MayRunShell) });
        await LinuxRoot.CreateAsync(server, new() { PartitionSize = 1 << 20 });
        Assert.Contains(server.Folder, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
        await server.DisposeAsync();
        Assert.DoesNotContain(server.Folder, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
        Assert.False(Path.Exists(server.Folder));
    }

    [Fact]
    public async Task FaultProxy_BeforeSshd_CountsAndCutsAtTheByteThatIsNamed()
    {
        await using var server = await SshServer.StartAsync();
        await using var proxy = FaultProxy.Start(server.EndPoint);
        var told = proxy.ReachAsync(LinkDirection.ToClient, 1_000_000);
        Assert.Equal(2_000_000, (await ThroughAsync("head -c 2000000 /dev/zero | tr '\\0' x")).Required("ssh").Output.Length);
        await told;
        Assert.InRange(proxy.Bytes(LinkDirection.ToClient), 2_000_000, 2_200_000);
        Assert.InRange(proxy.Bytes(LinkDirection.ToServer), 2_000, 200_000);
        Assert.True(proxy.ReachAsync(LinkDirection.ToClient, 1_000_000).IsCompleted);

        var at = proxy.Bytes(LinkDirection.ToClient) + 500_000;
        var cut = proxy.Arm(LinkFault.AfterBytes(LinkDirection.ToClient, at));
        var result = await ThroughAsync("head -c 2000000 /dev/zero | tr '\\0' x");
        await cut;
        Assert.Equal(255, result.ExitCode);
        Assert.Equal(at, proxy.Bytes(LinkDirection.ToClient));
        Assert.InRange(result.Output.Length, 0, 500_000);
        Assert.Equal("whole\n", (await ThroughAsync("echo whole")).Required("ssh").Output);

        Task<PeerResult> ThroughAsync(string command) => RunAsync(server, command, port: proxy.Port);
    }

    [Fact]
    public async Task ReachAsync_SoManyBytesWentUp_IsWhenTheServerIsFrozen()
    {
        await using var server = await SshServer.StartAsync();
        await using var proxy = FaultProxy.Start(server.EndPoint, bufferSize: 64 << 10);
        var file = Path.Combine(server.Folder, "sent");
        var reached = proxy.ReachAsync(LinkDirection.ToServer, 10_000_000);
        var running = RunAsync(server, $"cat >{file}", port: proxy.Port, input: new string('x', 30_000_000));
        await reached;
        await server.FreezeAsync();
        await Task.Delay(300);
        Assert.InRange(new FileInfo(file).Length, 1, 29_000_000);
        Assert.False(running.IsCompleted);
        server.Thaw();
        (await running).Required("ssh");
        Assert.Equal(30_000_000, new FileInfo(file).Length);
    }

    private static (int ExitCode, string Errors) Refusal(PeerResult result) => (result.ExitCode, result.Errors);

    private static string[] Arguments(SshServer server, string command, string host, int? port) =>
        ["-F", server.ClientConfiguration, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=" + (port is null ? "yes" : "no"), "-o", "LogLevel=ERROR", "-T", "-p", (port ?? server.Port).ToString(CultureInfo.InvariantCulture), host, command];

    private static Task<PeerResult> RunAsync(SshServer server, string command, string host = "127.0.0.1", int? port = null, string? input = null) =>
        PeerProgram.RunAsync(PeerProgram.Find("ssh", "openssh-client"), Arguments(server, command, host, port), input);

    private static Process Begin(SshServer server, string command) =>
        Process.Start(new ProcessStartInfo(PeerProgram.Find("ssh", "openssh-client"), Arguments(server, command, "127.0.0.1", null)) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    private static Task EndAsync(Process client) => client.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));

    private static string Name(int process)
    {
        var file = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/cmdline");
        return File.Exists(file) ? File.ReadAllText(file) : string.Empty;
    }
}
