using RomFlash.Sdk;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Targets;

namespace UnitTesting;

/// <summary>Who has to act in the morning.</summary>
public enum Desk
{
    /// <summary>Nobody.</summary>
    Nobody = 0,

    /// <summary>The day shift, which tries again.</summary>
    DayShift,

    /// <summary>Whoever is on call, now: the machine may not start.</summary>
    OnCall,
}

/// <summary>What the night left behind for one server.</summary>
public sealed record Ticket(Desk Desk, string Text);

/// <summary>The tool that is tested here: it upgrades a server in its window, tries once more where that is safe, and writes a ticket.</summary>
public sealed class NightShift(RomFlashClient client)
{
    public async Task<Ticket> UpgradeAsync(FlashTarget target, RomImage image, FlashWindow window, CancellationToken cancellationToken)
    {
        var policy = FlashPolicy.Default with { Window = window, Deadlines = new FlashDeadlines { PollInterval = TimeSpan.FromMinutes(1) } };
        var request = new FlashRequest(target, [image], policy);
        var report = await client.FlashAsync(request, null, cancellationToken);
        if (report.Result.Match(_ => false, f => f is ConnectionFailure && f.TargetState == TargetState.Untouched))
        {
            report = await client.FlashAsync(request, null, cancellationToken);
        }

        return report.Result.Match(
            outcome => outcome is Pending ? new Ticket(Desk.DayShift, "armed, restart it") : new Ticket(Desk.Nobody, outcome.Kind.ToString()),
            failure => new Ticket(failure.TargetState == TargetState.RecoveryRequired ? Desk.OnCall : Desk.DayShift, $"{failure.Code} {failure.TargetState}"));
    }
}
