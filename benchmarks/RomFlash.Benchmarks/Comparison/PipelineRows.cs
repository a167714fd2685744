using System.Diagnostics;
using RomFlash.Benchmarks.Images;
using RomFlash.Benchmarks.Pipeline;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Journal;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of the pipeline: throughput, flat memory, and the cost of reading an image beside openssl.</summary>
internal static class PipelineRows
{
    private const int Floor = 5000;
    private const int Runs = 9;
    private const int WarmUps = 4;

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        yield return new("pipeline.upgrades-per-second", await ThroughputAsync(new InMemoryFlashJournal(), 10_000, 2), Floor, "upgrades/s, 2 at once", "at least 1");
        yield return new("pipeline.upgrades-per-second.file-journal", await FileThroughputAsync(), Floor, "upgrades/s, 256 at once", "reported");
        var (early, late) = await MemoryAsync();
        yield return new("pipeline.memory-after-1000", late, early, "KiB after 10,000, and after 1,000", "about 1");
        var (ours, peer) = await DigestAsync();
        yield return new("pipeline.sha256", ours, peer, "ms for 64 MiB", "at most 1.15");
    }

    private static async Task<double> ThroughputAsync(IFlashJournal journal, int count, int concurrency)
    {
        var fixture = new UpgradeFixture(journal);
        var rates = new List<double>();
        for (var run = 0; run < WarmUps + Runs; run++)
        {
            // The machines are built before the clock starts; what is measured is their upgrade.
            var requests = Enumerable.Range(0, count).Select(_ => fixture.NextRequest()).ToList();
            GC.Collect();
            var start = Stopwatch.GetTimestamp();
            await fixture.UpgradeManyAsync(requests, concurrency);
            if (run >= WarmUps)
            {
                rates.Add(count / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        return Median(rates);
    }

    private static async Task<double> FileThroughputAsync()
    {
        var folder = Directory.CreateTempSubdirectory("romflash-benchmark-");
        try
        {
            var opened = await FileFlashJournal.OpenAsync(
                Path.Combine(folder.FullName, "journal"),
                new FileFlashJournalOptions { TimeProvider = TimeProvider.System },
                CancellationToken.None);
            await using var journal = opened.GetValueOrThrow();

            // Appends that come together share a flush, so what counts here is how many are under way at once.
            return await ThroughputAsync(journal, 1000, 256);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(double Early, double Late)> MemoryAsync()
    {
        const int all = 10_000;
        const int early = 1000;
        var fixture = new UpgradeFixture(new InMemoryFlashJournal());
        double before = 0, after = 0;
        await fixture.UpgradeManyAsync(Enumerable.Range(0, all).Select(_ => fixture.NextRequest()), 2, count =>
        {
            if (count == early)
            {
                before = Measure();
            }
            else if (count == all)
            {
                after = Measure();
            }
        });
        return (before, after);

        static double Measure()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return GC.GetTotalMemory(forceFullCollection: true) / 1024.0;
        }
    }

    private static async Task<(double Ours, double Peer)> DigestAsync()
    {
        using var capsule = new LargeCapsule();
        var validator = new RomImageValidator([new UefiCapsuleFormat()], new RomImageValidatorOptions());
        return await Peers.CompareAsync(WarmUps, 2 * Runs, ValidateAsync, async () => await OpensslAsync(capsule.Path) - await OpensslAsync(capsule.EmptyPath));

        async Task<double> ValidateAsync()
        {
            var start = Stopwatch.GetTimestamp();
            (await validator.ValidateAsync(new FileImageSource(capsule.Path), CancellationToken.None)).GetValueOrThrow();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    private static Task<double> OpensslAsync(string file) => Peers.TimeAsync("openssl", "dgst", "-sha256", file);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
