using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>What a session is (MS-SMB2, 2.2.6, SessionFlags).</summary>
[Flags]
internal enum SmbSessionFlags : ushort
{
    None = 0,
    IsGuest = 0x0001,
    IsNull = 0x0002,
    EncryptData = 0x0004,
}

/// <summary>SESSION_SETUP and TREE_CONNECT (MS-SMB2, 2.2.5, 2.2.6, 2.2.9 and 2.2.10).</summary>
internal static class SessionCodec
{
    public const int SetupBytes = 24;
    public const int TreeConnectBytes = 8;

    /// <summary>SMB2_SHAREFLAG_ENCRYPT_DATA (MS-SMB2, 2.2.10).</summary>
    public const uint ShareEncrypts = 0x00008000;

    /// <summary>Signing is required; said again here (MS-SMB2, 2.2.5).</summary>
    private const byte SecurityMode = (byte)NegotiateCodec.SecurityMode;

    public static void WriteSetup(Span<byte> body, ReadOnlySpan<byte> token)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 25);
        body[3] = SecurityMode;
        BinaryPrimitives.WriteUInt16LittleEndian(body[12..], SmbHeader.Bytes + SetupBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(body[14..], (ushort)token.Length);
        token.CopyTo(body[SetupBytes..]);
    }

    public static bool TryReadSetup(ReadOnlySpan<byte> message, out SmbSessionFlags flags, out ReadOnlySpan<byte> token)
    {
        flags = SmbSessionFlags.None;
        token = default;
        if (!SmbBody.Has(message, 9) || !SmbBody.TryGetPart(message, 8, SmbBody.U16(message, 4), SmbBody.U16(message, 6), out token))
        {
            return false;
        }

        flags = (SmbSessionFlags)SmbBody.U16(message, 2);
        return true;
    }

    public static void WriteTreeConnect(Span<byte> body, string path)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 9);
        BinaryPrimitives.WriteUInt16LittleEndian(body[4..], SmbHeader.Bytes + TreeConnectBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(body[6..], (ushort)Utf16.Write(path, body[TreeConnectBytes..]));
    }

    public static bool TryReadTreeConnect(ReadOnlySpan<byte> message, out uint shareFlags, out uint maximalAccess)
    {
        (shareFlags, maximalAccess) = (0, 0);
        if (!SmbBody.Has(message, 16))
        {
            return false;
        }

        shareFlags = SmbBody.U32(message, 4);
        maximalAccess = SmbBody.U32(message, 12);
        return true;
    }

    /// <summary>The four bytes of LOGOFF, TREE_DISCONNECT, ECHO and CANCEL (MS-SMB2, 2.2.7, 2.2.11, 2.2.28 and 2.2.30).</summary>
    public static void WriteEmpty(Span<byte> body) => BinaryPrimitives.WriteUInt16LittleEndian(body, 4);
}
