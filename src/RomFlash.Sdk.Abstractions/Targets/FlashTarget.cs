using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Targets;

/// <summary>One address of a target, without credentials.</summary>
public sealed record TargetEndpoint
{
    private TargetEndpoint(Uri address, string? credentials)
    {
        Address = address;
        CredentialReference = credentials;
    }

    /// <summary>The address; its scheme selects the transport. Holds no user information, but for a user alone in an <c>ssh:</c> address.</summary>
    public Uri Address { get; }

    /// <summary>The transport's scheme in lower case, such as <c>dir</c>.</summary>
    public string Scheme => Address.Scheme;

    /// <summary>A name that a credential source understands, or null.</summary>
    public string? CredentialReference { get; init; }

    /// <summary>Checks an address and makes an endpoint of it.</summary>
    /// <param name="address">An absolute URI without user information; a user alone may stand in an <c>ssh:</c> address.</param>
    /// <param name="credentialReference">A name for the credential source, or null.</param>
    /// <returns>The endpoint, or <see cref="InvalidParameter"/> or <see cref="SecretInAddress"/>; an address with a secret is not repeated.</returns>
    public static FlashResult<TargetEndpoint> TryCreate(string address, string? credentialReference = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Length > 2048 || !Uri.TryCreate(address, UriKind.Absolute, out var uri) || !HasScheme(address, uri))
        {
            return address.Contains('@', StringComparison.Ordinal)
                ? new InvalidParameter { Parameter = "target", Detail = "an address must be an absolute URI (not repeated here: it may hold credentials)" }
                : new InvalidParameter { Parameter = "target", Detail = $"'{address}' is not an absolute URI such as dir:/mnt/esp" };
        }

        if (uri.UserInfo.Length > 0 && !IsUserAlone(uri))
        {
            return new SecretInAddress { Detail = $"a {uri.Scheme} address holds user information" };
        }

        if (IsUserAtHost(address, uri))
        {
            return new SecretInAddress { Detail = "an address seems to hold user information; an '@' that belongs to a path is written %40" };
        }

        return new TargetEndpoint(uri, credentialReference);
    }

    /// <summary>The address.</summary>
    /// <returns>The address as a URI.</returns>
    public override string ToString() => Address.IsFile ? Address.LocalPath : Address.OriginalString;

    // ssh://user@host is how everybody writes it, and a user's name is no secret; elsewhere a token may stand there.
    private static bool IsUserAlone(Uri uri) => uri.Scheme == "ssh" && !Uri.UnescapeDataString(uri.UserInfo).Contains(':', StringComparison.Ordinal);

    // "admin:secret@host" parses as a URI with the scheme "admin". An address that means a path or a host has a slash after its scheme.
    // "ssh://root:2024/x@host" parses as the host "root" with a port: a password may hold what ends an authority.
    private static bool IsUserAtHost(string address, Uri uri)
    {
        var rest = address.AsSpan(uri.Scheme.Length + 1);
        if (!rest.Contains('@'))
        {
            return false;
        }

        if (!rest.StartsWith("//"))
        {
            return rest[0] != '/';
        }

        rest = rest[2..];
        var end = rest.IndexOfAny('/', '?', '#');
        var authority = end < 0 ? rest : rest[..end];
        return authority[(authority.LastIndexOf(']') + 1)..].Contains(':') && rest[authority.Length..].Contains('@');
    }

    // On Unix "/path" parses as an absolute file URI although it has no scheme.
    private static bool HasScheme(string address, Uri uri) => address.StartsWith(uri.Scheme + ":", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A server to upgrade: a stable id and one to many endpoints, in the order in which they are asked for a capability.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class FlashTarget
{
    /// <summary>The longest id, in characters.</summary>
    public const int MaxIdLength = 256;

    private FlashTarget(string id, ImmutableArray<TargetEndpoint> endpoints)
    {
        Id = id;
        Endpoints = endpoints;
    }

    /// <summary>The stable id, chosen by the caller; journal records carry it.</summary>
    public string Id { get; }

    /// <summary>The endpoints, at least one.</summary>
    public ImmutableArray<TargetEndpoint> Endpoints { get; }

    /// <summary>Makes a target with one endpoint, whose address is its id.</summary>
    /// <param name="address">An absolute URI without user information; a user alone may stand in an <c>ssh:</c> address.</param>
    /// <returns>The target, or why the address can't be used.</returns>
    public static FlashResult<FlashTarget> TryCreate(string address) =>
        TargetEndpoint.TryCreate(address).TryGetValue(out var endpoint, out var failure)
            ? TryCreate(endpoint.ToString(), [endpoint])
            : failure;

    /// <summary>Makes a target.</summary>
    /// <param name="id">1 to 256 characters without control characters.</param>
    /// <param name="endpoints">At least one.</param>
    /// <returns>The target, or <see cref="InvalidParameter"/>.</returns>
    public static FlashResult<FlashTarget> TryCreate(string id, params ImmutableArray<TargetEndpoint> endpoints)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (string.IsNullOrWhiteSpace(id) || id.Length > MaxIdLength || id.Any(char.IsControl))
        {
            return new InvalidParameter { Parameter = "id", Detail = "a target's id is 1 to 256 characters without control characters" };
        }

        if (endpoints.IsDefaultOrEmpty || endpoints.Contains(null!))
        {
            return new InvalidParameter { Parameter = "endpoints", Detail = $"target '{id}' has no endpoint" };
        }

        return new FlashTarget(id, endpoints);
    }

    /// <summary>Makes a target with one endpoint, for addresses that are known to be good.</summary>
    /// <param name="address">An absolute URI without user information; a user alone may stand in an <c>ssh:</c> address.</param>
    /// <returns>The target.</returns>
    /// <exception cref="FlashException">The address can't be used.</exception>
    [SuppressMessage("Naming", "CA1720", Justification = "The word is the field's.")]
    public static FlashTarget Parse(string address) => TryCreate(address).GetValueOrThrow();

    /// <summary>The id.</summary>
    /// <returns><see cref="Id"/>.</returns>
    public override string ToString() => Id;
}
