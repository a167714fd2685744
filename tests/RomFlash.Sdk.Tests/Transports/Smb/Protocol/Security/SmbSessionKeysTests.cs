using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Security;

/// <summary>
/// Keys and messages beside those that Microsoft published: "SMB 2 and SMB 3 security in Windows 10: the anatomy of signing and cryptographic keys", "Encryption in SMB 3.0: a protocol
/// perspective" and "SMB 3.1.1 encryption in Windows 10".
/// </summary>
public sealed class SmbSessionKeysTests
{
    private const string Key311 = "270E1BA896585EEB7AF3472D3B4C75A7";
    private const string Hash311 = "0DD13628CC3ED218EF9DF9772D436D0887AB9814BFAE63A80AA845F36909DB7928622DDDAD522D9751640A459762C5A9D6BB084CBB3CE6BDADEF5D5BCE3C6C01";

    [Theory]
    [InlineData((ushort)SmbDialect.Smb300, "7CD451825D0450D235424E44BA6E78CC", "", "0B7E9C5CAC36C0F6EA9AB275298CEDCE", "FAD27796665B313EBB578F388632B4F7", "B0F0427F7CEB416D1D9DCC0CD4F99447")]
    [InlineData((ushort)SmbDialect.Smb302, "7CD451825D0450D235424E44BA6E78CC", "", "0B7E9C5CAC36C0F6EA9AB275298CEDCE", "FAD27796665B313EBB578F388632B4F7", "B0F0427F7CEB416D1D9DCC0CD4F99447")]
    [InlineData((ushort)SmbDialect.Smb311, Key311, Hash311, "73FE7A9A77BEF0BDE49C650D8CCB5F76", "629BCBC54422A0F572B97F45989B6073", "E2AF0DCEFAC68DA71A0DFBD0D1350D74")]
    public void Derive_Published_IsWhatWasPublished(ushort dialect, string sessionKey, string hash, string signing, string toServer, string toClient)
    {
        using var keys = SmbSessionKeys.Derive((SmbDialect)dialect, SmbCipher.Aes128Ccm, Hex(sessionKey), Hex(hash));
        using var signer = keys.CreateSigner(SmbSigningAlgorithm.AesCmac);
        using var expected = new AesCmacSigner(Hex(signing));
        var (one, other) = (Message(100), Message(100));
        signer.Sign(one);
        expected.Sign(other);

        Assert.Equal(other, one);
        AssertSeals(keys, isCcm: true, Hex(toServer), Hex(toClient));
    }

    [Fact]
    public void Verify_AnswerOfAWindowsServer_IsRight()
    {
        // The last answer of the published logon.
        var message = Hex(
            "FE534D4240000100000000000100800009000000000000000300000000000000FFFE0000000000001900000000100000EBE146DA120BA25FC3376A49DFE31BC1"
            + "0900000048001D00A11B3019A0030A0100A3120410010000003B453CDC3524164200000000");
        using var keys = SmbSessionKeys.Derive(SmbDialect.Smb311, SmbCipher.Aes128Gcm, Hex(Key311), Hex(Hash311));
        using var signer = keys.CreateSigner(SmbSigningAlgorithm.AesCmac);

        Assert.True(signer.Verify(message));
        message[^1] ^= 1;
        Assert.False(signer.Verify(message));
    }

