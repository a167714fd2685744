using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Testing.Redfish.Service;

namespace RomFlash.Sdk.Testing.Redfish.Vendors;

/// <summary>
/// Dell's iDRAC: a task is a job; when it has succeeded the task is gone and the job is left. The raw push goes to the inventory's
/// address, whose ETag it names. Uploads in chunks fail.
/// </summary>
internal sealed class Dell : VendorBehaviour
{
    private const string Jobs = Paths.Managers + "/iDRAC.Embedded.1/Oem/Dell/Jobs";

    public override string? VendorName => "Dell";

    public override string SystemId => "System.Embedded.1";

    public override string ManagerId => "iDRAC.Embedded.1";

    public override string ChassisId => "System.Embedded.1";

    public override string MultipartPushUri => Paths.UpdateService + "/MultipartUpload";

    public override string HttpPushUri => Paths.Inventory;

    public override string PushETagUri => Paths.Inventory;

    public override ImmutableArray<RedfishApplyTime> ApplyTimes => [RedfishApplyTime.Immediate, RedfishApplyTime.OnReset];

    public override bool LocationNamesTask => true;

    public override bool PurgesFinishedTasks => true;

    public override bool RefusesChunkedUploads => true;

    public override string TaskId(int number) => string.Create(CultureInfo.InvariantCulture, $"JID_{number:D12}");

    public override void Shape(string path, JsonObject resource, ServiceState state)
    {
        if (path == state.SystemPath)
        {
            resource["Oem"] = Oem("DellSystem", new JsonObject { ["SystemID"] = state.Options.DellSystemId });
        }
        else if (path == state.ManagerPath)
        {
            resource["Links"]!["Oem"] = Oem("Jobs", new JsonObject { ["@odata.id"] = Jobs });
        }
        else if (path.StartsWith(Paths.Inventory + "/", StringComparison.Ordinal))
        {
            resource["Oem"] = Oem("DellSoftwareInventory", new JsonObject { ["Status"] = "Installed" });
        }
    }

    public override JsonObject? Find(string path, ServiceState state)
    {
        if (path == Jobs)
        {
            return ServiceState.Collection(Jobs, "#DellJobCollection.DellJobCollection", "JobQueue", state.Tasks.Select(t => $"{Jobs}/{t.Id}"));
        }

        var task = state.Tasks.FirstOrDefault(t => path == $"{Jobs}/{t.Id}");
        if (task is null)
        {
            return null;
        }

        var (jobState, messageId, message) = task.Phase switch
        {
            UpdatePhase.Staged or UpdatePhase.Armed => ("Scheduled", "IDRAC.2.8.JCP001", "Task successfully scheduled."),
            UpdatePhase.Applying or UpdatePhase.Flashing => ("Running", "IDRAC.2.8.RED047", "Update in progress."),
            UpdatePhase.Failed => ("Failed", "IDRAC.2.8.PR21", "Failed."),
            UpdatePhase.Cancelled => ("Failed", "IDRAC.2.8.JCP042", "The job was deleted."),
            _ => ("Completed", "IDRAC.2.8.PR19", "Job completed successfully."),
        };
        var job = new JsonObject
        {
            ["@odata.id"] = path,
            ["@odata.type"] = "#DellJob.v1_5_0.DellJob",
            ["Id"] = task.Id,
            ["Name"] = $"Firmware Update: {task.Component}",
            ["JobType"] = "FirmwareUpdate",
            ["JobState"] = jobState,
            ["MessageId"] = messageId,
            ["Message"] = message,
            ["PercentComplete"] = state.PercentOf(task),
            ["StartTime"] = Paths.Time(task.StartTime),
        };
        if (task.EndTime is { } end)
        {
            job["CompletionTime"] = Paths.Time(end);
        }

        return job;
    }

    private static JsonObject Oem(string name, JsonObject content) => new() { ["Dell"] = new JsonObject { [name] = content } };
}
