using System.Diagnostics;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Tests.Compatibility;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of the catalog: time and memory of a verdict among 10,000 releases. Nothing like it is at hand to be held against.</summary>
internal static class CatalogRows
{
    private const int Runs = 9;
    private const int Verdicts = 20_000;

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        var named = new List<(string Name, double Nanoseconds, double Bytes)>();
        foreach (var kind in Enum.GetValues<LargeCatalogKind>())
        {
            var catalog = LargeCatalog.Create(kind).Catalog;
            foreach (var question in Enum.GetValues<LargeCatalogQuestion>())
            {
                named.Add(await MeasureAsync($"{kind}.{question}", catalog, LargeCatalog.Ask(question)));
            }
        }

        // The row that has a bound is the worst of them.
        yield return new("catalog.verdict-ns", named.Max(n => n.Nanoseconds), null, "ns, the worst of those below", "at most 10000");
        yield return new("catalog.verdict-bytes", named.Max(n => n.Bytes), null, "bytes, the worst of those below", "at most 1024");
        foreach (var (name, nanoseconds, bytes) in named)
        {
            yield return new($"catalog.verdict-ns.{Dashed(name)}", nanoseconds, null, "ns", "reported");
            yield return new($"catalog.verdict-bytes.{Dashed(name)}", bytes, null, "bytes", "reported");
        }

        var json = LargeCatalog.Create(LargeCatalogKind.Names).Document.ToJson();
        yield return new("catalog.read-ms", Read(json), null, $"ms for {json.Length >> 10} KiB", "reported");
    }

    private static async Task<(string Name, double Nanoseconds, double Bytes)> MeasureAsync(string name, JsonCompatibilityCatalog catalog, CompatibilityQuery query)
    {
        var times = new List<double>();
        var bytes = 0.0;
        for (var run = 0; run < 2 * Runs; run++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Verdicts; i++)
            {
                if (!(await catalog.EvaluateAsync(query, CancellationToken.None)).TryGetValue(out _, out var failure))
                {
                    throw new InvalidOperationException(failure.Detail);
                }
            }

            times.Add(Stopwatch.GetElapsedTime(start).TotalNanoseconds / Verdicts);
            bytes = (double)(GC.GetAllocatedBytesForCurrentThread() - before) / Verdicts;
        }

        // The first half warms up.
        return (name, times.Skip(Runs).Order().ElementAt(Runs / 2), bytes);
    }

    private static double Read(ReadOnlyMemory<byte> json)
    {
        var times = new List<double>();
        for (var run = 0; run < 2 * Runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            CatalogDocument.TryParse(json.Span, "large").GetValueOrThrow();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return times.Skip(Runs).Order().ElementAt(Runs / 2);
    }

    private static string Dashed(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) ? (i > 0 && name[i - 1] != '.' ? "-" : string.Empty) + char.ToLowerInvariant(c) : c.ToString()));
}
