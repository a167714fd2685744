using RomFlash.Sdk;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Benchmarks.Pipeline;

/// <summary>
/// Machines with one ROM each, and a client that upgrades them. The image is a header without payload and a boot takes no time, so that
/// what is measured is the pipeline: no bytes, no timers.
/// </summary>
internal sealed class UpgradeFixture
{
    private static readonly Guid FirmwareClass = new("11111111-2222-3333-4444-555555555555");
    private static readonly SimulatedRom Old = SimulatedRom.Create(FirmwareClass, RomKind.SystemRom, "U30 v2.40 (01/12/2020)", 0x0002_4000);
    private static readonly SimulatedRom New = SimulatedRom.Create(FirmwareClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000);
    private static readonly FlashPolicy Policy = FlashPolicy.Default with { RebootDelay = TimeSpan.Zero };

    private readonly SimulatedRack _rack = new(TimeProvider.System);
    private readonly RomFlashClient _client;
    private int _next;

    public UpgradeFixture(IFlashJournal journal) => _client = new RomFlashClient(new RomFlashClientOptions
    {
        Transports = [_rack.Transport],
        Catalog = SimulatedCatalog.Of(New),
        Journal = journal,
        Credentials = CredentialSources.None,
    });

    /// <summary>Builds a machine and asks for its upgrade.</summary>
    public FlashRequest NextRequest()
    {
        var target = _rack.Add(new SimulatedTargetOptions
        {
            Name = $"server-{++_next}",
            Roms = [new SimulatedRomSlot("system", Old)],
            KnownImages = [New],
            BootDuration = TimeSpan.Zero,
            KeepsHistory = false,
        });
        return new FlashRequest(target.ToFlashTarget(), [New.Image], Policy);
    }

    /// <summary>Upgrades one machine.</summary>
    public async Task UpgradeAsync(FlashRequest request) => Require(await _client.FlashAsync(request, null, CancellationToken.None));

    /// <summary>Upgrades machines; each leaves the rack when its report has come.</summary>
    /// <param name="requests">The machines, built as they are asked for.</param>
    /// <param name="concurrency">How many at once.</param>
    /// <param name="ended">Called after each report with how many have come.</param>
    public async Task UpgradeManyAsync(IEnumerable<FlashRequest> requests, int concurrency, Action<int>? ended = null)
    {
        var count = 0;
        await foreach (var report in _client.FlashManyAsync(requests, concurrency, null, CancellationToken.None))
        {
            Require(report);
            _rack.Remove(report.Target.Endpoints[0].Address.Host);
            ended?.Invoke(++count);
        }
    }

    private static void Require(FlashReport report)
    {
        if (report.Outcome != FlashOutcomeKind.Upgraded)
        {
            throw new InvalidOperationException($"{report.Target} was not upgraded: {report.Result}");
        }
    }
}
