using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Images.Signatures;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// HP and HPE signed files: a fingerprint block of text and the signer's certificates at the beginning, and behind them what is signed; or the block at the end, over
/// everything in front of it.
/// </summary>
/// <remarks>
/// Thread-safe and without state. The layout is known from public files, not from a specification. What is sent to a target is the whole file: the target checks the
/// block itself.
/// </remarks>
public sealed class HpSignedFileFormat : IRomImageFormat
{
    /// <summary>The longest block with its certificates, in bytes: 64 KiB.</summary>
    public const int MaxBlockLength = 64 << 10;

    private const string SignatureKind = "hp-fingerprint";
    private const int MaxCertificates = 16;
    private const int MaxWrongBytes = 16;
    private const string BeginCertificate = "-----BEGIN CERTIFICATE-----";

    /// <inheritdoc/>
    public string Name => "hp-signed";

    private static ReadOnlySpan<byte> Begin => "--=</Begin HP Signed File Fingerprint\\>=--\n"u8;

    private static ReadOnlySpan<byte> End => "--=</End HP Signed File Fingerprint\\>=--\n"u8;

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[Begin.Length];
        return (content.TryRead(0, head) && head.SequenceEqual(Begin)) || FindAtEnd(content) >= 0 ? RomRecognition.Envelope : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        var content = reading.Content;
        Span<byte> head = stackalloc byte[Begin.Length];
        var isAtStart = content.TryRead(0, head) && head.SequenceEqual(Begin);
        var start = isAtStart ? 0 : FindAtEnd(content);
        var text = new byte[(int)Math.Min(MaxBlockLength, content.Length - start)];
        if (start < 0 || !content.TryRead(start, text))
        {
            return;
        }

        if (Block.TryParse(reading, start, text) is not { } block)
        {
            return;
        }

        var part = reading.Add("fingerprint", start, block.Length);
        part.Note(block.HashName);
        part.Note(FormattableString.Invariant($"{block.Certificates.Count} certificates"));
        var (signedStart, signedLength) = isAtStart ? (start + block.Length, content.Length - block.Length) : (0, start);
        if (!isAtStart && start + block.Length != content.Length)
        {
            reading.Malformed(start + block.Length, $"something follows the fingerprint block at the end");
            return;
        }

        if (signedLength == 0)
        {
            reading.Truncated($"there is a fingerprint, and nothing that it is of");
            return;
        }

        if (block.Certificates.Count == 0)
        {
            // Older files name a key that only the device has.
            Span<byte> first = stackalloc byte[BeginCertificate.Length];
            first = first[..(int)Math.Min(first.Length, signedLength)];
            if (content.TryRead(signedStart, first) && BeginCertificate.StartsWith(Encoding.ASCII.GetString(first), StringComparison.Ordinal))
            {
                reading.Truncated($"behind the fingerprint block a certificate begins, and does not end");
                return;
            }

            reading.Warn($"the fingerprint is by the key '{block.KeyName}', and no certificate comes along: nobody but the target can verify it");
            reading.NoteUnsigned();
        }
        else
        {
            reading.AddSignature(Verify(reading, block, signedStart, signedLength) with { CoversAll = true });
        }

