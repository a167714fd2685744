using RomFlash.Sdk.Compatibility;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>A verdict costs the same however large the catalog is: the memory is held here, the time in the benchmarks.</summary>
public sealed class CatalogSpeedTests
{
    private const int MostBytes = 1024;
    private const int Verdicts = 1000;

    [Theory]
    [InlineData(LargeCatalogKind.Names)]
    [InlineData(LargeCatalogKind.Patterns)]
    [InlineData(LargeCatalogKind.HardwareIds)]
    public async Task EvaluateAsync_TenThousandReleases_AllocatesLessThanAKilobyte(LargeCatalogKind kind)
    {
        var large = LargeCatalog.Create(kind);
        Assert.Equal(10_000, large.Catalog.ReleaseCount);
        foreach (var (question, decision) in new[]
        {
            (LargeCatalogQuestion.Approved, RomDecision.Approved),
            (LargeCatalogQuestion.Current, RomDecision.AlreadyCurrent),
            (LargeCatalogQuestion.SteppingStones, RomDecision.Approved),
            (LargeCatalogQuestion.Unsupported, RomDecision.NotApplicable),
        })
        {
            var query = LargeCatalog.Ask(question);
            CompatibilityVerdict? verdict = null;
            for (var i = 0; i < Verdicts; i++)
            {
                verdict = (await large.Catalog.EvaluateAsync(query, CancellationToken.None)).GetValueOrThrow();
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Verdicts; i++)
            {
                verdict = (await large.Catalog.EvaluateAsync(query, CancellationToken.None)).GetValueOrThrow();
            }

            var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / Verdicts;
            Assert.True(bytes < MostBytes, $"{question}: {bytes} bytes a verdict");
            Assert.Equal(decision, verdict!.Components[0].Decision);
            Assert.Equal(question == LargeCatalogQuestion.SteppingStones ? 4 : question == LargeCatalogQuestion.Approved ? 1 : 0, verdict.Boots);
            Assert.Equal(question == LargeCatalogQuestion.Unsupported && kind != LargeCatalogKind.HardwareIds ? 3 : 0, verdict.Nearest.Length);
        }
    }
}
