using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>Messages of a server, written down from MS-SMB2 without the client's help.</summary>
internal static class SmbMessages
{
    public const uint Success = 0;
    public const uint Pending = 0x103;
    public const uint BufferOverflow = 0x8000_0005;
    public const uint NoMoreFiles = 0x8000_0006;
    public const uint InvalidParameter = 0xC000_000D;
    public const uint EndOfFile = 0xC000_0011;
    public const uint MoreProcessing = 0xC000_0016;
    public const uint AccessDenied = 0xC000_0022;
    public const uint ObjectNameNotFound = 0xC000_0034;
    public const uint ObjectNameCollision = 0xC000_0035;
    public const uint PathNotFound = 0xC000_003A;
    public const uint LogonFailure = 0xC000_006D;
    public const uint FileIsDirectory = 0xC000_00BA;
    public const uint NotSupported = 0xC000_00BB;
    public const uint BadNetworkName = 0xC000_00CC;
    public const uint DirectoryNotEmpty = 0xC000_0101;
    public const uint NotADirectory = 0xC000_0103;
    public const uint FileClosed = 0xC000_0128;
    public const uint SessionDeleted = 0xC000_0203;

    /// <summary>An answer: the request's header as far as it is repeated, and a body.</summary>
    public static byte[] Answer(ReadOnlySpan<byte> request, uint status, ReadOnlySpan<byte> body)
    {
        var answer = new byte[64 + body.Length];
        request[..64].CopyTo(answer);
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(8), status);

