namespace RomFlash.Sdk.Images.Formats.FirmwareVolumes;

/// <summary>The file systems of firmware volumes that are known by name.</summary>
internal static class FileSystems
{
    /// <summary>EFI_FIRMWARE_FILE_SYSTEM2_GUID (UEFI PI 1.8, volume 3, 3.2.2).</summary>
    public static Guid Ffs2 => new("8c8ce578-8a3d-4f1c-9935-896185c32dd3");

    /// <summary>EFI_FIRMWARE_FILE_SYSTEM3_GUID: with files of 16 MiB and more (UEFI PI 1.8, volume 3, 3.2.2).</summary>
    public static Guid Ffs3 => new("5473c07a-3dcb-4dca-bd6f-1e9689e7349a");

    /// <summary>EFI_SYSTEM_NV_DATA_FV_GUID of EDK II (MdeModulePkg): variables and what makes their writing survive a loss of power.</summary>
    public static Guid Nvram => new("fff12b8d-7696-4c8b-a985-2747075b4f50");

    // The file system of the framework before PI (Intel, Firmware File System Specification 0.9).
    private static Guid Ffs1 => new("7a9354d9-0468-444a-81ce-0bf617d890df");

    /// <summary>The name, or null.</summary>
    public static string? NameOf(Guid id) =>
        id == Ffs2 ? "FFS2"
        : id == Ffs3 ? "FFS3"
        : id == Nvram ? "NVRAM"
        : id == Ffs1 ? "FFS1"
        : null;
}
