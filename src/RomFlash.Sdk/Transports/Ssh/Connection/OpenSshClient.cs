using System.Diagnostics;
using System.Globalization;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>How a process reaches the target.</summary>
/// <param name="ControlSocket">The control socket; null when the process connects for itself alone.</param>
/// <param name="KnownHosts">The only file of known hosts, for a pinned key; null for the user's own.</param>
/// <param name="AskPass">The program that answers with a password; null where keys decide.</param>
/// <param name="Ciphers">The permitted ciphers in the order in which they are offered; null for the configuration's order.</param>
internal readonly record struct SshRoute(string? ControlSocket, string? KnownHosts, string? AskPass = null, string? Ciphers = null);

/// <summary>
/// Drives the installed ssh by lists of arguments, never through a shell. The user's configuration, keys, agent and jumps go on working as by hand; what would weaken the check of the host key, forward
/// something, run something here or ask somebody is overruled.
/// </summary>
internal sealed class OpenSshClient(OpenSshOptions options, TimeProvider time)
{
    public OpenSshOptions Options => options;

    // Whatever the configuration makes of sessions by hand; not beside -N.
    private const string RunsCommand = "SessionType=default";

    public TimeProvider Time => time;

    /// <summary>Arguments for a connection of its own that runs a command; with a control socket it serves others besides.</summary>
    public List<string> Connect(SshAddress address, SshRoute route, string command)
    {
        var arguments = Base(mayAsk: route.AskPass is not null);
        Option(arguments, RunsCommand);
        Option(arguments, "StrictHostKeyChecking=yes");
        if (route.AskPass is not null)
        {
            // The one method whose question is ssh's own: a server words those of keyboard-interactive.
            Option(arguments, "PreferredAuthentications=password");
            Option(arguments, "PasswordAuthentication=yes");
            Option(arguments, "KbdInteractiveAuthentication=no");
            Option(arguments, "NumberOfPasswordPrompts=1");
        }

        if (route.KnownHosts is { } file)
        {
            OnlyKnownHosts(arguments, file);
        }

        if (route.Ciphers is { } ciphers)
        {
            Option(arguments, "Ciphers=" + ciphers);
        }

        // Its own socket or none: ssh would use a connection that somebody else has opened, and has checked in their own way.
        arguments.AddRange(["-S", route.ControlSocket is { } socket ? Expanded(socket) : "none"]);
        Option(arguments, route.ControlSocket is null ? "ControlMaster=no" : "ControlMaster=yes");
        Option(arguments, "ControlPersist=no");
        Where(arguments, address);
        arguments.Add(command);
        return arguments;
    }

    /// <summary>Arguments for a channel of a connection that is there. When it is not there any more nothing connects in its place: that could be another machine, or another boot of it.</summary>
    public List<string> Share(SshAddress address, string controlSocket, string command)
    {
        var arguments = Base();
        Option(arguments, RunsCommand);
        Option(arguments, "StrictHostKeyChecking=yes");
        arguments.AddRange(["-S", Expanded(controlSocket)]);
        Option(arguments, "ControlMaster=no");
        Option(arguments, "ProxyCommand=false");
        Where(arguments, address);
        arguments.Add(command);
        return arguments;
    }

    /// <summary>Arguments that print the configuration for a peer (ssh -G), and connect to nothing.</summary>
    public List<string> Configuration(SshAddress address)
    {
        var arguments = Base();
        arguments.Add("-G");
        Where(arguments, address);
        return arguments;
    }

    /// <summary>Arguments that end a shared connection.</summary>
    public List<string> Exit(SshAddress address, string controlSocket)
    {
        var arguments = Base();
        arguments.AddRange(["-S", Expanded(controlSocket), "-O", "exit"]);
        Where(arguments, address);
        return arguments;
    }

    /// <summary>Arguments that get the peer's host key into an empty file, log nobody on and run nothing.</summary>
    /// <param name="address">The peer.</param>
    /// <param name="file">The file, which only this user can reach.</param>
    /// <param name="except">Patterns of key types that the peer is not asked for.</param>
    public List<string> GetHostKey(SshAddress address, string file, IReadOnlyList<string> except)
    {
        var arguments = Base();
        Option(arguments, "StrictHostKeyChecking=accept-new");
        OnlyKnownHosts(arguments, file);
        if (except.Count > 0)
        {
            Option(arguments, "HostKeyAlgorithms=-" + string.Join(',', except));
        }

        Option(arguments, "PreferredAuthentications=none");
        Option(arguments, "PubkeyAuthentication=no");
        Option(arguments, "PasswordAuthentication=no");
        Option(arguments, "KbdInteractiveAuthentication=no");
        Option(arguments, "GSSAPIAuthentication=no");
        Option(arguments, "HostbasedAuthentication=no");
        arguments.AddRange(["-N", "-S", "none"]);
        Option(arguments, "ControlMaster=no");
        Where(arguments, address);
        return arguments;
    }

