using System.Buffers.Binary;

namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>A CHALLENGE_MESSAGE (MS-NLMP, 2.2.1.2).</summary>
internal readonly ref struct NtlmChallenge
{
    public const int ChallengeBytes = 8;

    /// <summary>More than the names of a machine and its domain in all their forms, each as long as DNS allows.</summary>
    public const int MaxTargetInfoBytes = 8 << 10;

    // Up to TargetInfoFields; what follows them is there with flags that tell nothing of use.
    private const int HeaderBytes = 48;
    private const int FlagsOffset = 20;
    private const int ChallengeOffset = 24;
    private const int TargetInfoOffset = 40;
    private const int PairHeaderBytes = 4;

    /// <summary>What was agreed upon.</summary>
    public NtlmFlags Flags { get; private init; }

    /// <summary>8 bytes, from the peer.</summary>
    public ReadOnlySpan<byte> ServerChallenge { get; private init; }

    /// <summary>The pairs, without the one that ends them.</summary>
    public ReadOnlySpan<byte> Pairs { get; private init; }

    /// <summary>The peer's clock as a FILETIME, or null.</summary>
    public ulong? Timestamp { get; private init; }

    /// <summary>The pair of flags (MsvAvFlags), 0 when there is none.</summary>
    public uint PairFlags { get; private init; }

    /// <summary>Parses one.</summary>
    /// <param name="message">Hostile.</param>
    /// <param name="challenge">The parts, within the message.</param>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? Parse(ReadOnlySpan<byte> message, out NtlmChallenge challenge)
    {
        challenge = default;
        if (message.Length < HeaderBytes || !message.StartsWith(NtlmMessages.Signature) || BinaryPrimitives.ReadUInt32LittleEndian(message[NtlmMessages.Signature.Length..]) != NtlmMessages.ChallengeType)
        {
            return "the peer's answer to NTLM is no challenge";
        }

        var flags = (NtlmFlags)BinaryPrimitives.ReadUInt32LittleEndian(message[FlagsOffset..]);
        if ((flags & NtlmFlags.Required) != NtlmFlags.Required)
        {
            return "the peer's NTLM lacks what NTLMv2 with a 128-bit key needs";
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(message[TargetInfoOffset..]);
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(message[(TargetInfoOffset + 4)..]);
        if (length > MaxTargetInfoBytes || offset < HeaderBytes || offset > (uint)message.Length || length > (uint)message.Length - offset)
        {
            return "the target's description in the peer's NTLM challenge does not lie in it, or is too long";
        }

        var info = message.Slice((int)offset, length);
        ulong? timestamp = null;
        uint? pairFlags = null;
        for (var at = 0; ;)
        {
            if (info.Length - at < PairHeaderBytes)
            {
                return "the target's description in the peer's NTLM challenge does not end";
            }

            var pair = (NtlmPair)BinaryPrimitives.ReadUInt16LittleEndian(info[at..]);
            if (pair is NtlmPair.End)
            {
                challenge = new()
                {
                    Flags = flags,
                    ServerChallenge = message.Slice(ChallengeOffset, ChallengeBytes),
                    Pairs = info[..at],
                    Timestamp = timestamp,
                    PairFlags = pairFlags ?? 0,
                };
                return null;
            }

            var value = info[(at + PairHeaderBytes)..];
            var valueLength = BinaryPrimitives.ReadUInt16LittleEndian(info[(at + 2)..]);
            if (valueLength > value.Length
                || (pair is NtlmPair.Timestamp && (valueLength != sizeof(ulong) || timestamp is not null))
                || (pair is NtlmPair.Flags && (valueLength != sizeof(uint) || pairFlags is not null)))
            {
                return "the target's description in the peer's NTLM challenge is malformed";
            }

            timestamp = pair is NtlmPair.Timestamp ? BinaryPrimitives.ReadUInt64LittleEndian(value) : timestamp;
            pairFlags = pair is NtlmPair.Flags ? BinaryPrimitives.ReadUInt32LittleEndian(value) : pairFlags;
            at += PairHeaderBytes + valueLength;
        }
    }
}
