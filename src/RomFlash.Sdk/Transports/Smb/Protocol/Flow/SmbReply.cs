using System.Buffers;
using System.Runtime.InteropServices;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Flow;

/// <summary>The answer to a request: a message whose protection has been checked, in a buffer that goes back to the pool, or the fault in its place.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct SmbReply : IDisposable
{
    private readonly byte[]? _buffer;
    private readonly int _offset;
    private readonly int _length;

    public SmbReply(TransportFault fault) => Fault = fault;

    public SmbReply(byte[] buffer, int offset, int length) => (_buffer, _offset, _length) = (buffer, offset, length);

    public TransportFault? Fault { get; }

    /// <summary>The message from its header on.</summary>
    public Span<byte> Message => _buffer.AsSpan(_offset, _length);

    /// <summary>The NTSTATUS; of an answer, not of a fault.</summary>
    public uint Status => SmbHeader.StatusOf(Message);

    /// <summary>Gives the buffer back; to be called once by whoever has the answer.</summary>
    public void Dispose()
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }
}
