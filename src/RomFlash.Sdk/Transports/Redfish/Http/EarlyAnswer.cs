namespace RomFlash.Sdk.Transports.Redfish.Http;

/// <summary>
/// The stream of an upload's connection, which sees when a service answers before it has the whole body. From then on, or when a write fails, what is written
/// goes nowhere: the framework looks at an answer only when it has got rid of the body, and a service that has answered does not read.
/// </summary>
/// <remarks>One reader and one writer at a time, which may be two threads.</remarks>
internal sealed class EarlyAnswer(Stream inner) : Stream
{
    // The first digit of the status follows "HTTP/1.1 " (RFC 9112, 4).
    private const int StatusAt = 9;

    private readonly CancellationTokenSource _over = new();
    private int _at;
    private bool _isLineEmpty;
    private volatile bool _hasDropped;

    /// <summary>Whether the service has begun its answer, and not merely said that it goes on (RFC 9110, 15.2), or can't be written to any more.</summary>
    public bool IsOver => _hasDropped || _over.IsCancellationRequested;

    /// <summary>Whether something of the request did not go out.</summary>
    public bool HasDropped => _hasDropped;

    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Ends the write under way, and all to come. Thread-safe.</summary>
    public void StopWriting()
    {
        _hasDropped = true;
        _over.Cancel();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (!_over.IsCancellationRequested && Sees(buffer.Span[..count]))
        {
            await _over.CancelAsync().ConfigureAwait(false);
        }

        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (IsOver)
        {
            _hasDropped = true;
            return;
        }

        try
        {
            // The framework passes no token on: it ends a write by disposing of the stream.
            await inner.WriteAsync(buffer, _over.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // What is left to do is to look whether there is an answer.
            _hasDropped = true;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => IsOver ? Task.CompletedTask : inner.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    // Reads on behind the heads of informational answers, which have no body.
    private bool Sees(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (_at < StatusAt)
            {
                _at++;
            }
            else if (_at == StatusAt)
            {
                if (b != '1')
                {
                    return true;
                }

                (_at, _isLineEmpty) = (_at + 1, false);
            }
            else if (b == '\n')
            {
                _at = _isLineEmpty ? 0 : _at;
                _isLineEmpty = true;
            }
            else if (b != '\r')
            {
                _isLineEmpty = false;
            }
        }

        return false;
    }
}
