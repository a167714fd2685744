using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Security;

public sealed class SmbSignerTests
{
    public static TheoryData<string> Algorithms => new("HmacSha256", "AesCmac", "AesGmac");

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Verify_WhatWasSigned_IsRightAndWhatWasChangedIsNot(string algorithm)
    {
        using var keys = Keys();
        using var signer = keys.CreateSigner(Enum.Parse<SmbSigningAlgorithm>(algorithm));
        using var verifier = keys.CreateSigner(Enum.Parse<SmbSigningAlgorithm>(algorithm));
        var message = SmbSessionKeysTests.Message(205);

        // Whatever was in the field before.
        message.AsSpan(48, 16).Fill(0xEE);
        signer.Sign(message);

        var copy = message.ToArray();
        Assert.True(verifier.Verify(message));
        Assert.Equal(copy, message);
        for (var bit = 0; bit < 8 * message.Length; bit++)
        {
            message[bit / 8] ^= (byte)(1 << (bit % 8));
            var changed = message.ToArray();
            Assert.False(verifier.Verify(message), $"bit {bit}");
            Assert.Equal(changed, message);
            message[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(verifier.Verify(message));
        Assert.False(verifier.Verify(message.AsSpan(0, 204)));
        Assert.False(verifier.Verify(message.AsSpan(0, 63)));
        Assert.False(verifier.Verify([]));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Verify_WithAnotherKey_IsWrong(string algorithm)
    {
        using var keys = Keys();
        using var others = SmbSessionKeys.Derive(SmbDialect.Smb311, SmbCipher.None, new byte[16], new byte[64]);
        using var signer = keys.CreateSigner(Enum.Parse<SmbSigningAlgorithm>(algorithm));
        using var other = others.CreateSigner(Enum.Parse<SmbSigningAlgorithm>(algorithm));
        var message = SmbSessionKeysTests.Message(64);

        signer.Sign(message);

        Assert.False(other.Verify(message));
    }

    [Fact]
    public void Sign_ByGmac_TakesTheNonceOfIdAndDirectionAndCancel()
    {
        // The nonce has to differ, so that what is authenticated twice under one id gives nothing away (MS-SMB2, 3.1.4.1).
        using var gcm = new System.Security.Cryptography.AesGcm(new byte[16], 16);
        using var signer = new AesGmacSigner(new byte[16]);
        (ushort Command, uint Flags, string Nonce)[] cases =
        [
            (0x0009, 8, "EFCDAB8967452301" + "00000000"),
            (0x0009, 9, "EFCDAB8967452301" + "01000000"),
            (0x000C, 8, "EFCDAB8967452301" + "02000000"),
            (0x000C, 9, "EFCDAB8967452301" + "03000000"),
        ];
        foreach (var (command, flags, nonce) in cases)
        {
            var message = SmbSessionKeysTests.Message(99);
            BitConverter.TryWriteBytes(message.AsSpan(12), command);
            BitConverter.TryWriteBytes(message.AsSpan(16), flags);
            BitConverter.TryWriteBytes(message.AsSpan(24), 0x0123_4567_89AB_CDEFul);
            var expected = new byte[16];
            gcm.Encrypt(Convert.FromHexString(nonce), ReadOnlySpan<byte>.Empty, [], expected, message);

            signer.Sign(message);

            Assert.Equal(expected, message[48..64]);
        }
    }

    [Fact]
    public void Sign_LessThanAHeader_IsMisuse()
    {
        using var keys = Keys();
        using var signer = keys.CreateSigner(SmbSigningAlgorithm.AesCmac);

        Assert.Throws<ArgumentOutOfRangeException>(() => signer.Sign(new byte[63]));
    }

    private static SmbSessionKeys Keys() => SmbSessionKeys.Derive(SmbDialect.Smb311, SmbCipher.Aes128Gcm, SmbSessionKeysTests.Hex("000102030405060708090A0B0C0D0E0F"), new byte[64]);
}
