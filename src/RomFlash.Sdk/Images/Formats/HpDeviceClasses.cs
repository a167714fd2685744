namespace RomFlash.Sdk.Images.Formats;

/// <summary>The device classes of HP and HPE whose meaning is public.</summary>
internal static class HpDeviceClasses
{
    /// <summary>System ROMs.</summary>
    public static Guid SystemRom => new("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4");
}
