using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Files;

/// <summary>What opening means on the wire (MS-SMB2, 2.2.13 and 2.2.13.1).</summary>
internal static class SmbAccessBits
{
    /// <summary>FILE_WRITE_DATA: what a share has to give to be written.</summary>
    public const uint WriteData = 0x00000002;

    private const uint ReadData = 0x00000001;
    private const uint AppendData = 0x00000004;
    private const uint ReadAttributes = 0x00000080;
    private const uint WriteAttributes = 0x00000100;
    private const uint DeleteAccess = 0x00010000;
    private const uint Synchronize = 0x00100000;

    // CreateDisposition.
    private const uint Open = 1, Create = 2, OpenIf = 3;

    // CreateOptions.
    private const uint DirectoryFile = 0x00000001, NonDirectoryFile = 0x00000040, OpenReparsePoint = 0x00200000;

    /// <summary>A pipe: read and write, shared for both.</summary>
    public static CreateRequest Pipe => new(ReadData | WriteData | AppendData | ReadAttributes | WriteAttributes | Synchronize, 0x3, Open, NonDirectoryFile);

    public static CreateRequest Of(SmbOpen how) => new(
        ReadAttributes | Synchronize
            | (how.Access.HasFlag(SmbAccess.Read) ? ReadData : 0)
            | (how.Access.HasFlag(SmbAccess.Write) ? WriteData | AppendData : 0)
            | (how.Access.HasFlag(SmbAccess.Delete) ? DeleteAccess : 0),
        (uint)how.Sharing & 0x7,
        how.Disposition switch
        {
            SmbDisposition.Open => Open,
            SmbDisposition.Create => Create,
            SmbDisposition.OpenOrCreate => OpenIf,
            _ => throw new ArgumentOutOfRangeException(nameof(how)),
        },
        OpenReparsePoint
            | how.Kind switch
            {
                SmbNodeKind.Any => 0,
                SmbNodeKind.File => NonDirectoryFile,
                SmbNodeKind.Directory => DirectoryFile,
                _ => throw new ArgumentOutOfRangeException(nameof(how)),
            });
}
