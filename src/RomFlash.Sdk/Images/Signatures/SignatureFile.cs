using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>A file that holds one signature: DER, or PEM with the label CMS or PKCS7 (RFC 7468, 8 and 9).</summary>
/// <remarks>Thread-safe and without state.</remarks>
internal static class SignatureFile
{
    /// <summary>Reads a signature from the bytes of its file.</summary>
    /// <param name="content">The bytes, at most <see cref="CmsSignature.MaxLength"/>.</param>
    /// <param name="signature">The signature, when it can be read.</param>
    /// <param name="why">Why it can't: then it is invalid. Untrusted text.</param>
    public static bool TryParse(ReadOnlyMemory<byte> content, [NotNullWhen(true)] out CmsSignature? signature, out string why)
    {
        signature = null;
        if (content.Length > CmsSignature.MaxLength)
        {
            why = $"the signature is larger than {CmsSignature.MaxLength} bytes";
            return false;
        }

        if (FindDer(content) is not { } der)
        {
            why = "the signature is neither DER nor PEM with the label CMS or PKCS7";
            return false;
        }

        return CmsSignature.TryParse(der, out signature, out why);
    }

    private static ReadOnlyMemory<byte>? FindDer(ReadOnlyMemory<byte> content)
    {
        // A SEQUENCE begins with 0x30; text begins with a hyphen, or with something before it.
        if (content.Span is [0x30, ..])
        {
            return content;
        }

        var text = Encoding.ASCII.GetString(content.Span);
        if (!PemEncoding.TryFind(text, out var fields) || text[fields.Label] is not ("CMS" or "PKCS7") || !text.AsSpan()[fields.Location.End..].IsWhiteSpace())
        {
            return null;
        }

        var der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(text.AsSpan()[fields.Base64Data], der, out var length) && length == der.Length ? der : null;
    }
}
