using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>Answers what a file is, whether it is whole, and what its digest is, before anything leaves the client.</summary>
/// <remarks>
/// Thread-safe. Memory is bounded by <see cref="RomImageLimits"/>, whatever the file's size: 48 MiB of managed memory at most, its own report included. What was parsed is what was digested: a file that
/// changes between the two is <see cref="ImageChangedOnClient"/>. A source has to be able to seek, because it is read by offset first and from
/// beginning to end afterwards; one that can't is <see cref="ImageUnreadable"/>.
/// </remarks>
public sealed class RomImageValidator
{
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

    /// <summary>Looks into an image, and reports what it is made of and everything that is wrong with it.</summary>
    /// <param name="source">Where the bytes come from.</param>
    /// <param name="inspection">How deep to look.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>
    /// The report, also of an image that is wrong (<see cref="RomImageReport.Problems"/>); or an <see cref="ImageFailure"/> where there is nothing to report
    /// on: unreadable, empty, too large, of unknown format, ambiguous, or changed meanwhile.
    /// </returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<FlashResult<RomImageReport>> InspectAsync(IRomImageSource source, RomInspection inspection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(inspection);
        return (await ReadAsync(source, inspection, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var failure) ? read.Report : failure;
    }

    /// <summary>Validates an image that is one ROM: the file itself, or the only payload of a package.</summary>
    /// <param name="source">Where the bytes come from.</param>
    /// <param name="cancellationToken">Stops it; nothing has been written anywhere then.</param>
    /// <returns>
    /// The key to approval, or an <see cref="ImageFailure"/>: unreadable, empty, too large, of unknown format, ambiguous, malformed, truncated,
    /// with a wrong checksum or signature, changed meanwhile, or a package of several payloads (<see cref="PackageAmbiguous"/>).
    /// </returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<FlashResult<RomImage>> ValidateAsync(IRomImageSource source, CancellationToken cancellationToken)
    {
        if (!(await ValidateAllAsync(source, cancellationToken).ConfigureAwait(false)).TryGetValue(out var images, out var failure))
        {
            return failure;
        }

        return images is [var only]
            ? only
            : new PackageAmbiguous { Stage = FlashStage.Validate, Detail = $"{source.Name}: {string.Join(", ", images.Select(i => i.Evidence.Wrapper?.Name))}" };
    }

