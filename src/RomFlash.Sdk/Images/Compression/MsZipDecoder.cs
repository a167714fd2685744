using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Compression;

/// <summary>
/// Decodes the blocks of an MSZIP folder (MS-MCI): each is deflated by itself (RFC 1951) behind the letters <c>CK</c>, and may refer to the 32 KiB in front of it. The
/// framework's inflater can't be told what lies in front of a stream, so this is the library's own.
/// </summary>
/// <remarks>Not thread-safe: blocks follow each other. Holds 64 KiB. Everything is checked; time is linear in input and output.</remarks>
internal sealed class MsZipDecoder
{
    /// <summary>The most that a block decodes to, and the furthest that a match may lie back.</summary>
    public const int MaxBlockLength = 32 << 10;

    private const int LiteralCodes = 288;
    private const int DistanceCodes = 32;
    private const int EndOfBlock = 256;

    // What lies in front of the block, up to the middle; the block from there on.
    private readonly byte[] _window = new byte[2 * MaxBlockLength];
    private readonly DeflateCode _literals = new(LiteralCodes);
    private readonly DeflateCode _distances = new(DistanceCodes);
    private readonly DeflateCode _lengths = new(19);
    private int _history;

    // RFC 1951, 3.2.5: the least value and the extra bits of each length and distance code; and in which order lengths of codes come (3.2.7).
    private static ReadOnlySpan<ushort> LengthBases => [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static ReadOnlySpan<byte> LengthBits => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static ReadOnlySpan<ushort> DistanceBases =>
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];

    private static ReadOnlySpan<byte> Order => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    /// <summary>Decodes the next block.</summary>
    /// <param name="block">The block, with its letters.</param>
    /// <param name="output">As long as the block decodes to, at most <see cref="MaxBlockLength"/>.</param>
    /// <param name="consumed">How many bytes of input were used, or where the problem was found.</param>
    /// <returns>How it ended; after anything but <see cref="DecodeStatus.Done"/> no further block can be decoded.</returns>
    public DecodeStatus Decode(ReadOnlySpan<byte> block, Span<byte> output, out int consumed)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(output.Length, MaxBlockLength);
        consumed = 0;
        if (!block.StartsWith("CK"u8))
        {
            return block.Length < 2 ? DecodeStatus.TruncatedInput : DecodeStatus.Corrupt;
        }

        var bits = new DeflateBits(block[2..]);
        var status = Inflate(ref bits, output.Length, out var written);
        consumed = 2 + bits.Position;
        if (status != DecodeStatus.Done)
        {
            return bits.IsBeyond ? DecodeStatus.TruncatedInput : status;
        }

        if (bits.IsBeyond)
        {
            return DecodeStatus.TruncatedInput;
        }

        if (written != output.Length)
        {
            return DecodeStatus.OutputTooLarge;
        }

