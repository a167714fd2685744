using System.Collections.Immutable;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>An open file or directory. What is larger than a request is in <see cref="SmbReader"/> and <see cref="SmbWriter"/>.</summary>
internal sealed class SmbFile(SmbHandle handle, SmbLimits limits, SmbEntry entry, bool isNew) : ISmbFile
{
    public SmbEntry Entry { get; } = entry;

    public bool IsNew { get; } = isNew;

    public ValueTask<TransportResult<int>> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        CheckRange(offset, buffer.Length);
        return handle.Gone is { } gone ? new(gone) : SmbReader.ReadAsync(handle, limits.Read, offset, buffer, cancellationToken);
    }

    public ValueTask<TransportResult<Done>> WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        CheckRange(offset, data.Length);
        return handle.Gone is { } gone ? new(gone) : SmbWriter.WriteAsync(handle, limits.Write, offset, data, cancellationToken);
    }

    public ValueTask<TransportResult<Done>> FlushAsync(CancellationToken cancellationToken)
    {
        if (handle.Gone is { } gone)
        {
            return new(gone);
        }

        var frame = handle.Begin(SmbCommand.Flush, FileCodec.FlushBytes, out var body);
        FileCodec.WriteFlush(body, handle.FileId);
        return handle.CallAsync(frame, changes: true, "flushing a file", cancellationToken);
    }

    public ValueTask<TransportResult<Done>> RenameAsync(string path, bool replace, CancellationToken cancellationToken)
    {
        if ((handle.Gone ?? SmbNames.CheckPath(path)) is { } refused)
        {
            return new(refused);
        }

        // FileRenameInformation has 24 bytes at least, with the padding that a name of less than two characters leaves (MS-FSCC, 2.4.42.2).
        var frame = handle.Begin(SmbCommand.SetInfo, InfoCodec.SetInfoBytes + InfoCodec.RenameBytes + Math.Max(path.Length * 2, 4), out var body);
        InfoCodec.WriteRename(body, handle.FileId, path, replace);
        return handle.CallAsync(frame, changes: true, "renaming", cancellationToken);
    }

    public ValueTask<TransportResult<Done>> DeleteAsync(CancellationToken cancellationToken)
    {
        if (handle.Gone is { } gone)
        {
            return new(gone);
        }

        var frame = handle.Begin(SmbCommand.SetInfo, InfoCodec.SetInfoBytes + 1, out var body);
        InfoCodec.WriteDelete(body, handle.FileId);
        return handle.CallAsync(frame, changes: true, "marking for removal", cancellationToken);
    }

    public async ValueTask<TransportResult<ImmutableArray<SmbEntry>>> ListAsync(int maxEntries, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxEntries);
        if (handle.Gone is { } gone)
        {
            return gone;
        }

        var entries = ImmutableArray.CreateBuilder<SmbEntry>();
        for (var isFirst = true; ; isFirst = false)
        {
            var before = entries.Count;
            var frame = handle.Begin(SmbCommand.QueryDirectory, InfoCodec.QueryDirectoryBytes + 2, out var body);
            InfoCodec.WriteQueryDirectory(body, handle.FileId, isFirst, limits.Transact);
            using var reply = await handle.Channel.ExchangeAsync(frame, handle.Traits(), null, cancellationToken).ConfigureAwait(false);
            if (reply.Fault is { } fault)
            {
                return fault;
            }

            switch (reply.Status)
            {
                case NtStatus.NoMoreFiles:
                case NtStatus.NoSuchFile when isFirst:
                    return entries.ToImmutable();
                case not NtStatus.Success:
                    return SmbFault.FromStatus(reply.Status, FaultEffect.NotSent, "listing a directory");
            }

            if (!InfoCodec.TryReadOutput(reply.Message, out var output) || output.Length > limits.Transact || !InfoCodec.TryReadEntries(output, entries) || (entries.Count == before && !isFirst))
            {
                return handle.Channel.Violate("the peer lists a directory in another form than the protocol says");
            }

            if (entries.Count > maxEntries)
            {
                return SmbFault.Violation($"the directory has more than {maxEntries} entries");
            }
        }
    }

    public ValueTask<TransportResult<Done>> CloseAsync(CancellationToken cancellationToken) => handle.CloseAsync(cancellationToken);

    public ValueTask DisposeAsync() => handle.DisposeAsync();

    private static void CheckRange(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, long.MaxValue - length);
    }
}
