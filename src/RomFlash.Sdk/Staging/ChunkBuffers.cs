using System.Buffers;

namespace RomFlash.Sdk.Staging;

/// <summary>Two buffers of the same length: one is on its way while the other is filled. Given back to the pool only when nobody can be using them any more.</summary>
internal sealed class ChunkBuffers(int length) : IDisposable
{
    private byte[] _first = ArrayPool<byte>.Shared.Rent(length);
    private byte[] _second = ArrayPool<byte>.Shared.Rent(length);
    private bool _mayBeReused;

    public Memory<byte> First => _first.AsMemory(0, length);

    public Memory<byte> Second => _second.AsMemory(0, length);

    /// <summary>Says that no operation is left that was given these buffers.</summary>
    public void MayBeReused() => _mayBeReused = true;

    public void Swap() => (_first, _second) = (_second, _first);

    public void Dispose()
    {
        if (_mayBeReused)
        {
            _mayBeReused = false;
            ArrayPool<byte>.Shared.Return(_first);
            ArrayPool<byte>.Shared.Return(_second);
        }
    }
}
