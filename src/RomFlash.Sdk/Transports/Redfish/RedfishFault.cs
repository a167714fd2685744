using System.Collections.Immutable;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>Ends an exchange with a fault; caught at the connection's border, and never seen by a caller.</summary>
internal sealed class RedfishFaultException(TransportFaultKind kind, string message) : Exception(message)
{
    public TransportFaultKind Kind { get; } = kind;

    public static RedfishFaultException Violation(string message) => new(TransportFaultKind.ProtocolViolation, message);
}

/// <summary>Makes a fault of what a service or the operating system says. Total: what is not known becomes <see cref="TransportFaultKind.Unmapped"/>, with its code.</summary>
internal static class RedfishFault
{
    private const int MaxDetailLength = 512;

    /// <summary>Makes a fault of an answer that is no success.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="messages">What the service said; see <see cref="RedfishMessage.Of"/>.</param>
    /// <param name="isWrite">Whether the request was to change something.</param>
    /// <param name="hasRetryAfter">Whether the service said when to come back.</param>
    /// <returns>The fault; the peer's code holds the status and the most specific message id.</returns>
    public static TransportFault From(int status, ImmutableArray<RedfishMessage> messages, bool isWrite, bool hasRetryAfter)
    {
        var (message, kind) = MostSpecific(messages);
        return new(kind ?? KindOf(status, hasRetryAfter), EffectOf(status, isWrite, hasRetryAfter), Detail(status, message))
        {
            PeerCode = new PeerCode(PeerCode.Redfish, unchecked((uint)status), message is { Id.Length: > 0 } ? message.Id : null),
        };
    }

    /// <summary>Makes a fault of a message alone, such as the one that a failed task ends with.</summary>
    public static TransportFault From(ImmutableArray<RedfishMessage> messages, FaultEffect effect)
    {
        var (message, kind) = MostSpecific(messages);
        return new(kind ?? TransportFaultKind.Unmapped, effect, Detail(0, message))
        {
            PeerCode = new PeerCode(PeerCode.Redfish, 0, message is { Id.Length: > 0 } ? message.Id : null),
        };
    }

    /// <summary>Makes a fault of an exception.</summary>
    /// <param name="exception">Whatever was thrown.</param>
    /// <param name="effect">Whether the request may have reached the service.</param>
    /// <param name="isCancelled">Whether the caller's token is cancelled: what breaks then, breaks because of it.</param>
    public static TransportFault From(Exception exception, FaultEffect effect, bool isCancelled)
    {
        if (isCancelled)
        {
            return new(TransportFaultKind.Cancelled, effect, "cancelled while waiting for the service");
        }

        return exception switch
        {
            RedfishFaultException own => new(own.Kind, effect, own.Message),
            SocketException socket => new(KindOf(socket.SocketErrorCode), effect, socket.Message) { PeerCode = Code(socket.NativeErrorCode) },
            AuthenticationException tls => new(TransportFaultKind.PeerNotTrusted, effect, Clip("no TLS session could be agreed upon: " + Innermost(tls).Message)),
            IOException { InnerException: SocketException socket } => new(KindOf(socket.SocketErrorCode), effect, socket.Message) { PeerCode = Code(socket.NativeErrorCode) },
            EndOfStreamException => new(TransportFaultKind.Lost, effect, "the service closed the connection before it had answered"),
            IOException io => new(TransportFaultKind.Lost, effect, Clip("the connection broke: " + Innermost(io).Message)),
            ObjectDisposedException => new(TransportFaultKind.Lost, effect, "the connection had been closed"),
            OperationCanceledException => new(TransportFaultKind.TimedOut, effect, "the service did not answer in time"),
            JsonException => new(TransportFaultKind.ProtocolViolation, effect, "the answer has another form than the schema says"),

            // The type alone: a message can hold anything.
            _ => new(TransportFaultKind.TransportBroken, effect, "unexpected " + exception.GetType().Name) { PeerCode = Code(exception.HResult) },
        };

        static PeerCode Code(int number) => new(PeerCode.HResult, unchecked((uint)number));
    }

