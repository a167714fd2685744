using System.Collections.Immutable;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>Where an update is.</summary>
internal enum UpdatePhase
{
    /// <summary>The image lies on the target and waits for StartUpdate.</summary>
    Staged,

    /// <summary>The same, where the task was about verifying it and is done.</summary>
    Verified,

    /// <summary>It is armed and waits for the restart.</summary>
    Armed,

    /// <summary>The controller writes it while the target runs.</summary>
    Applying,

    /// <summary>The controller has written it; the target shows it after the restart.</summary>
    Applied,

    /// <summary>The target boots and flashes.</summary>
    Flashing,

    /// <summary>It is installed.</summary>
    Completed,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>A client took it back.</summary>
    Cancelled,
}

/// <summary>A message of a task.</summary>
internal sealed record TaskMessage(string Id, string Text, string Severity, params string[] Arguments);

/// <summary>What a task tells of the request that made it (DSP0268, Task, <c>Payload</c>).</summary>
internal sealed record TaskPayload(string Operation, string TargetUri, string[] Headers, string JsonBody);

/// <summary>One update, and what its task tells. Changed under the desk's lock alone.</summary>
internal sealed class UpdateTask(int number, string id, string component, RedfishApplyTime applyTime, TaskPayload payload, DateTimeOffset start)
{
    public int Number { get; } = number;

    public string Id { get; } = id;

    /// <summary>The id of the installed ROM that it is for.</summary>
    public string Component { get; } = component;

    public RedfishApplyTime ApplyTime { get; } = applyTime;

    public TaskPayload Payload { get; } = payload;

    public DateTimeOffset StartTime { get; } = start;

    public DateTimeOffset? EndTime { get; private set; }

    public UpdatePhase Phase { get; private set; } = UpdatePhase.Staged;

    /// <summary>The image, as long as it may still have to be deposited.</summary>
    public SpooledImage? Image { get; set; }

    /// <summary>The name of its file in a deposit; part of what the deposit is recognised by.</summary>
    public required string FileName { get; init; }

    /// <summary>The deposit that holds it, or null when none does.</summary>
    public string? DepositId { get; set; }

    /// <summary>The boot that it was armed in, and when.</summary>
    public string? ArmedInBoot { get; private set; }

    public DateTimeOffset ArmedAt { get; private set; }

    /// <summary>Replaced as a whole, because others read it meanwhile.</summary>
    public ImmutableArray<TaskMessage> Messages { get; private set; } = [];

    public bool IsPurged { get; set; }

    /// <summary>Whether its monitor has told the end, which it does once.</summary>
    public bool MonitorIsSpent { get; set; }

    /// <summary>Whether it waits for StartUpdate.</summary>
    public bool IsStaged => Phase is UpdatePhase.Staged || (Phase is UpdatePhase.Verified && DepositId is not null);

    public bool IsFinished => Phase is UpdatePhase.Verified or UpdatePhase.Applied or UpdatePhase.Completed or UpdatePhase.Failed or UpdatePhase.Cancelled;

    /// <summary>Whether it occupies its component until the target restarts.</summary>
    public bool IsInFlight => Phase is UpdatePhase.Armed or UpdatePhase.Applying or UpdatePhase.Flashing || (Phase == UpdatePhase.Applied && ArmedInBoot is not null);

    public string TaskState => Phase switch
    {
        UpdatePhase.Staged or UpdatePhase.Armed => "Pending",
        UpdatePhase.Applying or UpdatePhase.Flashing => "Running",
        UpdatePhase.Failed => "Exception",
        UpdatePhase.Cancelled => "Cancelled",
        _ => "Completed",
    };

    public string TaskStatus => Phase == UpdatePhase.Failed ? "Critical" : "OK";

    public int Percent(DateTimeOffset now, TimeSpan applyDuration) => Phase switch
    {
        UpdatePhase.Applying => (int)Math.Clamp(100 * (now - ArmedAt) / applyDuration, 0, 99),
        UpdatePhase.Flashing => 50,
        UpdatePhase.Verified or UpdatePhase.Applied or UpdatePhase.Completed => 100,
        _ => 0,
    };

    public void Say(string id, string text, string severity = "OK", params string[] arguments) => Messages = Messages.Add(new(id, text, severity, arguments));

    public void Verify(DateTimeOffset now)
    {
        Phase = UpdatePhase.Verified;
        EndTime = now;
        SayDone();
    }

    public void Arm(string boot, DateTimeOffset now, bool appliesNow)
    {
        ArmedInBoot = boot;
        ArmedAt = now;
        Phase = appliesNow ? UpdatePhase.Applying : UpdatePhase.Armed;
        if (appliesNow)
        {
            Say("Update.1.2.InstallingOnComponent", $"Image is being installed on '{Component}'.", "OK", Component);
        }
        else
        {
            SayRestart();
        }
    }

    public void Apply(DateTimeOffset now)
    {
        Phase = UpdatePhase.Applied;
        EndTime = now;
        SayRestart();
        SayDone();
    }

    public void Flash() => Phase = UpdatePhase.Flashing;

    public void Complete(DateTimeOffset now)
    {
        var wasSaid = Phase == UpdatePhase.Applied;
        ArmedInBoot = null;
        Phase = UpdatePhase.Completed;
        if (!wasSaid)
        {
            EndTime = now;
            Say("Update.1.2.UpdateSuccessful", $"Device '{Component}' successfully updated.", "OK", Component);
            SayDone();
        }
    }

    public void Fail(DateTimeOffset now, string messageId, string text)
    {
        var wasSaid = Phase == UpdatePhase.Applied;
        ArmedInBoot = null;
        if (!wasSaid)
        {
            // A task that told its success does not take it back: the inventory tells the truth.
            Phase = UpdatePhase.Failed;
            EndTime = now;
            Say(messageId, text, "Critical", Component);
            Say("TaskEvent.1.0.TaskAborted", $"The task with Id '{Id}' has completed with errors.", "Critical", Id);
        }
    }

    public void Cancel(DateTimeOffset now)
    {
        Phase = UpdatePhase.Cancelled;
        EndTime = now;
        ArmedInBoot = null;
        Say("TaskEvent.1.0.TaskCancelled", $"Work on the task with Id '{Id}' has been halted prior to completion due to an explicit request.", "Warning", Id);
    }

    private void SayRestart() => Say("Base.1.18.ResetRequired", $"In order to complete the operation, a component reset is required with the Reset action URI '{Component}' and ResetType 'GracefulRestart'.", "Warning", Component, "GracefulRestart");

    private void SayDone() => Say("TaskEvent.1.0.TaskCompletedOK", $"The task with Id '{Id}' has completed.", "OK", Id);
}
