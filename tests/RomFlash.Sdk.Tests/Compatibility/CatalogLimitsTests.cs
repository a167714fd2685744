using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Testing;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>What is too large or too deep is refused before it costs anything.</summary>
[Collection("Alone")]
public sealed class CatalogLimitsTests
{
    private const long Gigabyte = 1L << 30;

    [Fact]
    public async Task LoadAsync_FileOfAGigabyte_IsNotRead()
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.OpenWrite(path))
            {
                file.SetLength(Gigabyte);
            }

            var trust = new CatalogTrust { AllowUnsigned = true, History = new InMemoryCatalogHistory(), TimeProvider = new SimulatedClock() };
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var failure = Failure(await JsonCompatibilityCatalog.LoadAsync(path, trust, CancellationToken.None));
            var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

            Assert.Equal($"{path}: it is larger than {CatalogDocument.MaxLength} bytes", failure.Detail);
            Assert.InRange(allocated, 0, 8 << 20);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task ReadAsync_EndlessStream_IsReadOneByteBeyondTheLimit()
    {
        using var stream = new Endless();

        var content = await DocumentFile.ReadAsync(stream, 100_000, CancellationToken.None);

        Assert.Null(content.Bytes);
        Assert.Equal("it is larger than 100000 bytes", content.WhyNot);
        Assert.Equal(100_001, stream.Given);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(100_000)]
    public async Task ReadAsync_StreamUpToTheLimit_IsReadWhole(int length)
    {
        var content = new byte[length];
        new Random(17).NextBytes(content);
        using var stream = new Slow(content);

        var read = await DocumentFile.ReadAsync(stream, 100_000, CancellationToken.None);

        Assert.Equal(content, read.Bytes?.ToArray());
    }

    [Fact]
    public void TryParse_MoreThanTheLimit_IsRefusedByItsLength() =>
        Assert.Equal($"c: it is larger than {CatalogDocument.MaxLength} bytes", Failure(CatalogDocument.TryParse(new byte[CatalogDocument.MaxLength + 1], "c")).Detail);

    [Theory]
    [InlineData("{\"romflashCatalog\":1,\"systems\":", "[", 17)]
    [InlineData("{\"romflashCatalog\":1,\"x\":", "{\"a\":", 17)]
    [InlineData("", "[", 17)]
    public void TryParse_MillionBrackets_EndsAtTheSeventeenth(string before, string bracket, int deepest)
    {
        var json = Encoding.UTF8.GetBytes(before + string.Concat(Enumerable.Repeat(bracket, 1_000_000)));
        CatalogDocument.TryParse(json, "c").TryGetValue(out _, out _);

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var failure = Assert.IsType<CatalogUnusable>(Failure(CatalogDocument.TryParse(json, "c")));
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;

        var problem = failure.Problems[^1];
        Assert.Contains("depth of 16", problem.Message, StringComparison.Ordinal);
        Assert.InRange(problem.Column, before.Length, before.Length + (deepest * bracket.Length) + 1);
        Assert.InRange(allocated, 0, 64 << 10);
    }

    [Fact]
    public void TryParse_ManySources_AreToldOnceAndNotComparedWithEachOther()
    {
        string Sources(int count) => string.Join(',', Enumerable.Range(0, count).Select(i => $"\"s{i}\":\"1.0\""));
        string Of(string sources) => CatalogText.Catalog(CatalogText.Machine("A", CatalogText.Rom(CatalogText.Release(3, reportedAs: sources))));

        Assert.Empty(CatalogText.Problems(Of(Sources(16))));
        Assert.EndsWith("reportedAs names more than 16 sources", Assert.Single(CatalogText.Problems(Of(Sources(17)))), StringComparison.Ordinal);

        // Each with each these would be twenty thousand million comparisons.
        Assert.Single(CatalogText.Problems(Of(Sources(200_000))));
    }

    [Fact]
    public void TryParse_DeepestThatTheFormatNeeds_IsFarFromTheLimit()
    {
        var depth = 0;
        var deepest = 0;
        foreach (var c in CatalogText.Full)
        {
            depth += c is '{' or '[' ? 1 : c is '}' or ']' ? -1 : 0;
            deepest = Math.Max(deepest, depth);
        }

        Assert.Equal(8, deepest);
    }

    private static FlashFailure Failure<T>(FlashResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out _, out var failure));
        Assert.Equal("RF4010", failure.Code);
        return failure;
    }

    private sealed class Endless : MemoryStream
    {
        public int Given { get; private set; }

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Given += buffer.Length;
            return new(buffer.Length);
        }
    }

    private sealed class Slow(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(buffer.Length, 7000)], cancellationToken);
    }
}
