using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Journal;

/// <summary>What a record says. The numbers are part of the file format, and are never reused.</summary>
public enum FlashJournalRecordKind
{
    /// <summary>Not a record: a broken plug-in's value.</summary>
    None = 0,

    /// <summary>An upgrade begins: the target will be claimed and leftovers removed.</summary>
    Started = 1,

    /// <summary>A deposit will be written.</summary>
    StagingIntent = 2,

    /// <summary>The deposit is complete and verified.</summary>
    Staged = 3,

    /// <summary>The deposit will be armed.</summary>
    ArmIntent = 4,

    /// <summary>It is armed; the target's own state said so.</summary>
    Armed = 5,

    /// <summary>A restart will be asked for.</summary>
    RebootIntent = 6,

    /// <summary>The target accepted the restart.</summary>
    RebootRequested = 7,

    /// <summary>It will be disarmed.</summary>
    DisarmIntent = 8,

    /// <summary>It is disarmed; the target's own state said so.</summary>
    Disarmed = 9,

    /// <summary>The operation is over.</summary>
    Concluded = 10,

    /// <summary>A look was taken and the outcome is not final; the operation stays open.</summary>
    Observed = 11,
}

/// <summary>One record of a journal. Holds no secret.</summary>
public sealed record FlashJournalRecord
{
    /// <summary>The version of this record's layout that this library writes.</summary>
    public const int CurrentVersion = 3;

    /// <summary>The version of this record's layout.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Its place in the journal, ascending; set by the journal.</summary>
    public long Sequence { get; init; }

    /// <summary>What it says.</summary>
    public required FlashJournalRecordKind Kind { get; init; }

    /// <summary>The operation that it belongs to.</summary>
    public required string OperationId { get; init; }

    /// <summary>The target's id.</summary>
    public required string TargetId { get; init; }

    /// <summary>When it was written, in UTC, by the client's clock.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The machine; in every record of an upgrade.</summary>
    public TargetIdentity? Identity { get; init; }

    /// <summary>The boot identity before the flash; from <see cref="FlashJournalRecordKind.ArmIntent"/> on.</summary>
    public BootIdentity? Boot { get; init; }

    /// <summary>The deposit; from <see cref="FlashJournalRecordKind.StagingIntent"/> on.</summary>
    public string? DepositId { get; init; }

    /// <summary>The claim's generation.</summary>
    public long Generation { get; init; }

    /// <summary>The arming method's name; from <see cref="FlashJournalRecordKind.ArmIntent"/> on.</summary>
    public string? Method { get; init; }

    /// <summary>Whether that method flashes at once.</summary>
    public bool FlashesAtOnce { get; init; }

    /// <summary>Whether the target writes with that method before it is restarted (<see cref="ArmingOffer.WritesBeforeRestart"/>). False in records of versions 1 and 2.</summary>
    public bool WritesBeforeRestart { get; init; }

    /// <summary>How long the target was to wait before it restarts; from <see cref="FlashJournalRecordKind.RebootIntent"/> on, not negative. Null in records of versions 1 and 2.</summary>
    public TimeSpan? RebootDelay { get; init; }

    /// <summary>How the copy was verified; from <see cref="FlashJournalRecordKind.Staged"/> on.</summary>
    public VerificationMethod Verification { get; init; }

    /// <summary>The components.</summary>
    public ImmutableArray<UpgradeComponent> Components { get; init; } = [];

    /// <summary>What it takes to bring each component back; from <see cref="FlashJournalRecordKind.Started"/> on. Empty in records of version 1.</summary>
    public ImmutableArray<RecoveryPlan> Recovery { get; init; } = [];

    /// <summary>The blockers that were waived, by whom and why.</summary>
    public ImmutableArray<BlockerWaiver> Waivers { get; init; } = [];

    /// <summary>The outcome; in <see cref="FlashJournalRecordKind.Concluded"/> and <see cref="FlashJournalRecordKind.Observed"/>.</summary>
    public FlashOutcomeKind? Outcome { get; init; }

    /// <summary>The failure's code, or null.</summary>
    public string? FailureCode { get; init; }

    /// <summary>The target's state at that time.</summary>
    public TargetState? TargetState { get; init; }

    /// <summary>What happened, for people. Untrusted text.</summary>
    public string Detail { get; init; } = string.Empty;
}
