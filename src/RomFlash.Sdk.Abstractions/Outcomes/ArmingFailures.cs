using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>The flash could not be armed, started or stopped.</summary>
public abstract record ArmingFailure : FlashFailure
{
    private protected ArmingFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        AnotherFlashPending.Info,
        ForeignCapsulePending.Info,
        ArmingNotPossible.Info,
        ImmediateFlashNotAllowed.Info,
        ArmedCopyDiffers.Info,
        ArmingUnconfirmed.Info,
        RebootRefused.Info,
        WindowMissed.Info,
        GateRefused.Info,
        DisarmNotPossible.Info,
        CancellationRefused.Info,
        ArmingEvidenceRejected.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Arming is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF7001: A flash is already armed.</summary>
public sealed record AnotherFlashPending : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7001",
        "Another flash is pending",
        "A flash is armed on the target already.",
        "Let it happen or disarm it first.",
        RetryClass.AfterCorrection,
        TargetState.Armed);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public AnotherFlashPending()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7002: Something else is armed on the target.</summary>
public sealed record ForeignCapsulePending : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7002",
        "A foreign capsule is pending",
        "A capsule that this client did not put there waits for the next boot.",
        "Find out who put it there; remove it or let it be applied first.",
        RetryClass.AfterCorrection,
        TargetState.Armed);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ForeignCapsulePending()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7003: No endpoint can arm the flash.</summary>
public sealed record ArmingNotPossible : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7003",
        "Arming is not possible over this transport",
        "None of the target's endpoints can arm a flash in a way that its firmware takes.",
        "Add an endpoint that can, such as SSH with efivarfs, or Redfish.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ArmingNotPossible()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7004: The target would flash immediately.</summary>
public sealed record ImmediateFlashNotAllowed : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7004",
        "The target flashes at once",
        "The target can't be armed for a later boot: it flashes as soon as it is told. The policy does not allow that.",
        "Allow an immediate flash by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImmediateFlashNotAllowed()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7005: The armed copy changed.</summary>
public sealed record ArmedCopyDiffers : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7005",
        "What is armed is not what was verified",
        "The copy that the firmware would take differs from the verified one.",
        "Find out who changed it; the flash was disarmed where the target allows it.",
        RetryClass.AfterCorrection,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ArmedCopyDiffers()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7006: The effect of the arming step is unknown.</summary>
public sealed record ArmingUnconfirmed : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7006",
        "Nobody can say whether the flash is armed",
        "The target did not tell after the arming step whether it is armed.",
        "Run again: the next look at the target tells.",
        RetryClass.AtOnce,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ArmingUnconfirmed()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7007: The restart was refused.</summary>
public sealed record RebootRefused : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7007",
        "The target refused to restart",
        "The restart could not be requested; the flash was disarmed where the target allows it.",
        "Find out why the target refuses, and run again. Where its state says armed: restart it by other means and confirm, or cancel.",
        RetryClass.Later,
        TargetState.Armed);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public RebootRefused()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7008: The window is over.</summary>
public sealed record WindowMissed : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7008",
        "The window has closed",
        "The window for the restart closed before the restart could be requested, or closes before its delay is over.",
        "Give a later window, or one that is longer than the delay of the restart.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public WindowMissed()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7009: A gate said no.</summary>
public sealed record GateRefused : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7009",
        "A gate refused",
        "A gate of the orchestrator did not allow the next step.",
        "See the gate's reason.",
        RetryClass.Later,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public GateRefused()
        : base(Info)
    {
    }

    /// <summary>The gate's name.</summary>
    public string Gate { get; init; } = string.Empty;

    internal override void Seal()
    {
    }
}

/// <summary>RF7010: The flash stays armed.</summary>
public sealed record DisarmNotPossible : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7010",
        "The flash can't be disarmed",
        "The target offers no way to take the arming back, or refused it.",
        "Keep the target from restarting until this is settled by hand.",
        RetryClass.AfterCorrection,
        TargetState.Armed);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public DisarmNotPossible()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7011: The flash has begun.</summary>
public sealed record CancellationRefused : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7011",
        "Too late to cancel",
        "The target is already booting into the flash, which must not be interrupted.",
        "Wait for the outcome.",
        RetryClass.Never,
        TargetState.Flashing);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CancellationRefused()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF7012: The evidence of a stage failed its checks.</summary>
public sealed record ArmingEvidenceRejected : ArmingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF7012",
        "The scheduler's evidence does not fit",
        "A scheduler reported something that does not match what was staged.",
        "Report this to the scheduler's maker; look at the target before it restarts.",
        RetryClass.Never,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ArmingEvidenceRejected()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
