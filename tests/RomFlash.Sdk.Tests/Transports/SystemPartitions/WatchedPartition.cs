using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Directory;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Tests.Transports.SystemPartitions;

/// <summary>A folder as the partition of a target that knows connections and computes digests; says in which order it is asked for what, and may refuse.</summary>
internal sealed class WatchedPartition(string root) : IPartitionFiles
{
    private readonly FolderPartition _inner = new(root, new FolderOperations());
    private readonly HashSet<string> _held = [];

    /// <summary>What was asked for, with the last part of the path.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>The paths that somebody holds.</summary>
    public IReadOnlyCollection<string> Held => _held;

    /// <summary>Says with what a step fails, by what it does and the path; null lets it pass.</summary>
    public Func<string, string, TransportFaultKind?> Refuses { get; set; } = (_, _) => null;

    public int ChunkBytes => _inner.ChunkBytes;

    public bool KnowsConnections => true;

    public string Show(string path) => _inner.Show(path);

    public ValueTask<PartitionEntry> LookAsync(string path, CancellationToken cancellationToken) => _inner.LookAsync(path, cancellationToken);

    public ValueTask<IReadOnlyList<PartitionEntry>> ListAsync(string path, int maxEntries, CancellationToken cancellationToken) => _inner.ListAsync(path, maxEntries, cancellationToken);

    public async ValueTask<IPartitionFile> OpenReadAsync(string path, CancellationToken cancellationToken)
    {
        Ask("read", path);
        return await _inner.OpenReadAsync(path, cancellationToken);
    }

    public async ValueTask<ContentDigest?> TryDigestAsync(string path, CancellationToken cancellationToken)
    {
        Ask("digest", path);
        return new ContentDigest(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(Show(path), cancellationToken)));
    }

    public ValueTask CreateFolderAsync(string path, CancellationToken cancellationToken) => _inner.CreateFolderAsync(path, cancellationToken);

    public async ValueTask<IPartitionFile> CreateFileAsync(string path, CancellationToken cancellationToken)
    {
        Ask("create", path);
        return new WatchedFile(this, path, await _inner.CreateFileAsync(path, cancellationToken));
    }

    public async ValueTask<IPartitionFile> OpenWriteAsync(string path, CancellationToken cancellationToken) => new WatchedFile(this, path, await _inner.OpenWriteAsync(path, cancellationToken));

    public ValueTask FlushFolderAsync(string path, CancellationToken cancellationToken)
    {
        Ask("flush", path);
        return _inner.FlushFolderAsync(path, cancellationToken);
    }

    public ValueTask RenameFileAsync(string from, string to, CancellationToken cancellationToken)
    {
        Ask("rename", to);
        return _inner.RenameFileAsync(from, to, cancellationToken);
    }

    public ValueTask RenameFolderAsync(string from, string to, CancellationToken cancellationToken) => _inner.RenameFolderAsync(from, to, cancellationToken);

    public ValueTask DeleteFileAsync(string path, CancellationToken cancellationToken) => _inner.DeleteFileAsync(path, cancellationToken);

    public ValueTask DeleteFolderAsync(string path, CancellationToken cancellationToken) => _inner.DeleteFolderAsync(path, cancellationToken);

    public ValueTask<IAsyncDisposable> LockAsync(string path, CancellationToken cancellationToken) => _inner.LockAsync(path, cancellationToken);

    public ValueTask<IAsyncDisposable?> TryHoldAsync(string path, CancellationToken cancellationToken)
    {
        Ask("hold", path);
        File.WriteAllText(Show(path), string.Empty);
        return new(_held.Add(path) ? new Hold(_held, path) : null);
    }

    private void Ask(string what, string path)
    {
        Asked.Add($"{what} {path[(path.LastIndexOf('/') + 1)..]}");
        if (Refuses(what, path) is { } kind)
        {
            throw new PartitionFaultException(kind, "refused by a test");
        }
    }

    private sealed class Hold(HashSet<string> held, string path) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            held.Remove(path);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class WatchedFile(WatchedPartition partition, string path, IPartitionFile inner) : IPartitionFile
    {
        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => inner.ReadAsync(offset, buffer, cancellationToken);

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            partition.Ask("write", path);
            return inner.WriteAsync(offset, bytes, cancellationToken);
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken)
        {
            partition.Ask("flush", path);
            return inner.FlushAsync(cancellationToken);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>A session on such a partition, with no facts of its own.</summary>
internal sealed class WatchedSession(WatchedPartition partition) : PartitionSession(partition)
{
    public override DepositTraits Traits { get; } = new() { Verification = [VerificationMethod.DigestOnTarget, VerificationMethod.ReadBack] };

    protected override string WhyNoOffer => "a test";

    public override ValueTask<TransportResult<TargetFacts>> ReadFactsAsync(FactKinds kinds, CancellationToken cancellationToken) => new(new TargetFacts());

    protected override ValueTask<ImmutableArray<ArmingOffer>> ReadOffersAsync(PartitionLayout layout) => new(ImmutableArray<ArmingOffer>.Empty);
}
