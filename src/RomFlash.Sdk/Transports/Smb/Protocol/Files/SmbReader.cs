using System.Buffers;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>A read of any size: several READs in flight. Answers are received into buffers of their own and copied here, so that nothing is written to the caller's once the call has returned.</summary>
internal static class SmbReader
{
    public static async ValueTask<TransportResult<int>> ReadAsync(SmbHandle handle, int maxBytes, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // A peer may give less than it was asked for; only when there is nothing more, it is the end.
        var position = 0;
        while (position < buffer.Length)
        {
            var (read, isEnd, fault) = await ReadRunAsync(handle, maxBytes, offset + position, buffer[position..], cancellationToken).ConfigureAwait(false);
            if (fault is not null)
            {
                return fault;
            }

            position += read;
            if (isEnd)
            {
                break;
            }
        }

        return position;
    }

    // Reads up to the first gap.
    private static async ValueTask<(int Read, bool IsEnd, TransportFault? Fault)> ReadRunAsync(SmbHandle handle, int maxBytes, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var channel = handle.Channel;
        var traits = handle.Traits(changes: false, new SmbTransfer());
        var ring = ArrayPool<TransferPart>.Shared.Rent(SmbLimits.MaxParts);
        var (head, count, inFlight) = (0, 0, 0);
        var (position, whole) = (0, 0);
        var (hasGap, isEnd) = (false, false);
        TransportFault? fault = null;
        while (count > 0 || (fault is null && !hasGap && position < buffer.Length))
        {
            while (fault is null && !hasGap && position < buffer.Length && count < SmbLimits.MaxParts && inFlight < SmbLimits.MaxInFlightBytes)
            {
                var length = Math.Min(maxBytes, buffer.Length - position);
                var lease = await channel.TakeCreditsAsync(SmbLimits.ChargeOf(length), 1, cancellationToken).ConfigureAwait(false);
                if (lease.Fault is not null)
                {
                    fault = lease.Fault;
                    break;
                }

                length = Math.Min(length, lease.Count * SmbLimits.CreditBytes);
                ring[(head + count++) % SmbLimits.MaxParts] = new(Send(handle, lease, offset + position, length, traits, cancellationToken), position, length);
                position += length;
                inFlight += length;
            }

            if (count == 0)
            {
                break;
            }

            var part = ring[head];
            ring[head] = default;
            head = (head + 1) % SmbLimits.MaxParts;
            count--;
            using var reply = await part.Reply.ConfigureAwait(false);
            inFlight -= part.Length;
            if (fault is not null || hasGap)
            {
                isEnd |= fault is null && reply.Fault is null && reply.Status == NtStatus.EndOfFile;
                continue;
            }

            (var read, fault) = Read(channel, reply, buffer.Span.Slice(part.Position, part.Length));
            whole += read;
            hasGap = read < part.Length;
            isEnd |= read == 0;
        }

        ArrayPool<TransferPart>.Shared.Return(ring, clearArray: true);
        return (whole, isEnd, fault);
    }

    private static ValueTask<SmbReply> Send(SmbHandle handle, in CreditLease lease, long offset, int length, in ExchangeTraits traits, CancellationToken cancellationToken)
    {
        var frame = handle.Begin(SmbCommand.Read, FileCodec.ReadBytes, out var body);
        FileCodec.WriteRead(body, handle.FileId, offset, length);
        return handle.Channel.Send(frame, lease, traits, null, cancellationToken);
    }

    private static (int Read, TransportFault? Fault) Read(SmbChannel channel, in SmbReply reply, Span<byte> buffer)
    {
        if (reply.Fault is { } fault)
        {
            return (0, fault);
        }

        if (reply.Status == NtStatus.EndOfFile)
        {
            return (0, null);
        }

        if (reply.Status != NtStatus.Success)
        {
            return (0, SmbFault.FromStatus(reply.Status, FaultEffect.NotSent, "reading"));
        }

        if (!FileCodec.TryReadRead(reply.Message, out var data) || data.Length > buffer.Length)
        {
            return (0, channel.Violate("the peer gave more than it was asked for, or in another form than the protocol says"));
        }

        data.CopyTo(buffer);
        return (data.Length, null);
    }
}
