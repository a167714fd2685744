using System.Diagnostics;
using System.Text;
using RomFlash.Peers;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

/// <summary>The protocols of channels and shells, with this machine's own shell as the far side, and with far sides that lie.</summary>
[Trait("Category", "Peer")]
public sealed class RemoteShellTests
{
    // What must be done is awaited for long; what must be given up is given little.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    private static readonly SshAddress Address = SshAddress.TryParse(new Uri("ssh://h")).TryGetValue(out var address, out _) ? address : throw new InvalidOperationException();

    [Fact]
    public async Task RunAsync_ScriptsInTurn_GiveStatusOutputAndErrors()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        var reply = await RunAsync(shell, "echo out; echo err >&2; exit 7");
        Assert.Equal((7, "out\n", "err\n"), (reply.ExitStatus, reply.Text, reply.ErrorText));
        reply = await RunAsync(shell, "cat; echo \"$LC_ALL:${n-none}\"");
        Assert.Equal((0, "C:none\n", ""), (reply.ExitStatus, reply.Text, reply.ErrorText));
        reply = await RunAsync(shell, "if");
        Assert.Equal((2, ""), (reply.ExitStatus, reply.Text));
        reply = await RunAsync(shell, "kill -KILL $$");
        Assert.Equal((137, ""), (reply.ExitStatus, reply.Text));
        reply = await RunAsync(shell, $"printf %s {ShellText.Quote("a'b\n$(id)")} .; exit 255");
        Assert.Equal((255, "a'b\n$(id)."), (reply.ExitStatus, reply.Text));
    }

