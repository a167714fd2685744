using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace RomFlash.Sdk.Transports.Redfish;

/// <summary>
/// Where a management controller answers: <c>redfish://host[:port][?sha256=HEX]</c>. It is spoken to by HTTPS always, on port 443 unless
/// told otherwise.
/// </summary>
internal sealed class RedfishAddress
{
    public const string Scheme = "redfish";

    private RedfishAddress(string host, int port, byte[]? pin)
    {
        Host = host;
        Port = port;
        Pin = pin;
        Authority = new UriBuilder(Uri.UriSchemeHttps, host, port).Uri;
    }

    /// <summary>The name or address to connect to and to find in the certificate; an IPv6 address without brackets.</summary>
    public string Host { get; }

    public int Port { get; }

    /// <summary>The SHA-256 of the only certificate (DER) that is accepted, 32 bytes; null when the platform or the caller's roots decide.</summary>
    public byte[]? Pin { get; }

    /// <summary>The service's scheme, host and port; every reference must stay there.</summary>
    public Uri Authority { get; }

    /// <summary>The value of the Host field (RFC 9112, 3.2): no port when it is the default.</summary>
    public string HostField => (Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host) + (Port == 443 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $":{Port}"));

    public static TransportResult<RedfishAddress> TryParse(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!address.IsAbsoluteUri || !string.Equals(address.Scheme, Scheme, StringComparison.Ordinal))
        {
            return No("an address of this transport begins with redfish://");
        }

        if (address.UserInfo.Length > 0)
        {
            // Not repeated: it may hold a secret.
            return No("a redfish: address holds no user information");
        }

        // A scheme that the framework does not know has no default port, and may have no host at all.
        if (address.Host.Length == 0 || address.HostNameType is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            return No("a redfish: address names a host, such as redfish://bmc1.example.com");
        }

        if (address.AbsolutePath is not ("" or "/") || address.Fragment.Length > 0)
        {
            return No("a redfish: address has no path and no fragment; the service's root is /redfish/v1/ always");
        }

        if (address.Port is 0)
        {
            return No("port 0 can't be connected to");
        }

        byte[]? pin = null;
        if (address.Query.Length > 0 && !TryGetPin(address.Query, out pin))
        {
            return No("a redfish: address may be followed by ?sha256= and the 64 hexadecimal digits of the certificate's SHA-256 fingerprint, and by nothing else");
        }

        return new RedfishAddress(address.HostNameType is UriHostNameType.IPv6 ? address.Host.Trim('[', ']') : address.IdnHost, address.Port < 0 ? 443 : address.Port, pin);

        static TransportFault No(string why) => new(TransportFaultKind.Unsupported, FaultEffect.NotSent, why);
    }

    private static bool TryGetPin(string query, [NotNullWhen(true)] out byte[]? pin)
    {
        const string Key = "?sha256=";
        pin = null;
        if (!query.StartsWith(Key, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        // As openssl prints it, with a colon after each byte, or plain.
        var text = Uri.UnescapeDataString(query[Key.Length..]);
        if (text.Length == 95)
        {
            for (var i = 2; i < text.Length; i += 3)
            {
                if (text[i] != ':')
                {
                    return false;
                }
            }

            text = text.Replace(":", string.Empty, StringComparison.Ordinal);
        }

        var bytes = new byte[32];
        if (text.Length != 64 || Convert.FromHexString(text, bytes, out _, out _) is not System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        pin = bytes;
        return true;
    }

    public override string ToString() => Authority.ToString();
}
