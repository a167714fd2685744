using System.Buffers.Binary;
using System.Collections.Immutable;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Wire;

/// <summary>QUERY_DIRECTORY, QUERY_INFO, SET_INFO and IOCTL (MS-SMB2, 2.2.31 to 2.2.40), with the classes of MS-FSCC that they carry.</summary>
internal static class InfoCodec
{
    public const int QueryDirectoryBytes = 32;
    public const int QueryInfoBytes = 40;
    public const int SetInfoBytes = 32;
    public const int IoctlBytes = 56;

    /// <summary>FSCTL_PIPE_TRANSCEIVE and FSCTL_VALIDATE_NEGOTIATE_INFO (MS-SMB2, 2.2.31).</summary>
    public const uint PipeTransceive = 0x0011C017, ValidateNegotiateInfo = 0x00140204;

    /// <summary>FileFsAttributeInformation and FileFsFullSizeInformation (MS-FSCC, 2.5).</summary>
    public const byte FsAttributeInformation = 5, FsFullSizeInformation = 7;

    /// <summary>FileRenameInformation and FileDispositionInformation (MS-FSCC, 2.4).</summary>
    public const byte FileRenameInformation = 10, FileDispositionInformation = 13;

    public const int FsFullSizeBytes = 32;

    /// <summary>What FileRenameInformation has before the name (MS-FSCC, 2.4.42.2).</summary>
    public const int RenameBytes = 20;

    private const byte FileDirectoryInformation = 1;
    private const int DirectoryEntryBytes = 64;
    private const byte RestartScans = 0x01;
    private const byte InfoFile = 1;
    private const byte InfoFileSystem = 2;
    private const uint IsFsctl = 1;
    private const uint ReadOnlyVolume = 0x00080000;

