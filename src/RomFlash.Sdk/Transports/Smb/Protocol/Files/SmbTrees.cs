using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>A share that is connected.</summary>
/// <param name="Id">What requests name it by.</param>
/// <param name="Share">Its name.</param>
/// <param name="DemandsSealing">Whether it is to be spoken with encrypted, whatever the session is.</param>
/// <param name="IsWritable">Whether the account may write through it.</param>
internal sealed record SmbTree(uint Id, string Share, bool DemandsSealing, bool IsWritable);

/// <summary>The shares that are connected, each when it is first named.</summary>
internal sealed class SmbTrees(SmbChannel channel, string host)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SmbTree> _trees = new(StringComparer.OrdinalIgnoreCase);

    public async ValueTask<TransportResult<SmbTree>> GetAsync(string share, CancellationToken cancellationToken)
    {
        if (SmbNames.CheckShare(share) is { } refused)
        {
            return refused;
        }

        // Two who name it first at the same time connect it twice; that does no harm, and the session's end ends both.
        return Find(share) is { } known ? known : await ConnectAsync(share, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The peer does not know it any more: it is connected anew when it is next named.</summary>
    public void Forget(SmbTree tree)
    {
        lock (_lock)
        {
            if (_trees.TryGetValue(tree.Share, out var known) && ReferenceEquals(known, tree))
            {
                _trees.Remove(tree.Share);
            }
        }
    }

    private SmbTree? Find(string share)
    {
        lock (_lock)
        {
            return _trees.GetValueOrDefault(share);
        }
    }

    private async ValueTask<TransportResult<SmbTree>> ConnectAsync(string share, CancellationToken cancellationToken)
    {
        var path = $@"\\{host}\{share}";
        var size = SessionCodec.TreeConnectBytes + (path.Length * 2);
        var frame = channel.Rent(size);
        SessionCodec.WriteTreeConnect(frame.Add(SmbCommand.TreeConnect, 0, size), path);
        using var reply = await channel.ExchangeAsync(frame, default, null, cancellationToken).ConfigureAwait(false);
        if (reply.Fault is { } fault)
        {
            return fault;
        }

        if (reply.Status != NtStatus.Success)
        {
            return SmbFault.FromStatus(reply.Status, FaultEffect.NotSent, "connecting a share");
        }

        if (!SessionCodec.TryReadTreeConnect(reply.Message, out var shareFlags, out var maximalAccess))
        {
            return channel.Violate("the answer to TREE_CONNECT has another form than the protocol says");
        }

        var demandsSealing = (shareFlags & SessionCodec.ShareEncrypts) != 0;
        if (demandsSealing && !channel.CanSeal)
        {
            return SmbFault.NotTrusted("the share demands an encryption that was not agreed upon");
        }

        var tree = new SmbTree(SmbHeader.TreeIdOf(reply.Message), share, demandsSealing, (maximalAccess & SmbAccessBits.WriteData) != 0);
        lock (_lock)
        {
            _trees[share] = tree;
        }

        return tree;
    }
}
