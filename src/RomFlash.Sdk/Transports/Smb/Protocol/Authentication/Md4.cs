using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>MD4 (RFC 1320), which the framework has not. Broken for everything; here because NTLM makes a password's hash with it (MS-NLMP, 3.3.1).</summary>
internal static class Md4
{
    public const int HashBytes = 16;

    private const int BlockBytes = 64;

    private static ReadOnlySpan<byte> FirstShifts => [3, 7, 11, 19];

    private static ReadOnlySpan<byte> SecondShifts => [3, 5, 9, 13];

    private static ReadOnlySpan<byte> ThirdShifts => [3, 9, 11, 15];

    private static ReadOnlySpan<byte> SecondOrder => [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

    private static ReadOnlySpan<byte> ThirdOrder => [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];

    /// <summary>Computes the hash. Leaves nothing of the data behind.</summary>
    /// <param name="data">Any number of bytes.</param>
    /// <param name="hash">16 bytes.</param>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        Span<uint> state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
        var rest = data;
        for (; rest.Length >= BlockBytes; rest = rest[BlockBytes..])
        {
            Mix(state, rest);
        }

        // A one, zeros, and the length in bits: in one block, or in two.
        Span<byte> end = stackalloc byte[2 * BlockBytes];
        end.Clear();
        rest.CopyTo(end);
        end[rest.Length] = 0x80;
        var length = rest.Length + 1 + sizeof(ulong) <= BlockBytes ? BlockBytes : 2 * BlockBytes;
        BinaryPrimitives.WriteUInt64LittleEndian(end[(length - sizeof(ulong))..], (ulong)data.Length * 8);
        for (var offset = 0; offset < length; offset += BlockBytes)
        {
            Mix(state, end[offset..]);
        }

        for (var i = 0; i < state.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(hash[(4 * i)..], state[i]);
        }

        CryptographicOperations.ZeroMemory(end);
        state.Clear();
    }

    private static void Mix(Span<uint> state, ReadOnlySpan<byte> block)
    {
        Span<uint> words = stackalloc uint[16];
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = BinaryPrimitives.ReadUInt32LittleEndian(block[(4 * i)..]);
        }

        var (a, b, c, d) = (state[0], state[1], state[2], state[3]);
        for (var i = 0; i < 16; i++)
        {
            (a, b, c, d) = (d, BitOperations.RotateLeft(a + ((b & c) | (~b & d)) + words[i], FirstShifts[i & 3]), b, c);
        }

        for (var i = 0; i < 16; i++)
        {
            (a, b, c, d) = (d, BitOperations.RotateLeft(a + ((b & c) | (b & d) | (c & d)) + words[SecondOrder[i]] + 0x5a827999, SecondShifts[i & 3]), b, c);
        }

        for (var i = 0; i < 16; i++)
        {
            (a, b, c, d) = (d, BitOperations.RotateLeft(a + (b ^ c ^ d) + words[ThirdOrder[i]] + 0x6ed9eba1, ThirdShifts[i & 3]), b, c);
        }

        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        words.Clear();
    }
}
