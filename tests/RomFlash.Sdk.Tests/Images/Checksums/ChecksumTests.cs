using System.Text;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Checksums;

public sealed class ChecksumTests
{
    private const int Seed = 20261126;

    [Fact]
    public void EveryChecksum_HasADriver() =>
        Assert.Equal(ChecksumDriver.Leaves.Select(t => t.Name).Order(StringComparer.Ordinal), ChecksumDriver.All.Select(d => d.Name).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("Sum8", 0xDD)]
    [InlineData("Sum16", 0xD509)]
    [InlineData("Crc32", 0xCBF43926)]
    [InlineData("Crc32C", 0xE3069283)]
    [InlineData("Adler32", 0x091E01DE)]
    public void Hash_Digits1To9_IsThePublishedValue(string name, ulong value)
    {
        var bytes = Encoding.ASCII.GetBytes("123456789");

        Assert.Equal(value, ChecksumDriver.Of(name).Hash(bytes, 0, 9));
    }

    [Theory]
    [MemberData(nameof(ChecksumDriver.Names), MemberType = typeof(ChecksumDriver))]
    public void Append_SplitAtEveryBoundary_GivesTheSameValue(string name)
    {
        var driver = ChecksumDriver.Of(name);
        foreach (var length in (int[])[0, 1, 2, 15, 16, 17, 63, 64, 65, 130, 700])
        {
            var bytes = Random(length);
            var expected = driver.Definition(bytes);
            for (var at = 0; at <= length; at++)
            {
                var checksum = driver.Create();
                checksum.Append(bytes.AsSpan(0, at));
                checksum.Append(default);
                checksum.Append(bytes.AsSpan(at));
                Assert.Equal(expected, ChecksumDriver.ValueOf(checksum));
            }
        }
    }

    [Theory]
    [MemberData(nameof(ChecksumDriver.Names), MemberType = typeof(ChecksumDriver))]
    public void Hash_EveryLengthAndAlignment_IsWhatTheDefinitionSays(string name)
    {
        var driver = ChecksumDriver.Of(name);
        for (var length = 0; length < 1100; length += length < 300 ? 1 : 37)
        {
            for (var start = 0; start < (length < 200 ? 9 : 3); start++)
            {
                var bytes = Random(start + length);
                Assert.Equal(driver.Definition(bytes[start..]), driver.Hash(bytes, start, length));
            }
        }
    }

    [Theory]
    [MemberData(nameof(ChecksumDriver.Names), MemberType = typeof(ChecksumDriver))]
    public void Hash_LongInput_DoesNotOverflow(string name)
    {
        // All ones are what sums overflow with first.
        var driver = ChecksumDriver.Of(name);
        foreach (var bytes in (byte[][])[Enumerable.Repeat((byte)0xFF, 100_003).ToArray(), Random(77_777)])
        {
            Assert.Equal(driver.Definition(bytes), driver.Hash(bytes, 0, bytes.Length));
        }
    }

    [Theory]
    [MemberData(nameof(ChecksumDriver.Names), MemberType = typeof(ChecksumDriver))]
    public void Append_RandomPieces_GiveTheSameValue(string name)
    {
        var driver = ChecksumDriver.Of(name);
        var random = new Random(Seed);
        for (var run = 0; run < 60; run++)
        {
            var bytes = new byte[random.Next(5000)];
            random.NextBytes(bytes);
            var checksum = driver.Create();
            for (var at = 0; at < bytes.Length;)
            {
                var piece = Math.Min(bytes.Length - at, random.Next(600));
                checksum.Append(bytes.AsSpan(at, piece));
                at += piece;
            }

            Assert.True(driver.Definition(bytes) == ChecksumDriver.ValueOf(checksum), $"seed {Seed}, run {run}");
        }
    }

    [Theory]
    [MemberData(nameof(ChecksumDriver.Names), MemberType = typeof(ChecksumDriver))]
    public void TryGetCurrentValue_ShortDestination_WritesNothing(string name)
    {
        var checksum = ChecksumDriver.Of(name).Create();
        checksum.Append([1, 2, 3]);
        for (var length = 0; length < checksum.LengthInBytes; length++)
        {
            var destination = Enumerable.Repeat((byte)0xAA, length).ToArray();
            Assert.False(checksum.TryGetCurrentValue(destination, out var written));
            Assert.Equal(0, written);
            Assert.All(destination, b => Assert.Equal(0xAA, b));
        }

        var longer = Enumerable.Repeat((byte)0xAA, checksum.LengthInBytes + 3).ToArray();
        Assert.True(checksum.TryGetCurrentValue(longer, out _));
        Assert.All(longer[^3..], b => Assert.Equal(0xAA, b));
    }

    [Theory]
    [MemberData(nameof(ChecksumDriver.Names), MemberType = typeof(ChecksumDriver))]
    public void Reset_AfterOddPieces_BeginsAnew(string name)
    {
        var driver = ChecksumDriver.Of(name);
        var checksum = driver.Create();
        checksum.Append([1, 2, 3]);
        checksum.Reset();
        Assert.Equal(driver.Definition([]), ChecksumDriver.ValueOf(checksum));
        checksum.Append([9, 8]);
        Assert.Equal(driver.Definition([9, 8]), ChecksumDriver.ValueOf(checksum));
    }

    [Fact]
    public void Repair_AnyRange_MakesItSumToZero()
    {
        for (var length = 0; length < 200; length++)
        {
            var bytes = Random(length);
            Assert.Equal(0, Sum8.Hash([.. bytes, Sum8.Repair(bytes)]));
            var even = bytes[..(length & -2)];
            Assert.Equal(0, Sum16.Hash([.. even, .. BitConverter.GetBytes(Sum16.Repair(even))]));
        }
    }

    private static byte[] Random(int length)
    {
        var bytes = new byte[length];
        new Random(Seed + length).NextBytes(bytes);
        return bytes;
    }
}
