using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>Something that is open on the peer, and how it is closed.</summary>
internal sealed class SmbHandle(SmbChannel channel, SmbTree tree, SmbFileId fileId, TimeProvider time)
{
    /// <summary>How long something that is only to be tidied up may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private int _isClosed;

    public SmbChannel Channel { get; } = channel;

    public SmbFileId FileId { get; } = fileId;

    /// <summary>Why it can't be used; null when it can.</summary>
    public TransportFault? Gone => Volatile.Read(ref _isClosed) == 0 ? null : new(TransportFaultKind.Lost, FaultEffect.NotSent, "the handle had been closed");

    private bool IsOpen => Volatile.Read(ref _isClosed) == 0 && Channel.Fault is null;

    public ExchangeTraits Traits(bool changes = false, SmbTransfer? transfer = null) => new(changes, tree.DemandsSealing, transfer);

    /// <summary>Begins a request.</summary>
    /// <param name="command">The command.</param>
    /// <param name="bodyBytes">How long its body is.</param>
    /// <param name="body">The body, to be written.</param>
    /// <param name="isCleared">Whether it is zero.</param>
    public SmbFrame Begin(SmbCommand command, int bodyBytes, out Span<byte> body, bool isCleared = true)
    {
        var frame = Channel.Rent(bodyBytes);
        body = frame.Add(command, tree.Id, bodyBytes, isCleared);
        return frame;
    }

    /// <summary>Sends a request that is answered with a status alone.</summary>
    public async ValueTask<TransportResult<Done>> CallAsync(SmbFrame frame, bool changes, string doing, CancellationToken cancellationToken)
    {
        using var reply = await Channel.ExchangeAsync(frame, Traits(changes), null, cancellationToken).ConfigureAwait(false);
        if (reply.Fault is { } fault)
        {
            return fault;
        }

        return reply.Status == NtStatus.Success ? default(Done) : SmbFault.FromAnswer(reply.Status, changes, doing);
    }

    /// <summary>Closes it and waits for the answer; at once the second time, unless the first could not send the request.</summary>
    public async ValueTask<TransportResult<Done>> CloseAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
        {
            return default(Done);
        }

        var frame = Begin(SmbCommand.Close, FileCodec.CloseBytes, out var body);
        FileCodec.WriteClose(body, FileId);

        // A file that is to be removed is removed by this.
        var closed = await CallAsync(frame, changes: true, "closing", cancellationToken).ConfigureAwait(false);
        if (!closed.TryGetValue(out _, out var fault) && fault is { Effect: FaultEffect.NotSent, PeerCode: null })
        {
            // Still open over there, where it may keep others away.
            Volatile.Write(ref _isClosed, 0);
        }

        return closed;
    }

    /// <summary>Closes it, and waits for that within bounds; what could not be sent by then is sent as soon as there are credits.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!IsOpen)
        {
            return;
        }

        using (var patience = new CancellationTokenSource(Patience, time))
        {
            await CloseAsync(patience.Token).ConfigureAwait(false);
        }

        if (IsOpen)
        {
            // Nobody waits; the channel's own deadline for credits ends it.
            _ = CloseAsync(CancellationToken.None).AsTask();
        }
    }
}
