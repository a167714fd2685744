using System.Buffers.Binary;
using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>Writes EFI compression of both variants (UEFI 2.10, chapter 19): blocks of symbols, each with codes of its own.</summary>
internal static class TianoWriter
{
    private const int Threshold = 3;
    private const int LongestMatch = 256;
    private const int Symbols = 256 + LongestMatch + 1 - Threshold;

    /// <summary>Compresses.</summary>
    /// <param name="data">What is compressed.</param>
    /// <param name="variant">Which variant.</param>
    /// <param name="symbolsInBlock">How many symbols a block has, at most 65535.</param>
    public static byte[] Compress(ReadOnlySpan<byte> data, TianoVariant variant, int symbolsInBlock = 16384)
    {
        var bits = new BitWriter(isMostSignificantFirst: true);
        foreach (var block in Parse(data, variant == TianoVariant.Efi ? 1 << 13 : 1 << 19).Chunk(symbolsInBlock))
        {
            Block(bits, block, variant);
        }

        return WithSizes(bits.ToArray(), data.Length);
    }

    /// <summary>The sizes, and the data.</summary>
    public static byte[] WithSizes(byte[] body, int length)
    {
        var header = new byte[TianoDecoder.HeaderSize];
        BinaryPrimitives.WriteInt32LittleEndian(header, body.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), length);
        return [.. header, .. body];
    }

    // A byte, or how long and how far back less 1; the last place where three bytes stood is good enough.
    private static List<(int Symbol, int Distance)> Parse(ReadOnlySpan<byte> data, int window)
    {
        var symbols = new List<(int, int)>();
        var places = new Dictionary<int, int>();
        for (var at = 0; at < data.Length;)
        {
            var length = 1;
            var distance = 0;
            if (at + Threshold <= data.Length && places.TryGetValue(Key(data, at), out var place) && at - place <= window)
            {
                distance = at - place;
                for (length = 0; length < LongestMatch && at + length < data.Length && data[at + length] == data[place + length]; length++)
                {
                }
            }

            symbols.Add(length < Threshold ? (data[at], 0) : (256 + length - Threshold, distance - 1));
            for (; length > 0; length--, at++)
            {
                if (at + Threshold <= data.Length)
                {
                    places[Key(data, at)] = at;
                }
            }
        }

        return symbols;
    }

    private static int Key(ReadOnlySpan<byte> data, int at) => data[at] | (data[at + 1] << 8) | (data[at + 2] << 16);

    private static void Block(BitWriter bits, (int Symbol, int Distance)[] block, TianoVariant variant)
    {
        var matches = block.Where(s => s.Symbol >= 256).ToList();
        var symbols = Lengths(block.Select(s => s.Symbol), Symbols);
        var distances = Lengths(matches.Select(m => Slot(m.Distance)), 31);
        bits.Put(block.Length, 16);
        if (symbols.Count(l => l > 0) > 1)
        {
            // 0 is a zero, 1 is 3 to 18 of them, 2 is 20 and more; then the lengths from 1 on.
            var codes = new List<(int Code, int Value, int Bits)>();
            var end = Array.FindLastIndex(symbols, l => l > 0) + 1;
            for (int i = 0, next; i < end; i = next)
            {
                for (next = i; next < end && symbols[next] == 0; next++)
                {
                }

                var zeros = next - i;
                if (zeros >= 20)
                {
                    codes.Add((2, zeros - 20, 9));
                }
                else if (zeros is >= 3 and <= 18)
                {
                    codes.Add((1, zeros - 3, 4));
                }
                else
                {
                    codes.AddRange(Enumerable.Repeat((0, 0, 0), zeros));
                }

                if (zeros == 0)
                {
                    codes.Add((symbols[next++] + 2, 0, 0));
                }
            }

            var extra = Lengths(codes.Select(c => c.Code), 19);
            Simple(bits, extra, codes[0].Code, 5, pauseAfter: 3);
            bits.Put(end, 9);
            var extraCodes = Codes(extra);
            var isOneExtra = extra.Count(l => l > 0) < 2;
            foreach (var (code, value, count) in codes)
            {
                bits.Code(extraCodes[code], isOneExtra ? 0 : extra[code]).Put(value, count);
            }
        }
        else
        {
            bits.Put(0, 5).Put(0, 5).Put(0, 9).Put(block[0].Symbol, 9);
        }

        Simple(bits, distances, matches.Count > 0 ? Slot(matches[0].Distance) : 0, variant == TianoVariant.Efi ? 4 : 5, pauseAfter: -1);
        var (symbolCodes, distanceCodes) = (Codes(symbols), Codes(distances));
        var (isOneSymbol, isOneDistance) = (symbols.Count(l => l > 0) < 2, distances.Count(l => l > 0) < 2);
        foreach (var (symbol, distance) in block)
        {
            bits.Code(symbolCodes[symbol], isOneSymbol ? 0 : symbols[symbol]);
            if (symbol >= 256)
            {
                var slot = Slot(distance);
                bits.Code(distanceCodes[slot], isOneDistance ? 0 : distances[slot]);
                if (slot > 1)
                {
                    bits.Put(distance - (1 << (slot - 1)), slot - 1);
                }
            }
        }
    }

    private static int Slot(int distance) => distance == 0 ? 0 : int.Log2(distance) + 1;

    // The lengths of a small alphabet; a single symbol is named instead.
    private static void Simple(BitWriter bits, int[] lengths, int only, int countBits, int pauseAfter)
    {
        if (lengths.Count(l => l > 0) < 2)
        {
            bits.Put(0, countBits).Put(only, countBits);
            return;
        }

        var end = Array.FindLastIndex(lengths, l => l > 0) + 1;
        bits.Put(end, countBits);
        for (var i = 0; i < end;)
        {
            var length = lengths[i++];
            if (length < 7)
            {
                bits.Put(length, 3);
            }
            else
            {
                bits.Put(7, 3).Put((1 << (length - 6)) - 2, length - 6);
            }

            if (i == pauseAfter)
            {
                var zeros = 0;
                for (; zeros < 3 && i < end && lengths[i] == 0; zeros++, i++)
                {
                }

                bits.Put(zeros, 2);
            }
        }
    }

    // Huffman's lengths; where one would be longer than 16 bits, what is rare is taken for more frequent until none is.
    private static int[] Lengths(IEnumerable<int> symbols, int count)
    {
        var frequencies = new int[count];
        foreach (var symbol in symbols)
        {
            frequencies[symbol]++;
        }

        while (true)
        {
            var lengths = new int[count];
            var queue = new PriorityQueue<List<int>, int>();
            for (var i = 0; i < count; i++)
            {
                if (frequencies[i] > 0)
                {
                    queue.Enqueue([i], frequencies[i]);
                }
            }

            if (queue.Count == 1)
            {
                lengths[queue.Peek()[0]] = 1;
            }

            while (queue.Count > 1)
            {
                queue.TryDequeue(out var first, out var one);
                queue.TryDequeue(out var second, out var other);
                List<int> both = [.. first!, .. second!];
                both.ForEach(i => lengths[i]++);
                queue.Enqueue(both, one + other);
            }

            if (lengths.All(l => l <= 16))
            {
                return lengths;
            }

            frequencies = [.. frequencies.Select(f => (f + 1) / 2)];
        }
    }

    private static int[] Codes(int[] lengths)
    {
        var codes = new int[lengths.Length];
        var next = 0;
        for (var length = 1; length <= 16; length++, next <<= 1)
        {
            for (var i = 0; i < lengths.Length; i++)
            {
                codes[i] = lengths[i] == length ? next++ : codes[i];
            }
        }

        return codes;
    }
}
