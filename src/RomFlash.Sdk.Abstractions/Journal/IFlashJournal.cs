using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Journal;

/// <summary>
/// Remembers intents before the acts, so that a restarted client finds out by evidence what became of them. One journal belongs to one
/// client at a time.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public interface IFlashJournal
{
    /// <summary>Who writes this journal: 1 to 128 characters, the same after a restart. Claims on targets carry it.</summary>
    string ClientId { get; }

    /// <summary>Appends a record; its <see cref="FlashJournalRecord.Sequence"/> is set by the journal.</summary>
    /// <param name="record">The record.</param>
    /// <param name="cancellationToken">Cancelled by the caller. A record is appended as a whole or not at all.</param>
    /// <returns>Done when the record is durable; <see cref="JournalUnavailable"/> otherwise, and then the act must not follow.</returns>
    ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken);

    /// <summary>Reads the newest operation that is not concluded, of a target or of the same machine under another name.</summary>
    /// <param name="targetId">The target's id.</param>
    /// <param name="identity">The machine, or null to look by id alone.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>Its records, oldest first; empty when there is none.</returns>
    ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(string targetId, TargetIdentity? identity, CancellationToken cancellationToken);

    /// <summary>Reads what the journal keeps, oldest first.</summary>
    /// <param name="targetId">Only this target, or null for all.</param>
    /// <param name="cancellationToken">Cancelled by the caller.</param>
    /// <returns>The records that were there when the reading began.</returns>
    IAsyncEnumerable<FlashJournalRecord> ReadHistoryAsync(string? targetId, CancellationToken cancellationToken);
}
