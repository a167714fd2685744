namespace RomFlash.Peers.Ssh;

/// <summary>A key pair as the files that ssh-keygen makes of it.</summary>
/// <param name="Private">Without a passphrase.</param>
/// <param name="Public">As a line of an authorized_keys file.</param>
/// <param name="Fingerprint">As ssh-keygen shows it.</param>
internal sealed record SshKey(string Private, string Public, string Fingerprint)
{
    private static readonly Lazy<Task<SshKey>> s_rsa = Once("rsa", "host_rsa");
    private static readonly Lazy<Task<SshKey>> s_user = Once("ed25519", "user");
    private static readonly Lazy<Task<SshKey>> s_stranger = Once("ed25519", "stranger");

    /// <summary>The RSA key that all servers of this process have: making one takes longer than starting a server.</summary>
    public static Task<SshKey> HostRsa => s_rsa.Value;

    /// <summary>The one that may log on to the servers of this process.</summary>
    public static Task<SshKey> User => s_user.Value;

    /// <summary>One that may not.</summary>
    public static Task<SshKey> Stranger => s_stranger.Value;

    /// <summary>Makes a new one.</summary>
    public static async Task<SshKey> CreateAsync(string type, string comment, CancellationToken cancellationToken = default)
    {
        var folder = Directory.CreateTempSubdirectory("romflash-key-");
        try
        {
            var file = Path.Combine(folder.FullName, "key");
            await KeygenAsync(["-q", "-t", type, "-b", "2048", "-N", "", "-C", comment, "-f", file]);
            var shown = await KeygenAsync(["-l", "-f", file + ".pub"]);
            return new(await File.ReadAllTextAsync(file, cancellationToken), await File.ReadAllTextAsync(file + ".pub", cancellationToken), shown.Output.Split(' ')[1]);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        async Task<PeerResult> KeygenAsync(string[] arguments) =>
            (await PeerProgram.RunAsync(PeerProgram.Find("ssh-keygen", "openssh-client"), arguments, cancellationToken: cancellationToken)).Required("ssh-keygen");
    }

    /// <summary>Writes both files: what is private has no suffix.</summary>
    public async Task WriteAsync(string file, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        await using (var writer = new StreamWriter(file, options))
        {
            await writer.WriteAsync(Private.AsMemory(), cancellationToken);
        }

        await File.WriteAllTextAsync(file + ".pub", Public, cancellationToken);
    }

    private static Lazy<Task<SshKey>> Once(string type, string comment) => new(() => CreateAsync(type, comment));
}
