using System.Buffers;
using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>A write of any size: several WRITEs in flight, so that the next one is signed or sealed while the last ones travel.</summary>
internal static class SmbWriter
{
    // A peer may write less than it was given; one that goes on doing so would take as many requests for a part as the part has bytes.
    private const int MaxShortAnswers = 4;

    public static async ValueTask<TransportResult<Done>> WriteAsync(SmbHandle handle, int maxBytes, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var channel = handle.Channel;
        var traits = handle.Traits(changes: true, new SmbTransfer());
        var ring = ArrayPool<TransferPart>.Shared.Rent(SmbLimits.MaxParts);
        var (head, count, inFlight) = (0, 0, 0);
        var (position, sent) = (0, 0);
        var hasWritten = false;
        TransportFault? fault = null;
        while (count > 0 || (fault is null && position < data.Length))
        {
            while (fault is null && position < data.Length && count < SmbLimits.MaxParts && inFlight < SmbLimits.MaxInFlightBytes)
            {
                var length = Math.Min(maxBytes, data.Length - position);
                var lease = await channel.TakeCreditsAsync(SmbLimits.ChargeOf(length), 1, cancellationToken).ConfigureAwait(false);
                if (lease.Fault is not null)
                {
                    fault = sent == 0 ? lease.Fault : lease.Fault with { Effect = FaultEffect.MayHaveApplied };
                    break;
                }

                length = Math.Min(length, lease.Count * SmbLimits.CreditBytes);
                ring[(head + count++) % SmbLimits.MaxParts] = new(Send(handle, lease, offset + position, data.Span.Slice(position, length), traits, cancellationToken), position, length);
                position += length;
                inFlight += length;
                sent++;
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

            // The first fault tells; the others are waited for, so that nothing is still being written when the call returns.
            var (written, refused) = Read(channel, reply, part.Length);
            hasWritten |= written > 0;
            fault ??= refused;
            if (fault is null && written < part.Length)
            {
                fault = await WriteRestAsync(handle, maxBytes, offset + part.Position, data.Slice(part.Position, part.Length), written, traits, cancellationToken).ConfigureAwait(false);
            }
        }

        ArrayPool<TransferPart>.Shared.Return(ring, clearArray: true);
        if (fault is null)
        {
            return default(Done);
        }

        // One request that was refused changed nothing; of several nobody knows which were carried out, and what was written in part lies there.
        return sent > 1 || hasWritten ? fault with { Effect = FaultEffect.MayHaveApplied } : fault;
    }

    // The rest of a part of which the peer wrote less than it was given: rare enough for one request after the other.
    private static async ValueTask<TransportFault?> WriteRestAsync(SmbHandle handle, int maxBytes, long offset, ReadOnlyMemory<byte> part, int written, ExchangeTraits traits, CancellationToken cancellationToken)
    {
        var channel = handle.Channel;
        for (var shortAnswers = 1; written < part.Length;)
        {
            if (shortAnswers > MaxShortAnswers)
            {
                return channel.Violate("the peer writes less than it is given, again and again");
            }

            var length = Math.Min(maxBytes, part.Length - written);
            var lease = await channel.TakeCreditsAsync(SmbLimits.ChargeOf(length), 1, cancellationToken).ConfigureAwait(false);
            if (lease.Fault is not null)
            {
                return lease.Fault;
            }

            length = Math.Min(length, lease.Count * SmbLimits.CreditBytes);
            using var reply = await Send(handle, lease, offset + written, part.Span.Slice(written, length), traits, cancellationToken).ConfigureAwait(false);
            var (more, refused) = Read(channel, reply, length);
            if (refused is not null)
            {
                return refused;
            }

            shortAnswers += more < length ? 1 : 0;
            written += more;
        }

        return null;
    }

    private static ValueTask<SmbReply> Send(SmbHandle handle, in CreditLease lease, long offset, ReadOnlySpan<byte> data, in ExchangeTraits traits, CancellationToken cancellationToken)
    {
        var frame = handle.Begin(SmbCommand.Write, FileCodec.WriteBytes + data.Length, out var body, isCleared: false);
        FileCodec.WriteWrite(body, handle.FileId, offset, data);
        return handle.Channel.Send(frame, lease, traits, null, cancellationToken);
    }

    private static (int Written, TransportFault? Fault) Read(SmbChannel channel, in SmbReply reply, int length)
    {
        if (reply.Fault is { } fault)
        {
            return (0, fault);
        }

        if (reply.Status != NtStatus.Success)
        {
            return (0, SmbFault.FromAnswer(reply.Status, isChange: true, "writing"));
        }

        return FileCodec.TryReadWrite(reply.Message, out var written) && written > 0 && written <= length
            ? ((int)written, null)
            : (0, channel.Violate("the peer wrote another number of bytes than it was given") with { Effect = FaultEffect.MayHaveApplied });
    }
}
