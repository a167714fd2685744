using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>
/// A detached signature: CMS SignedData (RFC 5652, 5), which PKCS #7 1.5 is (RFC 2315, 9), in a ContentInfo (RFC 5652, 3) or bare, as UEFI allows
/// (UEFI 2.10, 23.1 and 32.2.4). The content passes by piece by piece and is never held.
/// </summary>
/// <remarks>
/// <para>
/// BER is read, because firmware reads it; nothing may follow. Content inside of the signature is refused: it would be right over that, and say
/// nothing of the image. Every signer's signature has to be right, and one trusted signer is enough. A certificate that does not come along may be one of the
/// trusted ones. Not read, and so of no weight, are revocation lists, unsigned attributes, and signed attributes but the content's type and digest.
/// </para>
/// <para>
/// Signed attributes are verified as they are encoded, with the tag of a SET (RFC 5652, 5.4), and not in an order that would be right: what was parsed is what was
/// signed. Immutable and thread-safe.
/// </para>
/// </remarks>
internal sealed class CmsSignature
{
    /// <summary>The largest signature in bytes: 1 MiB.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>The most signers of one signature.</summary>
    public const int MaxSigners = 8;

    /// <summary>The most certificates that come with one signature.</summary>
    public const int MaxCertificates = 64;

    // RFC 5652, 4, 5.1 and 11.
    private const string Data = "1.2.840.113549.1.7.1";
    private const string SignedData = "1.2.840.113549.1.7.2";
    private const string ContentType = "1.2.840.113549.1.9.3";
    private const string MessageDigest = "1.2.840.113549.1.9.4";

    // X.690, 8.12: SET OF, constructed.
    private const byte SetTag = 0x31;

    private static readonly Asn1Tag Tag0 = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag Tag1 = new(TagClass.ContextSpecific, 1, isConstructed: true);

    private readonly List<CmsSignerInfo> _signers;
    private readonly List<ReadOnlyMemory<byte>> _certificates;

    private CmsSignature(List<CmsSignerInfo> signers, List<ReadOnlyMemory<byte>> certificates)
    {
        _signers = signers;
        _certificates = certificates;
    }

    /// <summary>Reads the structure; nothing is verified yet.</summary>
    /// <param name="encoded">The signature, BER or DER; kept, and not to be changed.</param>
    /// <param name="signature">The signature, when it can be read.</param>
    /// <param name="why">Why it can't: then it is invalid. Untrusted text.</param>
    public static bool TryParse(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out CmsSignature? signature, out string why)
    {
        signature = null;
        if (encoded.Length > MaxLength)
        {
            why = $"the signature is larger than {MaxLength} bytes";
            return false;
        }

        try
        {
            why = Read(encoded, out signature) ?? string.Empty;
        }
        catch (AsnContentException e)
        {
            why = $"the signature can't be read: {e.Message}";
        }

        return signature is not null;
    }

    /// <summary>Begins the digests that the signers used. The caller appends the content to them.</summary>
    /// <returns>The digests; the caller disposes of them.</returns>
    public SignedDigests CreateDigests() => new([.. _signers.Where(s => s.WhyRefused.Length == 0).Select(s => s.Digest)]);

    /// <summary>Verifies the signature over a content, and says who signed.</summary>
    /// <param name="kind">What <see cref="RomImageSignature.Kind"/> is to be.</param>
    /// <param name="digests">Those of <see cref="CreateDigests"/>, after the whole content was appended.</param>
    /// <param name="trust">Whom the caller trusts, or null: then nobody.</param>
    /// <returns>What it came to. Of several signers it names the first that is wrong; or else the first that is trusted; or else the first.</returns>
    public RomImageSignature Verify(string kind, SignedDigests digests, ImageSignatureTrust? trust)
    {
        using var own = new CertificateBag();
        foreach (var certificate in _certificates)
        {
            if (!own.TryAdd(certificate))
            {
                return SignatureVerdict.Invalid(kind, "a certificate in the signature can't be read");
            }
        }

        RomImageSignature? best = null;
        foreach (var signer in _signers)
        {
            var verdict = Verify(kind, signer, digests, own.Certificates, trust);
            if (verdict.Status == ImageSignatureStatus.Invalid)
            {
                return verdict;
            }

            best = best is null || verdict.Status > best.Status ? verdict
                : best.Status == ImageSignatureStatus.Trusted ? best
                : best with { Why = $"{best.Why}; {verdict.Signer}, SHA-256 {verdict.SignerSha256}: {verdict.Why}" };
        }

        return best!;
    }

