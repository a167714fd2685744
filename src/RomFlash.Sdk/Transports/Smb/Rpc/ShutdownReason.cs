namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>Why a peer is restarted (MS-RSP, 2.3): a major reason, a minor one, and flags.</summary>
internal static class ShutdownReason
{
    private const uint MajorHardware = 0x0001_0000;
    private const uint MinorMaintenance = 0x0000_0001;
    private const uint FlagPlanned = 0x8000_0000;

    /// <summary>"Hardware: Maintenance (Planned)": there is none for firmware. SHTDN_REASON_MAJOR_HARDWARE, SHTDN_REASON_MINOR_MAINTENANCE, SHTDN_REASON_FLAG_PLANNED.</summary>
    public const uint PlannedHardwareMaintenance = FlagPlanned | MajorHardware | MinorMaintenance;
}
