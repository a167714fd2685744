using System.Buffers.Binary;

namespace RomFlash.Peers.Links;

/// <summary>Finds where a protocol's messages end. Immutable.</summary>
/// <param name="HeaderLength">How many bytes of a message tell its length.</param>
/// <param name="MessageLength">The whole length of a message, header included, from its first <paramref name="HeaderLength"/> bytes; at least that many.</param>
public sealed record MessageFraming(int HeaderLength, Func<byte[], long> MessageLength)
{
    /// <summary>SMB over TCP: a zero byte and the length of what follows in three (MS-SMB2, 2.1). Messages that are sent as one, compounded, count as one.</summary>
    public static MessageFraming Smb { get; } = new(4, header => 4 + (BinaryPrimitives.ReadUInt32BigEndian(header) & 0xFF_FFFF));
}
