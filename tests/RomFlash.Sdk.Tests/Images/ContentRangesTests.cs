using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images;

public sealed class ContentRangesTests
{
    private static readonly byte[] Bytes = Make();

    // At, before and behind the places where steps meet.
    public static TheoryData<int, int> Stretches => new()
    {
        { 0, 0 },
        { 0, 1 },
        { 5, ContentSteps.Size },
        { 0, ContentSteps.Size },
        { ContentSteps.Size - 1, 2 },
        { 1, (3 * ContentSteps.Size) + 7 },
        { ContentSteps.Size, (2 * ContentSteps.Size) + 1 },
    };

    [Theory]
    [MemberData(nameof(Stretches))]
    public void Sums_OfAnyStretch_AreThoseOfTheBytes(int offset, int length)
    {
        foreach (var content in Contents())
        {
            Assert.Equal(Sum8.Hash(Bytes.AsSpan(offset, length)), ContentRanges.Sum8(content, offset, length));
            Assert.Equal(Crc32.Hash(Bytes.AsSpan(offset, length)), ContentRanges.Crc32(content, offset, length));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(ContentSteps.Size - 16)]
    [InlineData(ContentSteps.Size - 8)]
    [InlineData(ContentSteps.Size - 1)]
    [InlineData(ContentSteps.Size)]
    [InlineData((2 * ContentSteps.Size) - 3)]
    public void IndexOf_PatternAnywhere_IsFoundWhereItIs(int at)
    {
        var bytes = new byte[(3 * ContentSteps.Size) + 100];
        byte[] pattern = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        pattern.CopyTo(bytes, at);
        foreach (var content in Contents(bytes))
        {
            Assert.Equal(at, ContentRanges.IndexOf(content, 0, bytes.Length, pattern));
            Assert.Equal(at, ContentRanges.IndexOf(content, at, pattern.Length, pattern));
            Assert.Equal(-1, ContentRanges.IndexOf(content, 0, at + pattern.Length - 1, pattern));
            Assert.Equal(-1, ContentRanges.IndexOf(content, at + 1, bytes.Length - at - 1, pattern));
            Assert.Equal(at, ContentRanges.IndexOfAnyExcept(content, 0, bytes.Length, 0));
            Assert.Equal(-1, ContentRanges.IndexOfAnyExcept(content, at + pattern.Length, bytes.Length - at - pattern.Length, 0));
        }
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(long.MaxValue, long.MaxValue)]
    [InlineData(4, 1L << 40)]
    public void IndexOf_StretchThatIsNotThere_FindsNothing(long offset, long length)
    {
        foreach (var content in Contents())
        {
            Assert.Equal(-1, ContentRanges.IndexOf(content, offset, length, [Bytes[4]]));
            Assert.Equal(0, ContentRanges.Sum8(content, offset, length));
        }
    }

    private static IEnumerable<IRomImageContent> Contents(byte[]? bytes = null) => [new MemoryContent("memory", bytes ?? Bytes), new Copied(bytes ?? Bytes)];

    private static byte[] Make()
    {
        var bytes = new byte[(4 * ContentSteps.Size) + 11];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    // As a file is: nothing of it is in memory.
    private sealed class Copied(byte[] bytes) : IRomImageContent
    {
        public string Name => "copied";

        public long Length => bytes.Length;

        public bool TryRead(long offset, Span<byte> destination) => new MemoryContent(Name, bytes).TryRead(offset, destination);
    }
}
