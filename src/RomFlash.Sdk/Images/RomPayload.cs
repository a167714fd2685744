using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>What a package holds for a target to take, and how to get at it. A package's format makes one for each.</summary>
/// <remarks>Immutable and thread-safe. Keeps places in the package, and no bytes of it.</remarks>
public abstract class RomPayload
{
    /// <summary>Creates a payload.</summary>
    /// <param name="name">Its name in the package. Untrusted text.</param>
    /// <param name="length">Its length in bytes when it is extracted, at least 1.</param>
    protected RomPayload(string name, long length)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Name = name;
        Length = length;
    }

    /// <summary>Its name in the package. Untrusted text.</summary>
    public string Name { get; }

    /// <summary>Its length in bytes when it is extracted.</summary>
    public long Length { get; }

    /// <summary>Opens the extracted bytes, from the beginning; they are extracted while they are read, in bounded memory.</summary>
    /// <param name="package">The package's bytes, seekable; belongs to the result, also when this fails.</param>
    /// <param name="source">Where the package comes from, for a payload that lies beside it.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>A stream that gives <see cref="Length"/> bytes and need not seek, and throws <see cref="IOException"/> where the package is damaged; or the failure to open it.</returns>
    public abstract ValueTask<FlashResult<Stream>> OpenAsync(Stream package, IRomImageSource source, CancellationToken cancellationToken);

    /// <summary>The name.</summary>
    /// <returns><see cref="Name"/>; untrusted text.</returns>
    public sealed override string ToString() => Name;
}
