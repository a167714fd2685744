using System.Collections.Immutable;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Roads;

namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>What a service offers, as it said when the session began: its system, its manager, its way to take updates.</summary>
internal sealed class RedfishService
{
    private const int MaxSystems = 64;

    private RedfishService()
    {
    }

    public RedfishJson Root { get; private init; }

    /// <summary>The one system that the service manages, as it was read; absent when there is none or several.</summary>
    public RedfishJson System { get; private init; }

    /// <summary>Where the system is, or null.</summary>
    public string? SystemPath { get; private init; }

    /// <summary>Why there is no system; empty when there is one.</summary>
    public string WhyNoSystem { get; private init; } = string.Empty;

    /// <summary>The first manager, which is the controller itself; absent when it is not told.</summary>
    public RedfishJson Manager { get; private init; }

    public RedfishUpdateService? Updates { get; private init; }

    /// <summary>How images get there; null when the service takes none that are pushed.</summary>
    public UpdateRoad? Road { get; private init; }

    /// <summary>Where tasks are listed, or null.</summary>
    public string? TasksPath { get; private init; }

    public static async ValueTask<TransportResult<RedfishService>> DiscoverAsync(RedfishConnection connection, CancellationToken cancellationToken)
    {
        var root = connection.Root;
        var reader = new ResourceReader(connection);
        if (!(await ReadSystemAsync(connection, reader, cancellationToken).ConfigureAwait(false)).TryGetValue(out var system, out var fault))
        {
            return fault;
        }

        if (!(await reader.TryReadAsync(root.Link("UpdateService"), cancellationToken).ConfigureAwait(false)).TryGetValue(out var update, out fault)
            || !(await reader.ReadMembersAsync(root.Link("Managers"), 8, cancellationToken).ConfigureAwait(false)).TryGetValue(out var managers, out fault)
            || !(await reader.TryReadAsync(root.Link("Tasks"), cancellationToken).ConfigureAwait(false)).TryGetValue(out var tasks, out fault))
        {
            return fault;
        }

        // Where the task service can't be read now, its tasks are asked for all the same: not to see them is no reason to take it for idle.
        var tasksPath = connection.TryGetPath(tasks.Json.Link("Tasks")) ?? (tasks.Path is null && connection.TryGetPath(root.Link("Tasks")) is { } taskService ? taskService.TrimEnd('/') + "/Tasks" : null);

        var manager = managers.IsEmpty ? default : managers[0].Json;
        var updates = update.Json.IsObject ? RedfishUpdateService.Of(update.Json, connection) : null;
        return new RedfishService
        {
            Root = root,
            System = system.Resource.Json,
            SystemPath = system.Resource.Path,
            WhyNoSystem = system.WhyNot,
            Manager = manager,
            Updates = updates,
            Road = updates is null ? null : UpdateRoad.Choose(root, manager, system.Resource.Path, updates),
            TasksPath = tasksPath,
        };
    }

    // The one system. Whatever can't be read may be the one that is meant: of two systems the one that answers is not restarted in the other one's place.
    private static async ValueTask<TransportResult<FoundSystem>> ReadSystemAsync(RedfishConnection connection, ResourceReader reader, CancellationToken cancellationToken)
    {
        const string Unread = "the service does not show all of its systems, so that nobody knows which one is meant";
        var reference = connection.Root.Link("Systems");
        if (!(await reader.ReadStrictlyAsync(reference, cancellationToken).ConfigureAwait(false)).TryGetValue(out var collection, out var fault))
        {
            return ResourceReader.IsAbsent(fault) ? new FoundSystem(default, Unread) : fault;
        }

        var listed = collection.Json.Items("Members");
        var isWhole = listed.Length <= MaxSystems && !collection.Json["Members@odata.nextLink"].Exists && (reference is null || connection.TryGetPath(reference) is not null);
        var physical = new List<RedfishResource>();
        foreach (var item in listed.Take(MaxSystems))
        {
            if (connection.TryGetPath(item.Id) is not { } path)
            {
                isWhole = false;
                continue;
            }

            if (!(await reader.ReadStrictlyAsync(path, cancellationToken).ConfigureAwait(false)).TryGetValue(out var member, out fault))
            {
                if (!ResourceReader.IsAbsent(fault))
                {
                    return fault;
                }

                isWhole = false;
                continue;
            }

            // Virtual machines and accelerators may be listed beside the server itself.
            if (member.Path is not null && member.Json.Text("SystemType", 64) is null or "Physical" or "PhysicallyPartitioned")
            {
                physical.Add(member);
            }
        }

        return (physical.Count, isWhole) switch
        {
            (_, false) => new FoundSystem(default, Unread),
            (1, _) => new FoundSystem(physical[0], string.Empty),
            (0, _) => new FoundSystem(default, "the service tells of no system"),
            _ => new FoundSystem(default, $"the service manages {physical.Count} systems, and nothing says which one is meant"),
        };
    }

