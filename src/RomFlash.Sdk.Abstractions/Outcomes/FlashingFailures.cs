using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>The flash itself went wrong, or nobody can say how it went.</summary>
public abstract record FlashingFailure : FlashFailure
{
    private protected FlashingFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        FailureDuringFlash.Info,
        TargetDidNotReturn.Info,
        FlashNotApplied.Info,
        UnexpectedVersion.Info,
        OutcomeIndeterminate.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Flashing is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF8001: The target says that it needs recovery.</summary>
public sealed record FailureDuringFlash : FlashingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF8001",
        "Failure during the ROM flash",
        "The flash was interrupted or the image was corrupted, and the target does not start; power loss is the likeliest reason.",
        "Start disaster recovery (ROMPaq, or the maker's own).",
        RetryClass.Never,
        TargetState.RecoveryRequired,
        "Failure occurs during ROM flash");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public FailureDuringFlash()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF8002: No sign of life after the boot into the flash.</summary>
public sealed record TargetDidNotReturn : FlashingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF8002",
        "The target did not come back",
        "The target went into the flash and did not return in time.",
        "Look at its console; if it does not start, begin disaster recovery. Do not cut its power while it may still be flashing.",
        RetryClass.Never,
        TargetState.RecoveryRequired);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TargetDidNotReturn()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF8003: The previous version runs.</summary>
public sealed record FlashNotApplied : FlashingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF8003",
        "The flash was not applied",
        "The target booted and still runs the previous version.",
        "See the attempt status that the device reported.",
        RetryClass.AfterCorrection,
        TargetState.PreviousRomIntact);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public FlashNotApplied()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF8004: The version read back is not the promised one.</summary>
public sealed record UnexpectedVersion : FlashingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF8004",
        "Another version runs than expected",
        "The target booted and reports a version that is neither the previous one nor the one that the catalog promises.",
        "Compare the catalog's reported version with the target's; look at the target before anything else is flashed.",
        RetryClass.AfterCorrection,
        TargetState.RomChanged);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public UnexpectedVersion()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF8005: No evidence of the outcome.</summary>
public sealed record OutcomeIndeterminate : FlashingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF8005",
        "The outcome is unknown",
        "No evidence tells what came of the flash.",
        "Look at the target, then confirm again.",
        RetryClass.Later,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public OutcomeIndeterminate()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