    private static RomImageSignature Verify(string kind, CmsSignerInfo signer, SignedDigests digests, X509Certificate2Collection own, ImageSignatureTrust? trust)
    {
        // A certificate that comes along goes before one that the caller has: it is what the signer says that it is.
        var certificate = own.FirstOrDefault(signer.IsBy) ?? trust?.Certificates.FirstOrDefault(signer.IsBy);
        var verdict = new SignatureVerdict(kind, signer.DigestName, certificate);
        if (signer.WhyRefused.Length > 0)
        {
            return verdict.Invalid(signer.WhyRefused);
        }

        if (certificate is null)
        {
            return verdict.Invalid("the signature does not hold its signer's certificate, and no trusted certificate fits");
        }

        var content = digests.Of(signer.Digest);
        if (signer.SignedAttributes is not { } attributes)
        {
            return digests.IsSet
                ? verdict.Invalid("the content is a set of attributes itself: the signature may be one over the attributes of another signature")
                : verdict.Judge(signer.Algorithm!, content, signer.Signature.Span, own, trust);
        }

        using var hash = IncrementalHash.CreateHash(signer.Digest);
        hash.AppendData(attributes);
        var judged = verdict.Judge(signer.Algorithm!, hash.GetHashAndReset(), signer.Signature.Span, own, trust);
        return judged.Status == ImageSignatureStatus.Invalid || signer.MessageDigest.Span.SequenceEqual(content)
            ? judged
            : verdict.Invalid($"the content was changed after it was signed, or the signature belongs to another one: its {signer.DigestName} is {Convert.ToHexStringLower(content)}");
    }

