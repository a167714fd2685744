using System.Security.Cryptography;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>
/// An image as it arrived, in a temporary file that goes with this object: a deposit names the digest before its first byte, and an
/// upload is never held in memory.
/// </summary>
internal sealed class SpooledImage : IDisposable
{
    private const int BufferLength = 1 << 16;

    private readonly FileStream _file;

    private SpooledImage(FileStream file) => _file = file;

    public long Length { get; private set; }

    public ContentDigest Sha256 { get; private set; }

    /// <summary>Takes a content. Null when it is longer than the limit; then nothing of it is left.</summary>
    public static async ValueTask<SpooledImage?> TakeAsync(Stream content, long limit, CancellationToken cancellationToken)
    {
        var path = Path.Combine(Path.GetTempPath(), $"romflash-{Path.GetRandomFileName()}");
        var image = new SpooledImage(new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose | FileOptions.Asynchronous));
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[BufferLength];
            for (int count; (count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                if (image.Length + count > limit)
                {
                    image.Dispose();
                    return null;
                }

                hash.AppendData(buffer, 0, count);
                await image._file.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                image.Length += count;
            }

            image.Sha256 = new(hash.GetHashAndReset());
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>Reads at an offset; fewer bytes than the buffer holds only at the end.</summary>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var filled = 0;
        while (filled < buffer.Length)
        {
            var count = await RandomAccess.ReadAsync(_file.SafeFileHandle, buffer[filled..], offset + filled, cancellationToken).ConfigureAwait(false);
            if (count == 0)
            {
                break;
            }

            filled += count;
        }

        return filled;
    }

    public void Dispose() => _file.Dispose();
}
