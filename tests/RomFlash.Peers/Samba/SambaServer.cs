using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace RomFlash.Peers.Samba;

/// <summary>A private Samba on 127.0.0.1 that looks like a Windows target from outside: a system partition, a registry, a shutdown. Gone with its folder when disposed, and when this process ends.</summary>
/// <remarks>Needs Linux and root: smbd changes to the accounts that log on. The methods that do something to its processes are not for use at once.</remarks>
public sealed class SambaServer : IAsyncDisposable
{
    /// <summary>The system partition's share.</summary>
    public const string ShareName = "ESP$";

    private readonly PeerFolder _folder;
    private readonly SambaConfiguration _configuration;
    private readonly string _smbd;
    private readonly PeerProcesses _processes;

    private SambaServer(PeerFolder folder, SambaConfiguration configuration, SambaOptions options, string shareFolder, int port, string smbd)
    {
        _folder = folder;
        _configuration = configuration;
        _smbd = smbd;
        Options = options;
        ShareFolder = shareFolder;
        Port = port;
        _processes = new("smbd", port, () => Log, _ => folder.Processes());
    }

    /// <summary>How it was set up.</summary>
    public SambaOptions Options { get; }

    /// <summary>Its address.</summary>
    public IPEndPoint EndPoint => _processes.EndPoint;

    /// <summary>Its port on 127.0.0.1; the same after <see cref="RestartAsync"/>.</summary>
    public int Port { get; }

    /// <summary>The folder that is shared as <see cref="ShareName"/>; has <c>EFI</c> in it.</summary>
    public string ShareFolder { get; }

    /// <summary>The configuration file, for Samba's own tools.</summary>
    public string ConfigurationFile => _configuration.Path;

    /// <summary>The processes that run: smbd, its children, and the services that it started.</summary>
    public IReadOnlyList<int> Processes => _processes.All;

    /// <summary>The processes that serve a connection each.</summary>
    public IReadOnlyList<int> ConnectionProcesses => _processes.Serving;

    /// <summary>The shutdowns and aborts that were asked for so far, those that were refused included.</summary>
    public IReadOnlyList<SambaShutdownRequest> ShutdownRequests =>
        [.. File.ReadLines(_configuration.ShutdownRecord).Select(l => l.Split('\t')).Select(f => new SambaShutdownRequest(int.Parse(f[0], CultureInfo.InvariantCulture), f[1] == "abort", [.. f.Skip(2)]))];

    /// <summary>What smbd has logged.</summary>
    public string Log => File.Exists(_folder.Combine("log")) ? File.ReadAllText(_folder.Combine("log")) : string.Empty;

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="options">How it is set up; as by default when null.</param>
    /// <param name="cancellationToken">Ends what was begun.</param>
    /// <returns>The server.</returns>
    /// <exception cref="PeerUnavailableException">Samba is not installed, or may not run here.</exception>
    public static async Task<SambaServer> StartAsync(SambaOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            throw new PeerUnavailableException("a private smbd needs Linux and root: it changes to the accounts that log on");
        }

