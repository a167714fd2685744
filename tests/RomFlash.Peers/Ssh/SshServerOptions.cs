namespace RomFlash.Peers.Ssh;

/// <summary>How a private sshd is set up.</summary>
public sealed record SshServerOptions
{
    /// <summary>Further lines of sshd_config(5); they come first, and so count.</summary>
    public string Further { get; init; } = string.Empty;

    /// <summary>An account that is not root, for whom the server's client configurations log on; null for the user of this process.</summary>
    public SshAccount? Account { get; init; }

    /// <summary>The folder in which everything of the server lies in a folder of its own; the system's for temporary files when null.</summary>
    public string? ParentFolder { get; init; }
}
