using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.IO.Pipelines;
using System.Security.Cryptography;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Checksums;

#pragma warning disable CA5350, CA5351 // What vendors publish is what is compared here.
public sealed class MultiDigestTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-digest-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<ChecksumAlgorithms> Each => [.. Enum.GetValues<ChecksumAlgorithms>().Where(a => a != ChecksumAlgorithms.None)];

    [Fact]
    public void All_IsEveryAlgorithm() =>
        Assert.Equal(MultiDigest.All, Enum.GetValues<ChecksumAlgorithms>().Aggregate((a, b) => a | b));

    [Theory]
    [MemberData(nameof(Each))]
    public void Hash_EachAlone_IsTheSameAsAllTogether(ChecksumAlgorithms algorithm)
    {
        var bytes = Random(100_001);
        var all = MultiDigest.Hash(MultiDigest.All, bytes);

        var alone = MultiDigest.Hash(algorithm, bytes);

        Assert.Equal(Expected(algorithm, bytes), Convert.ToHexStringLower(all[algorithm].AsSpan()));
        Assert.Equal(all.ToHex(algorithm), alone.ToHex(algorithm));
        Assert.Equal(bytes.Length, alone.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(262_143)]
    [InlineData(262_144)]
    [InlineData(262_145)]
    [InlineData(2_097_152)]
    [InlineData(5_000_001)]
    public async Task HashAsync_StreamsOfEachKind_GiveWhatMemoryGives(int length)
    {
        var bytes = Random(length);
        var expected = MultiDigest.Hash(MultiDigest.All, bytes);
        var path = Path.Combine(_folder, "content");
        await File.WriteAllBytesAsync(path, bytes);

        AssertSame(expected, await MultiDigest.HashFileAsync(MultiDigest.All, path, CancellationToken.None));
        AssertSame(expected, await MultiDigest.HashAsync(MultiDigest.All, new Trickle(bytes), CancellationToken.None));
        var pipe = PipeReader.Create(new MemoryStream(bytes));
        using var piped = new MultiDigest(MultiDigest.All);
        await piped.AppendAsync(pipe, CancellationToken.None);
        AssertSame(expected, piped.GetCurrentValues());
        if (length > 0)
        {
            using var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            using var view = map.CreateViewStream(0, length, MemoryMappedFileAccess.Read);
            AssertSame(expected, await MultiDigest.HashAsync(MultiDigest.All, view, CancellationToken.None));
        }
    }

    [Fact]
    public async Task AppendAsync_BetweenAppends_IsOnePass()
    {
        var bytes = Random(1_000_000);
        using var digest = new MultiDigest(MultiDigest.All);
        digest.Append(bytes.AsSpan(0, 777));
        await digest.AppendAsync(new MemoryStream(bytes, 777, 600_001), CancellationToken.None);
        digest.Append(bytes.AsSpan(777 + 600_001));

        AssertSame(MultiDigest.Hash(MultiDigest.All, bytes), digest.GetCurrentValues());
        digest.Reset();
        AssertSame(MultiDigest.Hash(MultiDigest.All, []), digest.GetCurrentValues());
    }

    [Fact]
    public async Task AppendAsync_StreamThatBreaks_IsOfNoUseUntilReset()
    {
        using var digest = new MultiDigest(ChecksumAlgorithms.Sha256 | ChecksumAlgorithms.Crc32);

        await Assert.ThrowsAsync<IOException>(async () => await digest.AppendAsync(new Trickle(Random(3_000_000)) { FailsAt = 2_000_000 }, CancellationToken.None));

        Assert.Throws<InvalidOperationException>(digest.GetCurrentValues);
        Assert.Throws<InvalidOperationException>(() => digest.Append([1]));
        digest.Reset();
        digest.Append([1, 2]);
        AssertSame(MultiDigest.Hash(digest.Algorithms, [1, 2]), digest.GetCurrentValues());
    }

    [Fact]
    public async Task AppendAsync_CancelledMeanwhile_ThrowsAndEnds()
    {
        using var cancellation = new CancellationTokenSource();
        using var digest = new MultiDigest(MultiDigest.All);
        var stream = new Trickle(Random(20_000_000)) { Before = position => { if (position > 5_000_000) { cancellation.Cancel(); } } };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await digest.AppendAsync(stream, cancellation.Token));

        Assert.Throws<InvalidOperationException>(digest.GetCurrentValues);
    }

    [Fact]
    public void Append_AnyAlgorithm_AllocatesNothing()
    {
        using var digest = new MultiDigest(MultiDigest.All);
        var bytes = Random(1 << 20);

        Assert.Equal(0, ThreadAllocations.Least(() => digest.Append(bytes)));
    }

    [Fact]
    public void TryGetCurrentValue_ShortDestination_WritesNothing()
    {
        using var digest = new MultiDigest(MultiDigest.All);
        digest.Append([1]);
        foreach (var algorithm in Enum.GetValues<ChecksumAlgorithms>().Where(a => a != ChecksumAlgorithms.None))
        {
            Assert.True(digest.TryGetCurrentValue(algorithm, new byte[64], out var length));
            Assert.False(digest.TryGetCurrentValue(algorithm, new byte[length - 1], out var written));
            Assert.Equal(0, written);
        }
    }

    [Theory]
    [InlineData(ChecksumAlgorithms.None)]
    [InlineData((ChecksumAlgorithms)(1 << 20))]
    public void Constructor_NothingOrUnknown_IsRefused(ChecksumAlgorithms algorithms) => Assert.Throws<ArgumentException>(() => new MultiDigest(algorithms));

    [Fact]
    public void DigestSet_WhatWasNotComputed_IsRefused() =>
        Assert.Throws<ArgumentException>(() => MultiDigest.Hash(ChecksumAlgorithms.Sha256, [1])[ChecksumAlgorithms.Md5]);

    [Fact]
    [Trait("Category", "Peer")]
    public void Hash_RandomLengths_IsWhatIndependentToolsSay()
    {
        const int Seed = 77;
        var random = new Random(Seed);
        for (var run = 0; run < 12; run++)
        {
            var bytes = new byte[random.Next(1, 1 << random.Next(4, 20))];
            random.NextBytes(bytes);
            var path = Path.Combine(_folder, "random");
            File.WriteAllBytes(path, bytes);
            var ours = MultiDigest.Hash(MultiDigest.All, bytes);
            var rhash = Output("rhash", "--printf", "%{crc32} %{crc32c} %{md5} %{sha1} %{sha-256} %{sha-384} %{sha-512}", path).Trim().Split(' ');

            Assert.Equal(
                [.. ((ChecksumAlgorithms[])[ChecksumAlgorithms.Crc32, ChecksumAlgorithms.Crc32C, ChecksumAlgorithms.Md5, ChecksumAlgorithms.Sha1, ChecksumAlgorithms.Sha256, ChecksumAlgorithms.Sha384, ChecksumAlgorithms.Sha512]).Select(ours.ToHex)],
                rhash.Select(v => v.ToLowerInvariant()));
            Assert.EndsWith(ours.ToHex(ChecksumAlgorithms.Sha512), Output("openssl", "dgst", "-sha512", path).Trim(), StringComparison.Ordinal);
            Assert.Equal(
                $"{ours.ToHex(ChecksumAlgorithms.Adler32)} {ours.ToHex(ChecksumAlgorithms.Crc32)} {ours.ToHex(ChecksumAlgorithms.Sum8)}",
                Output("python3", "-c", "import sys,zlib; d=open(sys.argv[1],'rb').read(); print('%08x %08x %02x' % (zlib.adler32(d), zlib.crc32(d), sum(d) & 255))", path).Trim());
        }
    }

    private static string Expected(ChecksumAlgorithms algorithm, byte[] bytes) => Convert.ToHexStringLower(algorithm switch
    {
        ChecksumAlgorithms.Md5 => MD5.HashData(bytes),
        ChecksumAlgorithms.Sha1 => SHA1.HashData(bytes),
        ChecksumAlgorithms.Sha256 => SHA256.HashData(bytes),
        ChecksumAlgorithms.Sha384 => SHA384.HashData(bytes),
        ChecksumAlgorithms.Sha512 => SHA512.HashData(bytes),
        _ => ChecksumDriver.All.Single(d => d.Algorithm == algorithm) is var driver ? [.. BitConverter.GetBytes(driver.Definition(bytes)).Take(driver.Create().LengthInBytes).Reverse()] : [],
    });

    private static void AssertSame(DigestSet expected, DigestSet found)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.Equal(expected.Algorithms, found.Algorithms);
        Assert.All(Enum.GetValues<ChecksumAlgorithms>().Where(a => (expected.Algorithms & a) != 0), a => Assert.Equal(expected.ToHex(a), found.ToHex(a)));
    }

    private static string Output(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return text;
    }

    private static byte[] Random(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public long FailsAt { get; init; } = long.MaxValue;

        public Action<long> Before { get; init; } = _ => { };

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Before(Position);
            cancellationToken.ThrowIfCancellationRequested();
            return Position >= FailsAt ? throw new IOException("broken") : new(Read(buffer.Span[..Math.Min(buffer.Length, 70_001)]));
        }
    }
}
