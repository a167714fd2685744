namespace RomFlash.Sdk.Transports.Smb.Protocol;

/// <summary>Names that can be sent. What a peer might read as something else than what the caller meant is refused here.</summary>
internal static class SmbNames
{
    /// <summary>What fits into the 16 bits of a length (MS-SMB2, 2.2.13, NameLength), with room for a rename's header within one credit.</summary>
    private const int MaxPathLength = 32_000;

    /// <summary>The longest name of a share (MS-SRVS, 2.2.4.23, shi502_netname).</summary>
    private const int MaxShareLength = 80;

    /// <summary>Null when it can be sent.</summary>
    public static TransportFault? CheckShare(string share)
    {
        ArgumentNullException.ThrowIfNull(share);
        return share.Length is > 0 and <= MaxShareLength && share.AsSpan().IndexOfAny('\\', '/', '\0') < 0 ? null : Refuse("this can't be the name of a share");
    }

    /// <summary>Null when it can be sent.</summary>
    public static TransportFault? CheckPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length > MaxPathLength || path.AsSpan().IndexOfAny('/', '\0') >= 0)
        {
            return Refuse("this can't be a path: it is too long, or has a character that none can have");
        }

        foreach (var range in path.AsSpan().Split('\\'))
        {
            var part = path.AsSpan(range);
            if (part is "." or ".." || (part.IsEmpty && path.Length > 0))
            {
                return Refuse("this can't be a path: a part of it is empty, or stands for another directory");
            }
        }

        return null;
    }

    public static string LastPart(string path) => path[(path.LastIndexOf('\\') + 1)..];

    private static TransportFault Refuse(string detail) => new(TransportFaultKind.Unsupported, FaultEffect.NotSent, detail);
}
