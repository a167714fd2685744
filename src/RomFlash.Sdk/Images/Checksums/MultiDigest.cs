using System.Collections.Immutable;
using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>Computes any set of checksums and digests in one pass over the bytes; over streams, on several cores.</summary>
/// <remarks>
/// Not thread-safe. Holds no bytes between calls. From a stream or a pipe it reads ahead by at most 2 MiB, in pooled buffers, and allocates nothing for each
/// further byte. A memory-mapped file is a stream as well (<see cref="System.IO.MemoryMappedFiles.MemoryMappedFile"/>).
/// </remarks>
public sealed class MultiDigest : IDisposable
{
    /// <summary>Every algorithm that there is.</summary>
    public const ChecksumAlgorithms All = (ChecksumAlgorithms)((1 << 10) - 1);

    private readonly DigestUnit[] _units;
    private DigestPipeline? _pipeline;
    private bool _isBroken;

    /// <summary>Begins.</summary>
    /// <param name="algorithms">What to compute: at least one.</param>
    public MultiDigest(ChecksumAlgorithms algorithms)
    {
        if (algorithms == ChecksumAlgorithms.None || (algorithms & ~All) != 0)
        {
            throw new ArgumentException("At least one algorithm, and none that is not known.", nameof(algorithms));
        }

        Algorithms = algorithms;
        _units = DigestUnit.Create(algorithms);
    }

    /// <summary>What is computed.</summary>
    public ChecksumAlgorithms Algorithms { get; }

    /// <summary>How many bytes were appended so far.</summary>
    public long Length { get; private set; }

    /// <summary>Computes everything over bytes in memory, on the caller's thread.</summary>
    /// <param name="algorithms">What to compute: at least one.</param>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The values.</returns>
    public static DigestSet Hash(ChecksumAlgorithms algorithms, ReadOnlySpan<byte> bytes)
    {
        using var digest = new MultiDigest(algorithms);
        digest.Append(bytes);
        return digest.GetCurrentValues();
    }

    /// <summary>Computes everything over a stream, from where it is to its end.</summary>
    /// <param name="algorithms">What to compute: at least one.</param>
    /// <param name="stream">The stream; left open. It need not seek.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The values.</returns>
    /// <exception cref="IOException">The stream can't be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<DigestSet> HashAsync(ChecksumAlgorithms algorithms, Stream stream, CancellationToken cancellationToken)
    {
        using var digest = new MultiDigest(algorithms);
        await digest.AppendAsync(stream, cancellationToken).ConfigureAwait(false);
        return digest.GetCurrentValues();
    }

    /// <summary>Computes everything over a file.</summary>
    /// <param name="algorithms">What to compute: at least one.</param>
    /// <param name="path">The file's path.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The values.</returns>
    /// <exception cref="IOException">The file can't be read; likewise <see cref="UnauthorizedAccessException"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<DigestSet> HashFileAsync(ChecksumAlgorithms algorithms, string path, CancellationToken cancellationToken)
    {
        var stream = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, BufferSize = 0, Options = FileOptions.SequentialScan });
        await using (stream.ConfigureAwait(false))
        {
            return await HashAsync(algorithms, stream, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes bytes into account, on the caller's thread.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        ThrowIfBroken();
        foreach (var unit in _units)
        {
            unit.Append(bytes);
        }

        Length += bytes.Length;
    }

    /// <summary>Takes a stream into account, from where it is to its end.</summary>
    /// <param name="stream">The stream; left open. It need not seek.</param>
    /// <param name="cancellationToken">Stops it; then, and when the stream can't be read, only <see cref="Reset"/> makes it of use again.</param>
    /// <returns>A task for the end.</returns>
    /// <exception cref="IOException">The stream can't be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask AppendAsync(Stream stream, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ThrowIfBroken();
        cancellationToken.ThrowIfCancellationRequested();
        _isBroken = true;
        Length += await (_pipeline ??= new DigestPipeline(_units)).RunAsync(stream, cancellationToken).ConfigureAwait(false);
        _isBroken = false;
    }

    /// <summary>Takes a pipe into account, to its end.</summary>
    /// <param name="pipe">The pipe; everything that was read is consumed, and it is not completed.</param>
    /// <param name="cancellationToken">Stops it; see <see cref="AppendAsync(Stream, CancellationToken)"/>.</param>
    /// <returns>A task for the end.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask AppendAsync(PipeReader pipe, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        var stream = pipe.AsStream(leaveOpen: true);
        await using (stream.ConfigureAwait(false))
        {
            await AppendAsync(stream, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the value of one algorithm over what was appended so far, most significant byte first.</summary>
    /// <param name="algorithm">One of <see cref="Algorithms"/>.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="bytesWritten">How many bytes the value has, or 0 when this returns false.</param>
    /// <returns>False when the destination is too short; nothing is written then.</returns>
    /// <exception cref="ArgumentException">It is not one that is computed.</exception>
    public bool TryGetCurrentValue(ChecksumAlgorithms algorithm, Span<byte> destination, out int bytesWritten)
    {
        ThrowIfBroken();
        bytesWritten = 0;
        foreach (var unit in _units)
        {
            if (!BitOperations.IsPow2((uint)algorithm) || (unit.Algorithms & algorithm) == 0)
            {
                continue;
            }

            var length = unit.LengthOf(algorithm);
            if (destination.Length < length)
            {
                return false;
            }

            bytesWritten = length;
            unit.Write(algorithm, destination[..length]);
            return true;
        }

        throw new ArgumentException($"{algorithm} is not computed.", nameof(algorithm));
    }

    /// <summary>Gives all values over what was appended so far.</summary>
    /// <returns>The values.</returns>
    public DigestSet GetCurrentValues()
    {
        ThrowIfBroken();
        var values = new ImmutableArray<byte>[BitOperations.PopCount((uint)Algorithms)];
        foreach (var unit in _units)
        {
            // The lowest bit of what is left, until nothing is.
            for (var left = (uint)unit.Algorithms; left != 0; left &= left - 1)
            {
                var algorithm = left & (0 - left);
                var value = new byte[unit.LengthOf((ChecksumAlgorithms)algorithm)];
                unit.Write((ChecksumAlgorithms)algorithm, value);
                values[BitOperations.PopCount((uint)Algorithms & (algorithm - 1))] = ImmutableCollectionsMarshal.AsImmutableArray(value);
            }
        }

        return new(Algorithms, Length, ImmutableCollectionsMarshal.AsImmutableArray(values));
    }

    /// <summary>Begins anew.</summary>
    public void Reset()
    {
        foreach (var unit in _units)
        {
            unit.Reset();
        }

        Length = 0;
        _isBroken = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pipeline?.Dispose();
        foreach (var unit in _units)
        {
            unit.Dispose();
        }
    }

    // Some algorithms are further than others then: no value would be that of any bytes.
    private void ThrowIfBroken()
    {
        if (_isBroken)
        {
            throw new InvalidOperationException("A stream was not read to its end, or is being read: Reset comes first.");
        }
    }
}
