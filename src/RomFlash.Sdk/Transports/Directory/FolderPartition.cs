using Microsoft.Win32.SafeHandles;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>A local folder as the system partition. Every step is done when it returns.</summary>
internal sealed class FolderPartition(string root, IFolderOperations operations) : IPartitionFiles
{
    private const int LockTries = 2_000;

    public int ChunkBytes => 1 << 17;

    public bool KnowsConnections => false;

    public string Show(string path) => PathOf(path);

    public ValueTask<PartitionEntry> LookAsync(string path, CancellationToken cancellationToken) => new(Do(() => operations.Look(PathOf(path)), FaultEffect.NotSent));

    public ValueTask<IReadOnlyList<PartitionEntry>> ListAsync(string path, int maxEntries, CancellationToken cancellationToken)
    {
        var entries = Do(() => operations.List(PathOf(path)).Take(maxEntries + 1).ToList(), FaultEffect.NotSent);
        return entries.Count <= maxEntries ? new(entries) : throw PartitionFaultException.Violation($"{Show(path)} has more than {maxEntries} entries");
    }

    public ValueTask<IPartitionFile> OpenReadAsync(string path, CancellationToken cancellationToken) =>
        new(new OpenFile(operations, Do(() => operations.OpenRead(PathOf(path)), FaultEffect.NotSent)));

    public ValueTask CreateFolderAsync(string path, CancellationToken cancellationToken) => Change(() => operations.CreateFolder(PathOf(path)));

    public ValueTask<IPartitionFile> CreateFileAsync(string path, CancellationToken cancellationToken) =>
        new(new OpenFile(operations, Do(() => operations.CreateFile(PathOf(path)), FaultEffect.MayHaveApplied)));

    public ValueTask<IPartitionFile> OpenWriteAsync(string path, CancellationToken cancellationToken) =>
        new(new OpenFile(operations, Do(() => operations.OpenWrite(PathOf(path)), FaultEffect.NotSent)));

    public ValueTask FlushFolderAsync(string path, CancellationToken cancellationToken) => Change(() => operations.FlushFolder(PathOf(path)), FaultEffect.NotSent);

    public ValueTask RenameFileAsync(string from, string to, CancellationToken cancellationToken) => Change(() => operations.RenameFile(PathOf(from), PathOf(to)));

    public ValueTask RenameFolderAsync(string from, string to, CancellationToken cancellationToken) => Change(() => operations.RenameFolder(PathOf(from), PathOf(to)));

    public ValueTask DeleteFileAsync(string path, CancellationToken cancellationToken) => Change(() => operations.DeleteFile(PathOf(path)));

    public ValueTask DeleteFolderAsync(string path, CancellationToken cancellationToken) => Change(() => operations.DeleteFolder(PathOf(path)));

    public ValueTask<IAsyncDisposable> LockAsync(string path, CancellationToken cancellationToken)
    {
        var spinner = default(SpinWait);
        for (var tries = 1; ; tries++)
        {
            try
            {
                return new(Do(() => new FileStream(PathOf(path), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0), FaultEffect.NotSent));
            }
            catch (PartitionFaultException e) when (e.Kind is TransportFaultKind.Busy && tries < LockTries)
            {
                // Held for some flushes by another client. The number of tries bounds the wait: no clock is asked.
                spinner.SpinOnce(sleep1Threshold: 4);
            }
        }
    }

    // A folder knows no connections that break: the claim's file alone says who holds it.
    public ValueTask<IAsyncDisposable?> TryHoldAsync(string path, CancellationToken cancellationToken) => new(new Nothing());

    private static ValueTask Change(Action step, FaultEffect effect = FaultEffect.MayHaveApplied)
    {
        Do<object?>(
            () =>
            {
                step();
                return null;
            },
            effect);
        return ValueTask.CompletedTask;
    }

    // Only a plain refusal says that nothing was done.
    private static T Do<T>(Func<T> step, FaultEffect effectWhenBroken)
    {
        try
        {
            return step();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var fault = FolderFault.From(e, isChanged: false);
            throw new PartitionFaultException(
                fault.Kind is TransportFaultKind.Lost or TransportFaultKind.TimedOut or TransportFaultKind.Unmapped or TransportFaultKind.TransportBroken ? fault with { Effect = effectWhenBroken } : fault);
        }
    }

    private string PathOf(string path) => path.Length == 0 ? root : Path.Combine(root, path.Replace('/', Path.DirectorySeparatorChar));

    private sealed class OpenFile(IFolderOperations operations, SafeFileHandle handle) : IPartitionFile
    {
        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => new(Do(
            () =>
            {
                var done = 0;
                while (done < buffer.Length && RandomAccess.Read(handle, buffer.Span[done..], offset + done) is > 0 and var count)
                {
                    done += count;
                }

                return done;
            },
            FaultEffect.NotSent));

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            try
            {
                return Change(() => operations.Write(handle, offset, bytes.Span));
            }
            catch (PartitionFaultException e)
            {
                // A write that fails may have written a part.
                throw new PartitionFaultException(e.Fault with { Effect = FaultEffect.MayHaveApplied });
            }
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => Change(() => operations.FlushFile(handle), FaultEffect.NotSent);

        public ValueTask DisposeAsync()
        {
            handle.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Nothing : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
