namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>How the installed ssh is used.</summary>
internal sealed record OpenSshOptions
{
    /// <summary>The program's name, or its path.</summary>
    public string Program { get; init; } = "ssh";

    /// <summary>The only configuration file that ssh reads; null for the user's and the system's own.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>Whether all channels of a session share one connection. OpenSSH for Windows can't.</summary>
    public bool Multiplex { get; init; } = !OperatingSystem.IsWindows();

    /// <summary>The longest time for a step of connecting: getting the host key, logging on, opening a channel.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a channel may not move while something is sent or awaited.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often ssh asks a silent peer whether it is there, in whole seconds.</summary>
    public TimeSpan AliveInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many unanswered questions end the connection.</summary>
    public int AliveCount { get; init; } = 3;
}