        _window.AsSpan(MaxBlockLength, written).CopyTo(output);
        _window.AsSpan(written, MaxBlockLength).CopyTo(_window);
        _history = Math.Min(MaxBlockLength, _history + written);
        return DecodeStatus.Done;
    }

    private DecodeStatus Inflate(ref DeflateBits bits, int room, out int written)
    {
        written = 0;
        bool isLast;
        do
        {
            isLast = bits.Read(1) == 1;
            var status = bits.Read(2) switch
            {
                0 => Stored(ref bits, room, ref written),
                1 => SetFixed() ? Compressed(ref bits, room, ref written) : DecodeStatus.Corrupt,
                2 => SetDynamic(ref bits) ? Compressed(ref bits, room, ref written) : DecodeStatus.Corrupt,
                _ => DecodeStatus.Corrupt,
            };
            if (status != DecodeStatus.Done)
            {
                return status;
            }
        }
        while (!isLast && !bits.IsBeyond);

        return DecodeStatus.Done;
    }

    private DecodeStatus Stored(ref DeflateBits bits, int room, ref int written)
    {
        if (!bits.TryReadBytes(4, out var lengths))
        {
            return DecodeStatus.TruncatedInput;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(lengths);
        if (length != (ushort)~BinaryPrimitives.ReadUInt16LittleEndian(lengths[2..]))
        {
            return DecodeStatus.Corrupt;
        }

        if (length > room - written)
        {
            return DecodeStatus.OutputTooSmall;
        }

        if (!bits.TryReadBytes(length, out var bytes))
        {
            return DecodeStatus.TruncatedInput;
        }

        bytes.CopyTo(_window.AsSpan(MaxBlockLength + written));
        written += length;
        return DecodeStatus.Done;
    }

    private DecodeStatus Compressed(ref DeflateBits bits, int room, ref int written)
    {
        while (!bits.IsBeyond)
        {
            var symbol = _literals.Read(ref bits);
            if (symbol < EndOfBlock)
            {
                if (symbol < 0)
                {
                    return DecodeStatus.Corrupt;
                }

                if (written == room)
                {
                    return DecodeStatus.OutputTooSmall;
                }

                _window[MaxBlockLength + written++] = (byte)symbol;
                continue;
            }

            if (symbol == EndOfBlock)
            {
                return DecodeStatus.Done;
            }

            symbol -= EndOfBlock + 1;
            if (symbol >= LengthBases.Length)
            {
                return DecodeStatus.Corrupt;
            }

            var length = LengthBases[symbol] + (int)bits.Read(LengthBits[symbol]);
            var code = _distances.Read(ref bits);
            if (code < 0 || code >= DistanceBases.Length)
            {
                return DecodeStatus.Corrupt;
            }

            var distance = DistanceBases[code] + (int)bits.Read(code < 4 ? 0 : (code >> 1) - 1);
            if (distance > written + _history)
            {
                return DecodeStatus.Corrupt;
            }

            if (length > room - written)
            {
                return DecodeStatus.OutputTooSmall;
            }

            for (var at = MaxBlockLength + written; length > 0; length--, at++, written++)
            {
                _window[at] = _window[at - distance];
            }
        }

        return DecodeStatus.TruncatedInput;
    }

    private bool SetFixed()
    {
        Span<byte> lengths = stackalloc byte[LiteralCodes];
        lengths[..144].Fill(8);
        lengths[144..256].Fill(9);
        lengths[256..280].Fill(7);
        lengths[280..].Fill(8);
        Span<byte> distances = stackalloc byte[DistanceCodes];
        distances.Fill(5);
        return _literals.Set(lengths, mayBeIncomplete: false) && _distances.Set(distances, mayBeIncomplete: false);
    }

    private bool SetDynamic(ref DeflateBits bits)
    {
        int literals = (int)bits.Read(5) + 257, distances = (int)bits.Read(5) + 1, count = (int)bits.Read(4) + 4;
        if (literals > 286 || distances > 30)
        {
            return false;
        }

        Span<byte> lengths = stackalloc byte[LiteralCodes + DistanceCodes];
        lengths.Clear();
        for (var i = 0; i < count; i++)
        {
            lengths[Order[i]] = (byte)bits.Read(3);
        }

        if (!_lengths.Set(lengths[..19], mayBeIncomplete: false))
        {
            return false;
        }

        lengths.Clear();
        for (var i = 0; i < literals + distances;)
        {
            if (bits.IsBeyond)
            {
                return false;
            }

            var symbol = _lengths.Read(ref bits);
            if (symbol < 16)
            {
                lengths[i++] = (byte)symbol;
                continue;
            }

            if (symbol == 16 && i == 0)
            {
                return false;
            }

            var (value, times) = symbol switch
            {
                16 => (lengths[i - 1], 3 + (int)bits.Read(2)),
                17 => ((byte)0, 3 + (int)bits.Read(3)),
                _ => ((byte)0, 11 + (int)bits.Read(7)),
            };
            if (times > literals + distances - i)
            {
                return false;
            }

            lengths.Slice(i, times).Fill(value);
            i += times;
        }

        // A block needs its end; a single code for distances may be incomplete.
        return lengths[EndOfBlock] > 0
            && _literals.Set(lengths[..literals], mayBeIncomplete: true)
            && _distances.Set(lengths.Slice(literals, distances), mayBeIncomplete: true);
    }
}

