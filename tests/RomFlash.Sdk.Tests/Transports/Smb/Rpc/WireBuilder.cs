using System.Buffers.Binary;
using System.Text;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>Writes NDR for a server that plays a part, after the specification and not with the product's writer.</summary>
internal sealed class WireBuilder
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public WireBuilder Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public WireBuilder Align(int size)
    {
        while (_bytes.Count % size != 0)
        {
            _bytes.Add(0);
        }

        return this;
    }

    public WireBuilder U8(byte value) => Raw(value);

    public WireBuilder U16(int value)
    {
        Align(2);
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        return Raw(bytes);
    }

    public WireBuilder U32(uint value)
    {
        Align(4);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public WireBuilder Id(Guid value) => Align(4).Raw(value.ToByteArray());

    public WireBuilder Handle(uint number) => U32(0).Id(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    public WireBuilder NoHandle() => U32(0).Id(Guid.Empty);

    /// <summary>RPC_UNICODE_STRING with its text, terminator counted.</summary>
    public WireBuilder Text(string text)
    {
        var bytes = Encoding.Unicode.GetBytes(text + "\0");
        return U16(bytes.Length).U16(bytes.Length).U32(0x20000).U32((uint)bytes.Length / 2).U32(0).U32((uint)bytes.Length / 2).Raw(bytes);
    }

    /// <summary>What BaseRegQueryValue answers.</summary>
    public WireBuilder Value(uint type, ReadOnlySpan<byte> data, uint code) =>
        U32(1).U32(type).U32(2).U32((uint)data.Length).U32(0).U32((uint)data.Length).Raw(data).U32(3).U32((uint)data.Length).U32(4).U32((uint)data.Length).U32(code);

    /// <summary>What BaseRegQueryValue answers when the room is too small.</summary>
    public WireBuilder TooLong(uint type, uint size) => U32(1).U32(type).U32(0).U32(3).U32(size).U32(4).U32(0).U32(234);
}
