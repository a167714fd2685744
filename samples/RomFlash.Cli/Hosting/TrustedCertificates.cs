using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.Hosting;

/// <summary>Reads the certificates that a user names: PEM, with one or several in a file, or DER.</summary>
internal static class TrustedCertificates
{
    private const int MaxLength = 1 << 20;

    public static async Task<FlashResult<X509Certificate2Collection>> LoadAsync(string option, IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        var all = new X509Certificate2Collection();
        foreach (var path in paths)
        {
            if (!(await new FileImageSource(path).OpenReadAsync(cancellationToken)).TryGetValue(out var stream, out var failure))
            {
                return Invalid(failure.Detail);
            }

            await using (stream)
            {
                if (stream.Length > MaxLength)
                {
                    return Invalid($"{path}: it is larger than {MaxLength} bytes");
                }

                var content = new byte[(int)stream.Length];
                try
                {
                    await stream.ReadExactlyAsync(content, cancellationToken);
                    var before = all.Count;
                    if (content is [0x30, ..])
                    {
                        all.Add(X509CertificateLoader.LoadCertificate(content));
                    }
                    else
                    {
                        all.ImportFromPem(Encoding.ASCII.GetString(content));
                    }

                    if (all.Count == before)
                    {
                        return Invalid($"{path}: there is no certificate in it");
                    }
                }
                catch (Exception e) when (e is CryptographicException or IOException)
                {
                    return Invalid($"{path}: it can't be read as a certificate ({e.Message})");
                }
            }
        }

        return all;

        InvalidParameter Invalid(string why) => new() { Parameter = option, Detail = $"{option} {why}" };
    }
}
