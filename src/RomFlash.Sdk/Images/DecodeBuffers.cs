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

        var buffer = _pile[_used];
        if (buffer.Length < length)
        {
            // What is free further up may be as large; it must not add up. At least twice as much, so that growing in small steps makes no heap of garbage.
            _pile.RemoveRange(_used + 1, _pile.Count - _used - 1);
            _pile[_used] = [];
            var most = Math.Max(length, RomImageLimits.MaxDecodedAtOnce - _pile.Sum(b => (long)b.Length));
            buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(most, Math.Max(length, Math.Max(Least, 2L * buffer.Length))));
            _pile[_used] = buffer;
        }

        _used++;
        return buffer.AsMemory(0, length);
    }

    /// <summary>Gives back what was taken last.</summary>
    public void GiveBack() => _used--;
}
