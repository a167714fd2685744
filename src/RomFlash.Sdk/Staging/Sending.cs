using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Staging;

/// <summary>
/// Sends one image: the next chunk is read and hashed while the last one is on its way, and the end is withheld until the digest of everything is the validated one. What
/// an earlier run left there is compared, and not sent again for as long as it is the same.
/// </summary>
internal sealed class Sending(StageContext context, RomImage image, TargetEndpoint endpoint, IDeposit deposit, int index, long before, ChunkBuffers chunks)
{
    private Task<TransportResult<Done>>? _write;
    private long _writeOffset;

    public async ValueTask<FlashResult<ContentDigest>> RunAsync(VerificationMethod method, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(method, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Operations of a session do not overlap: whatever ends this, the last write ends before it.
            if (_write is not null)
            {
                await _write.ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<FlashResult<ContentDigest>> SendAsync(VerificationMethod method, CancellationToken cancellationToken)
    {
        var present = deposit.PresentBytes(index);
        var isComparing = present > 0 && method is VerificationMethod.ReadBack;
        var kept = 0L;
        if (present > 0 && method is VerificationMethod.DigestOnTarget && !(await KeepByDigestAsync(present, cancellationToken).ConfigureAwait(false)).TryGetValue(out kept, out var failure))
        {
            return failure;
        }

        if (!(await OpenAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out failure))
        {
            return failure;
        }

        await using (stream.ConfigureAwait(false))
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var offset = 0L; offset < image.Length;)
            {
                var chunk = chunks.First[..(int)Math.Min(chunks.First.Length, image.Length - offset)];
                var unread = await ReadAsync(stream, hash, chunk, offset, cancellationToken).ConfigureAwait(false);
                if ((failure = await EndWriteAsync().ConfigureAwait(false) ?? unread) is not null)
                {
                    return failure;
                }

                context.Report(FlashStage.Stage, before + offset, deposit.Manifest.TotalBytes);
                if (isComparing && !(await IsThereAsync(chunk, offset, cancellationToken).ConfigureAwait(false)).TryGetValue(out isComparing, out failure))
                {
                    return failure;
                }

                if (!isComparing && offset + chunk.Length > kept)
                {
                    (_write, _writeOffset) = (deposit.WriteAsync(index, offset, chunk, cancellationToken).AsTask(), offset);
                    chunks.Swap();
                }

                offset += chunk.Length;
            }

            if ((failure = await EndWriteAsync().ConfigureAwait(false)) is not null)
            {
                return failure;
            }

            context.Report(FlashStage.Stage, before + image.Length, deposit.Manifest.TotalBytes);
            return image.Sha256;
        }
    }

    private async ValueTask<FlashFailure?> EndWriteAsync()
    {
        if (_write is not { } write)
        {
            return null;
        }

        _write = null;
        return (await write.ConfigureAwait(false)).TryGetValue(out _, out var fault) ? null : ToFailure(fault, _writeOffset);
    }

    private async ValueTask<FlashResult<Stream>> OpenAsync(CancellationToken cancellationToken) =>
        (await image.Source.OpenReadAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure)
            ? stream
            : failure with { Stage = FlashStage.Stage, TargetId = context.Target.Id, TargetState = TargetState.Prepared };

    /// <summary>Fills a chunk and hashes it; the last one is given only when everything is what was validated.</summary>
    private async ValueTask<FlashFailure?> ReadAsync(Stream stream, IncrementalHash hash, Memory<byte> chunk, long offset, CancellationToken cancellationToken)
    {
        bool isGood;
        try
        {
            var read = await stream.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            hash.AppendData(chunk.Span[..read]);
            isGood = read == chunk.Length && (offset + read < image.Length || await IsWholeAsync(stream, hash, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new ImageUnreadable
            {
                Stage = FlashStage.Stage,
                TargetId = context.Target.Id,
                TargetState = TargetState.Prepared,
                Detail = $"{image.Source.Name}: {exception.GetType().Name}",
                PeerCode = new(PeerCode.HResult, unchecked((uint)exception.HResult)),
            };
        }

        return isGood ? null : new ImageChangedOnClient
        {
            Stage = FlashStage.Stage,
            TargetId = context.Target.Id,
            TargetState = TargetState.Prepared,
            Detail = $"{image.Source.Name} is no longer what was validated ({image.Sha256}); its end was withheld",
        };
    }

    // The digest of everything, the last chunk included, before that chunk leaves the client; and nothing may follow it.
    private async ValueTask<bool> IsWholeAsync(Stream stream, IncrementalHash hash, CancellationToken cancellationToken)
    {
        var digest = new byte[ContentDigest.Size];
        hash.GetHashAndReset(digest);
        return new ContentDigest(digest) == image.Sha256 && await stream.ReadAsync(digest.AsMemory(0, 1), cancellationToken).ConfigureAwait(false) == 0;
    }

    /// <summary>Whether the target holds this chunk already.</summary>
    private async ValueTask<FlashResult<bool>> IsThereAsync(ReadOnlyMemory<byte> chunk, long offset, CancellationToken cancellationToken)
    {
        for (var done = 0; done < chunk.Length;)
        {
            var there = chunks.Second[..(chunk.Length - done)];
            if (!(await deposit.ReadBackAsync(index, offset + done, there, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var fault))
            {
                return ToFailure(fault, offset);
            }

            if (read <= 0 || read > there.Length || !there.Span[..read].SequenceEqual(chunk.Span.Slice(done, read)))
            {
                return false;
            }

            done += read;
        }

        return true;
    }

    /// <summary>How many bytes of those present may stay: all, when the target's digest of them is that of the image's beginning.</summary>
    private async ValueTask<FlashResult<long>> KeepByDigestAsync(long present, CancellationToken cancellationToken)
    {
        if (!(await OpenAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure))
        {
            return failure;
        }

        await using (stream.ConfigureAwait(false))
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var left = present; left > 0;)
            {
                var chunk = chunks.First[..(int)Math.Min(chunks.First.Length, left)];
                int read;
                try
                {
                    read = await stream.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    // Sending reads it again, and says what is wrong.
                    return 0L;
                }

                if (read < chunk.Length)
                {
                    return 0L;
                }

                hash.AppendData(chunk.Span);
                left -= read;
            }

            return !(await deposit.DigestOnTargetAsync(index, cancellationToken).ConfigureAwait(false)).TryGetValue(out var digest, out var fault) ? ToFailure(fault, 0)
                : digest == new ContentDigest(hash.GetHashAndReset()) ? present
                : 0L;
        }
    }

    private FlashFailure ToFailure(TransportFault fault, long offset) => DefaultImageStager.ToFailure(fault, context, endpoint, deposit.Manifest, before + offset, TargetState.Prepared);
}
