using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Roads;

namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>What is under way on a service.</summary>
internal sealed record UpdateSituation
{
    public static UpdateSituation Nothing { get; } = new();

    /// <summary>All tasks about updates that were found.</summary>
    public ImmutableArray<UpdateTask> Tasks { get; init; } = [];

    /// <summary>This SDK's uploads that wait to be started.</summary>
    public ImmutableArray<UpdateTask> Staged { get; init; } = [];

    /// <summary>What is armed or being written and is this SDK's, or null.</summary>
    public UpdateTask? Ours { get; init; }

    /// <summary>What waits or runs besides.</summary>
    public ImmutableArray<UpdateTask> Foreign { get; init; } = [];

    public ArmedPhase Phase { get; init; }

    /// <summary>When the system was last reset, as the service writes it; null when it does not tell.</summary>
    public string? Boot { get; init; }
}

/// <summary>Reads tasks, and tells from them what is staged, armed and being written. Tasks of the past count for nothing once the system has been reset.</summary>
internal sealed class RedfishTasks(RedfishConnection connection, RedfishService service, ControllerMemory memory)
{
    private const int MaxTasks = 64;
    private const int MaxPages = 16;
    private readonly ResourceReader _reader = new(connection);

    /// <summary>Reads what is under way.</summary>
    /// <param name="ended">
    /// The tasks that this wait has seen end, for whoever looks again and again at one upload; null to read every task afresh. What decides about a restart, about arming or about removing reads afresh: a
    /// controller that has restarted counts its tasks from the beginning again, so that under a path that is known for a task that has ended another one may be writing.
    /// </param>
    /// <param name="cancellationToken">Cancels.</param>
    public async ValueTask<TransportResult<UpdateSituation>> ReadAsync(EndedTasks? ended, CancellationToken cancellationToken)
    {
        if (service.Updates is not { } updates || service.Road is not { } road)
        {
            return UpdateSituation.Nothing;
        }

        if (!(await ReadTasksAsync(updates, road, ended, cancellationToken).ConfigureAwait(false)).TryGetValue(out var tasks, out var fault))
        {
            return fault;
        }

        // Without the boot a task that has been written looks like one of the past: a system that the service can't give now is no system without a boot.
        return (await _reader.ReadStrictlyAsync(service.SystemPath, cancellationToken).ConfigureAwait(false)).TryGetValue(out var system, out fault)
            ? Judge(tasks, road.Effect, RedfishFacts.ResetTimeOf(system.Json))
            : fault;
    }

    /// <summary>The judgement alone.</summary>
    /// <param name="tasks">The tasks about updates.</param>
    /// <param name="effect">What an upload means here.</param>
    /// <param name="boot">When the system was last reset, as the service writes it, or null when nobody knows.</param>
    public static UpdateSituation Judge(ImmutableArray<UpdateTask> tasks, DepositEffect effect, string? boot)
    {
        var starts = tasks.Where(t => t.IsStart).ToImmutableArray();
        var uploads = tasks.Where(t => !t.IsStart).ToImmutableArray();
        var staged = ImmutableArray.CreateBuilder<UpdateTask>();
        var foreign = ImmutableArray.CreateBuilder<UpdateTask>();
        UpdateTask? ours = null;
        var phase = ArmedPhase.None;

        foreach (var task in starts)
        {
            Weigh(task);
        }

        foreach (var task in uploads)
        {
            if (effect != DepositEffect.Inert)
            {
                Weigh(task);
            }
            else if (task.Phase is TaskPhase.Waiting or TaskPhase.Running || (task.Phase == TaskPhase.Done && (IsFresh(task) || IsOfUnknownBoot(task)) && task.DepositId is not null))
            {
                if (task.DepositId is null)
                {
                    foreign.Add(task);
                }
                else if (!starts.Any(s => s.DepositId == task.DepositId && s.Phase != TaskPhase.Failed))
                {
                    staged.Add(task);
                }
            }
        }

        return new() { Tasks = tasks, Staged = staged.ToImmutable(), Foreign = foreign.ToImmutable(), Ours = ours, Phase = phase, Boot = boot };

        void Weigh(UpdateTask task)
        {
            var own = task.Phase switch
            {
                TaskPhase.Waiting => ArmedPhase.Armed,
                TaskPhase.Running => ArmedPhase.Applying,

                // It has been written, and takes effect at the next reset.
                TaskPhase.Done when task.DepositId is not null && IsFresh(task) => ArmedPhase.Armed,
                _ => ArmedPhase.None,
            };
            if (own == ArmedPhase.None)
            {
                return;
            }

            if (task.DepositId is null)
            {
                foreign.Add(task);
            }
            else
            {
                ours ??= task;
            }

            phase = phase == ArmedPhase.Applying ? phase : own;
        }

        // Only whoever made it knows whether the system was reset since: a task that ended in the last boot looks like one that ended after it, and a service may go on
        // saying that a reset is required. A later client takes it for done, and what it does then is at worst to write the same image again.
        bool IsFresh(UpdateTask task) => boot is not null && task.Boot == boot;

        // A service that never tells of resets: what this process uploaded waits to be started for all that anybody knows, and the service refuses to start what is gone.
        bool IsOfUnknownBoot(UpdateTask task) => task.IsNoted && task.Boot is null && boot is null;
    }

