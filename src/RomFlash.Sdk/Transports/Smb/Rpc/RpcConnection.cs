using System.Buffers;
using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Reads the stub of an answer.</summary>
/// <typeparam name="T">What it holds.</typeparam>
/// <param name="stub">The stub.</param>
/// <param name="answer">What it holds, when this returns true.</param>
/// <returns>Whether it is well-formed.</returns>
internal delegate bool StubReader<T>(ReadOnlySpan<byte> stub, out T answer);

/// <summary>
/// Connection-oriented RPC (C706, 12; MS-RPCE) over a named pipe: one presentation context, one call at a time, no verifier, because the SMB session protects what passes.
/// </summary>
/// <remarks>
/// Thread-safe: calls wait for each other. Whatever leaves an exchange unfinished ends the connection, because nobody knows what the next bytes belong to; what the peer holds for
/// it is given up when the pipe is closed.
/// </remarks>
internal sealed class RpcConnection : IAsyncDisposable
{
    /// <summary>The most fragments that an answer may have. At the least length that everybody can receive, these are more than 5 MiB.</summary>
    private const int MaxFragments = 4096;

    private readonly ISmbPipe _pipe;
    private readonly SemaphoreSlim _turn = new(1, 1);

    // What has been read and not been looked at is between the two. There is always room for one fragment behind a part of another.
    private readonly byte[] _input = new byte[2 * RpcPdu.MaxFragment];
    private int _start;
    private int _end;

    private int _maxRequest = RpcPdu.MinFragment;
    private uint _callId;
    private volatile bool _isEnded;
    private int _isDisposed;

    private RpcConnection(ISmbPipe pipe) => _pipe = pipe;

    /// <summary>Whether the next call has a chance; a call that is under way takes none away.</summary>
    public bool IsUsable => !_isEnded;

    /// <summary>Opens a service's pipe and binds to its interface. Changes nothing on the peer.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="service">The service.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The connection; <see cref="TransportFaultKind.ServiceNotRunning"/> with the service's name when its pipe is not there, <see cref="TransportFaultKind.Unsupported"/> when what is there serves something else.</returns>
    public static async ValueTask<TransportResult<RpcConnection>> OpenAsync(ISmbConnection connection, RpcService service, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Cancelled();
        }

