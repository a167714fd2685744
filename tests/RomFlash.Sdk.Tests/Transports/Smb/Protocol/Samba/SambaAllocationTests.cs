using RomFlash.Peers.Samba;
using RomFlash.Sdk.Transports.Smb;
using static RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba.SambaClient;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Samba;

/// <summary>What a transfer costs in memory, once the pools have what it takes.</summary>
[Trait("Category", "Peer")]
[Collection("Alone")]
public sealed class SambaAllocationTests
{
    [Theory]
    [InlineData(SmbProtection.Encrypted)]
    [InlineData(SmbProtection.Signed)]
    public async Task Transfer_InTheSteadyState_AllocatesNextToNothing(SmbProtection protection)
    {
        const int MebiBytes = 32;
        await using var server = await SambaServer.StartAsync();
        await using var connection = await ConnectAsync(server.Port, options: new() { Protection = protection });
        await using var file = Value(await connection.OpenFileAsync(Share, "a", NewFile, default));
        var content = RandomBytes(MebiBytes << 20);
        var back = new byte[content.Length];
        var (written, read) = (long.MaxValue, long.MaxValue);

        // The least of several: what the test's own framework allocates meanwhile is nobody's.
        for (var round = 0; round < 8; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Value(await file.WriteAsync(0, content, default));
            var between = GC.GetTotalAllocatedBytes(precise: true);
            Value(await file.ReadAsync(0, back, default));
            written = Math.Min(written, between - before);
            read = Math.Min(read, GC.GetTotalAllocatedBytes(precise: true) - between);
        }

        Assert.Equal(content, back);
        Assert.InRange(written / MebiBytes, 0, 1024);
        Assert.InRange(read / MebiBytes, 0, 1024);
    }
}
