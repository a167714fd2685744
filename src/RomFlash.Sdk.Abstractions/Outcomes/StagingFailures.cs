using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>The image could not be put on the system partition, or not proved to be there.</summary>
public abstract record StagingFailure : FlashFailure
{
    private protected StagingFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        SystemPartitionMissing.Info,
        SystemPartitionTooSmall.Info,
        SystemPartitionFull.Info,
        SystemPartitionReadOnly.Info,
        SystemPartitionUnproved.Info,
        StagedCopyDiffers.Info,
        VerificationTooWeak.Info,
        TargetClaimed.Info,
        ClaimLost.Info,
        StagingEvidenceRejected.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Staging is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF6001: The system partition can't be found.</summary>
public sealed record SystemPartitionMissing : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6001",
        "No system partition",
        "The target has no system partition that can be seen.",
        "Create or mount a system partition of at least 32 MB.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public SystemPartitionMissing()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF6002: The volume is smaller than 32,000,000 bytes.</summary>
public sealed record SystemPartitionTooSmall : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6002",
        "The system partition is too small",
        "The system partition has less than 32 MB (32,000,000 bytes).",
        "Give the target a system partition of at least 32 MB.",
        RetryClass.AfterCorrection,
        TargetState.Untouched,
        "Requirement: each target has a system partition of at least 32 MB");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public SystemPartitionTooSmall()
        : base(Info)
    {
    }

    /// <summary>The volume's size in bytes.</summary>
    public long TotalBytes { get; init; }

    internal override void Seal()
    {
    }
}

/// <summary>RF6003: The deposit does not fit.</summary>
public sealed record SystemPartitionFull : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6003",
        "The system partition has not enough room",
        "The free space does not hold the deposit.",
        "Free space on the system partition.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public SystemPartitionFull()
        : base(Info)
    {
    }

    /// <summary>What the deposit needs, in bytes.</summary>
    public long RequiredBytes { get; init; }

    /// <summary>What is free, in bytes, or null when unknown.</summary>
    public long? FreeBytes { get; init; }

    internal override void Seal()
    {
    }
}

/// <summary>RF6004: The volume can't be written.</summary>
public sealed record SystemPartitionReadOnly : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6004",
        "The system partition is read-only",
        "The volume can't be written.",
        "Mount or share it for writing.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public SystemPartitionReadOnly()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF6005: The volume may not be the system partition.</summary>
public sealed record SystemPartitionUnproved : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6005",
        "The volume is not proved to be a system partition",
        "The volume is not FAT, has no EFI directory, or is not the one that the firmware boots from.",
        "Give the address of the EFI system partition.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public SystemPartitionUnproved()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF6006: The copy on the target is not the validated image.</summary>
public sealed record StagedCopyDiffers : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6006",
        "The staged copy differs",
        "What lies on the target is not what was validated.",
        "Start again; if it happens twice, check the target's disk and memory.",
        RetryClass.AtOnce,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public StagedCopyDiffers()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF6007: The policy's minimum of verification was not reached.</summary>
public sealed record VerificationTooWeak : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6007",
        "The staged copy can't be verified well enough",
        "The transport can't verify the copy in the way that the policy asks for.",
        "Use a transport that can, or lower the minimum by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public VerificationTooWeak()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF6008: The claim is held by another client.</summary>
public sealed record TargetClaimed : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6008",
        "Another client works on the target",
        "Another client holds the claim of the target.",
        "Wait until it has ended; take the claim over by name only when that client is known to be dead.",
        RetryClass.Later,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TargetClaimed()
        : base(Info)
    {
    }

    /// <summary>Who holds the claim; untrusted text.</summary>
    public string Owner { get; init; } = string.Empty;

    /// <summary>The generation of the claim.</summary>
    public long Generation { get; init; }

    internal override void Seal()
    {
    }
}

/// <summary>RF6009: This client was fenced off.</summary>
public sealed record ClaimLost : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6009",
        "The claim was taken over",
        "Another client took the claim of the target over; this one stopped.",
        "Look at what the other client did before starting again.",
        RetryClass.AfterCorrection,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ClaimLost()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF6010: The evidence of a stage failed its checks.</summary>
public sealed record StagingEvidenceRejected : StagingFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF6010",
        "The stager's evidence does not fit",
        "A stager reported something that does not match what was approved.",
        "Report this to the stager's maker; nothing was armed.",
        RetryClass.Never,
        TargetState.Prepared);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public StagingEvidenceRejected()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
