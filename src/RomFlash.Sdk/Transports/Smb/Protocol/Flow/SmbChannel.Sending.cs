using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

// A request is written, signed or sealed on its caller's thread, and then queued. Whoever finds nobody sending, sends, until the queue is empty or the socket is full. Message ids may
// leave in any order within the window (MS-SMB2, 3.3.5.2.3).
internal sealed partial class SmbChannel
{
    /// <summary>A large frame goes to the socket in parts, so that it can be seen that the peer still reads.</summary>
    private const int SendBytes = 256 << 10;

    private SmbFrame? _queueHead;
    private SmbFrame? _queueTail;
    private bool _isPumping;

    /// <summary>Takes credits for a request that <see cref="Send"/> then has to be given.</summary>
    public ValueTask<CreditLease> TakeCreditsAsync(int want, int least, CancellationToken cancellationToken)
    {
        var isFirst = !_credits.HasWaiters;
        var lease = _credits.TakeAsync(want, least, cancellationToken);
        if (isFirst && !lease.IsCompleted)
        {
            lock (_gate)
            {
                _waitingSince = _time.GetTimestamp();
                Arm(_waitingSince + _operationTime);
            }
        }

        return lease;
    }

    /// <summary>Sends one request and waits for its answer.</summary>
    /// <param name="frame">The request; the channel's from here on.</param>
    /// <param name="traits">What it is.</param>
    /// <param name="hash">Where its bytes are hashed as they are sent, or null.</param>
    /// <param name="cancellationToken">Ends the wait at once.</param>
    /// <returns>The answer, whatever its status.</returns>
    public async ValueTask<SmbReply> ExchangeAsync(SmbFrame frame, ExchangeTraits traits, PreauthHash? hash, CancellationToken cancellationToken)
    {
        var lease = await TakeCreditsAsync(1, 1, cancellationToken).ConfigureAwait(false);
        if (lease.Fault is { } fault)
        {
            Return(frame);
            return new(fault);
        }

        return await Send(frame, lease, traits, hash, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends one request.</summary>
    /// <param name="frame">The request; the channel's from here on.</param>
    /// <param name="lease">Its credits.</param>
    /// <param name="traits">What it is.</param>
    /// <param name="hash">Where its bytes are hashed as they are sent, or null.</param>
    /// <param name="cancellationToken">Ends the wait at once.</param>
    /// <returns>The answer; to be awaited once.</returns>
    public ValueTask<SmbReply> Send(SmbFrame frame, in CreditLease lease, in ExchangeTraits traits, PreauthHash? hash, CancellationToken cancellationToken)
    {
        ValueTask<SmbReply> reply = default;
        SendCompound(frame, lease, traits, hash, new Span<ValueTask<SmbReply>>(ref reply), cancellationToken);
        return reply;
    }

    /// <summary>Sends a compound: one credit for each of its messages.</summary>
    public void SendCompound(SmbFrame frame, in CreditLease lease, in ExchangeTraits traits, PreauthHash? hash, Span<ValueTask<SmbReply>> replies, CancellationToken cancellationToken)
    {
        var shield = _shield;
        var isSealed = shield is not null && (shield.SealsAll || (traits.DemandsSealing && shield.CanSeal));
        frame.Address(lease, _credits.AskFor(lease.Count), shield is not null && !isSealed, shield?.SessionId ?? SessionId);
        hash?.Append(frame.MessageOf(0));
        if (!TryProtect(frame, shield, isSealed, out var broken))
        {
            Return(frame);
            Fill(replies, broken);
            return;
        }

        Exchanges exchanges = default;
        var count = frame.Count;
        lock (_gate)
        {
            if (_fault is { } fault)
            {
                Fill(replies, fault with { Effect = FaultEffect.NotSent });
                frame.Release();
                return;
            }

            for (var i = 0; i < count; i++)
            {
                var exchange = _exchanges.TryPop(out var pooled) ? pooled : new(this);
                exchange.Set(lease.MessageId + (ulong)i, traits);
                _pending[exchange.MessageId] = new(exchange, frame.CommandOf(i), count == 1 ? lease.Count : 1, isSealed, frame.TreeIdOf(i));
                replies[i] = exchange.Task;
                exchanges[i] = exchange;
            }
        }

        Enqueue(frame, isInline: true);
        for (var i = 0; i < count; i++)
        {
            exchanges[i]!.Watch(cancellationToken);
        }

        static void Fill(Span<ValueTask<SmbReply>> replies, TransportFault fault)
        {
            for (var i = 0; i < replies.Length; i++)
            {
                replies[i] = new(new SmbReply(fault));
            }
        }
    }

    // Best effort: a peer that does not know the id, or has answered meanwhile, ignores it.
    private void SendCancel(ulong messageId, ulong asyncId, in PendingEntry entry)
    {
        var shield = _shield;
        var frame = Rent(4);
        SessionCodec.WriteEmpty(frame.Add(SmbCommand.Cancel, entry.TreeId, 4));
        frame.AddressCancel(messageId, asyncId, shield is not null && !entry.IsSealed, shield?.SessionId ?? SessionId);
        if (!TryProtect(frame, shield, entry.IsSealed, out _))
        {
            Return(frame);
            return;
        }

        Enqueue(frame, isInline: false);
    }

    private bool TryProtect(SmbFrame frame, SmbShield? shield, bool isSealed, out TransportFault fault)
    {
        fault = null!;
        try
        {
            shield?.Protect(frame, isSealed);
            frame.Close(isSealed);
            return true;
        }
        catch (Exception exception) when (exception is CryptographicException or ObjectDisposedException)
        {
            // The nonces are used up, the platform refuses, or the channel was disposed of meanwhile.
            fault = Fail(SmbFault.From(exception, FaultEffect.NotSent)) with { Effect = FaultEffect.NotSent };
            return false;
        }
    }

    private void Enqueue(SmbFrame frame, bool isInline)
    {
        lock (_gate)
        {
            if (_fault is not null)
            {
                frame.Release();
                return;
            }

            frame.Next = null;
            if (_queueTail is { } tail)
            {
                tail.Next = frame;
            }
            else
            {
                _queueHead = frame;
            }

            _queueTail = frame;
            if (_isPumping)
            {
                return;
            }

            _isPumping = true;
        }

        if (isInline)
        {
            _ = PumpAsync();
        }
        else
        {
            // Somebody else's thread, such as the one that cancels, does not send what others have queued.
            ThreadPool.UnsafeQueueUserWorkItem(static channel => _ = channel.PumpAsync(), this, preferLocal: false);
        }
    }

    // With the lock held.
    private void DropQueue()
    {
        while (_queueHead is { } frame)
        {
            _queueHead = frame.Next;
            frame.Release();
        }

        _queueTail = null;
    }

    private async Task PumpAsync()
    {
        while (TryDequeue(out var frame))
        {
            try
            {
                for (var rest = frame.Wire; rest.Length > 0;)
                {
                    BeginSending();
                    rest = rest[await _socket.SendAsync(rest[..Math.Min(rest.Length, SendBytes)], SocketFlags.None, CancellationToken.None).ConfigureAwait(false)..];
                }

                EndSending(frame);
            }
#pragma warning disable CA1031 // Nobody awaits the loop: whatever ends it, ends the channel.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Fail(SmbFault.From(exception, FaultEffect.NotSent));
            }

            Return(frame);
        }
    }

    private bool TryDequeue(out SmbFrame frame)
    {
        lock (_gate)
        {
            if (_fault is not null || _queueHead is not { } head)
            {
                _isPumping = false;
                frame = null!;
                return false;
            }

            frame = head;
            _queueHead = head.Next;
            _queueTail = _queueHead is null ? null : _queueTail;
            frame.Next = null;
            for (var i = 0; i < frame.Count; i++)
            {
                if (_pending.TryGetValue(frame.FirstMessageId + (ulong)i, out var entry) && entry.Exchange is { } exchange)
                {
                    exchange.IsOnWire = true;
                }
            }

            return true;
        }
    }

    private void BeginSending()
    {
        lock (_gate)
        {
            _sendingSince = _time.GetTimestamp();
            Arm(_sendingSince + _operationTime);
        }
    }

    // The peer's time begins when it can have the request.
    private void EndSending(SmbFrame frame)
    {
        lock (_gate)
        {
            _sendingSince = long.MaxValue;
            var now = _time.GetTimestamp();
            for (var i = 0; i < frame.Count; i++)
            {
                if (_pending.TryGetValue(frame.FirstMessageId + (ulong)i, out var entry) && entry.Exchange is { Deadline: long.MaxValue } exchange)
                {
                    exchange.SentAt = now;
                    exchange.HeardBefore = _heard;
                    exchange.Deadline = now + _operationTime;
                    Arm(exchange.Deadline);
                }
            }
        }
    }

    [InlineArray(SmbFrame.MaxMessages)]
    private struct Exchanges
    {
        private PendingExchange? _first;
    }
}