    /// <summary>Validates an image, or all payloads of a package.</summary>
    /// <param name="source">Where the bytes come from.</param>
    /// <param name="cancellationToken">Stops it; nothing has been written anywhere then.</param>
    /// <returns>At least one key, or the first of what is wrong, as with <see cref="ValidateAsync"/>. One wrong payload is enough to refuse the package.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<FlashResult<ImmutableArray<RomImage>>> ValidateAllAsync(IRomImageSource source, CancellationToken cancellationToken)
    {
        if (!(await ReadAsync(source, WholeInspection, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var failure))
        {
            return failure;
        }

        if (!read.Report.IsValid)
        {
            var first = read.Report.Problems[0];
            return first with { Detail = first.Detail.Length == 0 ? source.Name : $"{source.Name}: {first.Detail}" };
        }

        var images = ImmutableArray.CreateBuilder<RomImage>(Math.Max(1, read.Payloads.Length));
        foreach (var payload in read.Payloads)
        {
            if (!RomImage.TryCreate(new PayloadImageSource(source, payload.Payload), ToEvidence(read.Report, payload)).TryGetValue(out var image, out failure))
            {
                return failure;
            }

            images.Add(image);
        }

        if (images.Count == 0)
        {
            if (!RomImage.TryCreate(source, ToEvidence(read.Report, null)).TryGetValue(out var image, out failure))
            {
                return failure;
            }

            images.Add(image);
        }

        return images.DrainToImmutable();
    }

    private static readonly RomInspection WholeInspection = new();

    private static ImageEvidence ToEvidence(RomImageReport report, ReadPayload? payload) => new()
    {
        Format = payload?.Found.Format ?? report.Format,
        Length = payload?.Found.Length ?? report.Length,
        Sha256 = payload?.Found.Sha256 ?? report.Sha256 ?? default,
        Identity = payload?.Found.Identity ?? report.Identity,
        Warnings = report.Warnings,
        Signature = payload?.Found.Signature ?? report.Signature,
        Signatures = payload?.Signatures ?? report.Signatures,
        Wrapper = payload is null ? null : new(report.Format, payload.Found.Name, report.Length, report.Sha256 ?? default),
        Report = report,
    };

    private static ImageUnreadable Unreadable(Exception e) =>
        new() { Detail = e.Message, PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)e.HResult)) };

    private async ValueTask<FlashResult<Inspected>> ReadAsync(IRomImageSource source, RomInspection inspection, CancellationToken cancellationToken)
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
                return (await ReadAsync(source, stream, inspection, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out failure)
                    ? read
                    : failure with { Stage = FlashStage.Validate, Detail = failure.Detail.Length == 0 ? source.Name : $"{source.Name}: {failure.Detail}" };
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return Unreadable(e) with { Stage = FlashStage.Validate, Detail = $"{source.Name}: {e.Message}" };
        }
    }

    private async ValueTask<FlashResult<Inspected>> ReadAsync(IRomImageSource source, Stream stream, RomInspection inspection, CancellationToken cancellationToken)
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

        using var content = new WitnessedContent(source.Name, stream, length, inspection.WithDigest, cancellationToken);
        var state = new ReadingState(_formats, inspection.Depth, _options.Trust, cancellationToken);
        var root = new RomPartBuilder("file", 0, length, isInFile: true) { Name = source.Name };
        var reading = new RomImageReading(state, content, root, 0, isInFile: true, nesting: 0);

        // On the pool: it may take a while, and the caller's thread may be one that others wait for.
        var isKnown = await Task.Run(reading.TryReadAsAny, cancellationToken).ConfigureAwait(false);
        if (WhyUnusable(content) is { } unusable)
        {
            return unusable;
        }

        if (!isKnown)
        {
            return new ImageFormatUnknown { Detail = _formats.IsEmpty ? "no format is registered" : $"it is none of: {string.Join(", ", _formats.Select(f => f.Name))}" };
        }

        if (reading.Format.Length == 0)
        {
            return state.Problems[0];
        }

        var extracted = new List<ExtractedAndRead>(state.Payloads.Count);
        if (inspection.Depth == RomInspectionDepth.Full && MayExtract(state))
        {
            foreach (var found in state.Payloads.ToArray())
            {
                if (state.IsOver)
                {
                    break;
                }

                if (await ReadPayloadAsync(source, content, state, found, cancellationToken).ConfigureAwait(false) is { } payload)
                {
                    extracted.Add(payload);
                }
            }
        }

        ContentDigest? digest = null;
        if (inspection.WithDigest)
        {
            // What lies beside the image sees it pass by, in the same pass that digests it.
            DetachedSignatures? beside = null;
            if (source is IRomImageNeighbours neighbours
                && !(await DetachedSignatures.LoadAsync(neighbours, neighbours.FileName, cancellationToken).ConfigureAwait(false)).TryGetValue(out beside, out var unread))
            {
                return unread;
            }

            using var signatures = beside;
            if (!(await DigestAsync(stream, content, signatures, cancellationToken).ConfigureAwait(false)).TryGetValue(out var sha256, out var failure))
            {
                return failure;
            }

            digest = sha256;
            foreach (var signature in signatures?.Verify(_options.Trust) ?? [])
            {
                reading.AddSignature(signature);
            }
        }

        if (WhyUnusable(content) is { } changed)
        {
            return changed;
        }

        // Only now are all signatures known: one beside the package vouches for all that is in it.
        var payloads = extracted.Select(e => new ReadPayload(e.Payload, e.Found with { Signature = state.SignatureOf(e.Scope) }, [.. state.SignaturesOf(e.Scope)])).ToImmutableArray();
        return new Inspected(
            new RomImageReport
            {
                Name = source.Name,
                Format = reading.Format,
                Length = length,
                Sha256 = digest,
                Root = root.Build(),
                Identity = reading.Identity,
                Signatures = [.. state.Signatures],
                Signature = state.Signature(),
                Payloads = [.. payloads.Select(p => p.Found)],
                Warnings = [.. state.Warnings],
                Problems = [.. state.Problems],
            },
            payloads);
    }

    private static FlashFailure? WhyUnusable(WitnessedContent content) =>
        content.Fault is { } fault ? Unreadable(fault)
        : content.HasChanged ? new ImageChangedOnClient { Detail = "it changed while its structure was read" }
        : null;

    // A package says how much is in it before anything is extracted, and all of it may have to go through a temporary file.
    private bool MayExtract(ReadingState state)
    {
        var left = _options.MaxLength;
        foreach (var found in state.Payloads)
        {
            if (found.Payload.Length > left)
            {
                state.End(new ImageTooLarge
                {
                    Stage = FlashStage.Validate,
                    Detail = string.Create(CultureInfo.InvariantCulture, $"{found.Payload.Name}: {found.Payload.Length} bytes; all that is extracted from a package may have {_options.MaxLength}"),
                });
                return false;
            }

            left -= found.Payload.Length;
        }

        return true;
    }

    // Extracted as it will be when it is sent, digested on its own, and read like any other image.
    private static async ValueTask<ExtractedAndRead?> ReadPayloadAsync(IRomImageSource source, IRomImageContent package, ReadingState state, FoundPayload found, CancellationToken cancellationToken)
    {
        if (!(await found.Payload.OpenAsync(new ContentStream(package), source, cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure))
        {
            state.Report(failure is ImageFailure unopened ? unopened with { Stage = FlashStage.Validate } : new ImageUnreadable { Stage = FlashStage.Validate, Detail = $"{found.Payload.Name}: {failure.Detail}" });
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            var (extracted, whyNot) = await ExtractedPayload.ExtractAsync(found.Payload.Name, stream, found.Payload.Length, cancellationToken).ConfigureAwait(false);
            if (extracted is null)
            {
                state.Report(new ImageMalformed { Stage = FlashStage.Validate, Detail = $"{found.Payload.Name}: {whyNot}" });
                return null;
            }

            using (extracted)
            {
                found.Part.DecodedLength = found.Payload.Length;
                var reading = new RomImageReading(state, extracted.Content, found.Part, 0, isInFile: false, nesting: 1);
                if (found.Sha256 is { } promised)
                {
                    reading.Check(found.Part, "payload sha256", 0, found.Payload.Length, promised.ToString(), extracted.Sha256.ToString());
                }

                if (!found.IsForTarget)
                {
                    return null;
                }

                var scope = state.BeginPayload();
                var isKnown = await Task.Run(reading.TryReadAsAny, cancellationToken).ConfigureAwait(false);
                if (!isKnown)
                {
                    reading.Warn($"{found.Payload.Name}: no format recognises it; only the package says what it is");
                }

                // Each on its own: a signature of one payload says nothing of the next.
                if (!reading.HasSignature)
                {
                    reading.NoteUnsigned();
                }

                state.EndPayload();
                return new(
                    found.Payload,
                    new()
                    {
                        Name = found.Payload.Name,
                        Format = isKnown ? reading.Format : "opaque",
                        Length = found.Payload.Length,
                        Sha256 = extracted.Sha256,
                        Identity = PayloadIdentity.Combine(reading, found.Payload.Name, found.Identity),
                    },
                    scope);
            }
        }
    }

    // The next stretch is read while this one is digested.
    private static async ValueTask<FlashResult<ContentDigest>> DigestAsync(Stream stream, WitnessedContent content, DetachedSignatures? signatures, CancellationToken cancellationToken)
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
                signatures?.Append(current.AsSpan(0, count));
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

    private sealed record Inspected(RomImageReport Report, ImmutableArray<ReadPayload> Payloads);

    private sealed record ExtractedAndRead(RomPayload Payload, RomImagePayload Found, SignatureScope Scope);

    private sealed record ReadPayload(RomPayload Payload, RomImagePayload Found, ImmutableArray<RomImageSignature> Signatures);
}
