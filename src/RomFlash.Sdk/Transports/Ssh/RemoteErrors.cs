using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>
/// Makes a fault of a program of the target that failed. A line of it ends with the text of an error number in the C locale; nothing else is looked at, because the rest has names of files. Total: what is
/// not known becomes <see cref="TransportFaultKind.Unmapped"/>.
/// </summary>
internal static class RemoteErrors
{
    /// <summary>What the scripts of this transport say themselves when something that is needed is held (BSD's sysexits, EX_TEMPFAIL).</summary>
    public const int Held = 75;

    private const int MaxDetail = 500;

    // strerror of glibc and musl; dash and ash have some of their own for redirections.
    private static readonly (string Text, TransportFaultKind Kind, bool IsRefusal)[] Texts =
    [
        ("No such file or directory", TransportFaultKind.NotFound, true),
        ("Directory nonexistent", TransportFaultKind.NotFound, true),
        ("nonexistent directory", TransportFaultKind.NotFound, true),
        ("No such file", TransportFaultKind.NotFound, true),
        ("Not a directory", TransportFaultKind.NotFound, true),
        ("No such device", TransportFaultKind.Unmapped, false),
        ("No such device or address", TransportFaultKind.Unmapped, false),
        ("File exists", TransportFaultKind.AlreadyExists, true),
        ("Directory not empty", TransportFaultKind.AlreadyExists, true),
        ("Permission denied", TransportFaultKind.AccessDenied, true),
        ("Operation not permitted", TransportFaultKind.AccessDenied, true),
        ("Read-only file system", TransportFaultKind.ReadOnly, true),
        ("No space left on device", TransportFaultKind.NoSpace, true),
        ("Disk quota exceeded", TransportFaultKind.NoSpace, true),
        ("Quota exceeded", TransportFaultKind.NoSpace, true),
        ("File too large", TransportFaultKind.NoSpace, true),
        ("Device or resource busy", TransportFaultKind.Busy, true),
        ("Resource busy", TransportFaultKind.Busy, true),
        ("Text file busy", TransportFaultKind.Busy, true),
        ("Resource temporarily unavailable", TransportFaultKind.Busy, true),
        ("Cannot allocate memory", TransportFaultKind.Busy, true),
        ("Out of memory", TransportFaultKind.Busy, true),
        ("Too many open files", TransportFaultKind.Busy, true),
        ("Too many open files in system", TransportFaultKind.Busy, true),
        ("Cannot fork", TransportFaultKind.Busy, true),
        ("Is a directory", TransportFaultKind.ProtocolViolation, true),
        ("Too many levels of symbolic links", TransportFaultKind.ProtocolViolation, true),
        ("File name too long", TransportFaultKind.Unsupported, true),
        ("Name too long", TransportFaultKind.Unsupported, true),
        ("Function not implemented", TransportFaultKind.Unsupported, true),
        ("Operation not supported", TransportFaultKind.Unsupported, true),
        ("Not supported", TransportFaultKind.Unsupported, true),
        ("Invalid argument", TransportFaultKind.Rejected, true),
        ("command not found", TransportFaultKind.Unsupported, true),
        ("not found", TransportFaultKind.Unsupported, true),
        ("Invalid cross-device link", TransportFaultKind.Unsupported, true),
        ("Interrupted system call", TransportFaultKind.Busy, false),
        ("Connection timed out", TransportFaultKind.TimedOut, false),
        ("Transport endpoint is not connected", TransportFaultKind.Lost, false),
        ("Stale file handle", TransportFaultKind.Lost, false),
        ("Input/output error", TransportFaultKind.Unmapped, false),
        ("I/O error", TransportFaultKind.Unmapped, false),
    ];

    /// <summary>The fault of a script that ended with something else than 0.</summary>
    /// <param name="status">Its exit status.</param>
    /// <param name="errors">What it printed as errors.</param>
    /// <param name="isChange">Whether it was to change something: then only a plain refusal says that it did not.</param>
    public static TransportFault Of(int status, string errors, bool isChange)
    {
        // The last that is known counts: dd ends with what it has copied.
        var lines = errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var known = lines.LastOrDefault(l => KindOf(l) is not null);
        var (kind, isRefusal) = status == Held ? (TransportFaultKind.Busy, true) : KindOf(known ?? string.Empty) ?? (TransportFaultKind.Unmapped, false);
        var detail = known ?? lines.LastOrDefault() ?? string.Empty;
        return new(kind, isChange && !isRefusal ? FaultEffect.MayHaveApplied : FaultEffect.NotSent, detail.Length > MaxDetail ? detail[..MaxDetail] : detail)
        {
            PeerCode = new PeerCode(PeerCode.ExitCode, (uint)status),
        };
    }

    /// <summary>The same of an answer, thrown.</summary>
    public static PartitionFaultException From(ShellReply reply, bool isChange) => new(Of(reply.ExitStatus, reply.ErrorText, isChange));

    private static (TransportFaultKind Kind, bool IsRefusal)? KindOf(string line)
    {
        foreach (var (text, kind, isRefusal) in Texts)
        {
            if (line.EndsWith(": " + text, StringComparison.Ordinal))
            {
                return (kind, isRefusal);
            }
        }

        return null;
    }
}
