using BenchmarkDotNet.Attributes;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Benchmarks.Images;

/// <summary>What each checksum costs over memory.</summary>
[MemoryDiagnoser]
public class ChecksumBenchmarks
{
    private byte[] _bytes = null!;

    /// <summary>How many bytes: a header, a small part, a whole image.</summary>
    [Params(64, 64 << 10, 16 << 20)]
    public int Length { get; set; }

    /// <summary>Fills the memory.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _bytes = new byte[Length];
        new Random(1).NextBytes(_bytes);
    }

    /// <summary>The sum of bytes.</summary>
    /// <returns>The sum.</returns>
    [Benchmark(Baseline = true)]
    public byte SumOfBytes() => Sum8.Hash(_bytes);

    /// <summary>The sum of 16-bit words.</summary>
    /// <returns>The sum.</returns>
    [Benchmark]
    public ushort SumOfWords() => Sum16.Hash(_bytes);

    /// <summary>CRC-32.</summary>
    /// <returns>The CRC.</returns>
    [Benchmark]
    public uint Crc() => Crc32.Hash(_bytes);

    /// <summary>CRC-32C.</summary>
    /// <returns>The CRC.</returns>
    [Benchmark]
    public uint CrcC() => Crc32C.Hash(_bytes);

    /// <summary>Adler-32.</summary>
    /// <returns>The checksum.</returns>
    [Benchmark]
    public uint Adler() => Adler32.Hash(_bytes);
}
