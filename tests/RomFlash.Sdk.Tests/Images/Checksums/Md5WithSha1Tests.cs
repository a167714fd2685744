using System.Security.Cryptography;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Checksums;

#pragma warning disable CA5350, CA5351 // What vendors publish is what is compared here.
public sealed class Md5WithSha1Tests
{
    [Fact]
    public void Append_EveryLengthInAnyPieces_IsWhatTheFrameworkSays()
    {
        // Where the processor lacks what the pair takes, these are two units of the framework's, and the test holds all the same.
        const int Seed = 13;
        var random = new Random(Seed);
        for (var length = 0; length < 700; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            using var digest = new MultiDigest(ChecksumAlgorithms.Md5 | ChecksumAlgorithms.Sha1);
            for (var at = 0; at < length;)
            {
                var piece = Math.Min(length - at, random.Next(1, 200));
                digest.Append(bytes.AsSpan(at, piece));
                at += piece;
            }

            // Looked at in between, it goes on as if nobody had.
            Check(digest, bytes);
            digest.Append([1]);
            Check(digest, [.. bytes, 1]);
            digest.Reset();
            Check(digest, []);
        }
    }

    [Fact]
    public void Append_MillionsOfBytes_IsWhatTheFrameworkSays()
    {
        var bytes = new byte[5_000_011];
        new Random(7).NextBytes(bytes);
        bytes.AsSpan(1_000_000, 1_000_000).Fill(0xFF);
        using var digest = new MultiDigest(ChecksumAlgorithms.Md5 | ChecksumAlgorithms.Sha1);
        digest.Append(bytes);

        Check(digest, bytes);
    }

    private static void Check(MultiDigest digest, byte[] bytes)
    {
        var values = digest.GetCurrentValues();
        Assert.Equal(Convert.ToHexStringLower(MD5.HashData(bytes)), values.ToHex(ChecksumAlgorithms.Md5));
        Assert.Equal(Convert.ToHexStringLower(SHA1.HashData(bytes)), values.ToHex(ChecksumAlgorithms.Sha1));
    }
}
