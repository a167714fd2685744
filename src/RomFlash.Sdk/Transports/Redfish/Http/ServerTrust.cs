using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Transports.Redfish.Http;

/// <summary>
/// Decides whether a server's certificate is the right one: the pinned one exactly, or one that the platform or the caller's roots vouch
/// for, under the host's name. Within a session every connection must show the same one.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ServerTrust
{
    private readonly byte[]? _pin;
    private readonly X509Certificate2Collection? _roots;
    private byte[]? _seen;

    public ServerTrust(byte[]? pin, X509Certificate2Collection? roots)
    {
        _pin = pin;
        _roots = roots;
    }

    /// <summary>What the framework checks by itself. Nothing is downloaded on a certificate's word: a controller's network has no way out, and none is wanted.</summary>
    public X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (_roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(_roots);
        }

        // Server authentication (RFC 5280, 4.2.1.12).
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        return policy;
    }

    /// <summary>Judges a certificate.</summary>
    /// <param name="certificate">What the server showed, or null.</param>
    /// <param name="chain">The chain that the framework built.</param>
    /// <param name="errors">What the framework found.</param>
    /// <returns>Null when it is trusted; else why it is not, with the fingerprints.</returns>
    public string? Refuse(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            return "the server showed no certificate";
        }

        var found = SHA256.HashData(certificate.GetRawCertData());
        if (_pin is { } pin)
        {
            if (!CryptographicOperations.FixedTimeEquals(pin, found))
            {
                return $"the server's certificate is not the pinned one: expected sha256 {Hex(pin)}, found {Hex(found)}";
            }
        }
        else if (errors is not SslPolicyErrors.None)
        {
            return string.Create(CultureInfo.InvariantCulture, $"the server's certificate is not trusted ({errors}{StatusOf(chain)}); its sha256 fingerprint is {Hex(found)}");
        }

        // A pin implies this; without one the first certificate that was trusted stands for the whole session.
        var first = Interlocked.CompareExchange(ref _seen, found, null);
        return first is null || first.AsSpan().SequenceEqual(found)
            ? null
            : $"the server's certificate has changed within the session: expected sha256 {Hex(first)}, found {Hex(found)}";
    }

    private static string StatusOf(X509Chain? chain)
    {
        var flags = X509ChainStatusFlags.NoError;
        foreach (var status in chain?.ChainStatus ?? [])
        {
            flags |= status.Status;
        }

        return flags is X509ChainStatusFlags.NoError ? string.Empty : ": " + flags;
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
