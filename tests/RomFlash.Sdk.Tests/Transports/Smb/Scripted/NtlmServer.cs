using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Transports.Smb.Protocol.Authentication;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>The other side of a logon: NTLMv2 in SPNEGO for one account. What it says can be changed before it is said.</summary>
internal sealed class NtlmServer(string user = "admin", string password = "Passw0rd!")
{
    public const int SessionKeyBytes = 16;

    private byte[] _negotiate = [];
    private byte[] _challenge = [];

    /// <summary>Its clock as a FILETIME, or null for one that tells no time.</summary>
    public ulong? Timestamp { get; init; } = 0x01DA_5A5A_0102_0304;

    /// <summary>The flags of its challenge; by default Windows'.</summary>
    public uint Flags { get; init; } = 0xE28A_8215;

    /// <summary>More pairs of the target's description, encoded.</summary>
    public byte[] MorePairs { get; init; } = [];

    /// <summary>Changes the challenge, before it is wrapped.</summary>
    public Func<byte[], byte[]> OnChallenge { get; init; } = static c => c;

    /// <summary>Whether the last answer has a mechListMIC.</summary>
    public bool SendsMic { get; init; } = true;

    /// <summary>The key, once the client has been let in.</summary>
    public byte[] SessionKey { get; private set; } = [];

    /// <summary>Why the client was not let in.</summary>
    public string? Problem { get; private set; }

    /// <summary>What the client said: user, domain, target name.</summary>
    public (string User, string Domain, string Target) Client { get; private set; }

    public byte[] LmResponse { get; private set; } = [];

    public byte[] Authenticate { get; private set; } = [];

    public byte[] Challenge => _challenge;

    public byte[] Negotiate => _negotiate;

