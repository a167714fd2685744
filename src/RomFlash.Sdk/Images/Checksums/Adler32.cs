using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>Adler-32 (RFC 1950, 8.2).</summary>
/// <remarks>Not thread-safe; the static members are.</remarks>
public sealed class Adler32() : RomChecksum(4)
{
    private const uint Modulus = 65521;

    // The most bytes whose sums can't overflow 32 bits before they are reduced, as a multiple of what one step takes.
    private const int Stretch = 5552 / Step * Step;
    private const int Step = 16;

    private uint _value = 1;

    /// <summary>The value of what was appended so far.</summary>
    public uint CurrentValue => _value;

    /// <summary>Computes the checksum of bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The checksum.</returns>
    public static uint Hash(ReadOnlySpan<byte> bytes) => Update(1, bytes);

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<byte> bytes) => _value = Update(_value, bytes);

    /// <inheritdoc/>
    public override void Reset() => _value = 1;

    private protected override void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt32BigEndian(destination, _value);

    private static uint Update(uint value, ReadOnlySpan<byte> bytes)
    {
        var (a, b) = (value & 0xFFFF, value >> 16);
        if (Vector128.IsHardwareAccelerated)
        {
            while (bytes.Length >= Step)
            {
                var stretch = bytes[..Math.Min(Stretch, bytes.Length & -Step)];
                bytes = bytes[stretch.Length..];
                (a, b) = Vectorized(a, b, stretch);
            }
        }

        while (!bytes.IsEmpty)
        {
            var stretch = bytes[..Math.Min(Stretch, bytes.Length)];
            bytes = bytes[stretch.Length..];
            foreach (var next in stretch)
            {
                a += next;
                b += a;
            }

            (a, b) = (a % Modulus, b % Modulus);
        }

        return (b << 16) | a;
    }

    // Of 16 bytes, the first goes 16 times into b, the last once; and a as it was before goes into b 16 times.
    private static (uint A, uint B) Vectorized(uint a, uint b, ReadOnlySpan<byte> bytes)
    {
        ref var start = ref MemoryMarshal.GetReference(bytes);
        var sums = Vector128<uint>.Zero;
        var before = Vector128<uint>.Zero;
        var weighted = Vector128<uint>.Zero;
        for (var i = 0; i < bytes.Length; i += Step)
        {
            var (low, high) = Vector128.Widen(Vector128.LoadUnsafe(ref Unsafe.Add(ref start, i)));
            before += sums;
            var (lowA, lowB) = Vector128.Widen(low + high);
            sums += lowA + lowB;
            var (weightedA, weightedB) = Vector128.Widen((low * Vector128.Create(16, 15, 14, 13, 12, 11, 10, (ushort)9)) + (high * Vector128.Create(8, 7, 6, 5, 4, 3, 2, (ushort)1)));
            weighted += weightedA + weightedB;
        }

        b += (a * (uint)bytes.Length) + Vector128.Sum(weighted) + (Step * Vector128.Sum(before));
        a += Vector128.Sum(sums);
        return (a % Modulus, b % Modulus);
    }
}
