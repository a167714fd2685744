using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Sdk.Images.Signatures;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Somebody who signs images, with a key that was made for the test.</summary>
internal sealed class CapsuleSigner : IDisposable
{
    private readonly RSA _key = RSA.Create(2048);

    public CapsuleSigner(string name = "CN=Maker")
    {
        var request = new CertificateRequest(name, _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Certificate = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
    }

    public static DateTimeOffset Now => new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    public X509Certificate2 Certificate { get; }

    public ImageSignatureTrust Trust => new() { Certificates = [Certificate], TimeProvider = new FixedTime() };

    /// <summary>A detached signature in DER.</summary>
    public byte[] Sign(byte[] content)
    {
        var cms = new SignedCms(new ContentInfo(content), detached: true);
        cms.ComputeSignature(new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, Certificate) { IncludeOption = X509IncludeOption.EndCertOnly, DigestAlgorithm = new Oid("2.16.840.1.101.3.4.2.1") }, silent: true);
        return cms.Encode();
    }

    /// <summary>The authentication of a payload and the payload behind it.</summary>
    public byte[] Authenticate(byte[] payload, ulong count)
    {
        var counter = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(counter, count);
        var signature = Sign([.. payload, .. counter]);
        var header = CapsuleBuilder.Authentication(signature.Length);
        counter.CopyTo(header, 0);
        signature.CopyTo(header, 32);
        return [.. header, .. payload];
    }

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
