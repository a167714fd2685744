// An orchestrator of one's own: servers are drained before and checked after, one goes first, and the rest follow only when it did well.
// It runs twice on a simulated rack: once where all is well, once where the new ROM makes the workload fail.
using CustomOrchestrator;
using RomFlash.Sdk;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Simulation;

var good = Play("good ROM", isHealthy: _ => true);
var bad = Play("bad ROM", isHealthy: _ => false);
return good is { Upgraded: 6, Stopped: false } && bad is { Upgraded: 0, Stopped: true } ? 0 : 1;

static (int Upgraded, bool Stopped) Play(string name, Func<string, bool> isHealthy)
{
    // Time belongs to the clock: what takes minutes takes none here. The grace lets the thread pool work between two instants.
    var clock = new SimulatedClock { Grace = TimeSpan.FromMilliseconds(50) };
    var rack = new SimulatedRack(clock);
    var firmwareClass = new Guid("11111111-2222-3333-4444-555555555555");
    var oldRom = SimulatedRom.Create(firmwareClass, RomKind.SystemRom, "U30 v2.40 (01/12/2020)", 0x0002_4000);
    var newRom = SimulatedRom.Create(firmwareClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000);
    var machines = Enumerable.Range(1, 6)
        .Select(i => rack.Add(new SimulatedTargetOptions { Name = $"server-{i}", Roms = [new SimulatedRomSlot("system", oldRom)] }))
        .ToList();
    var balancer = new LoadBalancer(machines.Count, atLeastInService: 4);
    var client = new RomFlashClient(new RomFlashClientOptions
    {
        Transports = [rack.Transport],
        Catalog = SimulatedCatalog.Of(newRom),
        Journal = new InMemoryFlashJournal(),
        Credentials = CredentialSources.None,
        Gates = [new DrainGate(balancer), new HealthGate(balancer, isHealthy)],
        TimeProvider = clock,
    });

    var start = clock.GetUtcNow();
    var policy = FlashPolicy.Default with { Deadlines = new FlashDeadlines { PollInterval = TimeSpan.FromMinutes(1) } };
    var requests = machines.Select(m => new FlashRequest(m.ToFlashTarget(), [newRom.Image], policy)).ToList();
    var result = clock.Drive(() => RollOutAsync(client, requests));
    Console.WriteLine($"{name}: {machines.Count(m => m.BootCount > 0)} of {machines.Count} servers restarted, {balancer.InService} in service, {clock.GetUtcNow() - start:hh\\:mm\\:ss} on the clock");
    return result;
}

static async Task<(int Upgraded, bool Stopped)> RollOutAsync(RomFlashClient client, List<FlashRequest> requests)
{
    // The canary goes alone: what it breaks, it breaks once.
    var canary = await client.FlashAsync(requests[0], null, CancellationToken.None);
    Show("canary", canary);
    if (canary.Outcome is not (FlashOutcomeKind.Upgraded or FlashOutcomeKind.AlreadyCurrent) || !canary.Result.TryGetValue(out _, out _))
    {
        Console.WriteLine("stopped: the canary failed, the rest is untouched");
        return (0, true);
    }

    // Two at once, as many as the load balancer can spare.
    var upgraded = 1;
    await foreach (var report in client.FlashManyAsync(requests.Skip(1), 2, null, CancellationToken.None))
    {
        Show("rest", report);
        upgraded += report.Outcome == FlashOutcomeKind.Upgraded ? 1 : 0;
    }

    return (upgraded, false);
}

static void Show(string wave, FlashReport report) =>
    Console.WriteLine($"{wave}: {report.Target} {report.Result.Match(o => o.Kind.ToString(), f => $"{f.Code} {f.GetType().Name}: {UntrustedText.ForTerminal(f.Detail)}")}");
