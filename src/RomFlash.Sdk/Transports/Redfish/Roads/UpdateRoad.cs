using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish.Roads;

/// <summary>How images get to a service and are applied there: one of the standard's ways, or a vendor's. Chosen by what the service says.</summary>
internal abstract class UpdateRoad(RedfishUpdateService updates, ApplyTime applyTime)
{
    /// <summary>Its name, for people.</summary>
    public abstract string Name { get; }

    public ApplyTime ApplyTime { get; } = applyTime;

    public DepositEffect Effect => ApplyTime switch
    {
        ApplyTime.OnStartUpdateRequest => DepositEffect.Inert,
        ApplyTime.OnReset => DepositEffect.Arms,
        _ => DepositEffect.Flashes,
    };

    /// <summary>
    /// The one way to arm that this road has. Whether a controller writes at once or at the restart is its own business, so that a restart waits for the end of a
    /// task that runs.
    /// </summary>
    public ArmingOffer Offer => new(ArmingMethod.ControllerUpdate, CanDisarm, FlashesAtOnce: Effect == DepositEffect.Flashes, MaxComponents) { WritesBeforeRestart = true };

    /// <summary>Whether a task that has not begun can be taken back.</summary>
    public virtual bool CanDisarm => Effect != DepositEffect.Flashes;

    public virtual int MaxComponents => 1;

    protected RedfishUpdateService Updates { get; } = updates;

    /// <summary>Chooses the road. A vendor's own goes first where the service is that vendor's; then multipart, then a plain push.</summary>
    public static UpdateRoad? Choose(RedfishJson root, RedfishJson manager, string? systemPath, RedfishUpdateService updates)
    {
        var vendor = Vendor(root, manager, updates);
        return vendor switch
        {
            RedfishVendor.Hpe when HpeRoad.TryCreate(updates) is { } hpe => hpe,
            RedfishVendor.Supermicro when updates.MultipartPath is not null => new SupermicroRoad(updates),
            RedfishVendor.Dell when updates.MultipartPath is not null => new DellRoad(updates, manager),
            RedfishVendor.OpenBmc when updates.MultipartPath is not null || updates.PushPath is not null => OpenBmcRoad.Create(updates),
            _ when updates.MultipartPath is not null => new MultipartRoad(updates, Best(updates.MultipartTimes, updates)),
            _ when updates.PushPath is not null => new PlainPushRoad(updates, Best(updates.PushTimes, updates)),
            _ => null,
        };
    }

    /// <summary>Finds out whether the service takes updates from this account now.</summary>
    /// <returns>Null when it does, or says nothing about it; the fault when it could not be asked.</returns>
    public virtual ValueTask<TransportFault?> ObjectAsync(RedfishConnection connection, CancellationToken cancellationToken) => new((TransportFault?)null);

    /// <summary>Composes the upload of one file.</summary>
    public abstract ValueTask<TransportResult<RedfishPushRequest>> ComposeAsync(RedfishConnection connection, DepositManifest manifest, DepositFile file, RedfishInventoryItem item, CancellationToken cancellationToken);

    /// <summary>The task that the service made of a request, or null when it names none.</summary>
    public virtual string? TaskOf(RedfishReply reply, RedfishConnection connection)
    {
        // The body may be the task itself, whose monitor is in Location (DSP0266, 12.2).
        var body = reply.Body.Text("@odata.type", 128)?.StartsWith("#Task.", StringComparison.Ordinal) == true || reply.Body.Text("TaskState") is not null ? connection.TryGetPath(reply.Body.Id) : null;
        return body ?? reply.Location ?? connection.TryGetPath(reply.Body.Id);
    }

    /// <summary>Reads what the service says of updates elsewhere than in its tasks.</summary>
    public virtual ValueTask<TransportResult<ImmutableArray<UpdateTask>>> ReadOthersAsync(RedfishConnection connection, ControllerMemory memory, CancellationToken cancellationToken) =>
        new(ImmutableArray<UpdateTask>.Empty);

    /// <summary>Finds out what became of a task that is not there any more. Null when nobody knows: then only versions tell.</summary>
    public virtual ValueTask<TransportResult<ImmutableArray<UpdateTask>>> ReadVanishedAsync(RedfishConnection connection, UploadNote note, CancellationToken cancellationToken) =>
        new(ImmutableArray<UpdateTask>.Empty);

    /// <summary>Of several apply times the one that leaves most to the client.</summary>
    protected static ApplyTime Best(ImmutableArray<ApplyTime> times, RedfishUpdateService updates) =>
        times.Contains(ApplyTime.OnStartUpdateRequest) && updates.StartUpdatePath is not null ? ApplyTime.OnStartUpdateRequest
        : times.Contains(ApplyTime.OnReset) ? ApplyTime.OnReset
        : ApplyTime.Immediate;

    /// <summary>Writes JSON.</summary>
    protected static ReadOnlyMemory<byte> Json(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static RedfishVendor Vendor(RedfishJson root, RedfishJson manager, RedfishUpdateService updates)
    {
        var text = root.Text("Vendor", 128) ?? string.Empty;
        return text.Equals("HPE", StringComparison.OrdinalIgnoreCase) || root["Oem"]["Hpe"].IsObject || updates.Json["Oem"]["Hpe"].IsObject ? RedfishVendor.Hpe
            : text.StartsWith("Dell", StringComparison.OrdinalIgnoreCase) || root["Oem"]["Dell"].IsObject ? RedfishVendor.Dell
            : text.Equals("SMCI", StringComparison.OrdinalIgnoreCase) || text.StartsWith("Supermicro", StringComparison.OrdinalIgnoreCase) || root["Oem"]["Supermicro"].IsObject ? RedfishVendor.Supermicro
            : text.Contains("OpenBMC", StringComparison.OrdinalIgnoreCase) || manager.Text("Model", 128)?.Contains("OpenBmc", StringComparison.OrdinalIgnoreCase) == true ? RedfishVendor.OpenBmc
            : RedfishVendor.Other;
    }

    private enum RedfishVendor
    {
        Other,
        Hpe,
        Dell,
        Supermicro,
        OpenBmc,
    }
}