    [Theory]
    [InlineData(
        SmbRole.Server, (ushort)SmbDialect.Smb300, (ushort)SmbCipher.Aes128Ccm, "B4546771B515F766A86735532DD6C4F0", "", 0x8E40014000011ul,
        "FD534D4281A286535415445DAE393921E44FA42E66E69A111892584FB5ED524A744DA3EE87000000000001001100001400E4080025C8FEE16605A437832D1CD52DA9F4645333482A175FE5384563F45FCDAFAEF38BC62BA4D5C62897996625A44C29BE5658DE2E6117585779E7B59FFD971278D08580D7FA899E410E910EABF5AA1DB43050B33B49182637759AC15D84BFCDF5B6B238993C0F4CF4D6012023F6C627297075D84B7803912D0A9639634453595EF3E33FFE4E7AC2AB",
        "FE534D4240000100000000000900400008000000000000000400000000000000FFFE0000010000001100001400E40800000000000000000000000000000000003100700017000000000000000000000015010000390000020100000039020000" + "00000000000000007000000000000000536D623320656E6372797074696F6E2074657374696E67")]
    [InlineData(
        SmbRole.Client, (ushort)SmbDialect.Smb300, (ushort)SmbCipher.Aes128Ccm, "B4546771B515F766A86735532DD6C4F0", "", 0x8E40014000011ul,
        "FD534D42A6015530A18F6D9AFFE22AFAE8E6648486000000000000001100001400E4080050000000000001001100001400E40800DBF46435C5F14169293CE079E344479BF670227E49873F458672C3098DAC467DD5809F369D674091665157871483E01F7BECD02064EAC3E235F913668BBC2F097980D4B378F1993EFF6E60D177309E5B",
        "FE534D4240000100000000000900210009000000000000000400000000000000FFFE0000010000001100001400E408000000000000000000000000000000000011000000170000000000000000000000")]
    [InlineData(
        SmbRole.Server, (ushort)SmbDialect.Smb311, (ushort)SmbCipher.Aes128Gcm, "419FDDF34C1E001909D362AE7FB6AF79",
        "B23F3CBFD69487D9832B79B1594A367CDD950909B774C3A4C412B4FCEA9EDDDBA7DB256BA2EA30E977F11F9B113247578E0E915C6D2A513B8F2FCA5707DC8770", 0x100000000025ul,
        "FD534D42BD73D97D2BC9001BCAFAC0FDFF5FEEBCC7D6822D269CAF48904C664C00000000870000000000010025000000001000006ECDD2A7AFC7B47763057A041B8FD4DAFFE990B70C9E09D36C084E02D14EF247F8BDE38ACF6256F8B1D3B56F77FBDEB312FEA5E92CBCC1ED8FB2EBBFAA75E49A4A394BB44576545567C24D4C014D47C9FBDFDAFD2C4F9B72F8D256452620A299F48E29E53D6B61D1C13A19E91AF013F00D17E3ABC2FC3D36C8C1B6B93973253852DBD442E46EE8",
        "FE534D4240000100000000000900010008000000000000000500000000000000FFFE00000100000025000000001000000000000000000000000000000000000031007000170000000000000000000000" + "0600000004000000010000000400000000000000000000007000000000000000536D623320656E6372797074696F6E2074657374696E67")]
    [InlineData(
        SmbRole.Client, (ushort)SmbDialect.Smb311, (ushort)SmbCipher.Aes128Gcm, "419FDDF34C1E001909D362AE7FB6AF79",
        "B23F3CBFD69487D9832B79B1594A367CDD950909B774C3A4C412B4FCEA9EDDDBA7DB256BA2EA30E977F11F9B113247578E0E915C6D2A513B8F2FCA5707DC8770", 0x100000000025ul,
        "FD534D42ACBE1CB7ED343ADF1725EF144D90D4B0E06831DD2E8EB7B400000000000000005000000000000100250000000010000026BBBF949983A6C1C796559D0F2C510CB651D1F7B6AC8DED32A2A0B8F2D793A815C6F6B848D69767A215841A42D400AE6DDB5F0B44173A014973321FDD7950DA6179159B82E03C9E18A050FF0EA1C967",
        "FE534D4240000100000000000900010001000000000000000500000000000000FFFE00000100000025000000001000000000000000000000000000000000000011000000170000000000000000000000")]
    public void TryOpen_Published_IsWhatWasSealed(object role, ushort dialect, ushort cipher, string sessionKey, string hash, ulong session, string sealedText, string text)
    {
        using var keys = SmbSessionKeys.Derive((SmbDialect)dialect, (SmbCipher)cipher, Hex(sessionKey), Hex(hash), (SmbRole)role);
        using var sealer = keys.CreateSealer(session);
        var message = Hex(sealedText);

        Assert.True(sealer.TryOpen(message));

        Assert.Equal(text, Convert.ToHexString(message.AsSpan(SmbSealer.HeaderBytes)));
    }

