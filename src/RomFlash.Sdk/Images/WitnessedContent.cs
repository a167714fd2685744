using System.Buffers;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Images;

/// <summary>
/// A stream by offset that remembers what it gave: each block that was looked at has a digest, and the sequential pass afterwards must see
/// the same blocks. So what was parsed is what was hashed, whoever writes to the file meanwhile.
/// </summary>
/// <remarks>Holds <see cref="CachedBlocks"/> blocks and 32 bytes for each block that was looked at. Not thread-safe.</remarks>
internal sealed class WitnessedContent : IRomImageContent, IDisposable
{
    public const int BlockSize = 32 << 10;
    private const int CachedBlocks = 4;

    private readonly Stream _stream;
    private readonly Dictionary<long, ContentDigest> _witnesses = [];
    private readonly (long Index, byte[]? Buffer)[] _cache = new (long, byte[]?)[CachedBlocks];
    private int _nextVictim;

    public WitnessedContent(string name, Stream stream, long length)
    {
        Name = name;
        _stream = stream;
        Length = length;
        Array.Fill(_cache, (-1, null));
    }

    public string Name { get; }

    public long Length { get; }

    /// <summary>A read gave something else than before, or less than the length promised.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>What the stream threw, or null. The interface has no way to tell, so the validator asks afterwards.</summary>
    public Exception? Fault { get; private set; }

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset > Length || destination.Length > Length - offset)
        {
            return false;
        }

        while (!destination.IsEmpty)
        {
            var index = offset / BlockSize;
            if (Load(index) is not { } block)
            {
                return false;
            }

            var start = (int)(offset - (index * BlockSize));
            var count = Math.Min(destination.Length, SizeOf(index) - start);
            block.AsSpan(start, count).CopyTo(destination);
            destination = destination[count..];
            offset += count;
        }

        return true;
    }

    /// <summary>Compares a stretch of the sequential pass with what was given.</summary>
    /// <param name="offset">Where it begins: at a block boundary.</param>
    /// <param name="bytes">Whole blocks, or all up to the end.</param>
    /// <returns>False when a block differs.</returns>
    public bool Confirms(long offset, ReadOnlySpan<byte> bytes)
    {
        for (var index = offset / BlockSize; !bytes.IsEmpty; index++)
        {
            var block = bytes[..Math.Min(BlockSize, bytes.Length)];
            bytes = bytes[block.Length..];
            if (_witnesses.TryGetValue(index, out var digest) && DigestOf(block) != digest)
            {
                return false;
            }
        }

        return true;
    }

    public void Dispose()
    {
        foreach (ref var entry in _cache.AsSpan())
        {
            if (entry.Buffer is { } buffer)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                entry = (-1, null);
            }
        }
    }

    private static ContentDigest DigestOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> digest = stackalloc byte[ContentDigest.Size];
        SHA256.HashData(bytes, digest);
        return new(digest);
    }

    private int SizeOf(long index) => (int)Math.Min(BlockSize, Length - (index * BlockSize));

    private byte[]? Load(long index)
    {
        foreach (var (cached, block) in _cache)
        {
            if (cached == index)
            {
                return block;
            }
        }

        ref var victim = ref _cache[_nextVictim];
        _nextVictim = (_nextVictim + 1) % CachedBlocks;
        victim.Index = -1;
        var buffer = victim.Buffer ??= ArrayPool<byte>.Shared.Rent(BlockSize);
        var size = SizeOf(index);
        try
        {
            _stream.Position = index * BlockSize;
            if (_stream.ReadAtLeast(buffer.AsSpan(0, size), size, throwOnEndOfStream: false) < size)
            {
                HasChanged = true;
                return null;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            Fault = e;
            return null;
        }

        var digest = DigestOf(buffer.AsSpan(0, size));
        if (!_witnesses.TryAdd(index, digest) && _witnesses[index] != digest)
        {
            HasChanged = true;
            return null;
        }

        victim.Index = index;
        return buffer;
    }
}
