using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>How a signature is computed: the family, its digest, and for PSS the length of the salt. Only what counts can be made.</summary>
internal sealed record SignatureAlgorithm
{
    // RFC 8017, A.2: rsaEncryption, RSASSA-PSS, MGF1, sha256/384/512WithRSAEncryption.
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string Pss = "1.2.840.113549.1.1.10";
    private const string Mgf1 = "1.2.840.113549.1.1.8";
    private const string RsaSha256 = "1.2.840.113549.1.1.11";
    private const string RsaSha384 = "1.2.840.113549.1.1.12";
    private const string RsaSha512 = "1.2.840.113549.1.1.13";

    // RFC 5758, 3.2: ecdsa-with-SHA256/384/512.
    private const string EcdsaSha256 = "1.2.840.10045.4.3.2";
    private const string EcdsaSha384 = "1.2.840.10045.4.3.3";
    private const string EcdsaSha512 = "1.2.840.10045.4.3.4";

    // The longest name of an algorithm that is repeated in a message.
    private const int MaxNameLength = 64;

    private enum Family
    {
        RsaPkcs1,
        RsaPss,
        Ecdsa,
    }

    private Family Kind { get; init; }

    private int SaltLength { get; init; }

    /// <summary>The digest that is signed.</summary>
    public required HashAlgorithmName Digest { get; init; }

    /// <summary>RSA by PKCS #1 v1.5 (RFC 8017, 8.2).</summary>
    public static SignatureAlgorithm RsaPkcs1(HashAlgorithmName digest) => new() { Kind = Family.RsaPkcs1, Digest = digest };

    /// <summary>Reads an AlgorithmIdentifier (RFC 5280, 4.1.1.2) of a signature.</summary>
    /// <param name="reader">Stands before it.</param>
    /// <param name="digest">The digest that the signer named beside it, or null when the algorithm has to tell.</param>
    /// <param name="algorithm">The algorithm, when it is accepted.</param>
    /// <param name="why">Why it is not.</param>
    /// <exception cref="AsnContentException">It is no AlgorithmIdentifier.</exception>
    public static bool TryRead(AsnReader reader, HashAlgorithmName? digest, [NotNullWhen(true)] out SignatureAlgorithm? algorithm, out string why)
    {
        var identifier = reader.ReadSequence();
        var oid = identifier.ReadObjectIdentifier();
        algorithm = null;
        why = $"it uses the algorithm {NameOf(oid)}; RSA and ECDSA with SHA-2 are accepted";
        algorithm = oid switch
        {
            Rsa when digest is { } named => RsaPkcs1(named),
            RsaSha256 => RsaPkcs1(HashAlgorithmName.SHA256),
            RsaSha384 => RsaPkcs1(HashAlgorithmName.SHA384),
            RsaSha512 => RsaPkcs1(HashAlgorithmName.SHA512),
            EcdsaSha256 => new() { Kind = Family.Ecdsa, Digest = HashAlgorithmName.SHA256 },
            EcdsaSha384 => new() { Kind = Family.Ecdsa, Digest = HashAlgorithmName.SHA384 },
            EcdsaSha512 => new() { Kind = Family.Ecdsa, Digest = HashAlgorithmName.SHA512 },
            Pss => ReadPss(identifier, out why),
            _ => null,
        };
        if (algorithm is null)
        {
            return false;
        }

        SkipNull(identifier);
        if (digest is { } other && other != algorithm.Digest)
        {
            why = $"it names the digest {NameOf(other)}, and an algorithm with {NameOf(algorithm.Digest)}";
            algorithm = null;
            return false;
        }

        return true;
    }

    /// <summary>Reads an AlgorithmIdentifier of a digest (RFC 5754, 2): SHA-256, SHA-384 or SHA-512.</summary>
    /// <param name="reader">Stands before it.</param>
    /// <param name="name">Its name for people, also where it is not accepted.</param>
    /// <returns>The digest, or null when it is not accepted: SHA-1 and MD5 first of all.</returns>
    /// <exception cref="AsnContentException">It is no AlgorithmIdentifier.</exception>
    public static HashAlgorithmName? ReadDigest(AsnReader reader, out string name)
    {
        var identifier = reader.ReadSequence();
        var oid = identifier.ReadObjectIdentifier();
        HashAlgorithmName? digest = oid switch
        {
            "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
            "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
            "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
            _ => null,
        };
        name = digest is { } known ? NameOf(known) : NameOf(oid);
        if (digest is not null)
        {
            SkipNull(identifier);
        }

        return digest;
    }

