using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>
/// MD5 (RFC 1321) and SHA-1 (FIPS 180-4, 6.1) of the same bytes. Each is a chain in which every step waits for the one before, so a core has room for both at once: steps of
/// one are put between steps of the other, and SHA-1's words for the next block are made meanwhile in vector registers. Both together take as long as MD5 alone.
/// </summary>
/// <remarks>
/// Not thread-safe. Only there to match what vendors publish: nothing is trusted by either. Unchecked accesses are at constant offsets into a block of 64 bytes that was
/// checked to be there, and into two schedules of 80 words.
/// </remarks>
internal sealed class Md5WithSha1
{
    public const int Md5Length = 16;
    public const int Sha1Length = 20;

    private const int BlockSize = 64;
    private const int Rounds = 80;

    private readonly byte[] _rest = new byte[BlockSize];
    private State _state = State.Initial;
    private int _restLength;
    private ulong _length;

    /// <summary>Whether this processor has what it takes to be faster than one after the other.</summary>
    public static bool IsSupported => Ssse3.IsSupported && BitConverter.IsLittleEndian;

    public void Reset()
    {
        _state = State.Initial;
        (_restLength, _length) = (0, 0);
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _length += (ulong)bytes.Length;
        if (_restLength > 0)
        {
            var taken = Math.Min(BlockSize - _restLength, bytes.Length);
            bytes[..taken].CopyTo(_rest.AsSpan(_restLength));
            _restLength += taken;
            bytes = bytes[taken..];
            if (_restLength < BlockSize)
            {
                return;
            }

            Blocks(ref _state, _rest);
            _restLength = 0;
        }

        var whole = bytes.Length & -BlockSize;
        if (whole > 0)
        {
            Blocks(ref _state, bytes[..whole]);
        }

        bytes[whole..].CopyTo(_rest);
        _restLength = bytes.Length - whole;
    }

