using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Transports;

/// <summary>How a copy on the target can be verified; the values are ordered from weak to strong.</summary>
public enum VerificationMethod
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>The device took it, and says no more.</summary>
    AcceptedByDevice,

    /// <summary>The target computed a digest of its copy; a target that lies consistently is believed.</summary>
    DigestOnTarget,

    /// <summary>The client read the copy back and computed the digest itself.</summary>
    ReadBack,
}

/// <summary>What a committed deposit means for the target; the values are ordered from harmless to final.</summary>
public enum DepositEffect
{
    /// <summary>Nothing: it lies there until it is armed.</summary>
    Inert = 0,

    /// <summary>The commit is the arming step: the next restart flashes, whoever asks for it.</summary>
    Arms,

    /// <summary>The commit is the flash.</summary>
    Flashes,
}

/// <summary>What a deposit capability can do.</summary>
public sealed record DepositTraits
{
    private readonly VerificationMethod? _usual;

    /// <summary>The ways to verify a copy that the transport has.</summary>
    public required ImmutableArray<VerificationMethod> Verification { get; init; }

    /// <summary>The largest write in bytes, at least 1.</summary>
    public int MaxWriteBytes { get; init; } = 1 << 20;

    /// <summary>How many bytes to hand over in one write so that the transport is used well; never more than <see cref="MaxWriteBytes"/> are.</summary>
    public int PreferredWriteBytes { get; init; } = 256 << 10;

    /// <summary>Whether deposits lie on the system partition, so that its size and free space matter.</summary>
    public bool UsesSystemPartition { get; init; } = true;

    /// <summary>
    /// What a committed deposit means. Where it is not <see cref="DepositEffect.Inert"/>, <see cref="IDeposit.CommitAsync"/> is the arming step with its one
    /// commit point: everything before it is inert and gone when the connection breaks, and the pipeline treats it as it treats <see cref="IArmingCapability.ArmAsync"/>.
    /// </summary>
    public DepositEffect Effect { get; init; }

    /// <summary>Whether a deposit that was not committed stays on the target when its session ends, so that it has to be found and removed.</summary>
    public bool KeepsUncommitted { get; init; } = true;

    /// <summary>The strongest of <see cref="Verification"/>.</summary>
    public VerificationMethod Strongest => Verification.IsDefaultOrEmpty ? VerificationMethod.None : Verification.Max();

    /// <summary>
    /// One of <see cref="Verification"/>: how copies are verified as long as the policy does not ask for more. The strongest by default; a transport whose
    /// target is trusted with computing a digest, and far away, names that.
    /// </summary>
    public VerificationMethod Usual
    {
        get => _usual ?? Strongest;
        init => _usual = value;
    }

    /// <summary>How to verify under a policy: the usual way, or the weakest of the others that is strong enough; the strongest when none is.</summary>
    /// <param name="minimum">The weakest that the policy accepts, or null.</param>
    /// <returns>The method.</returns>
    public VerificationMethod MethodFor(VerificationMethod? minimum) =>
        minimum is not { } least || Usual >= least || Verification.IsDefault ? Usual : Verification.Where(m => m >= least).DefaultIfEmpty(Strongest).Min();
}

/// <summary>One file of a deposit.</summary>
/// <param name="Name">A plain file name of ASCII letters, digits, dots, hyphens and underscores.</param>
/// <param name="Length">The length in bytes.</param>
/// <param name="Sha256">The digest of the whole file.</param>
/// <param name="ComponentId">The id of the installed ROM that it is for.</param>
public sealed record DepositFile(string Name, long Length, ContentDigest Sha256, string ComponentId);

/// <summary>What one deposit holds, and under which claim.</summary>
public sealed class DepositManifest
{
    /// <summary>Creates a manifest.</summary>
    /// <param name="id">1 to 64 lower-case ASCII letters, digits and hyphens; unique for each deposit.</param>
    /// <param name="generation">The claim's generation; part of the deposit's place on the target. 0 where the target has no claims.</param>
    /// <param name="files">At least one, with distinct names, in flashing order.</param>
    public DepositManifest(string id, long generation, ImmutableArray<DepositFile> files)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentOutOfRangeException.ThrowIfNegative(generation);
        if (id.Length > 64 || !id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ArgumentException("A deposit's id is 1 to 64 lower-case ASCII letters, digits and hyphens.", nameof(id));
        }

        if (files.IsDefaultOrEmpty || files.Any(f => !IsPlainName(f.Name) || f.Length <= 0))
        {
            throw new ArgumentException("A deposit has at least one file; names are plain and lengths positive.", nameof(files));
        }

        if (files.Select(f => f.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count() != files.Length)
        {
            throw new ArgumentException("The files of a deposit have distinct names.", nameof(files));
        }

        Id = id;
        Generation = generation;
        Files = files;
        Digest = ComputeDigest(files);
    }

    /// <summary>The deposit's id.</summary>
    public string Id { get; }

    /// <summary>The claim's generation.</summary>
    public long Generation { get; }

    /// <summary>The files in flashing order.</summary>
    public ImmutableArray<DepositFile> Files { get; }

    /// <summary>One digest over names, lengths and digests of all files.</summary>
    public ContentDigest Digest { get; }

