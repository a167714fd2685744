using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>The target can't be reached, or the connection broke.</summary>
public abstract record ConnectionFailure : FlashFailure
{
    private protected ConnectionFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        ConnectionLost.Info,
        NameNotResolved.Info,
        NetworkUnreachable.Info,
        ConnectionRefused.Info,
        ConnectionTimedOut.Info,
        ProtocolViolation.Info,
        UnmappedPeerError.Info,
        PeerNotTrusted.Info,
        ServiceBusy.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Connection is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF2001: An established connection broke.</summary>
public sealed record ConnectionLost : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2001",
        "Network connection lost",
        "The client was disconnected from the target while it prepared the flash. The ROM flash does not occur for that target unless its state says armed.",
        "Find and correct the cause of the connection failure, and restart the process.",
        RetryClass.Later,
        TargetState.Untouched,
        "Network connection fails on remote communication");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ConnectionLost()
        : base(Info)
    {
    }

    /// <summary>How many bytes of the image had been acknowledged, or null outside a transfer.</summary>
    public long? ByteOffset { get; init; }

    internal override void Seal()
    {
    }
}

/// <summary>RF2002: The target's name could not be resolved.</summary>
public sealed record NameNotResolved : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2002",
        "Name not resolved",
        "The target's name is not known to the name service of the client.",
        "Correct the name, or the name service.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public NameNotResolved()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF2003: The target can't be reached over the network.</summary>
public sealed record NetworkUnreachable : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2003",
        "Target not visible on the network",
        "No route from the client leads to the target.",
        "Bring the target onto a network that is visible from the client.",
        RetryClass.AfterCorrection,
        TargetState.Untouched,
        "Requirement: targets on the same network, visible from the client");

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public NetworkUnreachable()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF2004: Nothing listens at the address.</summary>
public sealed record ConnectionRefused : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2004",
        "Connection refused",
        "The target is there, but nothing listens on the port.",
        "Start the service on the target, or correct the port or the firewall.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ConnectionRefused()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF2005: An answer did not come in time.</summary>
public sealed record ConnectionTimedOut : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2005",
        "The target did not answer in time",
        "The target did not answer within the deadline of the operation.",
        "Check the target and the network; for a slow link, give a longer deadline.",
        RetryClass.Later,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ConnectionTimedOut()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF2006: The peer's answer can't be right.</summary>
public sealed record ProtocolViolation : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2006",
        "The peer broke the protocol",
        "The peer answered with something that its protocol does not allow.",
        "Check that the address is that of the right service; report the peer's code and version.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ProtocolViolation()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF2007: The peer refused with a code that is not mapped.</summary>
public sealed record UnmappedPeerError : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2007",
        "The peer reported an error that is not known here",
        "The peer refused with a code that this version does not know.",
        "Look the peer's code up in the documentation of its maker.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public UnmappedPeerError()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF2008: The peer could not be authenticated.</summary>
public sealed record PeerNotTrusted : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2008",
        "The peer is not the one that was pinned",
        "The host key or certificate of the peer is unknown or has changed.",
        "Compare the fingerprints over another channel, then pin the right one.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public PeerNotTrusted()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF2009: Something on the target is in use.</summary>
public sealed record ServiceBusy : ConnectionFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF2009",
        "The target is busy",
        "The target refused because something else on it holds what is needed.",
        "Try again when the other operation has ended.",
        RetryClass.Later,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ServiceBusy()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