    /// <summary>Writes the MD5 of what was appended so far; more may follow.</summary>
    public void WriteMd5(Span<byte> destination)
    {
        var state = Finish(isBigEndian: false);
        foreach (var value in (ReadOnlySpan<uint>)[state.A, state.B, state.C, state.D])
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination, value);
            destination = destination[sizeof(uint)..];
        }
    }

    /// <summary>Writes the SHA-1 of what was appended so far; more may follow.</summary>
    public void WriteSha1(Span<byte> destination)
    {
        var state = Finish(isBigEndian: true);
        foreach (var value in (ReadOnlySpan<uint>)[state.P, state.Q, state.R, state.S, state.T])
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, value);
            destination = destination[sizeof(uint)..];
        }
    }

    // The two pad alike, and write the length in opposite orders: what is made of the other one is thrown away.
    private State Finish(bool isBigEndian)
    {
        Span<byte> tail = stackalloc byte[2 * BlockSize];
        tail.Clear();
        _rest.AsSpan(0, _restLength).CopyTo(tail);
        tail[_restLength] = 0x80;
        tail = tail[..(_restLength + 1 + sizeof(ulong) <= BlockSize ? BlockSize : 2 * BlockSize)];
        if (isBigEndian)
        {
            BinaryPrimitives.WriteUInt64BigEndian(tail[^sizeof(ulong)..], _length * 8);
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(tail[^sizeof(ulong)..], _length * 8);
        }

        var state = _state;
        Blocks(ref state, tail);
        return state;
    }

    // The functions of MD5 (RFC 1321, 3.4). In G the two halves have no bit in common, and only one of them waits for b.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint F(uint a, uint b, uint c, uint d, int rotation) => BitOperations.RotateLeft(a + (((c ^ d) & b) ^ d), rotation) + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint G(uint a, uint b, uint c, uint d, int rotation) => BitOperations.RotateLeft(a + (~d & c) + (d & b), rotation) + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint H(uint a, uint b, uint c, uint d, int rotation) => BitOperations.RotateLeft(a + (b ^ (c ^ d)), rotation) + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint I(uint a, uint b, uint c, uint d, int rotation) => BitOperations.RotateLeft(a + (c ^ (b | ~d)), rotation) + b;

    // The functions of SHA-1 (FIPS 180-4, 4.1.1).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Choose(uint x, uint y, uint z) => ((y ^ z) & x) ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Parity(uint x, uint y, uint z) => x ^ y ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Majority(uint x, uint y, uint z) => ((x ^ y) & z) + (x & y);

    // SHA-1's schedule (FIPS 180-4, 6.1.2), four words at a time: the first sixteen are the block's, most significant byte first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Words(ref byte block, nuint offset) =>
        Vector128.Shuffle(Vector128.LoadUnsafe(ref block, offset), Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)).AsUInt32();

    // The fourth word needs the first of the same four, which is put in afterwards.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Early(Vector128<uint> back16, Vector128<uint> back12, Vector128<uint> back8, Vector128<uint> back4)
    {
        var words = Ssse3.AlignRight(back12.AsByte(), back16.AsByte(), 8).AsUInt32() ^ back16 ^ back8 ^ Sse2.ShiftRightLogical128BitLane(back4, 4);
        var first = Sse2.ShiftLeftLogical128BitLane(words, 12);
        return ((words << 1) | (words >>> 31)) ^ ((first << 2) | (first >>> 30));
    }

    // The same recurrence applied twice reaches back further, and then no word needs another of its four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Late(Vector128<uint> back32, Vector128<uint> back28, Vector128<uint> back16, Vector128<uint> back8, Vector128<uint> back4)
    {
        var words = Ssse3.AlignRight(back4.AsByte(), back8.AsByte(), 8).AsUInt32() ^ back16 ^ back28 ^ back32;
        return (words << 2) | (words >>> 30);
    }

    // Whole blocks, at least one. The order of the lines is the point: each chain's next step stands where the other one waits.
    private static void Blocks(ref State state, ReadOnlySpan<byte> bytes)
    {
        Span<uint> schedules = stackalloc uint[2 * Rounds];
        ref var schedule = ref MemoryMarshal.GetReference(schedules);
        ref var other = ref Unsafe.Add(ref schedule, Rounds);
        ref var start = ref MemoryMarshal.GetReference(bytes);
        var (k0, k1, k2, k3) = (Vector128.Create(0x5a827999u), Vector128.Create(0x6ed9eba1u), Vector128.Create(0x8f1bbcdcu), Vector128.Create(0xca62c1d6u));
        Vector128<uint> w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, w16, w17, w18, w19;
        var (a, b, c, d) = (state.A, state.B, state.C, state.D);
        var (p, q, r, s, t) = (state.P, state.Q, state.R, state.S, state.T);
        ref var next = ref start;
        w0 = Words(ref next, 0);
        (w0 + k0).StoreUnsafe(ref other, 0);
        w1 = Words(ref next, 16);
        (w1 + k0).StoreUnsafe(ref other, 4);
        w2 = Words(ref next, 32);
        (w2 + k0).StoreUnsafe(ref other, 8);
        w3 = Words(ref next, 48);
        (w3 + k0).StoreUnsafe(ref other, 12);
        w4 = Early(w0, w1, w2, w3);
        (w4 + k0).StoreUnsafe(ref other, 16);
        w5 = Early(w1, w2, w3, w4);
        (w5 + k1).StoreUnsafe(ref other, 20);
        w6 = Early(w2, w3, w4, w5);
        (w6 + k1).StoreUnsafe(ref other, 24);
        w7 = Early(w3, w4, w5, w6);
        (w7 + k1).StoreUnsafe(ref other, 28);
        w8 = Late(w0, w1, w4, w6, w7);
        (w8 + k1).StoreUnsafe(ref other, 32);
        w9 = Late(w1, w2, w5, w7, w8);
        (w9 + k1).StoreUnsafe(ref other, 36);
        w10 = Late(w2, w3, w6, w8, w9);
        (w10 + k2).StoreUnsafe(ref other, 40);
        w11 = Late(w3, w4, w7, w9, w10);
        (w11 + k2).StoreUnsafe(ref other, 44);
        w12 = Late(w4, w5, w8, w10, w11);
        (w12 + k2).StoreUnsafe(ref other, 48);
        w13 = Late(w5, w6, w9, w11, w12);
        (w13 + k2).StoreUnsafe(ref other, 52);
        w14 = Late(w6, w7, w10, w12, w13);
        (w14 + k2).StoreUnsafe(ref other, 56);
        w15 = Late(w7, w8, w11, w13, w14);
        (w15 + k3).StoreUnsafe(ref other, 60);
        w16 = Late(w8, w9, w12, w14, w15);
        (w16 + k3).StoreUnsafe(ref other, 64);
        w17 = Late(w9, w10, w13, w15, w16);
        (w17 + k3).StoreUnsafe(ref other, 68);
        w18 = Late(w10, w11, w14, w16, w17);
        (w18 + k3).StoreUnsafe(ref other, 72);
        w19 = Late(w11, w12, w15, w17, w18);
        (w19 + k3).StoreUnsafe(ref other, 76);
        for (var at = 0; at + BlockSize <= bytes.Length; at += BlockSize)
        {
            ref var made = ref other;
            other = ref schedule;
            schedule = ref made;
            ref var word = ref Unsafe.As<byte, uint>(ref Unsafe.Add(ref start, at));

            // Behind the last block there is none; its own schedule is made again, for nobody.
            next = ref Unsafe.Add(ref start, at + (2 * BlockSize) <= bytes.Length ? at + BlockSize : at);
            var (a0, b0, c0, d0) = (a, b, c, d);
            var (p0, q0, r0, s0, t0) = (p, q, r, s, t);
            t += Unsafe.Add(ref schedule, 0) + Choose(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 1) + Choose(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = F(a + Unsafe.Add(ref word, 0) + 0xd76aa478, b, c, d, 7);
            w0 = Words(ref next, 0);
            r += Unsafe.Add(ref schedule, 2) + Choose(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = F(d + Unsafe.Add(ref word, 1) + 0xe8c7b756, a, b, c, 12);
            q += Unsafe.Add(ref schedule, 3) + Choose(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = F(c + Unsafe.Add(ref word, 2) + 0x242070db, d, a, b, 17);
            (w0 + k0).StoreUnsafe(ref other, 0);
            p += Unsafe.Add(ref schedule, 4) + Choose(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = F(b + Unsafe.Add(ref word, 3) + 0xc1bdceee, c, d, a, 22);
            t += Unsafe.Add(ref schedule, 5) + Choose(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            w1 = Words(ref next, 16);
            s += Unsafe.Add(ref schedule, 6) + Choose(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = F(a + Unsafe.Add(ref word, 4) + 0xf57c0faf, b, c, d, 7);
            r += Unsafe.Add(ref schedule, 7) + Choose(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = F(d + Unsafe.Add(ref word, 5) + 0x4787c62a, a, b, c, 12);
            (w1 + k0).StoreUnsafe(ref other, 4);
            q += Unsafe.Add(ref schedule, 8) + Choose(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = F(c + Unsafe.Add(ref word, 6) + 0xa8304613, d, a, b, 17);
            p += Unsafe.Add(ref schedule, 9) + Choose(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = F(b + Unsafe.Add(ref word, 7) + 0xfd469501, c, d, a, 22);
            w2 = Words(ref next, 32);
            t += Unsafe.Add(ref schedule, 10) + Choose(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 11) + Choose(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = F(a + Unsafe.Add(ref word, 8) + 0x698098d8, b, c, d, 7);
            (w2 + k0).StoreUnsafe(ref other, 8);
            r += Unsafe.Add(ref schedule, 12) + Choose(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = F(d + Unsafe.Add(ref word, 9) + 0x8b44f7af, a, b, c, 12);
            q += Unsafe.Add(ref schedule, 13) + Choose(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = F(c + Unsafe.Add(ref word, 10) + 0xffff5bb1, d, a, b, 17);
            w3 = Words(ref next, 48);
            p += Unsafe.Add(ref schedule, 14) + Choose(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = F(b + Unsafe.Add(ref word, 11) + 0x895cd7be, c, d, a, 22);
            t += Unsafe.Add(ref schedule, 15) + Choose(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            (w3 + k0).StoreUnsafe(ref other, 12);
            s += Unsafe.Add(ref schedule, 16) + Choose(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = F(a + Unsafe.Add(ref word, 12) + 0x6b901122, b, c, d, 7);
            r += Unsafe.Add(ref schedule, 17) + Choose(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = F(d + Unsafe.Add(ref word, 13) + 0xfd987193, a, b, c, 12);
            w4 = Early(w0, w1, w2, w3);
            q += Unsafe.Add(ref schedule, 18) + Choose(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = F(c + Unsafe.Add(ref word, 14) + 0xa679438e, d, a, b, 17);
            p += Unsafe.Add(ref schedule, 19) + Choose(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = F(b + Unsafe.Add(ref word, 15) + 0x49b40821, c, d, a, 22);
            (w4 + k0).StoreUnsafe(ref other, 16);
            t += Unsafe.Add(ref schedule, 20) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 21) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = G(a + Unsafe.Add(ref word, 1) + 0xf61e2562, b, c, d, 5);
            w5 = Early(w1, w2, w3, w4);
            r += Unsafe.Add(ref schedule, 22) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = G(d + Unsafe.Add(ref word, 6) + 0xc040b340, a, b, c, 9);
            q += Unsafe.Add(ref schedule, 23) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = G(c + Unsafe.Add(ref word, 11) + 0x265e5a51, d, a, b, 14);
            (w5 + k1).StoreUnsafe(ref other, 20);
            p += Unsafe.Add(ref schedule, 24) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = G(b + Unsafe.Add(ref word, 0) + 0xe9b6c7aa, c, d, a, 20);
            t += Unsafe.Add(ref schedule, 25) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            w6 = Early(w2, w3, w4, w5);
            s += Unsafe.Add(ref schedule, 26) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = G(a + Unsafe.Add(ref word, 5) + 0xd62f105d, b, c, d, 5);
            r += Unsafe.Add(ref schedule, 27) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = G(d + Unsafe.Add(ref word, 10) + 0x2441453, a, b, c, 9);
            (w6 + k1).StoreUnsafe(ref other, 24);
            q += Unsafe.Add(ref schedule, 28) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = G(c + Unsafe.Add(ref word, 15) + 0xd8a1e681, d, a, b, 14);
            p += Unsafe.Add(ref schedule, 29) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = G(b + Unsafe.Add(ref word, 4) + 0xe7d3fbc8, c, d, a, 20);
            w7 = Early(w3, w4, w5, w6);
            t += Unsafe.Add(ref schedule, 30) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 31) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = G(a + Unsafe.Add(ref word, 9) + 0x21e1cde6, b, c, d, 5);
            (w7 + k1).StoreUnsafe(ref other, 28);
            r += Unsafe.Add(ref schedule, 32) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = G(d + Unsafe.Add(ref word, 14) + 0xc33707d6, a, b, c, 9);
            q += Unsafe.Add(ref schedule, 33) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = G(c + Unsafe.Add(ref word, 3) + 0xf4d50d87, d, a, b, 14);
            w8 = Late(w0, w1, w4, w6, w7);
            p += Unsafe.Add(ref schedule, 34) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = G(b + Unsafe.Add(ref word, 8) + 0x455a14ed, c, d, a, 20);
            t += Unsafe.Add(ref schedule, 35) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            (w8 + k1).StoreUnsafe(ref other, 32);
            s += Unsafe.Add(ref schedule, 36) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = G(a + Unsafe.Add(ref word, 13) + 0xa9e3e905, b, c, d, 5);
            r += Unsafe.Add(ref schedule, 37) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = G(d + Unsafe.Add(ref word, 2) + 0xfcefa3f8, a, b, c, 9);
            w9 = Late(w1, w2, w5, w7, w8);
            q += Unsafe.Add(ref schedule, 38) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = G(c + Unsafe.Add(ref word, 7) + 0x676f02d9, d, a, b, 14);
            p += Unsafe.Add(ref schedule, 39) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = G(b + Unsafe.Add(ref word, 12) + 0x8d2a4c8a, c, d, a, 20);
            (w9 + k1).StoreUnsafe(ref other, 36);
            t += Unsafe.Add(ref schedule, 40) + Majority(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 41) + Majority(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = H(a + Unsafe.Add(ref word, 5) + 0xfffa3942, b, c, d, 4);
            w10 = Late(w2, w3, w6, w8, w9);
            r += Unsafe.Add(ref schedule, 42) + Majority(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = H(d + Unsafe.Add(ref word, 8) + 0x8771f681, a, b, c, 11);
            q += Unsafe.Add(ref schedule, 43) + Majority(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = H(c + Unsafe.Add(ref word, 11) + 0x6d9d6122, d, a, b, 16);
            (w10 + k2).StoreUnsafe(ref other, 40);
            p += Unsafe.Add(ref schedule, 44) + Majority(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = H(b + Unsafe.Add(ref word, 14) + 0xfde5380c, c, d, a, 23);
            t += Unsafe.Add(ref schedule, 45) + Majority(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            w11 = Late(w3, w4, w7, w9, w10);
            s += Unsafe.Add(ref schedule, 46) + Majority(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = H(a + Unsafe.Add(ref word, 1) + 0xa4beea44, b, c, d, 4);
            r += Unsafe.Add(ref schedule, 47) + Majority(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = H(d + Unsafe.Add(ref word, 4) + 0x4bdecfa9, a, b, c, 11);
            (w11 + k2).StoreUnsafe(ref other, 44);
            q += Unsafe.Add(ref schedule, 48) + Majority(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = H(c + Unsafe.Add(ref word, 7) + 0xf6bb4b60, d, a, b, 16);
            p += Unsafe.Add(ref schedule, 49) + Majority(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = H(b + Unsafe.Add(ref word, 10) + 0xbebfbc70, c, d, a, 23);
            w12 = Late(w4, w5, w8, w10, w11);
            t += Unsafe.Add(ref schedule, 50) + Majority(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 51) + Majority(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = H(a + Unsafe.Add(ref word, 13) + 0x289b7ec6, b, c, d, 4);
            (w12 + k2).StoreUnsafe(ref other, 48);
            r += Unsafe.Add(ref schedule, 52) + Majority(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = H(d + Unsafe.Add(ref word, 0) + 0xeaa127fa, a, b, c, 11);
            q += Unsafe.Add(ref schedule, 53) + Majority(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = H(c + Unsafe.Add(ref word, 3) + 0xd4ef3085, d, a, b, 16);
            w13 = Late(w5, w6, w9, w11, w12);
            p += Unsafe.Add(ref schedule, 54) + Majority(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = H(b + Unsafe.Add(ref word, 6) + 0x4881d05, c, d, a, 23);
            t += Unsafe.Add(ref schedule, 55) + Majority(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            (w13 + k2).StoreUnsafe(ref other, 52);
            s += Unsafe.Add(ref schedule, 56) + Majority(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = H(a + Unsafe.Add(ref word, 9) + 0xd9d4d039, b, c, d, 4);
            r += Unsafe.Add(ref schedule, 57) + Majority(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = H(d + Unsafe.Add(ref word, 12) + 0xe6db99e5, a, b, c, 11);
            w14 = Late(w6, w7, w10, w12, w13);
            q += Unsafe.Add(ref schedule, 58) + Majority(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = H(c + Unsafe.Add(ref word, 15) + 0x1fa27cf8, d, a, b, 16);
            p += Unsafe.Add(ref schedule, 59) + Majority(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = H(b + Unsafe.Add(ref word, 2) + 0xc4ac5665, c, d, a, 23);
            (w14 + k2).StoreUnsafe(ref other, 56);
            t += Unsafe.Add(ref schedule, 60) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 61) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = I(a + Unsafe.Add(ref word, 0) + 0xf4292244, b, c, d, 6);
            w15 = Late(w7, w8, w11, w13, w14);
            r += Unsafe.Add(ref schedule, 62) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = I(d + Unsafe.Add(ref word, 7) + 0x432aff97, a, b, c, 10);
            q += Unsafe.Add(ref schedule, 63) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = I(c + Unsafe.Add(ref word, 14) + 0xab9423a7, d, a, b, 15);
            (w15 + k3).StoreUnsafe(ref other, 60);
            p += Unsafe.Add(ref schedule, 64) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = I(b + Unsafe.Add(ref word, 5) + 0xfc93a039, c, d, a, 21);
            t += Unsafe.Add(ref schedule, 65) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            w16 = Late(w8, w9, w12, w14, w15);
            s += Unsafe.Add(ref schedule, 66) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = I(a + Unsafe.Add(ref word, 12) + 0x655b59c3, b, c, d, 6);
            r += Unsafe.Add(ref schedule, 67) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = I(d + Unsafe.Add(ref word, 3) + 0x8f0ccc92, a, b, c, 10);
            (w16 + k3).StoreUnsafe(ref other, 64);
            q += Unsafe.Add(ref schedule, 68) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = I(c + Unsafe.Add(ref word, 10) + 0xffeff47d, d, a, b, 15);
            p += Unsafe.Add(ref schedule, 69) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = I(b + Unsafe.Add(ref word, 1) + 0x85845dd1, c, d, a, 21);
            w17 = Late(w9, w10, w13, w15, w16);
            t += Unsafe.Add(ref schedule, 70) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            s += Unsafe.Add(ref schedule, 71) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = I(a + Unsafe.Add(ref word, 8) + 0x6fa87e4f, b, c, d, 6);
            (w17 + k3).StoreUnsafe(ref other, 68);
            r += Unsafe.Add(ref schedule, 72) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = I(d + Unsafe.Add(ref word, 15) + 0xfe2ce6e0, a, b, c, 10);
            q += Unsafe.Add(ref schedule, 73) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = I(c + Unsafe.Add(ref word, 6) + 0xa3014314, d, a, b, 15);
            w18 = Late(w10, w11, w14, w16, w17);
            p += Unsafe.Add(ref schedule, 74) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = I(b + Unsafe.Add(ref word, 13) + 0x4e0811a1, c, d, a, 21);
            t += Unsafe.Add(ref schedule, 75) + Parity(q, r, s) + BitOperations.RotateLeft(p, 5);
            q = BitOperations.RotateLeft(q, 30);
            (w18 + k3).StoreUnsafe(ref other, 72);
            s += Unsafe.Add(ref schedule, 76) + Parity(p, q, r) + BitOperations.RotateLeft(t, 5);
            p = BitOperations.RotateLeft(p, 30);
            a = I(a + Unsafe.Add(ref word, 4) + 0xf7537e82, b, c, d, 6);
            r += Unsafe.Add(ref schedule, 77) + Parity(t, p, q) + BitOperations.RotateLeft(s, 5);
            t = BitOperations.RotateLeft(t, 30);
            d = I(d + Unsafe.Add(ref word, 11) + 0xbd3af235, a, b, c, 10);
            w19 = Late(w11, w12, w15, w17, w18);
            q += Unsafe.Add(ref schedule, 78) + Parity(s, t, p) + BitOperations.RotateLeft(r, 5);
            s = BitOperations.RotateLeft(s, 30);
            c = I(c + Unsafe.Add(ref word, 2) + 0x2ad7d2bb, d, a, b, 15);
            p += Unsafe.Add(ref schedule, 79) + Parity(r, s, t) + BitOperations.RotateLeft(q, 5);
            r = BitOperations.RotateLeft(r, 30);
            b = I(b + Unsafe.Add(ref word, 9) + 0xeb86d391, c, d, a, 21);
            (w19 + k3).StoreUnsafe(ref other, 76);
            (a, b, c, d) = (a + a0, b + b0, c + c0, d + d0);
            (p, q, r, s, t) = (p + p0, q + q0, r + r0, s + s0, t + t0);
        }

        state = new(a, b, c, d, p, q, r, s, t);
    }

    private readonly record struct State(uint A, uint B, uint C, uint D, uint P, uint Q, uint R, uint S, uint T)
    {
        public static State Initial => new(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
    }
}
