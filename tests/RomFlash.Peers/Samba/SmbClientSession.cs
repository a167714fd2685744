using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;

namespace RomFlash.Peers.Samba;

/// <summary>One smbclient that stays connected and takes command after command, so that neither its start nor its logon is in a command's time.</summary>
public sealed class SmbClientSession : IAsyncDisposable
{
    private readonly Process _process;
    private readonly SambaLoginFile _login;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    private SmbClientSession(Process process, SambaLoginFile login)
    {
        _process = process;
        _login = login;
        process.StandardInput.NewLine = "\n";
        process.StandardInput.AutoFlush = true;
        process.OutputDataReceived += OnLine;
        process.ErrorDataReceived += OnLine;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Connects to a share.</summary>
    /// <param name="server">The server.</param>
    /// <param name="account">As whom.</param>
    /// <param name="share">The share.</param>
    /// <param name="isEncrypted">Whether what is sent is encrypted, or signed only.</param>
    /// <param name="port">The port, when a proxy is between; the server's when null.</param>
    /// <returns>The session. Its first command waits for the logon.</returns>
    public static SmbClientSession Start(SambaServer server, SambaAccount account, string share, bool isEncrypted, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(account);
        var login = new SambaLoginFile(account);

        // What it says goes to its standard error, line by line: into a pipe, standard output is held back until its end.
        string[] arguments =
        [
            "-E",
            "-s", server.ConfigurationFile, "-A", login.Path, "-p", (port ?? server.Port).ToString(CultureInfo.InvariantCulture),
            isEncrypted ? "--client-protection=encrypt" : "--client-protection=sign", $"//127.0.0.1/{share}",
        ];
        return new(
            Process.Start(new ProcessStartInfo(PeerProgram.Find("smbclient", "smbclient"), arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!,
            login);
    }

    /// <summary>Stores a file.</summary>
    /// <param name="local">The file here.</param>
    /// <param name="remote">Its name there.</param>
    /// <returns>How long it took, from the command to the line that tells its end.</returns>
    public Task<TimeSpan> PutAsync(string local, string remote) => RunAsync($"put \"{local}\" \"{remote}\"", "putting file ");

    /// <summary>Fetches a file.</summary>
    /// <param name="remote">Its name there.</param>
    /// <param name="local">The file here.</param>
    /// <returns>How long it took, from the command to the line that tells its end.</returns>
    public Task<TimeSpan> GetAsync(string remote, string local) => RunAsync($"get \"{remote}\" \"{local}\"", "getting file ");

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
        _login.Dispose();
    }

    private async Task<TimeSpan> RunAsync(string command, string end)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var start = Stopwatch.GetTimestamp();
        await _process.StandardInput.WriteLineAsync(command.AsMemory(), deadline.Token);
        await foreach (var line in _lines.Reader.ReadAllAsync(deadline.Token))
        {
            if (line.StartsWith(end, StringComparison.Ordinal))
            {
                return Stopwatch.GetElapsedTime(start);
            }

            if (line.Contains("NT_STATUS_", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"smbclient: {command}: {line}");
            }
        }

        throw new InvalidOperationException($"smbclient ended at: {command}");
    }

    private void OnLine(object sender, DataReceivedEventArgs e)
    {
        if (e.Data is { } line)
        {
            _lines.Writer.TryWrite(line);
        }
        else if (_process.HasExited)
        {
            _lines.Writer.TryComplete();
        }
    }
}
