using System.Buffers;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Images;

/// <summary>Sums of and searches in stretches of a content, however long: bytes in memory as they are, others in steps through one pooled buffer.</summary>
/// <remarks>
/// Thread-safe and without state. A stretch that can't be read ends the sum or the search early: why it can't is known to the content, and whoever validates
/// looks there.
/// </remarks>
internal static class ContentRanges
{
    /// <summary>The sum of all bytes modulo 256.</summary>
    /// <param name="content">The content.</param>
    /// <param name="offset">Where the stretch begins, in bytes.</param>
    /// <param name="length">How long it is.</param>
    public static byte Sum8(IRomImageContent content, long offset, long length)
    {
        byte sum = 0;
        using var steps = new ContentSteps(content, offset, length);
        while (steps.TryNext(out var bytes))
        {
            sum += Checksums.Sum8.Hash(bytes);
        }

        return sum;
    }

    /// <summary>The CRC-32 (IEEE).</summary>
    /// <param name="content">The content.</param>
    /// <param name="offset">Where the stretch begins, in bytes.</param>
    /// <param name="length">How long it is.</param>
    public static uint Crc32(IRomImageContent content, long offset, long length)
    {
        var crc = new Crc32();
        using var steps = new ContentSteps(content, offset, length);
        while (steps.TryNext(out var bytes))
        {
            crc.Append(bytes);
        }

        return crc.CurrentValue;
    }

    /// <summary>Finds the first byte that is not a certain one: where erased flash or padding ends.</summary>
    /// <param name="content">The content.</param>
    /// <param name="offset">Where the stretch begins, in bytes.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="value">The byte.</param>
    /// <returns>The offset in the content, or -1 when there is none.</returns>
    public static long IndexOfAnyExcept(IRomImageContent content, long offset, long length, byte value)
    {
        using var steps = new ContentSteps(content, offset, length);
        while (steps.TryNext(out var bytes))
        {
            if (bytes.IndexOfAnyExcept(value) is >= 0 and var at)
            {
                return steps.Start + at;
            }
        }

        return -1;
    }

    /// <summary>Finds the first place of a pattern.</summary>
    /// <param name="content">The content.</param>
    /// <param name="offset">Where the stretch begins, in bytes.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="pattern">What is looked for; shorter than <see cref="ContentSteps.Size"/>.</param>
    /// <returns>The offset in the content, or -1 when it is not in it as a whole.</returns>
    public static long IndexOf(IRomImageContent content, long offset, long length, scoped ReadOnlySpan<byte> pattern)
    {
        using var steps = new ContentSteps(content, offset, length, Math.Max(0, pattern.Length - 1));
        while (steps.TryNext(out var bytes))
        {
            if (bytes.IndexOf(pattern) is >= 0 and var at)
            {
                return steps.Start + at;
            }
        }

        return -1;
    }
}

/// <summary>Walks over a stretch of a content. Dispose of it: it holds a pooled buffer.</summary>
internal ref struct ContentSteps
{
    /// <summary>How many new bytes a step has at most where the content is not in memory; then steps end at multiples of it, so that blocks are read as a whole.</summary>
    public const int Size = 256 << 10;

    private readonly IRomImageContent _content;
    private readonly int _overlap;
    private long _end;
    private long _next;
    private int _given;
    private byte[]? _buffer;

    /// <summary>Begins a walk.</summary>
    /// <param name="content">The content.</param>
    /// <param name="offset">Where the stretch begins, in bytes.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="overlap">How many bytes of a step the next one has in front again, so that what lies across both is seen.</param>
    public ContentSteps(IRomImageContent content, long offset, long length, int overlap = 0)
    {
        _content = content;
        _next = offset;
        _end = offset < 0 || length < 0 || offset > content.Length || length > content.Length - offset ? offset : offset + length;
        _overlap = overlap;
        Start = offset;
    }

    /// <summary>Where in the content the step begins that was given last.</summary>
    public long Start { get; private set; }

    /// <summary>Gives the next step.</summary>
    /// <param name="bytes">Its bytes; valid until the next call.</param>
    /// <returns>False at the end, or when it can't be read.</returns>
    public bool TryNext(out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (_next >= _end)
        {
            return false;
        }

        if (_buffer is null && _end - _next <= int.MaxValue && _content.TryGetMemory(_next, _end - _next, out var memory))
        {
            Start = _next;
            _next = _end;
            bytes = memory.Span;
            return true;
        }

        _buffer ??= ArrayPool<byte>.Shared.Rent(Size + _overlap);
        var kept = Math.Min(_overlap, _given);
        _buffer.AsSpan(_given - kept, kept).CopyTo(_buffer);
        var count = (int)Math.Min(Size - (_next % Size), _end - _next);
        if (!_content.TryRead(_next, _buffer.AsSpan(kept, count)))
        {
            _end = _next;
            return false;
        }

        _given = kept + count;
        Start = _next - kept;
        _next += count;
        bytes = _buffer.AsSpan(0, _given);
        return true;
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
