using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RomFlash.Peers.Ssh;

/// <summary>A private sshd on 127.0.0.1 that the user of this process logs on to, with keys of its own. Gone with its folder when disposed, and when this process ends.</summary>
/// <remarks>Needs Linux. The methods that do something to its processes are not for use at once.</remarks>
public sealed class SshServer : IAsyncDisposable
{
    private const int Attempts = 5;

    private static readonly string[] Keys = ["host", "host_rsa", "user", "stranger"];

    private readonly PeerFolder _folder;
    private readonly string _sshd;
    private Process? _process;

    private SshServer(PeerFolder folder, int port, string sshd)
    {
        _folder = folder;
        _sshd = sshd;
        Port = port;
    }

    /// <summary>Its port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The only configuration file that a client of it needs: names the user's key and <see cref="KnownHosts"/>.</summary>
    public string ClientConfiguration => _folder.Combine("ssh_config");

    /// <summary>The same with a key that the server does not know.</summary>
    public string StrangerConfiguration => _folder.Combine("stranger_config");

    /// <summary>The known hosts of <see cref="ClientConfiguration"/>; has the server's Ed25519 key.</summary>
    public string KnownHosts => _folder.Combine("known_hosts");

    /// <summary>The fingerprint of its Ed25519 key, as ssh-keygen shows it.</summary>
    public string Fingerprint { get; private set; } = string.Empty;

    /// <summary>The fingerprint of its RSA key, as ssh-keygen shows it.</summary>
    public string RsaFingerprint { get; private set; } = string.Empty;

    /// <summary>What it has logged.</summary>
    public string Log => File.Exists(_folder.Combine("log")) ? File.ReadAllText(_folder.Combine("log")) : string.Empty;

    /// <summary>Its processes, and those that it runs for who has logged on.</summary>
    public IReadOnlyList<int> Processes => _process is { } process ? [process.Id, .. Descendants(process.Id)] : [];

    /// <summary>A folder of the server's for tests; its name is in no command line of the server.</summary>
    public string Folder => _folder.Path;