    /// <summary>NegTokenInit2 as Windows sends it: the mechanisms, and the hint that says nothing.</summary>
    public static byte[] Offer(bool ntlm = true, bool kerberos = true)
    {
        byte[] kerberosId = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x02];
        byte[] mechanisms = Wrap(0x30, [.. kerberos ? kerberosId : [], .. ntlm ? SpnegoTokens.Mechanisms[2..].ToArray() : []]);
        var hints = Wrap(0xA3, Wrap(0x30, Wrap(0xA0, Wrap(0x1B, "not_defined_in_RFC4178@please_ignore"u8))));
        return Wrap(0x60, [0x06, 0x06, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x02, .. Wrap(0xA0, Wrap(0x30, [.. Wrap(0xA0, mechanisms), .. hints]))]);
    }

    /// <summary>DER.</summary>
    public static byte[] Wrap(byte tag, ReadOnlySpan<byte> content) => content.Length < 0x80
        ? [tag, (byte)content.Length, .. content]
        : [tag, 0x82, (byte)(content.Length >> 8), (byte)content.Length, .. content];

    /// <summary>A pair of a target's description.</summary>
    public static byte[] Pair(ushort id, ReadOnlySpan<byte> value) => [(byte)id, (byte)(id >> 8), (byte)value.Length, (byte)(value.Length >> 8), .. value];

    /// <summary>Takes the client's first blob.</summary>
    public byte[] Start(ReadOnlySpan<byte> blob)
    {
        _negotiate = blob[blob.IndexOf("NTLMSSP\0"u8)..].ToArray();
        return SpnegoTokens.Response(SpnegoState.AcceptIncomplete, isFirst: true, _challenge = OnChallenge(MakeChallenge()), []);
    }

    /// <summary>Takes the client's second blob.</summary>
    /// <returns>The answer, or null when the client is not let in.</returns>
    public byte[]? Finish(ReadOnlySpan<byte> blob)
    {
        if (!SpnegoTokens.TryReadResponse(blob.ToArray(), out var response))
        {
            Problem = "that is no token";
            return null;
        }

        var message = Authenticate = response.Token.ToArray();
        var (name, domain, nt) = (Encoding.Unicode.GetString(Field(message, 36)), Encoding.Unicode.GetString(Field(message, 28)), Field(message, 20));
        LmResponse = Field(message, 12);
        Span<byte> hash = stackalloc byte[16];
        Span<byte> responseKey = stackalloc byte[16];
        Span<byte> mac = stackalloc byte[16];
        NtlmHash.OfPassword(password, hash);
        NtlmHash.ResponseKey(hash, name, domain, responseKey);
        NtlmHash.Keyed(responseKey, _challenge.AsSpan(24, 8), nt.AsSpan(16), mac);
        if (!mac.SequenceEqual(nt.AsSpan(0, 16)) || !name.Split('@')[0].Equals(user, StringComparison.OrdinalIgnoreCase))
        {
            Problem = "the account's name or password is wrong";
            return null;
        }

        // The proof's pairs: the client's own are there.
        var (hasMic, target) = (false, string.Empty);
        for (var rest = nt.AsSpan(16 + 28); BinaryPrimitives.ReadUInt16LittleEndian(rest) is var id && id != 0;)
        {
            var value = rest.Slice(4, BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]));
            hasMic |= id == 6 && (value[0] & 2) != 0;
            target = id == 9 ? Encoding.Unicode.GetString(value) : target;
            rest = rest[(4 + value.Length)..];
        }

        Client = (name, domain, target);
        NtlmHash.BaseKey(responseKey, nt.AsSpan(0, 16), hash);
        SessionKey = new byte[SessionKeyBytes];
        using (var cipher = new Rc4(hash))
        {
            cipher.Transform(Field(message, 52), SessionKey);
        }

        var found = message[72..88];
        message.AsSpan(72, 16).Clear();
        NtlmHash.Keyed(SessionKey, _negotiate, _challenge, mac, message);
        found.CopyTo(message, 72);
        if (!hasMic || !mac.SequenceEqual(found))
        {
            Problem = "the messages have been changed";
            return null;
        }

        using var clientMac = new NtlmMac(SessionKey, SmbRole.Client);
        using var ownMac = new NtlmMac(SessionKey, SmbRole.Server);
        clientMac.Compute(SpnegoTokens.Mechanisms, mac);
        if (response.Mic is not { } mic || !mac.SequenceEqual(mic.Span))
        {
            Problem = "mechListMIC is wrong";
            return null;
        }

        ownMac.Compute(SpnegoTokens.Mechanisms, mac);
        return SpnegoTokens.Response(SpnegoState.AcceptCompleted, isFirst: false, [], SendsMic ? mac : []);
    }

    private static byte[] Field(byte[] message, int offset) =>
        message.AsSpan(BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(offset + 4)), BinaryPrimitives.ReadUInt16LittleEndian(message.AsSpan(offset))).ToArray();

    private byte[] MakeChallenge()
    {
        var name = Encoding.Unicode.GetBytes("TARGET1");
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(time, Timestamp ?? 0);
        byte[] info = [.. Pair(2, name), .. Pair(1, name), .. Pair(4, name), .. Pair(3, name), .. MorePairs, .. Timestamp is null ? [] : Pair(7, time), .. Pair(0, [])];
        var message = new byte[56 + name.Length + info.Length];
        "NTLMSSP\0"u8.CopyTo(message);
        message[8] = 2;
        Put(message, 12, name.Length, 56);
        
        // Sealing is agreed to when it is asked for; smbclient takes anything else for an attack.
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(20), Flags | (BinaryPrimitives.ReadUInt32LittleEndian(_negotiate.AsSpan(12)) & 0x20));
        RandomNumberGenerator.Fill(message.AsSpan(24, 8));
        Put(message, 40, info.Length, 56 + name.Length);
        name.CopyTo(message, 56);
        info.CopyTo(message, 56 + name.Length);
        return message;

        static void Put(byte[] message, int offset, int length, int at)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(offset), (ushort)length);
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(offset + 2), (ushort)length);
            BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(offset + 4), at);
        }
    }
}
