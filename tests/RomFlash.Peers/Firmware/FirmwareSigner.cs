using System.Buffers.Binary;
using System.Security.Cryptography.X509Certificates;

namespace RomFlash.Peers.Firmware;

/// <summary>Somebody with a key, who signs capsules.</summary>
public sealed class FirmwareSigner
{
    // EFI_CERT_X509_GUID (UEFI 2.10, 32.4.1).
    private static readonly Guid X509 = new("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");

    private FirmwareSigner(string key, string certificate)
    {
        Key = key;
        Certificate = certificate;
    }

    /// <summary>The file of the private key.</summary>
    public string Key { get; }

    /// <summary>The file of the certificate, as PEM.</summary>
    public string Certificate { get; }

    /// <summary>Makes one with openssl.</summary>
    /// <param name="folder">Where the files are to lie.</param>
    /// <param name="name">Who it is.</param>
    /// <returns>The signer.</returns>
    public static async Task<FirmwareSigner> CreateAsync(string folder, string name)
    {
        var (key, certificate) = (Path.Combine(folder, name + ".key"), Path.Combine(folder, name + ".crt"));
        string[] arguments = ["req", "-x509", "-newkey", "rsa:2048", "-sha256", "-days", "3650", "-nodes", "-subj", $"/CN={name}/", "-keyout", key, "-out", certificate];
        (await PeerProgram.RunAsync(PeerProgram.Find("openssl", "openssl"), arguments)).Required("openssl");
        return new(key, certificate);
    }

    /// <summary>The certificate as firmware is told whom to trust: an EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1).</summary>
    /// <returns>The list.</returns>
    public byte[] SignatureList()
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(Certificate);
        var list = new byte[28 + 16 + certificate.RawData.Length];
        X509.TryWriteBytes(list);
        BinaryPrimitives.WriteInt32LittleEndian(list.AsSpan(16), list.Length);
        BinaryPrimitives.WriteInt32LittleEndian(list.AsSpan(24), 16 + certificate.RawData.Length);
        certificate.RawData.CopyTo(list, 44);
        return list;
    }
}
