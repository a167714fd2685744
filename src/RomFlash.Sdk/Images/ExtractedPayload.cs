using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Images;

/// <summary>A payload, extracted so that it can be read by offset: in memory when it is small, in a temporary file of this account otherwise.</summary>
internal sealed class ExtractedPayload : IDisposable
{
    private const int LargestInMemory = 8 << 20;
    private const int BufferSize = 256 << 10;

    private readonly Stream _stream;
    private readonly IDisposable? _reader;

    private ExtractedPayload(Stream stream, IRomImageContent content, ContentDigest sha256)
    {
        _stream = stream;
        _reader = content as IDisposable;
        Content = content;
        Sha256 = sha256;
    }

    public IRomImageContent Content { get; }

    public ContentDigest Sha256 { get; }

    /// <summary>Extracts.</summary>
    /// <returns>What was extracted; or why it can't be: the package is damaged, or does not give exactly what it promised.</returns>
    /// <exception cref="IOException">The temporary file can't be written. That is no mistake of the package.</exception>
    public static async ValueTask<(ExtractedPayload? Payload, string WhyNot)> ExtractAsync(string name, Stream from, long length, CancellationToken cancellationToken)
    {
        var isSmall = length <= LargestInMemory;
        var bytes = isSmall ? new byte[(int)length] : [];
        Stream into = isSmall ? new MemoryStream(bytes) : Temporary();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        var isDone = false;
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (long done = 0; ;)
            {
                int read;
                try
                {
                    read = await from.ReadAsync(buffer.AsMemory(0, BufferSize), cancellationToken).ConfigureAwait(false);
                }
                catch (IOException e)
                {
                    return (null, $"it can't be extracted: {e.Message}");
                }

                done += read;
                if (done > length || (read == 0 && done < length))
                {
                    return (null, string.Create(CultureInfo.InvariantCulture, $"it does not have the {length} bytes that the package promises"));
                }

                if (read == 0)
                {
                    break;
                }

                hash.AppendData(buffer, 0, read);
                await into.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }

            await into.FlushAsync(cancellationToken).ConfigureAwait(false);
            var digest = new byte[ContentDigest.Size];
            hash.GetHashAndReset(digest);
            isDone = true;
            return (
                new(
                    into,
                    isSmall ? new MemoryContent(name, bytes) : new WitnessedContent(name, into, length, isWitness: false, cancellationToken),
                    new ContentDigest(digest)),
                string.Empty);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (!isDone)
            {
                await into.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _stream.Dispose();
    }

    // Elsewhere than on Windows it has no name any more once it is open, so that nothing is left of it even if the process dies.
    private static FileStream Temporary()
    {
        var path = Path.Combine(Path.GetTempPath(), $"romflash-{Guid.NewGuid():N}.payload");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            Options = FileOptions.Asynchronous | (OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None),
            BufferSize = 0,
        };
        if (OperatingSystem.IsWindows())
        {
            return new(path, options);
        }

        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var stream = new FileStream(path, options);
        try
        {
            File.Delete(path);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }
}
