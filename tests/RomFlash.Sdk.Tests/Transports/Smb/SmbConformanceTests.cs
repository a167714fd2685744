using RomFlash.Peers.Samba;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Conformance;
using RomFlash.Sdk.Transports.Smb;

namespace RomFlash.Sdk.Tests.Transports.Smb;

[Trait("Category", "Peer")]
public sealed class SmbConformanceTests
{
    public static TheoryData<string, SambaOptions> Variants() => new()
    {
        { "3.1.1 AES-128-GMAC AES-128-GCM", new() },
        { "2.1 HMAC-SHA256", new() { MinProtocol = "SMB2_10", MaxProtocol = "SMB2_10" } },
        { "3.0 AES-128-CMAC AES-128-CCM", new() { MinProtocol = "SMB3_00", MaxProtocol = "SMB3_00" } },
        { "3.0.2 AES-128-CMAC AES-128-CCM", new() { MinProtocol = "SMB3_02", MaxProtocol = "SMB3_02" } },
        { "3.1.1 AES-128-GMAC", new() { SigningMandatory = true, EncryptOff = true } },
        { "3.1.1 AES-128-GMAC AES-256-GCM", new() { EncryptRequired = true, Ciphers = ["AES-256-GCM"] } },
        { "3.1.1 AES-128-CMAC AES-128-CCM", new() { EncryptRequired = true, Ciphers = ["AES-128-CCM"], SigningAlgorithms = ["AES-128-CMAC"] } },
        { "3.1.1 HMAC-SHA256 AES-256-CCM", new() { EncryptRequired = true, Ciphers = ["AES-256-CCM"], SigningAlgorithms = ["HMAC-SHA256"], MaxCredits = 16, MaxRead = 65536, MaxWrite = 65536, MaxTransaction = 65536 } },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task RunAsync_Samba_IsConformant(string protection, SambaOptions options)
    {
        await using var target = await SmbTarget.StartAsync(options);
        var transport = new SmbTransport(new SmbConnector(new() { Protection = options.EncryptOff ? SmbProtection.Signed : SmbProtection.Encrypted }));
        await using (var session = await target.ConnectAsync(transport: transport))
        {
            Assert.Equal(protection, Describe(((SmbSession)session).Security));
        }

        var report = await TransportConformance.RunAsync(
            _ =>
            {
                target.Wipe();
                return new(new ConformanceSubject
                {
                    Transport = transport,
                    Endpoint = TargetEndpoint.TryCreate(target.Address).GetValueOrThrow(),
                    UnknownEndpoint = TargetEndpoint.TryCreate("smb://127.0.0.1:1/ESP$").GetValueOrThrow(),
                    Credentials = () => SmbTarget.Credentials(),
                    WrongCredentials = () => TargetCredentials.Password("admin", new Secret("not-the-password")),
                    TimeProvider = TimeProvider.System,
                    Image = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7)).ToArray(),
                    CutConnections = async () => await target.Server.KillConnectionsAsync(),
                });
            },
            CancellationToken.None);

        Assert.True(report.IsConformant, report.ToString());

        // What SMB does not have: digests on the target, a deposit that arms; and what other tests do with a proxy between.
        Assert.Equal(
            ["facts-hostile-text", "deposit-digest", "deposit-arms", "disarm-unsupported", "cancelled-while-hanging", "cut-answer"],
            report.Checks.Where(c => c.Result == ConformanceResult.NotApplicable).Select(c => c.Rule));
    }

    private static string Describe(SmbSecurity security) => string.Join(' ', new[] { security.Dialect, security.Signing, security.Encryption }.Where(t => t is not null));
}
