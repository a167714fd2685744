using System.Buffers;
using System.Runtime.CompilerServices;

namespace RomFlash.Sdk.Compatibility;

/// <summary>A list whose memory is lent by the pool, so that a question to a catalog leaves nothing behind but its answer.</summary>
/// <typeparam name="T">The type of the items.</typeparam>
internal ref struct Pooled<T>(int capacity)
{
    private T[]? _items = ArrayPool<T>.Shared.Rent(Math.Max(capacity, 16));

    public int Count { get; private set; }

    public readonly Span<T> Items => _items.AsSpan(0, Count);

    public void Add(T item)
    {
        if (Count == _items!.Length)
        {
            var larger = ArrayPool<T>.Shared.Rent(Count * 2);
            _items.AsSpan().CopyTo(larger);
            Return();
            _items = larger;
        }

        _items[Count++] = item;
    }

    public void Clear()
    {
        Items.Clear();
        Count = 0;
    }

    public void Dispose()
    {
        if (_items is not null)
        {
            Return();
            _items = null;
        }
    }

    // What the pool keeps must not keep alive what a caller has given up.
    private readonly void Return()
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
        {
            _items.AsSpan(0, Count).Clear();
        }

        ArrayPool<T>.Shared.Return(_items!);
    }
}
