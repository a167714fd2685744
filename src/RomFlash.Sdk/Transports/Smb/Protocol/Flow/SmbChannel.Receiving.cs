using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

// One loop reads frames. Large ones are opened or verified on the thread pool while the next one is received; one at a time and in order, so that there are two in memory at most.
internal sealed partial class SmbChannel
{
    /// <summary>What is received at once; several small frames, and of a large one the beginning. The rest of it is received where it stays.</summary>
    private const int StagingBytes = 8 << 10;

    /// <summary>From here on a frame is worth a hop.</summary>
    private const int LargeFrameBytes = 64 << 10;

    /// <summary>What an answer can have besides its data: headers, padding, other messages of a compound.</summary>
    private const int OverheadBytes = 64 << 10;

    private readonly OpeningStage _opening;
    private volatile int _maxFrameBytes = OverheadBytes;

    /// <summary>The largest data that an answer may carry; more ends the channel before it is received.</summary>
    public int MaxDataBytes
    {
        set => _maxFrameBytes = value + OverheadBytes;
    }

    private async Task ReceiveAsync()
    {
        var staging = ArrayPool<byte>.Shared.Rent(StagingBytes);
        try
        {
            await ReceiveFramesAsync(staging).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Nobody awaits the loop: were it to end with anything but a fault, everything that waits would wait for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(SmbFault.From(exception, FaultEffect.NotSent));
        }
        finally
        {
            await _opening.WaitAsync().ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(staging);
            _ended.TrySetResult();
        }
    }

    private async Task ReceiveFramesAsync(byte[] staging)
    {
        var (start, end) = (0, 0);
        while (Fault is null)
        {
            while (end - start < SmbFrame.LengthBytes)
            {
                staging.AsSpan(start, end - start).CopyTo(staging);
                (start, end) = (0, end - start);
                if (await ReceiveAsync(staging.AsMemory(end, StagingBytes - end)).ConfigureAwait(false) is not (> 0 and var count))
                {
                    return;
                }

                end += count;
            }

            // Direct TCP (MS-SMB2, 2.1): a zero, and 24 bits of length.
            var length = BinaryPrimitives.ReadUInt32BigEndian(staging.AsSpan(start));
            if (length < SmbHeader.Bytes || length > _maxFrameBytes)
            {
                Violate("the peer sent a message of a length that no answer has");
                return;
            }

            start += SmbFrame.LengthBytes;
            var frame = ArrayPool<byte>.Shared.Rent((int)length);
            var have = Math.Min(end - start, (int)length);
            staging.AsSpan(start, have).CopyTo(frame);
            start += have;
            while (have < length)
            {
                if (await ReceiveAsync(frame.AsMemory(have, (int)length - have)).ConfigureAwait(false) is not (> 0 and var count))
                {
                    ArrayPool<byte>.Shared.Return(frame);
                    return;
                }

                have += count;
            }

            await _opening.WaitAsync().ConfigureAwait(false);
            if (length >= LargeFrameBytes && _shield is not null)
            {
                _opening.Begin(frame, (int)length);
            }
            else
            {
                Process(frame, (int)length);
            }
        }
    }

