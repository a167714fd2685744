namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>How Linux targets are reached. Immutable; one instance serves many sessions.</summary>
public sealed record SshTransportOptions
{
    /// <summary>The installed OpenSSH client: a name that is looked for in PATH, or a path. <c>ssh</c> by default.</summary>
    public string Program
    {
        get;
        init => field = string.IsNullOrWhiteSpace(value) ? throw new ArgumentException("a program has a name", nameof(value)) : value;
    } = "ssh";

    /// <summary>The only configuration file that the client reads (ssh_config(5)); null, the default, for the user's and the system's own.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>Whether what a session does at a time shares one connection. The default where the platform has it: everywhere but on Windows, whose OpenSSH connects anew each time.</summary>
    public bool Multiplex { get; init; } = !OperatingSystem.IsWindows();

    /// <summary>
    /// A folder of the target that stands for its root, such as that of a chroot: an absolute path; empty, the default, for the root itself. Everything is looked for under it: <c>/sys</c>, <c>/proc</c>,
    /// <c>/run</c>, <c>/etc/romflash</c> and the system partition.
    /// </summary>
    public string FactRoot
    {
        get;
        init => field = IsRoot(value) ? value.TrimEnd('/') : throw new ArgumentException("a folder that stands for the root is an absolute path without . and .. and control characters", nameof(value));
    } = string.Empty;

    /// <summary>What is run on the target to restart it, as shutdown(8): a name that is looked for in PATH, or a path. <c>shutdown</c> by default.</summary>
    public string ShutdownProgram
    {
        get;
        init => field = string.IsNullOrWhiteSpace(value) || value.Any(char.IsControl) ? throw new ArgumentException("a program has a name", nameof(value)) : value;
    } = "shutdown";

    /// <summary>Whether an account other than root runs everything through <c>sudo -n</c>, which never asks. True by default; what it may not is told as a missing right.</summary>
    public bool UseSudo { get; init; } = true;

    /// <summary>
    /// Whether a password that the credentials hold is given to the client through SSH_ASKPASS. False by default: keys are better. The password goes through a named pipe, and lies in no file and on no
    /// command line; it has at most 1023 bytes. Needs <see cref="Multiplex"/>, <c>mkfifo</c> and OpenSSH 8.4. Not where the client's configuration connects through a jump host or a command.
    /// </summary>
    public bool AllowPasswords { get; init; }

    /// <summary>How long one step of connecting may take: getting the host key, logging on, opening a channel. 30 s by default, 1 ms to 10 minutes.</summary>
    public TimeSpan ConnectTimeout
    {
        get;
        init => field = IsTime(value) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromSeconds(30);

    /// <summary>How long a target may not take or give anything while something is on its way: 60 s by default, 1 ms to 10 minutes.</summary>
    public TimeSpan StallTimeout
    {
        get;
        init => field = IsTime(value) ? value : throw new ArgumentOutOfRangeException(nameof(value));
    } = TimeSpan.FromSeconds(60);

    private static bool IsTime(TimeSpan value) => value >= TimeSpan.FromMilliseconds(1) && value <= TimeSpan.FromMinutes(10);

    private static bool IsRoot(string value) =>
        value is "" || (value is ['/', ..] && !value.Any(char.IsControl) && !value.Split('/').Any(p => p is "." or ".."));
}