    /// <summary>What people call a digest.</summary>
    public static string NameOf(HashAlgorithmName digest) =>
        digest == HashAlgorithmName.SHA256 ? "SHA-256"
        : digest == HashAlgorithmName.SHA384 ? "SHA-384"
        : digest == HashAlgorithmName.SHA512 ? "SHA-512"
        : digest.Name ?? string.Empty;

    /// <summary>The length of a digest in bytes (FIPS 180-4, figure 1).</summary>
    public static int LengthOf(HashAlgorithmName digest) => digest == HashAlgorithmName.SHA256 ? 32 : digest == HashAlgorithmName.SHA384 ? 48 : 64;

    /// <summary>A name that somebody sent, short enough for a message.</summary>
    public static string Shorten(string name) => name.Length > MaxNameLength ? name[..MaxNameLength] : name;

    /// <summary>Whether a signature over a digest is by a certificate's key.</summary>
    /// <exception cref="CryptographicException">The key or the signature is of no use.</exception>
    public bool Verify(X509Certificate2 certificate, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        if (Kind == Family.Ecdsa)
        {
            using var ecdsa = certificate.GetECDsaPublicKey();
            return ecdsa is not null && ecdsa.VerifyHash(digest, signature, DSASignatureFormat.Rfc3279DerSequence);
        }

        using var rsa = certificate.GetRSAPublicKey();
        return rsa is not null
            && (Kind == Family.RsaPkcs1 ? rsa.VerifyHash(digest, signature, Digest, RSASignaturePadding.Pkcs1)
                : SaltLength == digest.Length ? rsa.VerifyHash(digest, signature, Digest, RSASignaturePadding.Pss)
                : RsaPssVerifier.Verify(rsa, Digest, digest, signature, SaltLength));
    }

    // RSASSA-PSS-params (RFC 8017, A.2.3). Its defaults are SHA-1, so that what is left out is too weak.
    private static SignatureAlgorithm? ReadPss(AsnReader identifier, out string why)
    {
        var parameters = identifier.ReadSequence();
        why = "it uses RSA-PSS with a digest or a mask that is not SHA-256, SHA-384 or SHA-512";
        if (!TryEnter(parameters, 0, out var hash) || ReadDigest(hash, out _) is not { } digest || !TryEnter(parameters, 1, out var mask))
        {
            return null;
        }

        hash.ThrowIfNotEmpty();
        var generator = mask.ReadSequence();
        mask.ThrowIfNotEmpty();
        if (generator.ReadObjectIdentifier() != Mgf1 || ReadDigest(generator, out _) != digest)
        {
            return null;
        }

        generator.ThrowIfNotEmpty();
        var saltLength = 20;
        if (TryEnter(parameters, 2, out var salt))
        {
            // No key that is accepted has room for more.
            if (!salt.TryReadInt32(out saltLength) || saltLength < 0 || saltLength > SignatureRules.MaxRsaBits / 8)
            {
                why = "it uses RSA-PSS with a salt of no possible length";
                return null;
            }

            salt.ThrowIfNotEmpty();
        }

        if (TryEnter(parameters, 3, out var trailer) && (!trailer.TryReadInt32(out var field) || field != 1 || trailer.HasData))
        {
            why = "it uses RSA-PSS with an unknown trailer";
            return null;
        }

        parameters.ThrowIfNotEmpty();
        return new() { Kind = Family.RsaPss, Digest = digest, SaltLength = saltLength };
    }

    private static bool TryEnter(AsnReader reader, int number, [NotNullWhen(true)] out AsnReader? inner)
    {
        var tag = new Asn1Tag(TagClass.ContextSpecific, number, isConstructed: true);
        inner = reader.HasData && reader.PeekTag().HasSameClassAndValue(tag) ? reader.ReadSequence(tag) : null;
        return inner is not null;
    }

    private static void SkipNull(AsnReader identifier)
    {
        if (identifier.HasData)
        {
            identifier.ReadNull();
        }

        identifier.ThrowIfNotEmpty();
    }

    private static string NameOf(string oid) => Shorten(new Oid(oid).FriendlyName ?? oid);
}
