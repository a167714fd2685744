using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Diagnostics;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Staging;

/// <summary>
/// Sends images in chunks, hashing what is sent, and withholds the last chunk until the digest is the validated one: a file that was
/// swapped on the client never becomes complete on the target. Then verifies as the policy asks, or as the transport usually does, and commits.
/// </summary>
internal sealed class DefaultImageStager : IImageStager
{
    private const int MaxChunkBytes = 16 << 20;

    public async ValueTask<FlashResult<StagingEvidence>> StageAsync(StageContext context, ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAsync<IDepositCapability>(FlashStage.Stage, cancellationToken).ConfigureAwait(false)).TryGetValue(out var found, out var failure))
        {
            return failure with { TargetState = TargetState.Untouched };
        }

        return await StageAsync(
            context,
            found,
            new DepositManifest(deposit.Id, deposit.Generation, ToFiles(approved, found.Capability.Traits)),
            [.. Enumerable.Range(0, approved.Components.Length).Select(approved.ImageOf)],
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<FlashResult<StagingEvidence>> StageBackupAsync(StageContext context, ImmutableArray<BackupImage> images, DepositKey deposit, CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAsync<IDepositCapability>(FlashStage.Stage, cancellationToken).ConfigureAwait(false)).TryGetValue(out var found, out var failure))
        {
            return failure with { TargetState = TargetState.Prepared };
        }

        var traits = found.Capability.Traits;
        if (traits is not { UsesSystemPartition: true, Effect: DepositEffect.Inert })
        {
            return new CapabilityMissing
            {
                Stage = FlashStage.Stage,
                TargetId = context.Target.Id,
                TargetState = TargetState.Prepared,
                Capability = nameof(IDepositCapability),
                Detail = "what is deposited there does not lie inert on a system partition, so no backup can",
            };
        }

        ImmutableArray<DepositFile> files = [.. images.Select((b, i) => new DepositFile(NameOf(i, b.Image.Source.Name, traits), b.Image.Length, b.Image.Sha256, b.ComponentId))];
        return await StageAsync(context, found, new DepositManifest(deposit.Id, deposit.Generation, files), [.. images.Select(b => b.Image)], cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<FlashResult<StagingEvidence>> StageAsync(
        StageContext context,
        ResolvedCapability<IDepositCapability> found,
        DepositManifest manifest,
        ImmutableArray<RomImage> images,
        CancellationToken cancellationToken)
    {
        var opened = await found.Capability.OpenDepositAsync(manifest, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var open, out var fault))
        {
            return ToFailure(fault, context, found.Endpoint, manifest, 0, fault.Effect == FaultEffect.NotSent ? TargetState.Untouched : TargetState.Prepared);
        }

        await using (open.ConfigureAwait(false))
        {
            return await FillAsync(context, images, found, open, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<FlashResult<CleanUpEvidence>> CleanUpAsync(StageContext context, CleanUpScope scope, CancellationToken cancellationToken)
    {
        if (!(await context.Connection.GetAsync<IDepositCapability>(FlashStage.CleanUp, cancellationToken).ConfigureAwait(false)).TryGetValue(out var found, out var failure))
        {
            return failure;
        }

        if (!(await found.Capability.ListDepositsAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var deposits, out var fault))
        {
            return fault.ToFailure(FlashStage.CleanUp, context.Target, found.Endpoint, TargetState.Prepared);
        }

        var resumable = scope.KeepUnfinished is { } coming ? DepositManifest.ComputeDigest(ToFiles(coming, found.Capability.Traits)) : default(ContentDigest?);
        var removed = 0;
        var left = ImmutableArray.CreateBuilder<string>();
        ImmutableArray<DepositKey> backups = [];
        foreach (var deposit in deposits.IsDefault ? [] : deposits)
        {
            if ((scope.OnlyIdsStartingWith is { } prefix && !deposit.Id.StartsWith(prefix, StringComparison.Ordinal))
                || (!deposit.IsCommitted && deposit.Unfinished is { } unfinished && (scope.KeepsAllUnfinished || unfinished == resumable))
                || (scope.Keep is { } keep && keep.Id == deposit.Id && keep.Generation == deposit.Generation))
            {
                continue;
            }

            if (scope.KeepsBackups && new DepositKey(deposit.Id, deposit.Generation) is { IsBackup: true } backup)
            {
                backups = backups.Add(backup);
                continue;
            }

            if ((await found.Capability.DiscardDepositAsync(deposit.Id, deposit.Generation, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out fault))
            {
                removed++;
            }
            else
            {
                left.Add($"deposit {deposit.Id} (generation {deposit.Generation}): {fault.Kind}");
            }
        }

        return new CleanUpEvidence(removed, left.ToImmutable()) { Backups = backups };
    }

    /// <summary>
    /// The name of a file of a deposit. Names sort in flashing order: firmware takes the files of its capsule folder alphabetically. Whoever takes deposits that lie
    /// on no system partition may tell formats by the extension, so that the image keeps its own there.
    /// </summary>
    /// <param name="index">The file's place in the flashing order.</param>
    /// <param name="source">The name of the image's source; any text.</param>
    /// <param name="traits">Where deposits lie.</param>
    internal static string NameOf(int index, string source, DepositTraits traits) =>
        string.Create(CultureInfo.InvariantCulture, $"romflash-{index:D2}.{(traits.UsesSystemPartition ? "cap" : ExtensionOf(source))}");

    // What is no plain extension is none that anybody goes by.
    private static string ExtensionOf(string source)
    {
        const int MaxLength = 8;
        var extension = source.AsSpan(source.LastIndexOf('.') + 1);
        if (extension.Length == source.Length || extension.Length is 0 or > MaxLength)
        {
            return "bin";
        }

        foreach (var c in extension)
        {
            if (!char.IsAsciiLetterOrDigit(c))
            {
                return "bin";
            }
        }

        return extension.ToString().ToLowerInvariant();
    }

    private static ImmutableArray<DepositFile> ToFiles(ApprovedUpgrade approved, DepositTraits traits) =>
        [.. approved.Components.Select((c, i) => new DepositFile(NameOf(i, approved.ImageOf(i).Source.Name, traits), c.Length, c.Sha256, c.ComponentId))];

    private static async ValueTask<FlashResult<StagingEvidence>> FillAsync(
        StageContext context,
        ImmutableArray<RomImage> images,
        ResolvedCapability<IDepositCapability> found,
        IDeposit deposit,
        CancellationToken cancellationToken)
    {
        var traits = found.Capability.Traits;
        var method = traits.MethodFor(context.Policy.MinimumVerification);
        var manifest = deposit.Manifest;
        var staged = ImmutableArray.CreateBuilder<StagedFile>(manifest.Files.Length);
        using var chunks = new ChunkBuffers(Math.Clamp(Math.Min(traits.PreferredWriteBytes, traits.MaxWriteBytes), 1, MaxChunkBytes));
        long done = 0;
        for (var i = 0; i < manifest.Files.Length; i++)
        {
            context.Report(FlashStage.Stage, done, manifest.TotalBytes);
            var sending = new Sending(context, images[i], found.Endpoint, deposit, i, done, chunks);
            if (!(await sending.RunAsync(method, cancellationToken).ConfigureAwait(false)).TryGetValue(out var digest, out var failure))
            {
                return failure;
            }

            done += manifest.Files[i].Length;
            context.Report(FlashStage.Verify, done, manifest.TotalBytes);
            var verified = await VerifyAsync(context, found.Endpoint, deposit, i, method, chunks.First, cancellationToken).ConfigureAwait(false);
            if (!verified.TryGetValue(out var onTarget, out failure))
            {
                return failure;
            }

            staged.Add(new(manifest.Files[i], digest, onTarget) { Location = deposit.LocationOf(i) });
        }

        if (!(await deposit.CommitAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out var fault))
        {
            // Where the commit is the arming step, a missing answer says nothing.
            var state = traits.Effect == DepositEffect.Inert || fault.Effect == FaultEffect.NotSent ? TargetState.Prepared : TargetState.Indeterminate;
            return ToFailure(fault, context, found.Endpoint, manifest, manifest.TotalBytes, state);
        }

        // Only now: an operation that was given up may still read or write a buffer, which then must not serve another target.
        chunks.MayBeReused();
        RomFlashTelemetry.BytesStaged(manifest.TotalBytes);
        return new StagingEvidence
        {
            Manifest = manifest,
            Files = staged.ToImmutable(),
            Verification = method,
            UsualVerification = traits.Usual,
            Endpoint = found.Endpoint.ToString(),
        };
    }

    private static async ValueTask<FlashResult<ContentDigest>> VerifyAsync(
        StageContext context,
        TargetEndpoint endpoint,
        IDeposit deposit,
        int index,
        VerificationMethod method,
        Memory<byte> chunk,
        CancellationToken cancellationToken)
    {
        switch (method)
        {
            case VerificationMethod.ReadBack:
                return await ReadBackAsync(context, endpoint, deposit, index, chunk, cancellationToken).ConfigureAwait(false);
            case VerificationMethod.DigestOnTarget:
                return (await deposit.DigestOnTargetAsync(index, cancellationToken).ConfigureAwait(false)).TryGetValue(out var digest, out var fault)
                    ? digest
                    : ToFailure(fault, context, endpoint, deposit.Manifest, deposit.Manifest.Files[index].Length, TargetState.Prepared) with { Stage = FlashStage.Verify };
            default:
                return default(ContentDigest);
        }
    }

    private static async ValueTask<FlashResult<ContentDigest>> ReadBackAsync(
        StageContext context,
        TargetEndpoint endpoint,
        IDeposit deposit,
        int index,
        Memory<byte> chunk,
        CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var length = deposit.Manifest.Files[index].Length;
        long offset = 0;

        // One read beyond the end: a copy that is longer than it should be differs as well.
        while (offset <= length)
        {
            if (!(await deposit.ReadBackAsync(index, offset, chunk, cancellationToken).ConfigureAwait(false)).TryGetValue(out var read, out var fault))
            {
                return ToFailure(fault, context, endpoint, deposit.Manifest, offset, TargetState.Prepared) with { Stage = FlashStage.Verify };
            }

            if (read < 0 || read > chunk.Length)
            {
                return new ProtocolViolation { Stage = FlashStage.Verify, TargetId = context.Target.Id, TargetState = TargetState.Prepared, Detail = $"{read} bytes were read into {chunk.Length}" };
            }

            if (read == 0)
            {
                break;
            }

            hash.AppendData(chunk.Span[..read]);
            offset += read;
        }

        var digest = new byte[ContentDigest.Size];
        hash.GetHashAndReset(digest);
        return new ContentDigest(digest);
    }

    internal static FlashFailure ToFailure(TransportFault fault, StageContext context, TargetEndpoint endpoint, DepositManifest manifest, long offset, TargetState state) =>
        fault.ToFailure(FlashStage.Stage, context.Target, endpoint, state, offset) switch
        {
            SystemPartitionFull full => full with { RequiredBytes = manifest.TotalBytes },
            var failure => failure,
        };
}
