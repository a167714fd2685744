namespace RomFlash.Sdk.Images;

/// <summary>The bytes of an image, or of a part of one, by offset. What is read here is compared with what is digested afterwards.</summary>
/// <remarks>Not thread-safe.</remarks>
public interface IRomImageContent
{
    /// <summary>A name for messages.</summary>
    string Name { get; }

    /// <summary>The length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads bytes at an offset; all that were asked for, or none.</summary>
    /// <param name="offset">The offset in bytes.</param>
    /// <param name="destination">Filled when this returns true.</param>
    /// <returns>False when the range does not lie in the content.</returns>
    bool TryRead(long offset, Span<byte> destination);

    /// <summary>Gives bytes that are in memory anyway, without a copy. They are valid as long as the content is being read.</summary>
    /// <param name="offset">The offset in bytes.</param>
    /// <param name="length">How many.</param>
    /// <param name="bytes">The bytes, when this returns true.</param>
    /// <returns>False when the range does not lie in the content, or the content is not in memory: then <see cref="TryRead"/> tells.</returns>
    bool TryGetMemory(long offset, long length, out ReadOnlyMemory<byte> bytes)
    {
        bytes = default;
        return false;
    }
}
