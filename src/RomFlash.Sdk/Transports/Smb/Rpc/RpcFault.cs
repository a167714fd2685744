using System.Globalization;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Makes a fault of what a peer answers to a call. Total: what is not known becomes <see cref="TransportFaultKind.Unmapped"/>, with its number.</summary>
internal static class RpcFault
{
    /// <summary>The dialect of statuses in fault PDUs, and of reasons in refusals of a bind (C706, appendix E; MS-RPCE, 2.2.2 and 3.1.1.5.5).</summary>
    public const string Dialect = "dcerpc";

    /// <summary>ERROR_FILE_NOT_FOUND (MS-ERREF, 2.2, as all of these).</summary>
    public const uint FileNotFound = 2;

    /// <summary>ERROR_ACCESS_DENIED.</summary>
    public const uint AccessDenied = 5;

    /// <summary>ERROR_INSUFFICIENT_BUFFER.</summary>
    public const uint InsufficientBuffer = 122;

    /// <summary>ERROR_MORE_DATA.</summary>
    public const uint MoreData = 234;

    /// <summary>ERROR_NO_MORE_ITEMS.</summary>
    public const uint NoMoreItems = 259;

    /// <summary>ERROR_NO_SHUTDOWN_IN_PROGRESS.</summary>
    public const uint NoShutdownInProgress = 1116;

    private const uint Win32InHResult = 0x8007_0000;

    /// <summary>A peer that breaks the protocol.</summary>
    public static TransportFault Violation(string detail, FaultEffect effect) => new(TransportFaultKind.ProtocolViolation, effect, detail);

    /// <summary>Makes a fault of an operation's result.</summary>
    /// <param name="code">The Win32 code (MS-ERREF, 2.2).</param>
    /// <param name="isChange">Whether the operation was to change something.</param>
    /// <param name="what">What was asked for; no secret.</param>
    /// <returns>The fault, or null for ERROR_SUCCESS.</returns>
    public static TransportFault? FromWin32(uint code, bool isChange, string what)
    {
        if (code == 0)
        {
            return null;
        }

        var kind = KindOfWin32(code);
        return new(kind, isChange && !IsRefusal(code, kind) ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, string.Create(CultureInfo.InvariantCulture, $"{what}: Win32 error {code}"))
        {
            PeerCode = new PeerCode(PeerCode.Win32, code),
        };
    }

    /// <summary>The nearest kind of a Win32 code that is no success.</summary>
    public static TransportFaultKind KindOfWin32(uint code) => code switch
    {
        // ERROR_FILE_NOT_FOUND, _PATH_NOT_FOUND, _NO_MORE_ITEMS, _KEY_DELETED, _SERVICE_DOES_NOT_EXIST, _DATABASE_DOES_NOT_EXIST, _NO_SHUTDOWN_IN_PROGRESS
        FileNotFound or 3 or NoMoreItems or 1018 or 1060 or 1065 or NoShutdownInProgress => TransportFaultKind.NotFound,

        // ERROR_ACCESS_DENIED, _PRIVILEGE_NOT_HELD, RPC_S_SEC_PKG_ERROR
        AccessDenied or 1314 or 1825 => TransportFaultKind.AccessDenied,

        // ERROR_NOT_ENOUGH_MEMORY, _OUTOFMEMORY, _NOT_READY, _SHARING_VIOLATION, _BUSY, _SERVICE_DATABASE_LOCKED, _SERVICE_CANNOT_ACCEPT_CTRL, _SERVICE_MARKED_FOR_DELETE,
        // _SHUTDOWN_IN_PROGRESS, _SHUTDOWN_IS_SCHEDULED, _SHUTDOWN_USERS_LOGGED_ON, _MACHINE_LOCKED, _NO_SYSTEM_RESOURCES, RPC_S_SERVER_TOO_BUSY
        8 or 14 or 21 or 32 or 170 or 1055 or 1061 or 1072 or 1115 or 1190 or 1191 or 1271 or 1450 or 1723 => TransportFaultKind.Busy,

        // ERROR_SERVICE_DISABLED, _SERVICE_NOT_ACTIVE, RPC_S_SERVER_UNAVAILABLE, EPT_S_NOT_REGISTERED
        1058 or 1062 or 1722 or 1753 => TransportFaultKind.ServiceNotRunning,

        // ERROR_INVALID_FUNCTION, _NOT_SUPPORTED, _INVALID_PARAMETER, _CALL_NOT_IMPLEMENTED, _INVALID_NAME, _BAD_ARGUMENTS, _BAD_PATHNAME, _INVALID_FLAGS,
        // RPC_S_UNKNOWN_IF, RPC_S_PROCNUM_OUT_OF_RANGE, RPC_S_CANNOT_SUPPORT
        1 or 50 or 87 or 120 or 123 or 160 or 161 or 1004 or 1717 or 1745 or 1764 => TransportFaultKind.Unsupported,

        // ERROR_INVALID_HANDLE (of one that the peer gave), _INVALID_DATA, _BAD_LENGTH, _INSUFFICIENT_BUFFER and _MORE_DATA (beyond all bounds), RPC_S_PROTOCOL_ERROR,
        // RPC_X_SS_CONTEXT_MISMATCH, RPC_X_BAD_STUB_DATA
        6 or 13 or 24 or InsufficientBuffer or MoreData or 1728 or 1775 or 1783 => TransportFaultKind.ProtocolViolation,

        // ERROR_TIMEOUT
        1460 => TransportFaultKind.TimedOut,

        // ERROR_NETNAME_DELETED, _BROKEN_PIPE, RPC_S_CALL_FAILED, RPC_S_CALL_FAILED_DNE
        64 or 109 or 1726 or 1727 => TransportFaultKind.Lost,

        // ERROR_WRITE_PROTECT; ERROR_DISK_FULL
        19 => TransportFaultKind.ReadOnly,
        112 => TransportFaultKind.NoSpace,
        _ => TransportFaultKind.Unmapped,
    };