        var signed = reading.Add("signed-content", signedStart, signedLength);
        if (reading.Slice(signed, signedStart, signedLength) is { } inner)
        {
            if (inner.TryReadAsAny())
            {
                reading.Identity = inner.Identity;
            }
            else
            {
                signed.Note("opaque");
            }
        }
    }

    private static RomImageSignature Verify(RomImageReading reading, Block block, long start, long length)
    {
        if (FingerprintSignature.FindDigest(block.HashName) is not { } algorithm)
        {
            return FingerprintSignature.Verify(SignatureKind, block.HashName, [], block.Signature, block.Certificates, reading.Trust);
        }

        using var digests = new SignedDigests(algorithm);
        return !digests.TryAppend(reading.Content, start, length, reading.CancellationToken) ? SignatureVerdict.Invalid(SignatureKind, "what was signed can't be read")
            : digests.IsSet ? SignatureVerdict.Invalid(SignatureKind, "the content is a set of attributes: the signature may be one over the attributes of another signature")
            : FingerprintSignature.Verify(SignatureKind, block.HashName, digests.Of(algorithm), block.Signature, block.Certificates, reading.Trust);
    }

    // The place of a block that lies at the end, or -1: the last one that begins within reach.
    private static long FindAtEnd(IRomImageContent content)
    {
        // Read once: whoever repeats the first line many times in many places makes nobody read the same again and again.
        var length = (int)Math.Min(MaxBlockLength, content.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var tail = buffer.AsSpan(0, length);
            return content.TryRead(content.Length - length, tail) && tail.LastIndexOf(Begin) is >= 0 and var found && IsBlock(tail[found..]) ? content.Length - length + found : -1;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Text up to the end of the file. Some bytes may be wrong, and its end may be missing: otherwise a damaged block would be taken for the firmware's own bytes, and
    // the file for one that nobody signed. What has the first line among other things (a program, an archive, a signed file inside of another) goes on with more than that.
    private static bool IsBlock(ReadOnlySpan<byte> tail)
    {
        var wrong = 0;
        while (tail.IndexOfAnyExceptInRange((byte)0x0A, (byte)0x7E) is >= 0 and var at)
        {
            if (++wrong > MaxWrongBytes)
            {
                return false;
            }

            tail = tail[(at + 1)..];
        }

        return true;
    }

    private static bool IsText(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExceptInRange((byte)0x0A, (byte)0x7E);

    private sealed record Block(int Length, string KeyName, string HashName, byte[] Signature, List<ReadOnlyMemory<byte>> Certificates)
    {
        /// <summary>Reads the block's lines and the certificates behind it; what is wrong is reported, and null given.</summary>
        public static Block? TryParse(RomImageReading reading, long at, ReadOnlySpan<byte> bytes)
        {
            var end = bytes.IndexOf(End);
            if (end < 0 && bytes.Length == reading.Content.Length - at && IsText(bytes))
            {
                reading.Truncated($"the fingerprint block at 0x{at:X} does not end");
                return null;
            }

            if (end < 0)
            {
                reading.Malformed(at, $"the fingerprint block does not end within {MaxBlockLength} bytes");
                return null;
            }

            var length = end + End.Length;
            var body = bytes[Begin.Length..end];
            if (!IsText(body))
            {
                reading.Malformed(at, $"the fingerprint block is no text");
                return null;
            }

            // The length stands at the beginning and, again, at the end.
            var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var line in Encoding.ASCII.GetString(body).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                var (name, value) = colon < 0 ? (line, string.Empty) : (line[..colon].Trim(), line[(colon + 1)..].Trim());
                if (colon < 0 || (fields.TryGetValue(name, out var before) && before != value))
                {
                    reading.Malformed(at, $"the fingerprint block has the line '{line}', which is no field, or contradicts another");
                    return null;
                }

                fields[name] = value;
            }

            if (!fields.TryGetValue("Hash", out var hash) || !fields.TryGetValue("Signature", out var encoded) || !fields.TryGetValue("Fingerprint Length", out var told))
            {
                reading.Malformed(at, $"the fingerprint block lacks its length, its hash or its signature");
                return null;
            }

            if (!int.TryParse(told, NumberStyles.None, CultureInfo.InvariantCulture, out var promised) || promised != length)
            {
                reading.Malformed(at + Begin.Length, $"the fingerprint block says it has '{told}' bytes, it has {length}");
                return null;
            }

            var signature = new byte[FingerprintSignature.MaxLength];
            if (!Convert.TryFromBase64String(encoded, signature, out var size))
            {
                reading.Malformed(at, $"the signature is no base64, or too long");
                return null;
            }

            var certificates = new List<ReadOnlyMemory<byte>>();
            return TryCertificates(reading, at, bytes, ref length, certificates) ? new Block(length, fields.GetValueOrDefault("Key", string.Empty), hash, signature[..size], certificates) : null;
        }

        // PEM blocks one behind the other, each from the beginning of a line to the end of one.
        private static bool TryCertificates(RomImageReading reading, long at, ReadOnlySpan<byte> bytes, ref int length, List<ReadOnlyMemory<byte>> certificates)
        {
            const string EndCertificate = "-----END CERTIFICATE-----";
            while (bytes[length..].StartsWith(Encoding.ASCII.GetBytes(BeginCertificate)))
            {
                var rest = bytes[length..];
                var end = rest.IndexOf(Encoding.ASCII.GetBytes(EndCertificate));
                if (end < 0 || certificates.Count == MaxCertificates)
                {
                    reading.Malformed(at + length, $"the certificate does not end, or is more than the {MaxCertificates} that are read");
                    return false;
                }

                end += EndCertificate.Length;
                var text = Encoding.ASCII.GetString(rest[..end]);
                var der = PemEncoding.TryFind(text, out var fields) && fields.Location.Equals(..text.Length) ? new byte[fields.DecodedDataLength] : null;
                if (der is null || !Convert.TryFromBase64Chars(text.AsSpan()[fields.Base64Data], der, out var size) || size != der.Length)
                {
                    reading.Malformed(at + length, $"the certificate is no PEM");
                    return false;
                }

                certificates.Add(der);
                length += end;
                if (length < bytes.Length && bytes[length] == '\r')
                {
                    length++;
                }

                if (length < bytes.Length && bytes[length] == '\n')
                {
                    length++;
                }
            }

            return true;
        }
    }
}
