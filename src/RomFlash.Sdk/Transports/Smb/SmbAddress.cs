using System.Buffers;
using System.Globalization;

namespace RomFlash.Sdk.Transports.Smb;

/// <summary>Where a target and the share of its system partition are: <c>smb://host[:port]/SHARE</c>.</summary>
internal sealed class SmbAddress
{
    public const string Scheme = "smb";

    // MS-SRVS, 2.2.4.23: what a share's name has at most.
    private const int MaxShare = 80;

    // MS-FSCC, 2.1.6: the characters that a share's name can't have.
    private static readonly SearchValues<char> NotInShares = SearchValues.Create("\\/:*?\"<>|+[];,=");

    private SmbAddress(string host, int port, string share)
    {
        Host = host;
        Port = port;
        Share = share;
    }

    /// <summary>The name or address to connect to; an IPv6 address without brackets.</summary>
    public string Host { get; }

    public int Port { get; }

    /// <summary>The share that is the root of the system partition.</summary>
    public string Share { get; }

    public static TransportResult<SmbAddress> TryParse(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!address.IsAbsoluteUri || !string.Equals(address.Scheme, Scheme, StringComparison.Ordinal))
        {
            return No("an address of this transport begins with smb://");
        }

        if (address.UserInfo.Length > 0)
        {
            // Not repeated: it may hold a secret.
            return No("an smb: address holds no user information");
        }

        if (address.Host.Length == 0 || address.HostNameType is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            return No("an smb: address names a host and a share, such as smb://server1/ESP$");
        }

        if (address.Query.Length > 0 || address.Fragment.Length > 0)
        {
            return No("an smb: address has no query and no fragment; write %23 for a # in a share's name");
        }

        if (address.Port is 0)
        {
            return No("port 0 can't be connected to");
        }

        var share = Uri.UnescapeDataString(address.AbsolutePath).Trim('/');
        return !IsShare(share) ? No("an smb: address ends with the name of the share that is the root of the system partition, such as smb://server1/ESP$")
            : string.Equals(share, "IPC$", StringComparison.OrdinalIgnoreCase) ? No("IPC$ holds no files")
            : new SmbAddress(address.HostNameType is UriHostNameType.IPv6 ? address.Host.Trim('[', ']') : address.IdnHost, address.Port < 0 ? 445 : address.Port, share);

        static TransportFault No(string why) => new(TransportFaultKind.Unsupported, FaultEffect.NotSent, why);
    }

    public override string ToString()
    {
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        return Port == 445 ? $"smb://{host}/{Share}" : string.Create(CultureInfo.InvariantCulture, $"smb://{host}:{Port}/{Share}");
    }

    private static bool IsShare(string name) => name.Length is > 0 and <= MaxShare && !name.AsSpan().ContainsAny(NotInShares) && !name.Any(char.IsControl);
}
