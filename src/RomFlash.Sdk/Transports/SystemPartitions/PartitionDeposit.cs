using System.Globalization;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Transports.SystemPartitions;

/// <summary>A deposit that is being written. Its files end in <c>.part</c> until it is committed.</summary>
/// <param name="session">Through which it is written.</param>
/// <param name="manifest">What it is to hold.</param>
/// <param name="generationFolder">Where it lies.</param>
/// <param name="present">How long each file is that an earlier run left, which may be 0 bytes; null where there is none.</param>
internal sealed class PartitionDeposit(PartitionSession session, DepositManifest manifest, string generationFolder, long?[] present) : IDeposit
{
    private readonly string _folder = PartitionLayout.Join(generationFolder, manifest.Id);
    private readonly IPartitionFile?[] _files = new IPartitionFile?[manifest.Files.Length];
    private readonly long?[] _written = new long?[manifest.Files.Length];
    private (int Index, IPartitionFile File)? _reading;
    private bool _committed;
    private volatile bool _disposed;

    public DepositManifest Manifest => manifest;

    public long PresentBytes(int fileIndex) => present[fileIndex] ?? 0;

    public string LocationOf(int fileIndex) => PartitionLayout.Join(_folder, PartitionLayout.DiskName(manifest, fileIndex));

    public ValueTask<TransportResult<Done>> WriteAsync(int fileIndex, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        RunAsync(layout => WriteAsync(layout, fileIndex, offset, data), cancellationToken);

    public ValueTask<TransportResult<int>> ReadBackAsync(int fileIndex, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        RunAsync(layout => ReadBackAsync(layout, fileIndex, offset, buffer), cancellationToken);

    public ValueTask<TransportResult<ContentDigest>> DigestOnTargetAsync(int fileIndex, CancellationToken cancellationToken) =>
        RunAsync(layout => DigestAsync(layout, fileIndex), cancellationToken);

    public ValueTask<TransportResult<Done>> CommitAsync(CancellationToken cancellationToken) => RunAsync(CommitAsync, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await CloseFilesAsync().ConfigureAwait(false);
    }

    private ValueTask<TransportResult<T>> RunAsync<T>(Func<PartitionLayout, ValueTask<T>> step, CancellationToken cancellationToken)
        where T : notnull => session.RunAsync(
            layout => _disposed ? throw new PartitionFaultException(TransportFaultKind.Lost, "the deposit was closed") : step(layout),
            cancellationToken);

    private async ValueTask<Done> WriteAsync(PartitionLayout layout, int index, long offset, ReadOnlyMemory<byte> data)
    {
        CheckIndex(index);

        // What was there already may be gone on with from anywhere.
        var isInOrder = _written[index] is { } written ? offset == written : offset >= 0 && offset <= PresentBytes(index);
        if (_committed || data.Length > session.Traits.MaxWriteBytes || !isInOrder || offset + data.Length > manifest.Files[index].Length)
        {
            throw PartitionFaultException.Violation(string.Create(
                CultureInfo.InvariantCulture,
                $"a write of {data.Length} bytes at {offset} does not follow {_written[index] ?? PresentBytes(index)} of {manifest.Files[index].Length} bytes{(_committed ? ", and the deposit is committed" : string.Empty)}"));
        }

        if (_files[index] is not { } file)
        {
            // The folder is ours, but so much time has passed that somebody may have put a link in its place.
            if (!await layout.AreFoldersAsync(generationFolder, _folder).ConfigureAwait(false))
            {
                throw new PartitionFaultException(TransportFaultKind.NotFound, $"{layout.Show(_folder)} is not there any more");
            }

            await StopReadingAsync().ConfigureAwait(false);
            var path = PartPath(index);
            _files[index] = file = present[index] is not null
                ? await layout.Files.OpenWriteAsync(path, layout.Token).ConfigureAwait(false)
                : await layout.Files.CreateFileAsync(path, layout.Token).ConfigureAwait(false);
        }

        await layout.Files.WriteAsync(file, offset, data, layout.Token).ConfigureAwait(false);
        _written[index] = offset + data.Length;
        return default;
    }

    private async ValueTask<int> ReadBackAsync(PartitionLayout layout, int index, long offset, Memory<byte> buffer)
    {
        CheckIndex(index);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);

        // Not the handle that wrote, and a new one whenever somebody begins to read: what another opener finds is what counts.
        if (_reading is not { } reading || reading.Index != index || offset == 0)
        {
            if (await FindCopyAsync(layout, index).ConfigureAwait(false) is not { } path)
            {
                return 0;
            }

            _reading = reading = (index, await layout.Files.OpenReadAsync(path, layout.Token).ConfigureAwait(false));
        }

        return await reading.File.ReadAsync(offset, buffer, layout.Token).ConfigureAwait(false);
    }

    private async ValueTask<ContentDigest> DigestAsync(PartitionLayout layout, int index)
    {
        CheckIndex(index);
        return await FindCopyAsync(layout, index).ConfigureAwait(false) is not { } path
            ? throw new PartitionFaultException(TransportFaultKind.NotFound, "nothing of it was written")
            : await layout.Files.TryDigestAsync(path, layout.Token).ConfigureAwait(false)
                ?? throw new PartitionFaultException(TransportFaultKind.Unsupported, "the target computes no digests here: read the copy back");
    }

    private async ValueTask<string?> FindCopyAsync(PartitionLayout layout, int index)
    {
        await StopReadingAsync().ConfigureAwait(false);

        // What only lies in a cache over there proves nothing of the medium.
        if (_files[index] is { } written)
        {
            await written.FlushAsync(layout.Token).ConfigureAwait(false);
        }

        var whole = PartitionLayout.Join(_folder, PartitionLayout.DiskName(manifest, index));
        var (path, other) = _committed ? (whole, PartPath(index)) : (PartPath(index), whole);
        var entry = await layout.LookAsync(path).ConfigureAwait(false);
        if (entry.Kind is PartitionEntryKind.None)
        {
            // A commit that was cut short has renamed some.
            path = other;
            entry = await layout.LookAsync(path).ConfigureAwait(false);
        }

        return entry.Kind switch
        {
            PartitionEntryKind.None when _written[index] is null && present[index] is null => null,
            PartitionEntryKind.None => throw new PartitionFaultException(TransportFaultKind.NotFound, $"{layout.Show(path)} is not there any more"),
            not PartitionEntryKind.File => throw PartitionFaultException.Violation($"{layout.Show(path)} is not a plain file"),
            _ => path,
        };
    }

    private async ValueTask<Done> CommitAsync(PartitionLayout layout)
    {
        if (_committed)
        {
            return default;
        }

        for (var i = 0; i < _written.Length; i++)
        {
            if ((_written[i] ?? PresentBytes(i)) is var written && written != manifest.Files[i].Length)
            {
                throw new PartitionFaultException(
                    TransportFaultKind.Rejected,
                    string.Create(CultureInfo.InvariantCulture, $"file {i} has {written} of {manifest.Files[i].Length} bytes"));
            }
        }

        var romFlash = PartitionLayout.ParentOf(generationFolder);
        var held = await layout.TakeLockAsync(romFlash).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            await layout.NeedClaimAsync(romFlash, manifest.Generation).ConfigureAwait(false);
            await FlushAsync(layout).ConfigureAwait(false);
            await CloseFilesAsync().ConfigureAwait(false);
            for (var i = 0; i < manifest.Files.Length; i++)
            {
                // A commit that was cut short is done again from where it was.
                var part = PartPath(i);
                if (await layout.LookAsync(part).ConfigureAwait(false) is { Kind: PartitionEntryKind.File } written)
                {
                    if (written.Length != manifest.Files[i].Length)
                    {
                        throw new PartitionFaultException(
                            TransportFaultKind.ContentDiffers,
                            string.Create(CultureInfo.InvariantCulture, $"{layout.Show(part)} has {written.Length} of {manifest.Files[i].Length} bytes"));
                    }

                    await layout.Files.RenameFileAsync(part, PartitionLayout.Join(_folder, PartitionLayout.DiskName(manifest, i)), layout.Token).ConfigureAwait(false);
                }
            }

            await layout.Files.FlushFolderAsync(_folder, layout.Token).ConfigureAwait(false);
            await layout.WriteDocumentAsync(generationFolder, manifest.Id + ".json", PartitionDocuments.Write(manifest)).ConfigureAwait(false);
            _committed = true;
            await layout.DeleteIfThereAsync(PartitionLayout.Join(generationFolder, manifest.Id + ".open.json")).ConfigureAwait(false);
        }

        return default;
    }

