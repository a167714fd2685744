using System.Diagnostics;
using RomFlash.Sdk.Tests.Transports.Smb.Scripted;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Authentication;

/// <summary>Impacket and PyCryptodome as judges of what was computed here: they know nothing of this code.</summary>
[Trait("Category", "Peer")]
public sealed class ImpacketTests
{
    private const string Logon =
        """
        import sys, hmac, struct
        from impacket import ntlm
        negotiate, challenge, authenticate, mic = [bytes.fromhex(a) for a in sys.argv[1:5]]
        user, domain, password = sys.argv[5:8]
        message = ntlm.NTLMAuthChallengeResponse()
        message.fromString(authenticate)
        assert message['user_name'].decode('utf-16le') == user and message['domain_name'].decode('utf-16le') == domain
        key = ntlm.NTOWFv2(user, password, domain)
        response = message['ntlm']
        server = ntlm.NTLMAuthChallenge(challenge)['challenge']
        assert ntlm.hmac_md5(key, server + response[16:]) == response[:16], 'proof'
        base = ntlm.hmac_md5(key, response[:16])
        session = ntlm.generateEncryptedSessionKey(base, message['session_key'])
        assert hmac.new(session, negotiate + challenge + authenticate[:72] + bytes(16) + authenticate[88:], 'md5').digest() == authenticate[72:88], 'MIC'
        flags = message['flags']
        from Cryptodome.Cipher import ARC4
        handle = ARC4.new(ntlm.SEALKEY(flags, session)).encrypt
        listed = bytes.fromhex('300c060a2b06010401823702020a')
        assert ntlm.MAC(flags, handle, ntlm.SIGNKEY(flags, session), 0, listed).getData() == mic, 'mechListMIC'
        print(session.hex())
        """;

    private const string Messages =
        """
        import sys
        from Cryptodome.Cipher import AES
        from Cryptodome.Hash import CMAC
        from impacket.crypto import KDF_CounterMode
        key, context, message, cmac, gmac = [bytes.fromhex(a) for a in sys.argv[1:6]]
        signing = KDF_CounterMode(key, b'SMBSigningKey\0', context, 128)
        assert CMAC.new(signing, message, AES).digest() == cmac, 'CMAC'
        cipher = AES.new(signing, AES.MODE_GCM, nonce=message[24:32] + bytes(4))
        cipher.update(message)
        assert cipher.digest() == gmac, 'GMAC'
        for n, sealed in enumerate(map(bytes.fromhex, sys.argv[6:])):
            bits, mode, nonce = (128, 128, 256, 256)[n], (AES.MODE_CCM, AES.MODE_GCM)[n % 2], (11, 12)[n % 2]
            cipher = AES.new(KDF_CounterMode(key, b'SMBC2SCipherKey\0', context, bits), mode, nonce=sealed[20:20 + nonce])
            cipher.update(sealed[20:52])
            assert cipher.decrypt_and_verify(sealed[52:], sealed[4:20]) == message, str(n)
        print('right')
        """;

    [Theory]
    [InlineData("admin", "", "Passw0rd!")]
    [InlineData("Jörg", "DÖMÄNE", "Pässwörd€𐀀")]
    public async Task Step_AnyAccount_MakesWhatImpacketTakes(string user, string domain, string password)
    {
        var server = new NtlmServer(user, password);
        using var client = NtlmAuthenticatorTests.Client(domain.Length == 0 ? user : $@"{domain}\{user}", password);
        var token = client.Step(server.Start(client.Step(NtlmServer.Offer()).Token!)).Token!;
        Assert.NotNull(server.Finish(token));
        Assert.True(SpnegoTokens.TryReadResponse(token, out var response));
        var key = new byte[16];
        client.CopySessionKey(key);

        var said = await RunAsync(Logon, Hex(server.Negotiate), Hex(server.Challenge), Hex(response.Token.Span), Hex(response.Mic!.Value.Span), user, domain, password);

        Assert.Equal(Hex(key), said);
    }

    [Fact]
    public async Task SignAndSeal_ByEveryAlgorithm_AreWhatImpacketAndPyCryptodomeTake()
    {
        var (key, hash, message) = (new byte[16], new byte[64], SmbSessionKeysTestsMessage());
        Random.Shared.NextBytes(key);
        Random.Shared.NextBytes(hash);
        var (cmac, gmac, texts) = (message.ToArray(), message.ToArray(), new List<string>());
        foreach (var cipher in (SmbCipher[])[SmbCipher.Aes128Ccm, SmbCipher.Aes128Gcm, SmbCipher.Aes256Ccm, SmbCipher.Aes256Gcm])
        {
            using var keys = SmbSessionKeys.Derive(SmbDialect.Smb311, cipher, key, hash);
            using var sealer = keys.CreateSealer(99);
            using var byCmac = keys.CreateSigner(SmbSigningAlgorithm.AesCmac);
            using var byGmac = keys.CreateSigner(SmbSigningAlgorithm.AesGmac);
            byCmac.Sign(cmac);
            byGmac.Sign(gmac);
            byte[] text = [.. new byte[SmbSealer.HeaderBytes], .. message];
            sealer.Seal(text);
            texts.Add(Hex(text));
        }

        var said = await RunAsync(Messages, [Hex(key), Hex(hash), Hex(message), Hex(cmac.AsSpan(48, 16)), Hex(gmac.AsSpan(48, 16)), .. texts]);

        Assert.Equal("right", said);
    }

    private static byte[] SmbSessionKeysTestsMessage()
    {
        var message = Security.SmbSessionKeysTests.Message(333);
        message[24] = 77;
        return message;
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static async Task<string> RunAsync(string script, params string[] arguments)
    {
        // The system's Python: it is the one that the packages install into.
        var start = new ProcessStartInfo("/usr/bin/python3", ["-c", script, .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(process.ExitCode == 0, await errors);
        return (await output).Trim();
    }
}
