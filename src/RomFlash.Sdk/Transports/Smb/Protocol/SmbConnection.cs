using RomFlash.Sdk.Transports.Smb.Protocol.Files;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol;

/// <summary>A session on a channel: names are checked, shares connected, files and pipes opened.</summary>
internal sealed class SmbConnection(SmbChannel channel, SmbAgreement agreement, string host, TimeProvider time) : ISmbConnection
{
    private const string PipeShare = "IPC$";

    private readonly SmbTrees _trees = new(channel, host);
    private readonly SmbLimits _limits = SmbLimits.Of(agreement.Answer);
    private int _isDisposed;

    public SmbSecurity Security { get; } = agreement.ToSecurity();

    /// <summary>
    /// Asks again, protected this time, what was negotiated (MS-SMB2, 3.2.5.5 and 3.2.5.14.12): whoever took a dialect or encryption away is found out. 3.1.1 has that in its keys.
    /// </summary>
    /// <returns>Null when it was as it seemed.</returns>
    public async ValueTask<TransportFault?> ValidateNegotiationAsync(CancellationToken cancellationToken)
    {
        var answer = agreement.Answer;
        if (answer.Dialect == SmbDialect.Smb311)
        {
            return null;
        }

        var connected = await _trees.GetAsync(PipeShare, cancellationToken).ConfigureAwait(false);
        if (!connected.TryGetValue(out var tree, out var fault))
        {
            return fault;
        }

        var frame = channel.Rent(InfoCodec.IoctlBytes + ValidateNegotiateCodec.RequestBytes);
        ValidateNegotiateCodec.Write(frame.Add(SmbCommand.Ioctl, tree.Id, InfoCodec.IoctlBytes + ValidateNegotiateCodec.RequestBytes), agreement.ClientGuid);
        using var reply = await channel.ExchangeAsync(frame, new(DemandsSealing: tree.DemandsSealing), null, cancellationToken).ConfigureAwait(false);
        if (reply.Fault is { } lost)
        {
            return lost;
        }

        // A peer of 2.1 may not know the question; that it does not, it has signed.
        if (answer.Dialect == SmbDialect.Smb210 && reply.Status is NtStatus.InvalidDeviceRequest or NtStatus.NotSupported or NtStatus.FileClosed)
        {
            return null;
        }

        return reply.Status == NtStatus.Success && ValidateNegotiateCodec.Matches(reply.Message, answer)
            ? null
            : channel.Fail(SmbFault.NotTrusted("somebody changed what was negotiated with the peer"));
    }

    public async ValueTask<TransportResult<ISmbFile>> OpenFileAsync(string share, string path, SmbOpen how, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(how);
        if (SmbNames.CheckPath(path) is { } refused)
        {
            return refused;
        }

        var connected = await _trees.GetAsync(share, cancellationToken).ConfigureAwait(false);
        if (!connected.TryGetValue(out var tree, out var fault))
        {
            return fault;
        }

        var frame = channel.Rent(FileCodec.CreateSize(path));
        FileCodec.WriteCreate(frame.Add(SmbCommand.Create, tree.Id, FileCodec.CreateSize(path)), SmbAccessBits.Of(how), path);
        var isChange = how.Disposition != SmbDisposition.Open;
        using var reply = await channel.ExchangeAsync(frame, new(isChange, tree.DemandsSealing), null, cancellationToken).ConfigureAwait(false);
        return TakeCreate(reply, tree, isChange, "opening a file").TryGetValue(out var answer, out fault)
            ? TransportResult<ISmbFile>.From(new SmbFile(new(channel, tree, answer.FileId, time), _limits, InfoCodec.EntryOf(SmbNames.LastPart(path), answer.EndOfFile, answer.Attributes), answer.Action == FileCodec.Created))
            : fault;
    }

    public async ValueTask<TransportResult<SmbEntry>> LookAsync(string share, string path, CancellationToken cancellationToken)
    {
        if (SmbNames.CheckPath(path) is { } refused)
        {
            return refused;
        }

        var connected = await _trees.GetAsync(share, cancellationToken).ConfigureAwait(false);
        if (!connected.TryGetValue(out var tree, out var fault))
        {
            return fault;
        }

        if (channel.CreditTotal < 2)
        {
            var opened = await OpenFileAsync(share, path, new(SmbAccess.None), cancellationToken).ConfigureAwait(false);
            if (!opened.TryGetValue(out var file, out fault))
            {
                return fault;
            }

            await file.DisposeAsync().ConfigureAwait(false);
            return file.Entry;
        }

        var size = FileCodec.CreateSize(path);
        var frame = channel.Rent(size + FileCodec.CloseBytes, 2);
        FileCodec.WriteCreate(frame.Add(SmbCommand.Create, tree.Id, size), SmbAccessBits.Of(new(SmbAccess.None)), path);
        FileCodec.WriteClose(frame.Add(SmbCommand.Close, tree.Id, FileCodec.CloseBytes), SmbFileId.Previous);
        var replies = await CompoundAsync(frame, 2, tree, cancellationToken).ConfigureAwait(false);
        using var created = replies[0];
        replies[1].Dispose();
        if (created.Fault is { } lost)
        {
            return lost;
        }

        if (created.Status != NtStatus.Success)
        {
            return Refused(created.Status, tree, isChange: false, "looking at a name");
        }

        return FileCodec.TryReadCreate(created.Message, out var answer)
            ? InfoCodec.EntryOf(SmbNames.LastPart(path), answer.EndOfFile, answer.Attributes)
            : channel.Violate("the answer to CREATE has another form than the protocol says");
    }

