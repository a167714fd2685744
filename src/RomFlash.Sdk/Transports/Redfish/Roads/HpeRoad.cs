using System.Collections.Immutable;
using System.Text;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish.Roads;

/// <summary>
/// iLO's: an upload of its own with the session's key as cookie and field, no task, and a state in the update service. "Idle" says nothing: it is what the
/// state is before as well.
/// </summary>
internal sealed class HpeRoad : UpdateRoad
{
    private readonly string _path;

    private HpeRoad(RedfishUpdateService updates, string path)
        : base(updates, ApplyTime.Immediate) => _path = path;

    public override string Name => "HPE iLO, push";

    public static HpeRoad? TryCreate(RedfishUpdateService updates) => PushPath(updates) is { } path ? new(updates, path) : null;

    public override async ValueTask<TransportResult<RedfishPushRequest>> ComposeAsync(RedfishConnection connection, DepositManifest manifest, DepositFile file, RedfishInventoryItem item, CancellationToken cancellationToken)
    {
        if (!(await connection.NeedTokenAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var key, out var fault))
        {
            return fault;
        }

        return new RedfishPushRequest
        {
            Path = _path,
            Length = file.Length,
            Fields =
            [
                new("sessionKey", null, Encoding.ASCII.GetBytes(key)),
                new("parameters", "application/json", Json(json =>
                {
                    json.WriteBoolean("UpdateRepository", false);
                    json.WriteBoolean("UpdateTarget", true);
                    json.WriteString("ETag", manifest.Id);
                    json.WriteNumber("Section", 0);
                })),
            ],
            FileField = "files[]",
            FileName = "firmware.fwpkg",
            Cookie = "sessionKey=" + key,
            Comment = UploadComment.Of(manifest.Id, file.ComponentId),
        };
    }

    public override string? TaskOf(RedfishReply reply, RedfishConnection connection) => null;

    public override async ValueTask<TransportResult<ImmutableArray<UpdateTask>>> ReadOthersAsync(RedfishConnection connection, ControllerMemory memory, CancellationToken cancellationToken)
    {
        if (!(await new ResourceReader(connection).ReadStrictlyAsync(Updates.Path, cancellationToken).ConfigureAwait(false)).TryGetValue(out var now, out var fault))
        {
            return fault;
        }

        // Nothing else tells that iLO writes: where the state is not told, nobody knows that it does not.
        var hpe = now.Json["Oem"]["Hpe"];
        if (hpe.Text("State", 64) is not { } state)
        {
            return new TransportFault(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, "the update service does not tell its state (Oem.Hpe.State), so that nobody knows whether it is writing");
        }

        TaskPhase? phase = state switch
        {
            "Idle" => null,
            "Complete" => TaskPhase.Done,
            "Error" => TaskPhase.Failed,
            _ => TaskPhase.Running,
        };
        if (phase is null)
        {
            return ImmutableArray<UpdateTask>.Empty;
        }

        var note = memory.Notes().LastOrDefault(n => n.TaskPath.Length == 0);
        return ImmutableArray.Create(new UpdateTask
        {
            Path = Updates.Path,
            Phase = phase.Value,
            DepositId = note?.DepositId,
            ComponentId = note?.ComponentId,
            IsNoted = note is not null,
            Boot = note?.Boot,
            Messages = phase == TaskPhase.Failed ? RedfishMessage.Read([hpe["Result"]]) : [],
        });
    }

    // iLO names the place in its own part; older ones in the standard's, with a body of their own all the same.
    private static string? PushPath(RedfishUpdateService updates) => updates.Json["Oem"]["Hpe"].Text("PushUpdateUri") is { Length: > 0 } own && own.StartsWith('/') ? own : updates.PushPath;
}
