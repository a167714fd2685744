using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh.Connection;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Connection;

public sealed class SshFaultsTests
{
    [Theory]
    [InlineData("ssh: Could not resolve hostname nowhere.invalid: Name or service not known", TransportFaultKind.NameNotResolved)]
    [InlineData("ssh: Could not resolve hostname nowhere.invalid: Temporary failure in name resolution", TransportFaultKind.NameNotResolved)]
    [InlineData("ssh: connect to host 127.0.0.1 port 1: Connection refused", TransportFaultKind.Refused)]
    [InlineData("ssh: connect to host 10.255.255.1 port 22: No route to host", TransportFaultKind.Unreachable)]
    [InlineData("ssh: connect to host 10.255.255.1 port 22: Network is unreachable", TransportFaultKind.Unreachable)]
    [InlineData("ssh: connect to host 10.255.255.1 port 22: Host is down", TransportFaultKind.Unreachable)]
    [InlineData("ssh: connect to host 10.255.255.1 port 22: Connection timed out", TransportFaultKind.TimedOut)]
    [InlineData("ssh: connect to host 10.255.255.1 port 22: Operation timed out", TransportFaultKind.TimedOut)]
    [InlineData("Connection timed out during banner exchange", TransportFaultKind.TimedOut)]
    [InlineData("No ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.\r\nHost key verification failed.", TransportFaultKind.PeerNotTrusted)]
    [InlineData("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key verification failed.", TransportFaultKind.PeerNotTrusted)]
    [InlineData("@       WARNING: REVOKED HOST KEY DETECTED!               @", TransportFaultKind.PeerNotTrusted)]
    [InlineData("root@127.0.0.1: Permission denied (publickey).", TransportFaultKind.CredentialsRejected)]
    [InlineData("Received disconnect from 127.0.0.1 port 22:2: Too many authentication failures\r\nDisconnected from 127.0.0.1 port 22", TransportFaultKind.CredentialsRejected)]
    [InlineData("WARNING: Your password has expired.\nPassword change required but no TTY available.", TransportFaultKind.PasswordExpired)]
    [InlineData("Your account has expired; please contact your system administrator.", TransportFaultKind.AccountDisabled)]
    [InlineData("\"System is booting up. Unprivileged users are not permitted to log in yet.\"\nConnection closed by 10.0.0.7 port 22", TransportFaultKind.Busy)]
    [InlineData("mux_client_request_session: session request failed: Session open refused by peer", TransportFaultKind.Busy)]
    [InlineData("Unable to negotiate with 127.0.0.1 port 22: no matching host key type found. Their offer: ssh-dss", TransportFaultKind.Unsupported)]
    [InlineData("Unable to negotiate with 127.0.0.1 port 22: no matching key exchange method found. Their offer: diffie-hellman-group1-sha1", TransportFaultKind.Unsupported)]
    [InlineData("/home/u/.ssh/config: line 3: Bad configuration option: nonsense", TransportFaultKind.Unsupported)]
    [InlineData("Bad owner or permissions on /home/u/.ssh/config", TransportFaultKind.Unsupported)]
    [InlineData("kex_exchange_identification: banner line contains invalid characters\r\nbanner exchange: Connection to 127.0.0.1 port 9: invalid format", TransportFaultKind.ProtocolViolation)]
    [InlineData("ssh_dispatch_run_fatal: Connection to 127.0.0.1 port 9: message authentication code incorrect", TransportFaultKind.ProtocolViolation)]
    [InlineData("kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535", TransportFaultKind.Lost)]
    [InlineData("kex_exchange_identification: read: Connection reset by peer", TransportFaultKind.Lost)]
    [InlineData("Timeout, server 127.0.0.1 not responding.", TransportFaultKind.Lost)]
    [InlineData("client_loop: send disconnect: Broken pipe", TransportFaultKind.Lost)]
    [InlineData("mux_client_request_session: read from master failed: Broken pipe", TransportFaultKind.Lost)]
    [InlineData("Connection to 10.0.0.7 closed by remote host.", TransportFaultKind.Lost)]
    [InlineData("Control socket connect(/tmp/rf-1/m): Connection refused\r\nConnection closed by UNKNOWN port 65535", TransportFaultKind.Lost)]
    [InlineData("", TransportFaultKind.Unmapped)]
    [InlineData("something that nobody has seen", TransportFaultKind.Unmapped)]
    public void Of_Text_IsNamedAndKeepsEffect(string errors, TransportFaultKind kind)
    {
        foreach (var effect in Enum.GetValues<FaultEffect>())
        {
            var fault = SshFaults.Of(255, errors, effect);
            Assert.Equal((kind, effect, new PeerCode(PeerCode.ExitCode, 255)), (fault.Kind, fault.Effect, fault.PeerCode));
        }
    }

