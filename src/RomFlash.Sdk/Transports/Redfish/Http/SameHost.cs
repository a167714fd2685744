using System.Diagnostics.CodeAnalysis;

namespace RomFlash.Sdk.Transports.Redfish.Http;

/// <summary>Follows what a service refers to, and never to another host: a token or a password goes along.</summary>
internal static class SameHost
{
    private const int MaxLength = 2048;

    /// <summary>Resolves a reference.</summary>
    /// <param name="authority">The scheme, host and port that it must stay with.</param>
    /// <param name="from">The path that it was found under, for what is relative.</param>
    /// <param name="reference">The reference as the service gave it: a path, as a rule, or an absolute URI.</param>
    /// <param name="target">Path and query for a request's first line; ASCII without spaces. A fragment points into the resource and is not sent.
    /// Never one that begins with two slashes: read as a reference, that is another host.</param>
    /// <returns>False when it leads elsewhere or can't be understood.</returns>
    public static bool TryResolve(Uri authority, string from, string? reference, [NotNullWhen(true)] out string? target)
    {
        target = null;
        if (string.IsNullOrWhiteSpace(reference) || reference.Length > MaxLength || reference.Contains('\\', StringComparison.Ordinal)
            || !Uri.TryCreate(authority, from, out var origin) || !Uri.TryCreate(origin, reference, out var uri)
            || !string.Equals(uri.Scheme, authority.Scheme, StringComparison.Ordinal)
            || !string.Equals(uri.IdnHost, authority.IdnHost, StringComparison.OrdinalIgnoreCase)
            || uri.Port != authority.Port || uri.UserInfo.Length > 0)
        {
            return false;
        }

        var path = uri.PathAndQuery;
        if (path.Length is 0 or > MaxLength * 3 || path[0] != '/' || path.StartsWith("//", StringComparison.Ordinal) || path.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return false;
        }

        target = path;
        return true;
    }
}
