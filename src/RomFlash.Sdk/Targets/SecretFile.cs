using System.Text;
using RomFlash.Sdk.Files;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Targets;

/// <summary>Reads a password from a file that nobody else can read.</summary>
/// <remarks>Thread-safe. No message names the path: somebody may have put the password where the path belongs.</remarks>
public static class SecretFile
{
    /// <summary>The largest file, in bytes.</summary>
    public const int MaxLength = 64 << 10;

    /// <summary>
    /// Reads a secret: the file's only line, in UTF-8, without the line end. The file must be a regular one, belong to the current user or to root,
    /// and give no right to group and others. That is checked on the opened file, so that it can't be exchanged in between; where the platform can't tell, the
    /// file is refused.
    /// </summary>
    /// <param name="path">The path; not empty.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>
    /// The secret, to be disposed of by the caller; <see cref="SecretUnprotected"/> when others can read the file; <see cref="CredentialsUnavailable"/> when there is
    /// no such file, or nothing usable in it.
    /// </returns>
    public static async Task<FlashResult<Secret>> ReadAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!(await ProtectedFile.ReadAsync(path, MaxLength, cancellationToken).ConfigureAwait(false)).TryGetValue(out var content, out var failure))
        {
            return failure;
        }

        try
        {
            return Decode(content);
        }
        finally
        {
            Array.Clear(content);
        }
    }

    private static FlashResult<Secret> Decode(byte[] content)
    {
        var characters = GC.AllocateUninitializedArray<char>(content.Length, pinned: true);
        try
        {
            var utf8 = content.AsSpan();
            if (utf8.StartsWith("\uFEFF"u8))
            {
                utf8 = utf8[3..];
            }

            if (!Encoding.UTF8.TryGetChars(utf8, characters, out var count) || characters.AsSpan(0, count).Contains('\uFFFD'))
            {
                return new CredentialsUnavailable { Detail = "the file is no UTF-8 text" };
            }

            var text = characters.AsSpan(0, count);
            text = text.EndsWith("\r\n") ? text[..^2] : text.EndsWith("\n") ? text[..^1] : text;
            if (text.IsEmpty)
            {
                return new CredentialsUnavailable { Detail = "the file is empty" };
            }

            return text.IndexOfAny("\r\n\0") >= 0
                ? new CredentialsUnavailable { Detail = "the file has more than one line; it is to hold the secret alone" }
                : new Secret(text);
        }
        finally
        {
            Array.Clear(characters);
        }
    }
}
