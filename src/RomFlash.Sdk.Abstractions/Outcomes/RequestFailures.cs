using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>What was asked for can't be carried out as written. Nothing was contacted.</summary>
public abstract record RequestFailure : FlashFailure
{
    private protected RequestFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        CommandLineSyntax.Info,
        InvalidParameter.Info,
        TransportNotRegistered.Info,
        CapabilityMissing.Info,
        SecretInAddress.Info,
        DuplicateTarget.Info,
        TargetsFileUnusable.Info,
        PlanUnusable.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Request is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF1001: The command line could not be parsed.</summary>
public sealed record CommandLineSyntax : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1001",
        "Command-line syntax error",
        "The command line is written in a way that the program does not understand.",
        "Correct the syntax as the message shows, and restart the process.",
        RetryClass.AfterCorrection,
        TargetState.Untouched,
        "Command-line syntax error");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CommandLineSyntax()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF1002: A parameter has a value that can't be used.</summary>
public sealed record InvalidParameter : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1002",
        "Invalid or incorrect parameter",
        "A parameter has a value that can't be used, for example an invalid source path for system configuration or ROM files.",
        "Correct the parameter that the message names, and restart the process.",
        RetryClass.AfterCorrection,
        TargetState.Untouched,
        "Invalid or incorrect command-line parameters");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public InvalidParameter()
        : base(Info)
    {
    }

    /// <summary>The parameter's name.</summary>
    public string Parameter { get; init; } = string.Empty;

    internal override void Seal()
    {
    }
}

/// <summary>RF1003: No registered transport serves the address.</summary>
public sealed record TransportNotRegistered : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1003",
        "No transport for this address",
        "The address has a scheme for which no transport is registered.",
        "Use an address with a registered scheme, or register the transport that serves this one.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TransportNotRegistered()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF1004: None of the target's endpoints has a needed capability.</summary>
public sealed record CapabilityMissing : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1004",
        "No endpoint of the target offers what this needs",
        "None of the target's endpoints has the capability that the operation needs.",
        "Give the target a further endpoint whose transport has the capability that the message names.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public CapabilityMissing()
        : base(Info)
    {
    }

    /// <summary>The capability that is missing.</summary>
    public string Capability { get; init; } = string.Empty;

    internal override void Seal()
    {
    }
}

/// <summary>RF1005: An address was refused because it holds credentials; it is not repeated here.</summary>
public sealed record SecretInAddress : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1005",
        "An address holds a password",
        "The target's address holds a user name or a password; addresses end up in logs and reports.",
        "Take the credentials out of the address, and give them through a credential source.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public SecretInAddress()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF1006: Two targets of one request are the same.</summary>
public sealed record DuplicateTarget : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1006",
        "The target is in the request twice",
        "Two targets of one request have the same id, or turn out to be the same machine.",
        "Remove one of them.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public DuplicateTarget()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF1007: The targets file can't be used.</summary>
public sealed record TargetsFileUnusable : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1007",
        "The targets file can't be used",
        "The targets file is malformed, names a target twice, uses a scheme that no transport serves, or has groups that contain each other.",
        "Correct the file at the places that the message names; all of them are named at once.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public TargetsFileUnusable()
        : base(Info)
    {
    }

    /// <summary>All problems with their places; empty when none has a place.</summary>
    public ImmutableArray<DocumentProblem> Problems { get; init; } = [];

    internal override void Seal()
    {
    }
}

/// <summary>RF1008: The plan can't be used.</summary>
public sealed record PlanUnusable : RequestFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF1008",
        "The plan can't be used",
        "The plan is malformed, or its content is not the one that its hash was made of: it was edited by hand or damaged.",
        "Make a new plan, and have that one approved.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public PlanUnusable()
        : base(Info)
    {
    }

    /// <summary>All problems with their places; empty when none has a place.</summary>
    public ImmutableArray<DocumentProblem> Problems { get; init; } = [];

    internal override void Seal()
    {
    }
}
