using System.Text.Json;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>Makes a fault of whatever the operating system says. Total: what is not known becomes <see cref="TransportFaultKind.Unmapped"/>.</summary>
internal static class FolderFault
{
    public static TransportFault From(Exception exception, bool isChanged)
    {
        var effect = isChanged ? FaultEffect.MayHaveApplied : FaultEffect.NotSent;
        if (exception is PartitionFaultException own)
        {
            return own.Fault with { Effect = effect };
        }

        return new(KindOf(exception), effect, exception.Message) { PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)CodeOf(exception))) };
    }

    // .NET gives an errno as it is on Unix, and wraps a Win32 code as 0x8007xxxx on Windows.
    private static TransportFaultKind KindOf(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException or DriveNotFoundException => TransportFaultKind.NotFound,
        UnauthorizedAccessException when CodeOf(exception) is 30 => TransportFaultKind.ReadOnly,
        UnauthorizedAccessException or System.Security.SecurityException => TransportFaultKind.AccessDenied,
        PathTooLongException or NotSupportedException or ArgumentException => TransportFaultKind.Unsupported,
        JsonException => TransportFaultKind.ProtocolViolation,
        ObjectDisposedException => TransportFaultKind.Lost,
        EndOfStreamException or InvalidDataException => TransportFaultKind.ProtocolViolation,
        IOException => CodeOf(exception) switch
        {
            unchecked((int)0x80070070) or unchecked((int)0x80070027) => TransportFaultKind.NoSpace,
            unchecked((int)0x80070013) => TransportFaultKind.ReadOnly,
            unchecked((int)0x80070005) => TransportFaultKind.AccessDenied,
            unchecked((int)0x80070002) or unchecked((int)0x80070003) => TransportFaultKind.NotFound,
            unchecked((int)0x80070050) or unchecked((int)0x800700B7) => TransportFaultKind.AlreadyExists,
            unchecked((int)0x80070020) or unchecked((int)0x80070021) => TransportFaultKind.Busy,
            unchecked((int)0x80070015) => TransportFaultKind.Lost,
            1 or 13 => TransportFaultKind.AccessDenied, // EPERM, EACCES
            2 or 20 => TransportFaultKind.NotFound, // ENOENT, ENOTDIR
            5 or 6 or 19 or 107 or 116 => TransportFaultKind.Lost, // EIO, ENXIO, ENODEV, ENOTCONN, ESTALE
            11 or 16 or 26 => TransportFaultKind.Busy, // EAGAIN (a lock is held), EBUSY, ETXTBSY
            17 => TransportFaultKind.AlreadyExists, // EEXIST
            27 or 28 or 122 => TransportFaultKind.NoSpace, // EFBIG (FAT: 4 GiB), ENOSPC, EDQUOT
            30 => TransportFaultKind.ReadOnly, // EROFS
            40 => TransportFaultKind.ProtocolViolation, // ELOOP
            36 or 38 or 95 => TransportFaultKind.Unsupported, // ENAMETOOLONG, ENOSYS, EOPNOTSUPP
            110 => TransportFaultKind.TimedOut, // ETIMEDOUT
            _ => TransportFaultKind.Unmapped,
        },
        _ => TransportFaultKind.TransportBroken,
    };

    private static int CodeOf(Exception exception) => exception is UnauthorizedAccessException { InnerException: IOException inner } ? inner.HResult : exception.HResult;
}
