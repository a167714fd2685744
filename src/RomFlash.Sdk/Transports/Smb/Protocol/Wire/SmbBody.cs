using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>What all answers have in common. Every reader says false instead of reading outside of its message.</summary>
internal static class SmbBody
{
    /// <summary>Whether the part after the header is there and has the size that its structure has. An odd size stands for a variable part (MS-SMB2, 2.2).</summary>
    public static bool Has(ReadOnlySpan<byte> message, int structureSize) =>
        message.Length >= SmbHeader.Bytes + (structureSize & ~1) && BinaryPrimitives.ReadUInt16LittleEndian(message[SmbHeader.Bytes..]) == structureSize;

    /// <summary>Gives the variable part that an offset, counted from the header on, and a length describe.</summary>
    /// <param name="message">The message, from its header on.</param>
    /// <param name="fixedBytes">The length of the fixed part after the header, which the variable part must not overlap.</param>
    /// <param name="offset">The offset.</param>
    /// <param name="length">The length.</param>
    /// <param name="part">The part.</param>
    /// <returns>False when it lies outside of the message.</returns>
    public static bool TryGetPart(ReadOnlySpan<byte> message, int fixedBytes, uint offset, uint length, out ReadOnlySpan<byte> part)
    {
        part = default;
        if (length == 0)
        {
            return true;
        }

        if (offset < SmbHeader.Bytes + fixedBytes || offset > message.Length || length > message.Length - offset)
        {
            return false;
        }

        part = message.Slice((int)offset, (int)length);
        return true;
    }

    public static ushort U16(ReadOnlySpan<byte> message, int bodyOffset) => BinaryPrimitives.ReadUInt16LittleEndian(message[(SmbHeader.Bytes + bodyOffset)..]);

    public static uint U32(ReadOnlySpan<byte> message, int bodyOffset) => BinaryPrimitives.ReadUInt32LittleEndian(message[(SmbHeader.Bytes + bodyOffset)..]);

    public static ulong U64(ReadOnlySpan<byte> message, int bodyOffset) => BinaryPrimitives.ReadUInt64LittleEndian(message[(SmbHeader.Bytes + bodyOffset)..]);
}