    /// <summary>The length of all files in bytes.</summary>
    public long TotalBytes => Files.Sum(f => f.Length);

    /// <summary>Computes what <see cref="Digest"/> is for files that were found on a target.</summary>
    /// <param name="files">The files in order.</param>
    /// <returns>The digest.</returns>
    public static ContentDigest ComputeDigest(ImmutableArray<DepositFile> files)
    {
        var text = new StringBuilder("romflash-deposit-1\n");
        foreach (var file in files)
        {
            text.Append(file.Name).Append('\n').Append(file.Length).Append('\n').Append(file.Sha256.ToString()).Append('\n');
        }

        return new(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static bool IsPlainName(string? name) =>
        !string.IsNullOrEmpty(name) && name.Length <= 64 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}

/// <summary>A deposit that was found on the target.</summary>
/// <param name="Id">Its id. Untrusted text.</param>
/// <param name="Generation">The generation in its place.</param>
/// <param name="IsCommitted">Whether it was committed.</param>
public sealed record DepositInfo(string Id, long Generation, bool IsCommitted)
{
    /// <summary>
    /// For one that was not committed: the <see cref="DepositManifest.Digest"/> of what it was to hold, so that a later deposit of the same content can go on with it; null when that is not
    /// known, or the transport does not go on with anything. Untrusted: what lies there is compared before it is used.
    /// </summary>
    public ContentDigest? Unfinished { get; init; }
}

/// <summary>
/// Puts files where they are inert: never where firmware looks for capsules. A deposit is open, then committed or discarded; only a
/// committed one can be armed.
/// </summary>
public interface IDepositCapability : ITargetCapability
{
    /// <summary>What this transport can do; constant for a session, and known without asking the target.</summary>
    DepositTraits Traits { get; }

    /// <summary>Lists deposits that lie on the target, open or committed, of any generation. Armed ones are not listed.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>What was found.</returns>
    ValueTask<TransportResult<ImmutableArray<DepositInfo>>> ListDepositsAsync(CancellationToken cancellationToken);

    /// <summary>Opens a new deposit.</summary>
    /// <param name="manifest">What it will hold.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The open deposit; <see cref="TransportFaultKind.AlreadyExists"/> when the id is taken, <see cref="TransportFaultKind.Fenced"/> when the generation is not the claim's, <see cref="TransportFaultKind.NoSpace"/>, ….</returns>
    ValueTask<TransportResult<IDeposit>> OpenDepositAsync(DepositManifest manifest, CancellationToken cancellationToken);

    /// <summary>Removes a deposit that is not armed. Removing what is not there succeeds.</summary>
    /// <param name="id">The deposit's id.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when nothing of it is left.</returns>
    ValueTask<TransportResult<Done>> DiscardDepositAsync(string id, long generation, CancellationToken cancellationToken);
}

/// <summary>An open deposit. Disposing of it closes handles and leaves what was written for the next run to find.</summary>
public interface IDeposit : IAsyncDisposable
{
    /// <summary>What it holds.</summary>
    DepositManifest Manifest { get; }

    /// <summary>
    /// How many bytes of a file an earlier, interrupted deposit of the same content left there; 0 in a deposit that is new throughout. They can be read back, and nothing
    /// vouches for them: whoever writes compares them with the image, and goes on at the first that differs.
    /// </summary>
    /// <param name="fileIndex">Which file of the manifest.</param>
    /// <returns>The number of bytes, at most the file's length.</returns>
    long PresentBytes(int fileIndex) => 0;

    /// <summary>Where a file lies once the deposit is committed, in words by which a person finds it there, such as a path from the partition's root.</summary>
    /// <param name="fileIndex">Which file of the manifest.</param>
    /// <returns>The place; empty when the transport has no name for it.</returns>
    string LocationOf(int fileIndex) => string.Empty;

    /// <summary>Writes bytes at an offset; all of them, or a fault.</summary>
    /// <param name="fileIndex">Which file of the manifest.</param>
    /// <param name="offset">The offset in bytes; writes are in ascending order without gaps. The first write of a file may begin anywhere up to <see cref="PresentBytes"/>.</param>
    /// <param name="data">At most <see cref="DepositTraits.MaxWriteBytes"/> bytes.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when the target has acknowledged all bytes.</returns>
    ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Reads bytes of the copy back; for <see cref="VerificationMethod.ReadBack"/>.</summary>
    /// <param name="fileIndex">Which file of the manifest.</param>
    /// <param name="offset">The offset in bytes.</param>
    /// <param name="buffer">Filled from its beginning.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>How many bytes were read; 0 at the end of the file. <see cref="TransportFaultKind.Unsupported"/> without read-back.</returns>
    ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Has the target compute the digest of its copy; for <see cref="VerificationMethod.DigestOnTarget"/>.</summary>
    /// <param name="fileIndex">Which file of the manifest.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The digest that the target computed. <see cref="TransportFaultKind.Unsupported"/> without it.</returns>
    ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken);

    /// <summary>Flushes and makes the deposit complete: still inert, unless <see cref="DepositTraits.Effect"/> says otherwise. Committing twice succeeds.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when it is durable on the target. <see cref="TransportFaultKind.Rejected"/> when the device refused the content.</returns>
    ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken);
}
