using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>The SHA-256 of a host key, as OpenSSH writes it: <c>SHA256:</c> and base64 without padding.</summary>
internal sealed record SshFingerprint
{
    private const string Prefix = "SHA256:";

    private SshFingerprint(ReadOnlySpan<byte> digest) => Text = Prefix + Convert.ToBase64String(digest).TrimEnd('=');

    /// <summary>The one form in which it is compared and shown.</summary>
    public string Text { get; }

    public static SshFingerprint Of(ReadOnlySpan<byte> key) => new(SHA256.HashData(key));

    public static bool TryParse(string text, [NotNullWhen(true)] out SshFingerprint? fingerprint)
    {
        fingerprint = null;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var base64 = text.AsSpan(Prefix.Length);
        var digits = base64.EndsWith('=') ? base64[..^1] : base64;

        // 43 digits hold 258 bits; written anew they must be the same, or two texts would stand for one fingerprint.
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        if (digits.Length != 43 || digits.ContainsAny(" \t\r\n=") || !Convert.TryFromBase64String($"{digits}=", digest, out var length) || length != digest.Length)
        {
            return false;
        }

        var parsed = new SshFingerprint(digest);
        if (!parsed.Text.AsSpan(Prefix.Length).SequenceEqual(digits))
        {
            return false;
        }

        fingerprint = parsed;
        return true;
    }

    public override string ToString() => Text;
}
