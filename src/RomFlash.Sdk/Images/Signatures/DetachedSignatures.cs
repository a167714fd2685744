using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>
/// The signatures that lie beside an image, under its name with <c>.p7s</c> or <c>.p7b</c>: detached CMS over the exact bytes of the file. They are loaded
/// before the image is read, see it pass by, and say at the end what they came to.
/// </summary>
/// <remarks>Not thread-safe. Holds at most two signatures of at most <see cref="CmsSignature.MaxLength"/> bytes, and nothing of the image.</remarks>
internal sealed class DetachedSignatures : IDisposable
{
    /// <summary>What these signatures are called in a report.</summary>
    public const string Kind = "detached-pkcs7";

    private readonly ImmutableArray<Candidate> _candidates;

    private DetachedSignatures(ImmutableArray<Candidate> candidates) => _candidates = candidates;

    /// <summary>What is behind the image's file name: what signers of mail use (RFC 8551, 3.2.1), and what LVFS and its tools do.</summary>
    public static ImmutableArray<string> Extensions { get; } = [".p7s", ".p7b"];

    /// <summary>Whether nothing lies beside the image. Then nobody need append anything.</summary>
    public bool IsEmpty => _candidates.IsEmpty;

    /// <summary>Loads what lies beside an image.</summary>
    /// <param name="neighbours">Where the image comes from.</param>
    /// <param name="fileName">The image's plain file name.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The signatures, none or several; or the failure to read one that is there.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<FlashResult<DetachedSignatures>> LoadAsync(IRomImageNeighbours neighbours, string fileName, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(neighbours);
        ArgumentException.ThrowIfNullOrEmpty(fileName);
        var candidates = ImmutableArray.CreateBuilder<Candidate>();
        foreach (var extension in Extensions)
        {
            var name = fileName + extension;
            if (await neighbours.TryOpenNeighbourAsync(name, cancellationToken).ConfigureAwait(false) is not { } opened)
            {
                continue;
            }

            if (!opened.TryGetValue(out var stream, out var failure))
            {
                return failure;
            }

            await using (stream.ConfigureAwait(false))
            {
                try
                {
                    candidates.Add(await ReadAsync(name, stream, cancellationToken).ConfigureAwait(false));
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
                {
                    return new ImageUnreadable { Stage = FlashStage.Validate, Detail = $"{name}: {e.Message}", PeerCode = new PeerCode(PeerCode.HResult, unchecked((uint)e.HResult)) };
                }
            }
        }

        return new DetachedSignatures(candidates.DrainToImmutable());
    }

    /// <summary>Takes the next bytes of the image into account.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        foreach (var candidate in _candidates)
        {
            candidate.Digests?.Append(bytes);
        }
    }

    /// <summary>Verifies all of them, after the whole image was appended.</summary>
    /// <param name="trust">Whom the caller trusts, or null: then nobody.</param>
    /// <returns>What each came to; they cover everything in the image.</returns>
    public ImmutableArray<RomImageSignature> Verify(ImageSignatureTrust? trust) => [.. _candidates.Select(c => c.Verify(trust) with { CoversAll = true })];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var candidate in _candidates)
        {
            candidate.Digests?.Dispose();
        }
    }

    private static async ValueTask<Candidate> ReadAsync(string name, Stream stream, CancellationToken cancellationToken)
    {
        // One byte more than it promises tells a file that grows.
        var promised = stream.Length - stream.Position;
        if (promised > CmsSignature.MaxLength)
        {
            return new(name, null, null, $"the signature is larger than {CmsSignature.MaxLength} bytes");
        }

        var buffer = new byte[promised + 1];
        var count = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (count > promised)
        {
            return new(name, null, null, "the signature grew while it was read");
        }

        return SignatureFile.TryParse(buffer.AsMemory(0, count), out var signature, out var why)
            ? new(name, signature, signature.CreateDigests(), string.Empty)
            : new(name, null, null, why);
    }

    private sealed record Candidate(string Name, CmsSignature? Signature, SignedDigests? Digests, string WhyNot)
    {
        public RomImageSignature Verify(ImageSignatureTrust? trust)
        {
            var found = Signature is null ? SignatureVerdict.Invalid(Kind, WhyNot) : Signature.Verify(Kind, Digests!, trust);
            return found.Why.Length > 0 ? found with { Why = $"{Name}: {found.Why}" } : found;
        }
    }
}
