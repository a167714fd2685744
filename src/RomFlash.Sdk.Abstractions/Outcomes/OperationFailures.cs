using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>The client itself: cancellation, deadlines, the journal, plug-ins.</summary>
public abstract record OperationFailure : FlashFailure
{
    private protected OperationFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        OperationCancelled.Info,
        DeadlineExceeded.Info,
        JournalUnavailable.Info,
        JournalCorrupt.Info,
        PlugInFault.Info,
        FlashInProgress.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Operation is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF9001: The caller cancelled after the first remote write.</summary>
public sealed record OperationCancelled : OperationFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF9001",
        "Cancelled",
        "The caller asked to stop after something had been written to the target.",
        "Nothing, or start again; the target's state says what was left.",
        RetryClass.AtOnce,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public OperationCancelled()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF9002: A deadline of the whole operation passed.</summary>
public sealed record DeadlineExceeded : OperationFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF9002",
        "The deadline has passed",
        "The operation took longer than it may.",
        "Give a longer deadline, or find out what is slow.",
        RetryClass.Later,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public DeadlineExceeded()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF9003: The journal can't be used.</summary>
public sealed record JournalUnavailable : OperationFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF9003",
        "The journal can't be written",
        "The client's journal could not be written or flushed, so nothing further was done.",
        "Correct the journal's disk, path or permissions; another process may hold it.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public JournalUnavailable()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF9004: The journal's content can't be trusted.</summary>
public sealed record JournalCorrupt : OperationFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF9004",
        "The journal is damaged",
        "Records of the client's journal fail their checksum elsewhere than at its torn end.",
        "Set the damaged file aside, then look at the targets that it names.",
        RetryClass.AfterCorrection,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public JournalCorrupt()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF9005: A plug-in threw or answered with nothing.</summary>
public sealed record PlugInFault : OperationFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF9005",
        "A plug-in broke its contract",
        "A transport, stage, gate or journal threw, or answered with nothing.",
        "Report this to the plug-in's maker.",
        RetryClass.Never,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public PlugInFault()
        : base(Info)
    {
    }

    /// <summary>The plug-in's type.</summary>
    public string PlugIn { get; init; } = string.Empty;

    internal override void Seal()
    {
    }
}

/// <summary>RF9006: One flash at a time for a target.</summary>
public sealed record FlashInProgress : OperationFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF9006",
        "A flash of this target is in progress",
        "This client is already working on the target, or on the same machine under another name.",
        "Wait until it has ended.",
        RetryClass.Later,
        TargetState.Indeterminate);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public FlashInProgress()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
