using BenchmarkDotNet.Attributes;
using RomFlash.Sdk.Images;

namespace RomFlash.Benchmarks.Images;

/// <summary>What it costs to look into an image: its outer structure alone, or everything in it, decoded and digested.</summary>
[MemoryDiagnoser]
public class InspectionBenchmarks
{
    private const string Firmware = "/usr/share/ovmf/OVMF.fd";

    private readonly RomImageValidator _validator = new(RomImageFormats.All, new RomImageValidatorOptions());
    private readonly RomInspection _outer = new() { Depth = RomInspectionDepth.Outer, WithDigest = false };
    private readonly RomInspection _full = new();
    private LargeCapsule _capsule = null!;
    private string _file = null!;

    /// <summary>A capsule of 64 MiB with one payload, or the firmware of Debian's package ovmf, with compressed volumes in it.</summary>
    [Params("capsule", "ovmf")]
    public string Image { get; set; } = null!;

    /// <summary>Writes the capsule.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _capsule = new LargeCapsule();
        _file = Image == "ovmf" ? Firmware : _capsule.Path;
    }

    /// <summary>Removes it.</summary>
    [GlobalCleanup]
    public void CleanUp() => _capsule.Dispose();

    /// <summary>What lies open in the file, without a digest.</summary>
    /// <returns>The report.</returns>
    [Benchmark(Baseline = true)]
    public Task<RomImageReport> Outer() => InspectAsync(_outer);

    /// <summary>Everything, and the file's digest.</summary>
    /// <returns>The report.</returns>
    [Benchmark]
    public Task<RomImageReport> Full() => InspectAsync(_full);

    private async Task<RomImageReport> InspectAsync(RomInspection inspection) =>
        (await _validator.InspectAsync(new FileImageSource(_file), inspection, CancellationToken.None)).GetValueOrThrow();
}
