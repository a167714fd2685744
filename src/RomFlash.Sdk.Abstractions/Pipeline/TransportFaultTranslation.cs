using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Pipeline;

/// <summary>Turns a transport's fault into a failure: a total function, for stages. Transports never call it.</summary>
public static class TransportFaultTranslation
{
    /// <summary>Makes a failure of a fault.</summary>
    /// <param name="fault">The fault.</param>
    /// <param name="stage">The step that it happened in.</param>
    /// <param name="target">The target.</param>
    /// <param name="endpoint">The endpoint, or null.</param>
    /// <param name="state">In what state the target is.</param>
    /// <param name="byteOffset">How many bytes of an image had been acknowledged, or null outside a transfer.</param>
    /// <returns>The failure, with the peer's code.</returns>
    public static FlashFailure ToFailure(
        this TransportFault fault,
        FlashStage stage,
        FlashTarget target,
        TargetEndpoint? endpoint,
        TargetState state,
        long? byteOffset = null)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentNullException.ThrowIfNull(target);
        return Leaf(fault, stage, byteOffset) with
        {
            Stage = stage,
            TargetId = target.Id,
            TargetAddress = endpoint?.ToString() ?? string.Empty,
            TargetState = state,
            PeerCode = fault.PeerCode,
            Detail = fault.Detail,
        };
    }

    private static FlashFailure Leaf(TransportFault fault, FlashStage stage, long? byteOffset) => fault.Kind switch
    {
        TransportFaultKind.Unreachable => new NetworkUnreachable(),
        TransportFaultKind.NameNotResolved => new NameNotResolved(),
        TransportFaultKind.Refused => new ConnectionRefused(),
        TransportFaultKind.TimedOut => new ConnectionTimedOut(),
        TransportFaultKind.Lost => new ConnectionLost { ByteOffset = byteOffset },
        TransportFaultKind.PeerNotTrusted => new PeerNotTrusted(),
        TransportFaultKind.CredentialsRejected => new CredentialsRejected(),
        TransportFaultKind.CredentialsUnavailable => new CredentialsUnavailable(),
        TransportFaultKind.CurrentUserUnavailable => new CurrentUserUnavailable(),
        TransportFaultKind.AccountDisabled => new AccountDisabled(),
        TransportFaultKind.AccountLocked => new AccountLocked(),
        TransportFaultKind.PasswordExpired => new PasswordExpired(),
        TransportFaultKind.AccessDenied => new AccessDenied(),
        TransportFaultKind.ServiceNotRunning => new RemoteRegistryStopped { Service = fault.Detail },
        TransportFaultKind.NotFound when stage is FlashStage.Connect or FlashStage.Stage or FlashStage.Verify or FlashStage.Cancel or FlashStage.Reconcile => new SystemPartitionMissing(),
        TransportFaultKind.NotFound => new ProtocolViolation(),
        TransportFaultKind.AlreadyExists => new ServiceBusy(),
        TransportFaultKind.Busy when stage is FlashStage.Reboot => new RebootRefused(),
        TransportFaultKind.Busy => new ServiceBusy(),
        TransportFaultKind.ClaimHeld => new TargetClaimed(),
        TransportFaultKind.Fenced => new ClaimLost(),
        TransportFaultKind.NoSpace => new SystemPartitionFull(),
        TransportFaultKind.ReadOnly => new SystemPartitionReadOnly(),
        TransportFaultKind.Unsupported when stage is FlashStage.Arm => new ArmingNotPossible(),
        TransportFaultKind.Unsupported when stage is FlashStage.Reboot => new RebootRefused(),
        TransportFaultKind.Unsupported when stage is FlashStage.Cancel => new DisarmNotPossible(),
        TransportFaultKind.Unsupported when stage is FlashStage.Connect => new InvalidParameter { Parameter = "target" },
        TransportFaultKind.Unsupported => new CapabilityMissing(),
        TransportFaultKind.Rejected when stage is FlashStage.Reboot => new RebootRefused(),
        TransportFaultKind.Rejected when stage is FlashStage.Cancel => new DisarmNotPossible(),
        TransportFaultKind.Rejected when stage is FlashStage.Arm => new ArmingNotPossible(),
        TransportFaultKind.Rejected or TransportFaultKind.ContentDiffers => new StagedCopyDiffers(),
        TransportFaultKind.ProtocolViolation => new ProtocolViolation(),
        TransportFaultKind.Cancelled => new OperationCancelled(),
        TransportFaultKind.TransportBroken => new PlugInFault(),
        _ => new UnmappedPeerError(),
    };
}
