using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Compression;

/// <summary>Undoes the filter that makes x86 code easier to compress: targets of calls and jumps are absolute in the compressed data, and relative in the code.</summary>
internal static class BranchFilter
{
    // By the three bits that say which of the last three bytes were opcodes: whether a fourth is one, and which byte of an operand they could be.
    private static ReadOnlySpan<bool> IsAllowed => [true, true, true, false, true, false, false, false];

    private static ReadOnlySpan<int> BitNumber => [0, 1, 2, 2, 3, 3, 3, 3];

    /// <summary>Decodes in place; the content begins at address 0.</summary>
    public static void DecodeX86(Span<byte> bytes)
    {
        var mask = 0u;
        var last = -1L;
        for (var at = 0; at <= bytes.Length - 5; at++)
        {
            // E8 is a call, E9 a jump (Intel SDM, volume 2).
            if ((bytes[at] & 0xFE) != 0xE8)
            {
                continue;
            }

            var distance = at - last;
            last = at;
            mask = distance > 3 ? 0 : (mask << ((int)distance - 1)) & 7;
            if (mask != 0 && (!IsAllowed[(int)mask] || bytes[at + 4 - BitNumber[(int)mask]] is 0 or 0xFF))
            {
                mask = ((mask << 1) & 7) | 1;
                continue;
            }

            if (bytes[at + 4] is not (0 or 0xFF))
            {
                mask = ((mask << 1) & 7) | 1;
                continue;
            }

            var value = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 1)..]);
            while (true)
            {
                value -= (uint)at + 5;
                if (mask == 0)
                {
                    break;
                }

                var bit = BitNumber[(int)mask] * 8;
                if ((byte)(value >> (24 - bit)) is not (0 or 0xFF))
                {
                    break;
                }

                value ^= (1u << (32 - bit)) - 1;
            }

            value = (value & 0x01FF_FFFF) | (0 - (value & 0x0100_0000));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(at + 1)..], value);
            at += 4;
            last = at;
            mask = 0;
        }
    }
}
