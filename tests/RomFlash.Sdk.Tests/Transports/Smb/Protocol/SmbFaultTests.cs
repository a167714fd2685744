using System.Net.Sockets;
using System.Security.Cryptography;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Protocol;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol;

public sealed class SmbFaultTests
{
    [Theory]
    [InlineData(0xC000006D, TransportFaultKind.CredentialsRejected)]
    [InlineData(0xC0000064, TransportFaultKind.CredentialsRejected)]
    [InlineData(0xC000006A, TransportFaultKind.CredentialsRejected)]
    [InlineData(0xC000006E, TransportFaultKind.CredentialsRejected)]
    [InlineData(0xC000006F, TransportFaultKind.CredentialsRejected)]
    [InlineData(0xC000015B, TransportFaultKind.CredentialsRejected)]
    [InlineData(0xC0000022, TransportFaultKind.AccessDenied)]
    [InlineData(0xC0000061, TransportFaultKind.AccessDenied)]
    [InlineData(0xC0000072, TransportFaultKind.AccountDisabled)]
    [InlineData(0xC0000193, TransportFaultKind.AccountDisabled)]
    [InlineData(0xC0000234, TransportFaultKind.AccountLocked)]
    [InlineData(0xC0000071, TransportFaultKind.PasswordExpired)]
    [InlineData(0xC0000224, TransportFaultKind.PasswordExpired)]
    [InlineData(0xC00000CC, TransportFaultKind.NotFound)]
    [InlineData(0xC0000034, TransportFaultKind.NotFound)]
    [InlineData(0xC000003A, TransportFaultKind.NotFound)]
    [InlineData(0xC000000F, TransportFaultKind.NotFound)]
    [InlineData(0xC0000103, TransportFaultKind.NotFound)]
    [InlineData(0xC00000BA, TransportFaultKind.NotFound)]
    [InlineData(0xC0000035, TransportFaultKind.AlreadyExists)]
    [InlineData(0xC00000AC, TransportFaultKind.ServiceNotRunning)]
    [InlineData(0xC000005E, TransportFaultKind.ServiceNotRunning)]
    [InlineData(0xC000007F, TransportFaultKind.NoSpace)]
    [InlineData(0xC0000044, TransportFaultKind.NoSpace)]
    [InlineData(0xC0000043, TransportFaultKind.Busy)]
    [InlineData(0xC0000056, TransportFaultKind.Busy)]
    [InlineData(0xC0000101, TransportFaultKind.Busy)]
    [InlineData(0xC000009A, TransportFaultKind.Busy)]
    [InlineData(0xC00000A2, TransportFaultKind.ReadOnly)]
    [InlineData(0xC0000203, TransportFaultKind.Lost)]
    [InlineData(0xC00000C9, TransportFaultKind.Lost)]
    [InlineData(0xC000035C, TransportFaultKind.Lost)]
    [InlineData(0xC000014B, TransportFaultKind.Lost)]
    [InlineData(0xC0000128, TransportFaultKind.Lost)]
    [InlineData(0xC0000120, TransportFaultKind.Cancelled)]
    [InlineData(0xC00000B5, TransportFaultKind.TimedOut)]
    [InlineData(0xC00000BB, TransportFaultKind.Unsupported)]
    [InlineData(0xC0000033, TransportFaultKind.Unsupported)]
    [InlineData(0x8000002D, TransportFaultKind.Unsupported)]
    [InlineData(0xC0000388, TransportFaultKind.PeerNotTrusted)]
    [InlineData(0xC0000016, TransportFaultKind.ProtocolViolation)]
    [InlineData(0x00000103, TransportFaultKind.ProtocolViolation)]
    [InlineData(0xC0000001, TransportFaultKind.Unmapped)]
    [InlineData(0xDEADBEEF, TransportFaultKind.Unmapped)]
    public void FromStatus_AnyStatus_HasItsKindAndKeepsTheCode(uint status, TransportFaultKind kind)
    {
        var fault = SmbFault.FromStatus(status, FaultEffect.NotSent, "opening a file");

        Assert.Equal(kind, fault.Kind);
        Assert.Equal(kind, SmbFault.KindOfStatus(status));
        Assert.Equal(new PeerCode(PeerCode.NtStatus, status), fault.PeerCode);
        Assert.StartsWith("opening a file: ", fault.Detail, StringComparison.Ordinal);
    }

