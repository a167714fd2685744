using System.Diagnostics;
using System.Net;

namespace RomFlash.Peers.Ssh;

/// <summary>A private sshd on 127.0.0.1 that the user of this process logs on to, or an account of the server's own, with a host key of its own. Gone with its folder when disposed, and when this process ends.</summary>
/// <remarks>Needs Linux; an account of its own needs root. The methods that do something to its processes are not for use at once.</remarks>
public sealed class SshServer : IAsyncDisposable
{
    private readonly PeerFolder _folder;
    private readonly string _sshd;
    private readonly PeerProcesses _processes;

    private SshServer(PeerFolder folder, SshServerOptions options, int port, string sshd)
    {
        _folder = folder;
        _sshd = sshd;
        Options = options;
        Port = port;
        _processes = new("sshd", port, () => Log, first => first is { } id ? [id, .. ProcessTable.Descendants(id)] : []);
    }

    /// <summary>How it was set up.</summary>
    public SshServerOptions Options { get; }

    /// <summary>Its address.</summary>
    public IPEndPoint EndPoint => _processes.EndPoint;

    /// <summary>Its port on 127.0.0.1; the same after <see cref="RestartAsync"/>.</summary>
    public int Port { get; }

    /// <summary>The only configuration file that a client of it needs: names the user's key and <see cref="KnownHosts"/>, and the account that <see cref="SshServerOptions.Account"/> is.</summary>
    public string ClientConfiguration => _folder.Combine("ssh_config");

    /// <summary>The same with a key that the server does not know.</summary>
    public string StrangerConfiguration => _folder.Combine("stranger_config");

    /// <summary>The known hosts of <see cref="ClientConfiguration"/>; has the server's Ed25519 key.</summary>
    public string KnownHosts => _folder.Combine("known_hosts");

    /// <summary>The fingerprint of its Ed25519 key, as ssh-keygen shows it.</summary>
    public string Fingerprint { get; private set; } = string.Empty;

    /// <summary>The fingerprint of its RSA key, which is the one of all servers of this process, as ssh-keygen shows it.</summary>
    public string RsaFingerprint { get; private set; } = string.Empty;

    /// <summary>What it has logged.</summary>
    public string Log => File.Exists(_folder.Combine("log")) ? File.ReadAllText(_folder.Combine("log")) : string.Empty;

    /// <summary>Its processes, and those that it runs for who has logged on.</summary>
    public IReadOnlyList<int> Processes => _processes.All;

    /// <summary>The processes that serve a connection: one or two for each.</summary>
    public IReadOnlyList<int> ConnectionProcesses => _processes.Serving;

    /// <summary>A folder of the server's for tests; its name is in no command line of the server.</summary>
    public string Folder => _folder.Path;

    /// <summary>Where who logs on looks for programs.</summary>
    internal string SearchPath => _folder.Combine("bin") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The ssh programs that run with one of its configuration files.</summary>
    public IReadOnlyList<int> Clients =>
    [
        .. ProcessTable.Others()
            .Where(id => ProcessTable.Words(id) is [var program, ..] words && Path.GetFileName(program) is "ssh" or "setsid" && (words.Contains(ClientConfiguration) || words.Contains(StrangerConfiguration))),
    ];

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="further">Further lines of sshd_config(5); they come first, and so count.</param>
    /// <param name="cancellationToken">Ends what was begun.</param>
    /// <returns>The server.</returns>
    /// <exception cref="PeerUnavailableException">OpenSSH is not installed, or may not run here.</exception>
    public static Task<SshServer> StartAsync(string further = "", CancellationToken cancellationToken = default) => StartAsync(new SshServerOptions { Further = further }, cancellationToken);

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="options">How it is set up.</param>
    /// <param name="cancellationToken">Ends what was begun.</param>
    /// <returns>The server.</returns>
    /// <exception cref="PeerUnavailableException">OpenSSH is not installed, or may not run here.</exception>
    public static async Task<SshServer> StartAsync(SshServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!OperatingSystem.IsLinux() || (options.Account is not null && !Environment.IsPrivilegedProcess))
        {
            throw new PeerUnavailableException("a private sshd needs Linux, and root when others than its own user log on");
        }

        var sshd = PeerProgram.Find("sshd", "openssh-server");
        if (Environment.IsPrivilegedProcess)
        {
            // Where sshd locks up its unprivileged half; a service manager makes it otherwise.
            Directory.CreateDirectory("/run/sshd");
        }