    /// <summary>The nearest kind of a status (RFC 9110, 15.5 and 15.6; RFC 6585; RFC 4918, 11).</summary>
    public static TransportFaultKind KindOf(int status, bool hasRetryAfter) => status switch
    {
        400 or 413 or 422 => TransportFaultKind.Rejected,
        401 => TransportFaultKind.CredentialsRejected,
        402 or 403 or 451 => TransportFaultKind.AccessDenied,
        404 or 410 => TransportFaultKind.NotFound,
        405 or 406 or 411 or 414 or 415 or 416 or 417 or 421 or 426 or 428 or 431 or 501 or 505 or 506 or 510 => TransportFaultKind.Unsupported,
        408 or 504 => TransportFaultKind.TimedOut,

        // 409 and 412: somebody else changes, or changed, what was to be changed.
        409 or 412 or 423 or 425 or 429 => TransportFaultKind.Busy,
        503 => hasRetryAfter ? TransportFaultKind.Busy : TransportFaultKind.ServiceNotRunning,
        502 => TransportFaultKind.ServiceNotRunning,
        507 => TransportFaultKind.NoSpace,

        // A redirection that is not followed, an informational status in place of an answer.
        < 400 => TransportFaultKind.ProtocolViolation,
        _ => TransportFaultKind.Unmapped,
    };

    /// <summary>What a refused request changed. A 5xx may come from a service that broke half-way, unless it says that it did not begin.</summary>
    public static FaultEffect EffectOf(int status, bool isWrite, bool hasRetryAfter) => status switch
    {
        _ when !isWrite => FaultEffect.NotSent,
        >= 400 and <= 499 or 501 => FaultEffect.NotSent,
        503 when hasRetryAfter => FaultEffect.NotSent,

        // "See other" is an answer to a request that was carried out (RFC 9110, 15.4.4); the other redirections are not.
        301 or 302 or 307 or 308 => FaultEffect.NotSent,
        _ => FaultEffect.MayHaveApplied,
    };

    /// <summary>
    /// What a message id means: DMTF's registries Base (1.18) and Update (1.0), Supermicro's SMC and HPE's iLO. Null for ids that say no more than
    /// the status does.
    /// </summary>
    public static TransportFaultKind? KindOf(string messageId) => messageId switch
    {
        "Base.InsufficientPrivilege" or "Base.ResourceAtUriUnauthorized" or "Base.OperationNotAllowed" or "Base.RestrictedRole" or "Base.RestrictedPrivilege" or "iLO.InsufficientPrivilege" => TransportFaultKind.AccessDenied,
        "Base.NoValidSession" or "Base.AuthenticationTokenRequired" or "Base.SessionTerminated" or "Base.AccountForSessionNoLongerExists" or "iLO.UnauthorizedLoginAttempt" => TransportFaultKind.CredentialsRejected,
        "Base.PasswordChangeRequired" => TransportFaultKind.PasswordExpired,
        "Base.ResourceNotFound" or "Base.ResourceMissingAtURI" or "Base.InvalidURI" => TransportFaultKind.NotFound,
        "Base.ResourceAlreadyExists" => TransportFaultKind.AlreadyExists,
        "Base.InsufficientStorage" => TransportFaultKind.NoSpace,
        "Base.ServiceDisabled" => TransportFaultKind.ServiceNotRunning,
        "Base.ResourceInUse" or "Base.ResourceInStandby" or "Base.ResourceExhaustion" or "Base.ResourceCreationConflict" or "Base.ServiceTemporarilyUnavailable" or "Base.ServiceInUnknownState" or "Base.ServiceShuttingDown"
            or "Base.SessionLimitExceeded" or "Base.CreateLimitReachedForResource" or "Base.ConditionInRelatedResource" or "Base.PreconditionFailed" => TransportFaultKind.Busy,
        "Base.ActionNotSupported" or "Base.ActionParameterNotSupported" or "Base.ActionParameterUnknown" or "Base.QueryNotSupported" or "Base.QueryNotSupportedOnResource" or "Base.QueryNotSupportedOnOperation"
            or "Base.QueryParameterUnsupported" or "Base.PropertyUnknown" or "Base.PropertyNotWritable" or "Base.ResourceCannotBeDeleted" or "Base.SourceDoesNotSupportProtocol" or "Base.LicenseRequired" or "Base.HeaderMissing"
            or "Base.HeaderInvalid" or "Base.PreconditionRequired" or "Base.NotAcceptable" => TransportFaultKind.Unsupported,
        "Base.PropertyValueNotInList" or "Base.PropertyValueTypeError" or "Base.PropertyValueFormatError" or "Base.PropertyValueError" or "Base.PropertyValueConflict" or "Base.PropertyValueExternalConflict"
            or "Base.PropertyValueOutOfRange" or "Base.PropertyValueIncorrect" or "Base.PropertyValueResourceConflict" or "Base.PropertyMissing" or "Base.PropertyDuplicate" or "Base.CreateFailedMissingReqProperties"
            or "Base.ActionParameterMissing" or "Base.ActionParameterDuplicate" or "Base.ActionParameterValueNotInList" or "Base.ActionParameterValueTypeError" or "Base.ActionParameterValueFormatError"
            or "Base.ActionParameterValueError" or "Base.ActionParameterValueConflict" or "Base.ActionParameterValueOutOfRange" or "Base.MalformedJSON" or "Base.EmptyJSON" or "Base.InvalidJSON" or "Base.InvalidObject"
            or "Base.UnrecognizedRequestBody" or "Base.PayloadTooLarge" or "Base.MissingOrMalformedPart" or "Base.StringValueTooLong" or "Base.StringValueTooShort" => TransportFaultKind.Rejected,

        "Update.VerificationFailed" or "Update.ApplyFailed" or "Update.ActivateFailed" or "Update.TransferFailed" => TransportFaultKind.Rejected,
        "Update.UpdateInProgress" => TransportFaultKind.Busy,

        // Supermicro: the licence for updates from outside is missing; an upload was begun and not ended.
        "SMC.OemLicenseNotPassed" => TransportFaultKind.Unsupported,
        "SMC.OemFirmwareAlreadyInUpdateMode" => TransportFaultKind.Busy,

        "iLO.FirmwareFlashAlreadyInProgress" or "iLO.UpdateTemporarilyUnavailable" or "iLO.UpdateTaskQueueFull" => TransportFaultKind.Busy,
        "iLO.LicenseKeyRequired" or "iLO.UnsupportedOperation" or "iLO.UnsupportedOperationInSystemBIOS" or "iLO.UnsupportedOperationInLegacyBootMode" => TransportFaultKind.Unsupported,
        "iLO.UpdateFailed" or "iLO.UpdateInvalidFile" or "iLO.UpdateNotApplicable" or "iLO.UpdateDependencyFailure" or "iLO.UpdateBadParameter" => TransportFaultKind.Rejected,
        _ => null,
    };

