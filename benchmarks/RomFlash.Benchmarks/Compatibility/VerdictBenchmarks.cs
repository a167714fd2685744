using BenchmarkDotNet.Attributes;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Tests.Compatibility;

namespace RomFlash.Benchmarks.Compatibility;

/// <summary>What a verdict of a catalog with 10,000 releases costs.</summary>
[MemoryDiagnoser]
public class VerdictBenchmarks
{
    private JsonCompatibilityCatalog _catalog = null!;
    private CompatibilityQuery _query = null!;

    /// <summary>How the catalog names its systems.</summary>
    [Params(LargeCatalogKind.Names, LargeCatalogKind.Patterns, LargeCatalogKind.HardwareIds)]
    public LargeCatalogKind Kind { get; set; }

    /// <summary>What is asked.</summary>
    [Params(LargeCatalogQuestion.Approved, LargeCatalogQuestion.Current, LargeCatalogQuestion.SteppingStones, LargeCatalogQuestion.Unsupported)]
    public LargeCatalogQuestion Question { get; set; }

    /// <summary>Builds the catalog and the question.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _catalog = LargeCatalog.Create(Kind).Catalog;
        _query = LargeCatalog.Ask(Question);
    }

    /// <summary>One target with two ROMs.</summary>
    /// <returns>The verdict.</returns>
    [Benchmark]
    public ValueTask<FlashResult<CompatibilityVerdict>> Verdict() => _catalog.EvaluateAsync(_query, CancellationToken.None);
}
