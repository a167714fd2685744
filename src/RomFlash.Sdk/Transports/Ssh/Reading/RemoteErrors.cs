namespace RomFlash.Sdk.Transports.Ssh.Reading;

/// <summary>What the error texts of a far side's programs stand for, in the C locale. They decide what a fault is called, and never what its effect is.</summary>
internal static class RemoteErrors
{
    // strerror of glibc and of musl, where they differ.
    private static readonly (string Text, TransportFaultKind Kind)[] Texts =
    [
        ("Read-only file system", TransportFaultKind.ReadOnly),
        ("Permission denied", TransportFaultKind.AccessDenied),
        ("Operation not permitted", TransportFaultKind.AccessDenied),
        ("No space left on device", TransportFaultKind.NoSpace),
        ("Disk quota exceeded", TransportFaultKind.NoSpace),
        ("Quota exceeded", TransportFaultKind.NoSpace),
        ("No such file or directory", TransportFaultKind.NotFound),
        ("Not a directory", TransportFaultKind.NotFound),
        ("nonexistent directory", TransportFaultKind.NotFound),
        ("Directory nonexistent", TransportFaultKind.NotFound),
        ("esource busy", TransportFaultKind.Busy),
        ("Interrupted system call", TransportFaultKind.Busy),
        ("Invalid argument", TransportFaultKind.Rejected),
        ("Is a directory", TransportFaultKind.ProtocolViolation),
        ("Function not implemented", TransportFaultKind.Unsupported),
        ("Operation not supported", TransportFaultKind.Unsupported),
        ("Not supported", TransportFaultKind.Unsupported),
    ];

    public static TransportFaultKind KindOf(string errors)
    {
        foreach (var (text, kind) in Texts)
        {
            if (errors.Contains(text, StringComparison.Ordinal))
            {
                return kind;
            }
        }

        return TransportFaultKind.Unmapped;
    }
}
