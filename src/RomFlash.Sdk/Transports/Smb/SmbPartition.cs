using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Smb;

/// <summary>A share as the system partition. What a server writes to its disk is asked of it for files; SMB has no way to ask the same for a directory.</summary>
internal sealed class SmbPartition(ISmbConnection connection, SmbAddress address, TimeProvider time) : IPartitionFiles
{
    /// <summary>STATUS_SHARING_VIOLATION (MS-ERREF, 2.3.1): somebody has it open, and shares nothing.</summary>
    private const ulong SharingViolation = 0xC0000043;

    // Two requests on their way while the next two are read: more holds more memory and is not faster.
    public const int Chunk = 2 << 20;

    private const int LockTries = 250;
    private static readonly TimeSpan LockDelay = TimeSpan.FromMilliseconds(20);

    public int ChunkBytes => Chunk;

    public bool KnowsConnections => true;

    public string Show(string path) => path.Length == 0 ? address.ToString() : $"{address}/{path}";

    public async ValueTask<PartitionEntry> LookAsync(string path, CancellationToken cancellationToken)
    {
        var looked = await connection.LookAsync(address.Share, PathOf(path), cancellationToken).ConfigureAwait(false);
        return looked.TryGetValue(out var entry, out var fault) ? Describe(entry) with { Name = path[(path.LastIndexOf('/') + 1)..] }
            : fault.Kind is TransportFaultKind.NotFound ? new(path[(path.LastIndexOf('/') + 1)..], PartitionEntryKind.None, 0)
            : throw new PartitionFaultException(fault);
    }

    public async ValueTask<IReadOnlyList<PartitionEntry>> ListAsync(string path, int maxEntries, CancellationToken cancellationToken)
    {
        var folder = await OpenAsync(path, new(SmbAccess.Read, Kind: SmbNodeKind.Directory), cancellationToken).ConfigureAwait(false);
        await using (folder.ConfigureAwait(false))
        {
            var entries = PartitionFaultException.Need(await folder.ListAsync(maxEntries, cancellationToken).ConfigureAwait(false));
            return [.. entries.Select(Describe)];
        }
    }

    public async ValueTask<IPartitionFile> OpenReadAsync(string path, CancellationToken cancellationToken) =>
        new OpenFile(await OpenPlainAsync(path, new(SmbAccess.Read, Kind: SmbNodeKind.File), cancellationToken).ConfigureAwait(false));

    public async ValueTask CreateFolderAsync(string path, CancellationToken cancellationToken)
    {
        var folder = await OpenAsync(path, new(SmbAccess.None, Disposition: SmbDisposition.Create, Kind: SmbNodeKind.Directory), cancellationToken).ConfigureAwait(false);
        await folder.DisposeAsync().ConfigureAwait(false);
    }

    // Others may look at it, and nobody writes or renames it meanwhile.
    public async ValueTask<IPartitionFile> CreateFileAsync(string path, CancellationToken cancellationToken) =>
        new OpenFile(await OpenAsync(path, new(SmbAccess.Read | SmbAccess.Write, SmbSharing.Read, SmbDisposition.Create, SmbNodeKind.File), cancellationToken).ConfigureAwait(false));

    public async ValueTask<IPartitionFile> OpenWriteAsync(string path, CancellationToken cancellationToken) =>
        new OpenFile(await OpenPlainAsync(path, new(SmbAccess.Read | SmbAccess.Write, SmbSharing.Read, Kind: SmbNodeKind.File), cancellationToken).ConfigureAwait(false));

