using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>The commands (MS-SMB2, 2.2.1.2).</summary>
internal enum SmbCommand : ushort
{
    Negotiate = 0,
    SessionSetup = 1,
    Logoff = 2,
    TreeConnect = 3,
    TreeDisconnect = 4,
    Create = 5,
    Close = 6,
    Flush = 7,
    Read = 8,
    Write = 9,
    Ioctl = 11,
    Cancel = 12,
    Echo = 13,
    QueryDirectory = 14,
    QueryInfo = 16,
    SetInfo = 17,
    OplockBreak = 18,
}

/// <summary>What the flags of a header say (MS-SMB2, 2.2.1.2).</summary>
[Flags]
internal enum SmbHeaderFlags : uint
{
    None = 0,
    Response = 0x00000001,
    Async = 0x00000002,
    Related = 0x00000004,
    Signed = 0x00000008,
}

/// <summary>The 64 bytes that each message begins with (MS-SMB2, 2.2.1).</summary>
internal static class SmbHeader
{
    public const int Bytes = 64;

    /// <summary>The first four bytes of a message: 0xFE 'S' 'M' 'B'.</summary>
    public const uint ProtocolId = 0x424D53FE;

    /// <summary>The first four bytes of an encrypted message (MS-SMB2, 2.2.41): 0xFD 'S' 'M' 'B'.</summary>
    public const uint TransformProtocolId = 0x424D53FD;

    /// <summary>The message id of what a peer sends by itself: oplock breaks (MS-SMB2, 2.2.23).</summary>
    public const ulong UnsolicitedMessageId = ulong.MaxValue;

    public static uint ProtocolIdOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message);

    public static ushort StructureSizeOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16LittleEndian(message[4..]);

    public static uint StatusOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[8..]);

    public static SmbCommand CommandOf(ReadOnlySpan<byte> message) => (SmbCommand)BinaryPrimitives.ReadUInt16LittleEndian(message[12..]);

    public static int CreditsOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16LittleEndian(message[14..]);

    public static SmbHeaderFlags FlagsOf(ReadOnlySpan<byte> message) => (SmbHeaderFlags)BinaryPrimitives.ReadUInt32LittleEndian(message[16..]);

    public static uint NextCommandOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[20..]);

    public static ulong MessageIdOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt64LittleEndian(message[24..]);

    public static ulong AsyncIdOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt64LittleEndian(message[32..]);

    public static uint TreeIdOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[36..]);

    public static ulong SessionIdOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt64LittleEndian(message[40..]);

    /// <summary>Writes the header of a request; the signature stays 0.</summary>
    /// <param name="header">Where to; 64 bytes.</param>
    /// <param name="command">The command.</param>
    /// <param name="flags">The flags.</param>
    /// <param name="charge">How many credits it takes.</param>
    /// <param name="ask">How many credits are asked for.</param>
    /// <param name="nextCommand">Where the next message of a compound begins; 0 for the last one.</param>
    /// <param name="messageId">The message id.</param>
    /// <param name="asyncOrTreeId">The async id where the flags say so; else the tree id.</param>
    /// <param name="sessionId">The session id.</param>
    public static void Write(Span<byte> header, SmbCommand command, SmbHeaderFlags flags, int charge, int ask, int nextCommand, ulong messageId, ulong asyncOrTreeId, ulong sessionId)
    {
        header = header[..Bytes];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, ProtocolId);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], Bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)charge);
        BinaryPrimitives.WriteUInt16LittleEndian(header[12..], (ushort)command);
        BinaryPrimitives.WriteUInt16LittleEndian(header[14..], (ushort)ask);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], (uint)flags);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], (uint)nextCommand);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], messageId);
        if ((flags & SmbHeaderFlags.Async) != 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(header[32..], asyncOrTreeId);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header[36..], (uint)asyncOrTreeId);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], sessionId);
    }
}
