using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Files;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility.Trust;

/// <summary>Reads the certificate and the private key that a catalog is signed with, from files that nobody else can read.</summary>
/// <remarks>Thread-safe. The key stays in memory. No message repeats the path of the key's file, or anything that it holds.</remarks>
public static class CatalogSigningKey
{
    /// <summary>The largest file of a key in bytes: 64 KiB.</summary>
    public const int MaxKeyLength = 64 << 10;

    private const int MaxCertificateLength = 1 << 20;

    /// <summary>Reads a certificate and its key from two files in PEM.</summary>
    /// <param name="certificatePath">The certificate; the first one of the file. Not secret.</param>
    /// <param name="keyPath">The key (PKCS#8, PKCS#1 or SEC1); the file must give no right to group and others.</param>
    /// <param name="password">The key's password, or null when it is not encrypted; stays the caller's.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The certificate with its key, to be disposed of; <see cref="SecretUnprotected"/> when others can read the key; <see cref="CredentialsUnavailable"/> when something is missing or does not fit.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<X509Certificate2>> LoadPemAsync(string certificatePath, string keyPath, Secret? password, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(certificatePath);
        ArgumentException.ThrowIfNullOrEmpty(keyPath);
        var certificate = await DocumentFile.ReadAsync(certificatePath, MaxCertificateLength, cancellationToken).ConfigureAwait(false);
        if (certificate.Bytes is not { } bytes)
        {
            return new CredentialsUnavailable { Detail = $"the certificate can't be read: {certificate.WhyNot}", PeerCode = certificate.PeerCode };
        }

        if (!(await ProtectedFile.ReadAsync(keyPath, MaxKeyLength, cancellationToken).ConfigureAwait(false)).TryGetValue(out var key, out var failure))
        {
            return failure with { Detail = $"the key: {failure.Detail}" };
        }

        var text = GC.AllocateUninitializedArray<char>(key.Length, pinned: true);
        try
        {
            var count = Encoding.ASCII.GetChars(key, text);
            var pem = Encoding.ASCII.GetString(bytes.Span);
            return Opened(() => password is null
                ? X509Certificate2.CreateFromPem(pem, text.AsSpan(0, count))
                : password.Use((pem, text, count), static (s, characters) => X509Certificate2.CreateFromEncryptedPem(s.pem, s.text.AsSpan(0, s.count), characters)));
        }
        finally
        {
            Array.Clear(key);
            Array.Clear(text);
        }
    }

    /// <summary>Reads a certificate and its key from a PKCS#12 file (<c>.pfx</c>, <c>.p12</c>).</summary>
    /// <param name="path">The file; it must give no right to group and others.</param>
    /// <param name="password">The file's password, or null when it has none; stays the caller's.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>As <see cref="LoadPemAsync"/>.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<X509Certificate2>> LoadPkcs12Async(string path, Secret? password, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!(await ProtectedFile.ReadAsync(path, MaxKeyLength, cancellationToken).ConfigureAwait(false)).TryGetValue(out var content, out var failure))
        {
            return failure with { Detail = $"the key: {failure.Detail}" };
        }

        try
        {
            return Opened(() => password is null
                ? X509CertificateLoader.LoadPkcs12(content, default, X509KeyStorageFlags.EphemeralKeySet)
                : password.Use(content, static (c, characters) => X509CertificateLoader.LoadPkcs12(c, characters, X509KeyStorageFlags.EphemeralKeySet)));
        }
        finally
        {
            Array.Clear(content);
        }
    }

    private static FlashResult<X509Certificate2> Opened(Func<X509Certificate2> open)
    {
        try
        {
            var certificate = open();
            if (certificate.HasPrivateKey)
            {
                return certificate;
            }

            certificate.Dispose();
            return new CredentialsUnavailable { Detail = "there is no private key in it" };
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // The message of the platform may say more of the key than anybody else should know; it adds nothing that helps.
            return new CredentialsUnavailable { Detail = "the key can't be opened: the password is missing or wrong, the file holds no key, or the key is not that of the certificate" };
        }
    }
}
