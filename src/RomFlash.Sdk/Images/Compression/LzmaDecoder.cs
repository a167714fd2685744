using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Images.Compression;

/// <summary>The 13 bytes in front of an LZMA stream ("LZMA alone"; the LZMA specification, "lzma file format").</summary>
internal readonly record struct LzmaHeader(int LiteralContextBits, int LiteralPositionBits, int PositionBits, uint DictionarySize, long? DecodedLength)
{
    public const int Size = 13;

    /// <summary>Reads a header; false when it is none, or asks for more literal contexts than <see cref="LzmaDecoder.MaxLiteralBits"/>.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out LzmaHeader header)
    {
        header = default;
        if (bytes.Length < Size || bytes[0] >= 9 * 5 * 5)
        {
            return false;
        }

        var (rest, literalContext) = Math.DivRem(bytes[0], (byte)9);
        var (position, literalPosition) = Math.DivRem(rest, (byte)5);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes[5..]);
        if (literalContext + literalPosition > LzmaDecoder.MaxLiteralBits || (length > long.MaxValue && length != ulong.MaxValue))
        {
            return false;
        }

        header = new(literalContext, literalPosition, position, BinaryPrimitives.ReadUInt32LittleEndian(bytes[1..]), length == ulong.MaxValue ? null : (long)length);
        return true;
    }
}

/// <summary>
/// Decodes LZMA as UEFI volumes have it (GUIDed section ee4e5898-3914-4259-9d6e-dc7bd79403cf). The output is the dictionary, so memory is bounded by what
/// the caller hands in and 30 KiB of probabilities; time is linear in the output.
/// </summary>
/// <remarks>
/// Thread-safe. Unchecked accesses stay inside by construction: a symbol reads at most 20 bytes of input and the input is padded by <see cref="Padding"/>,
/// whose position is looked at before every symbol; indices of probabilities are masked or counted by the model itself; every copy is compared with what
/// was written so far and with what is left.
/// </remarks>
internal static class LzmaDecoder
{
    /// <summary>How many readable bytes, of any value, have to follow the input.</summary>
    public const int Padding = 32;

    /// <summary>The most literal context and position bits together; liblzma has the same bound. Encoders of firmware use 3.</summary>
    public const int MaxLiteralBits = 4;

    private const int ModelBits = 11;
    private const int MoveBits = 5;
    private const uint Top = 1u << 24;
    private const ushort Half = 1 << (ModelBits - 1);

    // How the probabilities lie in one array.
    private const int IsMatch = 0;
    private const int IsRep = IsMatch + (12 << 4);
    private const int IsRepG0 = IsRep + 12;
    private const int IsRepG1 = IsRepG0 + 12;
    private const int IsRepG2 = IsRepG1 + 12;
    private const int IsRep0Long = IsRepG2 + 12;
    private const int Slots = IsRep0Long + (12 << 4);
    private const int Special = Slots + (4 << 6);
    private const int Align = Special + 128;
    private const int Lengths = Align + 16;
    private const int RepLengths = Lengths + LengthCoder;
    private const int Literals = RepLengths + LengthCoder;

    // Two choices, 16 times 8 low, 16 times 8 middle, 256 high.
    private const int LengthCoder = 2 + 128 + 128 + 256;
    private const int CancellationInterval = 1 << 16;

    /// <summary>Decodes.</summary>
    /// <param name="padded">The stream behind its header, and <see cref="Padding"/> bytes of any value.</param>
    /// <param name="header">The header.</param>
    /// <param name="output">Where the decoded bytes go: exactly as many as the header says, or the most that may come where it does not say.</param>
    /// <param name="written">How many bytes were decoded.</param>
    /// <param name="consumed">How many bytes of input were used, or where the problem was found.</param>
    /// <param name="cancellationToken">Looked at every 64 KiB of output.</param>
    /// <returns>How it ended.</returns>
    public static DecodeStatus Decode(ReadOnlySpan<byte> padded, LzmaHeader header, Span<byte> output, out int written, out int consumed, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(padded.Length, Padding);
        if (header.DecodedLength is { } length && length != output.Length)
        {
            throw new ArgumentException("The output is not as long as the header says.", nameof(output));
        }

        var count = Literals + (0x300 << (header.LiteralContextBits + header.LiteralPositionBits));
        var probabilities = ArrayPool<ushort>.Shared.Rent(count);
        try
        {
            probabilities.AsSpan(0, count).Fill(Half);
            return Decode(padded, header, output, ref MemoryMarshal.GetArrayDataReference(probabilities), out written, out consumed, cancellationToken);
        }
        finally
        {
            ArrayPool<ushort>.Shared.Return(probabilities);
        }
    }

