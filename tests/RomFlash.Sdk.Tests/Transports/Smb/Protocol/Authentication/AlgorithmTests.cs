using System.Text;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Authentication;

/// <summary>MD4, RC4 and NTLMv2 beside the values that their documents give.</summary>
public sealed class AlgorithmTests
{
    // RFC 1320, A.5.
    [Theory]
    [InlineData("", "31d6cfe0d16ae931b73c59d7e0c089c0")]
    [InlineData("a", "bde52cb31de33e46245e05fbdbd6fb24")]
    [InlineData("abc", "a448017aaf21d8525fc10ae87aa6729d")]
    [InlineData("message digest", "d9130a8164549fe818874806e1c7014b")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "e33b4ddc9c38f2199c3e7b164fcc0536")]
    public void Md4_OfTheRfc_IsTheRfcs(string text, string hash)
    {
        var found = new byte[Md4.HashBytes];

        Md4.Hash(Encoding.ASCII.GetBytes(text), found);

        Assert.Equal(hash, Convert.ToHexStringLower(found));
    }

    // RFC 6229, 2: the streams' beginnings, and what lies at 4096 of the first one.
    [Theory]
    [InlineData("0102030405", 0, "b2396305f03dc027ccc3524a0a1118a8")]
    [InlineData("0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b97")]
    [InlineData("0102030405", 4096, "ff25b58995996707e51fbdf08b34d875")]
    public void Rc4_OfTheRfc_IsTheRfcs(string key, int offset, string stream)
    {
        using var cipher = new Rc4(Convert.FromHexString(key));
        var found = new byte[offset + 16];

        cipher.Transform(found, found);

        Assert.Equal(stream, Convert.ToHexStringLower(found.AsSpan(offset)));
    }

    // MS-NLMP, 4.2.1 and 4.2.4.
    [Fact]
    public void NtlmHash_OfTheSpecificationsExample_IsItsResults()
    {
        var (hash, key, baseKey, sent) = (new byte[16], new byte[16], new byte[16], new byte[16]);
        var (server, client) = (Convert.FromHexString("0123456789abcdef"), Convert.FromHexString("aaaaaaaaaaaaaaaa"));
        var pairs = Convert.FromHexString("02000c0044006f006d00610069006e0001000c00530065007200760065007200" + "00000000");
        var (response, lm) = (new byte[NtlmHash.ResponseBytes(pairs.Length)], new byte[24]);

        NtlmHash.OfPassword("Password", hash);
        NtlmHash.ResponseKey(hash, "User", "Domain", key);
        NtlmHash.Respond(key, server, client, 0, pairs, response);
        NtlmHash.RespondShort(key, server, client, lm);
        NtlmHash.BaseKey(key, response.AsSpan(0, 16), baseKey);
        using (var cipher = new Rc4(baseKey))
        {
            cipher.Transform(Convert.FromHexString("55555555555555555555555555555555"), sent);
        }

        Assert.Equal("0c868a403bfd7a93a3001ef22ef02e3f", Convert.ToHexStringLower(key));
        Assert.Equal(
            "68cd0ab851e51c96aabc927bebef6a1c" + "0101000000000000" + "0000000000000000" + "aaaaaaaaaaaaaaaa" + "00000000" + Convert.ToHexStringLower(pairs) + "00000000",
            Convert.ToHexStringLower(response));
        Assert.Equal("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa", Convert.ToHexStringLower(lm));
        Assert.Equal("8de40ccadbc14a82f15cb0ad0de95ca3", Convert.ToHexStringLower(baseKey));
        Assert.Equal("c5dad2544fc9799094ce1ce90bc9d03e", Convert.ToHexStringLower(sent));
    }

    // MS-NLMP, 4.2.4.4: GSS_WrapEx seals first and signs then, which the cipher's stream shows.
    [Fact]
    public void NtlmMac_OfTheSpecificationsExample_IsItsResult()
    {
        var (message, found) = (Encoding.Unicode.GetBytes("Plaintext"), new byte[16]);
        using var mac = new NtlmMac(Convert.FromHexString("55555555555555555555555555555555"), SmbRole.Client);
        using var sealing = new Rc4(Convert.FromHexString("59f600973cc4960a25480a7c196e4c58"));
        var text = new byte[message.Length + 8];
        sealing.Transform([.. message, .. new byte[8]], text);

        mac.Compute(message, found);

        Assert.Equal("54e50165bf1936dc996020c1811b0f06fb5f", Convert.ToHexStringLower(text.AsSpan(0, 18)));

        // The example's checksum is masked by what follows the sealed text in the stream; ours, of a message that is signed alone, by the stream's beginning.
        using var fresh = new Rc4(Convert.FromHexString("59f600973cc4960a25480a7c196e4c58"));
        var unmasked = new byte[8];
        fresh.Transform(found.AsSpan(4, 8), unmasked);
        var masked = text[18..].Select((b, i) => (byte)(b ^ unmasked[i])).ToArray();
        Assert.Equal("01000000" + "7fb38ec5c55d4976" + "00000000", Convert.ToHexStringLower([.. found.AsSpan(0, 4), .. masked, .. found.AsSpan(12)]));
    }

    // A logon between Windows machines that Microsoft published with its session key ("SMB 2 and SMB 3 security in Windows 10: the anatomy of signing and cryptographic keys").
    [Fact]
    public void NtlmMac_OfALogonBetweenWindowsMachines_IsWhatTheySent()
    {
        var key = Convert.FromHexString("270E1BA896585EEB7AF3472D3B4C75A7");
        using var client = new NtlmMac(key, SmbRole.Client);
        using var server = new NtlmMac(key, SmbRole.Server);
        var (fromClient, fromServer) = (new byte[16], new byte[16]);

        client.Compute(SpnegoTokens.Mechanisms, fromClient);
        server.Compute(SpnegoTokens.Mechanisms, fromServer);

        Assert.Equal("0100000063775A9A5FD97F0600000000", Convert.ToHexString(fromClient));
        Assert.Equal("010000003B453CDC3524164200000000", Convert.ToHexString(fromServer));
    }
}
