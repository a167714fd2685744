using System.Buffers;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Images;

/// <summary>
/// A stream by offset that remembers what it gave: each block that was looked at has a digest, and the sequential pass afterwards must see
/// the same blocks. So what was parsed is what was hashed, whoever writes to the file meanwhile.
/// </summary>
/// <remarks>Holds <see cref="CachedBlocks"/> blocks and 32 bytes for each block that was looked at. Without a witness it remembers nothing. Not thread-safe.</remarks>
internal sealed class WitnessedContent : IRomImageContent, IDisposable
{
    public const int BlockSize = 32 << 10;
    private const int CachedBlocks = 4;

    private readonly Stream _stream;
    private readonly bool _isWitness;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<long, ContentDigest> _witnesses = [];
    private readonly (long Index, byte[]? Buffer)[] _cache = new (long, byte[]?)[CachedBlocks];
    private int _nextVictim;

    public WitnessedContent(string name, Stream stream, long length, bool isWitness, CancellationToken cancellationToken)
    {
        _isWitness = isWitness;
        _cancellationToken = cancellationToken;
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
            _cancellationToken.ThrowIfCancellationRequested();
            var index = offset / BlockSize;
            if (offset % BlockSize == 0 && destination.Length >= SizeOf(index))
            {
                // Whole blocks go where they are wanted, past the cache: long stretches are looked at once.
                var whole = _isWitness ? SizeOf(index) : destination.Length - (destination.Length % BlockSize) is > 0 and var many ? many : SizeOf(index);
                if (!TryFill(index, destination[..whole]))
                {
                    return false;
                }

                destination = destination[whole..];
                offset += whole;
                continue;
            }

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
        if (!TryFill(index, buffer.AsSpan(0, SizeOf(index))))
        {
            return null;
        }

        victim.Index = index;
        return buffer;
    }

    // One whole block; without a witness, several from a block's beginning on.
    private bool TryFill(long index, Span<byte> destination)
    {
        try
        {
            _stream.Position = index * BlockSize;
            if (_stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false) < destination.Length)
            {
                HasChanged = true;
                return false;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            Fault = e;
            return false;
        }

        if (!_isWitness)
        {
            return true;
        }

        var digest = DigestOf(destination);
        if (_witnesses.TryAdd(index, digest) || _witnesses[index] == digest)
        {
            return true;
        }

        HasChanged = true;
        return false;
    }
}
