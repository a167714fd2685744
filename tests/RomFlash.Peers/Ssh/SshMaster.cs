using System.Diagnostics;
using System.Globalization;

namespace RomFlash.Peers.Ssh;

/// <summary>A connection of the installed OpenSSH client that others share (ControlMaster of ssh_config(5)), so that what goes over it logs nobody on.</summary>
public sealed class SshMaster : IAsyncDisposable
{
    private readonly Process _process;

    private SshMaster(Process process, string socket)
    {
        _process = process;
        Socket = socket;
    }

    /// <summary>Where it is found: the option ControlPath of those who share it.</summary>
    public string Socket { get; }

    /// <summary>Connects, and waits until the connection can be shared.</summary>
    /// <param name="server">The server.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The connection.</returns>
    public static async Task<SshMaster> StartAsync(SshServer server, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        var ssh = PeerProgram.Find("ssh", "openssh-client");
        var socket = Path.Combine(server.Folder, "master");
        var master = new SshMaster(Process.Start(new ProcessStartInfo(ssh, ["-M", "-N", .. Arguments(server, socket)]) { RedirectStandardInput = true })!, socket);
        try
        {
            for (var tries = 0; tries < 500; tries++)
            {
                if ((await PeerProgram.RunAsync(ssh, ["-O", "check", .. Arguments(server, socket)], cancellationToken: cancellationToken)).ExitCode == 0)
                {
                    return master;
                }

                await Task.Delay(10, cancellationToken);
            }

            throw new InvalidOperationException("ssh -M did not connect");
        }
        catch
        {
            await master.DisposeAsync();
            throw;
        }
    }

    /// <summary>What ssh is told so that it runs something on a server: <c>ssh ARGUMENTS COMMAND</c>.</summary>
    /// <param name="server">The server.</param>
    /// <param name="socket">The <see cref="Socket"/> of the connection to share; null for one of its own.</param>
    /// <returns>The arguments.</returns>
    public static string[] Arguments(SshServer server, string? socket)
    {
        ArgumentNullException.ThrowIfNull(server);
        return ["-q", "-F", server.ClientConfiguration, "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-o", $"ControlPath={socket ?? "none"}", "127.0.0.1"];
    }

    /// <summary>Ends it.</summary>
    /// <returns>Done when it has ended.</returns>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
