using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Transports;

/// <summary>What went wrong on the wire. A closed set: a transport picks the nearest and adds the peer's code.</summary>
public enum TransportFaultKind
{
    /// <summary>Refused with a code that the transport does not know.</summary>
    Unmapped = 0,

    /// <summary>No route to the peer.</summary>
    Unreachable,

    /// <summary>The name can't be resolved.</summary>
    NameNotResolved,

    /// <summary>Nothing listens at the address.</summary>
    Refused,

    /// <summary>No answer within the deadline.</summary>
    TimedOut,

    /// <summary>An established connection broke.</summary>
    Lost,

    /// <summary>The peer is not the pinned one, or can't be authenticated.</summary>
    PeerNotTrusted,

    /// <summary>The peer rejects the credentials.</summary>
    CredentialsRejected,

    /// <summary>The credential source has nothing for this endpoint.</summary>
    CredentialsUnavailable,

    /// <summary>The current user's credentials can't be supplied here.</summary>
    CurrentUserUnavailable,

    /// <summary>The account is disabled.</summary>
    AccountDisabled,

    /// <summary>The account is locked.</summary>
    AccountLocked,

    /// <summary>The password has expired.</summary>
    PasswordExpired,

    /// <summary>The account may not do this.</summary>
    AccessDenied,

    /// <summary>A service that is needed does not run.</summary>
    ServiceNotRunning,

    /// <summary>What was named does not exist.</summary>
    NotFound,

    /// <summary>What was to be created exists.</summary>
    AlreadyExists,

    /// <summary>Something else holds what is needed, for now.</summary>
    Busy,

    /// <summary>Another owner holds the claim.</summary>
    ClaimHeld,

    /// <summary>The claim that this was done under has been taken over.</summary>
    Fenced,

    /// <summary>No space is left.</summary>
    NoSpace,

    /// <summary>The volume can't be written.</summary>
    ReadOnly,

    /// <summary>The peer can't do this.</summary>
    Unsupported,

    /// <summary>The peer looked at the content and refused it.</summary>
    Rejected,

    /// <summary>The peer answered with something that its protocol does not allow.</summary>
    ProtocolViolation,

    /// <summary>The caller's token was cancelled.</summary>
    Cancelled,

    /// <summary>The transport itself failed: it threw, or answered with nothing.</summary>
    TransportBroken,

    /// <summary>What was stored on the peer is no longer what was stored.</summary>
    ContentDiffers,
}

/// <summary>Whether the operation changed anything on the target although it failed.</summary>
public enum FaultEffect
{
    /// <summary>Nobody can say: it may have taken effect. Assume both.</summary>
    MayHaveApplied = 0,

    /// <summary>It never reached the target, or the target refused it unchanged.</summary>
    NotSent,

    /// <summary>It took effect; only the answer is missing.</summary>
    Applied,
}

/// <summary>Why an operation of a transport did not give a result. Holds no policy: the pipeline makes a failure of it.</summary>
public sealed record TransportFault
{
    /// <summary>Creates a fault.</summary>
    /// <param name="kind">What went wrong.</param>
    /// <param name="effect">Whether anything changed on the target.</param>
    /// <param name="detail">What happened, for people. Untrusted text; no secret.</param>
    public TransportFault(TransportFaultKind kind, FaultEffect effect, string detail = "")
    {
        ArgumentNullException.ThrowIfNull(detail);
        Kind = kind;
        Effect = effect;
        Detail = detail;
    }

    /// <summary>What went wrong.</summary>
    public TransportFaultKind Kind { get; init; }

    /// <summary>Whether anything changed on the target.</summary>
    public FaultEffect Effect { get; init; }

    /// <summary>What happened, for people. Untrusted text.</summary>
    public string Detail { get; init; }

    /// <summary>The peer's own code, or null.</summary>
    public PeerCode? PeerCode { get; init; }

    /// <summary>One line for a log.</summary>
    /// <returns>The line, with control characters escaped.</returns>
    public override string ToString() =>
        $"{Kind} ({Effect}){(Detail.Length == 0 ? string.Empty : ": " + UntrustedText.ForLog(Detail))}{(PeerCode is { } code ? $" [{code}]" : string.Empty)}";
}
