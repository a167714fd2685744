using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Journal;

/// <summary>
/// A journal that ends with the process: for tests, dry runs, and callers that keep a journal of their own. Operations that are not
/// concluded are kept; of the concluded ones, the newest.
/// </summary>
/// <remarks>Thread-safe. Every method completes synchronously, and reading an open operation needs no search.</remarks>
public sealed class InMemoryFlashJournal : IFlashJournal
{
    /// <summary>How many concluded operations are kept unless the caller says otherwise.</summary>
    public const int DefaultRetainedOperations = 1000;

    private readonly Lock _lock = new();
    private readonly OpenOperations _open = new();
    private readonly Queue<List<FlashJournalRecord>> _concluded = new();
    private readonly int _retained;
    private long _sequence;

    /// <summary>Creates an empty journal with a random client id.</summary>
    public InMemoryFlashJournal()
        : this($"memory-{Guid.NewGuid():N}")
    {
    }

    /// <summary>Creates an empty journal.</summary>
    /// <param name="clientId">Who writes it: 1 to 128 characters.</param>
    /// <param name="retainedOperations">How many concluded operations are kept; 0 or more.</param>
    /// <exception cref="ArgumentException">The client id is empty or too long.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="retainedOperations"/> is negative.</exception>
    public InMemoryFlashJournal(string clientId, int retainedOperations = DefaultRetainedOperations)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(clientId);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(clientId.Length, 128, nameof(clientId));
        ArgumentOutOfRangeException.ThrowIfNegative(retainedOperations);
        ClientId = clientId;
        _retained = retainedOperations;
    }

    /// <inheritdoc/>
    public string ClientId { get; }

    /// <inheritdoc/>
    /// <returns>Done, or <see cref="OperationCancelled"/> when the token was cancelled before.</returns>
    /// <exception cref="ArgumentException">The record has no kind, operation or target.</exception>
    public ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken)
    {
        RecordRules.ThrowIfNotARecord(record);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromResult<FlashResult<Done>>(RecordRules.Cancelled(record.TargetId));
        }

        lock (_lock)
        {
            if (_open.Apply(record with { Sequence = ++_sequence }) is { } concluded)
            {
                _concluded.Enqueue(concluded);
                while (_concluded.Count > _retained)
                {
                    _concluded.Dequeue();
                }
            }
        }

        return ValueTask.FromResult<FlashResult<Done>>(default(Done));
    }

    /// <inheritdoc/>
    public ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(string targetId, TargetIdentity? identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(targetId);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromResult<FlashResult<ImmutableArray<FlashJournalRecord>>>(RecordRules.Cancelled(targetId));
        }

        lock (_lock)
        {
            return ValueTask.FromResult<FlashResult<ImmutableArray<FlashJournalRecord>>>(_open.Find(targetId, identity));
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FlashJournalRecord> ReadHistoryAsync(string? targetId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ValueTask.CompletedTask.ConfigureAwait(false);
        foreach (var record in Snapshot(targetId))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return record;
        }
    }

    private List<FlashJournalRecord> Snapshot(string? targetId)
    {
        List<FlashJournalRecord> records;
        lock (_lock)
        {
            records = [.. _concluded.SelectMany(r => r).Concat(_open.Records).Where(r => targetId is null || string.Equals(r.TargetId, targetId, StringComparison.Ordinal))];
        }

        records.Sort((a, b) => a.Sequence.CompareTo(b.Sequence));
        return records;
    }
}