    // 0 when the channel has ended.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        try
        {
            var count = await _socket.ReceiveAsync(buffer, SocketFlags.None, CancellationToken.None).ConfigureAwait(false);
            if (count == 0)
            {
                Fail(new(TransportFaultKind.Lost, FaultEffect.NotSent, "the peer closed the connection"));
            }

            Volatile.Write(ref _heardAt, _time.GetTimestamp());
            Interlocked.Increment(ref _heard);
            return count;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Fail(SmbFault.From(exception, FaultEffect.NotSent));
            return 0;
        }
    }

    // Owns the buffer: it goes into an answer, or back.
    private void Process(byte[] frame, int length)
    {
        var isTaken = false;
        try
        {
            isTaken = TryProcess(frame, length);
        }
#pragma warning disable CA1031 // Whatever goes wrong with a hostile message ends in a fault.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(SmbFault.From(exception, FaultEffect.NotSent));
        }

        if (!isTaken)
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    private bool TryProcess(byte[] frame, int length)
    {
        var offset = 0;
        var isSealed = false;
        switch (SmbHeader.ProtocolIdOf(frame))
        {
            case SmbHeader.ProtocolId:
                break;
            case SmbHeader.TransformProtocolId when _shield is { CanSeal: true } shield:
                if (length < SmbSealer.HeaderBytes + SmbHeader.Bytes)
                {
                    Violate("the peer sent an encrypted message that is too short to be one");
                    return false;
                }

                if (!shield.TryOpen(frame.AsSpan(0, length)))
                {
                    Fail(SmbFault.NotTrusted("the peer sent an encrypted message that is not authentic"));
                    return false;
                }

                (offset, isSealed) = (SmbSealer.HeaderBytes, true);
                break;
            case SmbHeader.TransformProtocolId:
                Violate("the peer sent an encrypted message where no encryption was agreed upon");
                return false;
            default:
                Violate("the peer sent something that is no SMB2 message");
                return false;
        }

        var isTaken = false;
        while (true)
        {
            var rest = frame.AsSpan(offset, length - offset);
            if (rest.Length < SmbHeader.Bytes || SmbHeader.ProtocolIdOf(rest) != SmbHeader.ProtocolId || SmbHeader.StructureSizeOf(rest) != SmbHeader.Bytes)
            {
                Violate("the peer sent a message without a valid header");
                return isTaken;
            }

            var next = SmbHeader.NextCommandOf(rest);
            if (next != 0 && (next % 8 != 0 || next < SmbHeader.Bytes || next > rest.Length - SmbHeader.Bytes))
            {
                Violate("the peer sent a compound that does not come apart");
                return isTaken;
            }

            // The one message of a frame has the frame's buffer; those of a compound are small, and copied.
            var isWhole = next == 0 && offset is 0 or SmbSealer.HeaderBytes;
            if (!TryDispatch(frame, offset, next == 0 ? rest.Length : (int)next, isSealed, isWhole, ref isTaken) || next == 0)
            {
                return isTaken;
            }

            offset += (int)next;
        }
    }

    // False when the channel has ended.
    private bool TryDispatch(byte[] frame, int offset, int length, bool isSealed, bool isWhole, ref bool isTaken)
    {
        var message = frame.AsSpan(offset, length);
        var flags = SmbHeader.FlagsOf(message);
        var messageId = SmbHeader.MessageIdOf(message);
        if ((flags & SmbHeaderFlags.Response) == 0 || messageId == SmbHeader.UnsolicitedMessageId)
        {
            Violate("the peer sent something that is no answer");
            return false;
        }

        PendingEntry entry;
        bool isKnown;
        lock (_gate)
        {
            isKnown = _pending.TryGetValue(messageId, out entry);
        }

        var isInterim = SmbHeader.StatusOf(message) == NtStatus.Pending;
        if (!IsTrusted(message, flags, entry, isSealed, isInterim))
        {
            return false;
        }

        if (!isKnown || entry.Command != SmbHeader.CommandOf(message))
        {
            Violate("the peer answered something that was not asked");
            return false;
        }

        var credits = SmbHeader.CreditsOf(message);
        if (isInterim)
        {
            if ((flags & SmbHeaderFlags.Async) == 0)
            {
                Violate("the peer left a request pending without a name for it");
                return false;
            }

            Postpone(messageId, SmbHeader.AsyncIdOf(message));

            // It may be unsigned: more than was asked for is not believed, or somebody on the way could make us leave the peer's window.
            _credits.Settle(0, Math.Min(credits, CreditWindow.MostAskedFor(entry.Charge)));
            return true;
        }

        lock (_gate)
        {
            if (!_pending.Remove(messageId, out entry))
            {
                return Fault is null;
            }

            _grantedAt = credits > 0 ? Volatile.Read(ref _heardAt) : _grantedAt;
        }

        _credits.Settle(entry.Charge, credits);
        if (entry.Exchange is { } exchange)
        {
            if (exchange.Traits.Transfer is { } transfer)
            {
                transfer.Progress = Volatile.Read(ref _heardAt);
            }

            exchange.Complete(isWhole ? new SmbReply(frame, offset, length) : Copy(message));
            isTaken |= isWhole;
        }
        else if (entry.Command == SmbCommand.Create)
        {
            CloseAbandoned(message, entry);
        }

        return true;

        static SmbReply Copy(ReadOnlySpan<byte> message)
        {
            var copy = ArrayPool<byte>.Shared.Rent(message.Length);
            message.CopyTo(copy);
            return new(copy, 0, message.Length);
        }
    }

    // MS-SMB2, 3.2.5.1.1 to 3.2.5.1.3. An interim answer need not be signed: it can't do more than postpone a deadline, within a bound, and grant what
    // was asked for.
    private bool IsTrusted(Span<byte> message, SmbHeaderFlags flags, in PendingEntry entry, bool isSealed, bool isInterim)
    {
        if (_shield is not { } shield)
        {
            // The logon checks its own answers: what they are checked with comes of them.
            return true;
        }

        if (SmbHeader.SessionIdOf(message) != shield.SessionId)
        {
            Violate("the peer answered in another session");
            return false;
        }

        if (isSealed)
        {
            return true;
        }

        if (shield.SealsAll || entry.IsSealed)
        {
            Fail(SmbFault.NotTrusted("the peer answered without encryption"));
            return false;
        }

        if ((flags & SmbHeaderFlags.Signed) == 0 ? isInterim : shield.Verify(message))
        {
            return true;
        }

        Fail(SmbFault.NotTrusted((flags & SmbHeaderFlags.Signed) == 0 ? "the peer sent an answer without a signature" : "the peer sent an answer with a wrong signature"));
        return false;
    }

    private void Postpone(ulong messageId, ulong asyncId)
    {
        lock (_gate)
        {
            if (_pending.TryGetValue(messageId, out var entry) && entry.Exchange is { } exchange)
            {
                // The first name counts: a second one, of another request, would have that one cancelled.
                exchange.AsyncId = exchange.AsyncId == 0 ? asyncId : exchange.AsyncId;
                var now = _time.GetTimestamp();

                // The answer may overtake the note that the request has left.
                exchange.SentAt = exchange.SentAt == 0 ? now : exchange.SentAt;
                exchange.Deadline = Math.Min(now + _operationTime, exchange.SentAt + _maxPendingTime);
                Arm(exchange.Deadline);
            }
        }
    }

    // Nobody waits for the file that was opened: it must not stay open, and keep others away, until the connection ends.
    private void CloseAbandoned(ReadOnlySpan<byte> message, in PendingEntry entry)
    {
        if (SmbHeader.StatusOf(message) == NtStatus.Success && FileCodec.TryReadCreate(message, out var answer))
        {
            _ = CloseAsync(answer.FileId, entry.TreeId, entry.IsSealed);
        }

        async Task CloseAsync(SmbFileId fileId, uint treeId, bool isSealed)
        {
            var lease = await TakeCreditsAsync(1, 1, CancellationToken.None).ConfigureAwait(false);
            if (lease.Fault is null)
            {
                var frame = Rent(FileCodec.CloseBytes);
                FileCodec.WriteClose(frame.Add(SmbCommand.Close, treeId, FileCodec.CloseBytes), fileId);
                (await Send(frame, lease, new(DemandsSealing: isSealed), null, CancellationToken.None).ConfigureAwait(false)).Dispose();
            }
        }
    }

    /// <summary>Opens or verifies one frame at a time on the thread pool. Used again, so that it allocates nothing.</summary>
    private sealed class OpeningStage(SmbChannel channel) : IThreadPoolWorkItem, IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _core;
        private byte[] _frame = [];
        private int _length;
        private bool _isBusy;

        public void Begin(byte[] frame, int length)
        {
            (_frame, _length, _isBusy) = (frame, length, true);
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        public ValueTask WaitAsync() => _isBusy ? new(this, _core.Version) : default;

        public void Execute()
        {
            channel.Process(_frame, _length);
            _core.SetResult(true);
        }

        public void GetResult(short token)
        {
            _core.GetResult(token);
            _core.Reset();
            _isBusy = false;
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
