namespace RomFlash.Peers.Links;

/// <summary>Where in its messages one direction of one connection is. Without a framing, it is one message without an end.</summary>
internal sealed class MessageProgress(MessageFraming? framing)
{
    private readonly byte[] _header = new byte[framing?.HeaderLength ?? 0];
    private long _done;
    private long _length;

    /// <summary>The number of the current message.</summary>
    public long Number { get; set; }

    /// <summary>Whether the next byte begins a message.</summary>
    public bool IsAtStart => _done == 0;

    /// <summary>How many of these bytes belong together: to the header, or to the rest of the message.</summary>
    public int Measure(ReadOnlySpan<byte> bytes) =>
        framing is null ? bytes.Length : (int)Math.Min(bytes.Length, (_done < _header.Length ? _header.Length : _length) - _done);

    /// <summary>Goes over bytes, no more than <see cref="Measure"/> says.</summary>
    public void Advance(ReadOnlySpan<byte> bytes)
    {
        if (_done < _header.Length)
        {
            bytes.CopyTo(_header.AsSpan((int)_done));
        }

        _done += bytes.Length;
        if (framing is not null && _done == _header.Length)
        {
            _length = Math.Max(_header.Length, framing.MessageLength(_header));
        }

        if (framing is not null && _done >= _header.Length && _done == _length)
        {
            _done = 0;
        }
    }
}
