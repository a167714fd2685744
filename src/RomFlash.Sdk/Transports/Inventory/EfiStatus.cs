using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Transports.Inventory;

/// <summary>The names of EFI_STATUS values (UEFI 2.10, appendix D).</summary>
internal static class EfiStatus
{
    // The highest bit makes an error of a number; without it, it is a warning.
    private const ulong Error = 1UL << 63;

    /// <summary>A status, with its name where it has one. Warnings are left to their numbers.</summary>
    public static PeerCode ToPeerCode(ulong status) => new(PeerCode.UefiStatus, status, SymbolOf(status));

    private static string? SymbolOf(ulong status) => status switch
    {
        0 => "EFI_SUCCESS",
        Error | 1 => "EFI_LOAD_ERROR",
        Error | 2 => "EFI_INVALID_PARAMETER",
        Error | 3 => "EFI_UNSUPPORTED",
        Error | 4 => "EFI_BAD_BUFFER_SIZE",
        Error | 5 => "EFI_BUFFER_TOO_SMALL",
        Error | 6 => "EFI_NOT_READY",
        Error | 7 => "EFI_DEVICE_ERROR",
        Error | 8 => "EFI_WRITE_PROTECTED",
        Error | 9 => "EFI_OUT_OF_RESOURCES",
        Error | 10 => "EFI_VOLUME_CORRUPTED",
        Error | 11 => "EFI_VOLUME_FULL",
        Error | 12 => "EFI_NO_MEDIA",
        Error | 13 => "EFI_MEDIA_CHANGED",
        Error | 14 => "EFI_NOT_FOUND",
        Error | 15 => "EFI_ACCESS_DENIED",
        Error | 18 => "EFI_TIMEOUT",
        Error | 19 => "EFI_NOT_STARTED",
        Error | 20 => "EFI_ALREADY_STARTED",
        Error | 21 => "EFI_ABORTED",
        Error | 24 => "EFI_PROTOCOL_ERROR",
        Error | 25 => "EFI_INCOMPATIBLE_VERSION",
        Error | 26 => "EFI_SECURITY_VIOLATION",
        Error | 27 => "EFI_CRC_ERROR",
        Error | 33 => "EFI_COMPROMISED_DATA",
        _ => null,
    };
}
