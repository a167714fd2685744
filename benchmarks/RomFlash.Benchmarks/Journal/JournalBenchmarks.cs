using BenchmarkDotNet.Attributes;
using RomFlash.Sdk.Journal;

namespace RomFlash.Benchmarks.Journal;

/// <summary>One operation's worth of appends: the file journal flushes each to the disk.</summary>
[MemoryDiagnoser]
public class JournalBenchmarks
{
    private readonly InMemoryFlashJournal _memory = new("benchmark", 0);
    private DirectoryInfo _folder = null!;
    private FileFlashJournal _file = null!;
    private int _next;

    /// <summary>Opens the file.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _folder = Directory.CreateTempSubdirectory("romflash-benchmark-");
        _file = FileFlashJournal.OpenAsync(
            Path.Combine(_folder.FullName, "journal"),
            new FileFlashJournalOptions { TimeProvider = TimeProvider.System },
            CancellationToken.None).AsTask().GetAwaiter().GetResult().GetValueOrThrow();
    }

    /// <summary>Removes the file.</summary>
    [GlobalCleanup]
    public void CleanUp()
    {
        _file.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Delete(recursive: true);
    }

    /// <summary>In memory.</summary>
    /// <returns>When both records are kept.</returns>
    [Benchmark(Baseline = true)]
    public Task Memory() => AppendAsync(_memory);

    /// <summary>In a file.</summary>
    /// <returns>When both records are on the disk.</returns>
    [Benchmark]
    public Task File() => AppendAsync(_file);

    private async Task AppendAsync(IFlashJournal journal)
    {
        var record = new FlashJournalRecord
        {
            OperationId = $"operation-{++_next}",
            TargetId = "server",
            Time = TimeProvider.System.GetUtcNow(),
            Kind = FlashJournalRecordKind.Started,
        };
        (await journal.AppendAsync(record, CancellationToken.None)).GetValueOrThrow();
        (await journal.AppendAsync(record with { Kind = FlashJournalRecordKind.Concluded }, CancellationToken.None)).GetValueOrThrow();
    }
}
