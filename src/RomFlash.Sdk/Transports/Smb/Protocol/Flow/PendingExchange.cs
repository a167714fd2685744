using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>What a request is, apart from its bytes.</summary>
/// <param name="Changes">Whether it may change something on the peer: then nobody can say what became of it when the answer is missing.</param>
/// <param name="DemandsSealing">Whether its share demands encryption.</param>
/// <param name="Transfer">The call that it is a part of, if that has several parts.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ExchangeTraits(bool Changes = false, bool DemandsSealing = false, SmbTransfer? Transfer = null);

/// <summary>A call that is larger than one request. Each answer gives the others their time anew.</summary>
internal sealed class SmbTransfer
{
    private long _progress;

    /// <summary>When the last answer came.</summary>
    public long Progress
    {
        get => Volatile.Read(ref _progress);
        set => Volatile.Write(ref _progress, value);
    }
}

/// <summary>What the table of message ids holds. The exchange is null when nobody waits any more: the answer is still to come, and then dropped.</summary>
/// <remarks><c>AbandonedAt</c> is when the last one who waited gave it up.</remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PendingEntry(PendingExchange? Exchange, SmbCommand Command, int Charge, bool IsSealed, uint TreeId, long AbandonedAt = 0);

/// <summary>Somebody who waits for an answer; used again, so that an exchange allocates nothing. Everything but the wait itself is guarded by the channel's lock.</summary>
internal sealed class PendingExchange(SmbChannel channel) : IValueTaskSource<SmbReply>
{
    private ManualResetValueTaskSourceCore<SmbReply> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;

    public ulong MessageId { get; private set; }

    public ExchangeTraits Traits { get; private set; }

    /// <summary>Whether the socket has been given any of it.</summary>
    public bool IsOnWire { get; set; }

    /// <summary>What the peer calls it once it has said that it takes longer; 0 before.</summary>
    public ulong AsyncId { get; set; }

    /// <summary>When it was handed to the socket.</summary>
    public long SentAt { get; set; }

    /// <summary>How often something had been heard of the peer by then.</summary>
    public long HeardBefore { get; set; }

    /// <summary>When it is given up; never while it waits for the socket, which has its own deadline.</summary>
    public long Deadline { get; set; }

    public ValueTask<SmbReply> Task => new(this, _core.Version);

    public void Set(ulong messageId, in ExchangeTraits traits) =>
        (MessageId, Traits, IsOnWire, AsyncId, SentAt, HeardBefore, Deadline) = (messageId, traits, false, 0, 0, -1, long.MaxValue);

    public void Watch(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(static state => ((PendingExchange)state!).Cancel(), this);
        }
    }

    public void Complete(in SmbReply reply) => _core.SetResult(reply);

    SmbReply IValueTaskSource<SmbReply>.GetResult(short token)
    {
        var reply = _core.GetResult(token);

        // Waits for a callback that runs right now: it must not meet the next use of this object.
        _registration.Dispose();
        _registration = default;
        _core.Reset();
        channel.Return(this);
        return reply;
    }

    ValueTaskSourceStatus IValueTaskSource<SmbReply>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<SmbReply>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel() => channel.Cancel(this);
}