        options ??= new();
        var smbd = PeerProgram.Find("smbd", "samba");
        return await PeerProcesses.StartAsync(
            () => PeerFolder.Create(options.ParentFolder, "romflash-smbd-"),
            async (folder, port) =>
            {
                var share = options.DiskSize is { } size ? await folder.MountAsync(size, null, cancellationToken) : folder.CreateFolder("esp");
                Directory.CreateDirectory(Path.Combine(share, "EFI"));
                var server = new SambaServer(folder, new(options, folder, share, port), options, share, port, smbd);
                server._configuration.Write();
                await server.CreateAccountsAsync(cancellationToken);
                if (options.Registry is { } registry)
                {
                    await server.ImportAsync(registry, cancellationToken);
                }

                return server;
            },
            server => server.TryRunAsync(cancellationToken),
            server => $"smbd did not listen on a free port: {server.Log}");
    }

    /// <summary>Imports keys and values; a running server has them at once.</summary>
    /// <param name="registry">What to set; the rest stays.</param>
    /// <param name="cancellationToken">Ends the import.</param>
    /// <returns>Done when imported.</returns>
    public async Task ImportAsync(SambaRegistry registry, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(registry);
        var file = _folder.Combine("import.reg");
        await File.WriteAllTextAsync(file, registry.ToString(), cancellationToken);
        (await PeerProgram.RunAsync(PeerProgram.Find("net", "samba-common-bin"), ["-s", ConfigurationFile, "registry", "import", file], cancellationToken: cancellationToken)).Required("net registry import");
    }

    /// <summary>Stops all its processes where they are (SIGSTOP): connections stay, and nothing answers. The system still takes new connections.</summary>
    /// <returns>Done when all have stopped.</returns>
    public Task FreezeAsync() => _processes.FreezeAsync();

    /// <summary>Lets all its processes go on.</summary>
    public void Thaw() => _processes.Thaw();

    /// <summary>Kills the processes that serve a connection, and with them the connections; new ones are taken.</summary>
    /// <returns>Done when they are gone.</returns>
    public Task KillConnectionsAsync() => _processes.SignalUntilNoneAsync(Signal.Kill, () => ConnectionProcesses, "that serve connections can't be ended");

    /// <summary>Kills everything; the folder, and so all state, stays.</summary>
    /// <returns>Done when all are gone.</returns>
    public async Task KillAsync()
    {
        await _folder.KillAsync();
        await _processes.EndFirstAsync();
    }

    /// <summary>Kills everything, and starts anew on the same port with the same state.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Done when it answers again.</returns>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await KillAsync();
        if (!await TryRunAsync(cancellationToken))
        {
            throw new InvalidOperationException($"smbd did not start again on port {Port}: {Log}");
        }
    }

    /// <summary>Kills everything and deletes the folder.</summary>
    /// <returns>Done when nothing is left.</returns>
    public async ValueTask DisposeAsync()
    {
        await _folder.DisposeAsync();
        await _processes.EndFirstAsync();
    }

    private async Task CreateAccountsAsync(CancellationToken cancellationToken)
    {
        var pdbedit = PeerProgram.Find("pdbedit", "samba");
        foreach (var (unix, account) in _configuration.Accounts())
        {
            await RunAsync(["-t", "-a", "-u", unix], $"{account.Password}\n{account.Password}\n");
            switch (account.State)
            {
                case SambaAccountState.Disabled:
                    await RunAsync(["-r", "-c", "[D]", "-u", unix]);
                    break;
                case SambaAccountState.Expired:
                    await RunAsync(["-r", "-K", "86400", "-u", unix]);
                    break;
                case SambaAccountState.MustChangePassword:
                    // No option sets it; a password that was never set (LCT-00000000) is one that must be.
                    var line = (await RunAsync(["-L", "-w", "-u", unix])).Output;
                    var file = _folder.Combine("smbpasswd");
                    await File.WriteAllTextAsync(file, System.Text.RegularExpressions.Regex.Replace(line, "LCT-[0-9A-F]{8}", "LCT-00000000"), cancellationToken);
                    await RunAsync(["-i", "smbpasswd:" + file]);
                    break;
                default:
                    break;
            }
        }

        async Task<PeerResult> RunAsync(string[] arguments, string? input = null) =>
            (await PeerProgram.RunAsync(pdbedit, ["-s", ConfigurationFile, .. arguments], input, cancellationToken: cancellationToken)).Required("pdbedit");
    }

    private Task<bool> TryRunAsync(CancellationToken cancellationToken)
    {
        // Never --no-process-group: at its end smbd signals its whole group. Its standard input stays open: smbd ends with it.
        var start = new ProcessStartInfo(_smbd, ["--foreground", "--configfile=" + ConfigurationFile]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[PeerFolder.Mark] = _folder.Path + "/";
        return _processes.TryStartAsync(start, KillAsync, cancellationToken);
    }
}

/// <summary>A shutdown that somebody asked for.</summary>
/// <param name="User">The number of the Unix account that asked: 0 for the administrator. Others were refused.</param>
/// <param name="IsAbort">Whether it takes back one that was asked for.</param>
/// <param name="Arguments">The message, with underscores where Samba sees danger, blanks included; <c>-r</c> for a restart, <c>-f</c> when forced; as far as each was given. Samba does not tell the delay.</param>
public sealed record SambaShutdownRequest(int User, bool IsAbort, IReadOnlyList<string> Arguments);
