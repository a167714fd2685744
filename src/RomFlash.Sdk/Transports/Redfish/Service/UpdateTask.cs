using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Transports.Redfish.Http;

namespace RomFlash.Sdk.Transports.Redfish.Service;

/// <summary>How far a task has come.</summary>
internal enum TaskPhase
{
    /// <summary>It has not begun.</summary>
    Waiting,

    /// <summary>It runs.</summary>
    Running,

    /// <summary>It has ended well.</summary>
    Done,

    /// <summary>It has ended badly, or was cancelled.</summary>
    Failed,
}

/// <summary>A task that has to do with updates.</summary>
internal sealed record UpdateTask
{
    public required string Path { get; init; }

    public required TaskPhase Phase { get; init; }

    /// <summary>The deposit that it belongs to, or null when it is not one of this SDK's or does not say.</summary>
    public string? DepositId { get; init; }

    public string? ComponentId { get; init; }

    /// <summary>Whether it is the start of what had been uploaded before, and not an upload.</summary>
    public bool IsStart { get; init; }

    public DateTimeOffset? Ended { get; init; }

    /// <summary>Whether this process made it.</summary>
    public bool IsNoted { get; init; }

    /// <summary>When the system had last been reset as this process made it, as the service wrote it; null when it was not made by this process, or the service did not tell.</summary>
    public string? Boot { get; init; }

    public ImmutableArray<RedfishMessage> Messages { get; init; } = [];

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The phase of a state (DSP2046, Task, TaskState). Total: what is not known has begun and has not ended, so that nobody restarts a machine on account of it.</summary>
    public static TaskPhase PhaseOf(string? state, string? status) => state switch
    {
        "New" or "Pending" => TaskPhase.Waiting,
        "Completed" => status is "Critical" ? TaskPhase.Failed : TaskPhase.Done,
        "Exception" or "Killed" or "Cancelled" => TaskPhase.Failed,
        _ => TaskPhase.Running,
    };

    public static UpdateTask Read(string path, RedfishJson json, ControllerMemory memory, RedfishUpdateService updates)
    {
        var payload = json["Payload"];
        var note = memory.Find(path);
        var isOurs = UploadComment.TryFind(payload, out var deposit, out var component);
        return new()
        {
            Path = path,
            Phase = PhaseOf(json.Text("TaskState", 32), json.Text("TaskStatus", 32)),
            DepositId = isOurs ? deposit : note?.DepositId,
            ComponentId = isOurs ? component : note?.ComponentId,
            IsStart = note?.IsStart ?? string.Equals(payload.Text("TargetUri"), updates.StartUpdatePath, StringComparison.Ordinal),
            IsNoted = note is not null,
            Boot = note?.Boot,
            Ended = Time(json.Text("EndTime", 64)),
            Messages = RedfishMessage.Read(json.Items("Messages", RedfishMessage.MaxMessages)),
        };
    }

    /// <summary>
    /// Whether a task of the collection is about updates, by what made it. One that does not tell what made it may be, for as long as it waits or runs.
    /// </summary>
    public static bool MayBeAboutUpdates(RedfishJson json, RedfishUpdateService updates, RedfishConnection connection)
    {
        if (json["Payload"].Text("TargetUri") is not { } told)
        {
            return PhaseOf(json.Text("TaskState", 32), json.Text("TaskStatus", 32)) is TaskPhase.Waiting or TaskPhase.Running;
        }

        var target = Trim(connection.TryGetPath(told));
        return target is not null && (target == Trim(updates.MultipartPath) || target == Trim(updates.PushPath) || target == Trim(updates.StartUpdatePath) || target == Trim(updates.SimpleUpdatePath));

        static string? Trim(string? path) => path?.TrimEnd('/');
    }

    public static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;
}