    // Refusals, before or instead of doing it; and answers that say nothing of whether it was done.
    [Theory]
    [InlineData(0xC0000022, FaultEffect.NotSent)]
    [InlineData(0xC0000035, FaultEffect.NotSent)]
    [InlineData(0xC0000043, FaultEffect.NotSent)]
    [InlineData(0xC000007F, FaultEffect.NotSent)]
    [InlineData(0xC00000C9, FaultEffect.NotSent)]
    [InlineData(0xC0000128, FaultEffect.NotSent)]
    [InlineData(0xC00000B5, FaultEffect.MayHaveApplied)]
    [InlineData(0xC00000C4, FaultEffect.MayHaveApplied)]
    [InlineData(0xC0000120, FaultEffect.MayHaveApplied)]
    [InlineData(0xC0000185, FaultEffect.MayHaveApplied)]
    [InlineData(0xC00000E5, FaultEffect.MayHaveApplied)]
    [InlineData(0xDEADBEEF, FaultEffect.MayHaveApplied)]
    public void FromAnswer_ToAChange_OnlyAPlainRefusalDidNothing(uint status, FaultEffect effect)
    {
        Assert.Equal(effect, SmbFault.FromAnswer(status, isChange: true, "writing").Effect);
        Assert.Equal(FaultEffect.NotSent, SmbFault.FromAnswer(status, isChange: false, "reading").Effect);
    }

    [Theory]
    [InlineData(2, TransportFaultKind.NotFound)]
    [InlineData(3, TransportFaultKind.NotFound)]
    [InlineData(259, TransportFaultKind.NotFound)]
    [InlineData(1060, TransportFaultKind.NotFound)]
    [InlineData(1116, TransportFaultKind.NotFound)]
    [InlineData(5, TransportFaultKind.AccessDenied)]
    [InlineData(1314, TransportFaultKind.AccessDenied)]
    [InlineData(19, TransportFaultKind.ReadOnly)]
    [InlineData(32, TransportFaultKind.Busy)]
    [InlineData(1115, TransportFaultKind.Busy)]
    [InlineData(1190, TransportFaultKind.Busy)]
    [InlineData(1723, TransportFaultKind.Busy)]
    [InlineData(112, TransportFaultKind.NoSpace)]
    [InlineData(183, TransportFaultKind.AlreadyExists)]
    [InlineData(1058, TransportFaultKind.ServiceNotRunning)]
    [InlineData(1062, TransportFaultKind.ServiceNotRunning)]
    [InlineData(1722, TransportFaultKind.ServiceNotRunning)]
    [InlineData(64, TransportFaultKind.Lost)]
    [InlineData(1460, TransportFaultKind.TimedOut)]
    [InlineData(87, TransportFaultKind.Unsupported)]
    [InlineData(1745, TransportFaultKind.Unsupported)]
    [InlineData(1783, TransportFaultKind.ProtocolViolation)]
    [InlineData(1326, TransportFaultKind.CredentialsRejected)]
    [InlineData(1331, TransportFaultKind.AccountDisabled)]
    [InlineData(1909, TransportFaultKind.AccountLocked)]
    [InlineData(1330, TransportFaultKind.PasswordExpired)]
    [InlineData(4711, TransportFaultKind.Unmapped)]
    public void FromWin32_AnyCode_HasItsKindAndKeepsTheCode(uint code, TransportFaultKind kind)
    {
        var fault = SmbFault.FromWin32(code, FaultEffect.MayHaveApplied, "reading a value");

        Assert.Equal(kind, fault.Kind);
        Assert.Equal(kind, SmbFault.KindOfWin32(code));
        Assert.Equal(FaultEffect.MayHaveApplied, fault.Effect);
        Assert.Equal(new PeerCode(PeerCode.Win32, code), fault.PeerCode);
    }

    [Fact]
    public void KindOf_EverySocketError_IsDefined()
    {
        foreach (var error in Enum.GetValues<SocketError>())
        {
            Assert.True(Enum.IsDefined(SmbFault.KindOf(error)), error.ToString());
        }

        Assert.Equal(TransportFaultKind.Refused, SmbFault.KindOf(SocketError.ConnectionRefused));
        Assert.Equal(TransportFaultKind.NameNotResolved, SmbFault.KindOf(SocketError.HostNotFound));
        Assert.Equal(TransportFaultKind.Unreachable, SmbFault.KindOf(SocketError.NetworkUnreachable));
        Assert.Equal(TransportFaultKind.Lost, SmbFault.KindOf(SocketError.ConnectionReset));
    }

    [Fact]
    public void From_AnyException_TellsNoMoreThanItsType()
    {
        var fault = SmbFault.From(new InvalidOperationException("hunter2"), FaultEffect.MayHaveApplied);

        Assert.Equal(TransportFaultKind.TransportBroken, fault.Kind);
        Assert.DoesNotContain("hunter2", fault.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", SmbFault.From(new CryptographicException("hunter2"), FaultEffect.NotSent).ToString(), StringComparison.Ordinal);
        Assert.Equal(TransportFaultKind.Lost, SmbFault.From(new SocketException((int)SocketError.ConnectionReset), FaultEffect.NotSent).Kind);
    }
}
