using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Compression;

/// <summary>The two variants of EFI compression, which differ in how far back a match may lie.</summary>
internal enum TianoVariant
{
    /// <summary>EFI 1.1 (UEFI 2.10, chapter 19).</summary>
    Efi,

    /// <summary>EDK II's, with a larger window.</summary>
    Tiano,
}

/// <summary>Decodes EFI compression: LZ77 with Huffman codes that are given for each block (UEFI 2.10, chapter 19).</summary>
/// <remarks>Thread-safe. Memory is bounded by what the caller hands in and a few KiB; time is linear in input and output.</remarks>
internal static class TianoDecoder
{
    /// <summary>The compressed and the original size, 32 bits each.</summary>
    public const int HeaderSize = 8;

    private const int LongestCode = 16;
    private const int Threshold = 3;

    // Bytes and lengths; what the lengths of their codes are coded with; what distances are coded with, at most.
    private const int Symbols = 256 + 256 + 1 - Threshold;
    private const int SymbolBits = 9;
    private const int Extra = 19;
    private const int ExtraBits = 5;
    private const int MostDistances = 31;
    private const int CancellationInterval = 1 << 16;

    /// <summary>Reads the sizes in front of the data; false when they contradict the length of what is there.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> head, long length, out long decodedLength)
    {
        decodedLength = 0;
        if (head.Length < HeaderSize)
        {
            return false;
        }

        decodedLength = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(head) <= length - HeaderSize;
    }

    /// <summary>Decodes.</summary>
    /// <param name="input">The sizes and the data.</param>
    /// <param name="variant">Which variant.</param>
    /// <param name="output">As long as the sizes say.</param>
    /// <param name="consumed">How many bytes of input were used, or where the problem was found.</param>
    /// <param name="cancellationToken">Looked at every 64 KiB of output.</param>
    /// <returns>How it ended.</returns>
    public static DecodeStatus Decode(ReadOnlySpan<byte> input, TianoVariant variant, Span<byte> output, out int consumed, CancellationToken cancellationToken)
    {
        consumed = 0;
        if (!TryReadHeader(input, input.Length, out var length))
        {
            return DecodeStatus.TruncatedInput;
        }

        if (length != output.Length)
        {
            return DecodeStatus.Corrupt;
        }

        var bits = new BitReader(input.Slice(HeaderSize, (int)BinaryPrimitives.ReadUInt32LittleEndian(input)));
        var distanceBits = variant == TianoVariant.Efi ? 4 : 5;
        var symbols = new HuffmanTable(Symbols);
        var distances = new HuffmanTable(MostDistances);
        var extra = new HuffmanTable(Extra);
        Span<byte> lengths = stackalloc byte[Symbols];
        var at = 0;
        var block = 0;
        var nextCheck = 0;
        while (at < output.Length)
        {
            if (bits.IsBeyond)
            {
                consumed = HeaderSize + bits.Position;
                return DecodeStatus.TruncatedInput;
            }

            if (at >= nextCheck)
            {
                cancellationToken.ThrowIfCancellationRequested();
                nextCheck = at > int.MaxValue - CancellationInterval ? int.MaxValue : at + CancellationInterval;
            }

            if (block == 0)
            {
                block = (int)bits.Read(16);
                if (block == 0
                    || !ReadSimple(ref bits, extra, lengths[..Extra], ExtraBits, pauseAfter: 3)
                    || !ReadSymbols(ref bits, symbols, extra, lengths)
                    || !ReadSimple(ref bits, distances, lengths[..MostDistances], distanceBits, pauseAfter: -1))
                {
                    consumed = HeaderSize + bits.Position;
                    return bits.IsBeyond ? DecodeStatus.TruncatedInput : DecodeStatus.Corrupt;
                }
            }

            block--;
            var symbol = symbols.Read(ref bits);
            if (symbol < 256)
            {
                output[at++] = (byte)symbol;
                continue;
            }

            var count = symbol - 256 + Threshold;
            int slot = distances.Read(ref bits);
            var distance = slot < 2 ? slot : (1L << (slot - 1)) + bits.Read(slot - 1);
            if (distance >= at)
            {
                consumed = HeaderSize + bits.Position;
                return bits.IsBeyond ? DecodeStatus.TruncatedInput : DecodeStatus.Corrupt;
            }

            // A last match may reach beyond the end; the encoder does not trim it.
            count = Math.Min(count, output.Length - at);
            for (var i = 0; i < count; i++, at++)
            {
                output[at] = output[at - (int)distance - 1];
            }
        }

        consumed = HeaderSize + bits.Position;
        return bits.IsBeyond ? DecodeStatus.TruncatedInput : DecodeStatus.Done;
    }

    // The lengths of the codes of a small alphabet, each by itself; behind the third of the first alphabet zeros may be counted.
    private static bool ReadSimple(ref BitReader bits, HuffmanTable table, scoped Span<byte> lengths, int countBits, int pauseAfter)
    {
        lengths.Clear();
        var count = (int)bits.Read(countBits);
        if (count == 0)
        {
            var only = bits.Read(countBits);
            return only < lengths.Length && table.SetOnly((ushort)only);
        }

        if (count > lengths.Length)
        {
            return false;
        }

        for (var i = 0; i < count;)
        {
            var length = (int)bits.Read(3);
            while (length >= 7 && bits.Read(1) == 1)
            {
                if (++length > LongestCode)
                {
                    return false;
                }
            }

            lengths[i++] = (byte)length;
            if (i == pauseAfter)
            {
                i += (int)bits.Read(2);
            }
        }

        return table.Set(lengths);
    }

