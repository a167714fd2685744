using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Images;

/// <summary>A SHA-256 digest (FIPS 180-4): 32 bytes. A <c>default</c> value is all zeros and is no content's digest.</summary>
public readonly struct ContentDigest : IEquatable<ContentDigest>
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 32;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    /// <summary>Takes the digest from bytes.</summary>
    /// <param name="sha256">Exactly 32 bytes.</param>
    public ContentDigest(ReadOnlySpan<byte> sha256)
    {
        if (sha256.Length != Size)
        {
            throw new ArgumentException("A SHA-256 digest has 32 bytes.", nameof(sha256));
        }

        var words = MemoryMarshal.Cast<byte, ulong>(sha256);
        (_a, _b, _c, _d) = (words[0], words[1], words[2], words[3]);
    }

    /// <summary>True for a <c>default</c> value, which stands for "no digest".</summary>
    public bool IsEmpty => (_a | _b | _c | _d) == 0;

    /// <summary>Compares all bytes.</summary>
    /// <param name="left">One digest.</param>
    /// <param name="right">The other.</param>
    /// <returns>True when equal.</returns>
    public static bool operator ==(ContentDigest left, ContentDigest right) => left.Equals(right);

    /// <summary>Compares all bytes.</summary>
    /// <param name="left">One digest.</param>
    /// <param name="right">The other.</param>
    /// <returns>True when different.</returns>
    public static bool operator !=(ContentDigest left, ContentDigest right) => !left.Equals(right);

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <param name="text">The digits, in either case.</param>
    /// <param name="digest">The digest, when this returns true.</param>
    /// <returns>False when the text is anything else.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out ContentDigest digest)
    {
        digest = default;
        Span<byte> bytes = stackalloc byte[Size];
        if (text is null || text.Length != Size * 2 || Convert.FromHexString(text, bytes, out _, out var written) != OperationStatus.Done || written != Size)
        {
            return false;
        }

        digest = new(bytes);
        return true;
    }

    /// <summary>Copies the 32 bytes.</summary>
    /// <param name="destination">At least 32 bytes.</param>
    public void CopyTo(Span<byte> destination)
    {
        if (destination.Length < Size)
        {
            throw new ArgumentException("The destination is shorter than 32 bytes.", nameof(destination));
        }

        ReadOnlySpan<ulong> words = [_a, _b, _c, _d];
        MemoryMarshal.AsBytes(words).CopyTo(destination);
    }

    /// <inheritdoc/>
    public bool Equals(ContentDigest other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is ContentDigest other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_a, _b, _c, _d);

    /// <summary>64 lower-case hexadecimal digits.</summary>
    /// <returns>The digits.</returns>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
