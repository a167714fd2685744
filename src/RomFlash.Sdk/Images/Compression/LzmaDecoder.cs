using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RomFlash.Sdk.Images.Compression;

/// <summary>
/// Decodes LZMA as UEFI volumes have it (GUIDed section ee4e5898-3914-4259-9d6e-dc7bd79403cf; LZMA specification). The output is the dictionary, so
/// memory is bounded by what the caller hands in and 28 KiB of probabilities; time is linear in input and output.
/// </summary>
/// <remarks>
/// Thread-safe. Accesses are not checked one by one; they stay inside by construction:
/// <list type="bullet">
/// <item>A symbol takes at most 48 decisions (match, repeat, 10 of a length, 6 + 26 + 4 of a distance), and a decision at most one byte. Before each
/// symbol <see cref="Margin"/> bytes are known to follow; the end of the input is read from a copy with so many zeros behind it.</item>
/// <item>Indices into the probabilities are made of the state (at most 11), the masked position (at most 15), a masked literal context, and the nodes of
/// a tree, which its depth bounds. A node's children are loaded before it is known whether there are any; they lie in the next table, or in the 64 that
/// are added at the end.</item>
/// <item>Every copy is compared with what was written so far and with what is left. A literal after a match looks at the byte that the match would have
/// gone on with; that distance was compared when the match was.</item>
/// </list>
/// </remarks>
internal static class LzmaDecoder
{
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

    private const int Margin = 64;
    private const int CancellationInterval = 1 << 16;

    /// <summary>Decodes.</summary>
    /// <param name="section">The header and the stream; what follows the stream is not looked at.</param>
    /// <param name="header">The header, as <see cref="LzmaHeader.TryRead"/> gave it.</param>
    /// <param name="output">Where the decoded bytes go: exactly as many as the header says, or the most that may come where it does not say.</param>
    /// <param name="cancellationToken">Looked at every 64 KiB of output.</param>
    /// <returns>How it ended; offsets count from the beginning of the header.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static DecodeResult Decode(ReadOnlySpan<byte> section, LzmaHeader header, Span<byte> output, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(section.Length, LzmaHeader.Size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(header.LiteralContextBits + header.LiteralPositionBits, LzmaHeader.MaxLiteralBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(header.PositionBits, 4);
        if (header.DecodedLength is { } length && length != output.Length)
        {
            throw new ArgumentException("The output is not as long as the header says.", nameof(output));
        }

