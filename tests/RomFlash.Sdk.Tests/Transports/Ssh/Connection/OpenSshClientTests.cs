using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

public sealed class OpenSshClientTests
{
    private static readonly string[] Fixed =
    [
        "BatchMode=yes", "RequestTTY=no", "ForwardAgent=no", "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "Tunnel=no", "UpdateHostKeys=no", "NoHostAuthenticationForLocalhost=no",
        "LogLevel=INFO", "ConnectTimeout=3", "ServerAliveInterval=15", "ServerAliveCountMax=3",
    ];

    private readonly OpenSshClient _client = new(new() { ConfigurationFile = "/etc/own", ConnectTimeout = TimeSpan.FromSeconds(2.5) }, TimeProvider.System);
    private readonly SshAddress _address = Address("ssh://u@h:22");

    [Fact]
    public void Connect_Alone_ChecksKeysAndSharesNothing()
    {
        var arguments = _client.Connect(_address, default, "command");
        AssertFixed(arguments);
        AssertOptions(arguments, "StrictHostKeyChecking=yes", "ControlMaster=no", "ControlPersist=no", "SessionType=default", "GSSAPIDelegateCredentials=no");
        Assert.Equal("none", arguments[arguments.IndexOf("-S") + 1]);
        Assert.Equal(["-p", "22", "-l", "u", "--", "h", "command"], arguments[^7..]);
        Assert.DoesNotContain(arguments, a => a.Contains("KnownHosts", StringComparison.Ordinal));
    }

    [Fact]
    public void Connect_Pinned_KnowsThePinnedKeyAlone()
    {
        var arguments = _client.Connect(_address, new("/tmp/50%/m", "/tmp/50%/known"), "command");
        AssertFixed(arguments);
        AssertOptions(
            arguments, "StrictHostKeyChecking=yes", "UserKnownHostsFile=\"/tmp/50%%/known\"", "GlobalKnownHostsFile=/dev/null", "VerifyHostKeyDNS=no", "KnownHostsCommand=none", "GSSAPIKeyExchange=no", "ControlMaster=yes");
        Assert.Equal("/tmp/50%%/m", arguments[arguments.IndexOf("-S") + 1]);
    }

    [Fact]
    public void Share_Gone_ConnectsToNothing()
    {
        var arguments = _client.Share(_address, "/tmp/m", "command");
        AssertFixed(arguments);
        AssertOptions(arguments, "StrictHostKeyChecking=yes", "ProxyCommand=false", "ControlMaster=no", "SessionType=default");
    }

    [Fact]
    public void GetHostKey_Always_LogsNobodyOn()
    {
        var arguments = _client.GetHostKey(_address, "/tmp/k", ["ssh-ed25519*"]);
        AssertFixed(arguments);
        AssertOptions(
            arguments, "StrictHostKeyChecking=accept-new", "UserKnownHostsFile=\"/tmp/k\"", "PreferredAuthentications=none", "PubkeyAuthentication=no", "PasswordAuthentication=no", "GSSAPIAuthentication=no",
            "HostbasedAuthentication=no", "HostKeyAlgorithms=-ssh-ed25519*");
        Assert.Equal(["--", "h"], arguments[^2..]);
        Assert.Contains("-N", arguments);
        Assert.Equal("none", arguments[arguments.IndexOf("-S") + 1]);
    }

    [Fact]
    public void Connect_WithoutUserAndPort_LeavesThemToConfiguration()
    {
        var arguments = new OpenSshClient(new(), TimeProvider.System).Connect(Address("ssh://h"), default, "command");
        Assert.DoesNotContain("-l", arguments);
        Assert.DoesNotContain("-p", arguments);
        Assert.DoesNotContain("-F", arguments);
    }

    private static SshAddress Address(string text) => SshAddress.TryParse(new Uri(text)).TryGetValue(out var address, out _) ? address : throw new InvalidOperationException();

    // The first value that ssh obtains counts: nothing is said twice.
    private static void AssertFixed(List<string> arguments)
    {
        Assert.Equal(["-F", "/etc/own", "-T", "-x", "-a"], arguments[..5]);
        AssertOptions(arguments, Fixed);
        var names = Options(arguments).Select(o => o[..o.IndexOf('=')]).ToList();
        Assert.Equal(names.Distinct(), names);
    }

    private static void AssertOptions(List<string> arguments, params string[] options) => Assert.Equal([], options.Except(Options(arguments)));

    private static IEnumerable<string> Options(List<string> arguments) => arguments.Zip(arguments.Skip(1)).Where(p => p.First == "-o").Select(p => p.Second);
}
