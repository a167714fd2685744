using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>The messages that a client sends (MS-NLMP, 2.2.1.1 and 2.2.1.3).</summary>
internal static class NtlmMessages
{
    public const uint NegotiateType = 1;
    public const uint ChallengeType = 2;
    public const uint AuthenticateType = 3;

    /// <summary>Where AUTHENTICATE's checksum lies: after the fields, the flags and the version.</summary>
    public const int MicOffset = 72;

    /// <summary>Bit of MsvAvFlags: AUTHENTICATE has a checksum over all three messages. The proof covers the bit, so that nobody can take the checksum out.</summary>
    public const uint HasMic = 2;

    /// <summary>How long a name may be; Windows has 256 for accounts, and 255 for domains.</summary>
    public const int MaxNameLength = 256;

    private const int NegotiateBytes = 40;
    private const int NegotiateFlagsOffset = 12;
    private const int NegotiateVersionOffset = 32;
    private const int AuthenticateBytes = MicOffset + NtlmHash.KeyBytes;
    private const int AuthenticateFlagsOffset = 60;
    private const int AuthenticateVersionOffset = 64;
    private const int LmResponseBytes = 24;
    private const int PairHeaderBytes = 4;

    public static ReadOnlySpan<byte> Signature => "NTLMSSP\0"u8;

    // 2.2.2.10: for debugging only, and the same everywhere: Windows 10, 0, revision 15.
    private static ReadOnlySpan<byte> Version => [10, 0, 0, 0, 0, 0, 0, 15];

    /// <summary>Makes NEGOTIATE, without names: the peer needs none.</summary>
    public static byte[] Negotiate()
    {
        var message = new byte[NegotiateBytes];
        Begin(message, NegotiateType);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(NegotiateFlagsOffset), (uint)NtlmFlags.Asked);
        Version.CopyTo(message.AsSpan(NegotiateVersionOffset));
        return message;
    }

    /// <summary>Makes the target's description that the response proves: the peer's, and what the client adds (MS-NLMP, 3.1.5.1.2).</summary>
    /// <param name="challenge">The peer's challenge.</param>
    /// <param name="targetName">Whom the client means, such as <c>cifs/host</c>: a peer that passes the response on to another one gives itself away.</param>
    public static byte[] Pairs(in NtlmChallenge challenge, string targetName)
    {
        var name = Encoding.Unicode.GetBytes(targetName);

        // SMB has no channel to bind to: zeros.
        Span<byte> bindings = stackalloc byte[16];
        Span<byte> flags = stackalloc byte[sizeof(uint)];
        bindings.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(flags, challenge.PairFlags | HasMic);
        var pairs = new byte[challenge.Pairs.Length + PairHeaderBytes + flags.Length + PairHeaderBytes + bindings.Length + PairHeaderBytes + name.Length + PairHeaderBytes];
        var at = 0;

        // The ones that are the client's to say are not taken over.
        for (var rest = challenge.Pairs; !rest.IsEmpty;)
        {
            var (pair, length) = ((NtlmPair)BinaryPrimitives.ReadUInt16LittleEndian(rest), BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]));
            if (pair is not (NtlmPair.Flags or NtlmPair.SingleHost or NtlmPair.TargetName or NtlmPair.ChannelBindings))
            {
                at += Write(pairs.AsSpan(at), pair, rest.Slice(PairHeaderBytes, length));
            }

            rest = rest[(PairHeaderBytes + length)..];
        }

        at += Write(pairs.AsSpan(at), NtlmPair.Flags, flags);
        at += Write(pairs.AsSpan(at), NtlmPair.ChannelBindings, bindings);
        at += Write(pairs.AsSpan(at), NtlmPair.TargetName, name);
        at += Write(pairs.AsSpan(at), NtlmPair.End, []);
        return pairs[..at];

        static int Write(Span<byte> to, NtlmPair pair, ReadOnlySpan<byte> value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)pair);
            BinaryPrimitives.WriteUInt16LittleEndian(to[2..], (ushort)value.Length);
            value.CopyTo(to[PairHeaderBytes..]);
            return PairHeaderBytes + value.Length;
        }
    }

    /// <summary>Makes AUTHENTICATE, its checksum still zero.</summary>
    /// <param name="responseKey">The account's key; see <see cref="NtlmHash.ResponseKey"/>.</param>
    /// <param name="user">The user's name.</param>
    /// <param name="domain">The domain's, or empty.</param>
    /// <param name="challenge">The peer's challenge.</param>
    /// <param name="pairs">See <see cref="Pairs"/>.</param>
    /// <param name="now">The client's clock as a FILETIME, for a peer that tells no time.</param>
    /// <param name="sessionKey">The random key that is handed over.</param>
    /// <returns>The message.</returns>
    public static byte[] Authenticate(ReadOnlySpan<byte> responseKey, string user, string domain, in NtlmChallenge challenge, ReadOnlySpan<byte> pairs, ulong now, ReadOnlySpan<byte> sessionKey)
    {
        Span<byte> clientChallenge = stackalloc byte[NtlmChallenge.ChallengeBytes];
        RandomNumberGenerator.Fill(clientChallenge);
        var (userBytes, domainBytes) = (Encoding.Unicode.GetBytes(user), Encoding.Unicode.GetBytes(domain));
        var responseBytes = NtlmHash.ResponseBytes(pairs.Length);
        var message = new byte[AuthenticateBytes + domainBytes.Length + userBytes.Length + LmResponseBytes + responseBytes + NtlmHash.KeyBytes];
        var at = AuthenticateBytes;
        Begin(message, AuthenticateType);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(AuthenticateFlagsOffset), (uint)((challenge.Flags & NtlmFlags.Asked) | NtlmFlags.Version));
        Version.CopyTo(message.AsSpan(AuthenticateVersionOffset));

        domainBytes.CopyTo(Field(28, domainBytes.Length));
        userBytes.CopyTo(Field(36, userBytes.Length));

        // The workstation's name is nobody's business.
        Field(44, 0);

        // A peer that tells the time gets zeros where LM's response was (MS-NLMP, 3.1.5.1.2).
        var lmResponse = Field(12, LmResponseBytes);
        if (challenge.Timestamp is null)
        {
            NtlmHash.RespondShort(responseKey, challenge.ServerChallenge, clientChallenge, lmResponse);
        }

        var response = Field(20, responseBytes);
        NtlmHash.Respond(responseKey, challenge.ServerChallenge, clientChallenge, challenge.Timestamp ?? now, pairs, response);

        Span<byte> baseKey = stackalloc byte[NtlmHash.KeyBytes];
        NtlmHash.BaseKey(responseKey, response[..NtlmHash.KeyBytes], baseKey);
        using (var cipher = new Rc4(baseKey))
        {
            cipher.Transform(sessionKey, Field(52, NtlmHash.KeyBytes));
        }

        CryptographicOperations.ZeroMemory(baseKey);
        return message;

        // Length, allocated length, offset (MS-NLMP, 2.2.1.3).
        Span<byte> Field(int offset, int length)
        {
            var field = message.AsSpan(offset);
            BinaryPrimitives.WriteUInt16LittleEndian(field, (ushort)length);
            BinaryPrimitives.WriteUInt16LittleEndian(field[2..], (ushort)length);
            BinaryPrimitives.WriteInt32LittleEndian(field[4..], at);
            at += length;
            return message.AsSpan(at - length, length);
        }
    }

    private static void Begin(Span<byte> message, uint type)
    {
        Signature.CopyTo(message);
        BinaryPrimitives.WriteUInt32LittleEndian(message[Signature.Length..], type);
    }
}
