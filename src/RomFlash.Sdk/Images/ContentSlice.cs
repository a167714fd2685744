namespace RomFlash.Sdk.Images;

/// <summary>A stretch of another content.</summary>
internal sealed class ContentSlice(IRomImageContent content, long start, long length) : IRomImageContent
{
    public string Name => content.Name;

    public long Length => length;

    public bool TryRead(long offset, Span<byte> destination) =>
        offset >= 0 && offset <= length && destination.Length <= length - offset && content.TryRead(start + offset, destination);

    public bool TryGetMemory(long offset, long count, out ReadOnlyMemory<byte> bytes)
    {
        bytes = default;
        return offset >= 0 && count >= 0 && offset <= length && count <= length - offset && content.TryGetMemory(start + offset, count, out bytes);
    }
}
