using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>A host key as ssh wrote it into a file of known hosts.</summary>
internal sealed record SshHostKey(string Line, string Type, SshFingerprint Fingerprint)
{
    /// <summary>Reads one line of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", without a marker such as @cert-authority: <c>host type base64</c>, and what somebody noted behind it.</summary>
    public static bool TryParse(string line, [NotNullWhen(true)] out SshHostKey? key)
    {
        key = null;
        var fields = line.Split(' ');
        if (fields.Length < 3 || fields[0] is "" or ['@' or '#', ..] || fields[1].Length is 0 or > 64 || !fields[1].All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '@'))
        {
            return false;
        }

        var blob = new byte[fields[2].Length];
        if (!Convert.TryFromBase64String(fields[2], blob, out var length) || !IsOfType(blob.AsSpan(0, length), fields[1]))
        {
            return false;
        }

        key = new(line, fields[1], SshFingerprint.Of(blob.AsSpan(0, length)));
        return true;
    }

    public override string ToString() => $"{Fingerprint} ({Type})";

    // RFC 4253, 6.6: a public key begins with its type, as a string with its length before it.
    private static bool IsOfType(ReadOnlySpan<byte> blob, string type) =>
        blob.Length > 4
        && BinaryPrimitives.ReadUInt32BigEndian(blob) == (uint)type.Length
        && blob.Length > 4 + type.Length
        && blob.Slice(4, type.Length).SequenceEqual(Encoding.ASCII.GetBytes(type));
}
