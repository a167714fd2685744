using System.Diagnostics;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Transports.Smb;

/// <summary>Two hundred sessions in one process against one Samba.</summary>
[Trait("Category", "Peer")]
[Collection("Alone")]
public sealed class ManySmbSessionsTests(ITestOutputHelper output)
{
    private const int Sessions = 200;

    [Fact]
    public async Task ConnectAsync_TwoHundredAtOnce_AllFinishAndNoneHasAThread()
    {
        // All of them log on at once, and each has the time that all of them take on a slow machine.
        var transport = new SmbTransport(new SmbConnector(new SmbConnectorOptions { ConnectTimeout = TimeSpan.FromMinutes(2), OperationTimeout = TimeSpan.FromMinutes(2) }));
        await using var target = await SmbTarget.StartAsync();
        using var process = Process.GetCurrentProcess();
        var before = process.Threads.Count;
        var most = 0;

        var names = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(async i =>
        {
            await using var session = await target.ConnectAsync(transport: transport);
            Assert.True((await ((IFactsCapability)session).ReadFactsAsync(FactKinds.SystemPartition, CancellationToken.None)).TryGetValue(out var facts, out var fault), fault?.ToString());
            Assert.True(facts!.SystemPartition.IsKnown, facts.SystemPartition.WhyUnknown);
            if (i % 20 == 0)
            {
                process.Refresh();
                most = Math.Max(most, process.Threads.Count);
            }

            return facts.SystemPartition.TryGet(out var partition) ? partition.Location : string.Empty;
        }));

        output.WriteLine($"[romflash] SMB: {Sessions} sessions at once, {most - before} threads more than before");
        Assert.All(names, n => Assert.Equal(target.Address, n));
        Assert.InRange(most - before, int.MinValue, Sessions / 2);
    }
}