    private static DecodeStatus Decode(
        ReadOnlySpan<byte> padded,
        LzmaHeader header,
        Span<byte> output,
        ref ushort model,
        out int written,
        out int consumed,
        CancellationToken cancellationToken)
    {
        ref var input = ref MemoryMarshal.GetReference(padded);
        ref var target = ref MemoryMarshal.GetReference(output);
        var inputEnd = padded.Length - Padding;
        var outputEnd = output.Length;
        var hasLength = header.DecodedLength is not null;
        var dictionary = Math.Max(header.DictionarySize, 4096u);
        var literalShift = 8 - header.LiteralContextBits;
        var literalMask = (1 << header.LiteralPositionBits) - 1;
        var positionMask = (1 << header.PositionBits) - 1;
        var at = 0;
        written = 0;
        consumed = 0;

        // The range coder's first byte is always 0 (LZMA specification, "range decoder").
        if (inputEnd < 5)
        {
            return DecodeStatus.TruncatedInput;
        }

        if (input != 0)
        {
            return DecodeStatus.Corrupt;
        }

        var code = BinaryPrimitives.ReadUInt32BigEndian(padded[1..]);
        var range = uint.MaxValue;
        var position = 5;
        if (code == range)
        {
            return DecodeStatus.Corrupt;
        }

        uint rep0 = 0, rep1 = 0, rep2 = 0, rep3 = 0;
        var state = 0;
        var nextCheck = 0;
        while (true)
        {
            if (position > inputEnd)
            {
                (written, consumed) = (at, inputEnd);
                return DecodeStatus.TruncatedInput;
            }

            if (at >= nextCheck)
            {
                cancellationToken.ThrowIfCancellationRequested();
                nextCheck = at > int.MaxValue - CancellationInterval ? int.MaxValue : at + CancellationInterval;
            }

            if (hasLength && at == outputEnd)
            {
                // At a clean end nothing is left in the range coder; otherwise only the end marker may follow.
                Normalize(ref range, ref code, ref input, ref position);
                if (code == 0)
                {
                    (written, consumed) = (at, position);
                    return position > inputEnd ? DecodeStatus.TruncatedInput : DecodeStatus.Done;
                }
            }

            var positionState = at & positionMask;
            if (Bit(ref Unsafe.Add(ref model, IsMatch + (state << 4) + positionState), ref range, ref code, ref input, ref position) == 0)
            {
                if (at == outputEnd)
                {
                    (written, consumed) = (at, position);
                    return hasLength ? DecodeStatus.Corrupt : DecodeStatus.OutputTooSmall;
                }

                var before = at == 0 ? 0 : Unsafe.Add(ref target, at - 1);
                ref var literals = ref Unsafe.Add(ref model, Literals + (0x300 * (((at & literalMask) << header.LiteralContextBits) + (before >> literalShift))));
                uint symbol = 1;
                if (state >= 7)
                {
                    // After a match, the byte that the match would have gone on with predicts.
                    var predicted = (uint)Unsafe.Add(ref target, at - (int)rep0 - 1) << 1;
                    uint offset = 0x100;
                    do
                    {
                        var predictedBit = predicted & offset;
                        var bit = BitOf(ref Unsafe.Add(ref literals, (int)(offset + predictedBit + symbol)), ref range, ref code, ref input, ref position);
                        symbol = (symbol << 1) | bit;
                        offset &= bit == 0 ? ~predicted : predicted;
                        predicted <<= 1;
                    }
                    while (symbol < 0x100);
                }
                else
                {
                    do
                    {
                        symbol = (symbol << 1) | BitOf(ref Unsafe.Add(ref literals, (int)symbol), ref range, ref code, ref input, ref position);
                    }
                    while (symbol < 0x100);
                }

                Unsafe.Add(ref target, at++) = (byte)symbol;
                state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
                continue;
            }

            // Copies go to the calls that are not inlined: what has its address taken is kept in memory, and literals want registers.
            uint r, c;
            int p, length;
            if (Bit(ref Unsafe.Add(ref model, IsRep + state), ref range, ref code, ref input, ref position) == 0)
            {
                (rep3, rep2, rep1) = (rep2, rep1, rep0);
                (r, c, p) = (range, code, position);
                length = Length(ref Unsafe.Add(ref model, Lengths), positionState, ref r, ref c, ref input, ref p);
                state = state < 7 ? 7 : 10;
                rep0 = Distance(ref model, Math.Min(length, 3), ref r, ref c, ref input, ref p);
                (range, code, position) = (r, c, p);
                if (rep0 == uint.MaxValue)
                {
                    Normalize(ref range, ref code, ref input, ref position);
                    (written, consumed) = (at, Math.Min(position, inputEnd));
                    return position > inputEnd ? DecodeStatus.TruncatedInput
                        : code != 0 || (hasLength && at != outputEnd) ? DecodeStatus.Corrupt
                        : DecodeStatus.Done;
                }
            }
            else
            {
                if (Bit(ref Unsafe.Add(ref model, IsRepG0 + state), ref range, ref code, ref input, ref position) == 0)
                {
                    if (Bit(ref Unsafe.Add(ref model, IsRep0Long + (state << 4) + positionState), ref range, ref code, ref input, ref position) == 0)
                    {
                        if (at == outputEnd || rep0 >= (uint)at || rep0 >= dictionary)
                        {
                            (written, consumed) = (at, Math.Min(position, inputEnd));
                            return at == outputEnd && !hasLength ? DecodeStatus.OutputTooSmall : DecodeStatus.Corrupt;
                        }

                        Unsafe.Add(ref target, at) = Unsafe.Add(ref target, at - (int)rep0 - 1);
                        at++;
                        state = state < 7 ? 9 : 11;
                        continue;
                    }
                }
                else
                {
                    uint distance;
                    if (Bit(ref Unsafe.Add(ref model, IsRepG1 + state), ref range, ref code, ref input, ref position) == 0)
                    {
                        distance = rep1;
                    }
                    else
                    {
                        if (Bit(ref Unsafe.Add(ref model, IsRepG2 + state), ref range, ref code, ref input, ref position) == 0)
                        {
                            distance = rep2;
                        }
                        else
                        {
                            distance = rep3;
                            rep3 = rep2;
                        }

                        rep2 = rep1;
                    }

                    rep1 = rep0;
                    rep0 = distance;
                }

                (r, c, p) = (range, code, position);
                length = Length(ref Unsafe.Add(ref model, RepLengths), positionState, ref r, ref c, ref input, ref p);
                (range, code, position) = (r, c, p);
                state = state < 7 ? 8 : 11;
            }

            length += 2;
            if (rep0 >= (uint)at || rep0 >= dictionary || length > outputEnd - at)
            {
                (written, consumed) = (at, Math.Min(position, inputEnd));
                return rep0 < (uint)at && rep0 < dictionary && !hasLength ? DecodeStatus.OutputTooSmall : DecodeStatus.Corrupt;
            }

            Copy(ref Unsafe.Add(ref target, at), (int)rep0 + 1, length);
            at += length;
        }
    }

