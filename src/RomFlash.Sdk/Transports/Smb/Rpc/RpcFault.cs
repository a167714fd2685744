using System.Globalization;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports.Smb.Protocol;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Makes a fault of what a peer answers to a call. Total: what is not known becomes <see cref="TransportFaultKind.Unmapped"/>, with its number.</summary>
internal static class RpcFault
{
    /// <summary>The dialect of statuses in fault PDUs, and of reasons in refusals of a bind (C706, 12.6.4 and appendix E; MS-RPCE).</summary>
    public const string Dialect = "dcerpc";

    /// <summary>ERROR_ACCESS_DENIED (MS-ERREF, 2.2, as all of these).</summary>
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

        return SmbFault.FromWin32(code, isChange && !IsRefusal(code) ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, what);
    }

    /// <summary>Makes a fault of a fault PDU.</summary>
    /// <param name="status">Its status: one of C706's, a Win32 code, or an HRESULT.</param>
    /// <param name="didNotExecute">Whether the peer says that it did not begin.</param>
    /// <param name="isChange">Whether the operation was to change something.</param>
    public static TransportFault FromStatus(uint status, bool didNotExecute, bool isChange)
    {
        var kind = KindOfStatus(status);

        // The last ones are found out before, or while, the request is unmarshalled. Arguments that are too big are those of the answer: the operation has run.
        var isUntouched = !isChange || didNotExecute
            || (kind is TransportFaultKind.AccessDenied or TransportFaultKind.Unsupported && status is not ArgumentsTooBig)
            || status is TooBusy or BadStub or InvalidContextId;
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
        _ when (status & 0xFFFF_0000) is 0 or Win32InHResult => SmbFault.KindOfWin32(status & 0xFFFF),
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

    /// <summary>Makes a fault of a bind_nak (C706, 12.6.4.5; MS-RPCE).</summary>
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
    private static bool IsRefusal(uint code) => code == 1727 || SmbFault.KindOfWin32(code)
        is not (TransportFaultKind.Unmapped or TransportFaultKind.Lost or TransportFaultKind.TimedOut or TransportFaultKind.Cancelled or TransportFaultKind.ProtocolViolation);
}
