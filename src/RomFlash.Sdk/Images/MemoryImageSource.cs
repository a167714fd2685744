using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>An image in memory. The bytes are shared, not copied: whoever hands them in must not change them.</summary>
/// <remarks>Thread-safe: streams are independent of each other.</remarks>
public sealed class MemoryImageSource : IRomImageSource
{
    private readonly ReadOnlyMemory<byte> _content;

    /// <summary>Wraps bytes.</summary>
    /// <param name="name">A name for people; not empty.</param>
    /// <param name="content">The bytes.</param>
    public MemoryImageSource(string name, ReadOnlyMemory<byte> content)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        _content = content;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(FlashResult<Stream>.From(new ReadOnlyMemoryStream(_content)));
    }

    /// <summary>The name.</summary>
    /// <returns><see cref="Name"/>; untrusted text.</returns>
    public override string ToString() => Name;
}
