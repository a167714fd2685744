using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>
/// MD5 (RFC 1321) in the vector registers of processors with AVX-512: its three-way logic and rotation are single instructions there, and MD5 is a chain in which every
/// step waits for the one before. Elsewhere the framework's is faster.
/// </summary>
/// <remarks>Not thread-safe. MD5 is only there to match what vendors publish.</remarks>
internal sealed class VectorMd5
{
    public const int LengthInBytes = 16;

    private const int BlockSize = 64;

    // The truth tables of the four functions (RFC 1321, 3.4), of b, c and d from the highest bit of the index on.
    private const byte F = 0xCA;
    private const byte G = 0xE4;
    private const byte H = 0x96;
    private const byte I = 0x39;

    private readonly byte[] _rest = new byte[BlockSize];
    private Vector128<uint> _a;
    private Vector128<uint> _b;
    private Vector128<uint> _c;
    private Vector128<uint> _d;
    private int _restLength;
    private ulong _length;

    public VectorMd5() => Reset();

    public static bool IsSupported => Avx512F.VL.IsSupported && BitConverter.IsLittleEndian;

    // The integer part of 2^32 times the absolute sine of 1 to 64 (RFC 1321, 3.4).
    private static ReadOnlySpan<uint> Sines =>
    [
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
    ];

    public void Reset()
    {
        _a = Vector128.CreateScalar(0x67452301u);
        _b = Vector128.CreateScalar(0xefcdab89u);
        _c = Vector128.CreateScalar(0x98badcfeu);
        _d = Vector128.CreateScalar(0x10325476u);
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

            Blocks(_rest);
            _restLength = 0;
        }

