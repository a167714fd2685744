using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>Passes steps on, and remembers whether one of them changed the partition or may have: that is the effect of a fault.</summary>
internal sealed class TrackedPartition(IPartitionFiles inner) : IPartitionFiles
{
    public bool IsChanged { get; private set; }

    public int ChunkBytes => inner.ChunkBytes;

    public bool KnowsConnections => inner.KnowsConnections;

    public string Show(string path) => inner.Show(path);

    public ValueTask<PartitionEntry> LookAsync(string path, CancellationToken cancellationToken) => inner.LookAsync(path, cancellationToken);

    public ValueTask<bool> TrySeeFoldersAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken) => inner.TrySeeFoldersAsync(paths, cancellationToken);

    public ValueTask<IReadOnlyList<PartitionEntry>> ListAsync(string path, int maxEntries, CancellationToken cancellationToken) => inner.ListAsync(path, maxEntries, cancellationToken);

    public ValueTask<IPartitionFile> OpenReadAsync(string path, CancellationToken cancellationToken) => inner.OpenReadAsync(path, cancellationToken);

    public void ExpectWrites() => inner.ExpectWrites();

    public ValueTask<ContentDigest?> TryDigestAsync(string path, CancellationToken cancellationToken) => inner.TryDigestAsync(path, cancellationToken);

    public ValueTask CreateFolderAsync(string path, CancellationToken cancellationToken) => ChangeAsync(inner.CreateFolderAsync(path, cancellationToken));

    public async ValueTask<IPartitionFile> CreateFileAsync(string path, CancellationToken cancellationToken)
    {
        IPartitionFile? file = null;
        await ChangeAsync(OpenAsync()).ConfigureAwait(false);
        return file!;

        async ValueTask OpenAsync() => file = await inner.CreateFileAsync(path, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<IPartitionFile> OpenWriteAsync(string path, CancellationToken cancellationToken) => inner.OpenWriteAsync(path, cancellationToken);

    /// <summary>Writes to a file that was opened in this step or before it.</summary>
    public ValueTask WriteAsync(IPartitionFile file, long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => ChangeAsync(file.WriteAsync(offset, bytes, cancellationToken));

    public ValueTask FlushFolderAsync(string path, CancellationToken cancellationToken) => inner.FlushFolderAsync(path, cancellationToken);

    public ValueTask RenameFileAsync(string from, string to, CancellationToken cancellationToken) => ChangeAsync(inner.RenameFileAsync(from, to, cancellationToken));

    public ValueTask RenameFolderAsync(string from, string to, CancellationToken cancellationToken) => ChangeAsync(inner.RenameFolderAsync(from, to, cancellationToken));

    public ValueTask DeleteFileAsync(string path, CancellationToken cancellationToken) => ChangeAsync(inner.DeleteFileAsync(path, cancellationToken));

    public ValueTask DeleteFolderAsync(string path, CancellationToken cancellationToken) => ChangeAsync(inner.DeleteFolderAsync(path, cancellationToken));

    // The lock means nothing to anybody but clients, whether it is made or not.
    public ValueTask<IAsyncDisposable> LockAsync(string path, CancellationToken cancellationToken) => inner.LockAsync(path, cancellationToken);

    public ValueTask<IAsyncDisposable?> TryHoldAsync(string path, CancellationToken cancellationToken) => inner.TryHoldAsync(path, cancellationToken);

    /// <summary>Waits for a step that changes something on the target, on the partition or beside it.</summary>
    public async ValueTask ChangeAsync(ValueTask step)
    {
        try
        {
            await step.ConfigureAwait(false);
        }
        catch (PartitionFaultException e) when (e.Fault.Effect is FaultEffect.NotSent)
        {
            // A plain refusal says that nothing was done.
            throw;
        }
        catch (Exception)
        {
            IsChanged = true;
            throw;
        }

        IsChanged = true;
    }
}
