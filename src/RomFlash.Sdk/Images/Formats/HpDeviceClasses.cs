namespace RomFlash.Sdk.Images.Formats;

/// <summary>The device classes of HP and HPE whose meaning is public: iLO's Redfish service gives them with each entry of its firmware inventory.</summary>
internal static class HpDeviceClasses
{
    /// <summary>System ROMs.</summary>
    public static Guid SystemRom => new("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4");

    /// <summary>The management controller, iLO.</summary>
    public static Guid ManagementController => new("2f317b9d-c9e3-4d76-bff6-b9d0d085a952");

    /// <summary>What kind of ROM a class is, or null where that is not public.</summary>
    public static RomKind? KindOf(Guid deviceClass) =>
        deviceClass == SystemRom ? RomKind.SystemRom
        : deviceClass == ManagementController ? RomKind.Controller
        : null;
}
