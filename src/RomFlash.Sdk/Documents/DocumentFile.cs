using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Documents;

/// <summary>Reads a whole file that a person wrote, up to a limit.</summary>
internal static class DocumentFile
{
    // The first guess where a stream does not tell its length.
    private const int FirstLength = 64 << 10;

    /// <summary>Reads a regular file.</summary>
    /// <returns>The content, or why there is none; a file that is too large is not read at all.</returns>
    public static async ValueTask<DocumentContent> ReadAsync(string path, int maxLength, CancellationToken cancellationToken)
    {
        if (path.Length == 0)
        {
            return new(null, "no file was named");
        }

        if (!(await new FileImageSource(path).OpenReadAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure))
        {
            return new(null, failure.Detail) { PeerCode = failure.PeerCode };
        }

        await using (stream.ConfigureAwait(false))
        {
            var content = await ReadAsync(stream, maxLength, cancellationToken).ConfigureAwait(false);
            return content.Bytes is null ? content with { WhyNot = $"{path}: {content.WhyNot}" } : content;
        }
    }

    /// <summary>Reads a stream to its end; where it does not tell its length, at most one byte more than the limit.</summary>
    /// <returns>The content, or why there is none.</returns>
    public static async ValueTask<DocumentContent> ReadAsync(Stream stream, int maxLength, CancellationToken cancellationToken)
    {
        try
        {
            var known = stream.CanSeek ? stream.Length - stream.Position : 0;
            if (known > maxLength)
            {
                return TooLarge(maxLength);
            }

            // One byte more tells the end from a file that grows, or that lies about its length.
            var buffer = new byte[Math.Min(maxLength, known > 0 ? known : FirstLength) + 1];
            var count = 0;
            while (true)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(count), cancellationToken).ConfigureAwait(false);
                count += read;
                if (count > maxLength)
                {
                    return TooLarge(maxLength);
                }

                if (read == 0)
                {
                    return new(buffer.AsMemory(0, count), string.Empty);
                }

                if (count == buffer.Length)
                {
                    Array.Resize(ref buffer, (int)Math.Min(maxLength + 1L, buffer.Length * 2L));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return new(null, e.Message) { PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)e.HResult)) };
        }
    }

    private static DocumentContent TooLarge(int maxLength) => new(null, $"it is larger than {maxLength} bytes");
}

/// <summary>What was read of a file, or why nothing was.</summary>
/// <param name="Bytes">The content, or null.</param>
/// <param name="WhyNot">Why there is none; empty otherwise. Untrusted text.</param>
internal readonly record struct DocumentContent(ReadOnlyMemory<byte>? Bytes, string WhyNot)
{
    /// <summary>The operating system's code, or null.</summary>
    public PeerCode? PeerCode { get; init; }
}
