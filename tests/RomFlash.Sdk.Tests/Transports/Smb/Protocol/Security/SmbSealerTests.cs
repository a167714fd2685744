using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Security;

public sealed class SmbSealerTests
{
    private const ulong Session = 0x1122_3344_5566_7788;

    public static TheoryData<string> Ciphers => new("Aes128Ccm", "Aes128Gcm", "Aes256Ccm", "Aes256Gcm");

    [Theory]
    [MemberData(nameof(Ciphers))]
    public void TryOpen_WhatWasSealed_IsWhatItWas(string cipher)
    {
        using var client = Keys(cipher, SmbRole.Client);
        using var server = Keys(cipher, SmbRole.Server);
        using var from = client.CreateSealer(Session);
        using var to = server.CreateSealer(Session);
        foreach (var length in (int[])[1, 64, 1000, 1 << 20])
        {
            var (request, answer) = (Text(length, 3), Text(length, 4));
            from.Seal(request);
            to.Seal(answer);
            Assert.False(request.AsSpan(52).SequenceEqual(Text(length, 3).AsSpan(52)));

            // Each opens what the other one sealed, and not its own.
            Assert.False(from.TryOpen(request.ToArray()));
            Assert.True(to.TryOpen(request));
            Assert.True(from.TryOpen(answer));
            Assert.Equal(Text(length, 3)[52..], request[52..]);
            Assert.Equal(Text(length, 4)[52..], answer[52..]);
        }
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    public void TryOpen_AnyBitChanged_IsRefused(string cipher)
    {
        using var client = Keys(cipher, SmbRole.Client);
        using var server = Keys(cipher, SmbRole.Server);
        using var from = server.CreateSealer(Session);
        using var to = client.CreateSealer(Session);
        var message = Text(65, 1);
        from.Seal(message);
        for (var bit = 0; bit < 8 * message.Length; bit++)
        {
            // Behind the nonce its field has bytes that the cipher does not use; they are authenticated all the same.
            var changed = message.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(to.TryOpen(changed), $"bit {bit}");
        }

        for (var length = 0; length < message.Length; length++)
        {
            Assert.False(to.TryOpen(message[..length]), $"{length} bytes");
        }

        Assert.False(to.TryOpen((byte[])[.. message, 0]));
        Assert.True(to.TryOpen(message));
    }

    [Fact]
    public void TryOpen_AnotherSessionsMessage_IsRefused()
    {
        using var client = Keys("Aes128Gcm", SmbRole.Client);
        using var server = Keys("Aes128Gcm", SmbRole.Server);
        using var from = server.CreateSealer(Session + 1);
        using var to = client.CreateSealer(Session);
        var message = Text(65, 1);

        from.Seal(message);

        Assert.False(to.TryOpen(message));
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    public void Seal_ByTwoSealersOfTheSameKeys_UsesNoNonceTwice(string cipher)
    {
        using var keys = Keys(cipher, SmbRole.Client);
        using var first = keys.CreateSealer(Session);
        using var second = keys.CreateSealer(Session);
        var nonces = new HashSet<string>();
        for (var i = 0; i < 100; i++)
        {
            var (one, other) = (Text(10, 1), Text(10, 1));
            first.Seal(one);
            second.Seal(other);
            Assert.True(nonces.Add(Convert.ToHexString(one.AsSpan(20, 11))));
            Assert.True(nonces.Add(Convert.ToHexString(other.AsSpan(20, 11))));
        }
    }

    [Fact]
    public void Seal_WhenTheNoncesAreUsedUp_IsRefused()
    {
        using var keys = Keys("Aes128Gcm", SmbRole.Client, ulong.MaxValue - 1);
        using var sealer = keys.CreateSealer(Session);
        sealer.Seal(Text(10, 1));

        for (var i = 0; i < 3; i++)
        {
            var message = Text(10, 1);
            Assert.Throws<CryptographicException>(() => sealer.Seal(message));
            Assert.Equal(Text(10, 1)[52..], message[52..]);
        }
    }

    [Fact]
    public void Seal_NoText_IsMisuse()
    {
        using var keys = Keys("Aes128Gcm", SmbRole.Client);
        using var sealer = keys.CreateSealer(Session);

        Assert.Throws<ArgumentOutOfRangeException>(() => sealer.Seal(new byte[52]));
    }

    private static SmbSessionKeys Keys(string cipher, object role, ulong firstNonce = 0) =>
        SmbSessionKeys.Derive(SmbDialect.Smb311, Enum.Parse<SmbCipher>(cipher), SmbSessionKeysTests.Hex("000102030405060708090A0B0C0D0E0F"), new byte[64], (SmbRole)role, firstNonce);

    private static byte[] Text(int length, byte value)
    {
        var message = new byte[SmbSealer.HeaderBytes + length];
        message.AsSpan(SmbSealer.HeaderBytes).Fill(value);
        return message;
    }
}
