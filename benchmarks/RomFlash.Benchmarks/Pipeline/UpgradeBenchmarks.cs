using BenchmarkDotNet.Attributes;
using RomFlash.Sdk;
using RomFlash.Sdk.Journal;

namespace RomFlash.Benchmarks.Pipeline;

/// <summary>A whole upgrade of a simulated machine: probe, check, stage, verify, arm, restart, confirm.</summary>
[MemoryDiagnoser]
public class UpgradeBenchmarks
{
    private UpgradeFixture _fixture = null!;
    private FlashRequest[] _requests = null!;

    /// <summary>How many machines one invocation upgrades.</summary>
    public const int Machines = 256;

    /// <summary>Builds the client.</summary>
    [GlobalSetup]
    public void SetUp() => _fixture = new UpgradeFixture(new InMemoryFlashJournal());

    /// <summary>Builds the machines: a machine can be upgraded once.</summary>
    [IterationSetup]
    public void BuildMachines() => _requests = [.. Enumerable.Range(0, Machines).Select(_ => _fixture.NextRequest())];

    /// <summary>One after the other.</summary>
    /// <returns>When all are upgraded.</returns>
    [Benchmark(OperationsPerInvoke = Machines)]
    public async Task Upgrade()
    {
        foreach (var request in _requests)
        {
            await _fixture.UpgradeAsync(request);
        }
    }
}
