using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>What an upgrade may allocate. Bytes, because they are the same on every machine; milliseconds are not.</summary>
public sealed class AllocationTests(ITestOutputHelper output)
{
    private const int BytesPerUpgrade = 60_000;

    private static readonly Guid FirmwareClass = new("11111111-2222-3333-4444-555555555555");
    private static readonly SimulatedRom Old = SimulatedRom.Create(FirmwareClass, RomKind.SystemRom, "U30 v2.40 (01/12/2020)", 0x0002_4000);
    private static readonly SimulatedRom New = SimulatedRom.Create(FirmwareClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000);

    [Fact]
    public async Task Flash_EveryOperationCompletesAtOnce_AllocatesWithinBound()
    {
        const int warmUps = 200, count = 500;
        var clock = new SimulatedClock();
        var rack = new SimulatedRack(clock);
        var client = new RomFlashClient(new RomFlashClientOptions
        {
            Transports = [rack.Transport],
            Catalog = SimulatedCatalog.Of(New),
            Journal = new InMemoryFlashJournal(),
            Credentials = CredentialSources.None,
            TimeProvider = clock,
        });
        var policy = FlashPolicy.Default with { RebootDelay = TimeSpan.Zero };
        var requests = Enumerable.Range(0, warmUps + count).Select(i => new FlashRequest(
            rack.Add(new SimulatedTargetOptions { Name = $"server-{i}", Roms = [new("system", Old)], KnownImages = [New], BootDuration = TimeSpan.Zero, KeepsHistory = false }).ToFlashTarget(),
            [New.Image],
            policy)).ToArray();

        long before = 0;
        for (var i = 0; i < requests.Length; i++)
        {
            before = i == warmUps ? GC.GetAllocatedBytesForCurrentThread() : before;

            // Nothing waits, so everything happens on this thread, and its counter has seen all of it.
            var task = client.FlashAsync(requests[i], null, CancellationToken.None);
            Assert.True(task.IsCompletedSuccessfully, "the upgrade left this thread, or waits for the clock");
            Assert.Equal(FlashOutcomeKind.Upgraded, (await task).Outcome);
        }

        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / count;
        output.WriteLine($"[romflash] {bytes} bytes per upgrade, the bound is {BytesPerUpgrade}");
        Assert.InRange(bytes, 1, BytesPerUpgrade);
    }
}
