using System.Numerics;
using System.Security.Cryptography;

namespace RomFlash.Sdk.Images.Signatures;

/// <summary>
/// RSASSA-PSS with a salt of any length (RFC 8017, 8.1.2 and 9.1.2). The platform verifies salts as long as the digest alone, and OpenSSL signs with the
/// longest that fits unless it is told otherwise.
/// </summary>
/// <remarks>Works with the public key alone, so that time tells nothing.</remarks>
internal static class RsaPssVerifier
{
    // OpenSSL refuses longer exponents with keys of more than 3,072 bits (OPENSSL_RSA_MAX_PUBEXP_BITS); nobody uses them with shorter ones. Bounds the time.
    private const int MaxExponentLength = 8;

    /// <summary>Whether a signature over a digest is by the key.</summary>
    public static bool Verify(RSA key, HashAlgorithmName algorithm, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature, int saltLength)
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        if (parameters.Exponent!.Length > MaxExponentLength)
        {
            return false;
        }

        var modulus = Positive(parameters.Modulus);
        var modulusBits = (int)modulus.GetBitLength();
        var number = Positive(signature);
        if (modulusBits > SignatureRules.MaxRsaBits || signature.Length != (modulusBits + 7) / 8 || number >= modulus)
        {
            return false;
        }

        var encodedBits = modulusBits - 1;
        var encoded = new byte[(encodedBits + 7) / 8];
        var message = BigInteger.ModPow(number, Positive(parameters.Exponent), modulus);
        var length = message.GetByteCount(isUnsigned: true);
        return length <= encoded.Length
            && message.TryWriteBytes(encoded.AsSpan(encoded.Length - length), out _, isUnsigned: true, isBigEndian: true)
            && IsConsistent(encoded, encodedBits, algorithm, digest, saltLength);
    }

    // EMSA-PSS-VERIFY (RFC 8017, 9.1.2).
    private static bool IsConsistent(Span<byte> encoded, int encodedBits, HashAlgorithmName algorithm, ReadOnlySpan<byte> digest, int saltLength)
    {
        if (encoded.Length < digest.Length + saltLength + 2 || encoded[^1] != 0xBC)
        {
            return false;
        }

        var block = encoded[..(encoded.Length - digest.Length - 1)];
        var hash = encoded.Slice(block.Length, digest.Length);
        var unused = (byte)(0xFF << (8 - ((8 * encoded.Length) - encodedBits)));
        if ((block[0] & unused) != 0)
        {
            return false;
        }

        Unmask(block, hash, algorithm);
        block[0] &= (byte)~unused;
        var padding = block.Length - saltLength - 1;
        if (block[..padding].ContainsAnyExcept((byte)0) || block[padding] != 1)
        {
            return false;
        }

        using var incremental = IncrementalHash.CreateHash(algorithm);
        incremental.AppendData([0, 0, 0, 0, 0, 0, 0, 0]);
        incremental.AppendData(digest);
        incremental.AppendData(block[(padding + 1)..]);
        return incremental.GetHashAndReset().AsSpan().SequenceEqual(hash);
    }

    // MGF1 (RFC 8017, B.2.1).
    private static void Unmask(Span<byte> block, ReadOnlySpan<byte> seed, HashAlgorithmName algorithm)
    {
        using var incremental = IncrementalHash.CreateHash(algorithm);
        for (var counter = 0; !block.IsEmpty; counter++)
        {
            incremental.AppendData(seed);
            incremental.AppendData([(byte)(counter >> 24), (byte)(counter >> 16), (byte)(counter >> 8), (byte)counter]);
            var mask = incremental.GetHashAndReset();
            var count = Math.Min(mask.Length, block.Length);
            for (var i = 0; i < count; i++)
            {
                block[i] ^= mask[i];
            }

            block = block[count..];
        }
    }

    private static BigInteger Positive(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
}