    // Also a file of an earlier run that nothing was added to: nobody knows whether that run flushed it.
    private async ValueTask FlushAsync(PartitionLayout layout)
    {
        for (var i = 0; i < _files.Length; i++)
        {
            if (_files[i] is null && present[i] is not null && (await layout.LookAsync(PartPath(i)).ConfigureAwait(false)).Kind is PartitionEntryKind.File)
            {
                await StopReadingAsync().ConfigureAwait(false);
                _files[i] = await layout.Files.OpenWriteAsync(PartPath(i), layout.Token).ConfigureAwait(false);
            }

            if (_files[i] is { } file)
            {
                await file.FlushAsync(layout.Token).ConfigureAwait(false);
            }
        }
    }

    private string PartPath(int index) => PartitionLayout.Join(_folder, PartitionLayout.PartName(manifest, index));

    private void CheckIndex(int index)
    {
        if (index < 0 || index >= manifest.Files.Length)
        {
            throw PartitionFaultException.Violation("the manifest has no such file");
        }
    }

    private async ValueTask StopReadingAsync()
    {
        if (_reading is { } reading)
        {
            _reading = null;
            await reading.File.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask CloseFilesAsync()
    {
        await StopReadingAsync().ConfigureAwait(false);
        for (var i = 0; i < _files.Length; i++)
        {
            if (Interlocked.Exchange(ref _files[i], null) is { } file)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