        var whole = bytes.Length & -BlockSize;
        Blocks(bytes[..whole]);
        bytes[whole..].CopyTo(_rest);
        _restLength = bytes.Length - whole;
    }

    /// <summary>Writes the digest of what was appended so far; more may follow.</summary>
    public void Write(Span<byte> destination)
    {
        var (a, b, c, d, length) = (_a, _b, _c, _d, _length);
        Span<byte> tail = stackalloc byte[2 * BlockSize];
        tail.Clear();
        _rest.AsSpan(0, _restLength).CopyTo(tail);
        tail[_restLength] = 0x80;
        var size = _restLength + 9 <= BlockSize ? BlockSize : 2 * BlockSize;
        BinaryPrimitives.WriteUInt64LittleEndian(tail[(size - 8)..], length * 8);
        Blocks(tail[..size]);
        BinaryPrimitives.WriteUInt32LittleEndian(destination, _a.ToScalar());
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], _b.ToScalar());
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], _c.ToScalar());
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], _d.ToScalar());
        (_a, _b, _c, _d) = (a, b, c, d);
    }

    // A step: what does not wait for the chain (word and sine) is added first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Step([ConstantExpected] byte function, Vector128<uint> a, Vector128<uint> b, Vector128<uint> c, Vector128<uint> d, ref uint word, ref uint sine, [ConstantExpected] byte rotation)
    {
        var early = a + Vector128.CreateScalarUnsafe(word + sine);
        return Avx512F.VL.RotateLeft(early + Avx512F.VL.TernaryLogic(b, c, d, function), rotation) + b;
    }

    private void Blocks(ReadOnlySpan<byte> bytes)
    {
        ref var s = ref MemoryMarshal.GetReference(Sines);
        var (a, b, c, d) = (_a, _b, _c, _d);
        for (var at = 0; at + BlockSize <= bytes.Length; at += BlockSize)
        {
            // Sixteen words, whose indices below are constants.
            ref var w = ref Unsafe.As<byte, uint>(ref Unsafe.Add(ref MemoryMarshal.GetReference(bytes), at));
            var (a0, b0, c0, d0) = (a, b, c, d);
            a = Step(F, a, b, c, d, ref Unsafe.Add(ref w, 0), ref Unsafe.Add(ref s, 0), 7);
            d = Step(F, d, a, b, c, ref Unsafe.Add(ref w, 1), ref Unsafe.Add(ref s, 1), 12);
            c = Step(F, c, d, a, b, ref Unsafe.Add(ref w, 2), ref Unsafe.Add(ref s, 2), 17);
            b = Step(F, b, c, d, a, ref Unsafe.Add(ref w, 3), ref Unsafe.Add(ref s, 3), 22);
            a = Step(F, a, b, c, d, ref Unsafe.Add(ref w, 4), ref Unsafe.Add(ref s, 4), 7);
            d = Step(F, d, a, b, c, ref Unsafe.Add(ref w, 5), ref Unsafe.Add(ref s, 5), 12);
            c = Step(F, c, d, a, b, ref Unsafe.Add(ref w, 6), ref Unsafe.Add(ref s, 6), 17);
            b = Step(F, b, c, d, a, ref Unsafe.Add(ref w, 7), ref Unsafe.Add(ref s, 7), 22);
            a = Step(F, a, b, c, d, ref Unsafe.Add(ref w, 8), ref Unsafe.Add(ref s, 8), 7);
            d = Step(F, d, a, b, c, ref Unsafe.Add(ref w, 9), ref Unsafe.Add(ref s, 9), 12);
            c = Step(F, c, d, a, b, ref Unsafe.Add(ref w, 10), ref Unsafe.Add(ref s, 10), 17);
            b = Step(F, b, c, d, a, ref Unsafe.Add(ref w, 11), ref Unsafe.Add(ref s, 11), 22);
            a = Step(F, a, b, c, d, ref Unsafe.Add(ref w, 12), ref Unsafe.Add(ref s, 12), 7);
            d = Step(F, d, a, b, c, ref Unsafe.Add(ref w, 13), ref Unsafe.Add(ref s, 13), 12);
            c = Step(F, c, d, a, b, ref Unsafe.Add(ref w, 14), ref Unsafe.Add(ref s, 14), 17);
            b = Step(F, b, c, d, a, ref Unsafe.Add(ref w, 15), ref Unsafe.Add(ref s, 15), 22);
            a = Step(G, a, b, c, d, ref Unsafe.Add(ref w, 1), ref Unsafe.Add(ref s, 16), 5);
            d = Step(G, d, a, b, c, ref Unsafe.Add(ref w, 6), ref Unsafe.Add(ref s, 17), 9);
            c = Step(G, c, d, a, b, ref Unsafe.Add(ref w, 11), ref Unsafe.Add(ref s, 18), 14);
            b = Step(G, b, c, d, a, ref Unsafe.Add(ref w, 0), ref Unsafe.Add(ref s, 19), 20);
            a = Step(G, a, b, c, d, ref Unsafe.Add(ref w, 5), ref Unsafe.Add(ref s, 20), 5);
            d = Step(G, d, a, b, c, ref Unsafe.Add(ref w, 10), ref Unsafe.Add(ref s, 21), 9);
            c = Step(G, c, d, a, b, ref Unsafe.Add(ref w, 15), ref Unsafe.Add(ref s, 22), 14);
            b = Step(G, b, c, d, a, ref Unsafe.Add(ref w, 4), ref Unsafe.Add(ref s, 23), 20);
            a = Step(G, a, b, c, d, ref Unsafe.Add(ref w, 9), ref Unsafe.Add(ref s, 24), 5);
            d = Step(G, d, a, b, c, ref Unsafe.Add(ref w, 14), ref Unsafe.Add(ref s, 25), 9);
            c = Step(G, c, d, a, b, ref Unsafe.Add(ref w, 3), ref Unsafe.Add(ref s, 26), 14);
            b = Step(G, b, c, d, a, ref Unsafe.Add(ref w, 8), ref Unsafe.Add(ref s, 27), 20);
            a = Step(G, a, b, c, d, ref Unsafe.Add(ref w, 13), ref Unsafe.Add(ref s, 28), 5);
            d = Step(G, d, a, b, c, ref Unsafe.Add(ref w, 2), ref Unsafe.Add(ref s, 29), 9);
            c = Step(G, c, d, a, b, ref Unsafe.Add(ref w, 7), ref Unsafe.Add(ref s, 30), 14);
            b = Step(G, b, c, d, a, ref Unsafe.Add(ref w, 12), ref Unsafe.Add(ref s, 31), 20);
            a = Step(H, a, b, c, d, ref Unsafe.Add(ref w, 5), ref Unsafe.Add(ref s, 32), 4);
            d = Step(H, d, a, b, c, ref Unsafe.Add(ref w, 8), ref Unsafe.Add(ref s, 33), 11);
            c = Step(H, c, d, a, b, ref Unsafe.Add(ref w, 11), ref Unsafe.Add(ref s, 34), 16);
            b = Step(H, b, c, d, a, ref Unsafe.Add(ref w, 14), ref Unsafe.Add(ref s, 35), 23);
            a = Step(H, a, b, c, d, ref Unsafe.Add(ref w, 1), ref Unsafe.Add(ref s, 36), 4);
            d = Step(H, d, a, b, c, ref Unsafe.Add(ref w, 4), ref Unsafe.Add(ref s, 37), 11);
            c = Step(H, c, d, a, b, ref Unsafe.Add(ref w, 7), ref Unsafe.Add(ref s, 38), 16);
            b = Step(H, b, c, d, a, ref Unsafe.Add(ref w, 10), ref Unsafe.Add(ref s, 39), 23);
            a = Step(H, a, b, c, d, ref Unsafe.Add(ref w, 13), ref Unsafe.Add(ref s, 40), 4);
            d = Step(H, d, a, b, c, ref Unsafe.Add(ref w, 0), ref Unsafe.Add(ref s, 41), 11);
            c = Step(H, c, d, a, b, ref Unsafe.Add(ref w, 3), ref Unsafe.Add(ref s, 42), 16);
            b = Step(H, b, c, d, a, ref Unsafe.Add(ref w, 6), ref Unsafe.Add(ref s, 43), 23);
            a = Step(H, a, b, c, d, ref Unsafe.Add(ref w, 9), ref Unsafe.Add(ref s, 44), 4);
            d = Step(H, d, a, b, c, ref Unsafe.Add(ref w, 12), ref Unsafe.Add(ref s, 45), 11);
            c = Step(H, c, d, a, b, ref Unsafe.Add(ref w, 15), ref Unsafe.Add(ref s, 46), 16);
            b = Step(H, b, c, d, a, ref Unsafe.Add(ref w, 2), ref Unsafe.Add(ref s, 47), 23);
            a = Step(I, a, b, c, d, ref Unsafe.Add(ref w, 0), ref Unsafe.Add(ref s, 48), 6);
            d = Step(I, d, a, b, c, ref Unsafe.Add(ref w, 7), ref Unsafe.Add(ref s, 49), 10);
            c = Step(I, c, d, a, b, ref Unsafe.Add(ref w, 14), ref Unsafe.Add(ref s, 50), 15);
            b = Step(I, b, c, d, a, ref Unsafe.Add(ref w, 5), ref Unsafe.Add(ref s, 51), 21);
            a = Step(I, a, b, c, d, ref Unsafe.Add(ref w, 12), ref Unsafe.Add(ref s, 52), 6);
            d = Step(I, d, a, b, c, ref Unsafe.Add(ref w, 3), ref Unsafe.Add(ref s, 53), 10);
            c = Step(I, c, d, a, b, ref Unsafe.Add(ref w, 10), ref Unsafe.Add(ref s, 54), 15);
            b = Step(I, b, c, d, a, ref Unsafe.Add(ref w, 1), ref Unsafe.Add(ref s, 55), 21);
            a = Step(I, a, b, c, d, ref Unsafe.Add(ref w, 8), ref Unsafe.Add(ref s, 56), 6);
            d = Step(I, d, a, b, c, ref Unsafe.Add(ref w, 15), ref Unsafe.Add(ref s, 57), 10);
            c = Step(I, c, d, a, b, ref Unsafe.Add(ref w, 6), ref Unsafe.Add(ref s, 58), 15);
            b = Step(I, b, c, d, a, ref Unsafe.Add(ref w, 13), ref Unsafe.Add(ref s, 59), 21);
            a = Step(I, a, b, c, d, ref Unsafe.Add(ref w, 4), ref Unsafe.Add(ref s, 60), 6);
            d = Step(I, d, a, b, c, ref Unsafe.Add(ref w, 11), ref Unsafe.Add(ref s, 61), 10);
            c = Step(I, c, d, a, b, ref Unsafe.Add(ref w, 2), ref Unsafe.Add(ref s, 62), 15);
            b = Step(I, b, c, d, a, ref Unsafe.Add(ref w, 9), ref Unsafe.Add(ref s, 63), 21);
            (a, b, c, d) = (a + a0, b + b0, c + c0, d + d0);
        }

        (_a, _b, _c, _d) = (a, b, c, d);
    }
}
