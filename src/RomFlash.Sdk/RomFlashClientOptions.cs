using Microsoft.Extensions.Logging;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk;

/// <summary>What a <see cref="RomFlashClient"/> is built from. Stages that are not given are those of <see cref="DefaultStages"/>.</summary>
public sealed class RomFlashClientOptions
{
    /// <summary>The transports, one for each scheme.</summary>
    public required IReadOnlyList<ITransport> Transports { get; init; }

    /// <summary>Decides which ROM may go where.</summary>
    public required ICompatibilityCatalog Catalog { get; init; }

    /// <summary>Remembers intents. Without a durable one a restarted client knows nothing of what it armed.</summary>
    public required IFlashJournal Journal { get; init; }

    /// <summary>Supplies credentials. Default: the current user, as documented.</summary>
    public ITargetCredentialSource Credentials { get; init; } = CredentialSources.CurrentUser;

    /// <summary>Asked in order before the restart and after the return.</summary>
    public IReadOnlyList<IFlashGate> Gates { get; init; } = [];

    /// <summary>Reads targets.</summary>
    public ITargetProbe Probe { get; init; } = DefaultStages.Probe;

    /// <summary>Stages images.</summary>
    public IImageStager Stager { get; init; } = DefaultStages.Stager;

    /// <summary>Arms and restarts.</summary>
    public IFlashScheduler Scheduler { get; init; } = DefaultStages.Scheduler;

    /// <summary>Reads back.</summary>
    public IFlashConfirmer Confirmer { get; init; } = DefaultStages.Confirmer;

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider? TimeProvider { get; init; }

    /// <summary>Where to log to, under the category <c>RomFlash.Sdk</c>; null for nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }
}