    /// <summary>Makes a fault of a fault PDU.</summary>
    /// <param name="status">Its status: one of C706's, a Win32 code, or an HRESULT (MS-RPCE, 2.2.1.1.5 and 3.3.3.4.2.1).</param>
    /// <param name="didNotExecute">Whether the peer says that it did not begin.</param>
    /// <param name="isChange">Whether the operation was to change something.</param>
    public static TransportFault FromStatus(uint status, bool didNotExecute, bool isChange)
    {
        var kind = KindOfStatus(status);

        // The last ones are found out before, or while, the request is unmarshalled.
        var isUntouched = !isChange || didNotExecute || kind is TransportFaultKind.AccessDenied or TransportFaultKind.Unsupported || status is TooBusy or BadStub or InvalidContextId;
        var symbol = SymbolOf(status);
        return new(kind, isUntouched ? FaultEffect.NotSent : FaultEffect.MayHaveApplied, "the call ended with a fault" + (symbol is null ? string.Empty : ": " + symbol))
        {
            PeerCode = new PeerCode(Dialect, status, symbol),
        };
    }

    /// <summary>The nearest kind of a fault PDU's status.</summary>
    public static TransportFaultKind KindOfStatus(uint status) => status switch
    {
        OperationOutOfRange or UnknownInterface or VersionMismatch or UnsupportedType or ArgumentsTooBig => TransportFaultKind.Unsupported,
        UnsupportedAuthenticationLevel => TransportFaultKind.AccessDenied,
        TooBusy or NoMemory => TransportFaultKind.Busy,
        ProtocolError or ContextMismatch or InvalidContextId or InvalidBound or InvalidTag => TransportFaultKind.ProtocolViolation,
        CommunicationFailure or RemoteCommunicationFailure => TransportFaultKind.Lost,
        _ when (status & 0xFFFF_0000) is 0 or Win32InHResult => KindOfWin32(status & 0xFFFF),
        _ => TransportFaultKind.Unmapped,
    };