    private static bool ReadSymbols(ref BitReader bits, HuffmanTable table, HuffmanTable extra, scoped Span<byte> lengths)
    {
        lengths.Clear();
        var count = (int)bits.Read(SymbolBits);
        if (count == 0)
        {
            var only = bits.Read(SymbolBits);
            return only < Symbols && table.SetOnly((ushort)only);
        }

        if (count > Symbols)
        {
            return false;
        }

        for (var i = 0; i < count && !bits.IsBeyond;)
        {
            var code = extra.Read(ref bits);
            if (code > 2)
            {
                lengths[i++] = (byte)(code - 2);
                continue;
            }

            var zeros = code switch { 0 => 1, 1 => (int)bits.Read(4) + 3, _ => (int)bits.Read(SymbolBits) + 20 };
            if (zeros > Symbols - i)
            {
                return false;
            }

            i += zeros;
        }

        return !bits.IsBeyond && table.Set(lengths);
    }
}

/// <summary>Bits, the most significant of each byte first. Beyond the end there are zeros, and <see cref="IsBeyond"/> tells.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private ulong _buffer;
    private int _count;
    private int _next;

    /// <summary>How many bytes were begun.</summary>
    public readonly int Position => Math.Min(_bytes.Length, Math.Max(0, _next - (_count / 8)));

    public readonly bool IsBeyond => _next - (_count / 8) > _bytes.Length;

    /// <summary>The next 16 bits, which stay.</summary>
    public uint Peek16()
    {
        Fill();
        return (uint)(_buffer >> 48);
    }

    public void Skip(int count)
    {
        _buffer <<= count;
        _count -= count;
    }

    /// <summary>Reads up to 32 bits.</summary>
    public uint Read(int count)
    {
        if (count == 0)
        {
            return 0;
        }

        Fill();
        var value = (uint)(_buffer >> (64 - count));
        Skip(count);
        return value;
    }

    private void Fill()
    {
        while (_count <= 56)
        {
            _buffer |= (ulong)(_next < _bytes.Length ? _bytes[_next] : 0) << (56 - _count);
            _next++;
            _count += 8;
        }
    }
}

/// <summary>A canonical Huffman code, most significant bit first.</summary>
internal sealed class HuffmanTable(int symbols)
{
    /// <summary>Codes up to this length are looked up at once.</summary>
    public const int FastBits = 9;

    private const int Longest = 16;
    private const ushort NotFast = ushort.MaxValue;

    // Symbol and length of every code that is short enough; symbols by code; and for each length the first code behind it, in 16 bits.
    private readonly ushort[] _fast = new ushort[1 << FastBits];
    private readonly ushort[] _sorted = new ushort[symbols];
    private readonly int[] _limits = new int[Longest + 1];
    private readonly int[] _firstCodes = new int[Longest + 1];
    private readonly int[] _firstIndices = new int[Longest + 1];
    private ushort _only;
    private bool _hasOnly;

    public bool SetOnly(ushort symbol)
    {
        (_only, _hasOnly) = (symbol, true);
        return true;
    }

    /// <summary>Takes the lengths of the codes; false when they are no complete code.</summary>
    public bool Set(ReadOnlySpan<byte> lengths)
    {
        _hasOnly = false;
        Span<int> counts = stackalloc int[Longest + 1];
        counts.Clear();
        foreach (var length in lengths)
        {
            if (length > Longest)
            {
                return false;
            }

            counts[length]++;
        }

        var code = 0;
        var index = 0;
        Span<int> places = stackalloc int[Longest + 1];
        for (var length = 1; length <= Longest; length++)
        {
            places[length] = index;
            _firstIndices[length] = index;
            _firstCodes[length] = code;
            index += counts[length];
            code += counts[length] << (Longest - length);
            _limits[length] = code;
        }

        if (code != 1 << Longest)
        {
            return false;
        }

        for (var symbol = 0; symbol < lengths.Length; symbol++)
        {
            if (lengths[symbol] is > 0 and var length)
            {
                _sorted[places[length]++] = (ushort)symbol;
            }
        }

        _fast.AsSpan().Fill(NotFast);
        var at = 0;
        for (var length = 1; length <= FastBits; length++)
        {
            for (var i = 0; i < counts[length]; i++, at++)
            {
                var first = (_firstCodes[length] >> (Longest - FastBits)) + (i << (FastBits - length));
                _fast.AsSpan(first, 1 << (FastBits - length)).Fill((ushort)((_sorted[at] << 4) | length));
            }
        }

        return true;
    }

    public int Read(ref BitReader bits)
    {
        if (_hasOnly)
        {
            return _only;
        }

        var next = bits.Peek16();
        var entry = _fast[(int)(next >> (Longest - FastBits))];
        if (entry != NotFast)
        {
            bits.Skip(entry & 15);
            return entry >> 4;
        }

        var length = FastBits + 1;
        while (next >= (uint)_limits[length])
        {
            length++;
        }

        bits.Skip(length);
        return _sorted[_firstIndices[length] + (((int)next - _firstCodes[length]) >> (Longest - length))];
    }
}
