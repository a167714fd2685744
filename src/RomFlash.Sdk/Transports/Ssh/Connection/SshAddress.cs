using System.Globalization;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>
/// Where a target is, and where its system partition is mounted: <c>ssh://[user@]host[:port][/path][?hostkey=SHA256:base64]</c>. What is left out is as the user's own
/// configuration of ssh has it.
/// </summary>
internal sealed class SshAddress
{
    public const string Scheme = "ssh";

    private const string HostKeyName = "hostkey";

    // useradd(8): 32; a directory's names are longer.
    private const int MaxUser = 128;

    private SshAddress(string host, int? port, string? user, string? path, SshFingerprint? hostKey)
    {
        Host = host;
        Port = port;
        User = user;
        Path = path;
        HostKey = hostKey;
    }

    /// <summary>The name or address to connect to, or an alias of the user's configuration; an IPv6 address without brackets.</summary>
    public string Host { get; }

    public int? Port { get; }

    public string? User { get; }

    /// <summary>The absolute path of the system partition; null when it is to be found out.</summary>
    public string? Path { get; }

    /// <summary>The only host key to trust; null when the user's known hosts decide.</summary>
    public SshFingerprint? HostKey { get; }

    /// <summary>The same address as another user, as whom credentials say; null when the address names somebody else, or nobody can be called that.</summary>
    public SshAddress? As(string user) => IsUser(user) && (User is null || User == user) ? new(Host, Port, user, Path, HostKey) : null;

    public static TransportResult<SshAddress> TryParse(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!address.IsAbsoluteUri || !string.Equals(address.Scheme, Scheme, StringComparison.Ordinal))
        {
            return No("an address of this transport begins with ssh://");
        }

        if (address.UserInfo.Contains(':', StringComparison.Ordinal))
        {
            // Not repeated: it may hold a secret.
            return No("an ssh: address holds a user's name at most, and never a password");
        }

        // A user's part that is there and empty is no user that somebody meant.
        var user = address.UserInfo.Length > 0 ? Uri.UnescapeDataString(address.UserInfo) : null;
        if (user is not null && !IsUser(user))
        {
            return No("a user's name in an ssh: address has letters, digits and _ . @ + - only, and does not begin with - or @");
        }

        var host = address.HostNameType is UriHostNameType.IPv6 ? address.Host.Trim('[', ']') : AsWritten(address);
        if (address.HostNameType is UriHostNameType.Unknown or UriHostNameType.Basic || !IsHost(host))
        {
            return No("an ssh: address names a host, such as ssh://root@server1/boot/efi; a host has letters, digits and . _ - only, and does not begin with -");
        }

        if (address.Port is 0)
        {
            return No("port 0 can't be connected to");
        }

        if (address.Fragment.Length > 0)
        {
            return No("an ssh: address has no fragment; write %23 for a # in a path");
        }

        var path = Uri.UnescapeDataString(address.AbsolutePath).TrimEnd('/');
        if (path.Length > 0 && !IsPath(path))
        {
            return No("the path of an ssh: address is that of the mounted system partition, such as /boot/efi, without . and .. and control characters");
        }

        SshFingerprint? key = null;
        if (address.Query.Length > 0 && !TryParseQuery(address.Query, out key))
        {
            return No("an ssh: address has one query at most, ?hostkey=SHA256: with the 43 digits that ssh-keygen -l shows");
        }

        return new SshAddress(host, address.Port < 0 ? null : address.Port, user, path.Length > 0 ? path : null, key);

        static TransportFault No(string why) => new(TransportFaultKind.Unsupported, FaultEffect.NotSent, why);
    }

    public override string ToString()
    {
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host.Replace("%", "%25", StringComparison.Ordinal)}]" : Host;
        var user = User is null ? string.Empty : Uri.EscapeDataString(User) + "@";
        var port = Port is { } number ? string.Create(CultureInfo.InvariantCulture, $":{number}") : string.Empty;
        var path = Path is null ? string.Empty : string.Join('/', Path.Split('/').Select(Uri.EscapeDataString));
        return $"ssh://{user}{host}{port}{path}{(HostKey is null ? string.Empty : $"?{HostKeyName}={Uri.EscapeDataString(HostKey.Text)}")}";
    }

    // A Uri has it in small letters, and an alias of ssh_config is another one then.
    private static string AsWritten(Uri address)
    {
        var text = address.OriginalString.AsSpan().Trim();
        var begin = text.IndexOf("://", StringComparison.Ordinal);
        var authority = begin < 0 ? default : text[(begin + 3)..];
        authority = authority.IndexOfAny('/', '?', '#') is >= 0 and var end ? authority[..end] : authority;
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        authority = authority.IndexOf(':') is >= 0 and var port ? authority[..port] : authority;
        return authority.Equals(address.IdnHost, StringComparison.OrdinalIgnoreCase) ? authority.ToString() : address.IdnHost;
    }

    private static bool TryParseQuery(string query, out SshFingerprint? key)
    {
        key = null;

        // A + is a digit of base64, and never stands for a blank here.
        return query.StartsWith($"?{HostKeyName}=", StringComparison.Ordinal)
            && SshFingerprint.TryParse(Uri.UnescapeDataString(query[(HostKeyName.Length + 2)..]), out key);
    }

    // Lists of what is allowed: names go into ssh's own %-expansion and from there into commands that the user has configured.
    private static bool IsUser(string name) =>
        name.Length is > 0 and <= MaxUser && name[0] is not ('-' or '@') && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '@' or '+' or '-');

    private static bool IsHost(string name)
    {
        if (name.Length is 0 or > 255 || name[0] is '-' or '.')
        {
            return false;
        }

        // The zone of a link-local IPv6 address follows a %.
        var isV6 = name.Contains(':', StringComparison.Ordinal);
        return name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' || (isV6 && c is ':' or '%'));
    }

    private static bool IsPath(string path) =>
        path[0] == '/' && !path.Any(char.IsControl) && path[1..].Split('/').All(static s => s is not ("" or "." or "..")) && path.Length <= 1024;
}
