using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Confirmation;

/// <summary>What became of one target, in one word. Outcomes that are no success are failures (<see cref="FlashingFailure"/>).</summary>
public enum FlashOutcomeKind
{
    /// <summary>No evidence tells.</summary>
    Indeterminate = 0,

    /// <summary>A new boot, and the promised version reads back.</summary>
    Upgraded,

    /// <summary>The version was installed already; nothing was written.</summary>
    AlreadyCurrent,

    /// <summary>Armed, and no evidence of a boot yet.</summary>
    Pending,

    /// <summary>A dry run found nothing against the upgrade; nothing was written.</summary>
    WouldUpgrade,

    /// <summary>The target booted and runs the old version.</summary>
    NotApplied,

    /// <summary>The target booted and runs a version that nobody promised.</summary>
    UnexpectedVersion,

    /// <summary>The target booted into the flash and did not return, or says that it is in recovery.</summary>
    RecoveryRequired,

    /// <summary>The flash did not occur: something failed, or was stopped, before the boot.</summary>
    NotFlashed,

    /// <summary>New ROMs run, but the upgrade did not end as asked: a boot is missing, or a gate refused afterwards.</summary>
    Incomplete,
}

/// <summary>How an upgrade ended well, or waits. Closed; every other end is a <see cref="FlashFailure"/>.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public abstract record FlashOutcome
{
    private protected FlashOutcome()
    {
    }

    /// <summary>The outcome in one word.</summary>
    public abstract FlashOutcomeKind Kind { get; }

    /// <summary>The components that it is about.</summary>
    public ImmutableArray<UpgradeComponent> Components { get; init; } = [];

    /// <summary>How the staged copy was verified; <see cref="VerificationMethod.None"/> when nothing was staged.</summary>
    public VerificationMethod Verification { get; init; }

    /// <summary>What a person should know besides. Untrusted text.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];

    /// <summary>Judges evidence. Success is never inferred: it takes a new boot identity of the same machine, and the promised version read back.</summary>
    /// <param name="scheduled">What was armed.</param>
    /// <param name="evidence">What was seen.</param>
    /// <returns><see cref="Upgraded"/> or <see cref="Pending"/>; otherwise the failure that says what the evidence shows.</returns>
    public static FlashResult<FlashOutcome> Decide(ScheduledFlash scheduled, ConfirmationEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(scheduled);
        ArgumentNullException.ThrowIfNull(evidence);
        return OutcomeRules.Decide(scheduled, evidence).TryGetValue(out var outcome, out var failure)
            ? outcome
            : failure with { Stage = FlashStage.Confirm, TargetId = scheduled.Target.Id };
    }

    /// <summary>The outcome in one word, for a failure.</summary>
    /// <param name="failure">What ended the upgrade.</param>
    /// <returns>The kind.</returns>
    public static FlashOutcomeKind KindOf(FlashFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return failure switch
        {
            FailureDuringFlash or TargetDidNotReturn => FlashOutcomeKind.RecoveryRequired,
            FlashNotApplied => FlashOutcomeKind.NotApplied,
            UnexpectedVersion => FlashOutcomeKind.UnexpectedVersion,
            _ => failure.TargetState switch
            {
                TargetState.Untouched or TargetState.Prepared => FlashOutcomeKind.NotFlashed,
                TargetState.Armed => FlashOutcomeKind.Pending,
                TargetState.PreviousRomIntact => FlashOutcomeKind.NotApplied,
                TargetState.RecoveryRequired => FlashOutcomeKind.RecoveryRequired,
                TargetState.RomChanged => FlashOutcomeKind.Incomplete,
                _ => FlashOutcomeKind.Indeterminate,
            },
        };
    }

    /// <summary>Closes the hierarchy.</summary>
    internal abstract void Seal();
}

/// <summary>A new boot of the same machine, and the promised version reads back for every component.</summary>
public sealed record Upgraded : FlashOutcome
{
    /// <inheritdoc/>
    public override FlashOutcomeKind Kind => FlashOutcomeKind.Upgraded;

    internal override void Seal()
    {
    }
}

/// <summary>Every component had the version already. A success: nothing was written.</summary>
public sealed record AlreadyCurrent : FlashOutcome
{
    /// <inheritdoc/>
    public override FlashOutcomeKind Kind => FlashOutcomeKind.AlreadyCurrent;

    internal override void Seal()
    {
    }
}

/// <summary>Armed, and no evidence of a boot. A later confirmation tells.</summary>
public sealed record Pending : FlashOutcome
{
    /// <inheritdoc/>
    public override FlashOutcomeKind Kind => FlashOutcomeKind.Pending;

    internal override void Seal()
    {
    }
}

/// <summary>A dry run found nothing that speaks against the upgrade. Nothing was written.</summary>
public sealed record WouldUpgrade : FlashOutcome
{
    /// <inheritdoc/>
    public override FlashOutcomeKind Kind => FlashOutcomeKind.WouldUpgrade;

    internal override void Seal()
    {
    }
}
