using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>Who restarts the target.</summary>
public enum RebootMode
{
    /// <summary>The client asks for the restart, and confirms afterwards.</summary>
    Request = 0,

    /// <summary>An operator restarts it later; the outcome is <see cref="Confirmation.Pending"/> until a confirmation finds the boot.</summary>
    LeaveToOperator,
}

/// <summary>How long things may take. Every remote operation is bounded by one of these.</summary>
public sealed record FlashDeadlines
{
    /// <summary>Opening a session. Default 30 s.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>One remote operation other than a transfer. Default 60 s.</summary>
    public TimeSpan Operation { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The slowest transfer that is still waited for, in bytes per second; a write or read of n bytes may take <see cref="Operation"/> plus n divided by this. Default 4096.</summary>
    public int SlowestBytesPerSecond { get; init; } = 4096;

    /// <summary>From the restart request until the target must have come back. Default 45 min.</summary>
    public TimeSpan Return { get; init; } = TimeSpan.FromMinutes(45);

    /// <summary>How long after the new boot versions other than the promised ones are looked at again, because an inventory may lag. Default 5 min.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Between two looks while waiting for the target to come back. Default 10 s.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Cleaning up after a failure or a cancellation, in all. Default 2 min.</summary>
    public TimeSpan CleanUp { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>One call of a gate. Default 30 min.</summary>
    public TimeSpan Gate { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>One stage in all, whatever it does; a stage that ignores its cancellation is given up. Default 4 h.</summary>
    public TimeSpan Stage { get; init; } = TimeSpan.FromHours(4);

    /// <summary>How often reading, and removing what this client left, is tried again after a fault. Nothing else is repeated by itself, and a peer that is not trusted is not asked again. Default 2.</summary>
    public int ReadRetries { get; init; } = 2;

    /// <summary>Between two such tries. Default 2 s.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>What the caller allows and asks for. The default allows nothing that has to be asked for by name.</summary>
public sealed record FlashPolicy
{
    /// <summary>The default policy.</summary>
    public static FlashPolicy Default { get; } = new();

    /// <summary>The weakest verification that is accepted, or null for what the transport usually does (<see cref="DepositTraits.Usual"/>, mostly the strongest that it has).</summary>
    public VerificationMethod? MinimumVerification { get; init; }

    /// <summary>Allows a ROM that is older than the installed one. The lowest supported version still holds.</summary>
    public bool AllowDowngrade { get; init; }

    /// <summary>Flashes also where the version is installed already, or the installed version is unknown.</summary>
    public bool Reflash { get; init; }

    /// <summary>Allows targets that flash as soon as they are told, without a restart that can be put off.</summary>
    public bool AllowImmediateFlash { get; init; }

    /// <summary>Who restarts the target.</summary>
    public RebootMode Reboot { get; init; }

    /// <summary>How long the target waits before it restarts: at least; some count in larger steps (<see cref="Transports.IPowerCapability.DelayOf"/>). Default 15 s.</summary>
    public TimeSpan RebootDelay { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Shown to users of the target.</summary>
    public string RebootMessage { get; init; } = "This server restarts to update its firmware. Do not switch it off.";

    /// <summary>Whether programs that object to the restart are ended.</summary>
    public bool ForceReboot { get; init; }

    /// <summary>
    /// When the target may be armed and restarted. Where this client restarts it, <see cref="RebootDelay"/> counts: a target whose restart would come after it closes
    /// is not armed, and one that is armed by then is disarmed.
    /// </summary>
    public FlashWindow Window { get; init; } = FlashWindow.Always;

    /// <summary>The generation of another client's claim to take over, or null to respect it. Only when that client is known to be dead.</summary>
    public long? TakeOverClaimGeneration { get; init; }

    /// <summary>Does everything but write.</summary>
    public bool DryRun { get; init; }

    /// <summary>Blockers that are set aside, by name.</summary>
    public ImmutableArray<BlockerWaiver> Waivers { get; init; } = [];

    /// <summary>How long things may take.</summary>
    public FlashDeadlines Deadlines { get; init; } = new();
}
