namespace RomFlash.Peers.Samba;

/// <summary>How a private Samba is set up. Every default is Samba's own, but for what makes it private.</summary>
public sealed record SambaOptions
{
    /// <summary>The least dialect: SMB2_02, SMB2_10, SMB3_00, SMB3_02 or SMB3_11.</summary>
    public string? MinProtocol { get; init; }

    /// <summary>The greatest dialect.</summary>
    public string? MaxProtocol { get; init; }

    /// <summary>Whether who does not sign is refused.</summary>
    public bool SigningMandatory { get; init; }

    /// <summary>Whether who does not encrypt is refused.</summary>
    public bool EncryptRequired { get; init; }

    /// <summary>Whether encryption is not offered at all.</summary>
    public bool EncryptOff { get; init; }

    /// <summary>The ciphers of 3.1.1, best first: AES-128-GCM, AES-128-CCM, AES-256-GCM, AES-256-CCM.</summary>
    public IReadOnlyList<string>? Ciphers { get; init; }

    /// <summary>The algorithms of signatures of 3.1.1, best first: AES-128-GMAC, AES-128-CMAC, HMAC-SHA256.</summary>
    public IReadOnlyList<string>? SigningAlgorithms { get; init; }

    /// <summary>How many credits a connection may have at once.</summary>
    public int? MaxCredits { get; init; }

    /// <summary>The largest read, in bytes.</summary>
    public int? MaxRead { get; init; }

    /// <summary>The largest write, in bytes.</summary>
    public int? MaxWrite { get; init; }

    /// <summary>The largest transaction, directory listing or ioctl, in bytes.</summary>
    public int? MaxTransaction { get; init; }

    /// <summary>Whether the system partition's share can only be read.</summary>
    public bool ReadOnlyShare { get; init; }

    /// <summary>Who may log on.</summary>
    public IReadOnlyList<SambaAccount> Accounts { get; init; } = [SambaAccount.Administrator, SambaAccount.Operator];

    /// <summary>Whether who fails to log on by an unknown name is made a guest (map to guest = Bad User), and the shares are open to guests.</summary>
    public bool MapsToGuest { get; init; }

    /// <summary>Whether pipes are served. When they are not, each says OBJECT_NAME_NOT_FOUND, as a Windows without the Remote Registry service does.</summary>
    public bool RegistryPipes { get; init; } = true;

    /// <summary>Who may connect the administrators' share.</summary>
    public SambaAdminShare AdminShare { get; init; } = SambaAdminShare.AdministratorsOnly;

    /// <summary>What the system partition's share says its file system is.</summary>
    public string FileSystem { get; init; } = "FAT32";

    /// <summary>The size of the system partition in bytes, on a file system of its own in memory that is full when it is full; none of its own when null. Needs root's right to mount.</summary>
    public long? DiskSize { get; init; }

    /// <summary>The folder in which everything of the server lies in a folder of its own; the system's for temporary files when null.</summary>
    public string? ParentFolder { get; init; }

    /// <summary>More shares.</summary>
    public IReadOnlyList<SambaShare> ExtraShares { get; init; } = [];

    /// <summary>What the registry holds from the beginning.</summary>
    public SambaRegistry? Registry { get; init; }

    /// <summary>Lines for the configuration's global section.</summary>
    public IReadOnlyList<string> ExtraSettings { get; init; } = [];

    /// <summary>How much is logged: 0 for errors alone, up to 10.</summary>
    public int LogLevel { get; init; } = 1;
}

/// <summary>Who may connect <c>ADMIN$</c>.</summary>
public enum SambaAdminShare
{
    /// <summary>There is none.</summary>
    None = 0,

    /// <summary>Administrators, as on Windows.</summary>
    AdministratorsOnly,

    /// <summary>Everybody who can log on: a trap for who takes a connected share for rights.</summary>
    Everybody,
}

/// <summary>One more share.</summary>
/// <param name="Name">Its name.</param>
public sealed record SambaShare(string Name)
{
    /// <summary>Whether administrators alone may connect it.</summary>
    public bool AdministratorsOnly { get; init; }

    /// <summary>Whether it can only be read.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The folder that is shared; one of its own when null.</summary>
    public string? Folder { get; init; }

    /// <summary>Lines for its section.</summary>
    public IReadOnlyList<string> ExtraSettings { get; init; } = [];
}
