// A transport that was written from scratch: first the conformance kit looks whether it keeps its contract, then it carries an upgrade.
using CustomTransport;
using RomFlash.Sdk;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Testing.Simulation;

var clock = new SimulatedClock();
var firmwareClass = new Guid("11111111-2222-3333-4444-555555555555");
var oldRom = SimulatedRom.Create(firmwareClass, RomKind.SystemRom, "1.0", 0x0001_0000, payloadLength: 10_000);
var newRom = SimulatedRom.Create(firmwareClass, RomKind.SystemRom, "2.0", 0x0002_0000, payloadLength: 10_000);

// Each rule gets a machine of its own.
var report = await TransportConformance.RunAsync(
    _ => new(new ConformanceSubject
    {
        Transport = new MemoryTransport(new MemoryMachine("one", oldRom, clock)),
        Endpoint = TargetEndpoint.TryCreate("mem:one").GetValueOrThrow(),
        UnknownEndpoint = TargetEndpoint.TryCreate("mem:two").GetValueOrThrow(),
        TimeProvider = clock,
        Image = newRom.Content,
    }),
    CancellationToken.None);
Console.Write(report);
Console.WriteLine(report.IsConformant ? "conformant" : $"{report.Failures.Length} rules are broken");

var machine = new MemoryMachine("one", oldRom, clock);
var client = new RomFlashClient(new RomFlashClientOptions
{
    Transports = [new MemoryTransport(machine)],
    Catalog = SimulatedCatalog.Of(newRom),
    Journal = new InMemoryFlashJournal(),
    Credentials = CredentialSources.None,
    TimeProvider = clock,
});
var upgrade = clock.Drive(() => client.FlashAsync(new FlashRequest(FlashTarget.Parse("mem:one"), newRom.Image), null, CancellationToken.None));
Console.WriteLine($"upgrade: {upgrade.Result.Match(o => $"{o.Kind}, verified by {o.Verification}", f => $"{f.Code} {UntrustedText.ForTerminal(f.Message)}")}, runs {machine.Rom.Version}");
return report.IsConformant && upgrade.Outcome == FlashOutcomeKind.Upgraded ? 0 : 1;
