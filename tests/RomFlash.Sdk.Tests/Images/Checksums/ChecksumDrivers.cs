using System.Numerics;
using System.Reflection;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Checksums;

/// <summary>Each checksum with its one-shot method, and the same computed by the definition, bit by bit and byte by byte.</summary>
internal sealed record ChecksumDriver(string Name, ChecksumAlgorithms Algorithm, Func<RomChecksum> Create, Func<byte[], int, int, ulong> Hash, Func<byte[], ulong> Definition)
{
    public static readonly ChecksumDriver[] All =
    [
        new("Sum8", ChecksumAlgorithms.Sum8, () => new Sum8(), (b, s, n) => Sum8.Hash(b.AsSpan(s, n)), b => b.Aggregate(0ul, (sum, next) => (sum + next) & 0xFF)),
        new("Sum16", ChecksumAlgorithms.Sum16, () => new Sum16(), (b, s, n) => Sum16.Hash(b.AsSpan(s, n)), b => b.Select((next, i) => (ulong)next << (8 * (i & 1))).Aggregate(0ul, (sum, next) => (sum + next) & 0xFFFF)),
        new("Crc32", ChecksumAlgorithms.Crc32, () => new Crc32(), (b, s, n) => Crc32.Hash(b.AsSpan(s, n)), b => Crc(b, 0xEDB88320)),
        new("Crc32C", ChecksumAlgorithms.Crc32C, () => new Crc32C(), (b, s, n) => Crc32C.Hash(b.AsSpan(s, n)), b => Crc(b, 0x82F63B78)),
        new("Adler32", ChecksumAlgorithms.Adler32, () => new Adler32(), (b, s, n) => Adler32.Hash(b.AsSpan(s, n)), Adler),
    ];

    public static TheoryData<string> Names => [.. All.Select(d => d.Name)];

    public static ChecksumDriver Of(string name) => All.Single(d => d.Name == name);

    public static IEnumerable<Type> Leaves => typeof(RomChecksum).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(RomChecksum)) && !t.IsAbstract);

    /// <summary>The value as the incremental object writes it.</summary>
    public static ulong ValueOf(RomChecksum checksum)
    {
        Span<byte> value = stackalloc byte[8];
        Assert.True(checksum.TryGetCurrentValue(value, out var written));
        Assert.Equal(checksum.LengthInBytes, written);
        return value[..written].ToArray().Aggregate(0ul, (all, next) => (all << 8) | next);
    }

    private static ulong Crc(byte[] bytes, uint polynomial)
    {
        var state = uint.MaxValue;
        foreach (var next in bytes)
        {
            state ^= next;
            for (var bit = 0; bit < 8; bit++)
            {
                state = (state >> 1) ^ ((state & 1) * polynomial);
            }
        }

        return ~state;
    }

    private static ulong Adler(byte[] bytes)
    {
        var (a, b) = (1ul, 0ul);
        foreach (var next in bytes)
        {
            a = (a + next) % 65521;
            b = (b + a) % 65521;
        }

        return (b << 16) | a;
    }
}
