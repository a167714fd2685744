namespace RomFlash.Sdk.Images.Checksums;

/// <summary>A checksum that is computed piece by piece, without allocations.</summary>
/// <remarks>Not thread-safe. Checksums find damage by accident, not by intent: for that there are SHA-2 and signatures.</remarks>
public abstract class RomChecksum
{
    private protected RomChecksum(int lengthInBytes) => LengthInBytes = lengthInBytes;

    /// <summary>The size of the value in bytes.</summary>
    public int LengthInBytes { get; }

    /// <summary>Takes more bytes into account. However the bytes are divided among calls, the value is the same.</summary>
    /// <param name="bytes">The bytes.</param>
    public abstract void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Begins anew.</summary>
    public abstract void Reset();

    /// <summary>Writes the value of what was appended so far, most significant byte first, as its digits are written.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="bytesWritten"><see cref="LengthInBytes"/>, or 0 when this returns false.</param>
    /// <returns>False when the destination is too short; nothing is written then.</returns>
    public bool TryGetCurrentValue(Span<byte> destination, out int bytesWritten)
    {
        if (destination.Length < LengthInBytes)
        {
            bytesWritten = 0;
            return false;
        }

        bytesWritten = LengthInBytes;
        Write(destination[..LengthInBytes]);
        return true;
    }

    private protected abstract void Write(Span<byte> destination);
}
