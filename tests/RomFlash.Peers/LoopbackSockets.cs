using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RomFlash.Peers;

/// <summary>Who has which TCP port of 127.0.0.1, by proc(5): looking needs no connection, which a server would serve.</summary>
internal static class LoopbackSockets
{
    private const string Listening = "0A";
    private const string Established = "01";

    /// <summary>A port that was free a moment ago. Somebody may take it before it is used; so who starts a server checks that the server has it.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Whether one of these processes listens on the port.</summary>
    public static bool IsListening(int port, IEnumerable<int> processes) => Owners(port, Listening, processes).Any();

    /// <summary>Those of these processes that serve a connection to the port.</summary>
    public static IReadOnlyList<int> Serving(int port, IEnumerable<int> processes) => [.. Owners(port, Established, processes)];

    private static IEnumerable<int> Owners(int port, string state, IEnumerable<int> processes)
    {
        var local = string.Create(CultureInfo.InvariantCulture, $"0100007F:{port:X4}");
        var sockets = File.ReadLines("/proc/net/tcp").Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f.Length > 9 && f[1] == local && f[3] == state).Select(f => $"socket:[{f[9]}]").ToHashSet(StringComparer.Ordinal);
        return sockets.Count == 0 ? [] : processes.Where(p => Descriptors(p).Any(sockets.Contains));
    }

    private static IEnumerable<string> Descriptors(int process)
    {
        try
        {
            return [.. Directory.EnumerateFiles($"/proc/{process}/fd").Select(f => new FileInfo(f).LinkTarget ?? string.Empty)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
