namespace RomFlash.Sdk.Compatibility.Import;

/// <summary>Shows its first bytes in advance, and counts what was taken. Reading only.</summary>
internal sealed class MeasuredStream(Stream inner) : ReadingStream
{
    private readonly byte[] _first = new byte[6];
    private int _firstLength;
    private int _firstTaken;

    /// <summary>How many bytes were taken.</summary>
    public long Taken { get; private set; }

    public async ValueTask<ReadOnlyMemory<byte>> PeekAsync(CancellationToken cancellationToken)
    {
        _firstLength = await inner.ReadAtLeastAsync(_first, _first.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return _first.AsMemory(0, _firstLength);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count;
        if (_firstTaken < _firstLength)
        {
            count = Math.Min(buffer.Length, _firstLength - _firstTaken);
            _first.AsMemory(_firstTaken, count).CopyTo(buffer);
            _firstTaken += count;
        }
        else
        {
            count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }

        Taken += count;
        return count;
    }

    public override int Read(Span<byte> buffer)
    {
        int count;
        if (_firstTaken < _firstLength)
        {
            count = Math.Min(buffer.Length, _firstLength - _firstTaken);
            _first.AsSpan(_firstTaken, count).CopyTo(buffer);
            _firstTaken += count;
        }
        else
        {
            count = inner.Read(buffer);
        }

        Taken += count;
        return count;
    }
}

/// <summary>Ends a content that is larger than the bounds, absolutely or by its ratio of compression.</summary>
internal sealed class BoundedStream(Stream inner, MeasuredStream? compressed) : ReadingStream
{
    private const long Free = 1 << 20;

    private long _given;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    public override int Read(Span<byte> buffer) => Count(inner.Read(buffer));

    private int Count(int count)
    {
        _given += count;
        return _given > LvfsImport.MaxLength ? throw new InvalidDataException($"it is larger than {LvfsImport.MaxLength} bytes")
            : compressed is not null && _given > Free && _given / LvfsImport.MaxRatio > compressed.Taken ? throw new InvalidDataException($"it is compressed more than {LvfsImport.MaxRatio} times")
            : count;
    }
}

/// <summary>A stream that can only be read on.</summary>
internal abstract class ReadingStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public abstract override int Read(Span<byte> buffer);

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
