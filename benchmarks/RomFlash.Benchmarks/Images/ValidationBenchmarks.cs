using BenchmarkDotNet.Attributes;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;

namespace RomFlash.Benchmarks.Images;

/// <summary>What it costs to read, check and digest an image.</summary>
[MemoryDiagnoser]
public class ValidationBenchmarks
{
    private readonly RomImageValidator _validator = new([new UefiCapsuleFormat()], new RomImageValidatorOptions());
    private LargeCapsule _capsule = null!;

    /// <summary>Writes the file.</summary>
    [GlobalSetup]
    public void SetUp() => _capsule = new LargeCapsule();

    /// <summary>Removes it.</summary>
    [GlobalCleanup]
    public void CleanUp() => _capsule.Dispose();

    /// <summary>A capsule of 64 MiB in a file.</summary>
    /// <returns>The validated image.</returns>
    [Benchmark]
    public async Task<RomImage> ValidateFile() =>
        (await _validator.ValidateAsync(new FileImageSource(_capsule.Path), CancellationToken.None)).GetValueOrThrow();
}
