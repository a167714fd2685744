using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Journal;

/// <summary>What every journal asks of a record, and answers to a caller that has gone.</summary>
internal static class RecordRules
{
    public static void ThrowIfNotARecord(FlashJournalRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentException.ThrowIfNullOrEmpty(record.OperationId);
        ArgumentException.ThrowIfNullOrEmpty(record.TargetId);
        if (record.Kind is FlashJournalRecordKind.None || !Enum.IsDefined(record.Kind))
        {
            throw new ArgumentException("The record has no kind.", nameof(record));
        }

        if (record.Version != FlashJournalRecord.CurrentVersion)
        {
            throw new ArgumentException("The record has a version that this library does not write.", nameof(record));
        }

        if (record.RebootDelay < TimeSpan.Zero)
        {
            throw new ArgumentException("A delay is negative.", nameof(record));
        }
    }

    public static OperationCancelled Cancelled(string targetId) => new() { TargetId = targetId, Detail = "cancelled before the journal was used" };
}
