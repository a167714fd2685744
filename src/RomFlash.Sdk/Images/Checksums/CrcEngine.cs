using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>
/// A reflected 32-bit CRC: by table, eight bytes at a time, or by folding with carry-less multiplication where the processor has it (V. Gopal et al.,
/// "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", 2009).
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal sealed class CrcEngine
{
    // Below this, folding does not pay.
    private const int LeastToFold = 128;

    private readonly uint[] _table;
    private readonly Vector128<ulong> _by64Bytes;
    private readonly Vector128<ulong> _by16Bytes;
    private readonly Vector128<ulong> _by256Bytes;

    /// <summary>Creates an engine.</summary>
    /// <param name="polynomial">The polynomial, reflected, without its highest term.</param>
    public CrcEngine(uint polynomial)
    {
        _table = new uint[8 * 256];
        for (var i = 0u; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) * polynomial);
            }

            _table[i] = value;
        }

        for (var i = 256; i < _table.Length; i++)
        {
            _table[i] = (_table[i - 256] >> 8) ^ _table[(byte)_table[i - 256]];
        }

        // A folding moves 128 bits ahead by n bits: its lower half by n + 32, its upper half by n - 32, reflected.
        _by16Bytes = Vector128.Create(Power(polynomial, 128 + 32), Power(polynomial, 128 - 32));
        _by64Bytes = Vector128.Create(Power(polynomial, 512 + 32), Power(polynomial, 512 - 32));
        _by256Bytes = Vector128.Create(Power(polynomial, 2048 + 32), Power(polynomial, 2048 - 32));
    }

    /// <summary>Goes on with a CRC whose bits are not yet inverted at the end.</summary>
    public uint Update(uint state, ReadOnlySpan<byte> bytes)
    {
        if (Pclmulqdq.IsSupported && bytes.Length >= LeastToFold)
        {
            var folded = bytes[..(bytes.Length & -64)];
            Span<byte> rest = stackalloc byte[16];
            Fold(state, folded).CopyTo(rest);

            // What is left of the folding is 16 bytes with the same CRC, begun from nothing.
            state = ByTable(0, rest);
            bytes = bytes[folded.Length..];
        }

        return ByTable(state, bytes);
    }

    // x to a power, modulo the polynomial; reflected, and shifted by one, as products of reflected numbers are.
    private static ulong Power(uint polynomial, int exponent)
    {
        var value = 0x8000_0000u;
        for (var i = 0; i < exponent; i++)
        {
            value = (value >> 1) ^ ((value & 1) * polynomial);
        }

        return (ulong)value << 1;
    }

    private uint ByTable(uint state, ReadOnlySpan<byte> bytes)
    {
        var table = _table;
        while (bytes.Length >= 8)
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ state;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            state = table[(7 * 256) + (byte)low] ^ table[(6 * 256) + (byte)(low >> 8)] ^ table[(5 * 256) + (byte)(low >> 16)] ^ table[(4 * 256) + (int)(low >> 24)]
                ^ table[(3 * 256) + (byte)high] ^ table[(2 * 256) + (byte)(high >> 8)] ^ table[256 + (byte)(high >> 16)] ^ table[(int)(high >> 24)];
            bytes = bytes[8..];
        }

        foreach (var next in bytes)
        {
            state = (state >> 8) ^ table[(byte)(state ^ next)];
        }

        return state;
    }

    // The length is a multiple of 64, and at least 64.
    private Vector128<byte> Fold(uint state, ReadOnlySpan<byte> bytes)
    {
        ref var start = ref MemoryMarshal.GetReference(bytes);
        var at = 64;
        var a = Vector128.LoadUnsafe(ref start).AsUInt64() ^ Vector128.CreateScalar((ulong)state);
        var b = Vector128.LoadUnsafe(ref start, 16).AsUInt64();
        var c = Vector128.LoadUnsafe(ref start, 32).AsUInt64();
        var d = Vector128.LoadUnsafe(ref start, 48).AsUInt64();
        if (Pclmulqdq.V512.IsSupported && bytes.Length >= 512)
        {
            var wide = FoldWide(ref start, state, bytes.Length, out at);
            (a, b, c, d) = (wide.GetLower().GetLower(), wide.GetLower().GetUpper(), wide.GetUpper().GetLower(), wide.GetUpper().GetUpper());
        }

        for (; at < bytes.Length; at += 64)
        {
            a = Ahead(a, _by64Bytes) ^ Vector128.LoadUnsafe(ref Unsafe.Add(ref start, at)).AsUInt64();
            b = Ahead(b, _by64Bytes) ^ Vector128.LoadUnsafe(ref Unsafe.Add(ref start, at + 16)).AsUInt64();
            c = Ahead(c, _by64Bytes) ^ Vector128.LoadUnsafe(ref Unsafe.Add(ref start, at + 32)).AsUInt64();
            d = Ahead(d, _by64Bytes) ^ Vector128.LoadUnsafe(ref Unsafe.Add(ref start, at + 48)).AsUInt64();
        }

        return (Ahead(Ahead(Ahead(a, _by16Bytes) ^ b, _by16Bytes) ^ c, _by16Bytes) ^ d).AsByte();
    }

    // Four times 64 bytes at once; the length is at least 512.
    private Vector512<ulong> FoldWide(ref byte start, uint state, int length, out int at)
    {
        var key = Vector512.Create(Vector256.Create(_by256Bytes, _by256Bytes), Vector256.Create(_by256Bytes, _by256Bytes));
        var a = Vector512.LoadUnsafe(ref start).AsUInt64() ^ Vector512.CreateScalar((ulong)state);
        var b = Vector512.LoadUnsafe(ref start, 64).AsUInt64();
        var c = Vector512.LoadUnsafe(ref start, 128).AsUInt64();
        var d = Vector512.LoadUnsafe(ref start, 192).AsUInt64();
        for (at = 256; at <= length - 256; at += 256)
        {
            a = Ahead(a, key) ^ Vector512.LoadUnsafe(ref Unsafe.Add(ref start, at)).AsUInt64();
            b = Ahead(b, key) ^ Vector512.LoadUnsafe(ref Unsafe.Add(ref start, at + 64)).AsUInt64();
            c = Ahead(c, key) ^ Vector512.LoadUnsafe(ref Unsafe.Add(ref start, at + 128)).AsUInt64();
            d = Ahead(d, key) ^ Vector512.LoadUnsafe(ref Unsafe.Add(ref start, at + 192)).AsUInt64();
        }

        key = Vector512.Create(Vector256.Create(_by64Bytes, _by64Bytes), Vector256.Create(_by64Bytes, _by64Bytes));
        return Ahead(Ahead(Ahead(a, key) ^ b, key) ^ c, key) ^ d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Ahead(Vector128<ulong> value, Vector128<ulong> key) =>
        Pclmulqdq.CarrylessMultiply(value, key, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, key, 0x11);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Ahead(Vector512<ulong> value, Vector512<ulong> key) =>
        Pclmulqdq.V512.CarrylessMultiply(value, key, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(value, key, 0x11);
}
