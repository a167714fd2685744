using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>What a peer says to a bind (C706, 12.6.4.4 and 12.6.4.5).</summary>
internal static class RpcBindAnswer
{
    /// <summary>Reads a bind_ack.</summary>
    /// <param name="body">What follows the common header.</param>
    /// <param name="maxRequest">The longest fragment that may be sent.</param>
    /// <returns>Why the peer can't be called, or null.</returns>
    public static TransportFault? ReadAck(ReadOnlySpan<byte> body, out int maxRequest)
    {
        maxRequest = 0;
        var reader = new NdrReader(body);
        _ = reader.ReadUInt16();
        int receives = reader.ReadUInt16();
        _ = reader.ReadUInt32();

        // The secondary address is of no use on a pipe. The list of results is aligned behind it.
        _ = reader.ReadBytes(reader.ReadUInt16());
        reader.Align(4);
        var results = reader.ReadByte();
        _ = reader.ReadBytes(3);
        var (result, reason, syntax, version) = (reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadGuid(), reader.ReadUInt32());
        if (reader.IsFailed || results != 1)
        {
            return RpcFault.Violation("the peer's answer to a bind is malformed", FaultEffect.NotSent);
        }

        if (result != 0)
        {
            return RpcFault.FromContextResult(result, reason);
        }

        if (syntax != RpcPdu.TransferSyntax || version != RpcPdu.TransferSyntaxVersion)
        {
            return RpcFault.Violation("the peer accepts a transfer syntax that was not offered", FaultEffect.NotSent);
        }

        if (receives < RpcPdu.MinFragment)
        {
            return RpcFault.Violation("the peer receives shorter fragments than everybody has to", FaultEffect.NotSent);
        }

        maxRequest = Math.Min(receives, RpcPdu.MaxFragment);
        return null;
    }

    /// <summary>Reads a bind_nak.</summary>
    /// <param name="body">What follows the common header.</param>
    /// <returns>Why the peer can't be called.</returns>
    public static TransportFault ReadNak(ReadOnlySpan<byte> body) => body.Length < 2
        ? RpcFault.Violation("the peer's refusal of a bind is malformed", FaultEffect.NotSent)
        : RpcFault.FromBindRejection(BinaryPrimitives.ReadUInt16LittleEndian(body));
}
