using System.Diagnostics;
using RomFlash.Sdk.Images;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of image inspection: real flash images, beside the tools that firmware engineers take for it.</summary>
internal static class ImageStructureRows
{
    private const int WarmUps = 3;
    private const int Pairs = 9;

    private static readonly (string Row, string File)[] Images =
    [
        ("ovmf", "/usr/share/ovmf/OVMF.fd"),
        ("aavmf", "/usr/share/AAVMF/AAVMF_CODE.fd"),
    ];

    private static readonly RomInspection Full = new();
    private static readonly RomInspection Outer = new() { Depth = RomInspectionDepth.Outer, WithDigest = false };

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        var folder = Directory.CreateTempSubdirectory("romflash-benchmark-");
        try
        {
            var files = Images.Select(i => (i.Row, Path: Path.Combine(folder.FullName, i.Row + ".fd"), i.File)).ToList();
            foreach (var (_, path, file) in files)
            {
                // UEFIExtract writes its report beside the image.
                File.Copy(file, path);
            }

            var (both, peerOfBoth) = await CompareAsync(Full, [.. files.Select(f => f.Path)]);
            yield return new("images.uefiextract", both, peerOfBoth, "ms for both files: everything decoded, checked and digested", "at most 0.3");
            foreach (var (row, path, _) in files)
            {
                var (full, peer) = await CompareAsync(Full, path);
                yield return new($"images.uefiextract.{row}", full, peer, "ms, one file of the row above", "reported");
                yield return new($"images.uefiextract.{row}.memory", await MemoryAsync(path), await Peers.PeakMemoryAsync("UEFIExtract", path, "report"), "MiB, managed heap at its largest above idle, and the peer's peak", "at most 0.15");
            }

            var (outers, peerOfOuters) = await CompareAsync(Outer, [.. files.Select(f => f.Path)]);
            yield return new("images.outer", outers, peerOfOuters, "ms for both files: structure and sums of what is not compressed", "at most 0.02");
            foreach (var (row, path, _) in files)
            {
                var (outer, peer) = await CompareAsync(Outer, path);
                yield return new($"images.outer.{row}", outer, peer, "ms, one file of the row above", "at most 0.02");
            }

            const string volume = "/usr/share/OVMF/OVMF_CODE.fd";
            foreach (var (row, inspection, bound) in ((string, RomInspection, string)[])[("images.fwupdtool", Outer, "at most 0.2"), ("images.fwupdtool.full", Full, "reported")])
            {
                var (ours, peer) = await Peers.CompareAsync(
                    WarmUps,
                    Pairs,
                    () => InspectAsync(volume, inspection),
                    async () => await Peers.TimeAsync("fwupdtool", "firmware-parse", volume, "efi-volume") - await Peers.TimeAsync("fwupdtool", "--version"));
                yield return new(row, ours, peer, "ms, the peer less its start-up", bound);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task<(double Ours, double Peer)> CompareAsync(RomInspection inspection, params string[] files) => Peers.CompareAsync(
        WarmUps,
        Pairs,
        async () =>
        {
            double sum = 0;
            foreach (var file in files)
            {
                sum += await InspectAsync(file, inspection);
            }

            return sum;
        },
        async () =>
        {
            double sum = 0;
            foreach (var file in files)
            {
                sum += await Peers.TimeAsync("UEFIExtract", file, "report");
            }

            return sum;
        });

    private static async Task<double> InspectAsync(string file, RomInspection inspection)
    {
        var validator = new RomImageValidator(RomImageFormats.All, new RomImageValidatorOptions());
        var start = Stopwatch.GetTimestamp();
        var report = (await validator.InspectAsync(new FileImageSource(file), inspection, CancellationToken.None)).GetValueOrThrow();
        var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return report.IsValid ? elapsed : throw new InvalidOperationException($"{file}: {report.Problems[0]}");
    }

    // The heap with everything that is not collected yet, looked at every millisecond while it works: more than what is in use.
    private static async Task<double> MemoryAsync(string file)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var idle = GC.GetTotalMemory(forceFullCollection: true);
        using var done = new CancellationTokenSource();
        var largest = idle;
        var sampler = new Thread(() =>
        {
            while (!done.IsCancellationRequested)
            {
                largest = Math.Max(largest, GC.GetTotalMemory(forceFullCollection: false));
                Thread.Sleep(1);
            }
        });
        sampler.Start();
        await InspectAsync(file, Full);
        largest = Math.Max(largest, GC.GetTotalMemory(forceFullCollection: false));
        await done.CancelAsync();
        sampler.Join();
        return (largest - idle) / (double)(1 << 20);
    }
}
