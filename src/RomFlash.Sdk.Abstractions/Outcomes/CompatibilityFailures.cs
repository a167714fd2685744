using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>This ROM may not go on this target, or not now.</summary>
public abstract record CompatibilityFailure : FlashFailure
{
    private protected CompatibilityFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        TargetNotSupported.Info,
        RomNotForTarget.Info,
        DowngradeRefused.Info,
        BelowLowestSupportedVersion.Info,
        IntermediateVersionRequired.Info,
        InstalledVersionUnknown.Info,
        VersionNotComparable.Info,
        TargetIdentityUnknown.Info,
        TargetIdentityChanged.Info,
        CatalogUnusable.Info,
        VerdictRejected.Info,
        TargetNotReady.Info,
        DiskEncryptionSealed.Info,
        ImageNotInCatalog.Info,
        CatalogUntrusted.Info,
        CatalogExpired.Info,
        CatalogRolledBack.Info,
        PlanOutdated.Info,
        PowerCycleRequired.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Compatibility is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF4001: The catalog does not know the target.</summary>
public sealed record TargetNotSupported : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4001",
        "Target system is not supported",
        "The target is not in the list of supported servers.",
        "Check the list of supported servers in the catalog.",
        RetryClass.Never,
        TargetState.Untouched,
        "Target system is not supported");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TargetNotSupported()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4002: The catalog does not allow the image on the target.</summary>
public sealed record RomNotForTarget : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4002",
        "This ROM version can't be used for the target",
        "The catalog does not allow this ROM for this server or array controller.",
        "Choose a ROM that the catalog lists for the server or the controller.",
        RetryClass.Never,
        TargetState.Untouched,
        "Requirement: the ROM version can be used for all the servers or array controllers being upgraded");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public RomNotForTarget()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4003: A downgrade was not asked for.</summary>
public sealed record DowngradeRefused : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4003",
        "The ROM is older than the installed one",
        "The image has a lower version than the installed ROM, and a downgrade was not asked for.",
        "Choose a newer ROM, or ask for the downgrade by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public DowngradeRefused()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4004: The firmware would refuse the version.</summary>
public sealed record BelowLowestSupportedVersion : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4004",
        "Below the lowest supported version",
        "The installed firmware does not accept versions below its lowest supported version.",
        "Choose a ROM at or above the lowest supported version; this can't be waived.",
        RetryClass.Never,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public BelowLowestSupportedVersion()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4005: A stepping stone is missing.</summary>
public sealed record IntermediateVersionRequired : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4005",
        "An intermediate version is required first",
        "The installed version is too old for a direct upgrade, and the image of the stepping stone was not given.",
        "Add the image of the intermediate version that the message names.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public IntermediateVersionRequired()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4006: The installed version can't be read.</summary>
public sealed record InstalledVersionUnknown : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4006",
        "The installed version is unknown",
        "The target does not tell which version is installed, so no check is possible.",
        "Add an endpoint that can tell, or ask for a re-flash by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public InstalledVersionUnknown()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4007: Two versions have no common order.</summary>
public sealed record VersionNotComparable : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4007",
        "The versions can't be compared",
        "The installed version and the catalog's are written in styles that have no common order.",
        "Add the version, as this fact source reports it, to the release in the catalog.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public VersionNotComparable()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4008: Nothing identifies the target.</summary>
public sealed record TargetIdentityUnknown : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4008",
        "The target can't be identified",
        "The target tells neither its SMBIOS UUID nor its serial number, so nobody could say later that it is the same machine.",
        "Add an endpoint that can tell.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TargetIdentityUnknown()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4009: Another machine answers at the address.</summary>
public sealed record TargetIdentityChanged : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4009",
        "The target is another machine than before",
        "The machine at the address is not the one that was probed, or the one in the journal: an alias, a re-used address or a swapped board.",
        "Find out which machine answers at the address before anything else is done.",
        RetryClass.AfterCorrection,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TargetIdentityChanged()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4010: The catalog could not be read.</summary>
