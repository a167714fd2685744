using System.Text;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>Reads a channel's output through one buffer of its own, so that a read that is given up never writes into a caller's memory.</summary>
internal sealed class SshReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Gives what is there, and waits when nothing is; 0 at the end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_start == _end && !await FillAsync(cancellationToken).ConfigureAwait(false))
        {
            return 0;
        }

        var length = Math.Min(buffer.Length, _end - _start);
        _buffer.AsMemory(_start, length).CopyTo(buffer);
        _start += length;
        return length;
    }

    /// <summary>Drops everything up to and with a marker, which must begin within so many bytes.</summary>
    public async ValueTask SkipPastAsync(ReadOnlyMemory<byte> marker, int maxBefore, CancellationToken cancellationToken)
    {
        for (var dropped = 0; ;)
        {
            var at = _buffer.AsSpan(_start, _end - _start).IndexOf(marker.Span);
            if (dropped + Math.Max(at, 0) > maxBefore)
            {
                break;
            }

            if (at >= 0)
            {
                _start += at + marker.Length;
                return;
            }

            // The marker may have begun at the end of what is there.
            var useless = Math.Max(0, _end - _start - marker.Length + 1);
            _start += useless;
            dropped += useless;
            if (dropped > maxBefore)
            {
                break;
            }

            if (!await FillAsync(cancellationToken).ConfigureAwait(false))
            {
                throw SshPeerException.Ended();
            }
        }

        throw SshPeerException.Violation("the far side prints something else where a shell was to be");
    }

    /// <summary>A line of ASCII without its end, of so many bytes at most.</summary>
    public async ValueTask<string> ReadLineAsync(int maxLength, CancellationToken cancellationToken)
    {
        while (true)
        {
            var there = _buffer.AsSpan(_start, _end - _start);
            var at = there.IndexOf((byte)'\n');
            if (at > maxLength || (at < 0 && there.Length > maxLength))
            {
                throw SshPeerException.Violation("the far side's answer has a line that is too long");
            }

            if (at >= 0)
            {
                var line = Encoding.ASCII.GetString(there[..at]);
                _start += at + 1;
                return line;
            }

            if (!await FillAsync(cancellationToken).ConfigureAwait(false))
            {
                throw SshPeerException.Ended();
            }
        }
    }

    public async ValueTask ReadExactlyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            var read = await ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            buffer = read > 0 ? buffer[read..] : throw SshPeerException.Ended();
        }
    }

    // Appends to what is there, of which callers leave less than half of the buffer.
    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        // Waited for with the token besides: a pipe's read can't be cancelled on every platform.
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        _end += read;
        return read > 0;
    }
}