    public async ValueTask<TransportResult<ISmbPipe>> OpenPipeAsync(string name, CancellationToken cancellationToken)
    {
        if (SmbNames.CheckPath(name) is { } refused)
        {
            return refused;
        }

        var connected = await _trees.GetAsync(PipeShare, cancellationToken).ConfigureAwait(false);
        if (!connected.TryGetValue(out var tree, out var fault))
        {
            return fault;
        }

        var frame = channel.Rent(FileCodec.CreateSize(name));
        FileCodec.WriteCreate(frame.Add(SmbCommand.Create, tree.Id, FileCodec.CreateSize(name)), SmbAccessBits.Pipe, name);
        using var reply = await channel.ExchangeAsync(frame, new(DemandsSealing: tree.DemandsSealing), null, cancellationToken).ConfigureAwait(false);
        return TakeCreate(reply, tree, isChange: false, "opening a pipe").TryGetValue(out var answer, out fault)
            ? TransportResult<ISmbPipe>.From(new SmbPipe(new(channel, tree, answer.FileId, time), _limits))
            : fault;
    }

    public async ValueTask<TransportResult<SmbVolume>> QueryVolumeAsync(string share, CancellationToken cancellationToken)
    {
        const int AttributeBytes = 512;
        var connected = await _trees.GetAsync(share, cancellationToken).ConfigureAwait(false);
        if (!connected.TryGetValue(out var tree, out var fault))
        {
            return fault;
        }

        // One round trip. A peer that grants fewer credits than that has no use for a compound.
        if (channel.CreditTotal < 4)
        {
            return new TransportFault(TransportFaultKind.Busy, FaultEffect.NotSent, "asking for a volume: the peer grants fewer credits than that takes");
        }

        var size = FileCodec.CreateSize(string.Empty);
        var frame = channel.Rent(size + (2 * InfoCodec.QueryInfoBytes) + FileCodec.CloseBytes, 4);
        FileCodec.WriteCreate(frame.Add(SmbCommand.Create, tree.Id, size), SmbAccessBits.Of(new(SmbAccess.None)), string.Empty);
        InfoCodec.WriteQueryVolume(frame.Add(SmbCommand.QueryInfo, tree.Id, InfoCodec.QueryInfoBytes), SmbFileId.Previous, InfoCodec.FsFullSizeInformation, InfoCodec.FsFullSizeBytes);
        InfoCodec.WriteQueryVolume(frame.Add(SmbCommand.QueryInfo, tree.Id, InfoCodec.QueryInfoBytes), SmbFileId.Previous, InfoCodec.FsAttributeInformation, AttributeBytes);
        FileCodec.WriteClose(frame.Add(SmbCommand.Close, tree.Id, FileCodec.CloseBytes), SmbFileId.Previous);
        var replies = await CompoundAsync(frame, 4, tree, cancellationToken).ConfigureAwait(false);
        using var created = replies[0];
        using var sizes = replies[1];
        using var attributes = replies[2];
        replies[3].Dispose();
        foreach (var reply in replies.AsSpan(0, 3))
        {
            if (reply.Fault is { } lost)
            {
                return lost;
            }

            if (reply.Status != NtStatus.Success)
            {
                return Refused(reply.Status, tree, isChange: false, "asking for a volume");
            }
        }

        return InfoCodec.TryReadOutput(sizes.Message, out var output)
            && InfoCodec.TryReadFullSize(output, out var totalBytes, out var freeBytes)
            && InfoCodec.TryReadOutput(attributes.Message, out output)
            && InfoCodec.TryReadAttributes(output, out var isReadOnly, out var fileSystem)
                ? new SmbVolume(totalBytes, freeBytes, fileSystem, isReadOnly || !tree.IsWritable)
                : channel.Violate("the answer about a volume has another form than the protocol says");
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        // Ends the session with all its shares and files (MS-SMB2, 3.3.5.6). A peer that does not answer finds out when the socket closes.
        if (channel.Fault is null)
        {
            using var patience = new CancellationTokenSource(SmbHandle.Patience, time);
            var frame = channel.Rent(4);
            SessionCodec.WriteEmpty(frame.Add(SmbCommand.Logoff, 0, 4));
            using var reply = await channel.ExchangeAsync(frame, default, null, patience.Token).ConfigureAwait(false);
        }

        await channel.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<SmbReply[]> CompoundAsync(SmbFrame frame, int count, SmbTree tree, CancellationToken cancellationToken)
    {
        var replies = new SmbReply[count];
        var lease = await channel.TakeCreditsAsync(count, count, cancellationToken).ConfigureAwait(false);
        if (lease.Fault is { } fault)
        {
            channel.Return(frame);
            Array.Fill(replies, new(fault));
            return replies;
        }

        var waits = new ValueTask<SmbReply>[count];
        channel.SendCompound(frame, lease, new(DemandsSealing: tree.DemandsSealing), null, waits, cancellationToken);
        for (var i = 0; i < count; i++)
        {
            replies[i] = await waits[i].ConfigureAwait(false);
        }

        return replies;
    }

    private TransportResult<CreateAnswer> TakeCreate(SmbReply reply, SmbTree tree, bool isChange, string doing)
    {
        if (reply.Fault is { } fault)
        {
            return fault;
        }

        if (reply.Status != NtStatus.Success)
        {
            return Refused(reply.Status, tree, isChange, doing);
        }

        return FileCodec.TryReadCreate(reply.Message, out var answer)
            ? answer
            : channel.Violate("the answer to CREATE has another form than the protocol says") with { Effect = isChange ? FaultEffect.MayHaveApplied : FaultEffect.NotSent };
    }

    private TransportFault Refused(uint status, SmbTree tree, bool isChange, string doing)
    {
        if (status == NtStatus.NetworkNameDeleted)
        {
            _trees.Forget(tree);
        }

        return SmbFault.FromAnswer(status, isChange, doing);
    }
}