        // As many credits as were asked for, and one at least (2.2.1.2).
        BinaryPrimitives.WriteUInt16LittleEndian(answer.AsSpan(14), Math.Max((ushort)1, BinaryPrimitives.ReadUInt16LittleEndian(request[14..])));
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(16), 1 | (BinaryPrimitives.ReadUInt32LittleEndian(request[16..]) & 4));
        answer.AsSpan(20, 4).Clear();
        answer.AsSpan(48, 16).Clear();
        body.CopyTo(answer.AsSpan(64));
        return answer;
    }

    /// <summary>An error without more (2.2.2).</summary>
    public static byte[] ErrorBody() => [9, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>NEGOTIATE (2.2.4).</summary>
    public static byte[] Negotiate(SmbScript script, ReadOnlySpan<byte> salt)
    {
        var is311 = script.Dialect is SmbDialect.Smb311;
        var body = new byte[64];
        BinaryPrimitives.WriteUInt16LittleEndian(body, 65);
        body[2] = 3;
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(4), (ushort)script.Dialect);
        "scripted-server!"u8.CopyTo(body.AsSpan(8));
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(24), Capabilities(script));
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(28), script.MaxTransact);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(32), script.MaxRead);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(36), script.MaxWrite);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(40), 0x01DA_5A5A_0102_0304);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(56), 128);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(58), (ushort)script.Offer.Length);
        List<byte> all = [.. body, .. script.Offer];
        if (is311)
        {
            Align(all);
            BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(60), 64 + all.Count);
            all.AddRange(Context(1, [1, 0, (byte)salt.Length, 0, 1, 0, .. salt]));
            ushort count = 1;
            if (script.Cipher is not SmbCipher.None)
            {
                Align(all);
                all.AddRange(Context(2, [1, 0, (byte)script.Cipher, 0]));
                count++;
            }

            Align(all);
            all.AddRange(Context(8, [1, 0, (byte)script.Signing, 0]));
            BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(6), ++count);
            for (var i = 0; i < body.Length; i++)
            {
                all[i] = body[i];
            }
        }

        return [.. all];

        static byte[] Context(ushort type, ReadOnlySpan<byte> data) => [(byte)type, 0, (byte)data.Length, 0, 0, 0, 0, 0, .. data];
    }

    /// <summary>What FSCTL_VALIDATE_NEGOTIATE_INFO gives (2.2.32.6).</summary>
    public static byte[] ValidateNegotiate(SmbScript script)
    {
        var output = new byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(output, Capabilities(script));
        "scripted-server!"u8.CopyTo(output.AsSpan(4));
        output[20] = 3;
        BinaryPrimitives.WriteUInt16LittleEndian(output.AsSpan(22), (ushort)script.Dialect);
        return output;
    }

    /// <summary>SESSION_SETUP (2.2.6).</summary>
    public static byte[] SessionSetup(ushort flags, ReadOnlySpan<byte> blob) => [9, 0, (byte)flags, (byte)(flags >> 8), 72, 0, (byte)blob.Length, (byte)(blob.Length >> 8), .. blob];

    /// <summary>TREE_CONNECT (2.2.10).</summary>
    public static byte[] TreeConnect(bool isPipe)
    {
        var body = new byte[16];
        body[0] = 16;
        body[2] = (byte)(isPipe ? 2 : 1);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(12), 0x001F_01FF);
        return body;
    }

    /// <summary>LOGOFF, TREE_DISCONNECT, FLUSH, ECHO (2.2.8, 2.2.12, 2.2.18, 2.2.29).</summary>
    public static byte[] Empty() => [4, 0, 0, 0];

    /// <summary>CREATE (2.2.14).</summary>
    public static byte[] Create(ulong file, uint action, MemoryTree.Node? node)
    {
        var body = new byte[88];
        body[0] = 89;
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(4), action);
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(40), node?.Content.Length ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(48), node?.Content.Length ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(56), Attributes(node));
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(64), file);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(72), file);
        return body;
    }

    /// <summary>CLOSE (2.2.16).</summary>
    public static byte[] Close()
    {
        var body = new byte[60];
        body[0] = 60;
        return body;
    }

    /// <summary>READ (2.2.20).</summary>
    public static byte[] Read(ReadOnlySpan<byte> data)
    {
        var body = new byte[16 + Math.Max(1, data.Length)];
        body[0] = 17;
        body[2] = 80;
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), data.Length);
        data.CopyTo(body.AsSpan(16));
        return body;
    }

    /// <summary>WRITE (2.2.22).</summary>
    public static byte[] Write(int count)
    {
        var body = new byte[17];
        body[0] = 17;
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), count);
        return body;
    }

    /// <summary>QUERY_DIRECTORY and QUERY_INFO (2.2.34, 2.2.38).</summary>
    public static byte[] Output(ReadOnlySpan<byte> data)
    {
        var body = new byte[8 + Math.Max(1, data.Length)];
        body[0] = 9;
        body[2] = 72;
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), data.Length);
        data.CopyTo(body.AsSpan(8));
        return body;
    }

    /// <summary>IOCTL (2.2.32).</summary>
    public static byte[] Ioctl(ReadOnlySpan<byte> request, ReadOnlySpan<byte> data)
    {
        var body = new byte[48 + Math.Max(1, data.Length)];
        body[0] = 49;
        request.Slice(64 + 4, 20).CopyTo(body.AsSpan(4));
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(24), 112);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(32), 112);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(36), data.Length);
        data.CopyTo(body.AsSpan(48));
        return body;
    }

    /// <summary>A listing: FileDirectoryInformation, or FileIdBothDirectoryInformation (MS-FSCC, 2.4.10 and 2.4.17).</summary>
    public static byte[] Listing(IReadOnlyList<(string Name, MemoryTree.Node Node)> entries, bool isIdBoth)
    {
        List<byte> all = [];
        for (var i = 0; i < entries.Count; i++)
        {
            var name = Encoding.Unicode.GetBytes(entries[i].Name);
            var entry = new byte[(isIdBoth ? 104 : 64) + name.Length];
            BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(40), entries[i].Node.Content.Length);
            BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(48), entries[i].Node.Content.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(56), Attributes(entries[i].Node));
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(60), name.Length);
            name.CopyTo(entry.AsSpan(isIdBoth ? 104 : 64));
            if (i + 1 < entries.Count)
            {
                BinaryPrimitives.WriteInt32LittleEndian(entry, (entry.Length + 7) & ~7);
            }

            all.AddRange(entry);
            if (i + 1 < entries.Count)
            {
                Align(all);
            }
        }

        return [.. all];
    }

    public static uint Attributes(MemoryTree.Node? node) => node is { IsDirectory: true } ? 0x10u : 0x80u;

    private static uint Capabilities(SmbScript script) => 4u | (script.Dialect is SmbDialect.Smb300 or SmbDialect.Smb302 && script.Cipher is not SmbCipher.None ? 0x40u : 0u);

    private static void Align(List<byte> bytes)
    {
        while (bytes.Count % 8 != 0)
        {
            bytes.Add(0);
        }
    }
}