public sealed record CatalogUnusable : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4010",
        "The catalog can't be used",
        "The catalog is missing, malformed or contradicts itself.",
        "Correct the catalog at the places that the message names.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CatalogUnusable()
        : base(Info)
    {
    }

    /// <summary>All problems with their places; empty when none has a place.</summary>
    public ImmutableArray<DocumentProblem> Problems { get; init; } = [];

    internal override void Seal()
    {
    }
}

/// <summary>RF4011: A verdict failed its checks.</summary>
public sealed record VerdictRejected : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4011",
        "The catalog's verdict does not fit the facts",
        "A catalog answered with an approval that does not match the image, the target or the policy.",
        "Report this to the catalog's maker; nothing was written.",
        RetryClass.Never,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public VerdictRejected()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4012: A readiness condition does not hold.</summary>
public sealed record TargetNotReady : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4012",
        "The target is not ready for a flash",
        "Power, battery, health or a pending restart speaks against a flash now, or can't be read.",
        "Correct the condition that the message names, or waive it by name where policy allows.",
        RetryClass.Later,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TargetNotReady()
        : base(Info)
    {
    }

    /// <summary>The condition, such as <c>external-power</c>.</summary>
    public string Condition { get; init; } = string.Empty;

    internal override void Seal()
    {
    }
}

/// <summary>RF4013: A flash would lock the target's disks.</summary>
public sealed record DiskEncryptionSealed : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4013",
        "Disk encryption is sealed to the firmware",
        "The target's disks are encrypted with a key that is sealed to its firmware; after a flash it asks for the recovery key.",
        "Suspend the encryption, or waive this by name with the recovery keys at hand.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public DiskEncryptionSealed()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4014: The catalog does not know the image's digest.</summary>
public sealed record ImageNotInCatalog : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4014",
        "The image is not in the catalog",
        "No release of the catalog has the digest of this image.",
        "Use an image whose SHA-256 is in the catalog.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageNotInCatalog()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4015: The catalog is not trusted.</summary>
public sealed record CatalogUntrusted : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4015",
        "The catalog is not trusted",
        "The catalog has no signature, a signature that is wrong, or one by nobody whom the caller trusts.",
        "Get the signed catalog from its maker, give the certificate of its signer, or accept an unsigned catalog explicitly and by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CatalogUntrusted()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4016: The catalog has expired.</summary>
public sealed record CatalogExpired : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4016",
        "The catalog has expired",
        "The time until which the catalog's maker vouches for it has passed; a newer one may withdraw releases that are found bad.",
        "Get the current catalog, or accept an expired one explicitly.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CatalogExpired()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4017: The catalog is older than one that was seen.</summary>
public sealed record CatalogRolledBack : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4017",
        "The catalog is older than one that was seen",
        "A catalog with this name and a higher serial was used before, or one with the same serial and another content.",
        "Get the current catalog. Accept an older one explicitly only when its maker says so.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CatalogRolledBack()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF4018: The plan does not fit any more.</summary>
public sealed record PlanOutdated : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4018",
        "The plan does not fit any more",
        "The catalog, an image, or what the target tells is not what it was when the plan was made.",
        "Look at the differences that the message names, make a new plan, and have that one approved.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public PlanOutdated()
        : base(Info)
    {
    }

    /// <summary>Each difference, with what the plan holds and what is there now. Untrusted text.</summary>
    public ImmutableArray<string> Differences { get; init; } = [];

    internal override void Seal()
    {
    }
}

/// <summary>RF4019: The release needs a power cycle.</summary>
public sealed record PowerCycleRequired : CompatibilityFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF4019",
        "The release needs a power cycle",
        "The catalog says that the release takes effect only after the power was off, and a client can only ask for a restart.",
        "Leave the restart to an operator, who switches the power off and on, and confirm afterwards.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public PowerCycleRequired()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
