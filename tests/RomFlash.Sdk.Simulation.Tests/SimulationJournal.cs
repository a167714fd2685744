using System.Collections.Immutable;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Simulation.Tests;

/// <summary>What survives the client: the records on the disk.</summary>
internal sealed class SimulatedDisk
{
    public List<FlashJournalRecord> Records { get; } = [];

    public int Appends { get; set; }

    /// <summary>What happens at an append, by its number from 1.</summary>
    public Dictionary<int, JournalFault> Faults { get; } = [];
}

internal enum JournalFault
{
    CrashBefore,
    CrashAfter,
    Fail,
    FailAfterWriting,
    Throw,
}

/// <summary>A journal over a disk that outlives its client.</summary>
internal sealed class SimulationJournal(SimulatedDisk disk, ClientLife life, string clientId) : IFlashJournal
{
    public string ClientId => clientId;

    public ValueTask<FlashResult<Done>> AppendAsync(FlashJournalRecord record, CancellationToken cancellationToken)
    {
        if (!life.IsAlive)
        {
            return new(life.Never<FlashResult<Done>>());
        }

        disk.Appends++;
        JournalFault? fault = disk.Faults.TryGetValue(disk.Appends, out var injected) ? injected : null;
        switch (fault)
        {
            case JournalFault.CrashBefore:
                life.Kill();
                return new(life.Never<FlashResult<Done>>());
            case JournalFault.Fail:
                return new(new JournalUnavailable { Detail = "injected" });
            case JournalFault.Throw:
                throw new IOException("injected");
        }

        disk.Records.Add(record with { Sequence = disk.Records.Count + 1 });
        switch (fault)
        {
            case JournalFault.CrashAfter:
                life.Kill();
                return new(life.Never<FlashResult<Done>>());
            case JournalFault.FailAfterWriting:
                return new(new JournalUnavailable { Detail = "injected after writing" });
            default:
                return new(default(Done));
        }
    }

    public ValueTask<FlashResult<ImmutableArray<FlashJournalRecord>>> ReadOpenAsync(string targetId, TargetIdentity? identity, CancellationToken cancellationToken)
    {
        var open = disk.Records
            .GroupBy(r => r.OperationId)
            .Where(o => o.All(r => r.Kind != FlashJournalRecordKind.Concluded))
            .LastOrDefault(o => o.Any(r => r.TargetId == targetId || (identity is not null && r.Identity?.CompareWith(identity) == IdentityMatch.Same)));
        return new(open is null ? ImmutableArray<FlashJournalRecord>.Empty : [.. open]);
    }

    public async IAsyncEnumerable<FlashJournalRecord> ReadHistoryAsync(string? targetId, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ValueTask.CompletedTask;
        foreach (var record in disk.Records.Where(r => targetId is null || r.TargetId == targetId).ToArray())
        {
            yield return record;
        }
    }
}
