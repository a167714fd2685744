using System.Globalization;

namespace RomFlash.Peers.Samba;

/// <summary><c>net rpc</c>, the second opinion about registry and shutdown.</summary>
/// <param name="server">The server.</param>
/// <param name="account">As whom.</param>
public sealed class NetRpc(SambaServer server, SambaAccount account)
{
    /// <summary>Runs <c>net rpc</c>.</summary>
    /// <param name="arguments">What follows <c>net rpc</c>.</param>
    /// <returns>What it left.</returns>
    public async Task<PeerResult> RunAsync(params string[] arguments)
    {
        using var login = new SambaLoginFile(account);
        return await PeerProgram.RunAsync(
            PeerProgram.Find("net", "samba-common-bin"),
            ["-s", server.ConfigurationFile, "-A", login.Path, "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-S", "127.0.0.1", "rpc", .. arguments]);
    }

    /// <summary>Reads a value of the registry, as the tool shows it.</summary>
    /// <param name="key">The key's path, from <c>HKLM\</c> on.</param>
    /// <param name="name">The value's name.</param>
    /// <returns>What it left.</returns>
    public Task<PeerResult> GetValueAsync(string key, string name) => RunAsync("registry", "getvalue", key, name);

    /// <summary>Asks for a restart.</summary>
    /// <param name="message">What users are told.</param>
    /// <returns>What it left.</returns>
    public Task<PeerResult> RestartAsync(string message) => RunAsync("shutdown", "--reboot", "--force", "--comment=" + message, "--timeout=5");

    /// <summary>Takes a shutdown back.</summary>
    /// <returns>What it left.</returns>
    public Task<PeerResult> AbortShutdownAsync() => RunAsync("abortshutdown");
}
