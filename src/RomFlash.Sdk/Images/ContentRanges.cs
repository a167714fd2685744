using System.Buffers;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Images;

/// <summary>Sums and searches over ranges of a content, wherever it lies, in steps of <see cref="StepSize"/> at most.</summary>
/// <remarks>A range that can't be read ends the search or sum early: why it can't is known to the content, and whoever validates looks there.</remarks>
internal static class ContentRanges
{
    public const int StepSize = 256 << 10;

    /// <summary>The sum of all bytes modulo 256.</summary>
    public static byte Sum8(IRomImageContent content, long offset, long length)
    {
        byte sum = 0;
        using var steps = new Steps(content, offset, length);
        while (steps.Next())
        {
            sum += Checksums.Sum8.Hash(steps.Bytes);
        }

        return sum;
    }

    /// <summary>The CRC-32 (IEEE) of a range.</summary>
    public static uint Crc32(IRomImageContent content, long offset, long length)
    {
        var crc = new Crc32();
        using var steps = new Steps(content, offset, length);
        while (steps.Next())
        {
            crc.Append(steps.Bytes);
        }

        return crc.CurrentValue;
    }

    /// <summary>Where the first byte of a range is that is not the given one, or -1 when all are.</summary>
    public static long IndexOfAnyExcept(IRomImageContent content, long offset, long length, byte value)
    {
        using var steps = new Steps(content, offset, length);
        while (steps.Next())
        {
            if (steps.Bytes.IndexOfAnyExcept(value) is >= 0 and var found)
            {
                return steps.Offset + found;
            }
        }

        return -1;
    }

    /// <summary>Where a pattern occurs first in a range, wholly in it, or -1.</summary>
    public static long IndexOf(IRomImageContent content, long offset, long length, ReadOnlySpan<byte> pattern)
    {
        // Steps overlap by what a pattern may lack at a step's end.
        using var steps = new Steps(content, offset, length, pattern.Length - 1);
        while (steps.Next())
        {
            if (steps.Bytes.IndexOf(pattern) is >= 0 and var found)
            {
                return steps.Offset + found;
            }
        }

        return -1;
    }

    /// <summary>Goes through a range.</summary>
    private ref struct Steps
    {
        private readonly IRomImageContent _content;
        private readonly long _start;
        private readonly long _end;
        private readonly int _overlap;
        private byte[]? _buffer;
        private long _next;

        public Steps(IRomImageContent content, long offset, long length, int overlap = 0)
        {
            _content = content;
            _start = _next = offset;
            _end = offset + length;
            _overlap = overlap;
        }

        public ReadOnlySpan<byte> Bytes { get; private set; }

        public long Offset { get; private set; }

        public bool Next()
        {
            if (_end - _next <= (_next == _start ? 0 : _overlap))
            {
                return false;
            }

            Offset = _next;
            if (_next == _start && _content.TryGetMemory(_start, _end - _start, out var memory))
            {
                Bytes = memory.Span;
                _next = _end;
                return true;
            }

            // Steps end at multiples of their size, so that whole blocks are read.
            var size = (int)Math.Min(StepSize - ((_next + _overlap) % StepSize) + _overlap, _end - _next);
            _buffer ??= ArrayPool<byte>.Shared.Rent(StepSize + _overlap);
            if (!_content.TryRead(_next, _buffer.AsSpan(0, size)))
            {
                return false;
            }

            Bytes = _buffer.AsSpan(0, size);
            _next = _next + size == _end ? _end : _next + size - _overlap;
            return true;
        }

        public void Dispose()
        {
            if (_buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = null;
            }
        }
    }
}