    [Fact]
    public void Of_RandomText_IsAFaultWithBounds()
    {
        var random = new Random(42);
        for (var i = 0; i < 200; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(8000)).Select(_ => (char)random.Next(1, 0x3000))]);
            var fault = SshFaults.Of(null, text, FaultEffect.MayHaveApplied);
            Assert.Equal(TransportFaultKind.Unmapped, fault.Kind);
            Assert.InRange(fault.Detail.Length, 0, 2000);
            Assert.Null(fault.PeerCode);
        }
    }

    [Fact]
    public void FingerprintIn_ChangedKey_IsFound()
    {
        const string Text = "The fingerprint for the ED25519 key sent by the remote host is\r\nSHA256:aF4qErzZIxiEbgRZ5G9+FVOAuIARiquMoTvTprg/Tb8.\r\nPlease contact";
        Assert.Equal("SHA256:aF4qErzZIxiEbgRZ5G9+FVOAuIARiquMoTvTprg/Tb8", SshFaults.FingerprintIn(Text)?.Text);
        Assert.Null(SshFaults.FingerprintIn("No ED25519 host key is known"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(SshErrorTail.Size - 1)]
    [InlineData(SshErrorTail.Size)]
    [InlineData(SshErrorTail.Size + 1)]
    [InlineData((3 * SshErrorTail.Size) + 17)]
    public void ErrorTail_AnyPieces_KeepsTheLastBytes(int total)
    {
        var all = new byte[total];
        new Random(total).NextBytes(all);
        foreach (var piece in new[] { 1000, SshErrorTail.Size + 3, int.MaxValue })
        {
            var tail = new SshErrorTail();
            for (var at = 0; at < total;)
            {
                var length = Math.Min(piece, total - at);
                tail.Append(all.AsSpan(at, length));
                at += length;
            }

            Assert.Equal(all[Math.Max(0, total - SshErrorTail.Size)..], tail.ToArray());
        }
    }

    [Theory]
    [InlineData("h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPCQZBrJaMF/GjBDi/6atGw5JLB8Oqqbx5bPOuG3NNEN", "SHA256:aF4qErzZIxiEbgRZ5G9+FVOAuIARiquMoTvTprg/Tb8")]
    [InlineData("@revoked ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPCQZBrJaMF/GjBDi/6atGw5JLB8Oqqbx5bPOuG3NNEN", null)]
    [InlineData("@cert-authority h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPCQZBrJaMF/GjBDi/6atGw5JLB8Oqqbx5bPOuG3NNEN", null)]
    [InlineData("h ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIPCQZBrJaMF/GjBDi/6atGw5JLB8Oqqbx5bPOuG3NNEN", null)]
    [InlineData("h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", null)]
    [InlineData("h ssh-ed25519 !!!!", null)]
    [InlineData("h ssh-ed25519 ", null)]
    [InlineData("# h key", null)]
    public void HostKey_Line_HasItsFingerprint(string line, string? fingerprint) =>
        Assert.Equal(fingerprint, SshHostKey.TryParse(line, out var key) ? key.Fingerprint.Text : null);
}