    [Theory]
    [InlineData(SmbCipher.Aes256Gcm)]
    [InlineData(SmbCipher.Aes256Ccm)]
    public void Derive_A256BitCipher_HasKeysOf256Bits(object cipher)
    {
        // SP 800-108, 5.1, with the lengths that MS-SMB2 gives (3.1.4.2): one block of HMAC-SHA256 is 256 bits.
        using var keys = SmbSessionKeys.Derive(SmbDialect.Smb311, (SmbCipher)cipher, Hex(Key311), Hex(Hash311));
        using var signer = keys.CreateSigner(SmbSigningAlgorithm.AesGmac);
        using var expected = new AesGmacSigner(Block("SMBSigningKey\0", 128)[..16]);
        var (one, other) = (Message(80), Message(80));
        signer.Sign(one);
        expected.Sign(other);

        Assert.Equal(other, one);
        AssertSeals(keys, cipher is SmbCipher.Aes256Ccm, Block("SMBC2SCipherKey\0", 256), Block("SMBS2CCipherKey\0", 256));

        static byte[] Block(string label, int bits)
        {
            byte[] input = [0, 0, 0, 1, .. Encoding.ASCII.GetBytes(label), 0, .. Hex(Hash311), 0, 0, (byte)(bits >> 8), (byte)bits];
            return HMACSHA256.HashData(Hex(Key311), input);
        }
    }

    [Fact]
    public void CreateSigner_Of21_SignsWithTheSessionKey()
    {
        using var keys = SmbSessionKeys.Derive(SmbDialect.Smb210, SmbCipher.None, Hex(Key311), []);
        using var signer = keys.CreateSigner(SmbSigningAlgorithm.HmacSha256);
        var message = Message(123);
        var expected = HMACSHA256.HashData(Hex(Key311), message)[..16];

        signer.Sign(message);

        Assert.Equal(expected, message[48..64]);
    }

    [Fact]
    public void Derive_WhatTheDialectHasNot_IsMisuse()
    {
        var key = Hex(Key311);
        Assert.Throws<ArgumentException>(() => SmbSessionKeys.Derive(SmbDialect.Smb210, SmbCipher.Aes128Ccm, key, []));
        Assert.Throws<ArgumentException>(() => SmbSessionKeys.Derive(SmbDialect.Smb300, SmbCipher.Aes128Gcm, key, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => SmbSessionKeys.Derive(SmbDialect.Smb311, SmbCipher.None, key, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => SmbSessionKeys.Derive(SmbDialect.Smb302, SmbCipher.None, key.AsSpan(1), []));
        using var old = SmbSessionKeys.Derive(SmbDialect.Smb210, SmbCipher.None, key, []);
        using var middle = SmbSessionKeys.Derive(SmbDialect.Smb302, SmbCipher.None, key, []);
        Assert.Throws<ArgumentException>(() => old.CreateSigner(SmbSigningAlgorithm.AesCmac));
        Assert.Throws<ArgumentException>(() => middle.CreateSigner(SmbSigningAlgorithm.HmacSha256));
        Assert.Throws<InvalidOperationException>(() => middle.CreateSealer(1));
    }

    internal static byte[] Hex(string text) => Convert.FromHexString(text);

    internal static byte[] Message(int length)
    {
        var message = new byte[length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, 0x424D53FE);
        message[4] = 64;
        message.AsSpan(64).Fill(0x5A);
        return message;
    }

    // Opens by hand what the keys seal, and the other way round.
    private static void AssertSeals(SmbSessionKeys keys, bool isCcm, byte[] toServer, byte[] toClient)
    {
        using var sealer = keys.CreateSealer(7);
        var message = new byte[SmbSealer.HeaderBytes + 70];
        var text = new byte[70];
        message.AsSpan(SmbSealer.HeaderBytes).Fill(9);
        sealer.Seal(message);
        if (isCcm)
        {
            using var mine = new AesCcm(toServer);
            using var theirs = new AesCcm(toClient);
            mine.Decrypt(message.AsSpan(20, 11), message.AsSpan(SmbSealer.HeaderBytes), message.AsSpan(4, 16), text, message.AsSpan(20, 32));
            theirs.Encrypt(message.AsSpan(20, 11), text, message.AsSpan(SmbSealer.HeaderBytes), message.AsSpan(4, 16), message.AsSpan(20, 32));
        }
        else
        {
            using var mine = new AesGcm(toServer, 16);
            using var theirs = new AesGcm(toClient, 16);
            mine.Decrypt(message.AsSpan(20, 12), message.AsSpan(SmbSealer.HeaderBytes), message.AsSpan(4, 16), text, message.AsSpan(20, 32));
            theirs.Encrypt(message.AsSpan(20, 12), text, message.AsSpan(SmbSealer.HeaderBytes), message.AsSpan(4, 16), message.AsSpan(20, 32));
        }

        Assert.All(text, b => Assert.Equal(9, b));
        Assert.True(sealer.TryOpen(message));
        Assert.All(message[SmbSealer.HeaderBytes..], b => Assert.Equal(9, b));
    }
}
