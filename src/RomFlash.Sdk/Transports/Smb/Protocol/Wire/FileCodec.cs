using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>The 16 bytes that name an open file on the peer (MS-SMB2, 2.2.14.1).</summary>
internal readonly record struct SmbFileId(ulong Persistent, ulong Volatile)
{
    /// <summary>What a request of a compound says for the file that the request before it opened, and a request that concerns no file (MS-SMB2, 3.2.4.1.4 and 2.2.31).</summary>
    public static readonly SmbFileId Previous = new(ulong.MaxValue, ulong.MaxValue);

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, Persistent);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Volatile);
    }
}

/// <summary>How a file is opened, as the bits of MS-SMB2, 2.2.13.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CreateRequest(uint Access, uint Sharing, uint Disposition, uint Options);

/// <summary>What an answer to CREATE says of the file (MS-SMB2, 2.2.14).</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CreateAnswer(SmbFileId FileId, uint Action, long EndOfFile, uint Attributes);

/// <summary>CREATE, CLOSE, FLUSH, READ and WRITE (MS-SMB2, 2.2.13 to 2.2.22).</summary>
internal static class FileCodec
{
    public const int CreateBytes = 56;
    public const int CloseBytes = 24;
    public const int FlushBytes = 24;
    public const int ReadBytes = 49;
    public const int WriteBytes = 48;

    /// <summary>What an answer to READ has before the data, at least.</summary>
    public const int ReadAnswerBytes = 16;

    /// <summary>FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_REPARSE_POINT (MS-FSCC, 2.6).</summary>
    public const uint IsDirectory = 0x00000010, IsReparsePoint = 0x00000400;

    /// <summary>FILE_CREATED (MS-SMB2, 2.2.14, CreateAction).</summary>
    public const uint Created = 2;

    /// <summary>SECURITY_IMPERSONATION (MS-SMB2, 2.2.13).</summary>
    private const uint Impersonation = 2;

    /// <summary>What CREATE takes: a name, or the one byte that its structure has at least.</summary>
    public static int CreateSize(string path) => CreateBytes + Math.Max(path.Length * 2, 8);

    public static void WriteCreate(Span<byte> body, in CreateRequest request, string path)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 57);
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], Impersonation);
        BinaryPrimitives.WriteUInt32LittleEndian(body[24..], request.Access);
        BinaryPrimitives.WriteUInt32LittleEndian(body[32..], request.Sharing);
        BinaryPrimitives.WriteUInt32LittleEndian(body[36..], request.Disposition);
        BinaryPrimitives.WriteUInt32LittleEndian(body[40..], request.Options);
        BinaryPrimitives.WriteUInt16LittleEndian(body[44..], SmbHeader.Bytes + CreateBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(body[46..], (ushort)Utf16.Write(path, body[CreateBytes..]));
    }

    public static bool TryReadCreate(ReadOnlySpan<byte> message, out CreateAnswer answer)
    {
        answer = default;
        if (!SmbBody.Has(message, 89))
        {
            return false;
        }

        answer = new(new(SmbBody.U64(message, 64), SmbBody.U64(message, 72)), SmbBody.U32(message, 4), (long)SmbBody.U64(message, 48), SmbBody.U32(message, 56));
        return answer.EndOfFile >= 0;
    }

    public static void WriteClose(Span<byte> body, SmbFileId file)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 24);
        file.Write(body[8..]);
    }

    public static void WriteFlush(Span<byte> body, SmbFileId file) => WriteClose(body, file);

    public static void WriteRead(Span<byte> body, SmbFileId file, long offset, int length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 49);
        body[2] = SmbHeader.Bytes + ReadAnswerBytes;
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], (uint)length);
        BinaryPrimitives.WriteInt64LittleEndian(body[8..], offset);
        file.Write(body[16..]);
    }

    public static bool TryReadRead(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> data)
    {
        data = default;
        return SmbBody.Has(message, 17) && SmbBody.TryGetPart(message, ReadAnswerBytes, message[SmbHeader.Bytes + 2], SmbBody.U32(message, 4), out data);
    }

    public static void WriteWrite(Span<byte> body, SmbFileId file, long offset, ReadOnlySpan<byte> data)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 49);
        BinaryPrimitives.WriteUInt16LittleEndian(body[2..], SmbHeader.Bytes + WriteBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], (uint)data.Length);
        BinaryPrimitives.WriteInt64LittleEndian(body[8..], offset);
        file.Write(body[16..]);
        body[32..WriteBytes].Clear();
        data.CopyTo(body[WriteBytes..]);
    }

    public static bool TryReadWrite(ReadOnlySpan<byte> message, out uint count)
    {
        count = 0;
        if (!SmbBody.Has(message, 17))
        {
            return false;
        }

        count = SmbBody.U32(message, 4);
        return true;
    }
}
