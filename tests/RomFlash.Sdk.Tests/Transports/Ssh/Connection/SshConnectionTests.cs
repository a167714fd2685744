using System.Diagnostics;
using RomFlash.Peers.Ssh;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

/// <summary>Everything that needs a server, against OpenSSH's own.</summary>
[Trait("Category", "Peer")]
public sealed class SshConnectionTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenAsync_Server_RunsScriptsAndMovesBytes(bool multiplex)
    {
        await using var server = await SshServer.StartAsync();
        await using (var connection = await RemoteShellTests.ConnectAsync(Client(server, multiplex), Address(server)))
        {
            Assert.Equal(multiplex, connection.MasterProcessId is not null);
            await using var shell = await RemoteShellTests.OpenShellAsync(connection);
            var reply = await RemoteShellTests.RunAsync(shell, "printf 'a\\000\\377'; echo err >&2; exit 3");
            Assert.Equal(3, reply.ExitStatus);
            Assert.Equal([(byte)'a', 0, 255], reply.Output);
            Assert.Equal("err\n", reply.ErrorText);

            var bytes = new byte[3_000_001];
            new Random(1).NextBytes(bytes);
            var file = Path.Combine(server.Folder, "moved");
            await using (var up = await RemoteShellTests.OpenChannelAsync(connection, $"cat >{ShellText.Quote(file)}"))
            {
                Assert.True((await up.WriteAsync(bytes, CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
                Assert.True((await up.FinishAsync(TimeSpan.FromSeconds(60), CancellationToken.None)).TryGetValue(out var end, out fault), fault?.ToString());
                Assert.Equal((0, ""), (end.ExitStatus, end.Errors));
            }

            Assert.Equal(bytes, await File.ReadAllBytesAsync(file));
            await using var down = await RemoteShellTests.OpenChannelAsync(connection, $"cat {ShellText.Quote(file)}");
            var back = new MemoryStream();
            var buffer = new byte[100_000];
            while (true)
            {
                Assert.True((await down.ReadAsync(buffer, CancellationToken.None)).TryGetValue(out var read, out var fault), fault?.ToString());
                if (read == 0)
                {
                    break;
                }

                back.Write(buffer, 0, read);
            }

            Assert.True((await down.FinishAsync(TimeSpan.FromSeconds(60), CancellationToken.None)).TryGetValue(out _, out var last), last?.ToString());
            Assert.Equal(bytes, back.ToArray());
        }

        await RemoteShellTests.WaitForAsync(() => server.Clients is []);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenAsync_RightPin_NeedsNoKnownHosts(bool multiplex)
    {
        await using var server = await SshServer.StartAsync();
        File.Delete(server.KnownHosts);
        foreach (var pin in new[] { server.Fingerprint, server.RsaFingerprint })
        {
            await using var connection = await RemoteShellTests.ConnectAsync(Client(server, multiplex), Address(server, pin));
            await using var shell = await RemoteShellTests.OpenShellAsync(connection);
            Assert.Equal("hi\n", (await RemoteShellTests.RunAsync(shell, "echo hi")).Text);
        }

        Assert.False(File.Exists(server.KnownHosts));
    }

    [Fact]
    public async Task OpenAsync_WrongPin_IsNotTrustedAlthoughItIsKnown()
    {
        await using var server = await SshServer.StartAsync();
        const string Other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        var fault = await FaultAsync(Client(server), Address(server, Other));
        Assert.Equal((TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Contains(Other, fault.Detail, StringComparison.Ordinal);
        Assert.Contains(server.Fingerprint, fault.Detail, StringComparison.Ordinal);
        Assert.Contains(server.RsaFingerprint, fault.Detail, StringComparison.Ordinal);

        // Nobody was logged on.
        Assert.DoesNotContain("Accepted", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_UnknownKey_IsNotTrustedAndSaysWhich()
    {
        await using var server = await SshServer.StartAsync();
        await File.WriteAllTextAsync(server.KnownHosts, "");
        var fault = await FaultAsync(Client(server), Address(server));
        Assert.Equal((TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Contains(server.Fingerprint, fault.Detail, StringComparison.Ordinal);
        Assert.Equal("", await File.ReadAllTextAsync(server.KnownHosts));
    }

    [Fact]
    public async Task OpenAsync_ChangedKey_IsNotTrustedAndSaysWhich()
    {
        await using var server = await SshServer.StartAsync();
        await using var other = await SshServer.StartAsync();
        var key = await KeyOfAsync(other, server);
        await File.WriteAllTextAsync(server.KnownHosts, key);
        var fault = await FaultAsync(Client(server), Address(server));
        Assert.Equal((TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Contains($"the known host key is {other.Fingerprint}", fault.Detail, StringComparison.Ordinal);
        Assert.Contains($"the peer's host key is {server.Fingerprint}", fault.Detail, StringComparison.Ordinal);
        Assert.Equal(key, await File.ReadAllTextAsync(server.KnownHosts));
    }

    [Fact]
    public async Task OpenAsync_ConfigurationThatWeakens_IsOverruled()
    {
        await using var server = await SshServer.StartAsync();
        var ran = Path.Combine(server.Folder, "ran");
        await File.AppendAllTextAsync(
            server.ClientConfiguration,
            $"""
            StrictHostKeyChecking no
            NoHostAuthenticationForLocalhost yes
            UpdateHostKeys yes
            LogLevel QUIET
            RequestTTY force
            RemoteCommand echo instead
            PermitLocalCommand yes
            LocalCommand echo >{ran}
            ControlMaster auto
            ControlPath {Path.Combine(server.Folder, "shared")}
            ControlPersist yes

            """);
        var known = await File.ReadAllTextAsync(server.KnownHosts);
        foreach (var multiplex in new[] { true, false })
        {
            await File.WriteAllTextAsync(server.KnownHosts, "");
            Assert.Equal(TransportFaultKind.PeerNotTrusted, (await FaultAsync(Client(server, multiplex), Address(server))).Kind);
            await File.WriteAllTextAsync(server.KnownHosts, known);
            await using (var connection = await RemoteShellTests.ConnectAsync(Client(server, multiplex), Address(server)))
            {
                await using var shell = await RemoteShellTests.OpenShellAsync(connection);
                Assert.Equal("no tty\n", (await RemoteShellTests.RunAsync(shell, "[ -t 0 ] || [ -n \"$SSH_TTY\" ] || echo no tty")).Text);
            }

            Assert.Equal(known, await File.ReadAllTextAsync(server.KnownHosts));
            Assert.False(File.Exists(ran) || File.Exists(Path.Combine(server.Folder, "shared")));
        }

        await RemoteShellTests.WaitForAsync(() => server.Clients is []);
    }

    [Fact]
    public async Task OpenAsync_PinnedWithConfigurationThatTrustsMore_TrustsThePinAlone()
    {
        await using var server = await SshServer.StartAsync();
        await using var other = await SshServer.StartAsync();
        await File.AppendAllTextAsync(server.ClientConfiguration, $"KnownHostsCommand /bin/cat {server.KnownHosts}\nVerifyHostKeyDNS yes\nGSSAPIKeyExchange yes\n");
        await using (await RemoteShellTests.ConnectAsync(Client(server), Address(server, server.RsaFingerprint)))
        {
        }

        Assert.Equal(TransportFaultKind.PeerNotTrusted, (await FaultAsync(Client(server), Address(server, other.Fingerprint))).Kind);

        // A peer that showed another key when it was asked than it does now: only what was pinned then is known.
        var pinned = Path.Combine(server.Folder, "pinned");
        await File.WriteAllTextAsync(pinned, await KeyOfAsync(other, server));
        var client = Client(server);
        var nonce = SshChannel.NewNonce();
        Assert.True(client.Start(client.Connect(Address(server), new(null, pinned), SshChannel.CommandLine(nonce, 1))).TryGetValue(out var process, out var fault), fault?.ToString());
        Assert.False((await SshChannel.OpenAsync(process, nonce, new byte[1], client.Options, client.Time, CancellationToken.None)).TryGetValue(out _, out fault));
        Assert.Equal((TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Keeper_InputEnds_EndsByItselfWithAllChannels(bool multiplex)
    {
        await using var server = await SshServer.StartAsync();
        var client = Client(server, multiplex);
        var socket = multiplex ? Path.Combine(server.Folder, "m") : null;
        var nonce = SshChannel.NewNonce();
        var framed = SshChannel.Frame(nonce, SshConnection.KeeperScript);
        Assert.True(client.Start(client.Connect(Address(server), new(socket, null), SshChannel.CommandLine(nonce, framed.Length))).TryGetValue(out var process, out var fault), fault?.ToString());
        Assert.True((await SshChannel.OpenAsync(process, nonce, framed, client.Options, client.Time, CancellationToken.None)).TryGetValue(out var keeper, out fault), fault?.ToString());
        await using (keeper)
        {
            Assert.True(!multiplex || File.Exists(socket));

            // As the end of this process does it: the pipe is closed, and nobody ends anything by its id.
            Assert.True((await keeper.FinishAsync(TimeSpan.FromSeconds(60), CancellationToken.None)).TryGetValue(out var end, out fault), fault?.ToString());
            Assert.Equal(0, end.ExitStatus);
            Assert.Equal(0, process.ExitCode);
            Assert.False(File.Exists(socket));
        }
    }

    [Fact]
    public async Task OpenAsync_StrangersKey_IsRejected()
    {
        await using var server = await SshServer.StartAsync();
        var fault = await FaultAsync(Client(server, configuration: server.StrangerConfiguration), Address(server));
        Assert.Equal((TransportFaultKind.CredentialsRejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        await RemoteShellTests.WaitForAsync(() => server.Clients is []);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenAsync_NothingListens_IsRefused(bool pinned)
    {
        await using var server = await SshServer.StartAsync();
        var address = Address(server, pinned ? server.Fingerprint : null);
        await server.KillAsync();
        var fault = await FaultAsync(Client(server), address);
        Assert.Equal((TransportFaultKind.Refused, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenAsync_FrozenServer_IsGivenUpInTime(bool pinned)
    {
        await using var server = await SshServer.StartAsync();
        try
        {
            await server.FreezeAsync();
            var watch = Stopwatch.StartNew();
            var fault = await FaultAsync(Client(server, timeout: Deadline), Address(server, pinned ? server.Fingerprint : null));
            Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.NotSent), (fault.Kind, fault.Effect));
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, (2 * Deadline) + TimeSpan.FromSeconds(1));
        }
        finally
        {
            server.Thaw();
        }

        await RemoteShellTests.WaitForAsync(() => server.Clients is []);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunAsync_ServerKilled_IsLost(bool multiplex)
    {
        await using var server = await SshServer.StartAsync();
        await using var connection = await RemoteShellTests.ConnectAsync(Client(server, multiplex), Address(server));
        await using var shell = await RemoteShellTests.OpenShellAsync(connection);
        var (_, running) = await BeginAsync(server, shell, TimeSpan.FromSeconds(60));
        await server.KillAsync();
        var watch = Stopwatch.StartNew();
        Assert.False((await running).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));

        // No channel is opened behind the connection's back, were the server there or not.
        Assert.False((await connection.OpenChannelAsync("true", CancellationToken.None)).TryGetValue(out _, out fault));
        Assert.Equal(FaultEffect.NotSent, fault.Effect);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunAsync_ServerFrozen_IsGivenUpInTime(bool multiplex)
    {
        await using var server = await SshServer.StartAsync();
        try
        {
            await using (var connection = await RemoteShellTests.ConnectAsync(Client(server, multiplex), Address(server)))
            {
                await using var shell = await RemoteShellTests.OpenShellAsync(connection);
                var (begun, running) = await BeginAsync(server, shell, Deadline);
                await server.FreezeAsync();
                Assert.False((await running).TryGetValue(out _, out var fault));
                Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
                Assert.InRange(begun.Elapsed, TimeSpan.Zero, Deadline + TimeSpan.FromSeconds(1));
            }

            // Closing does not wait for who does not answer.
            await RemoteShellTests.WaitForAsync(() => server.Clients is []);
        }
        finally
        {
            server.Thaw();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenChannelAsync_MasterGone_ConnectsToNothing(bool kill)
    {
        await using var server = await SshServer.StartAsync();
        await using var connection = await RemoteShellTests.ConnectAsync(Client(server), Address(server));
        using (var master = Process.GetProcessById(connection.MasterProcessId!.Value))
        {
            if (kill)
            {
                master.Kill();
            }
            else
            {
                // Its socket goes, it stays: a client finds nothing and must not connect for itself.
                foreach (var folder in System.IO.Directory.EnumerateDirectories(Path.GetTempPath(), "rf-*").Where(f => Words(master.Id).Contains(Path.Combine(f, "m"))))
                {
                    File.Delete(Path.Combine(folder, "m"));
                }
            }

            var before = Accepted(server);
            Assert.False((await connection.OpenChannelAsync("true", CancellationToken.None)).TryGetValue(out _, out var fault));
            Assert.Equal((TransportFaultKind.Lost, FaultEffect.NotSent), (fault.Kind, fault.Effect));
            Assert.Equal(before, Accepted(server));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunAsync_Cancelled_AnswersAtOnceAndLeavesNoProcess(bool multiplex)
    {
        await using var server = await SshServer.StartAsync();
        var connection = await RemoteShellTests.ConnectAsync(Client(server, multiplex), Address(server));
        await using (connection)
        {
            var quickest = TimeSpan.MaxValue;
            for (var i = 0; i < 5; i++)
            {
                await using var shell = await RemoteShellTests.OpenShellAsync(connection);
                using var stop = new CancellationTokenSource();
                var (_, running) = await BeginAsync(server, shell, TimeSpan.FromSeconds(60), stop.Token);
                var watch = Stopwatch.StartNew();
                await stop.CancelAsync();
                Assert.False((await running).TryGetValue(out _, out var fault));
                quickest = watch.Elapsed < quickest ? watch.Elapsed : quickest;
                Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
                await RemoteShellTests.WaitForAsync(() => !server.Clients.Contains(shell.ProcessId));
            }

            // The quickest of some: other tests have the processor at times, and what is held here is that nothing is waited for.
            Assert.InRange(quickest, TimeSpan.Zero, TimeSpan.FromMilliseconds(200));

            // Another shell of the same session works.
            await using var next = await RemoteShellTests.OpenShellAsync(connection);
            Assert.Equal("on\n", (await RemoteShellTests.RunAsync(next, "echo on")).Text);
        }

        await RemoteShellTests.WaitForAsync(() => server.Clients is []);
    }

    [Fact]
    public async Task OpenAsync_Cancelled_LeavesNoProcess()
    {
        await using var server = await SshServer.StartAsync();
        try
        {
            await server.FreezeAsync();
            foreach (var pin in new[] { null, server.Fingerprint })
            {
                using var stop = new CancellationTokenSource();
                var opening = SshConnection.OpenAsync(Client(server, timeout: TimeSpan.FromSeconds(60)), Address(server, pin), stop.Token);
                await RemoteShellTests.WaitForAsync(() => server.Clients is not []);
                await stop.CancelAsync();
                Assert.False((await opening).TryGetValue(out _, out var fault));
                Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
                await RemoteShellTests.WaitForAsync(() => server.Clients is []);
            }
        }
        finally
        {
            server.Thaw();
        }
    }

    [Fact]
    public async Task OpenChannelAsync_ServerAllowsOneSession_IsBusy()
    {
        await using var server = await SshServer.StartAsync("MaxSessions 1");
        await using var connection = await RemoteShellTests.ConnectAsync(Client(server), Address(server));
        Assert.False((await connection.OpenChannelAsync("true", CancellationToken.None)).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Busy, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task OpenAsync_AccountWithForcedCommand_IsUnsupported()
    {
        await using var server = await SshServer.StartAsync("ForceCommand echo no shell here");
        var fault = await FaultAsync(Client(server), Address(server));
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    private static OpenSshClient Client(SshServer server, bool multiplex = true, string? configuration = null, TimeSpan? timeout = null) => new(
        new OpenSshOptions { ConfigurationFile = configuration ?? server.ClientConfiguration, Multiplex = multiplex, ConnectTimeout = timeout ?? TimeSpan.FromSeconds(30) },
        TimeProvider.System);

    private static SshAddress Address(SshServer server, string? pin = null) =>
        SshAddress.TryParse(new Uri($"ssh://127.0.0.1:{server.Port}/{(pin is null ? "" : $"?hostkey={pin}")}")).TryGetValue(out var address, out var fault) ? address : throw new InvalidOperationException(fault.ToString());

    private static async Task<TransportFault> FaultAsync(OpenSshClient client, SshAddress address) =>
        (await SshConnection.OpenAsync(client, address, CancellationToken.None)).TryGetValue(out _, out var fault) ? throw new InvalidOperationException("connected") : fault;

    private static async Task<(Stopwatch Begun, Task<TransportResult<ShellReply>> Running)> BeginAsync(SshServer server, RemoteShell shell, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var mark = Path.Combine(server.Folder, "begun");
        File.Delete(mark);
        var begun = Stopwatch.StartNew();
        var running = shell.RunAsync($"echo >{ShellText.Quote(mark)}; exec sleep 30", ShellRequest.Default with { Timeout = timeout }, cancellationToken);
        await RemoteShellTests.WaitForAsync(() => File.Exists(mark));
        return (begun, running);
    }

    // What a file of known hosts says when it takes one server for the other.
    private static async Task<string> KeyOfAsync(SshServer other, SshServer server) =>
        (await File.ReadAllTextAsync(other.KnownHosts)).Replace($":{other.Port} ", $":{server.Port} ", StringComparison.Ordinal);

    private static int Accepted(SshServer server) => server.Log.Split("Accepted publickey").Length;

    private static string[] Words(int process) => File.ReadAllText($"/proc/{process}/cmdline").Split('\0');
}