    // The source may overlap the target: then it repeats.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(ref byte target, int distance, int length)
    {
        ref var source = ref Unsafe.Subtract(ref target, distance);
        if (distance >= length)
        {
            Unsafe.CopyBlockUnaligned(ref target, ref source, (uint)length);
            return;
        }

        if (distance == 1)
        {
            Unsafe.InitBlockUnaligned(ref target, source, (uint)length);
            return;
        }

        for (var i = 0; i < length; i++)
        {
            Unsafe.Add(ref target, i) = Unsafe.Add(ref source, i);
        }
    }

    private static int Length(ref ushort coder, int positionState, ref uint range, ref uint code, ref byte input, ref int position)
    {
        if (Bit(ref coder, ref range, ref code, ref input, ref position) == 0)
        {
            return Tree(ref Unsafe.Add(ref coder, 2 + (positionState << 3)), 8, ref range, ref code, ref input, ref position);
        }

        return Bit(ref Unsafe.Add(ref coder, 1), ref range, ref code, ref input, ref position) == 0
            ? 8 + Tree(ref Unsafe.Add(ref coder, 2 + 128 + (positionState << 3)), 8, ref range, ref code, ref input, ref position)
            : 16 + Tree(ref Unsafe.Add(ref coder, 2 + 128 + 128), 256, ref range, ref code, ref input, ref position);
    }