    /// <summary>The nearest kind of a socket's error.</summary>
    public static TransportFaultKind KindOf(SocketError error) => error switch
    {
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery => TransportFaultKind.NameNotResolved,
        SocketError.ConnectionRefused => TransportFaultKind.Refused,
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.NetworkDown or SocketError.AddressNotAvailable or SocketError.AccessDenied => TransportFaultKind.Unreachable,
        SocketError.TimedOut => TransportFaultKind.TimedOut,
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.NetworkReset or SocketError.NotConnected or SocketError.Shutdown or SocketError.Disconnecting or SocketError.OperationAborted or SocketError.Interrupted
            => TransportFaultKind.Lost,
        SocketError.AddressFamilyNotSupported or SocketError.ProtocolFamilyNotSupported or SocketError.ProtocolNotSupported => TransportFaultKind.Unsupported,
        _ => TransportFaultKind.Unmapped,
    };

    // The first message that says more than the status does; else the first that is not the general one; else whatever there is.
    private static (RedfishMessage? Message, TransportFaultKind? Kind) MostSpecific(ImmutableArray<RedfishMessage> messages)
    {
        RedfishMessage? best = null;
        foreach (var message in messages)
        {
            if (KindOf(message.Id) is { } kind)
            {
                return (message, kind);
            }

            if (best is null || (IsGeneral(best) && !IsGeneral(message)))
            {
                best = message;
            }
        }

        return (best, null);

        static bool IsGeneral(RedfishMessage message) => message.Id is "" or "Base.GeneralError" or "Base.Success" or "Base.InternalError";
    }

    private static string Detail(int status, RedfishMessage? message)
    {
        var text = status == 0 ? "the service reports a failure" : string.Create(CultureInfo.InvariantCulture, $"the service answered with status {status}");
        if (message is null)
        {
            return text;
        }

        var said = message.Text.Length > 0 ? message.Text : message.Id;
        if (said.Length == 0)
        {
            return text;
        }

        return Clip(message.Resolution.Length > 0 ? $"{text}: {said} {message.Resolution}" : $"{text}: {said}");
    }

    private static string Clip(string text) => text.Length <= MaxDetailLength ? text : string.Concat(text.AsSpan(0, MaxDetailLength - 1), "…");

    private static Exception Innermost(Exception exception)
    {
        for (var depth = 0; depth < 8 && exception.InnerException is { } inner; depth++)
        {
            exception = inner;
        }

        return exception;
    }
}
