using System.Globalization;
using System.Text;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Compatibility.Trust;

/// <summary>What histories remember, and what a damaged or contended one answers.</summary>
public sealed class CatalogHistoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-history-").FullName;

    private string File1 => Path.Combine(_folder, "catalogs.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Observe_Editions_OnlyTheNewestCounts(bool isFile)
    {
        ICatalogHistory history = isFile ? Open() : new InMemoryCatalogHistory();

        Assert.Equal(-1, (await history.FindAsync("a", true, CancellationToken.None)).GetValueOrThrow().Serial);
        Assert.Equal(5, await Observe(history, "a", 5));
        Assert.Equal(5, await Observe(history, "a", 4));
        Assert.Equal(6, await Observe(history, "a", 6));
        Assert.Equal(0, await Observe(history, "b", 0));
        Assert.Equal(6, (await history.FindAsync("a", true, CancellationToken.None)).GetValueOrThrow().Serial);
        Assert.Equal(-1, (await history.FindAsync("A", true, CancellationToken.None)).GetValueOrThrow().Serial);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Observe_SameSerial_KeepsTheFirstContent(bool isFile)
    {
        ICatalogHistory history = isFile ? Open() : new InMemoryCatalogHistory();
        await history.ObserveAsync(new("a", 5, Digest(1), true), CancellationToken.None);

        Assert.Equal(Digest(1), (await history.ObserveAsync(new("a", 5, Digest(2), true), CancellationToken.None)).GetValueOrThrow().Sha256);
        Assert.Equal(Digest(1), (await history.FindAsync("a", true, CancellationToken.None)).GetValueOrThrow().Sha256);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Observe_Unsigned_CountsAgainstUnsignedAlone(bool isFile)
    {
        ICatalogHistory history = isFile ? Open() : new InMemoryCatalogHistory();
        await Observe(history, "a", 9, isSigned: false);

        Assert.Equal(-1, (await history.FindAsync("a", true, CancellationToken.None)).GetValueOrThrow().Serial);
        Assert.Equal(9, (await history.FindAsync("a", false, CancellationToken.None)).GetValueOrThrow().Serial);
        Assert.Equal(3, await Observe(history, "a", 3));
        Assert.Equal(9, await Observe(history, "a", 3, isSigned: false));
        Assert.Equal(12, await Observe(history, "a", 12));
        Assert.Equal(12, await Observe(history, "a", 11, isSigned: false));
    }

    [Fact]
    public async Task File_OpenedAgain_RemembersAndIsItsOwnersAlone()
    {
        await Observe(Open(), "näme \"with\" quotes", 5);

        Assert.Equal(5, (await Open().FindAsync("näme \"with\" quotes", true, CancellationToken.None)).GetValueOrThrow().Serial);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(File1));
        }
    }

    [Fact]
    public async Task File_Looking_LeavesNothingBehind()
    {
        await Open().FindAsync("a", true, CancellationToken.None);

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task File_OlderEdition_IsNotWritten()
    {
        await Observe(Open(), "a", 5);
        var before = await File.ReadAllBytesAsync(File1);
        File.SetLastWriteTimeUtc(File1, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        await Observe(Open(), "a", 4);

        Assert.Equal(before, await File.ReadAllBytesAsync(File1));
        Assert.Equal(2020, File.GetLastWriteTimeUtc(File1).Year);
    }

    [Fact]
    public async Task File_ManyInstancesAtOnce_LoseNothing()
    {
        // As many processes would: each instance has its own handle on the lock.
        const int Count = 40;
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i => Task.Run(async () =>
        {
            await Observe(Open(), string.Create(CultureInfo.InvariantCulture, $"c{i % 8}"), i);
            await Observe(Open(), "shared", i);
        })));

        var history = Open();
        Assert.Equal(Count - 1, (await history.FindAsync("shared", true, CancellationToken.None)).GetValueOrThrow().Serial);
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(Count - 8 + i, (await history.FindAsync(string.Create(CultureInfo.InvariantCulture, $"c{i}"), true, CancellationToken.None)).GetValueOrThrow().Serial);
        }

        Assert.Equal(["catalogs.json", "catalogs.json.lock"], Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"romflashCatalogHistory\":1}")]
    [InlineData("{\"romflashCatalogHistory\":2,\"seen\":[]}")]
    [InlineData("{\"romflashCatalogHistory\":1,\"seen\":[],\"more\":1}")]
    [InlineData("{\"romflashCatalogHistory\":1,\"seen\":[]} x")]
    [InlineData("{\"romflashCatalogHistory\":1,\"seen\":{}}")]
    [InlineData("{\"romflashCatalogHistory\":1,\"seen\":[{}]}")]
    [InlineData("{\"romflashCatalogHistory\":1,\"seen\":[{\"name\":\"a\",\"signed\":true,\"serial\":-1,\"sha256\":\"5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9\"}]}")]
    [InlineData("{\"romflashCatalogHistory\":1,\"seen\":[{\"name\":\"a\",\"signed\":true,\"serial\":1,\"sha256\":\"5f\"}]}")]
    [InlineData("{\"romflashCatalogHistory\":1,\"seen\":[{\"name\":\"a\",\"signed\":1,\"serial\":1,\"sha256\":\"5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9\"}]}")]
    public async Task File_Damaged_SaysSoAndIsNotOverwritten(string content)
    {
        await File.WriteAllTextAsync(File1, content);

        Fails(await Open().FindAsync("a", true, CancellationToken.None));
        Fails(await Open().ObserveAsync(new("a", 1, Digest(1), true), CancellationToken.None));
        Assert.Equal(content, await File.ReadAllTextAsync(File1));
    }

    [Fact]
    public async Task File_SameCatalogTwice_IsDamaged()
    {
        await Observe(Open(), "a", 5);
        var text = await File.ReadAllTextAsync(File1);
        var entry = text[text.LastIndexOf('{')..(text.IndexOf('}', StringComparison.Ordinal) + 1)];
        await File.WriteAllTextAsync(File1, text.Replace(entry, entry + "," + entry, StringComparison.Ordinal));

        Assert.Contains("twice", Fails(await Open().FindAsync("a", true, CancellationToken.None)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_EveryTruncation_IsDamaged()
    {
        await Observe(Open(), "a", 5);
        var content = await File.ReadAllBytesAsync(File1);
        for (var length = 0; length < content.Length; length++)
        {
            await File.WriteAllBytesAsync(File1, content[..length]);
            Fails(await Open().FindAsync("a", true, CancellationToken.None));
        }
    }

    [Fact]
    public async Task File_TooLarge_IsNotRead()
    {
        using (var file = File.Create(File1))
        {
            file.SetLength(1L << 40);
        }

        Fails(await Open().FindAsync("a", true, CancellationToken.None));
    }

    [Fact]
    public async Task File_Directory_IsRefused()
    {
        Directory.CreateDirectory(File1);

        Fails(await Open().FindAsync("a", true, CancellationToken.None));
        Fails(await Open().ObserveAsync(new("a", 1, Digest(1), true), CancellationToken.None));
    }

    [Fact]
    public async Task File_MissingFolder_HasSeenNothingAndRemembersNothing()
    {
        var history = new FileCatalogHistory(Path.Combine(_folder, "missing", "c.json"), new FixedTime(Signers.Now));

        Assert.Equal(-1, (await history.FindAsync("a", true, CancellationToken.None)).GetValueOrThrow().Serial);
        Fails(await history.ObserveAsync(new("a", 1, Digest(1), true), CancellationToken.None));
    }

    [Fact]
    public async Task File_Full_RefusesAFurtherCatalogInsteadOfForgettingOne()
    {
        var text = new StringBuilder("{\"romflashCatalogHistory\":1,\"seen\":[");
        for (var i = 0; i < FileCatalogHistory.MaxCatalogs; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}{{\"name\":\"c{i}\",\"signed\":true,\"serial\":1,\"sha256\":\"{Digest(1)}\"}}");
        }

        await File.WriteAllTextAsync(File1, text.Append("]}").ToString());

        Fails(await Open().ObserveAsync(new("one more", 1, Digest(1), true), CancellationToken.None));
        Assert.Equal(2, await Observe(Open(), "c5", 2));
    }

    [Fact]
    public async Task File_LockHeldByAnother_GivesUpAfterTheWait()
    {
        using var held = new FileStream(File1 + ".lock", FileMode.Create, FileAccess.ReadWrite, FileShare.None);

        Fails(await new FileCatalogHistory(File1, new LeapingTime()).ObserveAsync(new("a", 1, Digest(1), true), CancellationToken.None));
        Assert.False(File.Exists(File1));
    }

    private static ContentDigest Digest(byte value) => new([.. Enumerable.Repeat(value, 32)]);

    private static FlashFailure Fails(FlashResult<CatalogSighting> result)
    {
        Assert.False(result.TryGetValue(out _, out var failure), "it succeeded");
        return Assert.IsType<CatalogRolledBack>(failure);
    }

    private static async Task<long> Observe(ICatalogHistory history, string name, long serial, bool isSigned = true) =>
        (await history.ObserveAsync(new(name, serial, Digest((byte)(serial + 1)), isSigned), CancellationToken.None)).GetValueOrThrow().Serial;

    private FileCatalogHistory Open() => new(File1, TimeProvider.System);

    /// <summary>A clock on which every look is a minute later.</summary>
    private sealed class LeapingTime : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _ticks, TimeSpan.TicksPerMinute);
    }
}
