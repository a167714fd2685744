using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Transports.Smb.Protocol;

/// <summary>
/// Makes a fault of what a peer or the operating system says. Total: what is not known becomes <see cref="TransportFaultKind.Unmapped"/>, with its code.
/// </summary>
internal static class SmbFault
{
    /// <summary>Makes a fault of an answer that is no success.</summary>
    /// <param name="status">The NTSTATUS (MS-ERREF, 2.3).</param>
    /// <param name="effect">Whether anything changed; <see cref="FaultEffect.NotSent"/> for one request that was refused.</param>
    /// <param name="doing">What was to be done, such as <c>opening a file</c>.</param>
    /// <returns>The fault, with the status as its peer code.</returns>
    public static TransportFault FromStatus(uint status, FaultEffect effect, string doing)
    {
        var (name, kind) = DescribeStatus(status);
        return new(kind, effect, string.Create(CultureInfo.InvariantCulture, $"{doing}: the peer answered with {name ?? $"0x{status:X8}"}"))
        {
            PeerCode = new PeerCode(PeerCode.NtStatus, status),
        };
    }

    /// <summary>Makes a fault of an answer to one request.</summary>
    /// <param name="status">The NTSTATUS.</param>
    /// <param name="isChange">Whether the request was to change something: then only a plain refusal says that it did not.</param>
    /// <param name="doing">What was to be done.</param>
    public static TransportFault FromAnswer(uint status, bool isChange, string doing) =>
        FromStatus(status, isChange && !IsRefusal(status) ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, doing);

    /// <summary>Makes a fault of the code that a remote call returned.</summary>
    /// <param name="code">The Win32 code (MS-ERREF, 2.2).</param>
    /// <param name="effect">Whether anything changed.</param>
    /// <param name="doing">What was to be done.</param>
    /// <returns>The fault, with the code as its peer code.</returns>
    public static TransportFault FromWin32(uint code, FaultEffect effect, string doing)
    {
        var (name, kind) = DescribeWin32(code);
        return new(kind, effect, string.Create(CultureInfo.InvariantCulture, $"{doing}: the peer answered with {name ?? $"error {code}"}"))
        {
            PeerCode = new PeerCode(PeerCode.Win32, code),
        };
    }

    /// <summary>Makes a fault of an exception of the socket or of the framework's cryptography.</summary>
    /// <param name="exception">Whatever was thrown.</param>
    /// <param name="effect">Whether a request may have reached the peer.</param>
    /// <returns>The fault.</returns>
    public static TransportFault From(Exception exception, FaultEffect effect) => exception switch
    {
        SocketException socket => new(KindOf(socket.SocketErrorCode), effect, socket.Message) { PeerCode = Code(socket.NativeErrorCode) },
        ObjectDisposedException => new(TransportFaultKind.Lost, effect, "the connection had been closed"),
        OperationCanceledException => new(TransportFaultKind.TimedOut, effect, "the peer did not answer in time"),

        // A message can hold anything; the type alone is told.
        CryptographicException => new(TransportFaultKind.TransportBroken, effect, "the platform's cryptography failed") { PeerCode = Code(exception.HResult) },
        _ => new(TransportFaultKind.TransportBroken, effect, "unexpected " + exception.GetType().Name) { PeerCode = Code(exception.HResult) },
    };

    /// <summary>A peer that breaks the protocol.</summary>
    public static TransportFault Violation(string detail) => new(TransportFaultKind.ProtocolViolation, FaultEffect.NotSent, detail);

    /// <summary>A peer that does not prove who it is, or does not protect what it sends.</summary>
    public static TransportFault NotTrusted(string detail) => new(TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent, detail);

    /// <summary>The nearest kind of an NTSTATUS.</summary>
    public static TransportFaultKind KindOfStatus(uint status) => DescribeStatus(status).Kind;

    /// <summary>The nearest kind of a Win32 code.</summary>
    public static TransportFaultKind KindOfWin32(uint code) => DescribeWin32(code).Kind;

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