    /// <summary>Makes a fault of a refused presentation context (C706, 12.6.3.1, p_result_t).</summary>
    /// <param name="result">1 when the service refuses, 2 when its RPC runtime does.</param>
    /// <param name="reason">Why the runtime does.</param>
    public static TransportFault FromContextResult(ushort result, ushort reason) => new(
        (result, reason) switch
        {
            // abstract_syntax_not_supported: what listens here serves something else. proposed_transfer_syntaxes_not_supported.
            (2, 1 or 2) => TransportFaultKind.Unsupported,

            // local_limit_exceeded
            (2, 3) => TransportFaultKind.Busy,
            (1 or 2, _) => TransportFaultKind.Unmapped,

            // 3 answers something that was not asked.
            _ => TransportFaultKind.ProtocolViolation,
        },
        FaultEffect.NotSent,
        string.Create(CultureInfo.InvariantCulture, $"the peer refuses the interface: result {result}, reason {reason}"))
    {
        PeerCode = new PeerCode(Dialect, reason),
    };

    /// <summary>Makes a fault of a bind_nak (C706, 12.6.4.5; MS-RPCE, 2.2.2.5).</summary>
    /// <param name="reason">Its reason.</param>
    public static TransportFault FromBindRejection(ushort reason) => new(
        reason switch
        {
            // temporary_congestion, local_limit_exceeded
            1 or 2 => TransportFaultKind.Busy,

            // protocol_version_not_supported
            4 => TransportFaultKind.Unsupported,

            // authentication_type_not_recognized, invalid_checksum
            8 or 9 => TransportFaultKind.AccessDenied,
            _ => TransportFaultKind.Unmapped,
        },
        FaultEffect.NotSent,
        string.Create(CultureInfo.InvariantCulture, $"the peer refuses to be bound: reason {reason}"))
    {
        PeerCode = new PeerCode(Dialect, reason),
    };

    private const uint CommunicationFailure = 0x1C01_0001;
    private const uint OperationOutOfRange = 0x1C01_0002;
    private const uint UnknownInterface = 0x1C01_0003;
    private const uint ProtocolError = 0x1C01_000B;
    private const uint ArgumentsTooBig = 0x1C01_0013;
    private const uint TooBusy = 0x1C01_0014;
    private const uint UnsupportedType = 0x1C01_0017;
    private const uint InvalidTag = 0x1C00_0006;
    private const uint InvalidBound = 0x1C00_0007;
    private const uint VersionMismatch = 0x1C00_0008;
    private const uint Unspecified = 0x1C00_0012;
    private const uint RemoteCommunicationFailure = 0x1C00_0013;
    private const uint ContextMismatch = 0x1C00_001A;
    private const uint NoMemory = 0x1C00_001B;
    private const uint InvalidContextId = 0x1C00_001C;
    private const uint UnsupportedAuthenticationLevel = 0x1C00_001D;
    private const uint BadStub = 1783;

    private static string? SymbolOf(uint status) => status switch
    {
        CommunicationFailure => "nca_s_comm_failure",
        OperationOutOfRange => "nca_s_op_rng_error",
        UnknownInterface => "nca_s_unk_if",
        ProtocolError => "nca_s_proto_error",
        ArgumentsTooBig => "nca_s_out_args_too_big",
        TooBusy => "nca_s_server_too_busy",
        UnsupportedType => "nca_s_unsupported_type",
        InvalidTag => "nca_s_fault_invalid_tag",
        InvalidBound => "nca_s_fault_invalid_bound",
        VersionMismatch => "nca_s_rpc_version_mismatch",
        Unspecified => "nca_s_fault_unspec",
        RemoteCommunicationFailure => "nca_s_fault_remote_comm_failure",
        ContextMismatch => "nca_s_fault_context_mismatch",
        NoMemory => "nca_s_fault_remote_no_memory",
        InvalidContextId => "nca_s_invalid_pres_context_id",
        UnsupportedAuthenticationLevel => "nca_s_unsupported_authn_level",
        AccessDenied => "rpc_s_access_denied",
        BadStub => "rpc_x_bad_stub_data",
        _ => null,
    };

    // Whether a code says that nothing was done. RPC_S_CALL_FAILED_DNE does by its name; what is unknown, or says that something broke, does not.
    private static bool IsRefusal(uint code, TransportFaultKind kind) =>
        code == 1727 || kind is not (TransportFaultKind.Unmapped or TransportFaultKind.Lost or TransportFaultKind.TimedOut or TransportFaultKind.ProtocolViolation) || code is 6 or 13 or 24;
}