    public static void WriteQueryDirectory(Span<byte> body, SmbFileId file, bool isFirst, int outputBytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 33);
        body[2] = FileDirectoryInformation;
        body[3] = isFirst ? RestartScans : (byte)0;
        file.Write(body[8..]);
        BinaryPrimitives.WriteUInt16LittleEndian(body[24..], SmbHeader.Bytes + QueryDirectoryBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(body[26..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(body[28..], (uint)outputBytes);
        body[QueryDirectoryBytes] = (byte)'*';
    }

    public static void WriteQueryVolume(Span<byte> body, SmbFileId file, byte informationClass, int outputBytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 41);
        body[2] = InfoFileSystem;
        body[3] = informationClass;
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], (uint)outputBytes);
        file.Write(body[24..]);
    }

    /// <summary>The output of QUERY_DIRECTORY and QUERY_INFO.</summary>
    public static bool TryReadOutput(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> output)
    {
        output = default;
        return SmbBody.Has(message, 9) && SmbBody.TryGetPart(message, 8, SmbBody.U16(message, 2), SmbBody.U32(message, 4), out output);
    }

    public static void WriteRename(Span<byte> body, SmbFileId file, string path, bool replace)
    {
        var nameBytes = Utf16.Write(path, body[(SetInfoBytes + RenameBytes)..]);
        WriteSetInfo(body, file, FileRenameInformation, RenameBytes + nameBytes);
        body[SetInfoBytes] = replace ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32LittleEndian(body[(SetInfoBytes + 16)..], (uint)nameBytes);
    }

    public static void WriteDelete(Span<byte> body, SmbFileId file)
    {
        WriteSetInfo(body, file, FileDispositionInformation, 1);
        body[SetInfoBytes] = 1;
    }

    public static void WriteIoctl(Span<byte> body, SmbFileId file, uint code, ReadOnlySpan<byte> input, int outputBytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 57);
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], code);
        file.Write(body[8..]);
        BinaryPrimitives.WriteUInt32LittleEndian(body[24..], SmbHeader.Bytes + IoctlBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(body[28..], (uint)input.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(body[44..], (uint)outputBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(body[48..], IsFsctl);
        input.CopyTo(body[IoctlBytes..]);
    }

    public static bool TryReadIoctl(ReadOnlySpan<byte> message, uint code, out ReadOnlySpan<byte> output)
    {
        output = default;
        return SmbBody.Has(message, 49) && SmbBody.U32(message, 4) == code && SmbBody.TryGetPart(message, 48, SmbBody.U32(message, 32), SmbBody.U32(message, 36), out output);
    }

    /// <summary>Reads FileDirectoryInformation (MS-FSCC, 2.4.10).</summary>
    /// <param name="output">What QUERY_DIRECTORY gave.</param>
    /// <param name="entries">Where the entries go, without <c>.</c> and <c>..</c>.</param>
    /// <returns>False for entries that lie outside of the output or have names that no entry can have.</returns>
    public static bool TryReadEntries(ReadOnlySpan<byte> output, ImmutableArray<SmbEntry>.Builder entries)
    {
        while (true)
        {
            if (output.Length < DirectoryEntryBytes)
            {
                return false;
            }

            var nameBytes = BinaryPrimitives.ReadUInt32LittleEndian(output[60..]);
            var length = BinaryPrimitives.ReadInt64LittleEndian(output[40..]);
            if (nameBytes == 0 || nameBytes % 2 != 0 || nameBytes > output.Length - DirectoryEntryBytes || length < 0)
            {
                return false;
            }

            var name = Utf16.Read(output.Slice(DirectoryEntryBytes, (int)nameBytes));
            if (name.AsSpan().IndexOfAny('\\', '/', '\0') >= 0)
            {
                return false;
            }

            if (name is not ("." or ".."))
            {
                entries.Add(EntryOf(name, length, BinaryPrimitives.ReadUInt32LittleEndian(output[56..])));
            }

            var next = BinaryPrimitives.ReadUInt32LittleEndian(output);
            if (next == 0)
            {
                return true;
            }

            if (next < DirectoryEntryBytes + nameBytes || next > output.Length)
            {
                return false;
            }

            output = output[(int)next..];
        }
    }

    public static SmbEntry EntryOf(string name, long length, uint attributes)
    {
        var isDirectory = (attributes & FileCodec.IsDirectory) != 0;
        return new(name, isDirectory ? 0 : length, isDirectory, (attributes & FileCodec.IsReparsePoint) != 0);
    }

    /// <summary>Reads FileFsFullSizeInformation (MS-FSCC, 2.5.4). Units that overflow are cut at the largest size there is.</summary>
    public static bool TryReadFullSize(ReadOnlySpan<byte> output, out long totalBytes, out long freeBytes)
    {
        (totalBytes, freeBytes) = (0, 0);
        if (output.Length < FsFullSizeBytes)
        {
            return false;
        }

        var unit = (ulong)BinaryPrimitives.ReadUInt32LittleEndian(output[24..]) * BinaryPrimitives.ReadUInt32LittleEndian(output[28..]);
        totalBytes = Multiply(BinaryPrimitives.ReadUInt64LittleEndian(output), unit);
        freeBytes = Multiply(BinaryPrimitives.ReadUInt64LittleEndian(output[8..]), unit);
        return true;

        static long Multiply(ulong units, ulong bytes) => (long)UInt128.Min((UInt128)units * bytes, long.MaxValue);
    }

    /// <summary>Reads FileFsAttributeInformation (MS-FSCC, 2.5.1).</summary>
    public static bool TryReadAttributes(ReadOnlySpan<byte> output, out bool isReadOnly, out string fileSystem)
    {
        (isReadOnly, fileSystem) = (false, string.Empty);
        if (output.Length < 12 || BinaryPrimitives.ReadUInt32LittleEndian(output[8..]) is var nameBytes && (nameBytes % 2 != 0 || nameBytes > output.Length - 12))
        {
            return false;
        }

        isReadOnly = (BinaryPrimitives.ReadUInt32LittleEndian(output) & ReadOnlyVolume) != 0;
        fileSystem = Utf16.Read(output.Slice(12, (int)nameBytes));
        return true;
    }

    private static void WriteSetInfo(Span<byte> body, SmbFileId file, byte informationClass, int length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body, 33);
        body[2] = InfoFile;
        body[3] = informationClass;
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], (uint)length);
        BinaryPrimitives.WriteUInt16LittleEndian(body[8..], SmbHeader.Bytes + SetInfoBytes);
        file.Write(body[16..]);
    }
}
