using BenchmarkDotNet.Attributes;
using RomFlash.Sdk;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Benchmarks.Pipeline;

/// <summary>What the guard around a transport's operations adds to an operation that completes at once.</summary>
[MemoryDiagnoser]
public class GuardBenchmarks
{
    /// <summary>How many reads one invocation makes.</summary>
    public const int Reads = 1024;

    private FlashTarget _target = null!;
    private RomFlashClient _client = null!;
    private IFactsCapability _unguarded = null!;

    /// <summary>Builds a machine and a client whose probe does nothing but read.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var rack = new SimulatedRack(TimeProvider.System);
        var rom = SimulatedRom.Create(Guid.NewGuid(), RomKind.SystemRom, "1.0", 0x0001_0000);
        var machine = rack.Add(new SimulatedTargetOptions { Name = "server", Roms = [new SimulatedRomSlot("system", rom)], KeepsHistory = false });
        _target = machine.ToFlashTarget();
        _client = new RomFlashClient(new RomFlashClientOptions
        {
            Transports = [rack.Transport],
            Catalog = SimulatedCatalog.Empty,
            Journal = new InMemoryFlashJournal(),
            Credentials = CredentialSources.None,
            Probe = new ReadingProbe(),
        });
        var request = new TransportConnectRequest(_target.Endpoints[0], TargetCredentials.None, TimeProvider.System);
        var connected = rack.Transport.ConnectAsync(request, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        _unguarded = connected.TryGetValue(out var session, out var fault) && session.GetCapability<IFactsCapability>() is { } facts
            ? facts
            : throw new InvalidOperationException($"the simulated machine does not answer: {fault}");
    }

    /// <summary>The transport alone.</summary>
    /// <returns>When all reads are made.</returns>
    [Benchmark(Baseline = true, OperationsPerInvoke = Reads)]
    public ValueTask Unguarded() => ReadAsync(_unguarded);

    /// <summary>Through the guard, as stages call it.</summary>
    /// <returns>When all reads are made.</returns>
    [Benchmark(OperationsPerInvoke = Reads)]
    public async Task Guarded() => (await _client.ProbeAsync(_target, null, CancellationToken.None)).TryGetValue(out _, out _);

    private static async ValueTask ReadAsync(IFactsCapability facts)
    {
        for (var i = 0; i < Reads; i++)
        {
            if (!(await facts.ReadFactsAsync(FactKinds.Boot, CancellationToken.None)).TryGetValue(out _, out var fault))
            {
                throw new InvalidOperationException(fault.ToString());
            }
        }
    }

    private sealed class ReadingProbe : ITargetProbe
    {
        public async ValueTask<FlashResult<ProbeEvidence>> ProbeAsync(StageContext context, FactKinds kinds, CancellationToken cancellationToken)
        {
            var facts = await context.Connection.GetAsync<IFactsCapability>(FlashStage.Probe, cancellationToken);
            await ReadAsync(facts.GetValueOrThrow().Capability);
            return new OperationCancelled();
        }
    }
}