    // What is found out before anything is done (MS-SMB2, 3.3.5.2), and what the file system says instead of doing it. A device's error or a lost answer of a server behind the server is neither.
    private static bool IsRefusal(uint status) => KindOfStatus(status) switch
    {
        // USER_SESSION_DELETED, NETWORK_NAME_DELETED, NETWORK_SESSION_EXPIRED, FILE_CLOSED, INVALID_HANDLE.
        TransportFaultKind.Lost => status is 0xC0000203 or 0xC00000C9 or 0xC000035C or 0xC0000128 or 0xC0000008,
        TransportFaultKind.TimedOut or TransportFaultKind.Cancelled or TransportFaultKind.Unmapped or TransportFaultKind.ProtocolViolation => false,
        _ => true,
    };

    private static PeerCode Code(int number) => new(PeerCode.HResult, unchecked((uint)number));

    // MS-ERREF, 2.3.1. What an account, a share or a file can be refused with, and what a peer that ends says.
    private static (string? Name, TransportFaultKind Kind) DescribeStatus(uint status) => status switch
    {
        0xC000006D => ("STATUS_LOGON_FAILURE", TransportFaultKind.CredentialsRejected),
        0xC0000064 => ("STATUS_NO_SUCH_USER", TransportFaultKind.CredentialsRejected),
        0xC000006A => ("STATUS_WRONG_PASSWORD", TransportFaultKind.CredentialsRejected),
        0xC000005F => ("STATUS_NO_SUCH_LOGON_SESSION", TransportFaultKind.CredentialsRejected),
        0xC000006E => ("STATUS_ACCOUNT_RESTRICTION", TransportFaultKind.CredentialsRejected),
        0xC000006F => ("STATUS_INVALID_LOGON_HOURS", TransportFaultKind.CredentialsRejected),
        0xC0000070 => ("STATUS_INVALID_WORKSTATION", TransportFaultKind.CredentialsRejected),
        0xC000015B => ("STATUS_LOGON_TYPE_NOT_GRANTED", TransportFaultKind.CredentialsRejected),
        0xC0000193 => ("STATUS_ACCOUNT_EXPIRED", TransportFaultKind.AccountDisabled),
        0xC0000388 => ("STATUS_DOWNGRADE_DETECTED", TransportFaultKind.PeerNotTrusted),
        0xC000A000 => ("STATUS_INVALID_SIGNATURE", TransportFaultKind.PeerNotTrusted),
        0xC0000418 => ("STATUS_NTLM_BLOCKED", TransportFaultKind.Unsupported),
        0xC000005E => ("STATUS_NO_LOGON_SERVERS", TransportFaultKind.ServiceNotRunning),
        0xC000018D => ("STATUS_TRUSTED_RELATIONSHIP_FAILURE", TransportFaultKind.ServiceNotRunning),
        0xC000018B => ("STATUS_NO_TRUST_SAM_ACCOUNT", TransportFaultKind.ServiceNotRunning),
        0xC0000192 => ("STATUS_NETLOGON_NOT_STARTED", TransportFaultKind.ServiceNotRunning),
        0xC0000072 => ("STATUS_ACCOUNT_DISABLED", TransportFaultKind.AccountDisabled),
        0xC0000234 => ("STATUS_ACCOUNT_LOCKED_OUT", TransportFaultKind.AccountLocked),
        0xC0000071 => ("STATUS_PASSWORD_EXPIRED", TransportFaultKind.PasswordExpired),
        0xC0000224 => ("STATUS_PASSWORD_MUST_CHANGE", TransportFaultKind.PasswordExpired),

        0xC0000022 => ("STATUS_ACCESS_DENIED", TransportFaultKind.AccessDenied),
        0xC00000CA => ("STATUS_NETWORK_ACCESS_DENIED", TransportFaultKind.AccessDenied),
        0xC0000061 => ("STATUS_PRIVILEGE_NOT_HELD", TransportFaultKind.AccessDenied),
        0xC0000121 => ("STATUS_CANNOT_DELETE", TransportFaultKind.AccessDenied),
        0xC0000041 => ("STATUS_PORT_CONNECTION_REFUSED", TransportFaultKind.AccessDenied),
        0xC000005B => ("STATUS_INVALID_PRIMARY_GROUP", TransportFaultKind.AccessDenied),
        0xC0000413 => ("STATUS_AUTHENTICATION_FIREWALL_FAILED", TransportFaultKind.AccessDenied),

        0xC00000CC => ("STATUS_BAD_NETWORK_NAME", TransportFaultKind.NotFound),
        0xC00000BE => ("STATUS_BAD_NETWORK_PATH", TransportFaultKind.NotFound),
        0xC0000034 => ("STATUS_OBJECT_NAME_NOT_FOUND", TransportFaultKind.NotFound),
        0xC000003A => ("STATUS_OBJECT_PATH_NOT_FOUND", TransportFaultKind.NotFound),
        0xC000000F => ("STATUS_NO_SUCH_FILE", TransportFaultKind.NotFound),
        0xC000000E => ("STATUS_NO_SUCH_DEVICE", TransportFaultKind.NotFound),
        0xC0000103 => ("STATUS_NOT_A_DIRECTORY", TransportFaultKind.NotFound),
        0xC00000BA => ("STATUS_FILE_IS_A_DIRECTORY", TransportFaultKind.NotFound),
        0xC0000123 => ("STATUS_FILE_DELETED", TransportFaultKind.NotFound),
        0xC0000225 => ("STATUS_NOT_FOUND", TransportFaultKind.NotFound),
        0xC0000275 => ("STATUS_NOT_A_REPARSE_POINT", TransportFaultKind.NotFound),
        0xC0000276 => ("STATUS_IO_REPARSE_TAG_INVALID", TransportFaultKind.NotFound),
        0x80000006 => ("STATUS_NO_MORE_FILES", TransportFaultKind.NotFound),
        0xC0000035 => ("STATUS_OBJECT_NAME_COLLISION", TransportFaultKind.AlreadyExists),
        0xC00000BD => ("STATUS_DUPLICATE_NAME", TransportFaultKind.AlreadyExists),

        0xC00000AC => ("STATUS_PIPE_NOT_AVAILABLE", TransportFaultKind.ServiceNotRunning),
        0xC000026E => ("STATUS_VOLUME_DISMOUNTED", TransportFaultKind.ServiceNotRunning),
        0xC00000A3 => ("STATUS_DEVICE_NOT_READY", TransportFaultKind.ServiceNotRunning),
        0xC0000013 => ("STATUS_NO_MEDIA_IN_DEVICE", TransportFaultKind.ServiceNotRunning),
        0xC00002DD => ("STATUS_SHUTDOWN_IN_PROGRESS", TransportFaultKind.Busy),

        0xC000007F => ("STATUS_DISK_FULL", TransportFaultKind.NoSpace),
        0xC0000044 => ("STATUS_QUOTA_EXCEEDED", TransportFaultKind.NoSpace),
        0xC0000904 => ("STATUS_FILE_TOO_LARGE", TransportFaultKind.NoSpace),
        0xC00002EA => ("STATUS_CANNOT_MAKE", TransportFaultKind.NoSpace),
        0xC00000A2 => ("STATUS_MEDIA_WRITE_PROTECTED", TransportFaultKind.ReadOnly),

        0xC0000043 => ("STATUS_SHARING_VIOLATION", TransportFaultKind.Busy),
        0xC0000054 => ("STATUS_FILE_LOCK_CONFLICT", TransportFaultKind.Busy),
        0xC0000055 => ("STATUS_LOCK_NOT_GRANTED", TransportFaultKind.Busy),
        0xC0000056 => ("STATUS_DELETE_PENDING", TransportFaultKind.Busy),
        0xC0000101 => ("STATUS_DIRECTORY_NOT_EMPTY", TransportFaultKind.Busy),
        0xC0000708 => ("STATUS_FILE_NOT_AVAILABLE", TransportFaultKind.Busy),
        0xC000009A => ("STATUS_INSUFFICIENT_RESOURCES", TransportFaultKind.Busy),
        0xC0000017 => ("STATUS_NO_MEMORY", TransportFaultKind.Busy),
        0xC0000205 => ("STATUS_INSUFF_SERVER_RESOURCES", TransportFaultKind.Busy),
        0xC00000CE => ("STATUS_TOO_MANY_SESSIONS", TransportFaultKind.Busy),
        0xC00000D0 => ("STATUS_REQUEST_NOT_ACCEPTED", TransportFaultKind.Busy),
        0xC000011F => ("STATUS_TOO_MANY_OPENED_FILES", TransportFaultKind.Busy),
        0xC0000127 => ("STATUS_TOO_MANY_CONTEXT_IDS", TransportFaultKind.Busy),
        0xC000010A => ("STATUS_PROCESS_IS_TERMINATING", TransportFaultKind.Busy),
        0xC00000AB => ("STATUS_INSTANCE_NOT_AVAILABLE", TransportFaultKind.Busy),
        0xC00000AE => ("STATUS_PIPE_BUSY", TransportFaultKind.Busy),
        0x80000011 => ("STATUS_DEVICE_BUSY", TransportFaultKind.Busy),
        0xC000022D => ("STATUS_RETRY", TransportFaultKind.Busy),
        0xC0000059 => ("STATUS_REVISION_MISMATCH", TransportFaultKind.Unsupported),

        0xC0000203 => ("STATUS_USER_SESSION_DELETED", TransportFaultKind.Lost),
        0xC00000C9 => ("STATUS_NETWORK_NAME_DELETED", TransportFaultKind.Lost),
        0xC000035C => ("STATUS_NETWORK_SESSION_EXPIRED", TransportFaultKind.Lost),
        0xC000020C => ("STATUS_CONNECTION_DISCONNECTED", TransportFaultKind.Lost),
        0xC000020D => ("STATUS_CONNECTION_RESET", TransportFaultKind.Lost),
        0xC0000241 => ("STATUS_CONNECTION_ABORTED", TransportFaultKind.Lost),
        0xC000013C => ("STATUS_REMOTE_DISCONNECT", TransportFaultKind.Lost),
        0xC000013B => ("STATUS_LOCAL_DISCONNECT", TransportFaultKind.Lost),
        0xC00000C4 => ("STATUS_UNEXPECTED_NETWORK_ERROR", TransportFaultKind.Lost),
        0xC000014B => ("STATUS_PIPE_BROKEN", TransportFaultKind.Lost),
        0xC00000B0 => ("STATUS_PIPE_DISCONNECTED", TransportFaultKind.Lost),
        0xC00000B1 => ("STATUS_PIPE_CLOSING", TransportFaultKind.Lost),
        0xC0000128 => ("STATUS_FILE_CLOSED", TransportFaultKind.Lost),
        0xC0000008 => ("STATUS_INVALID_HANDLE", TransportFaultKind.Lost),
        0xC000009D => ("STATUS_DEVICE_NOT_CONNECTED", TransportFaultKind.Lost),
        0xC00000C0 => ("STATUS_DEVICE_DOES_NOT_EXIST", TransportFaultKind.Lost),
        0xC000026C => ("STATUS_DRIVER_UNABLE_TO_LOAD", TransportFaultKind.ServiceNotRunning),

        // An answer to SMB2 CANCEL, which the client alone sends.
        0xC0000120 => ("STATUS_CANCELLED", TransportFaultKind.Cancelled),
        0xC00000B5 => ("STATUS_IO_TIMEOUT", TransportFaultKind.TimedOut),
        0x00000102 => ("STATUS_TIMEOUT", TransportFaultKind.TimedOut),

        0xC00000BB => ("STATUS_NOT_SUPPORTED", TransportFaultKind.Unsupported),
        0xC0000002 => ("STATUS_NOT_IMPLEMENTED", TransportFaultKind.Unsupported),
        0xC0000003 => ("STATUS_INVALID_INFO_CLASS", TransportFaultKind.Unsupported),
        0xC0000010 => ("STATUS_INVALID_DEVICE_REQUEST", TransportFaultKind.Unsupported),
        0xC000000D => ("STATUS_INVALID_PARAMETER", TransportFaultKind.Unsupported),
        0xC0000033 => ("STATUS_OBJECT_NAME_INVALID", TransportFaultKind.Unsupported),
        0xC0000039 => ("STATUS_OBJECT_PATH_INVALID", TransportFaultKind.Unsupported),
        0xC000003B => ("STATUS_OBJECT_PATH_SYNTAX_BAD", TransportFaultKind.Unsupported),
        0xC0000106 => ("STATUS_NAME_TOO_LONG", TransportFaultKind.Unsupported),
        0xC00000CB => ("STATUS_BAD_DEVICE_TYPE", TransportFaultKind.Unsupported),
        0xC00000D4 => ("STATUS_NOT_SAME_DEVICE", TransportFaultKind.Unsupported),
        0xC0000467 => ("STATUS_FILE_NOT_SUPPORTED", TransportFaultKind.Unsupported),
        0x8000002D => ("STATUS_STOPPED_ON_SYMLINK", TransportFaultKind.Unsupported),
        0xC0000280 => ("STATUS_REPARSE_POINT_NOT_RESOLVED", TransportFaultKind.Unsupported),
        0xC0000257 => ("STATUS_PATH_NOT_COVERED", TransportFaultKind.Unsupported),
        0xC000019C => ("STATUS_FS_DRIVER_REQUIRED", TransportFaultKind.Unsupported),
        0xC05D0000 => ("STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP", TransportFaultKind.Unsupported),

        // Statuses that an exchange can end with only when the peer gets the protocol wrong.
        0x00000103 => ("STATUS_PENDING", TransportFaultKind.ProtocolViolation),
        0xC0000016 => ("STATUS_MORE_PROCESSING_REQUIRED", TransportFaultKind.ProtocolViolation),
        0xC0000023 => ("STATUS_BUFFER_TOO_SMALL", TransportFaultKind.ProtocolViolation),
        0xC0000004 => ("STATUS_INFO_LENGTH_MISMATCH", TransportFaultKind.ProtocolViolation),
        0x80000005 => ("STATUS_BUFFER_OVERFLOW", TransportFaultKind.ProtocolViolation),
        0xC00000C3 => ("STATUS_INVALID_NETWORK_RESPONSE", TransportFaultKind.ProtocolViolation),
        0x00010002 => ("STATUS_INVALID_SMB", TransportFaultKind.ProtocolViolation),

        0xC0000001 => ("STATUS_UNSUCCESSFUL", TransportFaultKind.Unmapped),
        0xC0000011 => ("STATUS_END_OF_FILE", TransportFaultKind.Unmapped),
        0xC00000E5 => ("STATUS_INTERNAL_ERROR", TransportFaultKind.Unmapped),
        0xC0000185 => ("STATUS_IO_DEVICE_ERROR", TransportFaultKind.Unmapped),
        0xC000003E => ("STATUS_DATA_ERROR", TransportFaultKind.Unmapped),
        0xC000009C => ("STATUS_DEVICE_DATA_ERROR", TransportFaultKind.Unmapped),
        0xC0000032 => ("STATUS_DISK_CORRUPT_ERROR", TransportFaultKind.Unmapped),
        0xC0000102 => ("STATUS_FILE_CORRUPT_ERROR", TransportFaultKind.Unmapped),
        _ => (null, TransportFaultKind.Unmapped),
    };

