using System.Buffers;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>The digests of what a signature is over, computed while the content passes by: it may be larger than memory.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class SignedDigests : IDisposable
{
    private const int BufferSize = 256 << 10;

    // A tag and the longest length of content that fits into 64 bits (X.690, 8.1.3).
    private readonly byte[] _beginning = new byte[10];
    private readonly List<IncrementalHash> _hashes = [];

    /// <summary>Begins.</summary>
    /// <param name="algorithms">What to compute; the same one twice counts once, and none is allowed.</param>
    public SignedDigests(params ReadOnlySpan<HashAlgorithmName> algorithms)
    {
        foreach (var algorithm in algorithms)
        {
            if (!_hashes.Exists(h => h.AlgorithmName == algorithm))
            {
                _hashes.Add(IncrementalHash.CreateHash(algorithm));
            }
        }
    }

    /// <summary>How many bytes were appended.</summary>
    public long Length { get; private set; }

    /// <summary>
    /// Whether the content is itself the encoding of a SET. Signed attributes are signed as one, so that a signature over attributes would be a right one over
    /// this content too.
    /// </summary>
    public bool IsSet
    {
        get
        {
            if (Length < 2 || _beginning[0] != 0x31)
            {
                return false;
            }

            var lengthBytes = _beginning[1] < 0x80 ? 0 : _beginning[1] - 0x80;
            if (lengthBytes > _beginning.Length - 2 || _beginning[1] == 0x80)
            {
                return false;
            }

            ulong length = lengthBytes == 0 ? _beginning[1] : 0u;
            foreach (var digit in _beginning.AsSpan(2, lengthBytes))
            {
                length = (length << 8) | digit;
            }

            return length == (ulong)(Length - 2 - lengthBytes);
        }
    }

    /// <summary>Takes the next bytes of the content into account.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (Length < _beginning.Length)
        {
            bytes[..(int)Math.Min(_beginning.Length - Length, bytes.Length)].CopyTo(_beginning.AsSpan((int)Length));
        }

        Length += bytes.Length;
        foreach (var hash in _hashes)
        {
            hash.AppendData(bytes);
        }
    }

    /// <summary>Takes a stretch of an image into account, piece by piece.</summary>
    /// <param name="content">The image.</param>
    /// <param name="offset">Where it begins, in bytes.</param>
    /// <param name="length">How long it is, in bytes.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>False when it does not lie in the content, or can't be read: then the digests are of no use.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool TryAppend(IRomImageContent content, long offset, long length, CancellationToken cancellationToken)
    {
        if (offset < 0 || length < 0 || offset > content.Length || length > content.Length - offset)
        {
            return false;
        }

        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, BufferSize));
        try
        {
            for (long count; length > 0; offset += count, length -= count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                count = Math.Min(length, BufferSize);
                if (content.TryGetMemory(offset, count, out var bytes))
                {
                    Append(bytes.Span);
                    continue;
                }

                // Up to a multiple, so that a content which keeps blocks gives whole ones.
                count = Math.Min(length, BufferSize - (offset % BufferSize));
                var piece = buffer.AsSpan(0, (int)Math.Min(count, buffer.Length));
                count = piece.Length;
                if (!content.TryRead(offset, piece))
                {
                    return false;
                }

                Append(piece);
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The digest of what was appended so far.</summary>
    /// <param name="algorithm">One that is computed.</param>
    /// <exception cref="ArgumentException">It is not.</exception>
    public byte[] Of(HashAlgorithmName algorithm) =>
        _hashes.Find(h => h.AlgorithmName == algorithm)?.GetCurrentHash() ?? throw new ArgumentException($"{algorithm} is not computed.", nameof(algorithm));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var hash in _hashes)
        {
            hash.Dispose();
        }
    }
}
