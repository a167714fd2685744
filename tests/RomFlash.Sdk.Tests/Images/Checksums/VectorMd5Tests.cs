using System.Security.Cryptography;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Checksums;

#pragma warning disable CA5351 // What vendors publish is what is compared here.
public sealed class VectorMd5Tests
{
    [Fact]
    public void Append_EveryLengthInAnyPieces_IsTheFrameworksMd5()
    {
        // On a processor without AVX-512 the framework's own is used, and this says so by testing that one.
        var random = new Random(13);
        for (var length = 0; length < 700; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            var digest = DigestUnit.Create(ChecksumAlgorithms.Md5)[0];
            for (var at = 0; at < length;)
            {
                var piece = Math.Min(length - at, random.Next(1, 200));
                digest.Append(bytes.AsSpan(at, piece));
                at += piece;
            }

            // Looked at in between, it goes on as if nobody had.
            Assert.Equal(MD5.HashData(bytes), Value(digest));
            digest.Append([1]);
            Assert.Equal(MD5.HashData([.. bytes, 1]), Value(digest));
            digest.Reset();
            Assert.Equal(MD5.HashData([]), Value(digest));
            digest.Dispose();
        }
    }

    private static byte[] Value(DigestUnit digest)
    {
        var value = new byte[digest.Length];
        digest.Write(value);
        return value;
    }
}