    /// <summary>Starts ssh.</summary>
    /// <param name="arguments">What it is told.</param>
    /// <param name="askPass">What it asks for a password; null when it may ask nobody.</param>
    public TransportResult<SshProcess> Start(IEnumerable<string> arguments, string? askPass = null)
    {
        var program = Resolve(options.Program);
        if (program is null)
        {
            return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "the OpenSSH client is not installed: ssh is driven by this transport");
        }

        // In a session of its own where the system has the tool: Ctrl+C in a terminal goes to the whole group, and would cut the connection that a stop cleans up over.
        var leader = OperatingSystem.IsLinux() ? Resolve("setsid") : null;
        var start = leader is null ? new ProcessStartInfo(program, arguments) : new ProcessStartInfo(leader, [program, .. arguments]);

        // The texts are read.
        start.Environment["LC_ALL"] = "C";
        start.Environment.Remove("LANGUAGE");
        start.Environment["SSH_ASKPASS_REQUIRE"] = askPass is null ? "never" : "force";
        if (askPass is not null)
        {
            start.Environment["SSH_ASKPASS"] = askPass;
        }

        return SshProcess.Start(start, time);
    }

    /// <summary>Starts a tool of this machine's that is not ssh.</summary>
    public TransportResult<SshProcess> StartTool(string name, IEnumerable<string> arguments)
    {
        var program = Resolve(name);
        return program is null
            ? new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, $"{name} is not installed here")
            : SshProcess.Start(new ProcessStartInfo(program, arguments), time);
    }

    private static string? Resolve(string program)
    {
        if (OperatingSystem.IsWindows() || program.Contains('/', StringComparison.Ordinal))
        {
            return OperatingSystem.IsWindows() || File.Exists(program) ? program : null;
        }

        return (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(Path.IsPathRooted)
            .Select(f => Path.Combine(f, program))
            .FirstOrDefault(File.Exists);
    }

    // What ssh would expand is doubled.
    private static string Expanded(string path) => path.Replace("%", "%%", StringComparison.Ordinal);

    private static void Option(List<string> arguments, string option) => arguments.AddRange(["-o", option]);

    private static void OnlyKnownHosts(List<string> arguments, string file)
    {
        // Between quotes as ssh_config(5) has them; with slashes, because a backslash has a meaning there.
        Option(arguments, $"UserKnownHostsFile=\"{Expanded(OperatingSystem.IsWindows() ? file.Replace('\\', '/') : file)}\"");
        Option(arguments, OperatingSystem.IsWindows() ? "GlobalKnownHostsFile=none" : "GlobalKnownHostsFile=/dev/null");
        Option(arguments, "HashKnownHosts=no");
        Option(arguments, "CheckHostIP=no");
        Option(arguments, "KnownHostsCommand=none");
    }

    private static void Where(List<string> arguments, SshAddress address)
    {
        if (address.Port is { } port)
        {
            arguments.AddRange(["-p", port.ToString(CultureInfo.InvariantCulture)]);
        }

        if (address.User is { } user)
        {
            arguments.AddRange(["-l", user]);
        }

        arguments.AddRange(["--", address.Host]);
    }

    private List<string> Base(bool mayAsk = false)
    {
        var arguments = new List<string>();
        if (options.ConfigurationFile is { } file)
        {
            arguments.AddRange(["-F", file]);
        }

        // The first value that ssh obtains is the one that counts, and the command line is first.
        arguments.AddRange(["-T", "-x", "-a"]);
        string[] fixedOptions =
        [
            mayAsk ? "BatchMode=no" : "BatchMode=yes",
            "RequestTTY=no",
            "ForwardAgent=no",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "Tunnel=no",
            "EscapeChar=none",
            "UpdateHostKeys=no",
            "NoHostAuthenticationForLocalhost=no",

            // Ways by which a key is trusted that nobody has put among the known hosts. Not every ssh knows all options, so what is unknown is passed over from here on.
            "IgnoreUnknown=*",
            "VerifyHostKeyDNS=no",
            "GSSAPIKeyExchange=no",
            "GSSAPIDelegateCredentials=no",
            "StdinNull=no",
            "ForkAfterAuthentication=no",
            "LogLevel=INFO",
            string.Create(CultureInfo.InvariantCulture, $"ConnectTimeout={WholeSeconds(options.ConnectTimeout)}"),
            string.Create(CultureInfo.InvariantCulture, $"ServerAliveInterval={WholeSeconds(options.AliveInterval)}"),
            string.Create(CultureInfo.InvariantCulture, $"ServerAliveCountMax={options.AliveCount}"),
        ];
        foreach (var option in fixedOptions)
        {
            Option(arguments, option);
        }

        return arguments;
    }

    private static int WholeSeconds(TimeSpan time) => (int)Math.Clamp(Math.Ceiling(time.TotalSeconds), 1, 86400);
}
