using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>Answers what a file is, whether it is whole, and what its digest is, before anything leaves the client.</summary>
/// <remarks>
/// Thread-safe. Streaming: memory is bounded by a few buffers, whatever the file's size. What was parsed is what was digested: a file that
/// changes between the two is <see cref="ImageChangedOnClient"/>. A source has to be able to seek, because it is read by offset first and from
/// beginning to end afterwards; one that can't is <see cref="ImageUnreadable"/>.
/// </remarks>
public sealed class RomImageValidator
{
    private const int HeadSize = 4096;
    private const int BufferSize = 8 * WitnessedContent.BlockSize;

    private readonly ImmutableArray<IRomImageFormat> _formats;
    private readonly RomImageValidatorOptions _options;

    /// <summary>Creates a validator.</summary>
    /// <param name="formats">The formats to recognise.</param>
    /// <param name="options">Bounds.</param>
    public RomImageValidator(IEnumerable<IRomImageFormat> formats, RomImageValidatorOptions options)
    {
        ArgumentNullException.ThrowIfNull(formats);
        ArgumentNullException.ThrowIfNull(options);
        _formats = [.. formats];
        _options = options;
    }

    /// <summary>Validates an image.</summary>
    /// <param name="source">Where the bytes come from.</param>
    /// <param name="cancellationToken">Stops it; nothing has been written anywhere then.</param>
    /// <returns>
    /// The key to approval, or an <see cref="ImageFailure"/>: unreadable, empty, too large, of unknown format, ambiguous, malformed, truncated,
    /// with a wrong checksum, or changed meanwhile.
    /// </returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<FlashResult<RomImage>> ValidateAsync(IRomImageSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            if (!(await source.OpenReadAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure))
            {
                return failure with { Stage = FlashStage.Validate };
            }

            await using (stream.ConfigureAwait(false))
            {
                return (await ValidateAsync(source, stream, cancellationToken).ConfigureAwait(false)).TryGetValue(out var evidence, out failure)
                    ? RomImage.TryCreate(source, evidence)
                    : failure with { Stage = FlashStage.Validate, Detail = failure.Detail.Length == 0 ? source.Name : $"{source.Name}: {failure.Detail}" };
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return Unreadable(e) with { Stage = FlashStage.Validate, Detail = $"{source.Name}: {e.Message}" };
        }
    }

    private static ImageUnreadable Unreadable(Exception e) =>
        new() { Detail = e.Message, PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)e.HResult)) };

    private async ValueTask<FlashResult<ImageEvidence>> ValidateAsync(IRomImageSource source, Stream stream, CancellationToken cancellationToken)
    {
        if (!stream.CanRead || !stream.CanSeek)
        {
            return new ImageUnreadable { Detail = "it can't be read twice (a pipe, for example); save it to a file first" };
        }

        var length = stream.Length;
        if (length <= 0)
        {
            return new ImageEmpty();
        }

        if (length > _options.MaxLength)
        {
            return new ImageTooLarge { Detail = string.Create(CultureInfo.InvariantCulture, $"{length} bytes, the limit is {_options.MaxLength}") };
        }

        using var content = new WitnessedContent(source.Name, stream, length);
        var read = Parse(content);
        if (content.Fault is { } fault)
        {
            return Unreadable(fault);
        }

        if (content.HasChanged)
        {
            return new ImageChangedOnClient { Detail = "it changed while its structure was read" };
        }

        if (!read.TryGetValue(out var parsed, out var failure))
        {
            return failure;
        }

        return (await DigestAsync(stream, content, cancellationToken).ConfigureAwait(false)).TryGetValue(out var digest, out failure)
            ? new ImageEvidence
            {
                Format = parsed.Format,
                Length = length,
                Sha256 = digest,
                Identity = parsed.Evidence.Identity,
                Warnings = parsed.Evidence.Warnings,
            }
            : failure;
    }

    private FlashResult<Parsed> Parse(WitnessedContent content)
    {
        var head = new byte[(int)Math.Min(HeadSize, content.Length)];
        if (!content.TryRead(0, head))
        {
            // The caller looks at why before it looks at this.
            return new ImageChangedOnClient();
        }

        IRomImageFormat? format = null;
        foreach (var candidate in _formats)
        {
            if (!candidate.Recognizes(head, content.Length))
            {
                continue;
            }

            if (format is not null)
            {
                return new ImageAmbiguous { Detail = $"{format.Name} and {candidate.Name} both recognise it" };
            }

            format = candidate;
        }

        if (format is null)
        {
            return new ImageFormatUnknown { Detail = _formats.IsEmpty ? "no format is registered" : $"it is none of: {string.Join(", ", _formats.Select(f => f.Name))}" };
        }

        return format.Read(content).TryGetValue(out var evidence, out var failure) ? new Parsed(format.Name, evidence) : failure;
    }

    // The next stretch is read while this one is digested.
    private static async ValueTask<FlashResult<ContentDigest>> DigestAsync(Stream stream, WitnessedContent content, CancellationToken cancellationToken)
    {
        var current = ArrayPool<byte>.Shared.Rent(BufferSize);
        var next = ArrayPool<byte>.Shared.Rent(BufferSize);
        Task<int>? reading = null;
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            stream.Position = 0;
            reading = FillAsync(stream, current, cancellationToken);
            for (long offset = 0; ;)
            {
                var count = await reading.ConfigureAwait(false);
                if (offset + count > content.Length)
                {
                    return new ImageChangedOnClient { Detail = "it grew while it was read" };
                }

                if (count < BufferSize && offset + count < content.Length)
                {
                    return new ImageChangedOnClient { Detail = "it shrank while it was read" };
                }

                if (count == 0)
                {
                    var digest = new byte[ContentDigest.Size];
                    hash.GetHashAndReset(digest);
                    return new ContentDigest(digest);
                }

                reading = FillAsync(stream, next, cancellationToken);
                hash.AppendData(current, 0, count);
                if (!content.Confirms(offset, current.AsSpan(0, count)))
                {
                    return new ImageChangedOnClient { Detail = "it changed between the check of its structure and the computation of its digest" };
                }

                offset += count;
                (current, next) = (next, current);
            }
        }
        finally
        {
            // A buffer that is still being read into must not go back to the pool.
            if (reading is { IsCompleted: false })
            {
                await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            ArrayPool<byte>.Shared.Return(current);
            ArrayPool<byte>.Shared.Return(next);
        }
    }

    // Fills a whole buffer, so that stretches begin at block boundaries.
    private static async Task<int> FillAsync(Stream stream, byte[] buffer, CancellationToken cancellationToken) =>
        await stream.ReadAtLeastAsync(buffer.AsMemory(0, BufferSize), BufferSize, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);

    private sealed record Parsed(string Format, RomFormatEvidence Evidence);
}