        var opened = await connection.OpenPipeAsync(service.Pipe, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var pipe, out var fault))
        {
            return fault.Kind is TransportFaultKind.NotFound or TransportFaultKind.ServiceNotRunning
                ? fault with { Kind = TransportFaultKind.ServiceNotRunning, Effect = FaultEffect.NotSent, Detail = service.Name }
                : fault with { Effect = FaultEffect.NotSent };
        }

        var rpc = new RpcConnection(pipe);
        fault = await rpc.BindAsync(service, cancellationToken).ConfigureAwait(false);
        if (fault is null)
        {
            return rpc;
        }

        await rpc.DisposeAsync().ConfigureAwait(false);
        return fault;
    }

    /// <summary>Calls an operation.</summary>
    /// <typeparam name="T">What the answer holds.</typeparam>
    /// <param name="call">The operation and its bounds.</param>
    /// <param name="stub">Its parameters.</param>
    /// <param name="read">Reads the answer.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>What the operation answered, its own result code included; or the fault, whose effect is <see cref="FaultEffect.MayHaveApplied"/> only for what changes something and was sent.</returns>
    public async ValueTask<TransportResult<T>> CallAsync<T>(RpcCall call, ReadOnlyMemory<byte> stub, StubReader<T> read, CancellationToken cancellationToken)
        where T : notnull
    {
        try
        {
            await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Cancelled();
        }

        try
        {
            if (cancellationToken.IsCancellationRequested)
            {
                return Cancelled();
            }

            if (_isEnded)
            {
                return Ended();
            }

            var answered = await ExchangeAsync(call, stub, cancellationToken).ConfigureAwait(false);
            if (!answered.TryGetValue(out var answer, out var fault))
            {
                return fault;
            }

            return read(answer.Span, out var value)
                ? value
                : RpcFault.Violation("the answer's parameters are malformed", call.IsChange ? FaultEffect.MayHaveApplied : FaultEffect.NotSent);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes a context handle, if the connection can still be used: where it can't, closing the pipe does it. Whether the peer can close it is no matter to anybody.</summary>
    /// <param name="operation">The operation that closes it.</param>
    /// <param name="handle">The handle.</param>
    /// <param name="cancellationToken">
    /// Ends the waiting, and with it the connection. One that is cancelled already does not keep the handle from being closed: the peer has just answered, and does so again.
    /// </param>
    public async ValueTask CloseAsync(ushort operation, ContextHandle handle, CancellationToken cancellationToken)
    {
        if (!_isEnded)
        {
            var token = cancellationToken.IsCancellationRequested ? CancellationToken.None : cancellationToken;
            _ = await CallAsync<HandleAnswer>(new(operation, RpcCall.SmallAnswer), HandleStubs.Only(handle), HandleStubs.ReadClosed, token).ConfigureAwait(false);
        }
    }

    /// <summary>Closes the pipe. Done twice, it does nothing; a call that is under way ends first.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            _isEnded = true;
            await _pipe.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask<TransportFault?> BindAsync(RpcService service, CancellationToken cancellationToken)
    {
        var exchange = new Exchange { CallId = ++_callId };
        try
        {
            var fault = await SendAsync(exchange, RpcPdu.Bind(exchange.CallId, service), isLast: true, cancellationToken).ConfigureAwait(false);
            if (fault is not null)
            {
                return fault;
            }

            var received = await NextAsync(exchange, cancellationToken).ConfigureAwait(false);
            if (!received.TryGetValue(out var pdu, out fault))
            {
                return fault;
            }

            fault = pdu.Flags.HasFlag(RpcPduFlags.Whole) ? ReadBindAnswer(pdu) : Violation(exchange, "a bind is answered in parts");
            return fault ?? (TakeLast(pdu) ? null : Violation(exchange, "more follows a bind's answer"));
        }
#pragma warning disable CA1031 // Another library stands behind the pipe, and can throw anything; nothing of it may get through.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Broken(exchange, exception, cancellationToken);
        }
    }

    private TransportFault? ReadBindAnswer(RpcPdu pdu) => pdu.Type switch
    {
        RpcPduType.BindAck => RpcBindAnswer.ReadAck(BodyOf(pdu), out _maxRequest),
        RpcPduType.BindNak => RpcBindAnswer.ReadNak(BodyOf(pdu)),
        RpcPduType.Fault => ReadFault(pdu, isChange: false),
        _ => RpcFault.Violation("a bind is answered with something else", FaultEffect.NotSent),
    };

    private async ValueTask<TransportResult<ReadOnlyMemory<byte>>> ExchangeAsync(RpcCall call, ReadOnlyMemory<byte> stub, CancellationToken cancellationToken)
    {
        var exchange = new Exchange { CallId = ++_callId, IsChange = call.IsChange };
        try
        {
            var fault = await SendRequestAsync(exchange, call, stub, cancellationToken).ConfigureAwait(false);
            return fault is not null ? fault : await ReceiveAsync(exchange, call, cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Another library stands behind the pipe, and can throw anything; nothing of it may get through.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Broken(exchange, exception, cancellationToken);
        }
        finally
        {
            _isEnded |= !exchange.IsComplete;
        }
    }

    private async ValueTask<TransportFault?> SendRequestAsync(Exchange exchange, RpcCall call, ReadOnlyMemory<byte> stub, CancellationToken cancellationToken)
    {
        // Parts but the last one are a multiple of 8 long, so that alignment in a part is that in the whole.
        var room = (_maxRequest - RpcPdu.CallHeaderSize) & ~7;
        var flags = RpcPduFlags.First;
        for (var offset = 0; ; offset += room)
        {
            var left = stub.Length - offset;
            var isLast = left <= room;
            var part = RpcPdu.Request(exchange.CallId, call.Operation, isLast ? flags | RpcPduFlags.Last : flags, stub.Span.Slice(offset, Math.Min(left, room)), left);
            var fault = await SendAsync(exchange, part, isLast, cancellationToken).ConfigureAwait(false);
            if (fault is not null || isLast)
            {
                return fault;
            }

            flags = RpcPduFlags.None;
        }
    }

    // The last fragment brings the beginning of the answer with it.
    private async ValueTask<TransportFault?> SendAsync(Exchange exchange, ReadOnlyMemory<byte> fragment, bool isLast, CancellationToken cancellationToken)
    {
        if (!isLast)
        {
            // Nobody begins a call before its last fragment is there.
            var written = await _pipe.WriteAsync(fragment, cancellationToken).ConfigureAwait(false);
            return written.TryGetValue(out _, out var refused) ? null : refused with { Effect = FaultEffect.NotSent };
        }

        exchange.IsSent = true;
        (_start, _end) = (0, 0);
        var answered = await _pipe.TransceiveAsync(fragment, _input, cancellationToken).ConfigureAwait(false);
        if (answered.TryGetValue(out var count, out var fault))
        {
            return Received(exchange, count);
        }

        // What the client never sent, did not happen. A pipe that answers with a status may have broken after the call was begun.
        var effect = !exchange.IsChange || (fault.Effect == FaultEffect.NotSent && fault.PeerCode is null) ? FaultEffect.NotSent : FaultEffect.MayHaveApplied;
        return fault with { Effect = effect };
    }

    private async ValueTask<TransportResult<ReadOnlyMemory<byte>>> ReceiveAsync(Exchange exchange, RpcCall call, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte>? parts = null;
        for (var fragments = 0; fragments < MaxFragments; fragments++)
        {
            var received = await NextAsync(exchange, cancellationToken).ConfigureAwait(false);
            if (!received.TryGetValue(out var pdu, out var fault))
            {
                return fault;
            }

            if (pdu.Type == RpcPduType.Fault)
            {
                fault = pdu.Flags.HasFlag(RpcPduFlags.Whole) ? ReadFault(pdu, exchange.IsChange) : Violation(exchange, "a fault comes in parts");
                exchange.IsComplete = fault.PeerCode is not null && TakeLast(pdu);
                return fault;
            }

            if (CheckPart(exchange, pdu, isFirst: parts is null) is { } violation)
            {
                return violation;
            }

            var part = _input.AsSpan(_start + RpcPdu.CallHeaderSize, pdu.Length - RpcPdu.CallHeaderSize);
            var isLast = pdu.Flags.HasFlag(RpcPduFlags.Last);
            if (part.Length > call.MaxAnswer - (parts?.WrittenCount ?? 0))
            {
                return Violation(exchange, "the answer is longer than any that is sensible");
            }

            if (part.IsEmpty && !isLast)
            {
                return Violation(exchange, "a part of the answer is empty");
            }

            // What the header says about the whole length is a hint and is not asked.
            parts ??= new ArrayBufferWriter<byte>(Math.Max(1, part.Length));
            parts.Write(part);
            if (!isLast)
            {
                _start += pdu.Length;
                continue;
            }

            if (!TakeLast(pdu))
            {
                return Violation(exchange, "more follows an answer");
            }

            exchange.IsComplete = true;
            return parts.WrittenMemory;
        }

        return Violation(exchange, "the answer has more parts than any that is sensible");
    }

    private TransportFault? CheckPart(Exchange exchange, RpcPdu pdu, bool isFirst) =>
        pdu.Type != RpcPduType.Response ? Violation(exchange, "a request is answered with something else")
        : pdu.Length < RpcPdu.CallHeaderSize ? Violation(exchange, "a part of the answer is cut off")
        : BinaryPrimitives.ReadUInt16LittleEndian(_input.AsSpan(_start + 20)) != RpcPdu.ContextId ? Violation(exchange, "the answer is in another presentation context")
        : pdu.Flags.HasFlag(RpcPduFlags.First) != isFirst ? Violation(exchange, "the answer's parts are out of order")
        : null;

    // C706, 12.6.4.7: a hint, the context, a count and the status. What follows is not needed.
    private TransportFault ReadFault(RpcPdu pdu, bool isChange)
    {
        const int StatusOffset = RpcPdu.CallHeaderSize;
        if (pdu.Length < StatusOffset + 4 || BinaryPrimitives.ReadUInt32LittleEndian(_input.AsSpan(_start + StatusOffset)) is not (not 0 and var status))
        {
            return RpcFault.Violation("a fault does not say which", isChange ? FaultEffect.MayHaveApplied : FaultEffect.NotSent);
        }

        return RpcFault.FromStatus(status, pdu.Flags.HasFlag(RpcPduFlags.DidNotExecute), isChange);
    }

    /// <summary>Has the next fragment wholly in the input, at its start.</summary>
    private async ValueTask<TransportResult<RpcPdu>> NextAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var fault = await FillAsync(exchange, RpcPdu.HeaderSize, cancellationToken).ConfigureAwait(false);
        if (fault is not null)
        {
            return fault;
        }

        if (RpcPdu.Read(_input.AsSpan(_start, RpcPdu.HeaderSize), out var pdu) is { } wrong)
        {
            return Violation(exchange, "the answer " + wrong);
        }

        if (pdu.CallId != exchange.CallId)
        {
            return Violation(exchange, "the answer belongs to another call");
        }

        fault = await FillAsync(exchange, pdu.Length, cancellationToken).ConfigureAwait(false);
        return fault is not null ? fault : pdu;
    }

    private async ValueTask<TransportFault?> FillAsync(Exchange exchange, int wanted, CancellationToken cancellationToken)
    {
        if (_start > 0 && _input.Length - _start < wanted)
        {
            _input.AsSpan(_start, _end - _start).CopyTo(_input);
            (_start, _end) = (0, _end - _start);
        }

        while (_end - _start < wanted)
        {
            var read = await _pipe.ReadAsync(_input.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (!read.TryGetValue(out var count, out var fault))
            {
                return fault with { Effect = exchange.Effect };
            }

            if (Received(exchange, count) is { } violation)
            {
                return violation;
            }
        }

        return null;
    }

    private TransportFault? Received(Exchange exchange, int count)
    {
        if (count < 1 || count > _input.Length - _end)
        {
            return new TransportFault(TransportFaultKind.TransportBroken, exchange.Effect, "the pipe says that it read what can't have been read");
        }

        _end += count;
        return null;
    }

    private ReadOnlySpan<byte> BodyOf(RpcPdu pdu) => _input.AsSpan(_start + RpcPdu.HeaderSize, pdu.Length - RpcPdu.HeaderSize);

    /// <summary>Takes the last fragment of an exchange away.</summary>
    /// <returns>Whether nothing is left.</returns>
    private bool TakeLast(RpcPdu pdu)
    {
        _start += pdu.Length;
        return _start == _end;
    }

    private static TransportFault Violation(Exchange exchange, string detail) => RpcFault.Violation(detail, exchange.Effect);

    private static TransportFault Cancelled() => new(TransportFaultKind.Cancelled, FaultEffect.NotSent, "cancelled before the call was sent");

    private static TransportFault Ended() => new(TransportFaultKind.Lost, FaultEffect.NotSent, "the pipe had been closed, or left in the middle of an exchange");

    // The type alone: a message can hold anything.
    private static TransportFault Broken(Exchange exchange, Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && cancellationToken.IsCancellationRequested
            ? new(TransportFaultKind.Cancelled, exchange.Effect, "cancelled while waiting for an answer")
            : new(TransportFaultKind.TransportBroken, exchange.Effect, "unexpected " + exception.GetType().Name);

    /// <summary>One request and its answer.</summary>
    private sealed class Exchange
    {
        public required uint CallId { get; init; }

        public bool IsChange { get; init; }

        /// <summary>Whether the peer may have all of it.</summary>
        public bool IsSent { get; set; }

        /// <summary>Whether it was answered to its end, and nothing else.</summary>
        public bool IsComplete { get; set; }

        public FaultEffect Effect => IsChange && IsSent ? FaultEffect.MayHaveApplied : FaultEffect.NotSent;
    }
}
