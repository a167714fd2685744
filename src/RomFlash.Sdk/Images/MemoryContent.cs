namespace RomFlash.Sdk.Images;

/// <summary>Bytes in memory.</summary>
internal sealed class MemoryContent(string name, ReadOnlyMemory<byte> bytes) : IRomImageContent
{
    public string Name => name;

    public long Length => bytes.Length;

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset > bytes.Length || destination.Length > bytes.Length - offset)
        {
            return false;
        }

        bytes.Span.Slice((int)offset, destination.Length).CopyTo(destination);
        return true;
    }

    public bool TryGetMemory(long offset, long length, out ReadOnlyMemory<byte> memory)
    {
        if (offset < 0 || length < 0 || offset > bytes.Length || length > bytes.Length - offset)
        {
            memory = default;
            return false;
        }

        memory = bytes.Slice((int)offset, (int)length);
        return true;
    }
}