    // MS-ERREF, 2.2: what registry, services, shutdown and the RPC runtime return.
    private static (string? Name, TransportFaultKind Kind) DescribeWin32(uint code) => code switch
    {
        5 => ("ERROR_ACCESS_DENIED", TransportFaultKind.AccessDenied),
        1314 => ("ERROR_PRIVILEGE_NOT_HELD", TransportFaultKind.AccessDenied),
        65 => ("ERROR_NETWORK_ACCESS_DENIED", TransportFaultKind.AccessDenied),
        1326 => ("ERROR_LOGON_FAILURE", TransportFaultKind.CredentialsRejected),
        1327 => ("ERROR_ACCOUNT_RESTRICTION", TransportFaultKind.CredentialsRejected),
        1328 => ("ERROR_INVALID_LOGON_HOURS", TransportFaultKind.CredentialsRejected),
        1329 => ("ERROR_INVALID_WORKSTATION", TransportFaultKind.CredentialsRejected),
        1385 => ("ERROR_LOGON_TYPE_NOT_GRANTED", TransportFaultKind.CredentialsRejected),
        86 => ("ERROR_INVALID_PASSWORD", TransportFaultKind.CredentialsRejected),
        1331 => ("ERROR_ACCOUNT_DISABLED", TransportFaultKind.AccountDisabled),
        1793 => ("ERROR_ACCOUNT_EXPIRED", TransportFaultKind.AccountDisabled),
        1909 => ("ERROR_ACCOUNT_LOCKED_OUT", TransportFaultKind.AccountLocked),
        1330 => ("ERROR_PASSWORD_EXPIRED", TransportFaultKind.PasswordExpired),
        1907 => ("ERROR_PASSWORD_MUST_CHANGE", TransportFaultKind.PasswordExpired),

        2 => ("ERROR_FILE_NOT_FOUND", TransportFaultKind.NotFound),
        3 => ("ERROR_PATH_NOT_FOUND", TransportFaultKind.NotFound),
        53 => ("ERROR_BAD_NETPATH", TransportFaultKind.NotFound),
        67 => ("ERROR_BAD_NET_NAME", TransportFaultKind.NotFound),
        259 => ("ERROR_NO_MORE_ITEMS", TransportFaultKind.NotFound),
        1011 => ("ERROR_CANTOPEN", TransportFaultKind.NotFound),
        1018 => ("ERROR_KEY_DELETED", TransportFaultKind.NotFound),
        1060 => ("ERROR_SERVICE_DOES_NOT_EXIST", TransportFaultKind.NotFound),
        1116 => ("ERROR_NO_SHUTDOWN_IN_PROGRESS", TransportFaultKind.NotFound),
        1168 => ("ERROR_NOT_FOUND", TransportFaultKind.NotFound),
        2310 => ("NERR_NetNameNotFound", TransportFaultKind.NotFound),
        80 => ("ERROR_FILE_EXISTS", TransportFaultKind.AlreadyExists),
        183 => ("ERROR_ALREADY_EXISTS", TransportFaultKind.AlreadyExists),
        1073 => ("ERROR_SERVICE_EXISTS", TransportFaultKind.AlreadyExists),

        21 => ("ERROR_NOT_READY", TransportFaultKind.ServiceNotRunning),
        1058 => ("ERROR_SERVICE_DISABLED", TransportFaultKind.ServiceNotRunning),
        1062 => ("ERROR_SERVICE_NOT_ACTIVE", TransportFaultKind.ServiceNotRunning),
        1053 => ("ERROR_SERVICE_REQUEST_TIMEOUT", TransportFaultKind.ServiceNotRunning),
        1068 => ("ERROR_SERVICE_DEPENDENCY_FAIL", TransportFaultKind.ServiceNotRunning),
        1311 => ("ERROR_NO_LOGON_SERVERS", TransportFaultKind.ServiceNotRunning),
        1717 => ("RPC_S_UNKNOWN_IF", TransportFaultKind.ServiceNotRunning),
        1722 => ("RPC_S_SERVER_UNAVAILABLE", TransportFaultKind.ServiceNotRunning),
        1753 => ("EPT_S_NOT_REGISTERED", TransportFaultKind.ServiceNotRunning),
        2114 => ("NERR_ServerNotStarted", TransportFaultKind.ServiceNotRunning),

        32 => ("ERROR_SHARING_VIOLATION", TransportFaultKind.Busy),
        33 => ("ERROR_LOCK_VIOLATION", TransportFaultKind.Busy),
        145 => ("ERROR_DIR_NOT_EMPTY", TransportFaultKind.Busy),
        170 => ("ERROR_BUSY", TransportFaultKind.Busy),
        231 => ("ERROR_PIPE_BUSY", TransportFaultKind.Busy),
        8 => ("ERROR_NOT_ENOUGH_MEMORY", TransportFaultKind.Busy),
        14 => ("ERROR_OUTOFMEMORY", TransportFaultKind.Busy),
        1055 => ("ERROR_SERVICE_DATABASE_LOCKED", TransportFaultKind.Busy),
        1056 => ("ERROR_SERVICE_ALREADY_RUNNING", TransportFaultKind.Busy),
        1061 => ("ERROR_SERVICE_CANNOT_ACCEPT_CTRL", TransportFaultKind.Busy),
        1115 => ("ERROR_SHUTDOWN_IN_PROGRESS", TransportFaultKind.Busy),
        1190 => ("ERROR_SHUTDOWN_IS_SCHEDULED", TransportFaultKind.Busy),
        1191 => ("ERROR_SHUTDOWN_USERS_LOGGED_ON", TransportFaultKind.Busy),
        1271 => ("ERROR_MACHINE_LOCKED", TransportFaultKind.Busy),
        1450 => ("ERROR_NO_SYSTEM_RESOURCES", TransportFaultKind.Busy),
        1721 => ("RPC_S_OUT_OF_RESOURCES", TransportFaultKind.Busy),
        1723 => ("RPC_S_SERVER_TOO_BUSY", TransportFaultKind.Busy),

        39 => ("ERROR_HANDLE_DISK_FULL", TransportFaultKind.NoSpace),
        112 => ("ERROR_DISK_FULL", TransportFaultKind.NoSpace),
        1295 => ("ERROR_DISK_QUOTA_EXCEEDED", TransportFaultKind.NoSpace),
        19 => ("ERROR_WRITE_PROTECT", TransportFaultKind.ReadOnly),

        6 => ("ERROR_INVALID_HANDLE", TransportFaultKind.Lost),
        55 => ("ERROR_DEV_NOT_EXIST", TransportFaultKind.Lost),
        59 => ("ERROR_UNEXP_NET_ERR", TransportFaultKind.Lost),
        64 => ("ERROR_NETNAME_DELETED", TransportFaultKind.Lost),
        109 => ("ERROR_BROKEN_PIPE", TransportFaultKind.Lost),
        232 => ("ERROR_NO_DATA", TransportFaultKind.Lost),
        233 => ("ERROR_PIPE_NOT_CONNECTED", TransportFaultKind.Lost),
        1236 => ("ERROR_CONNECTION_ABORTED", TransportFaultKind.Lost),
        1726 => ("RPC_S_CALL_FAILED", TransportFaultKind.Lost),
        1727 => ("RPC_S_CALL_FAILED_DNE", TransportFaultKind.Lost),
        1775 => ("RPC_X_SS_IN_NULL_CONTEXT", TransportFaultKind.ProtocolViolation),

        121 => ("ERROR_SEM_TIMEOUT", TransportFaultKind.TimedOut),
        258 => ("WAIT_TIMEOUT", TransportFaultKind.TimedOut),
        1460 => ("ERROR_TIMEOUT", TransportFaultKind.TimedOut),
        1818 => ("RPC_S_CALL_CANCELLED", TransportFaultKind.Cancelled),
        1223 => ("ERROR_CANCELLED", TransportFaultKind.Cancelled),
        995 => ("ERROR_OPERATION_ABORTED", TransportFaultKind.Cancelled),

        1 => ("ERROR_INVALID_FUNCTION", TransportFaultKind.Unsupported),
        50 => ("ERROR_NOT_SUPPORTED", TransportFaultKind.Unsupported),
        87 => ("ERROR_INVALID_PARAMETER", TransportFaultKind.Unsupported),
        120 => ("ERROR_CALL_NOT_IMPLEMENTED", TransportFaultKind.Unsupported),
        123 => ("ERROR_INVALID_NAME", TransportFaultKind.Unsupported),
        124 => ("ERROR_INVALID_LEVEL", TransportFaultKind.Unsupported),
        161 => ("ERROR_BAD_PATHNAME", TransportFaultKind.Unsupported),
        206 => ("ERROR_FILENAME_EXCED_RANGE", TransportFaultKind.Unsupported),
        1745 => ("RPC_S_PROCNUM_OUT_OF_RANGE", TransportFaultKind.Unsupported),
        1764 => ("RPC_S_CANNOT_SUPPORT", TransportFaultKind.Unsupported),

        111 => ("ERROR_BUFFER_OVERFLOW", TransportFaultKind.ProtocolViolation),
        122 => ("ERROR_INSUFFICIENT_BUFFER", TransportFaultKind.ProtocolViolation),
        234 => ("ERROR_MORE_DATA", TransportFaultKind.ProtocolViolation),
        1728 => ("RPC_S_PROTOCOL_ERROR", TransportFaultKind.ProtocolViolation),
        1783 => ("RPC_X_BAD_STUB_DATA", TransportFaultKind.ProtocolViolation),

        13 => ("ERROR_INVALID_DATA", TransportFaultKind.Unmapped),
        1009 => ("ERROR_BADDB", TransportFaultKind.Unmapped),
        1010 => ("ERROR_BADKEY", TransportFaultKind.Unmapped),
        1117 => ("ERROR_IO_DEVICE", TransportFaultKind.Unmapped),
        _ => (null, TransportFaultKind.Unmapped),
    };
}
