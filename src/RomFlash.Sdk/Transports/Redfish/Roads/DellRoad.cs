using System.Collections.Immutable;
using RomFlash.Sdk.Transports.Redfish.Http;
using RomFlash.Sdk.Transports.Redfish.Service;

namespace RomFlash.Sdk.Transports.Redfish.Roads;

/// <summary>iDRAC's: tasks are jobs, and a task that ended well is purged; the job is still listed with the manager.</summary>
internal sealed class DellRoad(RedfishUpdateService updates, RedfishJson manager) : MultipartRoad(updates, Best(updates.MultipartTimes, updates))
{
    public override string Name => "Dell, " + base.Name;

    public override async ValueTask<TransportResult<ImmutableArray<UpdateTask>>> ReadVanishedAsync(RedfishConnection connection, UploadNote note, CancellationToken cancellationToken)
    {
        var id = note.TaskPath[(note.TaskPath.TrimEnd('/').LastIndexOf('/') + 1)..].TrimEnd('/');
        var jobs = manager["Links"]["Oem"]["Dell"].Link("Jobs") ?? (manager.Id is { } path ? path.TrimEnd('/') + "/Oem/Dell/Jobs" : null);
        if (!id.StartsWith("JID_", StringComparison.Ordinal) || jobs is null)
        {
            return ImmutableArray<UpdateTask>.Empty;
        }

        // A job that can't be read now may be running; only one that is gone is no job.
        if (!(await new ResourceReader(connection).ReadStrictlyAsync($"{jobs.TrimEnd('/')}/{id}", cancellationToken).ConfigureAwait(false)).TryGetValue(out var job, out var fault))
        {
            return fault;
        }

        if (job.Path is null)
        {
            return ImmutableArray<UpdateTask>.Empty;
        }

        TaskPhase phase = job.Json.Text("JobState", 64) switch
        {
            "Completed" => TaskPhase.Done,
            "CompletedWithErrors" or "Failed" or "RebootFailed" => TaskPhase.Failed,
            "New" or "Scheduled" or "ReadyForExecution" or "Waiting" or "Pending" => TaskPhase.Waiting,
            _ => TaskPhase.Running,
        };
        return ImmutableArray.Create(new UpdateTask
        {
            Path = job.Path,
            Phase = phase,
            DepositId = note.DepositId,
            ComponentId = note.ComponentId,
            IsStart = note.IsStart,
            IsNoted = true,
            Boot = note.Boot,
            Ended = UpdateTask.Time(job.Json.Text("CompletionTime", 64)),
            Messages = phase == TaskPhase.Failed ? [new RedfishMessage { Id = RedfishMessage.Shorten(job.Json.Text("MessageId", 128)), Text = job.Json.Text("Message") ?? string.Empty }] : [],
        });
    }
}