    private static string? Read(ReadOnlyMemory<byte> encoded, out CmsSignature? signature)
    {
        signature = null;
        var file = new AsnReader(encoded, AsnEncodingRules.BER);
        var outer = file.ReadSequence();
        if (file.HasData)
        {
            return "something follows the signature";
        }

        if (outer.PeekTag().HasSameClassAndValue(Asn1Tag.ObjectIdentifier))
        {
            if (outer.ReadObjectIdentifier() != SignedData)
            {
                return "it is no signature (CMS SignedData), but another kind of CMS content";
            }

            var wrapper = outer.ReadSequence(Tag0);
            outer.ThrowIfNotEmpty();
            outer = wrapper.ReadSequence();
            wrapper.ThrowIfNotEmpty();
        }

        // 1, 3, 4 and 5 are in use, by what is inside (RFC 5652, 5.1); nothing that is read here differs.
        if (!outer.TryReadInt32(out var version) || version is < 1 or > 5)
        {
            return "the signature is of an unknown version";
        }

        var digests = new List<ReadOnlyMemory<byte>>();
        for (var set = outer.ReadSetOf(); set.HasData;)
        {
            if (digests.Count == MaxSigners)
            {
                return $"the signature names more than {MaxSigners} digests";
            }

            digests.Add(set.ReadEncodedValue());
        }

        var content = outer.ReadSequence();
        if (content.ReadObjectIdentifier() != Data)
        {
            return "the signature is not over plain data";
        }

        if (content.HasData)
        {
            return "the signature holds a content of its own; it has to be a detached one";
        }

        var certificates = new List<ReadOnlyMemory<byte>>();
        if (outer.HasData && outer.PeekTag().HasSameClassAndValue(Tag0))
        {
            for (var set = outer.ReadSetOf(Tag0); set.HasData;)
            {
                if (certificates.Count == MaxCertificates)
                {
                    return $"the signature holds more than {MaxCertificates} certificates";
                }

                // What is no SEQUENCE is an attribute certificate or of another kind still (RFC 5652, 10.2.2).
                if (!set.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
                {
                    return "the signature holds certificates that are not X.509 certificates";
                }

                certificates.Add(set.ReadEncodedValue());
            }
        }

        if (outer.HasData && outer.PeekTag().HasSameClassAndValue(Tag1))
        {
            outer.ReadEncodedValue();
        }

        var signers = new List<CmsSignerInfo>();
        for (var set = outer.ReadSetOf(); set.HasData;)
        {
            if (signers.Count == MaxSigners)
            {
                return $"the signature has more than {MaxSigners} signers";
            }

            if (ReadSigner(set.ReadSequence(), digests, out var signer) is { } why)
            {
                return why;
            }

            signers.Add(signer!);
        }

        outer.ThrowIfNotEmpty();
        if (signers.Count == 0)
        {
            return "the signature has no signer";
        }

        signature = new(signers, certificates);
        return null;
    }

    // SignerInfo (RFC 5652, 5.3).
    private static string? ReadSigner(AsnReader info, List<ReadOnlyMemory<byte>> digests, out CmsSignerInfo? signer)
    {
        signer = null;
        if (!info.TryReadInt32(out var version) || version is not (1 or 3))
        {
            return "a signer is of an unknown version";
        }

        var name = ReadOnlyMemory<byte>.Empty;
        ReadOnlyMemory<byte> number;
        if (info.PeekTag().HasSameClassAndValue(Tag0))
        {
            number = info.ReadOctetString(new(TagClass.ContextSpecific, 0));
        }
        else
        {
            var issuerAndSerial = info.ReadSequence();
            name = issuerAndSerial.ReadEncodedValue();
            number = issuerAndSerial.ReadIntegerBytes();
            issuerAndSerial.ThrowIfNotEmpty();
        }

        var encodedDigest = info.PeekEncodedValue();
        var digest = SignatureAlgorithm.ReadDigest(info, out var digestName);
        var isListed = digests.Exists(d => d.Span.SequenceEqual(encodedDigest.Span))
            || (digest is not null && digests.Exists(d => SignatureAlgorithm.ReadDigest(new(d, AsnEncodingRules.BER), out _) == digest));
        ReadOnlyMemory<byte> attributes = default;
        var hasAttributes = info.PeekTag().HasSameClassAndValue(Tag0);
        if (hasAttributes)
        {
            attributes = info.PeekContentBytes();
            info.ReadEncodedValue();
        }

        SignatureAlgorithm? algorithm = null;
        var refusal = digest is null ? $"the signature uses the digest {digestName}; SHA-256, SHA-384 and SHA-512 are accepted"
            : !isListed ? "a signer's digest is not among those that the signature names"
            : string.Empty;
        if (refusal.Length > 0)
        {
            info.ReadEncodedValue();
        }
        else if (!SignatureAlgorithm.TryRead(info, digest, out algorithm, out var why))
        {
            refusal = $"the signature is by a method that is not accepted: {why}";
        }

        var signature = info.ReadOctetString();
        if (info.HasData && info.PeekTag().HasSameClassAndValue(Tag1))
        {
            info.ReadEncodedValue();
        }

        info.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> messageDigest = default;
        if (hasAttributes && ReadAttributes(attributes, out messageDigest) is { } wrong)
        {
            return wrong;
        }

        signer = new(name, number, digest ?? default, digestName, algorithm, hasAttributes ? AsSet(attributes.Span) : null, messageDigest, signature, refusal);
        return null;
    }

    // The two that have to be there, once and with one value (RFC 5652, 5.3, 11.1 and 11.2).
    private static string? ReadAttributes(ReadOnlyMemory<byte> attributes, out ReadOnlyMemory<byte> messageDigest)
    {
        messageDigest = default;
        var (types, digests) = (0, 0);
        for (var reader = new AsnReader(attributes, AsnEncodingRules.BER); reader.HasData;)
        {
            var attribute = reader.ReadSequence();
            var oid = attribute.ReadObjectIdentifier();
            var values = attribute.ReadSetOf();
            attribute.ThrowIfNotEmpty();
            if (oid == ContentType)
            {
                // It repeats the type of what is signed, so that it can't be taken for something else.
                types++;
                if (values.ReadObjectIdentifier() != Data)
                {
                    return "the signature is not over plain data";
                }

                values.ThrowIfNotEmpty();
            }
            else if (oid == MessageDigest)
            {
                digests++;
                messageDigest = values.ReadOctetString();
                values.ThrowIfNotEmpty();
            }
        }

        return types == 1 && digests == 1 ? null : "the signed attributes do not have one content type and one digest";
    }

    // Signed is the encoding with the tag of a SET, and a length that is told (RFC 5652, 5.4).
    private static byte[] AsSet(ReadOnlySpan<byte> attributes)
    {
        // No writer takes contents as they are for a SET; it does for a string of octets, and the tag is one byte.
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(attributes);
        var set = writer.Encode();
        set[0] = SetTag;
        return set;
    }
}

/// <summary>What one signer of a signature says.</summary>
/// <param name="Issuer">The issuer's name of its certificate, DER; empty where the certificate is named by its key.</param>
/// <param name="Number">The certificate's serial number, or its key's identifier.</param>
/// <param name="Digest">The digest that was signed, when it is accepted.</param>
/// <param name="DigestName">Its name for people.</param>
/// <param name="Algorithm">How it was signed, when that is accepted.</param>
/// <param name="SignedAttributes">What was signed in the content's place, or null.</param>
/// <param name="MessageDigest">The content's digest by the attributes.</param>
/// <param name="Signature">The signature's value.</param>
/// <param name="WhyRefused">Why it proves nothing, whatever its value; or empty.</param>
internal sealed record CmsSignerInfo(
    ReadOnlyMemory<byte> Issuer,
    ReadOnlyMemory<byte> Number,
    HashAlgorithmName Digest,
    string DigestName,
    SignatureAlgorithm? Algorithm,
    byte[]? SignedAttributes,
    ReadOnlyMemory<byte> MessageDigest,
    ReadOnlyMemory<byte> Signature,
    string WhyRefused)
{
    /// <summary>Whether a certificate is the one that the signer names (RFC 5652, 5.3).</summary>
    public bool IsBy(X509Certificate2 certificate)
    {
        try
        {
            // Two encodings of one name are one name: a signer need not copy the certificate's bytes.
            return Issuer.IsEmpty
                ? certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Any(k => k.SubjectKeyIdentifierBytes.Span.SequenceEqual(Number.Span))
                : certificate.SerialNumberBytes.Span.SequenceEqual(Number.Span)
                    && (certificate.IssuerName.RawData.AsSpan().SequenceEqual(Issuer.Span) || new X500DistinguishedName(Issuer.Span).Name == certificate.Issuer);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
