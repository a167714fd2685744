using System.Globalization;
using Microsoft.Win32.SafeHandles;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Transports.Directory;

/// <summary>A deposit that is being written. Its files end in <c>.part</c> until it is committed.</summary>
internal sealed class DirectoryDeposit(DirectorySession session, DepositManifest manifest, string generationFolder) : IDeposit
{
    private readonly string _folder = Path.Combine(generationFolder, manifest.Id);
    private readonly SafeFileHandle?[] _files = new SafeFileHandle?[manifest.Files.Length];
    private readonly long[] _written = new long[manifest.Files.Length];
    private bool _committed;
    private volatile bool _disposed;

    public DepositManifest Manifest => manifest;

    public ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        RunAsync(layout => Write(layout, fileIndex, offset, data), cancellationToken);

    public ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        RunAsync(layout => ReadBack(layout, fileIndex, offset, buffer), cancellationToken);

    public ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) => RunAsync<ContentDigest>(
        _ => throw new FolderFaultException(TransportFaultKind.Unsupported, "a folder computes no digests: read the copy back"),
        cancellationToken);

    public ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken) => RunAsync(Commit, cancellationToken);

    public ValueTask DisposeAsync()
    {
        _disposed = true;
        CloseFiles();
        return ValueTask.CompletedTask;
    }

    private ValueTask<TransportResult<T>> RunAsync<T>(Func<DirectoryLayout, T> step, CancellationToken cancellationToken)
        where T : notnull => session.RunAsync(
            layout => _disposed ? throw new FolderFaultException(TransportFaultKind.Lost, "the deposit was closed") : step(layout),
            cancellationToken);

    private Done Write(DirectoryLayout layout, int index, long offset, ReadOnlyMemory<byte> data)
    {
        CheckIndex(index);
        if (_committed || data.Length > session.Traits.MaxWriteBytes || offset != _written[index] || offset + data.Length > manifest.Files[index].Length)
        {
            throw FolderFault.Violation(string.Create(
                CultureInfo.InvariantCulture,
                $"a write of {data.Length} bytes at {offset} does not follow {_written[index]} of {manifest.Files[index].Length} bytes{(_committed ? ", and the deposit is committed" : string.Empty)}"));
        }

        if (_files[index] is not { } file)
        {
            // The folder is ours, but so much time has passed that somebody may have put a link in its place.
            if (layout.Io.Look(generationFolder).Kind is not FolderEntryKind.Folder || layout.Io.Look(_folder).Kind is not FolderEntryKind.Folder)
            {
                throw new FolderFaultException(TransportFaultKind.NotFound, $"{_folder} is not there any more");
            }

            _files[index] = file = layout.Io.CreateFile(Path.Combine(_folder, PartName(index)));
        }

        layout.Io.Write(file, offset, data.Span);
        _written[index] += data.Length;
        return default;
    }

    private int ReadBack(DirectoryLayout layout, int index, long offset, Memory<byte> buffer)
    {
        CheckIndex(index);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var path = Path.Combine(_folder, DirectoryLayout.DiskName(manifest, index));
        var entry = layout.Io.Look(path);
        if (entry.Kind is FolderEntryKind.None)
        {
            path = Path.Combine(_folder, PartName(index));
            entry = layout.Io.Look(path);
        }

        switch (entry.Kind)
        {
            case FolderEntryKind.None when _files[index] is null:
                return 0;
            case FolderEntryKind.None:
                throw new FolderFaultException(TransportFaultKind.NotFound, $"{path} is not there any more");
            case not FolderEntryKind.File:
                throw FolderFault.Violation($"{path} is not a plain file");
        }

        if (offset >= entry.Length)
        {
            return 0;
        }

        // Not the handle that wrote: what another opener finds is what counts.
        using var file = layout.Io.OpenRead(path);
        return DirectoryLayout.ReadFully(file, offset, buffer.Span);
    }

    private Done Commit(DirectoryLayout layout)
    {
        if (_committed)
        {
            return default;
        }

        for (var i = 0; i < _written.Length; i++)
        {
            if (_written[i] != manifest.Files[i].Length)
            {
                throw new FolderFaultException(
                    TransportFaultKind.Rejected,
                    string.Create(CultureInfo.InvariantCulture, $"file {i} has {_written[i]} of {manifest.Files[i].Length} bytes"));
            }
        }

        var romFlash = Path.GetDirectoryName(generationFolder)!;
        using var held = layout.TakeLock(romFlash);
        layout.NeedClaim(romFlash, manifest.Generation);
        foreach (var file in _files)
        {
            if (file is { IsClosed: false })
            {
                layout.Io.FlushFile(file);
            }
        }

        CloseFiles();
        for (var i = 0; i < manifest.Files.Length; i++)
        {
            // A commit that was cut short is done again from where it was.
            var part = Path.Combine(_folder, PartName(i));
            if (layout.Io.Look(part).Kind is FolderEntryKind.File)
            {
                layout.Io.RenameFile(part, Path.Combine(_folder, DirectoryLayout.DiskName(manifest, i)));
            }
        }

        layout.Io.FlushFolder(_folder);
        layout.WriteDocument(generationFolder, manifest.Id + ".json", FolderDocuments.Write(manifest));
        _committed = true;
        return default;
    }

    private string PartName(int index) => DirectoryLayout.DiskName(manifest, index) + ".part";

    private void CheckIndex(int index)
    {
        if (index < 0 || index >= manifest.Files.Length)
        {
            throw FolderFault.Violation("the manifest has no such file");
        }
    }

    private void CloseFiles()
    {
        foreach (var file in _files)
        {
            file?.Dispose();
        }
    }
}
