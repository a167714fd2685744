namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>
/// Finds the host key that is pinned. A fingerprint alone can't be given to ssh; so the peer is first asked for its key by a connection that logs nobody on. When its SHA-256, computed here, is the pinned
/// one, that very key becomes the only one that the real connection knows: a peer that shows another key then is not connected to.
/// </summary>
internal sealed class SshHostKeys(OpenSshClient client, SshAddress address, SshPrivateFolder folder)
{
    // Ed25519, ECDSA in three sizes, RSA, and two that live on tokens: a server has no more.
    private const int MaxKeys = 8;

    // A key line of RSA with 16384 bits has 2.8 KiB.
    private const int MaxFile = 16 * 1024;

    private const int MaxKnownHosts = 16 * 1024 * 1024;

    /// <summary>Gives a file of known hosts that holds the pinned key and nothing else.</summary>
    public async Task<TransportResult<string>> PinAsync(SshFingerprint pin, CancellationToken cancellationToken)
    {
        var offered = new List<SshHostKey>();
        while (offered.Count < MaxKeys)
        {
            var result = await GetAsync([.. offered.SelectMany(k => PatternsOf(k.Type))], $"k{offered.Count}", cancellationToken).ConfigureAwait(false);
            if (!result.TryGetValue(out var key, out var fault))
            {
                // Without a further type in common, the keys that were seen are all that it has.
                if (offered.Count > 0 && fault.Kind is TransportFaultKind.Unsupported)
                {
                    break;
                }

                return fault;
            }

            if (key.Fingerprint == pin)
            {
                return Write(key);
            }

            if (offered.Any(k => k.Type == key.Type))
            {
                break;
            }

            offered.Add(key);
        }

        return new TransportFault(TransportFaultKind.PeerNotTrusted, FaultEffect.NotSent, $"the pinned host key is {pin}; the peer has {string.Join(", ", offered)}");
    }

    /// <summary>Adds to a fault the fingerprints that people compare: the known one and the peer's, as far as each is told.</summary>
    public async Task<TransportFault> ExplainAsync(TransportFault fault, CancellationToken cancellationToken)
    {
        // ssh shows the fingerprint of a key that has changed, and not that of one it does not know; and never the known one.
        var shown = SshFaults.FingerprintIn(fault.Detail)?.Text
            ?? ((await GetAsync([], "look", cancellationToken).ConfigureAwait(false)).TryGetValue(out var key, out _) ? key.ToString() : null);
        var known = SshFaults.OffendingIn(fault.Detail.Replace("; ", "\n", StringComparison.Ordinal)) is var (file, line) ? KnownIn(file, line) : null;
        return fault with { Detail = $"{(known is null ? string.Empty : $"the known host key is {known}; ")}{(shown is null ? string.Empty : $"the peer's host key is {shown}: ")}{fault.Detail}" };
    }

    // For the message alone; the text names the file, and a file that is no list of keys gives nothing.
    private static SshHostKey? KnownIn(string file, int line)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: > 0 and <= MaxKnownHosts } && File.ReadLines(file).ElementAtOrDefault(line - 1) is { } text && SshHostKey.TryParse(text, out var key) ? key : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    // The algorithms that a key of this type signs with, certificates for it included; RFC 8332 gives RSA names of its own.
    private static string[] PatternsOf(string type) => type == "ssh-rsa" ? ["rsa-sha2-*", "ssh-rsa*"] : [type.Replace("@openssh.com", string.Empty, StringComparison.Ordinal) + "*"];

    private async Task<TransportResult<SshHostKey>> GetAsync(IReadOnlyList<string> except, string name, CancellationToken cancellationToken)
    {
        var file = folder[name];
        if (!client.Start(client.GetHostKey(address, file, except)).TryGetValue(out var process, out var fault))
        {
            return fault;
        }

        await using (process.ConfigureAwait(false))
        {
            bool hasEnded;
            try
            {
                hasEnded = await process.WaitAsync(client.Options.ConnectTimeout, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
            }

            // A peer that lets everybody in keeps the process; its key is there all the same.
            if (Read(file) is { } key)
            {
                return key;
            }

            return hasEnded
                ? SshFaults.Of(process.ExitCode, process.Errors.ToString(), FaultEffect.NotSent)
                : new TransportFault(TransportFaultKind.TimedOut, FaultEffect.NotSent, "the peer did not show its host key in time");
        }
    }

    private TransportResult<string> Write(SshHostKey key)
    {
        var file = folder["known"];
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var writer = new StreamWriter(file, options);
            writer.Write(key.Line + "\n");
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new TransportFault(TransportFaultKind.TransportBroken, FaultEffect.NotSent, "the pinned host key can't be written: " + e.Message);
        }
    }

    private static SshHostKey? Read(string file)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: <= MaxFile }
                && File.ReadAllLines(file).Where(static l => l.Length > 0).ToList() is [var line]
                && SshHostKey.TryParse(line, out var key)
                    ? key
                    : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
