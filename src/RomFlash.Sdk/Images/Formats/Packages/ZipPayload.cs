using System.IO.Compression;
using RomFlash.Sdk.Images.Checksums;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images.Formats.Packages;

/// <summary>An entry of a zip file as what a target takes.</summary>
internal sealed class ZipPayload(ZipEntry entry) : RomPayload(entry.Name, entry.Length)
{
    public override ValueTask<FlashResult<Stream>> OpenAsync(Stream package, IRomImageSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(package);
        return new(FlashResult<Stream>.From(Open(package, entry)));
    }

    /// <summary>The extracted bytes; the CRC-32 is checked at the end.</summary>
    public static Stream Open(Stream package, ZipEntry entry)
    {
        package.Position = entry.DataOffset;
        Stream limited = new PackageSection(package, entry.CompressedLength);
        return new CheckedStream(entry.Method == ZipDirectory.Deflated ? new DeflateStream(limited, CompressionMode.Decompress) : limited, entry.Length, entry.Crc);
    }
}

/// <summary>A stretch of a package, to its end and no further; owns the package's stream.</summary>
internal sealed class PackageSection(Stream package, long length) : ForwardStream
{
    private long _left = length;

    public override int Read(Span<byte> buffer)
    {
        var read = package.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
        _left -= read;
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await package.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
        _left -= read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            package.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>Extracted bytes, of which there have to be as many as promised, with the CRC-32 that was promised.</summary>
internal sealed class CheckedStream(Stream extracted, long length, uint crc) : ForwardStream
{
    private readonly Crc32 _crc = new();
    private long _left = length;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        try
        {
            return Check(buffer, extracted.Read(buffer));
        }
        catch (InvalidDataException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        try
        {
            var read = await extracted.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            return Check(buffer.Span, read);
        }
        catch (InvalidDataException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            extracted.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Check(ReadOnlySpan<byte> buffer, int read)
    {
        _crc.Append(buffer[..read]);
        _left -= read;
        return _left < 0 || (read == 0 && _left > 0) ? throw new IOException("It does not have the length that the package promises.")
            : read == 0 && _crc.CurrentValue != crc ? throw new IOException("Its CRC-32 is not the one that the package promises.")
            : read;
    }
}

/// <summary>A stream that is read from its beginning to its end.</summary>
internal abstract class ForwardStream : Stream
{
    public sealed override bool CanRead => true;

    public sealed override bool CanSeek => false;

    public sealed override bool CanWrite => false;

    public sealed override long Length => throw new NotSupportedException();

    public sealed override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public sealed override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    public abstract override int Read(Span<byte> buffer);

    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public sealed override void Flush()
    {
    }

    public sealed override void SetLength(long value) => throw new NotSupportedException();

    public sealed override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
