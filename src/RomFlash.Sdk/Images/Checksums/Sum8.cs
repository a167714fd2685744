using System.Numerics;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>The sum of all bytes modulo 256. Firmware files (UEFI PI 1.8, volume 3, 3.2.3) and option ROMs (PCI Firmware 3.3, 5.1.2) are made so that it is 0.</summary>
/// <remarks>Not thread-safe; the static members are.</remarks>
public sealed class Sum8() : RomChecksum(1)
{
    /// <summary>The value of what was appended so far.</summary>
    public byte CurrentValue { get; private set; }

    /// <summary>Sums bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The sum modulo 256.</returns>
    public static byte Hash(ReadOnlySpan<byte> bytes)
    {
        // Lanes wrap as the sum itself does, so nothing has to be widened.
        var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(bytes);
        var (a, b, c, d) = (Vector<byte>.Zero, Vector<byte>.Zero, Vector<byte>.Zero, Vector<byte>.Zero);
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

        var sum = Vector.Sum(a + b + (c + d));
        foreach (var value in bytes[(vectors.Length * Vector<byte>.Count)..])
        {
            sum += value;
        }

        return sum;
    }

    /// <summary>Gives the byte that makes a range sum to 0: for tests and tools that repair images.</summary>
    /// <param name="bytes">The range, without that byte.</param>
    /// <returns>The byte.</returns>
    public static byte Repair(ReadOnlySpan<byte> bytes) => (byte)-Hash(bytes);

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<byte> bytes) => CurrentValue += Hash(bytes);

    /// <inheritdoc/>
    public override void Reset() => CurrentValue = 0;

    private protected override void Write(Span<byte> destination) => destination[0] = CurrentValue;
}
