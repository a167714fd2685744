using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>
/// The sum of all little-endian 16-bit words modulo 65536; a last single byte counts as the lower half of a word. The headers of firmware volumes
/// are made so that it is 0 (UEFI PI 1.8, volume 3, 3.2.1).
/// </summary>
/// <remarks>Not thread-safe; the static members are.</remarks>
public sealed class Sum16() : RomChecksum(2)
{
    private ushort _sum;
    private bool _isOdd;

    /// <summary>The value of what was appended so far.</summary>
    public ushort CurrentValue => _sum;

    /// <summary>Sums words.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The sum modulo 65536.</returns>
    public static ushort Hash(ReadOnlySpan<byte> bytes)
    {
        ushort sum = 0;
        var done = 0;
        if (BitConverter.IsLittleEndian)
        {
            var vectors = MemoryMarshal.Cast<byte, Vector<ushort>>(bytes);
            var (a, b, c, d) = (Vector<ushort>.Zero, Vector<ushort>.Zero, Vector<ushort>.Zero, Vector<ushort>.Zero);
            var i = 0;
            for (; i <= vectors.Length - 4; i += 4)
            {
                a += vectors[i];
                b += vectors[i + 1];
                c += vectors[i + 2];
                d += vectors[i + 3];
            }

            for (; i < vectors.Length; i++)
            {
                a += vectors[i];
            }

            sum = Vector.Sum(a + b + (c + d));
            done = vectors.Length * Vector<byte>.Count;
        }

        for (; done + 1 < bytes.Length; done += 2)
        {
            sum += BinaryPrimitives.ReadUInt16LittleEndian(bytes[done..]);
        }

        return done < bytes.Length ? (ushort)(sum + bytes[done]) : sum;
    }

    /// <summary>Gives the word that makes a range sum to 0: for tests and tools that repair images.</summary>
    /// <param name="bytes">The range, without that word, which lies at an even offset of it.</param>
    /// <returns>The word.</returns>
    public static ushort Repair(ReadOnlySpan<byte> bytes) => (ushort)-Hash(bytes);

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<byte> bytes)
    {
        if (_isOdd && !bytes.IsEmpty)
        {
            _sum += (ushort)(bytes[0] << 8);
            _isOdd = false;
            bytes = bytes[1..];
        }

        _sum += Hash(bytes);
        _isOdd ^= (bytes.Length & 1) != 0;
    }

    /// <inheritdoc/>
    public override void Reset() => (_sum, _isOdd) = (0, false);

    private protected override void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt16BigEndian(destination, _sum);
}
