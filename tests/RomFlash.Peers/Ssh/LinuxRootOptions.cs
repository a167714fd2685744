namespace RomFlash.Peers.Ssh;

/// <summary>What machine a <see cref="LinuxRoot"/> is.</summary>
public sealed record LinuxRootOptions
{
    /// <summary>DMI's sys_vendor.</summary>
    public string Manufacturer { get; init; } = "Contoso";

    /// <summary>DMI's product_name.</summary>
    public string Product { get; init; } = "Server 380";

    /// <summary>DMI's product_sku.</summary>
    public string Sku { get; init; } = "826565-B21";

    /// <summary>DMI's product_serial, which root alone reads.</summary>
    public string SerialNumber { get; init; } = "CZ1234";

    /// <summary>DMI's product_uuid, which root alone reads.</summary>
    public Guid Uuid { get; init; } = new("00112233-4455-6677-8899-aabbccddeeff");

    /// <summary>DMI's bios_version.</summary>
    public string BiosVersion { get; init; } = "U30 v2.50";

    /// <summary>The system's entry of the EFI System Resource Table; null for a machine without one.</summary>
    public LinuxFirmware? SystemFirmware { get; init; } = new(new("ffeeddcc-bbaa-9988-7766-554433221100"), 1, 0x0002_0032, 0x0001_0000);

    /// <summary>Whether OsIndicationsSupported has the bit for capsule files (4).</summary>
    public bool SupportsCapsuleFiles { get; init; } = true;

    /// <summary>OsIndications at the beginning; null for none.</summary>
    public ulong? OsIndications { get; init; }

    /// <summary>Whether the machine has Secure Boot on.</summary>
    public bool SecureBoot { get; init; }

    /// <summary>Whether the firmware takes any file in <c>EFI/UpdateCapsule</c>, and the root says so in <c>etc/romflash/arming</c>.</summary>
    public bool TakesAnyFile { get; init; }

    /// <summary>Whether it was booted by UEFI: has <c>sys/firmware/efi</c>.</summary>
    public bool HasEfi { get; init; } = true;

    /// <summary>The size in bytes of a system partition that is a file system of its own, and full when it is full; a folder when null. Needs root.</summary>
    public long? PartitionSize { get; init; }

    /// <summary>Which file system the mount table tells of the system partition.</summary>
    public string FileSystem { get; init; } = "vfat";

    /// <summary>The partition's GUID, which Boot0000 and udev tell.</summary>
    public Guid PartitionId { get; init; } = new("5f0dc1a4-7d31-4c5b-9d0a-2f3b7a1c9e44");

    /// <summary>How its <c>shutdown</c> behaves.</summary>
    public LinuxShutdown Shutdown { get; init; }
}

/// <summary>An entry of the EFI System Resource Table.</summary>
/// <param name="FirmwareClass">The firmware's class.</param>
/// <param name="Type">1 for system firmware, 2 for a device's, 3 for a driver's; 0 for not told.</param>
/// <param name="Version">The version that runs.</param>
/// <param name="LowestSupported">The least version that may be installed.</param>
/// <param name="LastAttemptVersion">The version of the last attempt.</param>
/// <param name="LastAttemptStatus">How the last attempt ended; 0 for well.</param>
public sealed record LinuxFirmware(Guid FirmwareClass, uint Type, uint Version, uint LowestSupported = 0, uint LastAttemptVersion = 0, uint LastAttemptStatus = 0);

/// <summary>How a <c>shutdown</c> behaves.</summary>
public enum LinuxShutdown
{
    /// <summary>As systemd's: it leaves word, in <c>run/systemd/shutdown/scheduled</c>, and ends.</summary>
    Systemd = 0,

    /// <summary>As sysvinit's: it is what waits, until it is taken back or the time has come.</summary>
    SysVInit,
}

/// <summary>What a capsule makes of the machine when it boots.</summary>
/// <param name="Version">The version of the ESRT entry afterwards, and of its last attempt.</param>
/// <param name="BiosVersion">DMI's bios_version afterwards; as before when null.</param>
/// <param name="Status">How the attempt ends; other than 0, and the versions stay.</param>
/// <param name="FirmwareClass">Whose entry; the system's when null.</param>
public sealed record LinuxFlash(uint Version, string? BiosVersion = null, uint Status = 0, Guid? FirmwareClass = null);

/// <summary>A call of <c>shutdown</c>.</summary>
/// <param name="User">The number of the account that asked; others than 0 were refused.</param>
/// <param name="Arguments">All arguments.</param>
/// <param name="WasRefused">Whether it did nothing.</param>
/// <param name="WasCancelled">Whether a later call took it back.</param>
public sealed record LinuxShutdownRequest(int User, IReadOnlyList<string> Arguments, bool WasRefused, bool WasCancelled)
{
    /// <summary>Whether it takes back one that was asked for.</summary>
    public bool IsCancel => Arguments is ["-c", ..];
}

/// <summary>A file that firmware took.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Content">Its content.</param>
public sealed record LinuxCapsule(string Name, byte[] Content);
