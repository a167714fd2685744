using RomFlash.Sdk.Tests.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb.Protocol.Files;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Files;

public sealed class SmbHandleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task CloseAsync_CancelledBeforeItWasSent_IsClosedByDisposing()
    {
        await using var peer = await RawPeer.ConnectAsync();
        await peer.GrantAsync();
        var handle = new SmbHandle(peer.Channel, new SmbTree(7, "ESP$", DemandsSealing: false, IsWritable: true), new(1, 2), TimeProvider.System);

        var closed = await handle.CloseAsync(new CancellationToken(canceled: true));
        Assert.False(closed.TryGetValue(out _, out var fault));
        Assert.Equal(FaultEffect.NotSent, fault.Effect);
        var disposing = handle.DisposeAsync();

        var close = await peer.ReadAsync();
        Assert.Equal(SmbCommand.Close, SmbHeader.CommandOf(close));
        await peer.SendAsync(RawPeer.Answer(close));
        await disposing.AsTask().WaitAsync(Patience);
    }
}
