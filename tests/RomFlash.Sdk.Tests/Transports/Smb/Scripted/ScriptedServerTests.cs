using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>The client with a server that does everything right: what the hostile tests change one thing of.</summary>
public sealed class ScriptedServerTests
{
    [Theory]
    [InlineData("Smb210", "None", "HmacSha256", "2.1", "HMAC-SHA256", null)]
    [InlineData("Smb300", "Aes128Ccm", "AesCmac", "3.0", "AES-128-CMAC", "AES-128-CCM")]
    [InlineData("Smb302", "Aes128Ccm", "AesCmac", "3.0.2", "AES-128-CMAC", "AES-128-CCM")]
    [InlineData("Smb311", "Aes128Ccm", "AesCmac", "3.1.1", "AES-128-CMAC", "AES-128-CCM")]
    [InlineData("Smb311", "Aes128Gcm", "AesGmac", "3.1.1", "AES-128-GMAC", "AES-128-GCM")]
    [InlineData("Smb311", "Aes256Ccm", "HmacSha256", "3.1.1", "HMAC-SHA256", "AES-256-CCM")]
    [InlineData("Smb311", "Aes256Gcm", "AesGmac", "3.1.1", "AES-128-GMAC", "AES-256-GCM")]
    public async Task Walk_EveryDialectAndAlgorithm_DoesEverything(string dialect, string cipher, string signing, string dialectName, string signingName, string? cipherName)
    {
        foreach (var protection in Enum.GetValues<SmbProtection>())
        {
            var script = new SmbScript { Dialect = Enum.Parse<SmbDialect>(dialect), Cipher = Enum.Parse<SmbCipher>(cipher), Signing = Enum.Parse<SmbSigningAlgorithm>(signing), Tree = ScriptedClient.Tree() };
            await using var server = new ScriptedSmbServer(script);
            Assert.True((await ScriptedClient.ConnectAsync(server, new() { Protection = protection })).TryGetValue(out var connection, out var fault), fault?.ToString());
            await using (connection)
            {
                var expected = new SmbSecurity(dialectName, signingName, protection is SmbProtection.Encrypted ? cipherName : null, IsGuest: false);
                Assert.Equal(expected, connection.Security);
                Assert.Null(await ScriptedClient.WalkAsync(connection));
            }

            Assert.Equal(4, script.Tree.Count);
        }
    }

    [Fact]
    public async Task Walk_ServerThatAnswersCompoundsOneByOne_DoesEverything()
    {
        await using var server = new ScriptedSmbServer(new() { Compounds = false, Tree = ScriptedClient.Tree() });

        Assert.Null(await ScriptedClient.WalkAsync(server));
    }

    [Fact]
    public async Task Walk_ServerThatSendsByteByByteAndLeavesEverythingPendingFirst_DoesEverything()
    {
        await using var server = new ScriptedSmbServer(new()
        {
            Tree = ScriptedClient.Tree(),
            OnReply = static reply =>
            {
                reply.PieceBytes = 1;
                if (reply.Command > 3)
                {
                    reply.Before.AddRange([reply.Interim(), reply.Interim()]);
                }
            },
        });

        Assert.Null(await ScriptedClient.WalkAsync(server));
    }

    [Fact]
    public async Task Connect_WrongPassword_IsRejected()
    {
        await using var server = new ScriptedSmbServer(new());

        Assert.False((await ScriptedClient.ConnectAsync(server, password: "wrong")).TryGetValue(out _, out var fault));

        Assert.Equal((TransportFaultKind.CredentialsRejected, FaultEffect.NotSent), (fault.Kind, fault.Effect));
    }
}
