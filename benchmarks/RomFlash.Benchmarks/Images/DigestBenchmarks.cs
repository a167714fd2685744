using BenchmarkDotNet.Attributes;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Benchmarks.Images;

/// <summary>What it costs to compute digests in one pass over a file of 64 MiB, and over the same bytes in memory.</summary>
[MemoryDiagnoser]
public class DigestBenchmarks
{
    private LargeCapsule _capsule = null!;
    private byte[] _bytes = null!;

    /// <summary>Which are computed: each alone, and all.</summary>
    [Params(
        ChecksumAlgorithms.Crc32,
        ChecksumAlgorithms.Md5,
        ChecksumAlgorithms.Sha1,
        ChecksumAlgorithms.Sha256,
        ChecksumAlgorithms.Sha384,
        ChecksumAlgorithms.Sha512,
        MultiDigest.All)]
    public ChecksumAlgorithms Algorithms { get; set; }

    /// <summary>Writes the file.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _capsule = new LargeCapsule();
        _bytes = File.ReadAllBytes(_capsule.Path);
    }

    /// <summary>Removes it.</summary>
    [GlobalCleanup]
    public void CleanUp() => _capsule.Dispose();

    /// <summary>Bytes in memory, on this thread.</summary>
    /// <returns>The digests.</returns>
    [Benchmark(Baseline = true)]
    public DigestSet HashMemory() => MultiDigest.Hash(Algorithms, _bytes);

    /// <summary>A file, on several threads where there are several digests.</summary>
    /// <returns>The digests.</returns>
    [Benchmark]
    public async Task<DigestSet> HashFile() => await MultiDigest.HashFileAsync(Algorithms, _capsule.Path, CancellationToken.None);
}
