using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Roads;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>A session with a management controller.</summary>
internal sealed class RedfishSession(RedfishConnection connection, RedfishService service, ControllerMemory memory, RedfishTransportOptions options, TimeProvider time)
    : ITargetSession, IFactsCapability, IDepositCapability, IArmingCapability, IPowerCapability
{
    private static readonly ReadOnlyMemory<byte> NoParameters = "{}"u8.ToArray();

    private readonly RedfishTasks _tasks = new(connection, service, memory);
    private readonly RedfishFacts _facts = new(connection, service);
    private volatile bool _isClosed;

    public DepositTraits Traits => field ??= new()
    {
        Verification = [VerificationMethod.AcceptedByDevice],
        MaxWriteBytes = 1 << 20,
        UsesSystemPartition = false,
        Effect = Road.Effect,
        KeepsUncommitted = false,
    };

    public bool RestartsAtOnce => true;

    private UpdateRoad Road => service.Road!;

    public TCapability? GetCapability<TCapability>()
        where TCapability : class, ITargetCapability =>
        typeof(TCapability) == typeof(IDepositCapability) || typeof(TCapability) == typeof(IArmingCapability) ? service.Road is null ? null : this as TCapability
        : typeof(TCapability) == typeof(IPowerCapability) ? ResetPath is null ? null : this as TCapability
        : this as TCapability;

    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    // ---- Facts ----
    public async ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken)
    {
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        ImmutableArray<UpdateTask>? tasks = null;
        if (kinds.HasFlag(FactKinds.Roms) && service.Road is not null)
        {
            if (!(await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault))
            {
                return fault;
            }

            tasks = situation.Tasks;
        }

        return await _facts.ReadAsync(kinds, tasks, cancellationToken).ConfigureAwait(false);
    }

    // ---- Deposits ----
    public async ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken)
    {
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        return (await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault)
            ? situation.Staged.Select(t => t.DepositId!).Distinct(StringComparer.Ordinal).Select(id => new DepositInfo(id, 0, IsCommitted: true)).ToImmutableArray()
            : fault;
    }

    public async ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (manifest.Generation != 0)
        {
            return Unchanged(TransportFaultKind.Fenced, "a management controller has no claims, and no generations of them");
        }

        if (manifest.Files.Length > Road.MaxComponents)
        {
            return Unchanged(TransportFaultKind.Unsupported, $"this service takes {Road.MaxComponents} image(s) at a time ({Road.Name})");
        }

        if (service.Updates!.MaxImageBytes is { } max && manifest.Files.FirstOrDefault(f => f.Length > max) is { } large)
        {
            return Unchanged(TransportFaultKind.NoSpace, $"{large.Name} has {large.Length} bytes, and the service takes {max} at most");
        }

        // Before the image is on its way, and not at its end.
        if (await Road.ObjectAsync(connection, cancellationToken).ConfigureAwait(false) is { } objection)
        {
            return objection;
        }

        if (!(await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault)
            || !(await RedfishInventory.ReadAsync(connection, service, cancellationToken).ConfigureAwait(false)).TryGetValue(out var items, out fault))
        {
            return fault;
        }

        if (situation.Staged.Any(t => t.DepositId == manifest.Id) || situation.Ours?.DepositId == manifest.Id)
        {
            return Unchanged(TransportFaultKind.AlreadyExists, $"deposit {manifest.Id} is there already");
        }

        var targets = ImmutableArray.CreateBuilder<RedfishInventoryItem>(manifest.Files.Length);
        foreach (var file in manifest.Files)
        {
            if (items.FirstOrDefault(i => string.Equals(i.Id, file.ComponentId, StringComparison.Ordinal)) is not { } item)
            {
                return Unchanged(TransportFaultKind.NotFound, $"the firmware inventory has no entry '{file.ComponentId}'");
            }

            if (item.IsUpdateable is false)
            {
                return Unchanged(TransportFaultKind.Unsupported, $"the service says that '{file.ComponentId}' can't be updated");
            }

            targets.Add(item);
        }

        if (!TryOpen(manifest.Id))
        {
            return Unchanged(TransportFaultKind.AlreadyExists, $"deposit {manifest.Id} is being made");
        }

        return TransportResult<IDeposit>.From(new RedfishDeposit(this, connection, Road, manifest, targets.ToImmutable(), memory, situation.Boot, time));
    }

    public async ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (!(await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault))
        {
            return fault;
        }

        if (situation.Ours?.DepositId == id)
        {
            return Unchanged(TransportFaultKind.Busy, $"{id} is armed");
        }

        return await RemoveAsync(situation.Staged.Where(t => t.DepositId == id && generation == 0), id, cancellationToken).ConfigureAwait(false);
    }

    // ---- Arming ----
    public async ValueTask<TransportResult<ArmedState>> ReadArmedStateAsync(bool withDigests, CancellationToken cancellationToken)
    {
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (await Road.ObjectAsync(connection, cancellationToken).ConfigureAwait(false) is { } objection)
        {
            return objection;
        }

        if (!(await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault))
        {
            return fault;
        }

        return new ArmedState
        {
            Phase = situation.Phase,
            DepositId = situation.Ours?.DepositId,
            Foreign = [.. situation.Foreign.Select(ItemOf)],
            Offers = [Road.Offer],
        };

        // The controller lets nobody look at what it was given: no items, and no digests.
        static ArmedItem ItemOf(UpdateTask task) => new(task.Path, Fact<long>.Unknown("the service does not tell"), Fact<ContentDigest>.Unknown("the service does not tell"));
    }

    public async ValueTask<TransportResult<Done>> ArmAsync(ArmRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        var manifest = request.Manifest;
        if (request.Method != ArmingMethod.ControllerUpdate)
        {
            return Unchanged(TransportFaultKind.Unsupported, "the one way to arm here is controller-update");
        }

        if (manifest.Generation != 0)
        {
            return Unchanged(TransportFaultKind.Fenced, "a management controller has no claims, and no generations of them");
        }

        if (!(await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault))
        {
            return fault;
        }

        if (situation.Ours?.DepositId == manifest.Id)
        {
            return default(Done);
        }

        if (situation.Phase != ArmedPhase.None)
        {
            return Unchanged(TransportFaultKind.Busy, "something else is armed, or being written");
        }

        if (Road.Effect != DepositEffect.Inert || service.Updates!.StartUpdatePath is not { } start)
        {
            return Unchanged(TransportFaultKind.NotFound, "an upload is armed by being complete here, and none is");
        }

        var staged = situation.Staged.Count(t => t.DepositId == manifest.Id);
        if (staged < manifest.Files.Length)
        {
            return Unchanged(TransportFaultKind.NotFound, $"{staged} of {manifest.Files.Length} image(s) of deposit {manifest.Id} wait to be started");
        }

        // StartUpdate starts everything that waits.
        if (!situation.Foreign.IsEmpty || situation.Staged.Any(t => t.DepositId != manifest.Id))
        {
            return Unchanged(TransportFaultKind.Busy, "other images wait to be started, and would be started as well");
        }

        var started = await connection.PostAsync(start, NoParameters, UploadComment.Of(manifest.Id, null), cancellationToken).ConfigureAwait(false);
        if (!started.TryGetValue(out var reply, out fault))
        {
            return fault;
        }

        memory.Add(new(manifest.Id, Road.TaskOf(reply, connection) ?? string.Empty, IsStart: true, manifest.Files.Length == 1 ? manifest.Files[0].ComponentId : null, situation.Boot));
        return default(Done);
    }

    public async ValueTask<TransportResult<Done>> DisarmAsync(string depositId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(depositId);
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (!(await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out var fault))
        {
            return fault;
        }

        if (situation.Ours is not { } ours || ours.DepositId != depositId)
        {
            // A task of this deposit that has ended well: written, and perhaps waiting for a restart. Nobody can take that back, nor say that it is not so.
            return situation.Tasks.Any(t => t.DepositId == depositId && t.Phase == TaskPhase.Done && (t.IsStart || Road.Effect != DepositEffect.Inert))
                ? Unchanged(TransportFaultKind.Unsupported, "the controller has written it: it can't be taken back")
                : default(Done);
        }

        if (!Road.CanDisarm || ours.Phase != TaskPhase.Waiting)
        {
            return Unchanged(TransportFaultKind.Unsupported, ours.Phase == TaskPhase.Waiting ? "this service does not take a flash back" : "the controller has begun to write: it can't be taken back");
        }

        return await RemoveAsync(situation.Tasks.Where(t => t.DepositId == depositId && t.Phase == TaskPhase.Waiting).OrderByDescending(t => t.IsStart), depositId, cancellationToken).ConfigureAwait(false);
    }

    // ---- Power ----
    public async ValueTask<TransportResult<Done>> ScheduleRebootAsync(RebootRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (request.Delay > TimeSpan.Zero || ResetPath is not { } reset)
        {
            return Unchanged(TransportFaultKind.Unsupported, "a management controller restarts at once");
        }

        var reader = new ResourceReader(connection);
        if (!(await reader.ReadStrictlyAsync(service.SystemPath, cancellationToken).ConfigureAwait(false)).TryGetValue(out var system, out var fault)
            || !(await ReadResetTypesAsync(reader, system.Json, cancellationToken).ConfigureAwait(false)).TryGetValue(out var types, out fault))
        {
            return fault;
        }

        if (PowerReset.Choose(types, system.Json.Text("PowerState", 32), request.Force) is not { } type)
        {
            return Unchanged(TransportFaultKind.Unsupported, $"of {(types.IsEmpty ? "no" : string.Join(", ", types))} reset types none {(request.Force ? "restarts the system" : "lets the system shut down first; a forced restart has to be asked for")}");
        }

        // A restart in the middle of writing is what bricks servers: looked at right before, and whoever's writing it is.
        if (!(await _tasks.ReadAsync(ended: null, cancellationToken).ConfigureAwait(false)).TryGetValue(out var situation, out fault))
        {
            return fault;
        }

        if (situation.Phase == ArmedPhase.Applying)
        {
            return Unchanged(TransportFaultKind.Busy, "the controller is writing, and is not to be interrupted");
        }

        // Remembered before: the answer may be lost. And whether the service tells of its boots or not: a restart is under way all the same.
        var earlier = memory.Reset;
        memory.Reset = new(RedfishFacts.ResetTimeOf(system.Json), time.GetUtcNow());
        var answer = await connection.PostAsync(reset, PowerReset.BodyOf(type), null, cancellationToken).ConfigureAwait(false);
        if (answer.TryGetValue(out _, out fault))
        {
            return default(Done);
        }

        if (fault.Effect == FaultEffect.NotSent)
        {
            // One that was asked for before is not taken back by this one's being refused.
            memory.Reset = earlier;
        }

        return fault;
    }

    public async ValueTask<TransportResult<Done>> AbortRebootAsync(CancellationToken cancellationToken)
    {
        if (Refuse(cancellationToken) is { } refused)
        {
            return refused;
        }

        if (memory.Reset is not { } asked || time.GetUtcNow() - asked.AskedAt >= options.ShutdownTime)
        {
            return default(Done);
        }

        // Asked for, and not there yet: the operating system is shutting down, and nobody calls it back.
        if (!(await new ResourceReader(connection).TryReadAsync(service.SystemPath, cancellationToken).ConfigureAwait(false)).TryGetValue(out var system, out var fault))
        {
            return fault;
        }

        // As long as the boot is unknown, before or now, nobody can say that it has happened: that takes the time that a shutdown has.
        if (asked.Boot is not { } before || RedfishFacts.ResetTimeOf(system.Json) is not { } now || now == before)
        {
            return Unchanged(TransportFaultKind.Busy, "the restart has been asked for, and a management controller does not take it back");
        }

        memory.Reset = null;
        return default(Done);
    }

    // ---- Shared with the deposit ----
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);

    internal void Closed(string depositId)
    {
        lock (_open)
        {
            _open.Remove(depositId);
        }
    }

    internal TransportFault? Refuse(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Unchanged(TransportFaultKind.Cancelled, "cancelled")
        : _isClosed ? Unchanged(TransportFaultKind.Lost, "the session was closed")
        : null;

    internal ValueTask<TransportResult<UpdateSituation>> ReadSituationAsync(EndedTasks? ended, CancellationToken cancellationToken) => _tasks.ReadAsync(ended, cancellationToken);

    internal static TransportFault Unchanged(TransportFaultKind kind, string detail) => new(kind, FaultEffect.NotSent, detail);

    private string? ResetPath => connection.TryGetPath(service.System["Actions"]["#ComputerSystem.Reset"].Text("target"));

    private bool TryOpen(string depositId)
    {
        lock (_open)
        {
            return _open.Add(depositId);
        }
    }

    private async ValueTask<TransportResult<Done>> RemoveAsync(IEnumerable<UpdateTask> tasks, string depositId, CancellationToken cancellationToken)
    {
        var hasRemoved = false;
        foreach (var task in tasks)
        {
            if (!(await connection.DeleteAsync(task.Path, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out var fault) && fault.Kind != TransportFaultKind.NotFound)
            {
                // What was removed before this one stays removed.
                return hasRemoved && fault.Effect == FaultEffect.NotSent ? fault with { Effect = FaultEffect.MayHaveApplied } : fault;
            }

            hasRemoved = true;
        }

        memory.Forget(depositId);
        return default(Done);
    }

    private static async ValueTask<TransportResult<ImmutableArray<string>>> ReadResetTypesAsync(ResourceReader reader, RedfishJson system, CancellationToken cancellationToken)
    {
        var action = system["Actions"]["#ComputerSystem.Reset"];
        var types = action.Texts("ResetType@Redfish.AllowableValues", 32, 64);
        if (!types.IsEmpty || action.Text("@Redfish.ActionInfo") is not { } info)
        {
            return types;
        }

        return (await reader.TryReadAsync(info, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var fault)
            ? read.Json.Items("Parameters", 16).FirstOrDefault(p => p.Text("Name", 64) == "ResetType").Texts("AllowableValues", 32, 64)
            : fault;
    }
}
