using RomFlash.Sdk.Transports.Smb.Protocol.Flow;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>An open named pipe. STATUS_BUFFER_OVERFLOW says that a message goes on, and is no failure (MS-SMB2, 3.3.5.12 and 3.3.5.15.10).</summary>
internal sealed class SmbPipe(SmbHandle handle, SmbLimits limits) : ISmbPipe
{
    private readonly int _max = Math.Min(limits.Transact, Math.Min(limits.Read, limits.Write));

    public async ValueTask<TransportResult<Done>> WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (Check(message) is { } refused)
        {
            return refused;
        }

        var frame = handle.Begin(SmbCommand.Write, FileCodec.WriteBytes + message.Length, out var body, isCleared: false);
        FileCodec.WriteWrite(body, handle.FileId, 0, message.Span);
        using var reply = await handle.Channel.ExchangeAsync(frame, handle.Traits(changes: true), null, cancellationToken).ConfigureAwait(false);
        if (reply.Fault is { } fault)
        {
            return fault;
        }

        if (reply.Status != NtStatus.Success)
        {
            return SmbFault.FromStatus(reply.Status, FaultEffect.NotSent, "writing to a pipe");
        }

        return FileCodec.TryReadWrite(reply.Message, out var count) && count == message.Length
            ? default(Done)
            : handle.Channel.Violate("the peer took another number of bytes than it was given") with { Effect = FaultEffect.MayHaveApplied };
    }

    public async ValueTask<TransportResult<int>> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (handle.Gone is { } gone)
        {
            return gone;
        }

        ArgumentOutOfRangeException.ThrowIfZero(buffer.Length, nameof(buffer));
        var length = Math.Min(buffer.Length, _max);
        var frame = handle.Begin(SmbCommand.Read, FileCodec.ReadBytes, out var body);
        FileCodec.WriteRead(body, handle.FileId, 0, length);
        using var reply = await handle.Channel.ExchangeAsync(frame, handle.Traits(), null, cancellationToken).ConfigureAwait(false);
        if (reply.Fault is { } fault)
        {
            return fault;
        }

        if (reply.Status is not (NtStatus.Success or NtStatus.BufferOverflow))
        {
            return SmbFault.FromStatus(reply.Status, FaultEffect.NotSent, "reading from a pipe");
        }

        return FileCodec.TryReadRead(reply.Message, out var data) ? Give(data, length, buffer, FaultEffect.NotSent) : Malformed(FaultEffect.NotSent);
    }

    public async ValueTask<TransportResult<int>> TransceiveAsync(ReadOnlyMemory<byte> message, Memory<byte> answer, CancellationToken cancellationToken)
    {
        if (Check(message) is { } refused)
        {
            return refused;
        }

        ArgumentOutOfRangeException.ThrowIfZero(answer.Length, nameof(answer));
        var length = Math.Min(answer.Length, _max);
        var frame = handle.Begin(SmbCommand.Ioctl, InfoCodec.IoctlBytes + message.Length, out var body);
        InfoCodec.WriteIoctl(body, handle.FileId, InfoCodec.PipeTransceive, message.Span, length);
        using var reply = await handle.Channel.ExchangeAsync(frame, handle.Traits(changes: true), null, cancellationToken).ConfigureAwait(false);
        if (reply.Fault is { } fault)
        {
            return fault;
        }

        if (reply.Status is not (NtStatus.Success or NtStatus.BufferOverflow))
        {
            return SmbFault.FromStatus(reply.Status, FaultEffect.NotSent, "calling through a pipe");
        }

        return InfoCodec.TryReadIoctl(reply.Message, InfoCodec.PipeTransceive, out var data) ? Give(data, length, answer, FaultEffect.MayHaveApplied) : Malformed(FaultEffect.MayHaveApplied);
    }

    public ValueTask DisposeAsync() => handle.DisposeAsync();

    private TransportFault? Check(ReadOnlyMemory<byte> message) =>
        handle.Gone ?? (message.Length > _max ? new(TransportFaultKind.Unsupported, FaultEffect.NotSent, $"a message of a pipe has {_max} bytes at most") : null);

    private TransportResult<int> Give(ReadOnlySpan<byte> data, int asked, Memory<byte> buffer, FaultEffect effect)
    {
        if (data.Length == 0 || data.Length > asked)
        {
            return Malformed(effect);
        }

        data.CopyTo(buffer.Span);
        return data.Length;
    }

    private TransportFault Malformed(FaultEffect effect) => handle.Channel.Violate("the peer answered through a pipe in another form than the protocol says") with { Effect = effect };
}
