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
            foreach (var (row, file) in Images)
            {
                // UEFIExtract writes its report beside the image.
                var image = Path.Combine(folder.FullName, row + ".fd");
                File.Copy(file, image);
                var (full, peer) = await Peers.CompareAsync(WarmUps, Pairs, () => InspectAsync(image, Full), () => Peers.TimeAsync("UEFIExtract", image, "report"));
                yield return new($"images.uefiextract.{row}", full, peer, "ms, everything decoded, checked and digested", "at most 0.3");
                yield return new($"images.uefiextract.{row}.memory", await MemoryAsync(image), await Peers.PeakMemoryAsync("UEFIExtract", image, "report"), "MiB, managed heap at its largest above idle, and the peer's peak", "at most 0.15");
                var (outer, peerOfOuter) = await Peers.CompareAsync(WarmUps, Pairs, () => InspectAsync(image, Outer), () => Peers.TimeAsync("UEFIExtract", image, "report"));
                yield return new($"images.outer.{row}", outer, peerOfOuter, "ms, structure and sums of what is not compressed", "at most 0.02");
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
