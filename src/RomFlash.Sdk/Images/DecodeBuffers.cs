namespace RomFlash.Sdk.Images;

/// <summary>
/// Memory for what is decoded, taken and given back like plates of a pile: what lies inside of something decoded is decoded while the outer one is still
/// needed. Kept from one to the next, so that an image with hundreds of compressed parts makes no garbage of them.
/// </summary>
/// <remarks>Not thread-safe. How much may be taken is bounded by <see cref="RomImageReading.TryTake"/>, which is asked first.</remarks>
internal sealed class DecodeBuffers
{
    // Small parts share a size.
    private const int Least = 64 << 10;

    private const int LargestToDouble = 4 << 20;

    private readonly List<byte[]> _pile = [];
    private int _used;

    /// <summary>Takes a buffer.</summary>
    /// <param name="length">How many bytes, at least 0.</param>
    /// <returns>Exactly so many, of any value.</returns>
    public Memory<byte> Take(int length)
    {
        if (_used == _pile.Count)
        {
            _pile.Add([]);
        }

        var old = _pile[_used].Length;
        if (old < length)
        {
            // What is free further up may be as large; it must not add up.
            _pile.RemoveRange(_used + 1, _pile.Count - _used - 1);
            _pile[_used] = [];
            _pile[_used] = GC.AllocateUninitializedArray<byte>(SizeFor(length, old));
        }

        var buffer = _pile[_used];
        _used++;
        return buffer.AsMemory(0, length);
    }

    /// <summary>Gives back what was taken last.</summary>
    public void GiveBack() => _used--;

    // An image with one large part gets what it takes. What grows gets more at once, lest small steps make a heap of garbage: soon all that is allowed.
    private int SizeFor(int length, int old)
    {
        var all = RomImageLimits.MaxDecodedAtOnce - _pile.Sum(b => (long)b.Length);
        var isLarge = length > (old == 0 ? RomImageLimits.MaxDecodedAtOnce / 2 : LargestToDouble);
        return (int)Math.Max(length, isLarge ? all : Math.Min(all, Math.Max(Least, 2L * old)));
    }
}