    private readonly record struct FoundSystem(RedfishResource Resource, string WhyNot);
}

/// <summary>A resource and where it was read.</summary>
/// <param name="Path">The path, or null when there is nothing.</param>
/// <param name="Json">What it says; absent when there is nothing.</param>
internal readonly record struct RedfishResource(string? Path, RedfishJson Json);

/// <summary>Reads resources that may not be there: what is missing or not shown to this account is absent, and anything else that goes wrong is a fault.</summary>
internal sealed class ResourceReader(RedfishConnection connection)
{
    /// <summary>Reads what must not be taken for absent because the service can't give it now: absent is only what the service says is not there.</summary>
    public async ValueTask<TransportResult<RedfishResource>> ReadStrictlyAsync(string? reference, CancellationToken cancellationToken)
    {
        if (connection.TryGetPath(reference) is not { } path)
        {
            return default(RedfishResource);
        }

        var result = await connection.GetAsync(path, cancellationToken).ConfigureAwait(false);
        return result.TryGetValue(out var reply, out var fault) ? new RedfishResource(path, reply.Body)
            : IsGone(fault) ? default(RedfishResource)
            : fault;
    }

    public async ValueTask<TransportResult<RedfishResource>> TryReadAsync(string? reference, CancellationToken cancellationToken)
    {
        if (connection.TryGetPath(reference) is not { } path)
        {
            return default(RedfishResource);
        }

        var result = await connection.GetAsync(path, cancellationToken).ConfigureAwait(false);
        return result.TryGetValue(out var reply, out var fault) ? new RedfishResource(path, reply.Body)
            : IsAbsent(fault) ? default(RedfishResource)
            : fault;
    }

    /// <summary>Reads the members of a collection, one after the other: controllers are slow, and answer several requests at once no sooner.</summary>
    public async ValueTask<TransportResult<ImmutableArray<RedfishResource>>> ReadMembersAsync(string? reference, int max, CancellationToken cancellationToken)
    {
        if (!(await TryReadAsync(reference, cancellationToken).ConfigureAwait(false)).TryGetValue(out var collection, out var fault))
        {
            return fault;
        }

        var links = collection.Json.Links("Members", max);
        var members = ImmutableArray.CreateBuilder<RedfishResource>(links.Length);
        foreach (var link in links)
        {
            if (!(await TryReadAsync(link, cancellationToken).ConfigureAwait(false)).TryGetValue(out var member, out fault))
            {
                return fault;
            }

            if (member.Path is not null)
            {
                members.Add(member);
            }
        }

        return members.ToImmutable();
    }

    public static bool IsGone(TransportFault fault) => fault is { PeerCode: { Dialect: Outcomes.PeerCode.Redfish, Number: 404 or 410 } };

    // A resource that this account may not see, or that the service can't give, is unknown; a broken connection is not.
    public static bool IsAbsent(TransportFault fault) =>
        fault is { PeerCode: { Dialect: Outcomes.PeerCode.Redfish, Number: 403 or 404 or 405 or 410 or 500 or 501 } };
}
