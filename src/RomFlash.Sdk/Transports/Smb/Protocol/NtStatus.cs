namespace RomFlash.Sdk.Transports.Smb.Protocol;

/// <summary>The NTSTATUS values (MS-ERREF, 2.3.1) that the client decides by; <see cref="SmbFault"/> knows many more.</summary>
internal static class NtStatus
{
    public const uint Success = 0x00000000;
    public const uint Pending = 0x00000103;
    public const uint BufferOverflow = 0x80000005;
    public const uint NoMoreFiles = 0x80000006;
    public const uint NoSuchFile = 0xC000000F;
    public const uint InvalidDeviceRequest = 0xC0000010;
    public const uint EndOfFile = 0xC0000011;
    public const uint MoreProcessingRequired = 0xC0000016;
    public const uint NotSupported = 0xC00000BB;
    public const uint NetworkNameDeleted = 0xC00000C9;
    public const uint FileClosed = 0xC0000128;

    /// <summary>Whether the severity is an error (MS-ERREF, 2.3: both upper bits).</summary>
    public static bool IsError(uint status) => status >= 0xC0000000;
}