    private static uint Distance(ref ushort model, int lengthState, ref uint range, ref uint code, ref byte input, ref int position)
    {
        var slot = (uint)Tree(ref Unsafe.Add(ref model, Slots + (lengthState << 6)), 64, ref range, ref code, ref input, ref position);
        if (slot < 4)
        {
            return slot;
        }

        var directBits = (int)(slot >> 1) - 1;
        var distance = (2 | (slot & 1)) << directBits;
        if (slot < 14)
        {
            return distance + Reverse(ref Unsafe.Add(ref model, Special + (int)(distance - slot)), directBits, ref range, ref code, ref input, ref position);
        }

        uint direct = 0;
        for (var i = directBits - 4; i > 0; i--)
        {
            Normalize(ref range, ref code, ref input, ref position);
            range >>= 1;
            code -= range;
            var mask = 0 - (code >> 31);
            code += range & mask;
            direct = (direct << 1) + mask + 1;
        }

        return distance + (direct << 4) + Reverse(ref Unsafe.Add(ref model, Align), 4, ref range, ref code, ref input, ref position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Tree(ref ushort tree, uint size, ref uint range, ref uint code, ref byte input, ref int position)
    {
        uint symbol = 1;
        do
        {
            symbol = (symbol << 1) | BitOf(ref Unsafe.Add(ref tree, (int)symbol), ref range, ref code, ref input, ref position);
        }
        while (symbol < size);

        return (int)(symbol - size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Reverse(ref ushort tree, int bits, ref uint range, ref uint code, ref byte input, ref int position)
    {
        uint symbol = 1;
        uint value = 0;
        for (var i = 0; i < bits; i++)
        {
            var bit = BitOf(ref Unsafe.Add(ref tree, (int)symbol), ref range, ref code, ref input, ref position);
            symbol = (symbol << 1) | bit;
            value |= bit << i;
        }

        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Normalize(ref uint range, ref uint code, ref byte input, ref int position)
    {
        if (range < Top)
        {
            range <<= 8;
            code = (code << 8) | Unsafe.Add(ref input, position++);
        }
    }

    // For bits that can be foretold: a branch.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bit(ref ushort probability, ref uint range, ref uint code, ref byte input, ref int position)
    {
        Normalize(ref range, ref code, ref input, ref position);
        uint value = probability;
        var bound = (range >> ModelBits) * value;
        if (code < bound)
        {
            range = bound;
            probability = (ushort)(value + (((1u << ModelBits) - value) >> MoveBits));
            return 0;
        }

        range -= bound;
        code -= bound;
        probability = (ushort)(value - (value >> MoveBits));
        return 1;
    }

    // For bits that can't: no branch, because a wrong guess costs more than the arithmetic.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint BitOf(ref ushort probability, ref uint range, ref uint code, ref byte input, ref int position)
    {
        Normalize(ref range, ref code, ref input, ref position);
        int value = probability;
        var bound = (range >> ModelBits) * (uint)value;

        // All ones where the bit is 0.
        var zero = (uint)((long)((ulong)code - bound) >> 63);
        range = (bound & zero) | ((range - bound) & ~zero);
        code -= bound & ~zero;

        // Towards 2048 by a 32nd of what is missing, or towards 0 by a 32nd of what is there.
        probability = (ushort)(value - ((value + ((int)zero & ((1 << MoveBits) - 1 - (1 << ModelBits)))) >> MoveBits));
        return zero + 1;
    }
}
