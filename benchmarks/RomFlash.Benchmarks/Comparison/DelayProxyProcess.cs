using System.Diagnostics;
using System.Globalization;
using System.Net;
using RomFlash.Peers.Links;

namespace RomFlash.Benchmarks.Comparison;

/// <summary>A longer way to a port of this machine, by a process of its own, which ends with its standard input.</summary>
internal sealed class DelayProxyProcess : IAsyncDisposable
{
    private readonly Process _process;

    private DelayProxyProcess(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    /// <summary>Forwards until standard input ends.</summary>
    public static async Task<int> ServeAsync(string port, string milliseconds)
    {
        var server = new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture));
        await using var proxy = DelayProxy.Start(server, TimeSpan.FromMilliseconds(double.Parse(milliseconds, CultureInfo.InvariantCulture)));
        Console.WriteLine(proxy.Port.ToString(CultureInfo.InvariantCulture));
        await Console.In.ReadToEndAsync();
        return 0;
    }

    public static async Task<DelayProxyProcess> StartAsync(int port, double milliseconds)
    {
        string[] arguments = [typeof(DelayProxyProcess).Assembly.Location, "delay-proxy", port.ToString(CultureInfo.InvariantCulture), milliseconds.ToString(CultureInfo.InvariantCulture)];
        var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("the proxy did not start");
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the proxy told no port");
        return new(process, int.Parse(line, CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