        var count = Literals + (0x300 << (header.LiteralContextBits + header.LiteralPositionBits)) + 64;
        var probabilities = ArrayPool<ushort>.Shared.Rent(count);
        try
        {
            probabilities.AsSpan(0, count).Fill(Half);
            return Decode(section, header, output, ref MemoryMarshal.GetArrayDataReference(probabilities), cancellationToken);
        }
        finally
        {
            ArrayPool<ushort>.Shared.Return(probabilities);
        }
    }

    private static DecodeResult Decode(ReadOnlySpan<byte> section, LzmaHeader header, Span<byte> output, ref ushort model, CancellationToken cancellationToken)
    {
        const int First = LzmaHeader.Size + 5;
        if (section.Length < First)
        {
            return new(DecodeStatus.TruncatedInput, section.Length, 0);
        }

        // The range coder's first byte is always 0, and its code less than its range (LZMA specification, "range decoder").
        var range = uint.MaxValue;
        var code = BinaryPrimitives.ReadUInt32BigEndian(section[(LzmaHeader.Size + 1)..]);
        if (section[LzmaHeader.Size] != 0 || code == range)
        {
            return new(DecodeStatus.Corrupt, LzmaHeader.Size, 0);
        }

        Span<byte> tail = stackalloc byte[2 * Margin];
        scoped ref var input = ref MemoryMarshal.GetReference(section);
        ref var target = ref MemoryMarshal.GetReference(output);
        nint position = First;
        nint inputEnd = section.Length;
        nint safeEnd = inputEnd - Margin;
        var inputStart = 0;
        var outputEnd = output.Length;
        var hasLength = header.DecodedLength is not null;
        var dictionary = Math.Max(header.DictionarySize, 4096u);
        var contextBits = header.LiteralContextBits;
        var literalShift = 8 - contextBits;
        var literalMask = (1 << header.LiteralPositionBits) - 1;
        var positionMask = (1 << header.PositionBits) - 1;
        uint rep0 = 0, rep1 = 0, rep2 = 0, rep3 = 0;
        var state = 0;
        var at = 0;
        var good = 0;
        var nextCheck = 0;
        DecodeStatus status;
        while (true)
        {
            if (position > safeEnd)
            {
                if (position > inputEnd)
                {
                    status = DecodeStatus.TruncatedInput;
                    break;
                }

                // The last bytes move to where reading beyond them does no harm.
                if (inputStart == 0)
                {
                    tail.Clear();
                    section[(int)position..].CopyTo(tail);
                    inputStart = (int)position;
                    inputEnd -= position;
                    safeEnd = -1;
                    position = 0;
                    input = ref MemoryMarshal.GetReference(tail);
                }

                good = at;
            }

            if (at >= nextCheck)
            {
                cancellationToken.ThrowIfCancellationRequested();
                nextCheck = (int)Math.Min((long)at + CancellationInterval, int.MaxValue);
            }

            if (at == outputEnd && hasLength)
            {
                // At a clean end nothing is left in the range coder; otherwise only the end marker may follow.
                Normalize(ref range, ref code, ref input, ref position);
                if (code == 0)
                {
                    status = DecodeStatus.Done;
                    break;
                }
            }

            var positionState = at & positionMask;
            if (Bit(ref Unsafe.Add(ref model, IsMatch + (state << 4) + positionState), ref range, ref code, ref input, ref position) == 0)
            {
                if (at == outputEnd)
                {
                    status = hasLength ? DecodeStatus.Corrupt : DecodeStatus.OutputTooSmall;
                    break;
                }

                var before = at == 0 ? 0 : Unsafe.Add(ref target, at - 1);
                var context = ((at & literalMask) << contextBits) + (before >> literalShift);
                ref var literals = ref Unsafe.Add(ref model, Literals + (0x300 * context));
                var literal = state < 7
                    ? Literal(ref literals, range, code, ref Unsafe.Add(ref input, position))
                    : LiteralAfterMatch(ref literals, Unsafe.Add(ref target, at - (int)rep0 - 1), range, code, ref Unsafe.Add(ref input, position));
                (range, code) = (literal.Range, literal.Code);
                position += literal.Advance;
                Unsafe.Add(ref target, at++) = (byte)literal.Value;
                state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
                continue;
            }

            Part part;
            int length;
            if (Bit(ref Unsafe.Add(ref model, IsRep + state), ref range, ref code, ref input, ref position) == 0)
            {
                (rep3, rep2, rep1) = (rep2, rep1, rep0);
                part = Length(ref Unsafe.Add(ref model, Lengths), positionState, range, code, ref Unsafe.Add(ref input, position));
                position += part.Advance;
                length = (int)part.Value;
                part = Distance(ref model, Math.Min(length, 3), part.Range, part.Code, ref Unsafe.Add(ref input, position));
                position += part.Advance;
                (range, code) = (part.Range, part.Code);
                rep0 = part.Value;
                state = state < 7 ? 7 : 10;
                if (rep0 == uint.MaxValue)
                {
                    // The end marker. The coder is at a clean end behind it.
                    Normalize(ref range, ref code, ref input, ref position);
                    status = code != 0 ? DecodeStatus.Corrupt : hasLength && at != outputEnd ? DecodeStatus.OutputTooLarge : DecodeStatus.Done;
                    break;
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
                            status = NoMatch(rep0, at, dictionary, hasLength);
                            break;
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

                part = Length(ref Unsafe.Add(ref model, RepLengths), positionState, range, code, ref Unsafe.Add(ref input, position));
                (range, code) = (part.Range, part.Code);
                position += part.Advance;
                length = (int)part.Value;
                state = state < 7 ? 8 : 11;
            }

            length += 2;
            if (rep0 >= (uint)at || rep0 >= dictionary || length > outputEnd - at)
            {
                status = NoMatch(rep0, at, dictionary, hasLength);
                break;
            }

            Copy(ref Unsafe.Add(ref target, at), (int)rep0 + 1, length, outputEnd - at);
            at += length;
        }

        // What was concluded from bytes that are not there counts for nothing, be it a status or the last symbol.
        return position > inputEnd ? new(DecodeStatus.TruncatedInput, inputStart + (int)inputEnd, good) : new(status, inputStart + (int)position, at);
    }

    private static DecodeStatus NoMatch(uint distance, int at, uint dictionary, bool hasLength) =>
        distance < (uint)at && distance < dictionary && !hasLength ? DecodeStatus.OutputTooSmall : DecodeStatus.Corrupt;

    // Where there is room it writes up to 15 bytes more than asked for; they are overwritten later, or lie behind what counts as written.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(ref byte target, int distance, int length, int room)
    {
        if (distance < Vector128<byte>.Count || room - length < Vector128<byte>.Count)
        {
            CopyExactly(ref target, distance, length);
            return;
        }

        ref var source = ref Unsafe.Subtract(ref target, distance);
        nuint i = 0;
        do
        {
            Vector128.LoadUnsafe(ref source, i).StoreUnsafe(ref target, i);
            i += (nuint)Vector128<byte>.Count;
        }
        while (i < (nuint)length);
    }

    // The source may overlap the target: then it repeats.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CopyExactly(ref byte target, int distance, int length)
    {
        ref var source = ref Unsafe.Subtract(ref target, distance);
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

    // A method of its own for each part of a symbol: alone it has the registers that its chain of decisions wants. They are optimised at once, because they
    // have no loops from which the runtime could go over to better code while the first image is being decoded.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Part Literal(ref ushort tree, uint range, uint code, ref byte input)
    {
        nint at = 0;
        var value = Tree(ref tree, 8, ref range, ref code, ref input, ref at);
        return new(range, code, value, at);
    }

    // As long as the bits are those of the byte that the match would have gone on with, they have probabilities of their own.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Part LiteralAfterMatch(ref ushort literals, nuint predicted, uint range, uint code, ref byte input)
    {
        nint at = 0;
        predicted <<= 1;
        nuint offset = 0x100;
        nuint node = 1;
        var index = offset + (predicted & offset) + node;
        uint probability = Unsafe.Add(ref literals, index);
        PredictedNode(ref literals, ref predicted, ref offset, ref node, ref index, ref probability, ref range, ref code, ref input, ref at);
        PredictedNode(ref literals, ref predicted, ref offset, ref node, ref index, ref probability, ref range, ref code, ref input, ref at);
        PredictedNode(ref literals, ref predicted, ref offset, ref node, ref index, ref probability, ref range, ref code, ref input, ref at);
        PredictedNode(ref literals, ref predicted, ref offset, ref node, ref index, ref probability, ref range, ref code, ref input, ref at);
        PredictedNode(ref literals, ref predicted, ref offset, ref node, ref index, ref probability, ref range, ref code, ref input, ref at);
        PredictedNode(ref literals, ref predicted, ref offset, ref node, ref index, ref probability, ref range, ref code, ref input, ref at);
        PredictedNode(ref literals, ref predicted, ref offset, ref node, ref index, ref probability, ref range, ref code, ref input, ref at);
        var zero = Decide(ref Unsafe.Add(ref literals, index), probability, ref range, ref code, ref input, ref at);
        return new(range, code, ((uint)node << 1) + 1 + zero, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Part Length(ref ushort coder, int positionState, uint range, uint code, ref byte input)
    {
        nint at = 0;
        uint value;
        if (Bit(ref coder, ref range, ref code, ref input, ref at) == 0)
        {
            value = Tree(ref Unsafe.Add(ref coder, 2 + (positionState << 3)), 3, ref range, ref code, ref input, ref at);
        }
        else if (Bit(ref Unsafe.Add(ref coder, 1), ref range, ref code, ref input, ref at) == 0)
        {
            value = 8 + Tree(ref Unsafe.Add(ref coder, 2 + 128 + (positionState << 3)), 3, ref range, ref code, ref input, ref at);
        }
        else
        {
            value = 16 + Tree(ref Unsafe.Add(ref coder, 2 + 128 + 128), 8, ref range, ref code, ref input, ref at);
        }

        return new(range, code, value, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Part Distance(ref ushort model, int lengthState, uint range, uint code, ref byte input)
    {
        nint at = 0;
        var slot = Tree(ref Unsafe.Add(ref model, Slots + (lengthState << 6)), 6, ref range, ref code, ref input, ref at);
        if (slot < 4)
        {
            return new(range, code, slot, at);
        }

        var bits = (int)(slot >> 1) - 1;
        var distance = (2 | (slot & 1)) << bits;
        if (slot < 14)
        {
            distance += ReverseTree(ref Unsafe.Add(ref model, Special + (int)(distance - slot)), bits, ref range, ref code, ref input, ref at);
            return new(range, code, distance, at);
        }

        // All but the last four bits have no probabilities.
        uint direct = 0;
        for (var i = bits - 4; i > 0; i--)
        {
            Normalize(ref range, ref code, ref input, ref at);
            range >>= 1;
            code -= range;
            var zero = (uint)((int)code >> 31);
            code += range & zero;
            direct = (direct << 1) + zero + 1;
        }

        distance += (direct << 4) + ReverseTree(ref Unsafe.Add(ref model, Align), 4, ref range, ref code, ref input, ref at);
        return new(range, code, distance, at);
    }

    // Written out, the depths 3, 6 and 8 that there are: a loop over them costs a wrongly guessed branch here and there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Tree(ref ushort tree, int depth, ref uint range, ref uint code, ref byte input, ref nint at)
    {
        nuint node = 1;
        uint probability = Unsafe.Add(ref tree, node);
        Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
        Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
        if (depth > 3)
        {
            Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
            Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
            Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
        }

        if (depth > 6)
        {
            Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
            Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
        }

        var zero = Decide(ref Unsafe.Add(ref tree, node), probability, ref range, ref code, ref input, ref at);
        return ((uint)node << 1) + 1 + zero - (1u << depth);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ReverseTree(ref ushort tree, int depth, ref uint range, ref uint code, ref byte input, ref nint at)
    {
        nuint node = 1;
        uint probability = Unsafe.Add(ref tree, node);
        uint value = 0;
        for (var i = 0; i < depth; i++)
        {
            var zero = Node(ref tree, ref node, ref probability, ref range, ref code, ref input, ref at);
            value |= (zero + 1) << i;
        }

        return value;
    }

    // Both children are loaded while the decision is being made; waiting for the right one would be a third of the time.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Node(ref ushort tree, ref nuint node, ref uint probability, ref uint range, ref uint code, ref byte input, ref nint at)
    {
        uint left = Unsafe.Add(ref tree, node << 1);
        uint right = Unsafe.Add(ref tree, (node << 1) + 1);
        var zero = Decide(ref Unsafe.Add(ref tree, node), probability, ref range, ref code, ref input, ref at);
        node = (nuint)((nint)(node << 1) + 1 + (int)zero);
        probability = right ^ ((left ^ right) & zero);
        return zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PredictedNode(
        ref ushort literals,
        ref nuint predicted,
        ref nuint offset,
        ref nuint node,
        ref nuint index,
        ref uint probability,
        ref uint range,
        ref uint code,
        ref byte input,
        ref nint at)
    {
        // The offset after a 1, and after a 0; it stays while the prediction holds.
        var one = offset & predicted;
        var nought = offset ^ one;
        predicted <<= 1;
        var left = nought + (predicted & nought) + (node << 1);
        var right = one + (predicted & one) + (node << 1) + 1;
        uint leftProbability = Unsafe.Add(ref literals, left);
        uint rightProbability = Unsafe.Add(ref literals, right);
        var zero = Decide(ref Unsafe.Add(ref literals, index), probability, ref range, ref code, ref input, ref at);
        var wide = (nuint)(int)zero;
        node = (node << 1) + 1 + wide;
        offset = one ^ (offset & wide);
        index = right ^ ((left ^ right) & wide);
        probability = rightProbability ^ ((leftProbability ^ rightProbability) & zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Normalize(ref uint range, ref uint code, ref byte input, ref nint at)
    {
        if (range < Top)
        {
            range <<= 8;
            code = (code << 8) | Unsafe.Add(ref input, at++);
        }
    }

    // For decisions that can be foretold: a branch.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bit(ref ushort probability, ref uint range, ref uint code, ref byte input, ref nint at)
    {
        Normalize(ref range, ref code, ref input, ref at);
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

    // For those that can't: no branch, because a wrong guess costs more than the arithmetic. Gives all ones for a 0, and 0 for a 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Decide(ref ushort probability, uint value, ref uint range, ref uint code, ref byte input, ref nint at)
    {
        Normalize(ref range, ref code, ref input, ref at);
        var bound = (range >> ModelBits) * value;
        var above = (long)((ulong)code - bound);
        var zero = (uint)(above >> 63);
        var upper = range - bound;
        range = upper + (zero & (bound - upper));
        code = (uint)above + (bound & zero);

        // Towards 2048 by a 32nd of what is missing, or towards 0 by a 32nd of what is there.
        probability = (ushort)(value - (uint)((int)(value + (zero & unchecked((uint)((1 << MoveBits) - 1 - (1 << ModelBits))))) >> MoveBits));
        return zero;
    }

    // Two words, so that it is handed back in registers.
    private readonly struct Part(uint range, uint code, uint value, nint advance)
    {
        private readonly ulong _coder = ((ulong)range << 32) | code;
        private readonly ulong _rest = ((ulong)advance << 32) | value;

        public uint Range => (uint)(_coder >> 32);

        public uint Code => (uint)_coder;

        public uint Value => (uint)_rest;

        public int Advance => (int)(_rest >> 32);
    }
}
