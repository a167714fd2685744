using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>What the installed ssh has made of the user's configuration for one peer (ssh -G of ssh(1)).</summary>
internal sealed class SshConfiguration(IReadOnlyList<string> lines)
{
    private const int MaxLines = 1000;

    // By OpenSSH's names (PROTOCOL, section 1.6; PROTOCOL.chacha20poly1305).
    private const string ChaCha20 = "chacha20-poly1305@openssh.com";

    private static readonly string[] s_fastCiphers = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];

    private static bool HasAesInstructions => (System.Runtime.Intrinsics.X86.Aes.IsSupported && Pclmulqdq.IsSupported) || System.Runtime.Intrinsics.Arm.Aes.IsSupported;

    /// <summary>
    /// The ciphers that the configuration permits, none more and none less, with AES-GCM before ChaCha20 where that is the first, as by default; null where nothing changes. ChaCha20 takes several times the
    /// processor's time where it has instructions for AES, and is what CVE-2023-48795 needs.
    /// </summary>
    public string? Ciphers
    {
        get
        {
            var permitted = Value("ciphers")?.Split(',') ?? [];
            var fast = HasAesInstructions && permitted is [ChaCha20, ..] ? permitted.Intersect(s_fastCiphers, StringComparer.Ordinal).ToArray() : [];
            return fast is [] ? null : string.Join(',', fast.Concat(permitted.Except(fast, StringComparer.Ordinal)));
        }
    }

    /// <summary>An option by its name in small letters; null when it is not set.</summary>
    public string? Value(string name) =>
        lines.LastOrDefault(l => l.StartsWith(name + " ", StringComparison.Ordinal))?[(name.Length + 1)..].Trim() is { Length: > 0 } value && value != "none" ? value : null;

    /// <summary>Asks ssh, which connects to nothing for that.</summary>
    public static async Task<TransportResult<SshConfiguration>> ReadAsync(OpenSshClient client, SshAddress address, CancellationToken cancellationToken)
    {
        if (!client.Start(client.Configuration(address)).TryGetValue(out var process, out var fault))
        {
            return fault;
        }

        await using (process.ConfigureAwait(false))
        {
            using var deadline = new CancellationTokenSource(client.Options.ConnectTimeout, client.Time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
            var lines = new List<string>();
            try
            {
                var reader = new SshReader(process.Output);
                while (lines.Count < MaxLines)
                {
                    lines.Add(await reader.ReadLineAsync(16 * 1024, both.Token).ConfigureAwait(false));
                }
            }
            catch (SshPeerException e) when (e.Kind is TransportFaultKind.Lost && lines.Count > 0)
            {
                // The end.
                return new SshConfiguration(lines);
            }
            catch (Exception e) when (e is SshPeerException or IOException or OperationCanceledException)
            {
                if (cancellationToken.IsCancellationRequested)
                {
                    return new TransportFault(TransportFaultKind.Cancelled, FaultEffect.NotSent);
                }
            }

            return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "ssh -G does not tell the configuration: " + SshFaults.Detail(process.Errors.ToString()));
        }
    }
}
