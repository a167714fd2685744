using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Files;

/// <summary>Reads a regular file as a whole, when it is no larger than its reader wants.</summary>
internal static class BoundedFile
{
    /// <summary>Looks at the length first; what grows while it is read ends at the bound.</summary>
    /// <returns>The content; <see cref="ImageUnreadable"/> and the like, whose detail and peer code say why not: the caller has a failure of its own.</returns>
    public static async ValueTask<FlashResult<ReadOnlyMemory<byte>>> ReadAsync(string path, int maxLength, CancellationToken cancellationToken)
    {
        if (!(await new FileImageSource(path).OpenReadAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure))
        {
            return failure;
        }

        await using (stream.ConfigureAwait(false))
        {
            try
            {
                if (stream.Length > maxLength)
                {
                    return new ImageTooLarge { Detail = string.Create(CultureInfo.InvariantCulture, $"{path}: it is larger than {maxLength} bytes") };
                }

                var content = new byte[(int)stream.Length];
                var count = await stream.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                return new ReadOnlyMemory<byte>(content, 0, count);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                return new ImageUnreadable { Detail = $"{path}: {e.Message}", PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)e.HResult)) };
            }
        }
    }
}
