using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Kinds of PDUs that a connection carries here (C706, 12.6.4).</summary>
internal enum RpcPduType : byte
{
    Request = 0,
    Response = 2,
    Fault = 3,
    Bind = 11,
    BindAck = 12,
    BindNak = 13,
}

/// <summary>Flags of a PDU (C706, 12.6.3.1).</summary>
[Flags]
internal enum RpcPduFlags : byte
{
    None = 0,
    First = 0x01,
    Last = 0x02,

    /// <summary>In a fault: the operation was not begun.</summary>
    DidNotExecute = 0x20,

    Whole = First | Last,
}

/// <summary>The header that all PDUs have (C706, 12.6.3.1), and the PDUs that a client sends.</summary>
/// <param name="Type">What follows. A value that no member names is what the peer sent.</param>
/// <param name="Flags">The flags.</param>
/// <param name="Length">The fragment's length in bytes, the header included.</param>
/// <param name="CallId">Which call it belongs to.</param>
internal readonly record struct RpcPdu(RpcPduType Type, RpcPduFlags Flags, int Length, uint CallId)
{
    public const int HeaderSize = 16;

    /// <summary>The header of a request or response: the common one, a hint, the presentation context, and the operation (C706, 12.6.4.9 and 12.6.4.10).</summary>
    public const int CallHeaderSize = HeaderSize + 8;

    /// <summary>The longest fragment that is offered: what Windows offers on a pipe.</summary>
    public const int MaxFragment = 4280;

    /// <summary>The shortest fragment that everybody has to be able to receive (C706, 12.6.3.1).</summary>
    public const int MinFragment = 1432;

    /// <summary>The one presentation context there is.</summary>
    public const ushort ContextId = 0;

    private const byte Major = 5;
    private const byte LittleEndianAscii = 0x10;

    /// <summary>NDR 2.0, the transfer syntax (C706, 14).</summary>
    public static Guid TransferSyntax { get; } = new("8a885d04-1ceb-11c9-9fe8-08002b104860");

    public const uint TransferSyntaxVersion = 2;

    /// <summary>Reads a header.</summary>
    /// <param name="bytes">At least <see cref="HeaderSize"/> bytes.</param>
    /// <param name="pdu">The header.</param>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? Read(ReadOnlySpan<byte> bytes, out RpcPdu pdu)
    {
        pdu = new((RpcPduType)bytes[2], (RpcPduFlags)bytes[3], BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));

        // The minor version is 0; 1 is said to be the same (C706, 12.6.3.1).
        return bytes[0] != Major || bytes[1] > 1 ? "is of another protocol version"
            : bytes[4] != LittleEndianAscii || bytes[5] != 0 ? "is in another data representation than the one that was asked for"
            : BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]) != 0 ? "holds an authentication verifier that nobody asked for"
            : pdu.Length is < HeaderSize or > MaxFragment ? "has a length that is not allowed"
            : null;
    }

    /// <summary>Makes a bind (C706, 12.6.4.3) with one presentation context.</summary>
    public static byte[] Bind(uint callId, RpcService service)
    {
        const int Size = HeaderSize + 8 + 4 + 4 + 20 + 20;
        var pdu = new byte[Size];
        WriteHeader(pdu, RpcPduType.Bind, RpcPduFlags.Whole, callId);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu.AsSpan(16), MaxFragment);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu.AsSpan(18), MaxFragment);

        // No association group to join at 20; at 24 one context, which offers one transfer syntax.
        pdu[24] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(pdu.AsSpan(28), ContextId);
        pdu[30] = 1;
        service.Interface.TryWriteBytes(pdu.AsSpan(32));
        BinaryPrimitives.WriteUInt16LittleEndian(pdu.AsSpan(48), service.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu.AsSpan(50), service.Minor);
        TransferSyntax.TryWriteBytes(pdu.AsSpan(52));
        BinaryPrimitives.WriteUInt32LittleEndian(pdu.AsSpan(68), TransferSyntaxVersion);
        return pdu;
    }

    /// <summary>Makes one fragment of a request (C706, 12.6.4.9).</summary>
    /// <param name="callId">The call.</param>
    /// <param name="operation">The operation's number.</param>
    /// <param name="flags">Whether it is the first, the last, or both.</param>
    /// <param name="part">The part of the stub.</param>
    /// <param name="left">How much of the stub there is from here on, this part included.</param>
    public static byte[] Request(uint callId, ushort operation, RpcPduFlags flags, ReadOnlySpan<byte> part, int left)
    {
        var pdu = new byte[CallHeaderSize + part.Length];
        WriteHeader(pdu, RpcPduType.Request, flags, callId);
        BinaryPrimitives.WriteInt32LittleEndian(pdu.AsSpan(16), left);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu.AsSpan(20), ContextId);
        BinaryPrimitives.WriteUInt16LittleEndian(pdu.AsSpan(22), operation);
        part.CopyTo(pdu.AsSpan(CallHeaderSize));
        return pdu;
    }

    private static void WriteHeader(Span<byte> pdu, RpcPduType type, RpcPduFlags flags, uint callId)
    {
        pdu[0] = Major;
        pdu[2] = (byte)type;
        pdu[3] = (byte)flags;
        pdu[4] = LittleEndianAscii;
        BinaryPrimitives.WriteUInt16LittleEndian(pdu[8..], (ushort)pdu.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(pdu[12..], callId);
    }
}
