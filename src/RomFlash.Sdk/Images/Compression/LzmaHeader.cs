using System.Buffers.Binary;

namespace RomFlash.Sdk.Images.Compression;

/// <summary>What stands in front of an LZMA stream ("LZMA alone"; LZMA specification, "lzma file format").</summary>
/// <param name="LiteralContextBits">How many bits of the byte before a literal choose its probabilities (lc), 0 to 4.</param>
/// <param name="LiteralPositionBits">How many bits of the position choose them (lp), 0 to 4; with lc together at most <see cref="MaxLiteralBits"/>.</param>
/// <param name="PositionBits">How many bits of the position choose the other probabilities (pb), 0 to 4.</param>
/// <param name="DictionarySize">The farthest that a match may reach back, in bytes; less than 4096 means 4096.</param>
/// <param name="DecodedLength">How many bytes it decodes to, or null where an end marker tells.</param>
internal readonly record struct LzmaHeader(int LiteralContextBits, int LiteralPositionBits, int PositionBits, uint DictionarySize, long? DecodedLength)
{
    /// <summary>How long it is, in bytes: properties, dictionary size, decoded length.</summary>
    public const int Size = 13;

    /// <summary>
    /// The most literal context and position bits together. The format allows 12, which would take 6 MiB of probabilities; liblzma has the same bound as
    /// here, and encoders of firmware use 3.
    /// </summary>
    public const int MaxLiteralBits = 4;

    /// <summary>Reads one.</summary>
    /// <param name="section">What begins with it.</param>
    /// <param name="header">The header.</param>
    /// <returns>False when it is too short, no header, or asks for more than <see cref="MaxLiteralBits"/>.</returns>
    public static bool TryRead(ReadOnlySpan<byte> section, out LzmaHeader header)
    {
        header = default;
        if (section.Length < Size || section[0] >= 9 * 5 * 5)
        {
            return false;
        }

        // The first byte is (pb * 5 + lp) * 9 + lc.
        var (rest, literalContext) = Math.DivRem(section[0], (byte)9);
        var (position, literalPosition) = Math.DivRem(rest, (byte)5);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(section[5..]);
        if (literalContext + literalPosition > MaxLiteralBits || (length > long.MaxValue && length != ulong.MaxValue))
        {
            return false;
        }

        var dictionary = BinaryPrimitives.ReadUInt32LittleEndian(section[1..]);
        header = new(literalContext, literalPosition, position, dictionary, length == ulong.MaxValue ? null : (long)length);
        return true;
    }
}
