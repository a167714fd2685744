using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>The account or a service on the target is in the way.</summary>
public abstract record AccessFailure : FlashFailure
{
    private protected AccessFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        AccessDenied.Info,
        CredentialsRejected.Info,
        AccountDisabled.Info,
        AccountLocked.Info,
        PasswordExpired.Info,
        RemoteRegistryStopped.Info,
        CurrentUserUnavailable.Info,
        CredentialsUnavailable.Info,
        AdministratorUnproved.Info,
        SecretUnprotected.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Access is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF3001: The account may not do this on the target.</summary>
public sealed record AccessDenied : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3001",
        "Access denied on the target",
        "The account has no administrative privileges for the target.",
        "Obtain administrative privileges for the target, and restart the process. On a Windows-based target, be sure that the remote registry service is running. A local account that is an administrator there may lose its rights over the network (remote UAC token filtering): use a domain account, or have the target's administrator lift the filter.",
        RetryClass.AfterCorrection,
        TargetState.Untouched,
        "Access denied on target computer");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public AccessDenied()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3002: The target rejected the credentials.</summary>
public sealed record CredentialsRejected : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3002",
        "Credentials rejected",
        "The target does not accept the user name or the password.",
        "Correct the credentials.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CredentialsRejected()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3003: The account is disabled.</summary>
public sealed record AccountDisabled : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3003",
        "Account disabled",
        "The account is disabled on the target.",
        "Enable the account, or use another one.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public AccountDisabled()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3004: The account is locked out.</summary>
public sealed record AccountLocked : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3004",
        "Account locked",
        "The account is locked on the target.",
        "Unlock the account, or wait until the lock ends.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public AccountLocked()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3005: The password has expired.</summary>
public sealed record PasswordExpired : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3005",
        "Password expired",
        "The account's password has expired, or must be changed.",
        "Change the password.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public PasswordExpired()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3006: A service that the transport depends on is not running.</summary>
public sealed record RemoteRegistryStopped : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3006",
        "A service that the transport needs does not run",
        "The remote registry service (or the one that the message names) does not run on the target.",
        "Start the service on the target, and restart the process.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public RemoteRegistryStopped()
        : base(Info)
    {
    }

    /// <summary>The service's name.</summary>
    public string Service { get; init; } = string.Empty;

    internal override void Seal()
    {
    }
}

/// <summary>RF3007: The platform or the transport can't supply the current user's credentials.</summary>
public sealed record CurrentUserUnavailable : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3007",
        "The current user's credentials can't be used",
        "The target is to be reached with the same user name and password as the local administrative client, which this platform or transport can't supply.",
        "Name the account explicitly through a credential source.",
        RetryClass.AfterCorrection,
        TargetState.Untouched,
        "Requirement: an administrative account on each target, with the same user name and password as the local administrative client");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CurrentUserUnavailable()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3008: The credential source has nothing for the target.</summary>
public sealed record CredentialsUnavailable : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3008",
        "No credentials for the target",
        "The credential source has no credentials for this target.",
        "Give the credential source an entry for the target.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CredentialsUnavailable()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3009: The account's rights are unknown.</summary>
public sealed record AdministratorUnproved : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3009",
        "Administrative rights could not be proved",
        "Nothing on the target tells whether the account has administrative rights.",
        "Use a transport that can tell, or waive the check by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public AdministratorUnproved()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF3010: Others can read the secret.</summary>
public sealed record SecretUnprotected : AccessFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF3010",
        "Others can read the secret",
        "The file that holds a password or a private key can be read by others than its owner, or belongs to somebody else.",
        "Take the rights of group and others away (chmod 600), make the file your own, and change the secret: it may be known already.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public SecretUnprotected()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
