using System.Collections.Immutable;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>Writes the records of one operation; each carries what is known so far, so that the last ones alone tell the story.</summary>
internal sealed class OperationJournal
{
    private readonly ClientServices _services;
    private readonly FlashTarget _target;
    private FlashJournalRecord _last;

    public OperationJournal(ClientServices services, FlashTarget target, string operationId)
    {
        _services = services;
        _target = target;
        _last = new() { Kind = FlashJournalRecordKind.None, OperationId = operationId, TargetId = target.Id, Time = services.Time.GetUtcNow() };
    }

    /// <summary>Goes on with an operation of an earlier process.</summary>
    public OperationJournal(ClientServices services, FlashTarget target, ImmutableArray<FlashJournalRecord> records)
    {
        _services = services;
        _target = target;
        _last = records[^1];
    }

    public string OperationId => _last.OperationId;

    /// <summary>Whether anything was appended, so that the operation has to be concluded.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Sets what later records carry.</summary>
    public void Set(Func<FlashJournalRecord, FlashJournalRecord> change) => _last = change(_last);

    /// <summary>The flash that the newest record announces, for comparison with what the target shows.</summary>
    public FlashResult<ScheduledFlash> ToScheduled() => ScheduledFlash.TryAdopt(_target, [_last with { Kind = FlashJournalRecordKind.ArmIntent }], identity: null);

    public async ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecordKind kind, CancellationToken cancellationToken, string detail = "")
    {
        var record = _last with { Kind = kind, Time = _services.Time.GetUtcNow(), Outcome = null, FailureCode = null, TargetState = null, Detail = detail };
        return await AppendAsync(record, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<FlashResult<Done>> ConcludeAsync(FlashResult<FlashOutcome> result, bool isFinal, CancellationToken cancellationToken)
    {
        var kind = isFinal ? FlashJournalRecordKind.Concluded : FlashJournalRecordKind.Observed;
        var record = result.TryGetValue(out var outcome, out var failure)
            ? _last with { Kind = kind, Time = _services.Time.GetUtcNow(), Outcome = outcome.Kind, FailureCode = null, TargetState = null, Detail = string.Empty }
            : _last with { Kind = kind, Time = _services.Time.GetUtcNow(), Outcome = FlashOutcome.KindOf(failure), FailureCode = failure.Code, TargetState = failure.TargetState, Detail = failure.Detail };
        return AppendAsync(record, cancellationToken);
    }

    private async ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // Not cancellable on the way: a record is there or it is not, and the caller has to know which.
        var result = await _services.GuardAsync(
            _services.Journal.GetType().Name,
            _target,
            FlashStage.Request,
            TimeSpan.FromMinutes(1),
            (_services.Journal, record),
            static (s, t) => s.Journal.AppendAsync(s.record, t),
            CancellationToken.None).ConfigureAwait(false);
        if (result.TryGetValue(out _, out var failure))
        {
            IsOpen = record.Kind is not FlashJournalRecordKind.Concluded;
            return result;
        }

        Log.JournalFailed(_services.Logger, UntrustedText.ForLog(_target.Id), failure);
        return failure is JournalUnavailable or JournalCorrupt
            ? failure with { TargetId = _target.Id }
            : new JournalUnavailable { TargetId = _target.Id, Detail = failure.Detail };
    }
}
