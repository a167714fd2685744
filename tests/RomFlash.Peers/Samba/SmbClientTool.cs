using System.Globalization;

namespace RomFlash.Peers.Samba;

/// <summary>smbclient, the second opinion about what a server does and has.</summary>
/// <param name="server">The server.</param>
/// <param name="account">As whom.</param>
public sealed class SmbClientTool(SambaServer server, SambaAccount account)
{
    /// <summary>Runs commands of smbclient, which are separated by semicolons.</summary>
    /// <param name="share">The share.</param>
    /// <param name="commands">The commands.</param>
    /// <param name="arguments">More arguments of the program.</param>
    /// <returns>What it left.</returns>
    public async Task<PeerResult> RunAsync(string share, string commands, params string[] arguments)
    {
        using var login = new SambaLoginFile(account);
        return await PeerProgram.RunAsync(
            PeerProgram.Find("smbclient", "smbclient"),
            ["-s", server.ConfigurationFile, "-A", login.Path, "-p", server.Port.ToString(CultureInfo.InvariantCulture), .. arguments, $"//127.0.0.1/{share}", "-c", commands]);
    }

    /// <summary>Lists a folder.</summary>
    /// <param name="share">The share.</param>
    /// <param name="pattern">What to list; everything in the root when null.</param>
    /// <returns>What it left.</returns>
    public Task<PeerResult> ListAsync(string share, string? pattern = null) => RunAsync(share, pattern is null ? "ls" : $"ls \"{pattern}\"");

    /// <summary>Stores a file.</summary>
    /// <param name="share">The share.</param>
    /// <param name="local">The file here.</param>
    /// <param name="remote">Its path there.</param>
    /// <returns>What it left.</returns>
    public Task<PeerResult> PutAsync(string share, string local, string remote) => RunAsync(share, $"put \"{local}\" \"{remote}\"");

    /// <summary>Fetches a file.</summary>
    /// <param name="share">The share.</param>
    /// <param name="remote">Its path there.</param>
    /// <param name="local">The file here.</param>
    /// <returns>What it left.</returns>
    public Task<PeerResult> GetAsync(string share, string remote, string local) => RunAsync(share, $"get \"{remote}\" \"{local}\"");
}
