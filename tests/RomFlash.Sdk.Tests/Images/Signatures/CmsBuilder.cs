using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Tests.Compatibility.Trust;

namespace RomFlash.Sdk.Tests.Images.Signatures;

/// <summary>Builds CMS signatures field by field, right ones and wrong ones.</summary>
internal sealed class CmsBuilder
{
    public const string Data = "1.2.840.113549.1.7.1";
    public const string SignedData = "1.2.840.113549.1.7.2";
    public const string Sha256 = Signers.Sha256;
    public const string Sha384 = "2.16.840.1.101.3.4.2.2";
    public const string EcdsaSha256 = "1.2.840.10045.4.3.2";

    public static readonly byte[] Image = [.. "a ROM image, "u8, .. Enumerable.Range(0, 500).Select(i => (byte)(i * 7))];

    public static readonly Lazy<X509Certificate2> Rsa = new(() => Signers.SmallRsa(2048));

    public X509Certificate2 Signer { get; init; } = Signers.Pinned;

    public bool IsWrapped { get; init; } = true;

    public string OuterType { get; init; } = SignedData;

    public string ContentType { get; init; } = Data;

    public string AttributeContentType { get; init; } = Data;

    public byte[]? Embedded { get; init; }

    public string[] Listed { get; init; } = [Sha256];

    public string Digest { get; init; } = Sha256;

    /// <summary>The encoded AlgorithmIdentifier of the signature, or null for ECDSA or RSA with SHA-256.</summary>
    public byte[]? Algorithm { get; init; }

    public IReadOnlyList<byte[]>? Certificates { get; init; }

    public byte[] Revocations { get; init; } = [];

    public byte[] Unsigned { get; init; } = [];

    public int Signatures { get; init; } = 1;

    public bool HasAttributes { get; init; } = true;

    public int ContentTypes { get; init; } = 1;

    public int MessageDigests { get; init; } = 1;

    public bool IsByKey { get; init; }

    /// <summary>Encodes an AlgorithmIdentifier.</summary>
    public static byte[] AlgorithmOf(string oid, Action<AsnWriter>? parameters = null)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        WriteAlgorithm(writer, oid, parameters);
        return writer.Encode();
    }

    public static void WriteAlgorithm(AsnWriter writer, string oid, Action<AsnWriter>? parameters = null)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            parameters?.Invoke(writer);
        }
    }

    public static RomImageSignature Check(ReadOnlyMemory<byte> encoded, ReadOnlySpan<byte> content, ImageSignatureTrust? trust)
    {
        if (!CmsSignature.TryParse(encoded, out var signature, out var why))
        {
            return SignatureVerdict.Invalid("test", why);
        }

        using var digests = signature.CreateDigests();
        digests.Append(content);
        return signature.Verify("test", digests, trust);
    }

    public static ImageSignatureTrust Trusting(params X509Certificate2[] certificates) => new() { Certificates = [.. certificates], TimeProvider = new FixedTime(Signers.Now) };

    public byte[] Build(byte[]? content = null)
    {
        content ??= Image;
        var writer = new AsnWriter(AsnEncodingRules.DER);
        if (!IsWrapped)
        {
            WriteSignedData(writer, content);
            return writer.Encode();
        }

        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(OuterType);
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                WriteSignedData(writer, content);
            }
        }

        return writer.Encode();
    }

    private void WriteSignedData(AsnWriter writer, byte[] content)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            using (writer.PushSetOf())
            {
                foreach (var digest in Listed)
                {
                    WriteAlgorithm(writer, digest);
                }
            }

            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(ContentType);
                if (Embedded is not null)
                {
                    using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
                    {
                        writer.WriteOctetString(Embedded);
                    }
                }
            }

            if (Certificates is not { Count: 0 })
            {
                using (writer.PushSetOf(new Asn1Tag(TagClass.ContextSpecific, 0)))
                {
                    foreach (var certificate in Certificates ?? [Signer.RawData])
                    {
                        writer.WriteEncodedValue(certificate);
                    }
                }
            }

            if (Revocations.Length > 0)
            {
                writer.WriteEncodedValue(Revocations);
            }

            using (writer.PushSetOf())
            {
                for (var i = 0; i < Signatures; i++)
                {
                    WriteSigner(writer, content);
                }
            }
        }
    }

    private void WriteSigner(AsnWriter writer, byte[] content)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(IsByKey ? 3 : 1);
            if (IsByKey)
            {
                writer.WriteOctetString(Signer.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single().SubjectKeyIdentifierBytes.Span, new Asn1Tag(TagClass.ContextSpecific, 0));
            }
            else
            {
                using (writer.PushSequence())
                {
                    writer.WriteEncodedValue(Signer.IssuerName.RawData);
                    writer.WriteInteger(Signer.SerialNumberBytes.Span);
                }
            }

            WriteAlgorithm(writer, Digest);
            var signed = content;
            if (HasAttributes)
            {
                signed = Attributes(content);
                writer.WriteEncodedValue([0xA0, .. signed.AsSpan(1)]);
            }

            using var rsa = Signer.GetRSAPrivateKey();
            using var ecdsa = Signer.GetECDsaPrivateKey();
            writer.WriteEncodedValue(Algorithm ?? AlgorithmOf(rsa is null ? EcdsaSha256 : "1.2.840.113549.1.1.1"));
            writer.WriteOctetString(rsa?.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) ?? ecdsa!.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
            if (Unsigned.Length > 0)
            {
                writer.WriteEncodedValue(Unsigned);
            }
        }
    }

    private byte[] Attributes(byte[] content)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSetOf())
        {
            for (var i = 0; i < ContentTypes; i++)
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier("1.2.840.113549.1.9.3");
                    using (writer.PushSetOf())
                    {
                        writer.WriteObjectIdentifier(AttributeContentType);
                    }
                }
            }

            for (var i = 0; i < MessageDigests; i++)
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier("1.2.840.113549.1.9.4");
                    using (writer.PushSetOf())
                    {
                        writer.WriteOctetString(SHA256.HashData(content));
                    }
                }
            }
        }

        return writer.Encode();
    }
}
