using System.Diagnostics;
using System.Threading.Channels;

namespace RomFlash.Peers.Ssh;

/// <summary>One sftp over one connection that takes command after command, so that neither its start nor its logon is in a command's time.</summary>
public sealed class SftpSession : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private int _number;

    private SftpSession(Process process)
    {
        _process = process;
        process.StandardInput.NewLine = "\n";
        process.StandardInput.AutoFlush = true;
        process.OutputDataReceived += OnLine;
        process.ErrorDataReceived += OnLine;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Connects.</summary>
    /// <param name="server">The server.</param>
    /// <param name="master">The connection to share; one of its own when null.</param>
    /// <returns>The session. Its first command waits for the logon.</returns>
    public static SftpSession Start(SshServer server, SshMaster? master = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        string[] arguments = ["-q", "-F", server.ClientConfiguration, "-o", $"ControlPath={master?.Socket ?? "none"}", "-P", server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), "-b", "-", "127.0.0.1"];
        return new(Process.Start(new ProcessStartInfo(PeerProgram.Find("sftp", "openssh-client"), arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!);
    }

    /// <summary>Stores a file.</summary>
    /// <param name="local">The file here.</param>
    /// <param name="remote">Its name there.</param>
    /// <returns>How long it took, until a command that follows it is carried out.</returns>
    public async Task<TimeSpan> PutAsync(string local, string remote)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var end = $"end-{++_number}";
        var start = Stopwatch.GetTimestamp();
        await _process.StandardInput.WriteLineAsync($"put \"{local}\" \"{remote}\"\n!echo {end}".AsMemory(), deadline.Token);
        await foreach (var line in _lines.Reader.ReadAllAsync(deadline.Token))
        {
            if (line == end)
            {
                return Stopwatch.GetElapsedTime(start);
            }

            if (!line.StartsWith("sftp> ", StringComparison.Ordinal) && !line.StartsWith("Uploading ", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"sftp: {line}");
            }
        }

        throw new InvalidOperationException("sftp ended");
    }

    /// <summary>Ends it.</summary>
    /// <returns>Done when it has ended.</returns>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
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
