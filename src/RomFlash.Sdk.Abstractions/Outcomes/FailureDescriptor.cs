using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>What is the same for every failure with one code: its name, cause and remedy. Each has a page under <c>docs/failures</c>.</summary>
public sealed record FailureDescriptor
{
    internal FailureDescriptor(string code, string title, string cause, string remedy, RetryClass retry, TargetState state, string? documented = null)
    {
        Code = code;
        Title = title;
        Cause = cause;
        Remedy = remedy;
        Retry = retry;
        DefaultTargetState = state;
        DocumentedAs = documented;
    }

    /// <summary>The stable code, <c>RF</c> and four digits. Never reused for another meaning.</summary>
    public string Code { get; }

    /// <summary>A short name, without a full stop.</summary>
    public string Title { get; }

    /// <summary>Why this happens.</summary>
    public string Cause { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }

    /// <summary>Whether to try again.</summary>
    public RetryClass Retry { get; }

    /// <summary>The target's state unless an instance says otherwise.</summary>
    public TargetState DefaultTargetState { get; }

    /// <summary>The row of the Remote ROM Flash documentation that this is, or null when practice added it.</summary>
    public string? DocumentedAs { get; }

    /// <summary>Every descriptor of this version of the library, in the order of the codes.</summary>
    public static ImmutableArray<FailureDescriptor> All { get; } =
    [
        .. RequestFailure.Descriptors,
        .. ConnectionFailure.Descriptors,
        .. AccessFailure.Descriptors,
        .. CompatibilityFailure.Descriptors,
        .. ImageFailure.Descriptors,
        .. StagingFailure.Descriptors,
        .. ArmingFailure.Descriptors,
        .. FlashingFailure.Descriptors,
        .. OperationFailure.Descriptors,
    ];
}
