using System.Net.Sockets;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>
/// Requests and answers over one socket, matched by message id. Whatever breaks the protocol or the protection ends the channel, and with it everything that waits: nothing hangs, and nothing throws.
/// </summary>
/// <remarks>Thread-safe. <c>.Sending</c> is the way out, <c>.Receiving</c> the way in, <c>.Deadlines</c> the one timer that there is.</remarks>
internal sealed partial class SmbChannel : IAsyncDisposable
{
    private const int MaxPooled = 64;

    private readonly Socket _socket;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, PendingEntry> _pending = [];
    private readonly Stack<PendingExchange> _exchanges = new();
    private readonly Stack<SmbFrame> _frames = new();
    private readonly CreditWindow _credits = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SmbShield? _shield;
    private TransportFault? _fault;

    public SmbChannel(Socket socket, SmbConnectorOptions options, TimeProvider time)
    {
        _socket = socket;
        _time = time;
        _operationTime = ToTimestamps(options.OperationTimeout);
        _maxPendingTime = ToTimestamps(options.MaxPendingTime);
        _keepAliveTime = ToTimestamps(options.KeepAliveInterval);
        _opening = new(this);
        _timer = time.CreateTimer(static state => ((SmbChannel)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why the channel has ended; null while it works.</summary>
    public TransportFault? Fault => Volatile.Read(ref _fault);

    /// <summary>What the peer has granted, and what of it is on its way.</summary>
    public int CreditTotal => _credits.Total;

    /// <summary>Whether anything can be encrypted.</summary>
    public bool CanSeal => _shield is { CanSeal: true };

    /// <summary>The session's id before there is a shield: what the first answer of the logon said.</summary>
    public ulong SessionId { get; set; }

    /// <summary>Begins to listen.</summary>
    public void Start()
    {
        lock (_gate)
        {
            _heardAt = _time.GetTimestamp();
        }

        _ = ReceiveAsync();
    }

    /// <summary>From here on every message is protected, and has to be. The channel disposes of it.</summary>
    public void Protect(SmbShield shield)
    {
        _shield = shield;
        lock (_gate)
        {
            _isIdleWatched = true;
            Arm(_time.GetTimestamp() + _keepAliveTime);
        }
    }

    /// <summary>Ends the channel, if it has not ended, and everything that waits.</summary>
    /// <param name="fault">Why.</param>
    /// <returns>Why it has ended, which may be something else.</returns>
    public TransportFault Fail(TransportFault fault)
    {
        List<PendingExchange>? waiting = null;
        lock (_gate)
        {
            if (_fault is { } earlier)
            {
                return earlier;
            }

            Volatile.Write(ref _fault, fault);
            foreach (var entry in _pending.Values)
            {
                if (entry.Exchange is { } exchange)
                {
                    (waiting ??= []).Add(exchange);
                }
            }

            _pending.Clear();
            DropQueue();
        }

        _timer.Dispose();
        _socket.Dispose();
        _credits.Fail(fault with { Effect = FaultEffect.NotSent }, forGood: true);
        foreach (var exchange in waiting ?? [])
        {
            exchange.Complete(new SmbReply(fault with { Effect = EffectOf(exchange) }));
        }

        return fault;
    }

    /// <summary>Ends the channel because the peer broke the protocol.</summary>
    public TransportFault Violate(string detail) => Fail(SmbFault.Violation(detail));

    /// <summary>Closes the socket and waits until nobody uses what the channel has.</summary>
    public async ValueTask DisposeAsync()
    {
        Fail(new(TransportFaultKind.Lost, FaultEffect.NotSent, "the connection had been closed"));
        await _ended.Task.ConfigureAwait(false);
        while (true)
        {
            lock (_gate)
            {
                if (!_isPumping)
                {
                    break;
                }
            }

            await Task.Yield();
        }

        _shield?.Dispose();
    }

    /// <summary>Gives a frame to be written.</summary>
    public SmbFrame Rent(int bodyBytes, int messages = 1)
    {
        SmbFrame? frame;
        lock (_gate)
        {
            frame = _frames.TryPop(out var pooled) ? pooled : new();
        }

        frame.Open(bodyBytes, messages);
        return frame;
    }

    /// <summary>Takes a frame back.</summary>
    public void Return(SmbFrame frame)
    {
        frame.Release();
        lock (_gate)
        {
            if (_frames.Count < MaxPooled)
            {
                _frames.Push(frame);
            }
        }
    }

    internal void Return(PendingExchange exchange)
    {
        lock (_gate)
        {
            if (_exchanges.Count < MaxPooled)
            {
                _exchanges.Push(exchange);
            }
        }
    }

    /// <summary>The caller does not wait any more: it is told at once, the peer as soon as possible, and the answer will be dropped.</summary>
    internal void Cancel(PendingExchange exchange)
    {
        SmbReply reply;
        ulong asyncId;
        PendingEntry entry;
        lock (_gate)
        {
            if (!_pending.TryGetValue(exchange.MessageId, out entry) || entry.Exchange != exchange)
            {
                return;
            }

            var now = _time.GetTimestamp();
            _pending[exchange.MessageId] = entry with { Exchange = null, AbandonedAt = now };
            Arm(now + _maxPendingTime);
            reply = new(new TransportFault(TransportFaultKind.Cancelled, EffectOfAbandoned(exchange), "cancelled while the peer had not answered yet"));
            asyncId = exchange.AsyncId;
        }

        var messageId = exchange.MessageId;
        exchange.Complete(reply);
        SendCancel(messageId, asyncId, entry);
    }

    // What waited for the socket when the channel ended has not left.
    private static FaultEffect EffectOf(PendingExchange exchange) => exchange.Traits.Changes && exchange.IsOnWire ? FaultEffect.MayHaveApplied : FaultEffect.NotSent;

    // What waits for the socket now will still leave: its message ids must not be missing.
    private static FaultEffect EffectOfAbandoned(PendingExchange exchange) => exchange.Traits.Changes ? FaultEffect.MayHaveApplied : FaultEffect.NotSent;
}
