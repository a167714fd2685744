using System.Collections.Immutable;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using static RomFlash.Sdk.Journal.FlashJournalRecordKind;
using static RomFlash.Sdk.Tests.Journal.JournalSamples;

namespace RomFlash.Sdk.Tests.Journal;

/// <summary>What both journals do.</summary>
public sealed class FlashJournalContractTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadOpenAsync_TwoOpenOperations_GivesTheNewestByIdAndByMachine(bool file)
    {
        var journal = await OpenAsync(file);
        await Append(journal, Record(Started, "old", "a", Machine(1)));
        await Append(journal, Record(Started, "new", "a", Machine(1)));
        await Append(journal, Record(ArmIntent, "old", "a", Machine(1)));

        Assert.Equal(["new"], Ids(await Open(journal, "a", null)));
        Assert.Equal(["new"], Ids(await Open(journal, "another name", Machine(1))));
        Assert.Empty(await Open(journal, "another name", Machine(2)));
        Assert.Empty(await Open(journal, "another name", null));
        await Append(journal, Record(Concluded, "new", "a", Machine(1)));
        Assert.Equal(["old", "old"], Ids(await Open(journal, "another name", Machine(1))));
        await Append(journal, Record(Concluded, "old", "a"));
        Assert.Empty(await Open(journal, "a", Machine(1)));
        await Close(journal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadOpenAsync_Observed_StaysOpen(bool file)
    {
        var journal = await OpenAsync(file);
        await Append(journal, Record(Started, "x", "a", Machine(1)));
        await Append(journal, Record(Observed, "x", "a", Machine(1)));

        Assert.Equal([Started, Observed], (await Open(journal, "a", null)).Select(r => r.Kind));
        await Close(journal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadOpenAsync_Machine_IsFoundBySerialAloneAndNeverByAPlaceholder(bool file)
    {
        var journal = await OpenAsync(file);
        await Append(journal, Record(Started, "zeros", "a", new() { SmbiosUuid = Guid.Empty }));
        await Append(journal, Record(Started, "serial", "b", new() { SmbiosUuid = Guid.AllBitsSet, SerialNumber = "S" }));
        await Append(journal, Record(Started, "uuid", "c", Machine(7) with { SerialNumber = null }));

        Assert.Empty(await Open(journal, "z", new() { SmbiosUuid = Guid.Empty }));
        Assert.Equal(["serial"], Ids(await Open(journal, "z", new() { SerialNumber = "S" })));
        Assert.Equal(["uuid"], Ids(await Open(journal, "z", Machine(7))));

        // The same UUID with another manufacturer is another machine.
        Assert.Empty(await Open(journal, "z", Machine(7) with { Manufacturer = "Other" }));
        await Close(journal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadOpenAsync_MachineToldLate_IsFoundByIt(bool file)
    {
        var journal = await OpenAsync(file);
        await Append(journal, Record(Started, "x", "a"));
        Assert.Empty(await Open(journal, "z", Machine(1)));
        await Append(journal, Record(StagingIntent, "x", "a", Machine(1)));
        Assert.Equal(2, (await Open(journal, "z", Machine(1))).Length);
        await Close(journal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AppendAsync_CancelledToken_AppendsNothing(bool file)
    {
        var journal = await OpenAsync(file);
        var result = await journal.AppendAsync(Record(Started), new CancellationToken(true));

        Assert.False(result.TryGetValue(out _, out var failure));
        Assert.IsType<OperationCancelled>(failure);
        Assert.False((await journal.ReadOpenAsync("dir:/a", null, new CancellationToken(true))).TryGetValue(out _, out failure));
        Assert.IsType<OperationCancelled>(failure);
        Assert.Empty(await History(journal, null));
        await Close(journal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AppendAsync_NotARecord_Throws(bool file)
    {
        var journal = await OpenAsync(file);
        await Assert.ThrowsAsync<ArgumentException>(async () => await journal.AppendAsync(Record(None), default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await journal.AppendAsync(Record((FlashJournalRecordKind)99), default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await journal.AppendAsync(Record(Started) with { Version = FlashJournalRecord.CurrentVersion + 1 }, default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await journal.AppendAsync(Record(Started, operation: string.Empty), default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await journal.AppendAsync(Record(Started) with { RebootDelay = TimeSpan.FromTicks(-1) }, default));
        await Close(journal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadHistoryAsync_OneTarget_GivesItsRecordsInOrder(bool file)
    {
        var journal = await OpenAsync(file);
        for (var i = 0; i < 200; i++)
        {
            await Append(journal, Record(i % 3 == 2 ? Concluded : Started, $"op-{i / 3}", i % 2 == 0 ? "even" : "odd"));
        }

        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), (await History(journal, null)).Select(r => r.Sequence));
        Assert.All(await History(journal, "odd"), r => Assert.Equal("odd", r.TargetId));
        Assert.Equal(100, (await History(journal, "odd")).Count);
        await Close(journal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AppendAsync_ManyAtOnce_GivesEveryRecordItsOwnSequence(bool file)
    {
        var journal = await OpenAsync(file);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(n => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await Append(journal, Record(Started, $"op-{n}-{i}", $"t-{n}"));
                Assert.Single(await Open(journal, $"t-{n}", null));
                await Append(journal, Record(Concluded, $"op-{n}-{i}", $"t-{n}"));
            }
        })));

        var history = await History(journal, null);
        Assert.Equal(Enumerable.Range(1, 640).Select(i => (long)i), history.Select(r => r.Sequence));
        await Close(journal);
    }

    [Fact]
    public async Task InMemoryJournal_ManyConcludedOperations_KeepsTheNewestAndEveryOpenOne()
    {
        var journal = new InMemoryFlashJournal("me", retainedOperations: 10);
        await Append(journal, Record(Started, "open", "a"));
        for (var i = 0; i < 10_000; i++)
        {
            var task = journal.AppendAsync(Record(Started, $"op-{i}", "b"), default);
            Assert.True(task.IsCompleted);
            await Append(journal, Record(Concluded, $"op-{i}", "b"));
        }

        var history = await History(journal, null);
        Assert.Equal(21, history.Count);
        Assert.Equal("open", history[0].OperationId);
        Assert.Equal("op-9999", history[^1].OperationId);
        Assert.Equal("me", journal.ClientId);
        Assert.NotEqual(new InMemoryFlashJournal().ClientId, new InMemoryFlashJournal().ClientId);
    }

    private static async Task Append(IFlashJournal journal, FlashJournalRecord record) => (await journal.AppendAsync(record, default)).GetValueOrThrow();

    private static async Task<ImmutableArray<FlashJournalRecord>> Open(IFlashJournal journal, string target, TargetIdentity? identity) =>
        (await journal.ReadOpenAsync(target, identity, default)).GetValueOrThrow();

    private static async Task<List<FlashJournalRecord>> History(IFlashJournal journal, string? target)
    {
        var records = new List<FlashJournalRecord>();
        await foreach (var record in journal.ReadHistoryAsync(target, default))
        {
            records.Add(record);
        }

        return records;
    }

    private static IEnumerable<string> Ids(ImmutableArray<FlashJournalRecord> records) => records.Select(r => r.OperationId);

    private static async Task Close(IFlashJournal journal)
    {
        if (journal is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }

    private async Task<IFlashJournal> OpenAsync(bool file) => file
        ? (await FileFlashJournal.OpenAsync(_scratch["journal"], new() { TimeProvider = new FixedClock(Now) }, default)).GetValueOrThrow()
        : new InMemoryFlashJournal();
}
