using System.Collections.Immutable;
using System.Runtime.InteropServices;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Journal;

/// <summary>The operations that are not concluded, found by target or by machine without a search. Not thread-safe.</summary>
internal sealed class OpenOperations
{
    private readonly Dictionary<string, Operation> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Operation>> _byTarget = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, List<Operation>> _byUuid = [];
    private readonly Dictionary<string, List<Operation>> _bySerial = new(StringComparer.Ordinal);

    public int Count => _byId.Count;

    /// <summary>All records of all open operations.</summary>
    public IEnumerable<FlashJournalRecord> Records => _byId.Values.SelectMany(o => o.Records);

    public bool Contains(string operationId) => _byId.ContainsKey(operationId);

    /// <summary>Takes a record in.</summary>
    /// <param name="record">The record, with its sequence.</param>
    /// <returns>The records of the operation, when this one concludes it; otherwise null.</returns>
    public List<FlashJournalRecord>? Apply(FlashJournalRecord record)
    {
        ref var operation = ref CollectionsMarshal.GetValueRefOrAddDefault(_byId, record.OperationId, out _);
        if (operation is null)
        {
            operation = new(record);
            Add(_byTarget, record.TargetId, operation);
        }

        operation.Records.Add(record);
        Learn(operation, record.Identity);
        if (record.Kind is not FlashJournalRecordKind.Concluded)
        {
            return null;
        }

        var concluded = operation;
        _byId.Remove(record.OperationId);
        Remove(_byTarget, concluded.TargetId, concluded);
        if (concluded.Uuid is { } uuid)
        {
            Remove(_byUuid, uuid, concluded);
        }

        if (concluded.Serial is { } serial)
        {
            Remove(_bySerial, serial, concluded);
        }

        return concluded.Records;
    }

    public ImmutableArray<FlashJournalRecord> Find(string targetId, TargetIdentity? identity)
    {
        Operation? newest = null;
        if (_byTarget.TryGetValue(targetId, out var ofTarget))
        {
            newest = ofTarget[^1];
        }

        if (identity is not null)
        {
            if (UuidOf(identity) is { } uuid && _byUuid.TryGetValue(uuid, out var candidates))
            {
                newest = Newer(newest, NewestOf(candidates, identity));
            }

            if (SerialOf(identity) is { } serial && _bySerial.TryGetValue(serial, out candidates))
            {
                newest = Newer(newest, NewestOf(candidates, identity));
            }
        }

        return newest is null ? [] : [.. newest.Records];
    }

    private static Operation? NewestOf(List<Operation> candidates, TargetIdentity identity)
    {
        for (var i = candidates.Count - 1; i >= 0; i--)
        {
            if (candidates[i].Identity?.CompareWith(identity) is IdentityMatch.Same)
            {
                return candidates[i];
            }
        }

        return null;
    }

    private static Operation? Newer(Operation? a, Operation? b) => a is null || (b is not null && b.First > a.First) ? b : a;

    // All zeros and all ones are placeholders (SMBIOS 3.6, 7.2.1): no machine is found by them.
    private static Guid? UuidOf(TargetIdentity identity) =>
        identity.SmbiosUuid is { } uuid && uuid != Guid.Empty && uuid != Guid.AllBitsSet ? uuid : null;

    private static string? SerialOf(TargetIdentity identity) => string.IsNullOrWhiteSpace(identity.SerialNumber) ? null : identity.SerialNumber;

    private static void Add<TKey>(Dictionary<TKey, List<Operation>> index, TKey key, Operation operation)
        where TKey : notnull
    {
        ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(index, key, out _);
        list ??= new(1);

        // The newest is last. An operation that tells its machine late was begun before others that are listed already.
        var at = list.Count;
        while (at > 0 && list[at - 1].First > operation.First)
        {
            at--;
        }

        list.Insert(at, operation);
    }

    private static void Remove<TKey>(Dictionary<TKey, List<Operation>> index, TKey key, Operation operation)
        where TKey : notnull
    {
        if (index.TryGetValue(key, out var list) && list.Remove(operation) && list.Count == 0)
        {
            index.Remove(key);
        }
    }

    private void Learn(Operation operation, TargetIdentity? identity)
    {
        if (identity is null || operation.Identity is not null)
        {
            return;
        }

        operation.Identity = identity;
        operation.Uuid = UuidOf(identity);
        operation.Serial = SerialOf(identity);
        if (operation.Uuid is { } uuid)
        {
            Add(_byUuid, uuid, operation);
        }

        if (operation.Serial is { } serial)
        {
            Add(_bySerial, serial, operation);
        }
    }

    private sealed class Operation(FlashJournalRecord first)
    {
        public string TargetId { get; } = first.TargetId;

        public long First { get; } = first.Sequence;

        public List<FlashJournalRecord> Records { get; } = new(12);

        public TargetIdentity? Identity { get; set; }

        public Guid? Uuid { get; set; }

        public string? Serial { get; set; }
    }
}
