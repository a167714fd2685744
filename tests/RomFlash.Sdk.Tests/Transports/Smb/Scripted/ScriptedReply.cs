using System.Buffers.Binary;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;

namespace RomFlash.Sdk.Tests.Transports.Smb.Scripted;

/// <summary>How an answer is protected.</summary>
internal enum ReplyProtection
{
    /// <summary>As it was agreed upon.</summary>
    Right = 0,

    /// <summary>Not at all.</summary>
    None,

    /// <summary>By a signature or a seal that is wrong in one bit.</summary>
    Wrong,

    /// <summary>Signed, where it ought to be sealed.</summary>
    SignedOnly,
}

/// <summary>An answer on its way, as the script finds it: right. What it changes, is sent.</summary>
internal sealed class ScriptedReply(int number, byte[] request, byte[] message)
{
    /// <summary>The how manieth answer of the connection it is, from 0 on.</summary>
    public int Number => number;

    /// <summary>What it answers, from the header on.</summary>
    public byte[] Request => request;

    /// <summary>The answer from the header on, not signed yet.</summary>
    public byte[] Message { get; set; } = message;

    /// <summary>How it is protected.</summary>
    public ReplyProtection Protection { get; set; }

    /// <summary>Messages that are sent before it, protected as it is.</summary>
    public List<byte[]> Before { get; } = [];

    /// <summary>Changes the frame after it has been protected; the frame begins with its length.</summary>
    public Func<byte[], byte[]>? OnFrame { get; set; }

    /// <summary>How often it is sent.</summary>
    public int Times { get; set; } = 1;

    /// <summary>How many bytes are sent at once.</summary>
    public int PieceBytes { get; set; } = int.MaxValue;

    /// <summary>Between pieces.</summary>
    public TimeSpan PieceDelay { get; set; }

    /// <summary>Whether the connection ends after it.</summary>
    public bool EndsConnection { get; set; }

    public ushort Command => BinaryPrimitives.ReadUInt16LittleEndian(request.AsSpan(12));

    public uint Status
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(Message.AsSpan(8));
        set => BinaryPrimitives.WriteUInt32LittleEndian(Message.AsSpan(8), value);
    }

    public ushort Credits
    {
        set => BinaryPrimitives.WriteUInt16LittleEndian(Message.AsSpan(14), value);
    }

    public uint Flags
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(Message.AsSpan(16));
        set => BinaryPrimitives.WriteUInt32LittleEndian(Message.AsSpan(16), value);
    }

    public ulong MessageId
    {
        get => BinaryPrimitives.ReadUInt64LittleEndian(Message.AsSpan(24));
        set => BinaryPrimitives.WriteUInt64LittleEndian(Message.AsSpan(24), value);
    }

    public ulong SessionId
    {
        get => BinaryPrimitives.ReadUInt64LittleEndian(Message.AsSpan(40));
        set => BinaryPrimitives.WriteUInt64LittleEndian(Message.AsSpan(40), value);
    }

    public uint TreeId
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(Message.AsSpan(36));
        set => BinaryPrimitives.WriteUInt32LittleEndian(Message.AsSpan(36), value);
    }

    /// <summary>Writes 16 bits into the body.</summary>
    public void Put16(int bodyOffset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Message.AsSpan(64 + bodyOffset), value);

    /// <summary>Writes 32 bits into the body.</summary>
    public void Put32(int bodyOffset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Message.AsSpan(64 + bodyOffset), value);

    /// <summary>Writes 64 bits into the body.</summary>
    public void Put64(int bodyOffset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Message.AsSpan(64 + bodyOffset), value);

    /// <summary>An interim answer to the same request (MS-SMB2, 3.3.4.2).</summary>
    public byte[] Interim(ulong asyncId = 7)
    {
        var interim = SmbMessages.Answer(Request, SmbMessages.Pending, SmbMessages.ErrorBody());
        BinaryPrimitives.WriteUInt32LittleEndian(interim.AsSpan(16), 3);
        BinaryPrimitives.WriteUInt64LittleEndian(interim.AsSpan(32), asyncId);
        return interim;
    }
}

/// <summary>What a scripted server does. Everything is right by default.</summary>
internal sealed record SmbScript
{
    public SmbDialect Dialect { get; init; } = SmbDialect.Smb311;

    public SmbCipher Cipher { get; init; } = SmbCipher.Aes128Gcm;

    public SmbSigningAlgorithm Signing { get; init; } = SmbSigningAlgorithm.AesGmac;

    /// <summary>Whether the session says that everything is to be sealed.</summary>
    public bool EncryptsSession { get; init; }

    public string User { get; init; } = "admin";

    public string Password { get; init; } = "Passw0rd!";

    /// <summary>SESSION_SETUP's flags, but for encryption: 1 is a guest, 2 is nobody (MS-SMB2, 2.2.6).</summary>
    public ushort SessionFlags { get; init; }

    public uint MaxTransact { get; init; } = 1 << 20;

    public uint MaxRead { get; init; } = 1 << 20;

    public uint MaxWrite { get; init; } = 1 << 20;

    /// <summary>What it offers in NEGOTIATE's answer.</summary>
    public byte[] Offer { get; init; } = NtlmServer.Offer();

    /// <summary>Whether it answers a compound by a compound.</summary>
    public bool Compounds { get; init; } = true;

    /// <summary>Makes the other side of the logon.</summary>
    public Func<SmbScript, NtlmServer> Logon { get; init; } = static s => new(s.User, s.Password);

    /// <summary>Called for each answer before it is protected and sent; may be called by several connections at once.</summary>
    public Action<ScriptedReply>? OnReply { get; init; }

    /// <summary>What a pipe answers to a message.</summary>
    public Func<byte[], byte[]> OnPipe { get; init; } = static m => m;

    /// <summary>What is on the share.</summary>
    public MemoryTree Tree { get; init; } = new();
}