    private async ValueTask<TransportResult<ImmutableArray<UpdateTask>>> ReadTasksAsync(RedfishUpdateService updates, UpdateRoad road, EndedTasks? ended, CancellationToken cancellationToken)
    {
        var tasks = ImmutableArray.CreateBuilder<UpdateTask>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        TransportFault? fault;
        if (!(await ReadLinksAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var links, out fault))
        {
            return fault;
        }

        foreach (var link in links)
        {
            if (connection.TryGetPath(link) is { } path && seen.Add(path))
            {
                if (ended?.Find(path, memory) is { } known)
                {
                    tasks.Add(known);
                    continue;
                }

                if (!(await _reader.ReadStrictlyAsync(path, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out fault))
                {
                    return fault;
                }

                if (read.Path is not null && (memory.Find(path) is not null || UpdateTask.MayBeAboutUpdates(read.Json, updates, connection)))
                {
                    Add(UpdateTask.Read(path, read.Json, memory, updates));
                }
            }
        }

        foreach (var note in memory.Notes().Where(n => n.TaskPath.Length > 0 && !seen.Contains(n.TaskPath)))
        {
            if (ended?.Find(note.TaskPath, memory) is { } known)
            {
                tasks.Add(known);
                continue;
            }

            if (!(await ReadNotedAsync(note, updates, road, cancellationToken).ConfigureAwait(false)).TryGetValue(out var found, out fault))
            {
                return fault;
            }

            foreach (var task in found)
            {
                Add(task);
            }
        }

        if (!(await road.ReadOthersAsync(connection, memory, cancellationToken).ConfigureAwait(false)).TryGetValue(out var others, out fault))
        {
            return fault;
        }

        tasks.AddRange(others);
        return tasks.ToImmutable();

        void Add(UpdateTask task)
        {
            task = task with { Messages = connection.WithoutSecrets(task.Messages) };
            tasks.Add(task);
            ended?.Keep(task, memory);
        }
    }

    // Services list the newest first or last, in pages or not: both ends are looked at.
    private async ValueTask<TransportResult<ImmutableArray<string>>> ReadLinksAsync(CancellationToken cancellationToken)
    {
        var links = new List<string>();
        var next = service.TasksPath;
        for (var page = 0; next is not null; page++)
        {
            if (page == MaxPages)
            {
                return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, "the service lists more tasks than anybody can look at");
            }

            if (!(await _reader.ReadStrictlyAsync(next, cancellationToken).ConfigureAwait(false)).TryGetValue(out var collection, out var fault))
            {
                return fault;
            }

            // Members are required (DSP0266, collections): a list that has none, or one that says not where it is, does not say that nothing runs.
            var members = collection.Json.Links("Members");
            if (collection.Path is not null && (collection.Json["Members"].Element.ValueKind is not JsonValueKind.Array || members.Length != collection.Json.Items("Members").Length))
            {
                return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, "the service's list of tasks is none");
            }

            links.AddRange(members);
            next = collection.Json.Text("Members@odata.nextLink");
        }

        return (links.Count <= 2 * MaxTasks ? links : links.Take(MaxTasks).Concat(links.TakeLast(MaxTasks))).ToImmutableArray();
    }

    // A task or its monitor, where no collection lists it. A monitor answers with the result of the request once there is one (DSP0266, 12.2).
    private async ValueTask<TransportResult<ImmutableArray<UpdateTask>>> ReadNotedAsync(UploadNote note, RedfishUpdateService updates, UpdateRoad road, CancellationToken cancellationToken)
    {
        var result = await connection.GetAsync(note.TaskPath, cancellationToken).ConfigureAwait(false);
        if (!result.TryGetValue(out var reply, out var fault))
        {
            return ResourceReader.IsGone(fault) ? await road.ReadVanishedAsync(connection, note, cancellationToken).ConfigureAwait(false) : fault;
        }

        if (reply.Body.Text("TaskState") is not null)
        {
            return ImmutableArray.Create(UpdateTask.Read(note.TaskPath, reply.Body, memory, updates) with { RetryAfter = reply.RetryAfter });
        }

        return ImmutableArray.Create(new UpdateTask
        {
            Path = note.TaskPath,
            Phase = reply.Status == 202 ? TaskPhase.Running : TaskPhase.Done,
            DepositId = note.DepositId,
            ComponentId = note.ComponentId,
            IsStart = note.IsStart,
            IsNoted = true,
            Boot = note.Boot,
            RetryAfter = reply.RetryAfter,
        });
    }
}

/// <summary>Tasks that have ended, for as long as one wait takes, so that a wait does not read a controller's whole past at every look.</summary>
internal sealed class EndedTasks
{
    private readonly Dictionary<string, (UpdateTask Task, UploadNote? Note)> _tasks = new(StringComparer.Ordinal);

    public void Keep(UpdateTask task, ControllerMemory memory)
    {
        if (task.Phase is TaskPhase.Done or TaskPhase.Failed)
        {
            _tasks[task.Path] = (task, memory.Find(task.Path));
        }
    }

    // A path is another task's, once something else was sent.
    public UpdateTask? Find(string path, ControllerMemory memory) => _tasks.TryGetValue(path, out var ended) && ReferenceEquals(ended.Note, memory.Find(path)) ? ended.Task : null;
}