    /// <summary>The ssh programs that run with one of its configuration files.</summary>
    public IReadOnlyList<int> Clients =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0 && id != Environment.ProcessId && Words(id) is [var program, ..] words && Path.GetFileName(program) is "ssh" or "setsid" && (words.Contains(ClientConfiguration) || words.Contains(StrangerConfiguration))),
    ];

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="further">Further lines of sshd_config(5); they come first, and so count.</param>
    /// <param name="cancellationToken">Ends what was begun.</param>
    /// <returns>The server.</returns>
    /// <exception cref="PeerUnavailableException">OpenSSH is not installed, or may not run here.</exception>
    public static async Task<SshServer> StartAsync(string further = "", CancellationToken cancellationToken = default)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PeerUnavailableException("a private sshd needs Linux");
        }

        var sshd = PeerProgram.Find("sshd", "openssh-server");
        if (Environment.IsPrivilegedProcess)
        {
            // Where sshd locks up its unprivileged half; a service manager makes it otherwise.
            Directory.CreateDirectory("/run/sshd");
        }

        for (var attempt = 1; ; attempt++)
        {
            var folder = PeerFolder.Create(null, "romflash-sshd-");
            var server = new SshServer(folder, LoopbackSockets.FreePort(), sshd);
            try
            {
                await server.WriteAsync(further, cancellationToken);
                if (await server.TryRunAsync(cancellationToken))
                {
                    return server;
                }

                if (attempt == Attempts)
                {
                    throw new InvalidOperationException($"sshd did not listen on a free port {Attempts} times: {server.Log}");
                }
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }

            // Somebody else took the port in between.
            await server.DisposeAsync();
        }
    }

    /// <summary>Stops all its processes where they are (SIGSTOP), with what they run: connections stay, and nothing answers.</summary>
    /// <returns>Done when all have stopped.</returns>
    public async Task FreezeAsync()
    {
        for (var tries = 0; tries < 500; tries++)
        {
            var running = Processes.Where(p => Stat(p) is ({ } state, _) && state is not ('T' or 'Z')).ToList();
            if (running is [])
            {
                return;
            }

            running.ForEach(p => Signals.Send(p, Signal.Stop));
            await Task.Delay(1);
        }

        throw new InvalidOperationException("sshd's processes do not stop");
    }

    /// <summary>Lets all its processes go on.</summary>
    public void Thaw()
    {
        foreach (var process in Processes)
        {
            Signals.Send(process, Signal.Continue);
        }
    }

    /// <summary>Kills everything, and what it runs.</summary>
    /// <returns>Done when all are gone.</returns>
    public async Task KillAsync()
    {
        // The children first: who they belong to is not known any more when the parent is gone.
        for (var tries = 0; tries < 500; tries++)
        {
            var children = Processes.Skip(1).Where(p => Stat(p) is ({ } state, _) && state != 'Z').ToList();
            if (_process is { HasExited: false } listener)
            {
                Signals.Send(listener.Id, Signal.Stop);
            }

            if (children is [])
            {
                break;
            }

            children.ForEach(p => Signals.Send(p, Signal.Kill));
            await Task.Delay(2);
        }

        if (_process is { } process)
        {
            _process = null;
            Signals.Send(process.Id, Signal.Kill);
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    /// <summary>Kills everything and deletes the folder.</summary>
    /// <returns>Done when nothing is left.</returns>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await _folder.DisposeAsync();
    }

    private static IEnumerable<int> Descendants(int ancestor)
    {
        var parents = Directory.EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Stat(id).Parent))
            .ToLookup(p => p.Parent, p => p.Id);
        var found = new List<int> { ancestor };
        for (var i = 0; i < found.Count; i++)
        {
            found.AddRange(parents[found[i]]);
        }

        return found.Skip(1);
    }

    // The state letter of proc(5) follows the name, which ends with the last bracket; the parent follows it.
    private static (char? State, int Parent) Stat(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, -1);
        }
    }

    private static string[] Words(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private async Task WriteAsync(string further, CancellationToken cancellationToken)
    {
        var keygen = PeerProgram.Find("ssh-keygen", "openssh-client");
        foreach (var name in Keys)
        {
            await KeygenAsync(["-q", "-t", name == "host_rsa" ? "rsa" : "ed25519", "-b", "2048", "-N", "", "-C", name, "-f", _folder.Combine(name)]);
        }

        Fingerprint = (await KeygenAsync(["-l", "-f", _folder.Combine("host.pub")])).Output.Split(' ')[1];
        RsaFingerprint = (await KeygenAsync(["-l", "-f", _folder.Combine("host_rsa.pub")])).Output.Split(' ')[1];
        File.Copy(_folder.Combine("user.pub"), _folder.Combine("authorized_keys"));
        var key = (await File.ReadAllTextAsync(_folder.Combine("host.pub"), cancellationToken)).Split(' ');
        await File.WriteAllTextAsync(KnownHosts, $"[127.0.0.1]:{Port} {key[0]} {key[1]}\n", cancellationToken);
        await WriteClientAsync(ClientConfiguration, "user");
        await WriteClientAsync(StrangerConfiguration, "stranger");
        await File.WriteAllTextAsync(
            _folder.Combine("sshd_config"),
            $"""
            {further}
            ListenAddress 127.0.0.1
            Port {Port}
            HostKey {_folder.Combine("host")}
            HostKey {_folder.Combine("host_rsa")}
            AuthorizedKeysFile {_folder.Combine("authorized_keys")}
            PidFile {_folder.Combine("pid")}
            PermitRootLogin yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UsePAM no
            StrictModes no
            PrintMotd no
            PrintLastLog no
            MaxStartups 100
            MaxSessions 20

            """,
            cancellationToken);

        async Task<PeerResult> KeygenAsync(string[] arguments) => (await PeerProgram.RunAsync(keygen, arguments, cancellationToken: cancellationToken)).Required("ssh-keygen");

        Task WriteClientAsync(string file, string identity) => File.WriteAllTextAsync(
            file,
            $"""
            IdentityFile {_folder.Combine(identity)}
            IdentitiesOnly yes
            IdentityAgent none
            UserKnownHostsFile {KnownHosts}
            GlobalKnownHostsFile /dev/null

            """,
            cancellationToken);
    }

    private async Task<bool> TryRunAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(_sshd, ["-D", "-f", _folder.Combine("sshd_config"), "-E", _folder.Combine("log")]);
        start.Environment[PeerFolder.Mark] = _folder.Path + "/";
        var process = Process.Start(start)!;
        _process = process;
        for (var tries = 0; tries < 2000; tries++)
        {
            if (process.HasExited)
            {
                await KillAsync();
                return false;
            }

            if (LoopbackSockets.IsListening(Port, [process.Id]))
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port), cancellationToken);
                return true;
            }

            await Task.Delay(5, cancellationToken);
        }

        throw new InvalidOperationException($"sshd neither listened nor ended: {Log}");
    }
}