    public ValueTask FlushFolderAsync(string path, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask RenameFileAsync(string from, string to, CancellationToken cancellationToken) => RenameAsync(from, to, SmbNodeKind.File, replace: true, cancellationToken);

    public ValueTask RenameFolderAsync(string from, string to, CancellationToken cancellationToken) => RenameAsync(from, to, SmbNodeKind.Directory, replace: false, cancellationToken);

    public ValueTask DeleteFileAsync(string path, CancellationToken cancellationToken) => DeleteAsync(path, SmbNodeKind.Any, cancellationToken);

    public ValueTask DeleteFolderAsync(string path, CancellationToken cancellationToken) => DeleteAsync(path, SmbNodeKind.Directory, cancellationToken);

    public async ValueTask<IAsyncDisposable> LockAsync(string path, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await OpenAloneAsync(path, cancellationToken).ConfigureAwait(false);
            }
            catch (PartitionFaultException e) when (e.Kind is TransportFaultKind.Busy && tries < LockTries)
            {
                await Task.Delay(LockDelay, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask<IAsyncDisposable?> TryHoldAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAloneAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (PartitionFaultException e) when (e.Kind is TransportFaultKind.Busy && IsHeld(e.Fault))
        {
            return null;
        }
    }

    // A server that is out of files or memory is busy too, and says nothing of who is connected. Another library's fault may come without a code.
    private static bool IsHeld(TransportFault fault) => fault.PeerCode is not { } code || code is { Dialect: PeerCode.NtStatus, Number: SharingViolation };

    private static string PathOf(string path) => path.Replace('/', '\\');

    private static PartitionEntry Describe(SmbEntry entry) =>
        new(entry.Name, entry.IsLink ? PartitionEntryKind.Link : entry.IsDirectory ? PartitionEntryKind.Folder : PartitionEntryKind.File, entry.IsDirectory ? 0 : entry.Length);

    private async ValueTask<ISmbFile> OpenAsync(string path, SmbOpen how, CancellationToken cancellationToken) =>
        PartitionFaultException.Need(await connection.OpenFileAsync(address.Share, PathOf(path), how, cancellationToken).ConfigureAwait(false));

    private async ValueTask<ISmbFile> OpenPlainAsync(string path, SmbOpen how, CancellationToken cancellationToken)
    {
        var file = await OpenAsync(path, how, cancellationToken).ConfigureAwait(false);
        if (file.Entry is { IsLink: false, IsDirectory: false })
        {
            return file;
        }

        await file.DisposeAsync().ConfigureAwait(false);
        throw PartitionFaultException.Violation($"{Show(path)} is not a plain file");
    }

    // A handle that shares nothing: the server gives it back when the client is gone, however that comes about.
    private ValueTask<ISmbFile> OpenAloneAsync(string path, CancellationToken cancellationToken) =>
        OpenAsync(path, new(SmbAccess.Read | SmbAccess.Write, SmbSharing.None, SmbDisposition.OpenOrCreate, SmbNodeKind.File), cancellationToken);

    private async ValueTask RenameAsync(string from, string to, SmbNodeKind kind, bool replace, CancellationToken cancellationToken)
    {
        var node = await OpenAsync(from, new(SmbAccess.Delete, Kind: kind), cancellationToken).ConfigureAwait(false);
        await using (node.ConfigureAwait(false))
        {
            PartitionFaultException.Need(await node.RenameAsync(PathOf(to), replace, cancellationToken).ConfigureAwait(false));
        }
    }

    private async ValueTask DeleteAsync(string path, SmbNodeKind kind, CancellationToken cancellationToken)
    {
        var node = await OpenAsync(path, new(SmbAccess.Delete, Kind: kind), cancellationToken).ConfigureAwait(false);
        await using (node.ConfigureAwait(false))
        {
            PartitionFaultException.Need(await node.DeleteAsync(cancellationToken).ConfigureAwait(false));

            // The removal happens here: until it is answered nobody knows.
            if (!(await node.CloseAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out var fault))
            {
                throw new PartitionFaultException(fault with { Effect = FaultEffect.MayHaveApplied });
            }
        }
    }

    private sealed class OpenFile(ISmbFile file) : IPartitionFile
    {
        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => PartitionFaultException.Need(await file.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false));

        public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => PartitionFaultException.Need(await file.WriteAsync(offset, bytes, cancellationToken).ConfigureAwait(false));

        public async ValueTask FlushAsync(CancellationToken cancellationToken) => PartitionFaultException.Need(await file.FlushAsync(cancellationToken).ConfigureAwait(false));

        public ValueTask DisposeAsync() => file.DisposeAsync();
    }
}
