using System.Collections.Immutable;
using System.Numerics;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>The values of several checksums and digests of the same bytes.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class DigestSet
{
    private readonly ImmutableArray<ImmutableArray<byte>> _values;

    internal DigestSet(ChecksumAlgorithms algorithms, long length, ImmutableArray<ImmutableArray<byte>> values)
    {
        Algorithms = algorithms;
        Length = length;
        _values = values;
    }

    /// <summary>What was computed.</summary>
    public ChecksumAlgorithms Algorithms { get; }

    /// <summary>How many bytes were read.</summary>
    public long Length { get; }

    /// <summary>Gives a value, most significant byte first.</summary>
    /// <param name="algorithm">One of <see cref="Algorithms"/>.</param>
    /// <exception cref="ArgumentException">It is not one that was computed.</exception>
    public ImmutableArray<byte> this[ChecksumAlgorithms algorithm] =>
        BitOperations.IsPow2((uint)algorithm) && (Algorithms & algorithm) != 0
            ? _values[BitOperations.PopCount((uint)Algorithms & ((uint)algorithm - 1))]
            : throw new ArgumentException($"{algorithm} was not computed.", nameof(algorithm));

    /// <summary>Gives a value in lower-case hexadecimal digits.</summary>
    /// <param name="algorithm">One of <see cref="Algorithms"/>.</param>
    /// <returns>The digits.</returns>
    /// <exception cref="ArgumentException">It is not one that was computed.</exception>
    public string ToHex(ChecksumAlgorithms algorithm) => Convert.ToHexStringLower(this[algorithm].AsSpan());
}
