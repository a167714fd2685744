using System.Buffers;
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

    /// <summary>Extracts; null when the stream does not give exactly what it promised.</summary>
    /// <exception cref="IOException">The package is damaged, or there is no room for the temporary file.</exception>
    public static async ValueTask<ExtractedPayload?> ExtractAsync(string name, Stream from, long length, CancellationToken cancellationToken)
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
                var read = await from.ReadAsync(buffer.AsMemory(0, BufferSize), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    if (done != length)
                    {
                        return null;
                    }

                    break;
                }

                done += read;
                if (done > length)
                {
                    return null;
                }

                hash.AppendData(buffer, 0, read);
                await into.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }

            await into.FlushAsync(cancellationToken).ConfigureAwait(false);
            var digest = new byte[ContentDigest.Size];
            hash.GetHashAndReset(digest);
            isDone = true;
            return new(
                into,
                isSmall ? new MemoryContent(name, bytes) : new WitnessedContent(name, into, length, isWitness: false, cancellationToken),
                new ContentDigest(digest));
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

    private static FileStream Temporary()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new(Path.Combine(Path.GetTempPath(), $"romflash-{Guid.NewGuid():N}.payload"), options);
    }
}
