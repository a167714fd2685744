using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>The rows of checksums and digests: 64 MiB, in a file beside other programs, in memory beside a plain read of the same memory.</summary>
internal static class ImageChecksumRows
{
    private const int Length = 64 << 20;
    private const int WarmUps = 3;
    private const int Pairs = 15;

    private const ChecksumAlgorithms Five = ChecksumAlgorithms.Crc32 | ChecksumAlgorithms.Md5 | ChecksumAlgorithms.Sha1 | ChecksumAlgorithms.Sha256 | ChecksumAlgorithms.Sha512;

    private static long _sink;

    public static async IAsyncEnumerable<Row> MeasureAsync()
    {
        var bytes = new byte[Length];
        new Random(1).NextBytes(bytes);
        var folder = Directory.CreateTempSubdirectory("romflash-benchmark-");
        try
        {
            var file = Path.Combine(folder.FullName, "content");
            var empty = Path.Combine(folder.FullName, "empty");
            await File.WriteAllBytesAsync(file, bytes);
            await File.WriteAllBytesAsync(empty, []);
            var (ours, peer) = await Peers.CompareAsync(
                WarmUps,
                Pairs,
                () => HashFileAsync(ChecksumAlgorithms.Sha256, file),
                async () => await Peers.TimeAsync("openssl", "dgst", "-sha256", file) - await Peers.TimeAsync("openssl", "dgst", "-sha256", empty));
            yield return new("images.sha256", ours, peer, "ms, openssl less its start-up", "at most 1.05");
            (ours, peer) = await Peers.CompareAsync(
                WarmUps,
                Pairs,
                () => HashFileAsync(Five, file),
                () => Peers.TimeAsync("rhash", "--crc32", "--md5", "--sha1", "--sha256", "--sha512", file));
            yield return new("images.five-digests", ours, peer, "ms, rhash with the same five", "at most 0.4");
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        foreach (var (name, bound, sum) in ((string, string, Func<byte[], long>)[])
            [("images.sum8", "at least 0.7", b => Sum8.Hash(b)), ("images.sum16", "at least 0.7", b => Sum16.Hash(b)), ("images.crc32", "at least 0.4", b => Crc32.Hash(b)), ("images.crc32c", "reported", b => Crc32C.Hash(b)), ("images.adler32", "reported", b => Adler32.Hash(b))])
        {
            var (ours, peer) = await Peers.CompareAsync(WarmUps, Pairs, () => SpeedAsync(bytes, sum), () => SpeedAsync(bytes, Read));
            yield return new(name, ours, peer, "GiB/s, and a plain vectorised read of the same memory", bound);
        }
    }

    private static async Task<double> HashFileAsync(ChecksumAlgorithms algorithms, string file)
    {
        var start = Stopwatch.GetTimestamp();
        await MultiDigest.HashFileAsync(algorithms, file, CancellationToken.None);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static Task<double> SpeedAsync(byte[] bytes, Func<byte[], long> sum)
    {
        var start = Stopwatch.GetTimestamp();
        _sink += sum(bytes);
        return Task.FromResult(bytes.Length / Stopwatch.GetElapsedTime(start).TotalSeconds / (1 << 30));
    }

    // Everything is loaded and nothing done with it but one "or": what memory gives at most.
    private static long Read(byte[] bytes)
    {
        var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(bytes);
        var (a, b, c, d) = (Vector<byte>.Zero, Vector<byte>.Zero, Vector<byte>.Zero, Vector<byte>.Zero);
        for (var i = 0; i <= vectors.Length - 4; i += 4)
        {
            a |= vectors[i];
            b |= vectors[i + 1];
            c |= vectors[i + 2];
            d |= vectors[i + 3];
        }

        return Vector.Sum(a | b | (c | d));
    }
}
