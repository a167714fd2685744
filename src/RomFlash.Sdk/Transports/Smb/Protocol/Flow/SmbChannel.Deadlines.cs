using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

// One timer for all deadlines. Requests have the same time, so that a new one is rarely due before those that are under way: the timer is seldom set.
internal sealed partial class SmbChannel
{
    private readonly ITimer _timer;
    private readonly long _operationTime;
    private readonly long _maxPendingTime;
    private readonly long _keepAliveTime;
    private long _due = long.MaxValue;
    private long _heardAt;
    private long _heard;
    private long _grantedAt;
    private long _waitingSince;
    private long _sendingSince = long.MaxValue;
    private bool _isIdleWatched;

    private static TransportFault Silent => new(TransportFaultKind.TimedOut, FaultEffect.NotSent, "the peer did not answer in time");

    private long ToTimestamps(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);

    // With the lock held.
    private void Arm(long due)
    {
        if (due >= _due || _fault is not null)
        {
            return;
        }

        _due = due;
        var wait = _time.GetElapsedTime(_time.GetTimestamp(), due);

        // Rounded up: a timer that comes early would have to be set again and again.
        _timer.Change(wait > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)) : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        var (isLost, isIdle) = (false, false);
        var creditsAreMissing = _credits.HasWaiters;
        List<(ulong MessageId, ulong AsyncId, PendingEntry Entry)>? given = null;
        lock (_gate)
        {
            if (_fault is not null)
            {
                return;
            }

            var now = _time.GetTimestamp();
            var heardAt = Volatile.Read(ref _heardAt);
            _due = long.MaxValue;
            var next = long.MaxValue;
            var awaited = 0;
            foreach (var (messageId, entry) in _pending)
            {
                if (entry.Exchange is not { } exchange)
                {
                    // Its credits are gone for as long as it is not answered, and cancelling it did not help: with a peer that never answers they would all go.
                    isLost |= now - entry.AbandonedAt >= _maxPendingTime;
                    next = Math.Min(next, entry.AbandonedAt + _maxPendingTime);
                    continue;
                }

                awaited++;
                var deadline = exchange.Traits.Transfer is { Progress: > 0 and var progress } && exchange.Deadline != long.MaxValue ? Math.Max(exchange.Deadline, progress + _operationTime) : exchange.Deadline;
                if (deadline > now)
                {
                    next = Math.Min(next, deadline);
                    continue;
                }

                // A peer that has said nothing at all since is gone; one that speaks may have forgotten this request alone.
                isLost |= Interlocked.Read(ref _heard) == exchange.HeardBefore;
                (given ??= []).Add((messageId, exchange.AsyncId, entry));
            }

            foreach (var (messageId, _, entry) in given ?? [])
            {
                _pending[messageId] = entry with { Exchange = null, AbandonedAt = now };
                next = Math.Min(next, now + _maxPendingTime);
            }

            if (_sendingSince != long.MaxValue)
            {
                isLost |= now - _sendingSince >= _operationTime;
                next = Math.Min(next, _sendingSince + _operationTime);
            }

            if (creditsAreMissing)
            {
                // Credits come with answers; while answers come, so do they.
                creditsAreMissing = now - Math.Max(_grantedAt, _waitingSince) >= _operationTime;
                next = Math.Min(next, Math.Max(_grantedAt, _waitingSince) + _operationTime);
            }

            if (_isIdleWatched && awaited == 0)
            {
                isIdle = now - heardAt >= _keepAliveTime;
                next = Math.Min(next, isIdle ? now + _keepAliveTime : heardAt + _keepAliveTime);
            }
            else if (_isIdleWatched)
            {
                next = Math.Min(next, now + _keepAliveTime);
            }

            if (next != long.MaxValue)
            {
                Arm(next);
            }
        }

        foreach (var (_, _, entry) in given ?? [])
        {
            entry.Exchange!.Complete(new SmbReply(Silent with { Effect = EffectOfAbandoned(entry.Exchange) }));
        }

        if (isLost)
        {
            Fail(new(TransportFaultKind.TimedOut, FaultEffect.NotSent, "the peer has been silent, and is taken for lost"));
            return;
        }

        foreach (var (messageId, asyncId, entry) in given ?? [])
        {
            SendCancel(messageId, asyncId, entry);
        }

        if (creditsAreMissing)
        {
            _credits.Fail(new(TransportFaultKind.TimedOut, FaultEffect.NotSent, "the peer did not grant the credits for a request in time"), forGood: false);
        }

        if (isIdle)
        {
            _ = EchoAsync();
        }
    }

    // One that does not come back in time ends the channel, as everything does to which a silent peer does not answer.
    private async Task EchoAsync()
    {
        if (_credits.TryTakeOne(out var lease))
        {
            var frame = Rent(4);
            SessionCodec.WriteEmpty(frame.Add(SmbCommand.Echo, 0, 4));
            var reply = await Send(frame, lease, default, null, CancellationToken.None).ConfigureAwait(false);
            reply.Dispose();
        }
    }
}