    [Fact]
    public async Task RunAsync_EveryByte_ComesAsItIs()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        var bytes = new byte[300_000];
        new Random(5).NextBytes(bytes);
        bytes[^1] = (byte)'\n';
        await File.WriteAllBytesAsync(ssh["bytes"], bytes);
        var reply = await RunAsync(shell, $"cat {ShellText.Quote(ssh["bytes"])}; head -c 20000 {ShellText.Quote(ssh["bytes"])} >&2");
        Assert.Equal(bytes, reply.Output);
        Assert.Equal(bytes[..ShellRequest.Default.MaxErrors], reply.Errors);
    }

    [Fact]
    public async Task RunAsync_AtTheBound_IsWhole_AndAboveItAFault()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        foreach (var max in new[] { 0, 1, 1000, 1024 * 1024 })
        {
            var request = ShellRequest.Default with { MaxOutput = max };
            var reply = await RunAsync(shell, $"head -c {max} /dev/zero", request);
            Assert.Equal(max, reply.Output.Length);
            foreach (var more in new[] { max + 1, max + 2, max + 100_000 })
            {
                var fault = await FaultAsync(shell, $"head -c {more} /dev/zero; echo done >{ShellText.Quote(ssh["done"])}", request);
                Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));

                // The script was not cut short by the bound, and the shell goes on.
                Assert.True(File.Exists(ssh["done"]));
                File.Delete(ssh["done"]);
                Assert.Null(shell.Fault);
            }
        }
    }

    [Fact]
    public async Task RunAsync_ManyAtOnce_WaitForOneAnother()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => RunAsync(shell, $"echo {i}")));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}\n"), replies.Select(r => r.Text));
    }

    [Fact]
    public async Task RunAsync_LongestScript_Runs_AndLongerIsMisuse()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        const string End = "\necho done";
        var script = "#" + new string('\'', RemoteShell.MaxScript - End.Length - 1) + End;
        Assert.Equal("done\n", (await RunAsync(shell, script)).Text);
        await Assert.ThrowsAsync<ArgumentException>(() => shell.RunAsync("#" + script, ShellRequest.Default, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentException>(() => shell.RunAsync("a\0b", ShellRequest.Default, CancellationToken.None));
        Assert.Equal("on\n", (await RunAsync(shell, "echo on")).Text);
    }

    [Fact]
    public async Task RequestCutAtAnyByte_FarSide_RunsNothing()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        var ran = ssh["ran"];
        var begin = RemoteShell.Begin("00");
        var request = RemoteShell.Frame(1, ShellRequest.Default, $": 'a'\necho x >>{ShellText.Quote(ran)}\n: b");
        for (var length = 0; length < request.Length - 1; length++)
        {
            await PeerProgram.RunAsync("/bin/sh", [], begin + request[..length]);
            Assert.False(File.Exists(ran), request[..length]);
        }

        // Only the last line break is missing: every word is there.
        await PeerProgram.RunAsync("/bin/sh", [], begin + request);
        Assert.True(File.Exists(ran));
    }

    [Fact]
    public async Task ScriptCutAtAnyByte_FarSide_RunsNothing()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        var ran = ssh["ran"];
        const string Nonce = "00112233445566778899aabbccddeeff";
        var framed = Encoding.UTF8.GetString(SshChannel.Frame(Nonce, $"echo x >>{ShellText.Quote(ran)}\n: ä"));
        for (var length = 0; length <= framed.Length; length++)
        {
            var result = await PeerProgram.RunAsync("/bin/sh", ["-c", SshChannel.CommandLine(Nonce, Encoding.UTF8.GetByteCount(framed))], framed[..length]);
            Assert.StartsWith($"\n{Nonce} ready\n", result.Output, StringComparison.Ordinal);
            Assert.Equal(length == framed.Length, File.Exists(ran));
            Assert.Equal(length == framed.Length, result.Errors.EndsWith($"\n{Nonce} 0\n", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task OpenShellAsync_AccountThatPrintsFirst_IsPassedOver()
    {
        using var ssh = new FakeSsh("echo 'Welcome to server1'; printf 'no line end'; echo 'a warning' >&2\n" + FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        Assert.Equal("hi\n", (await RunAsync(shell, "echo hi")).Text);
    }

    [Theory]
    [InlineData("yes", TransportFaultKind.ProtocolViolation)]
    [InlineData("cat /dev/urandom", TransportFaultKind.ProtocolViolation)]
    [InlineData("head -c 200000 /dev/zero; sleep 60", TransportFaultKind.ProtocolViolation)]
    [InlineData("cat", TransportFaultKind.TimedOut)]
    [InlineData("while :; do printf x; sleep 0.05; done", TransportFaultKind.TimedOut)]
    [InlineData("yes >&2", TransportFaultKind.TimedOut)]
    [InlineData("sleep 60", TransportFaultKind.TimedOut)]
    [InlineData("exec sleep 60 <&- >&-", TransportFaultKind.Unmapped)]
    [InlineData("echo 'This account is currently not available.'; exit 1", TransportFaultKind.Unsupported)]
    [InlineData("exit 0", TransportFaultKind.Unsupported)]
    [InlineData("exit 255", TransportFaultKind.Unmapped)]
    [InlineData("echo 'ssh: connect to host h port 22: Connection refused' >&2; exit 255", TransportFaultKind.Refused)]
    [InlineData("kill -KILL $$", TransportFaultKind.Unsupported)]
    public async Task OpenChannelAsync_NoShellBehindIt_IsAFaultInTime(string script, TransportFaultKind kind)
    {
        using var ssh = new FakeSsh(script);
        var client = ssh.Client(o => o with { ConnectTimeout = Short, StallTimeout = Short });
        var watch = Stopwatch.StartNew();
        Assert.False((await SshConnection.OpenAsync(client, Address, CancellationToken.None)).TryGetValue(out _, out var fault));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Equal(FaultEffect.NotSent, fault.Effect);
        Assert.True(kind == fault.Kind || (kind is TransportFaultKind.Unmapped && fault.Kind is TransportFaultKind.Unsupported), fault.ToString());
        await AssertEndedAsync(ssh);
    }

    [Theory]
    [InlineData("printf '%s 1 s 0\\n' ffffffffffffffffffffffffffffffff")]
    [InlineData("printf '%s 2 s 0\\n' $n")]
    [InlineData("printf '%s 1 o 0\\n' $n")]
    [InlineData("printf '%s 1 s 256\\n' $n")]
    [InlineData("printf '%s 1 s -1\\n' $n")]
    [InlineData("printf '%s 1 s 0x0\\n' $n")]
    [InlineData("printf '%s 1 s \\n' $n")]
    [InlineData("printf '%s 1 s 0\\r\\n' $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 99999999\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 99999999999999999999\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 2097157\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 4\\n6g2e\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 3\\n612\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 4\\n612e2e\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 0\\n\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 4\\n6161\\n' $n $n")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 2\\n2e\\n%s 1 o 2\\n2e\\n' $n $n $n")]
    [InlineData("printf '\\377\\000\\001\\n'")]
    [InlineData("yes")]
    [InlineData("cat /dev/urandom")]
    [InlineData("cat /dev/zero")]
    public async Task RunAsync_HostileAnswer_EndsTheShell(string script)
    {
        using var ssh = new FakeSsh(FakeSsh.OpensShell + script + "\nsleep 60");
        await using var shell = await OpenShellAsync(ssh);
        var fault = await FaultAsync(shell, "true");
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.Equal(fault, shell.Fault);
        await AssertEndedAsync(ssh);
        Assert.Equal(FaultEffect.NotSent, (await FaultAsync(shell, "true")).Effect);
    }

    [Theory]
    [InlineData("while :; do printf 0; sleep 0.02; done")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 2000000\\n' $n $n; while :; do printf 0; sleep 0.02; done")]
    [InlineData("sleep 60")]
    [InlineData("yes >&2")]
    public async Task RunAsync_SlowAnswer_IsGivenUpInTime(string script)
    {
        using var ssh = new FakeSsh(FakeSsh.OpensShell + script);
        await using var shell = await OpenShellAsync(ssh);
        var watch = Stopwatch.StartNew();
        var fault = await FaultAsync(shell, "true", ShellRequest.Default with { Timeout = Short });

        // A line is at most 96 bytes; a drip that is quick enough may pass that before the deadline.
        Assert.True(fault.Kind is TransportFaultKind.TimedOut or TransportFaultKind.ProtocolViolation, fault.ToString());
        Assert.Equal(FaultEffect.MayHaveApplied, fault.Effect);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Short + TimeSpan.FromSeconds(1));
        await AssertEndedAsync(ssh);
    }

    [Theory]
    [InlineData("exit 0")]
    [InlineData("exit 255")]
    [InlineData("kill -KILL $$")]
    [InlineData("printf '%s 1 s 0\\n%s 1 o 20\\n6161' $n $n; exit 0")]
    [InlineData("echo 'root@h: Permission denied (publickey).' >&2; exit 255")]
    public async Task RunAsync_FarSideEnds_IsLost(string script)
    {
        using var ssh = new FakeSsh(FakeSsh.OpensShell + script);
        await using var shell = await OpenShellAsync(ssh);
        var fault = await FaultAsync(shell, "true");
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        await AssertEndedAsync(ssh);
    }

    [Fact]
    public async Task OpenShellAsync_ToolsThatLie_AreFound()
    {
        using var ssh = new FakeSsh($"mkdir -p \"$(dirname \"$0\")/bin\"; printf '#!/bin/sh\\nexit 1\\n' >\"$(dirname \"$0\")/bin/od\"; chmod +x \"$(dirname \"$0\")/bin/od\"; PATH=$(dirname \"$0\")/bin:$PATH; export PATH\n{FakeSsh.Honest}");
        await using var connection = await ConnectAsync(ssh.Client());
        Assert.False((await connection.OpenShellAsync(CancellationToken.None)).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.ProtocolViolation, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task RunAsync_Cancelled_EndsTheShellAtOnce()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        using var stop = new CancellationTokenSource();
        var running = shell.RunAsync($"echo >{ShellText.Quote(ssh["begun"])}; sleep 60", ShellRequest.Default, stop.Token);
        await WaitForAsync(() => File.Exists(ssh["begun"]));
        var waiting = shell.RunAsync("true", ShellRequest.Default, stop.Token);
        await stop.CancelAsync();
        Assert.False((await running).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.False((await waiting).TryGetValue(out _, out fault));
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        await AssertEndedAsync(ssh);
    }

    [Fact]
    public async Task RunAsync_CancelledBefore_LeavesTheShell()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var shell = await OpenShellAsync(ssh);
        Assert.False((await shell.RunAsync("true", ShellRequest.Default, new(canceled: true))).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Cancelled, FaultEffect.NotSent), (fault.Kind, fault.Effect));
        Assert.Equal("on\n", (await RunAsync(shell, "echo on")).Text);
    }

    [Fact]
    public async Task Channel_SendAndFinish_TellsTheScriptsOwnEnd()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var connection = await ConnectAsync(ssh.Client());
        foreach (var status in new[] { 0, 1, 254, 255 })
        {
            await using var channel = await OpenChannelAsync(connection, $"cat >{ShellText.Quote(ssh["file"])}; echo chatter; echo why >&2; exit {status}");
            var bytes = new byte[500_000];
            new Random(status).NextBytes(bytes);
            Assert.True((await channel.WriteAsync(bytes, CancellationToken.None)).TryGetValue(out _, out var fault), fault?.ToString());
            Assert.True((await channel.FinishAsync(TimeSpan.FromSeconds(60), CancellationToken.None)).TryGetValue(out var end, out fault), fault?.ToString());
            Assert.Equal((status, "why\n"), (end.ExitStatus, end.Errors));
            Assert.Equal(bytes, await File.ReadAllBytesAsync(ssh["file"]));
        }
    }

    [Theory]
    [InlineData("exit 0")]
    [InlineData("exit 255")]
    [InlineData("printf '\\nffffffffffffffffffffffffffffffff 0\\n' >&2; exit 0")]
    [InlineData("printf '\\n%s 256\\n' $nonce >&2; exit 0")]
    [InlineData("printf '\\n%s 0' $nonce >&2; exit 0")]
    [InlineData("printf '\\n%s \\n' $nonce >&2; exit 0")]
    public async Task FinishAsync_EndThatIsNotTold_IsNoSuccess(string script)
    {
        // The first one is the connection's own trial.
        using var ssh = new FakeSsh($"if [ -e \"$0.opened\" ]; then\n{FakeSsh.OpensChannel}{script}\nfi\n: >\"$0.opened\"\n{FakeSsh.Honest}");
        await using var connection = await ConnectAsync(ssh.Client());
        await using var channel = await OpenChannelAsync(connection, "true");
        Assert.False((await channel.FinishAsync(TimeSpan.FromSeconds(60), CancellationToken.None)).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Lost, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
    }

    [Fact]
    public async Task WriteAsync_FarSideThatReadsNothing_IsGivenUpInTime()
    {
        using var ssh = new FakeSsh(FakeSsh.Honest);
        await using var connection = await ConnectAsync(ssh.Client(o => o with { StallTimeout = Short }));
        await using var channel = await OpenChannelAsync(connection, "exec sleep 60");
        var watch = Stopwatch.StartNew();
        Assert.False((await channel.WriteAsync(new byte[10_000_000], CancellationToken.None)).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied), (fault.Kind, fault.Effect));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await AssertEndedAsync(ssh);
    }

    [Fact]
    public async Task OpenAsync_NoProgram_IsUnsupported()
    {
        var client = new OpenSshClient(new() { Program = "/nonexistent/ssh" }, TimeProvider.System);
        Assert.False((await SshConnection.OpenAsync(client, Address, CancellationToken.None)).TryGetValue(out _, out var fault));
        Assert.Equal((TransportFaultKind.Unsupported, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }

    internal static async Task WaitForAsync(Func<bool> condition)
    {
        for (var watch = Stopwatch.StartNew(); !condition();)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), "what was waited for did not happen");
            await Task.Delay(5);
        }
    }

    internal static async Task<SshConnection> ConnectAsync(OpenSshClient client, SshAddress? address = null) =>
        (await SshConnection.OpenAsync(client, address ?? Address, CancellationToken.None)).TryGetValue(out var connection, out var fault) ? connection : throw new InvalidOperationException(fault.ToString());

    internal static async Task<SshChannel> OpenChannelAsync(SshConnection connection, string script) =>
        (await connection.OpenChannelAsync(script, CancellationToken.None)).TryGetValue(out var channel, out var fault) ? channel : throw new InvalidOperationException(fault.ToString());

    internal static async Task<RemoteShell> OpenShellAsync(SshConnection connection) =>
        (await connection.OpenShellAsync(CancellationToken.None)).TryGetValue(out var shell, out var fault) ? shell : throw new InvalidOperationException(fault.ToString());

    internal static async Task<ShellReply> RunAsync(RemoteShell shell, string script, ShellRequest? request = null) =>
        (await shell.RunAsync(script, request ?? ShellRequest.Default, CancellationToken.None)).TryGetValue(out var reply, out var fault) ? reply : throw new InvalidOperationException(fault.ToString());

    internal static async Task<TransportFault> FaultAsync(RemoteShell shell, string script, ShellRequest? request = null) =>
        (await shell.RunAsync(script, request ?? ShellRequest.Default, CancellationToken.None)).TryGetValue(out var reply, out var fault) ? throw new InvalidOperationException(reply.ToString()) : fault;

    private static Task AssertEndedAsync(FakeSsh ssh) => WaitForAsync(() => ssh.Processes is []);

    // Without a connection, whose own trial a far side that lies would not pass.
    private static async Task<RemoteShell> OpenShellAsync(FakeSsh ssh)
    {
        var client = ssh.Client();
        var nonce = SshChannel.NewNonce();
        var framed = SshChannel.Frame(nonce, RemoteShell.Script);
        Assert.True(client.Start(client.Connect(Address, default, SshChannel.CommandLine(nonce, framed.Length))).TryGetValue(out var process, out var fault), fault?.ToString());
        Assert.True((await SshChannel.OpenAsync(process, nonce, framed, client.Options, client.Time, CancellationToken.None)).TryGetValue(out var channel, out fault), fault?.ToString());
        Assert.True((await RemoteShell.OpenAsync(channel, TimeSpan.FromSeconds(30), CancellationToken.None)).TryGetValue(out var shell, out fault), fault?.ToString());
        return shell;
    }
}
