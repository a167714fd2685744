using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>NTLMv2's computations (MS-NLMP, 3.3.2). Those of NTLMv1 and LM are not here, so that nothing can fall back to them.</summary>
internal static class NtlmHash
{
    public const int KeyBytes = 16;

    // "Responserversion" and "HiResponserversion", both 1, and reserved bytes; the time; the client's challenge; reserved; and after the pairs 4 more zeros.
    private const int TimeOffset = 8;
    private const int ClientChallengeOffset = 16;
    private const int PairsOffset = 28;
    private const int EndBytes = 4;

    /// <summary>The hash of a password, which is as good as the password: MD4 of its UTF-16.</summary>
    public static void OfPassword(ReadOnlySpan<char> password, Span<byte> hash)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(password.Length * sizeof(char), pinned: true);
        try
        {
            for (var i = 0; i < password.Length; i++)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i * sizeof(char)), password[i]);
            }

            Md4.Hash(bytes, hash);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>The key of an account's responses, NTOWFv2: of the password's hash, the user's name without case, and the domain's as it is written.</summary>
    public static void ResponseKey(ReadOnlySpan<byte> passwordHash, string user, string domain, Span<byte> key) =>
        Keyed(passwordHash, Encoding.Unicode.GetBytes(user.ToUpperInvariant()), Encoding.Unicode.GetBytes(domain), key);

    /// <summary>How long a response is.</summary>
    public static int ResponseBytes(int pairsBytes) => KeyBytes + PairsOffset + pairsBytes + EndBytes;

    /// <summary>Writes the response: the proof, and what it proves.</summary>
    /// <param name="responseKey">See <see cref="ResponseKey"/>.</param>
    /// <param name="serverChallenge">8 bytes.</param>
    /// <param name="clientChallenge">8 bytes.</param>
    /// <param name="time">A FILETIME.</param>
    /// <param name="pairs">The target's description, with the pair that ends it.</param>
    /// <param name="response">As long as <see cref="ResponseBytes"/> says.</param>
    public static void Respond(ReadOnlySpan<byte> responseKey, ReadOnlySpan<byte> serverChallenge, ReadOnlySpan<byte> clientChallenge, ulong time, ReadOnlySpan<byte> pairs, Span<byte> response)
    {
        var statement = response[KeyBytes..];
        statement.Clear();
        statement[0] = statement[1] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(statement[TimeOffset..], time);
        clientChallenge.CopyTo(statement[ClientChallengeOffset..]);
        pairs.CopyTo(statement[PairsOffset..]);
        Keyed(responseKey, serverChallenge, statement, response[..KeyBytes]);
    }

    /// <summary>The response in the place of LM's, for a peer that tells no time: a short LMv2.</summary>
    public static void RespondShort(ReadOnlySpan<byte> responseKey, ReadOnlySpan<byte> serverChallenge, ReadOnlySpan<byte> clientChallenge, Span<byte> response)
    {
        Keyed(responseKey, serverChallenge, clientChallenge, response[..KeyBytes]);
        clientChallenge.CopyTo(response[KeyBytes..]);
    }

    /// <summary>The session's base key, with which the random key is handed over.</summary>
    public static void BaseKey(ReadOnlySpan<byte> responseKey, ReadOnlySpan<byte> proof, Span<byte> key) => Keyed(responseKey, proof, [], key);

    /// <summary>HMAC-MD5 of parts.</summary>
    public static void Keyed(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac, ReadOnlySpan<byte> third = default)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.MD5, key);
        hmac.AppendData(first);
        hmac.AppendData(second);
        hmac.AppendData(third);
        hmac.GetHashAndReset(mac);
    }
}
