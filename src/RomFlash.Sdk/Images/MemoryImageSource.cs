using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>An image in memory. The bytes are shared, not copied: whoever hands them in must not change them.</summary>
/// <remarks>Thread-safe: streams are independent of each other.</remarks>
public sealed class MemoryImageSource : IRomImageNeighbours
{
    private readonly ReadOnlyMemory<byte> _content;
    private readonly ImmutableDictionary<string, ReadOnlyMemory<byte>> _neighbours;

    /// <summary>Wraps bytes.</summary>
    /// <param name="name">A name for people; not empty.</param>
    /// <param name="content">The bytes.</param>
    public MemoryImageSource(string name, ReadOnlyMemory<byte> content)
        : this(name, content, ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty)
    {
    }

    /// <summary>Wraps bytes, and what lies beside them: a detached signature, the files of a bundle.</summary>
    /// <param name="name">A name for people, and the file name; not empty.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="neighbours">What lies beside them, by plain file name.</param>
    public MemoryImageSource(string name, ReadOnlyMemory<byte> content, ImmutableDictionary<string, ReadOnlyMemory<byte>> neighbours)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(neighbours);
        Name = name;
        _content = content;
        _neighbours = neighbours;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string FileName => Name;

    /// <inheritdoc/>
    public ValueTask<FlashResult<Stream>?> TryOpenNeighbourAsync(string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_neighbours.TryGetValue(name, out var bytes) ? FlashResult<Stream>.From(new ReadOnlyMemoryStream(bytes)) : default(FlashResult<Stream>?));
    }

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
