namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>Puts bits into bytes, in the order of deflate (least significant first) or of EFI compression (most significant first).</summary>
internal sealed class BitWriter(bool isMostSignificantFirst)
{
    private readonly List<byte> _bytes = [];
    private int _used = 8;

    /// <summary>A number, in the order of the format.</summary>
    public BitWriter Put(int value, int count)
    {
        for (var i = 0; i < count; i++)
        {
            PutBit((value >> (isMostSignificantFirst ? count - 1 - i : i)) & 1);
        }

        return this;
    }

    /// <summary>A Huffman code: its first bit first, whatever the order.</summary>
    public BitWriter Code(int code, int count)
    {
        for (var i = count - 1; i >= 0; i--)
        {
            PutBit((code >> i) & 1);
        }

        return this;
    }

    /// <summary>Whole bytes, from the next boundary on.</summary>
    public BitWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        _used = 8;
        return this;
    }

    public byte[] ToArray() => [.. _bytes];

    private void PutBit(int bit)
    {
        if (_used == 8)
        {
            _bytes.Add(0);
            _used = 0;
        }

        _bytes[^1] |= (byte)(bit << (isMostSignificantFirst ? 7 - _used : _used));
        _used++;
    }
}
