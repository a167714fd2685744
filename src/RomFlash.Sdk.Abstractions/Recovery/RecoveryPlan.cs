using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Probing;

namespace RomFlash.Sdk.Recovery;

/// <summary>Whether a copy of the backup image lies on the target, and if not, why. The numbers are part of the journal's format.</summary>
public enum BackupCopy
{
    /// <summary>No: the catalog names no image that could be copied.</summary>
    NoImageKnown = 0,

    /// <summary>No: the image that the catalog names was not given.</summary>
    NotGiven = 1,

    /// <summary>No: the target has no place where an image could lie without being flashed.</summary>
    NoPlace = 2,

    /// <summary>No: there is no room for it, and that was waived.</summary>
    DoesNotFit = 3,

    /// <summary>Not yet, or not as a whole: it was given, and is staged before anything is armed.</summary>
    Intended = 4,

    /// <summary>It lies there and was verified; nothing arms it.</summary>
    Staged = 5,

    /// <summary>It lay there, and was removed when it was of no use any more.</summary>
    Removed = 6,
}

/// <summary>By which way an image gets to a target whose flash went wrong. The numbers are part of the journal's format.</summary>
public enum RecoveryRoad
{
    /// <summary>The system partition: the target itself has to come up far enough to take the image from there, or has it fed from outside.</summary>
    SystemPartition = 0,

    /// <summary>A controller that takes images while the host is down, and can be told to flash again.</summary>
    Controller = 1,
}

/// <summary>What it takes to bring one ROM back when its flash goes wrong. Written down before anything is armed: afterwards the target may have nothing more to say.</summary>
public sealed record RecoveryPlan
{
    /// <summary>The id of the installed ROM.</summary>
    public required string ComponentId { get; init; }

    /// <summary>The versions before the flash, as the sources report them; empty when none was known.</summary>
    public ImmutableArray<ReportedVersion> Before { get; init; } = [];

    /// <summary>The image to come back with: what the release names for that, otherwise the catalog's release that is installed; null when the catalog has neither.</summary>
    public RecoveryImage? Image { get; init; }

    /// <summary>Whether a copy of it lies on the target.</summary>
    public BackupCopy Copy { get; init; }

    /// <summary>Where that copy lies, as the transport names it; empty unless <see cref="Copy"/> is <see cref="BackupCopy.Staged"/>. Untrusted text.</summary>
    public string CopyLocation { get; init; } = string.Empty;

    /// <summary>By which way an image gets there.</summary>
    public RecoveryRoad Road { get; init; }

    /// <summary>What to do on this kind of target, in order; for people. Untrusted text is in it.</summary>
    public ImmutableArray<string> Steps => RecoveryPlanSteps.Of(this);
}
