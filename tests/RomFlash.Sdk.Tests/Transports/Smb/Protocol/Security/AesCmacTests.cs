using System.Security.Cryptography;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Security;

public sealed class AesCmacTests
{
    private const string Key = "2b7e151628aed2a6abf7158809cf4f3c";
    private const string Message = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

    // RFC 4493, 4; one instance after the other and one for all.
    [Fact]
    public void Compute_OfTheRfc_IsTheRfcs()
    {
        (int Length, string Mac)[] examples =
        [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
            (64, "51f0bebf7e3b9d92fc49741779363cfe"),
        ];
        using var cmac = new AesCmac(Convert.FromHexString(Key));
        foreach (var (length, mac) in examples.Concat(examples.Reverse()))
        {
            var found = new byte[16];
            cmac.Compute(Convert.FromHexString(Message).AsSpan(0, length), found);
            Assert.Equal(mac, Convert.ToHexStringLower(found));
        }
    }

    [Fact]
    public void Compute_AnyLength_IsWhatBlocksOneByOneGive()
    {
        // Around the pieces that it works in, and the lengths of real messages.
        var random = new Random(20261126);
        var key = new byte[16];
        random.NextBytes(key);
        using var cmac = new AesCmac(key);
        using var aes = Aes.Create();
        aes.SetKey(key);
        int[] around = [0, 64, 16 << 10, 32 << 10, (64 << 10) + 112, 1 << 20];
        foreach (var length in around.SelectMany(l => Enumerable.Range(l - 17, 35)).Where(l => l >= 0))
        {
            var message = new byte[length];
            random.NextBytes(message);
            var found = new byte[16];
            cmac.Compute(message, found);
            Assert.True(Slow(aes, message).AsSpan().SequenceEqual(found), $"{length} bytes");
        }
    }

    // RFC 4493, 2.4, word for word.
    private static byte[] Slow(Aes aes, byte[] message)
    {
        var first = Double(aes.EncryptEcb(new byte[16], PaddingMode.None));
        var second = Double(first);
        var blocks = Math.Max(1, (message.Length + 15) / 16);
        var padded = new byte[16 * blocks];
        message.CopyTo(padded, 0);
        var isWhole = message.Length > 0 && message.Length % 16 == 0;
        if (!isWhole)
        {
            padded[message.Length] = 0x80;
        }

        for (var i = 0; i < 16; i++)
        {
            padded[^(16 - i)] ^= (isWhole ? first : second)[i];
        }

        return aes.EncryptCbc(padded, new byte[16], PaddingMode.None)[^16..];

        static byte[] Double(byte[] block)
        {
            var doubled = new byte[16];
            for (var i = 0; i < 16; i++)
            {
                doubled[i] = (byte)((block[i] << 1) | (i < 15 ? block[i + 1] >> 7 : 0));
            }

            doubled[15] ^= (byte)((block[0] & 0x80) == 0 ? 0 : 0x87);
            return doubled;
        }
    }
}