        return await PeerProcesses.StartAsync(
            () => PeerFolder.Create(options.ParentFolder, "romflash-sshd-"),
            async (folder, port) =>
            {
                var server = new SshServer(folder, options, port, sshd);
                await server.WriteAsync(cancellationToken);
                return server;
            },
            server => server.TryRunAsync(cancellationToken),
            server => $"sshd did not listen on a free port: {server.Log}");
    }

    /// <summary>Puts a program before those of the system: who logs on finds it first, also through <c>sudo</c>. One of the same name is replaced.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="script">A script for <c>/bin/sh</c>, without the first line that says so.</param>
    /// <returns>Its path.</returns>
    public string WriteStandIn(string name, string script)
    {
        var path = Path.Combine(_folder.CreateFolder("bin"), name);

        // Replaced as a whole: one that runs goes on reading the old one.
        File.WriteAllText(path + ".new", $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path + ".new", (UnixFileMode)Convert.ToInt32("755", 8));
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }

    /// <summary>Takes a stand-in away, so that the system's program is found again, if it has one.</summary>
    /// <param name="name">Its name.</param>
    public void RemoveStandIn(string name) => File.Delete(Path.Combine(_folder.CreateFolder("bin"), name));

    /// <summary>Stops all its processes where they are (SIGSTOP), with what they run: connections stay, and nothing answers.</summary>
    /// <returns>Done when all have stopped.</returns>
    public Task FreezeAsync() => _processes.FreezeAsync();

    /// <summary>Lets all its processes go on.</summary>
    public void Thaw() => _processes.Thaw();

    /// <summary>Kills whatever serves those who have logged on, with what it runs, and so their connections; new ones are taken.</summary>
    /// <returns>Done when they are gone.</returns>
    public async Task KillConnectionsAsync()
    {
        await KillBelowAsync();
        if (_processes.First is { } listener)
        {
            Signals.Send(listener, Signal.Continue);
        }
    }

    /// <summary>Kills everything, and what it runs; the folder, and so keys and state, stays.</summary>
    /// <returns>Done when all are gone.</returns>
    public async Task KillAsync()
    {
        await KillBelowAsync();
        await _processes.EndFirstAsync();
    }

    /// <summary>Kills everything, and starts anew on the same port with the same keys and configuration.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Done when it answers again.</returns>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await KillAsync();
        if (!await TryRunAsync(cancellationToken))
        {
            throw new InvalidOperationException($"sshd did not start again on port {Port}: {Log}");
        }
    }

    /// <summary>Kills everything and deletes the folder.</summary>
    /// <returns>Done when nothing is left.</returns>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await _folder.DisposeAsync();
    }

    /// <summary>Mounts a small file system in memory on a folder of the server's; it is gone with the server, and those who log on see it.</summary>
    internal Task MountAsync(string folder, long size, CancellationToken cancellationToken) => _folder.MountAsync(size, folder, cancellationToken);

    // The listener stands still, and who belongs to it is told by the parents: whoever was seen is ended, also when its parent is gone by then. Stopped first, because what is stopped begins nothing new.
    private Task KillBelowAsync()
    {
        var seen = new HashSet<int>();
        return _processes.SignalUntilNoneAsync(Signal.Kill, Find, "can't be ended");

        IEnumerable<int> Find()
        {
            foreach (var process in _processes.All)
            {
                Signals.Send(process, Signal.Stop);
            }

            seen.UnionWith(_processes.All.Skip(1));
            return seen.Where(ProcessTable.IsAlive);
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var host = await SshKey.CreateAsync("ed25519", "host", cancellationToken);
        var (rsa, user) = (await SshKey.HostRsa, await SshKey.User);
        await host.WriteAsync(_folder.Combine("host"), cancellationToken);
        await rsa.WriteAsync(_folder.Combine("host_rsa"), cancellationToken);
        await user.WriteAsync(_folder.Combine("user"), cancellationToken);
        await (await SshKey.Stranger).WriteAsync(_folder.Combine("stranger"), cancellationToken);
        (Fingerprint, RsaFingerprint) = (host.Fingerprint, rsa.Fingerprint);
        await File.WriteAllTextAsync(_folder.Combine("authorized_keys"), user.Public, cancellationToken);
        var key = host.Public.Split(' ');
        await File.WriteAllTextAsync(KnownHosts, $"[127.0.0.1]:{Port} {key[0]} {key[1]}\n", cancellationToken);
        if (Options.Account is { } account)
        {
            await _folder.ShareMountsAsync(cancellationToken);
            await account.WriteAsync(this, cancellationToken);
        }

        await WriteClientAsync(ClientConfiguration, "user");
        await WriteClientAsync(StrangerConfiguration, "stranger");
        await File.WriteAllTextAsync(
            _folder.Combine("sshd_config"),
            $"""
            {Options.Further}
            ListenAddress 127.0.0.1
            Port {Port}
            HostKey {_folder.Combine("host")}
            HostKey {_folder.Combine("host_rsa")}
            AuthorizedKeysFile {_folder.Combine("authorized_keys")}
            PidFile {_folder.Combine("pid")}
            PermitRootLogin yes
            PasswordAuthentication {(Options.Account?.Password is null ? "no" : "yes")}
            KbdInteractiveAuthentication no
            UsePAM no
            StrictModes no
            PrintMotd no
            PrintLastLog no
            MaxStartups 100
            MaxSessions 20
            Subsystem sftp /usr/lib/openssh/sftp-server
            SetEnv PATH={SearchPath} HOME={_folder.Path}

            """,
            cancellationToken);

        // The exchange that is the default is OpenSSH's slowest: half of what a logon takes here.
        Task WriteClientAsync(string file, string identity) => File.WriteAllTextAsync(
            file,
            $"""
            IdentityFile {_folder.Combine(identity)}
            IdentitiesOnly yes
            {(Options.Account is { } login ? $"User {login.Name}" : string.Empty)}
            IdentityAgent none
            KexAlgorithms curve25519-sha256
            UserKnownHostsFile {KnownHosts}
            GlobalKnownHostsFile /dev/null

            """,
            cancellationToken);
    }

    private Task<bool> TryRunAsync(CancellationToken cancellationToken)
    {
        string[] command = [_sshd, "-D", "-f", _folder.Combine("sshd_config"), "-E", _folder.Combine("log")];
        command = Options.Account is null ? command : SshAccount.Within(this, command);
        var start = new ProcessStartInfo(command[0], command[1..]);
        start.Environment[PeerFolder.Mark] = _folder.Path + "/";
        return _processes.TryStartAsync(start, KillAsync, cancellationToken);
    }
}
