using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class RpcFaultTests
{
    [Theory]
    [InlineData(2, TransportFaultKind.NotFound, FaultEffect.NotSent)]
    [InlineData(5, TransportFaultKind.AccessDenied, FaultEffect.NotSent)]
    [InlineData(6, TransportFaultKind.Lost, FaultEffect.MayHaveApplied)]
    [InlineData(87, TransportFaultKind.Unsupported, FaultEffect.NotSent)]
    [InlineData(234, TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied)]
    [InlineData(1058, TransportFaultKind.ServiceNotRunning, FaultEffect.NotSent)]
    [InlineData(1060, TransportFaultKind.NotFound, FaultEffect.NotSent)]
    [InlineData(1062, TransportFaultKind.ServiceNotRunning, FaultEffect.NotSent)]
    [InlineData(1115, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(1116, TransportFaultKind.NotFound, FaultEffect.NotSent)]
    [InlineData(1190, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(1191, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(1314, TransportFaultKind.AccessDenied, FaultEffect.NotSent)]
    [InlineData(1460, TransportFaultKind.TimedOut, FaultEffect.MayHaveApplied)]
    [InlineData(1726, TransportFaultKind.Lost, FaultEffect.MayHaveApplied)]
    [InlineData(1727, TransportFaultKind.Lost, FaultEffect.NotSent)]
    [InlineData(31, TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied)]
    [InlineData(0xFFFFFFFF, TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied)]
    public void FromWin32_ACode_HasItsKindAndTheEffectOfAChange(uint code, TransportFaultKind kind, FaultEffect effect)
    {
        var change = Assert.IsType<TransportFault>(RpcFault.FromWin32(code, isChange: true, "it"));
        var read = Assert.IsType<TransportFault>(RpcFault.FromWin32(code, isChange: false, "it"));

        Assert.Equal((kind, effect), (change.Kind, change.Effect));
        Assert.Equal((kind, FaultEffect.NotSent), (read.Kind, read.Effect));
        Assert.Equal(new PeerCode(PeerCode.Win32, code), change.PeerCode);
    }

    [Fact]
    public void FromWin32_Success_IsNoFault() => Assert.Null(RpcFault.FromWin32(0, isChange: true, "it"));

    [Theory]
    [InlineData(0x1C010002, TransportFaultKind.Unsupported, FaultEffect.NotSent)]
    [InlineData(0x1C010003, TransportFaultKind.Unsupported, FaultEffect.NotSent)]
    [InlineData(0x1C010013, TransportFaultKind.Unsupported, FaultEffect.MayHaveApplied)]
    [InlineData(0x1C010014, TransportFaultKind.Busy, FaultEffect.NotSent)]
    [InlineData(0x1C01000B, TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied)]
    [InlineData(0x1C00001A, TransportFaultKind.ProtocolViolation, FaultEffect.MayHaveApplied)]
    [InlineData(0x1C00001C, TransportFaultKind.ProtocolViolation, FaultEffect.NotSent)]
    [InlineData(0x1C00001D, TransportFaultKind.AccessDenied, FaultEffect.NotSent)]
    [InlineData(0x1C00001B, TransportFaultKind.Busy, FaultEffect.MayHaveApplied)]
    [InlineData(0x1C010001, TransportFaultKind.Lost, FaultEffect.MayHaveApplied)]
    [InlineData(0x1C000012, TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied)]
    [InlineData(5, TransportFaultKind.AccessDenied, FaultEffect.NotSent)]
    [InlineData(0x80070005, TransportFaultKind.AccessDenied, FaultEffect.NotSent)]
    [InlineData(0x6F7, TransportFaultKind.ProtocolViolation, FaultEffect.NotSent)]
    [InlineData(0xC0000022, TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied)]
    [InlineData(0xFFFFFFFF, TransportFaultKind.Unmapped, FaultEffect.MayHaveApplied)]
    public void FromStatus_AStatus_HasItsKindAndTheEffectOfAChange(uint status, TransportFaultKind kind, FaultEffect effect)
    {
        var change = RpcFault.FromStatus(status, didNotExecute: false, isChange: true);

        Assert.Equal((kind, effect), (change.Kind, change.Effect));
        Assert.Equal((RpcFault.Dialect, (ulong)status), (change.PeerCode!.Value.Dialect, change.PeerCode.Value.Number));
        Assert.Equal(FaultEffect.NotSent, RpcFault.FromStatus(status, didNotExecute: true, isChange: true).Effect);
        Assert.Equal(FaultEffect.NotSent, RpcFault.FromStatus(status, didNotExecute: false, isChange: false).Effect);
    }

    [Theory]
    [InlineData(1, 0, TransportFaultKind.Unmapped)]
    [InlineData(2, 0, TransportFaultKind.Unmapped)]
    [InlineData(2, 1, TransportFaultKind.Unsupported)]
    [InlineData(2, 2, TransportFaultKind.Unsupported)]
    [InlineData(2, 3, TransportFaultKind.Busy)]
    [InlineData(3, 3, TransportFaultKind.ProtocolViolation)]
    [InlineData(65535, 65535, TransportFaultKind.ProtocolViolation)]
    public void FromContextResult_AResult_HasItsKind(ushort result, ushort reason, TransportFaultKind kind) =>
        Assert.Equal((kind, FaultEffect.NotSent), (RpcFault.FromContextResult(result, reason).Kind, RpcFault.FromContextResult(result, reason).Effect));

    [Theory]
    [InlineData(0, TransportFaultKind.Unmapped)]
    [InlineData(1, TransportFaultKind.Busy)]
    [InlineData(2, TransportFaultKind.Busy)]
    [InlineData(4, TransportFaultKind.Unsupported)]
    [InlineData(8, TransportFaultKind.AccessDenied)]
    [InlineData(9, TransportFaultKind.AccessDenied)]
    [InlineData(65535, TransportFaultKind.Unmapped)]
    public void FromBindRejection_AReason_HasItsKind(ushort reason, TransportFaultKind kind) => Assert.Equal(kind, RpcFault.FromBindRejection(reason).Kind);
}