/// <summary>Bits, the least significant of each byte first. Beyond the end there are zeros, and <see cref="IsBeyond"/> tells.</summary>
internal ref struct DeflateBits(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private ulong _buffer;
    private int _count;
    private int _next;

    public readonly int Position => Math.Clamp(_next - (_count / 8), 0, _bytes.Length);

    public readonly bool IsBeyond => _next - (_count / 8) > _bytes.Length;

    /// <summary>The next 15 bits and more, which stay.</summary>
    public uint Peek()
    {
        while (_count <= 56)
        {
            _buffer |= (ulong)(_next < _bytes.Length ? _bytes[_next] : 0) << _count;
            _next++;
            _count += 8;
        }

        return (uint)_buffer;
    }

    public void Skip(int count)
    {
        _buffer >>= count;
        _count -= count;
    }

    /// <summary>Reads up to 16 bits.</summary>
    public uint Read(int count)
    {
        var value = Peek() & ((1u << count) - 1);
        Skip(count);
        return value;
    }

    /// <summary>Whole bytes from the next byte boundary on.</summary>
    public bool TryReadBytes(int count, out ReadOnlySpan<byte> bytes)
    {
        var start = _next - (_count / 8);
        bytes = default;
        if (start > _bytes.Length || count > _bytes.Length - start)
        {
            return false;
        }

        bytes = _bytes.Slice(start, count);
        (_buffer, _count, _next) = (0, 0, start + count);
        return true;
    }
}

/// <summary>A canonical Huffman code of deflate, whose codes are read from their first bit on (RFC 1951, 3.2.2).</summary>
internal sealed class DeflateCode(int symbols)
{
    private const int Longest = 15;
    private const int FastBits = 9;

    // By the next bits: symbol and length of a short code, or 0.
    private readonly ushort[] _fast = new ushort[1 << FastBits];
    private readonly ushort[] _sorted = new ushort[symbols];
    private readonly ushort[] _counts = new ushort[Longest + 1];

    /// <summary>Takes the lengths; false when they are no code: too many, or, unless it is a single one of one bit, too few.</summary>
    public bool Set(ReadOnlySpan<byte> lengths, bool mayBeIncomplete)
    {
        Array.Clear(_counts);
        foreach (var length in lengths)
        {
            _counts[length]++;
        }

        var used = lengths.Length - _counts[0];
        _counts[0] = 0;
        var left = 1;
        Span<int> places = stackalloc int[Longest + 2];
        Span<int> codes = stackalloc int[Longest + 2];
        places.Clear();
        codes.Clear();
        for (var length = 1; length <= Longest; length++)
        {
            left = (left << 1) - _counts[length];
            if (left < 0)
            {
                return false;
            }

            places[length + 1] = places[length] + _counts[length];
            codes[length + 1] = (codes[length] + _counts[length]) << 1;
        }

        if (left > 0 && !(mayBeIncomplete && used == _counts[1] && used <= 1))
        {
            return false;
        }

        Array.Clear(_fast);
        for (var symbol = 0; symbol < lengths.Length; symbol++)
        {
            int length = lengths[symbol];
            if (length == 0)
            {
                continue;
            }

            _sorted[places[length]++] = (ushort)symbol;
            var code = codes[length]++;
            if (length <= FastBits)
            {
                for (var at = Reverse(code, length); at < _fast.Length; at += 1 << length)
                {
                    _fast[at] = (ushort)((symbol << 4) | length);
                }
            }
        }

        return true;
    }

    /// <summary>The next symbol, or -1 when the bits are no code.</summary>
    public int Read(ref DeflateBits bits)
    {
        var next = bits.Peek();
        var entry = _fast[next & (_fast.Length - 1)];
        if (entry != 0)
        {
            bits.Skip(entry & 15);
            return entry >> 4;
        }

        var (code, first, index) = (0, 0, 0);
        for (var length = 1; length <= Longest; length++, next >>= 1)
        {
            code |= (int)(next & 1);
            int count = _counts[length];
            if (code - count < first)
            {
                bits.Skip(length);
                return _sorted[index + (code - first)];
            }

            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }

        return -1;
    }

    private static int Reverse(int code, int length)
    {
        var reversed = 0;
        for (; length > 0; length--, code >>= 1)
        {
            reversed = (reversed << 1) | (code & 1);
        }

        return reversed;
    }
}
