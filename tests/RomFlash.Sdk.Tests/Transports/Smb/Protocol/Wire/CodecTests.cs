using System.Buffers.Binary;
using System.Collections.Immutable;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Smb;
using RomFlash.Sdk.Transports.Smb.Protocol.Security;
using RomFlash.Sdk.Transports.Smb.Protocol.Wire;

namespace RomFlash.Sdk.Tests.Transports.Smb.Protocol.Wire;

/// <summary>Answers that are cut, that lie or that are noise: each reader says no, and none reads outside of what it has.</summary>
public sealed class CodecTests
{
    private static readonly (string Name, byte[] Message, Reader Read)[] Answers =
    [
        ("negotiate 3.1.1", Negotiate311(), static m => NegotiateCodec.TryRead(m, out _, out _)),
        ("session setup", Message(9, 8, "token"u8, (0, 9), (4, 72), (6, 5)), static m => SessionCodec.TryReadSetup(m, out _, out _)),
        ("tree connect", Message(16, 16, default), static m => SessionCodec.TryReadTreeConnect(m, out _, out _)),
        ("create", Message(89, 88, default), static m => FileCodec.TryReadCreate(m, out _)),
        ("read", Message(17, 16, "data"u8, (2, 80), (4, 4)), static m => FileCodec.TryReadRead(m, out _)),
        ("write", Message(17, 16, default, (4, 4)), static m => FileCodec.TryReadWrite(m, out _)),
        ("ioctl", Message(49, 48, "data"u8, (4, 0xC017), (6, 0x0011), (32, 112), (36, 4)), static m => InfoCodec.TryReadIoctl(m, InfoCodec.PipeTransceive, out _)),
        ("query", Message(9, 8, "data"u8, (2, 72), (4, 4)), static m => InfoCodec.TryReadOutput(m, out _)),
    ];

    private delegate bool Reader(ReadOnlySpan<byte> message);

    public static TheoryData<string> Names => [.. Answers.Select(a => a.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void TryRead_CutAnywhere_SaysNo(string name)
    {
        var (_, message, read) = Answers.Single(a => a.Name == name);

        Assert.True(read(message));
        for (var length = SmbHeader.Bytes; length < message.Length; length++)
        {
            Assert.False(read(message.AsSpan(0, length)), $"{length} of {message.Length} bytes");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void TryRead_AnyBytes_DoesNotThrow(string name)
    {
        var (_, message, read) = Answers.Single(a => a.Name == name);
        var random = new Random(20260101);
        var yes = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var changed = (byte[])message.Clone();
            for (var k = random.Next(1, 6); k > 0; k--)
            {
                changed[random.Next(SmbHeader.Bytes, changed.Length)] = (byte)(random.Next(3) == 0 ? 0xFF : random.Next(256));
            }

            yes += read(changed) ? 1 : 0;
        }

        Assert.InRange(yes, 1, 20_000);
    }

    [Fact]
    public void NegotiateTryRead_Answer311_GivesWhatWasChosen()
    {
        Assert.True(NegotiateCodec.TryRead(Negotiate311(), out var answer, out _));

        Assert.Equal((SmbDialect.Smb311, SmbCipher.Aes256Gcm, SmbSigningAlgorithm.AesGmac), (answer!.Dialect, answer.Cipher, answer.Signing));
        Assert.Equal((1u << 20, 2u << 20, 3u << 20), (answer.MaxTransact, answer.MaxRead, answer.MaxWrite));
        Assert.Equal("blob"u8.ToArray(), answer.SecurityBlob);
    }

    [Theory]
    [InlineData(0x0202)]
    [InlineData(0x02FF)]
    [InlineData(0x0310)]
    [InlineData(0)]
    public void NegotiateTryRead_DialectThatWasNotOffered_IsAViolation(int dialect)
    {
        var message = Negotiate311();
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(SmbHeader.Bytes + 4), (ushort)dialect);

        Assert.False(NegotiateCodec.TryRead(message, out _, out var fault));
        Assert.Equal(TransportFaultKind.ProtocolViolation, fault!.Kind);
    }

    [Theory]
    [InlineData("cipher that was not offered", 9)]
    [InlineData("two ciphers", 2)]
    public void NegotiateTryRead_ContextThatWasNotOffered_IsAViolation(string what, byte value)
    {
        var message = Negotiate311();
        var cipher = 64 + 64 + 8 + 48 + 8;
        message[cipher + (what == "two ciphers" ? 0 : 2)] = value;

        Assert.False(NegotiateCodec.TryRead(message, out _, out var fault));
        Assert.Equal(TransportFaultKind.ProtocolViolation, fault!.Kind);
    }

    [Theory]
    [InlineData(SmbDialect.Smb210, 0x44, SmbCipher.None, SmbSigningAlgorithm.HmacSha256)]
    [InlineData(SmbDialect.Smb300, 0x44, SmbCipher.Aes128Ccm, SmbSigningAlgorithm.AesCmac)]
    [InlineData(SmbDialect.Smb302, 0x04, SmbCipher.None, SmbSigningAlgorithm.AesCmac)]
    internal void NegotiateTryRead_OlderDialect_HasTheAlgorithmsOfTheDialect(SmbDialect dialect, int capabilities, SmbCipher cipher, SmbSigningAlgorithm signing)
    {
        var message = Negotiate311();
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(SmbHeader.Bytes + 4), (ushort)dialect);
        message[SmbHeader.Bytes + 24] = (byte)capabilities;

        Assert.True(NegotiateCodec.TryRead(message, out var answer, out _));
        Assert.Equal((cipher, signing), (answer!.Cipher, answer.Signing));
    }

    [Fact]
    public void NegotiateWrite_Request_HasItsContextsWhereItSaysTheyAre()
    {
        var message = new byte[SmbHeader.Bytes + NegotiateCodec.RequestBytes];
        NegotiateCodec.Write(message.AsSpan(SmbHeader.Bytes), Guid.NewGuid(), new byte[32]);

        var offset = BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(SmbHeader.Bytes + 28));
        var types = new List<int>();
        for (var left = BinaryPrimitives.ReadUInt16LittleEndian(message.AsSpan(SmbHeader.Bytes + 32)); left > 0; left--)
        {
            Assert.Equal(0, offset % 8);
            types.Add(BinaryPrimitives.ReadUInt16LittleEndian(message.AsSpan(offset)));
            var end = offset + 8 + BinaryPrimitives.ReadUInt16LittleEndian(message.AsSpan(offset + 2));
            Assert.True(end <= message.Length);
            offset = (end + 7) & ~7;
        }

        Assert.Equal([1, 2, 8], types);
    }

    [Fact]
    public void TryReadEntries_SeveralEntries_LeavesOutTheDots()
    {
        var entries = ImmutableArray.CreateBuilder<SmbEntry>();

        Assert.True(InfoCodec.TryReadEntries(Entries(("." , 0, 0x10), ("..", 0, 0x10), ("a.cap", 7, 0x20), ("EFI", 4096, 0x10), ("l", 0, 0x400)), entries));

        Assert.Equal([new("a.cap", 7, false, false), new("EFI", 0, true, false), new("l", 0, false, true)], entries);
    }

    [Theory]
    [InlineData("a\\b")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    [InlineData("")]
    public void TryReadEntries_NameThatNoEntryCanHave_SaysNo(string name) =>
        Assert.False(InfoCodec.TryReadEntries(Entries((name, 0, 0x20)), ImmutableArray.CreateBuilder<SmbEntry>()));

    [Fact]
    public void TryReadEntries_CutOrChangedAnywhere_EndsWithoutException()
    {
        var good = Entries((".", 0, 0x10), ("a.cap", 7, 0x20), ("EFI", 4096, 0x10));
        for (var length = 0; length < good.Length; length++)
        {
            Assert.False(InfoCodec.TryReadEntries(good.AsSpan(0, length), ImmutableArray.CreateBuilder<SmbEntry>()));
        }

        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var changed = (byte[])good.Clone();
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            var entries = ImmutableArray.CreateBuilder<SmbEntry>();
            InfoCodec.TryReadEntries(changed, entries);
            Assert.InRange(entries.Count, 0, 3);
        }
    }

    [Fact]
    public void TryReadFullSize_UnitsThatOverflow_AreCut()
    {
        var output = new byte[32];
        output.AsSpan().Fill(0xFF);

        Assert.True(InfoCodec.TryReadFullSize(output, out var total, out var free));
        Assert.Equal((long.MaxValue, long.MaxValue), (total, free));
    }

    [Fact]
    public void Utf16_HalfOfASurrogatePair_StaysWhatItIs()
    {
        const string Name = "a\ud800b";
        var bytes = new byte[6];

        Assert.Equal(6, Utf16.Write(Name, bytes));
        Assert.Equal(Name, Utf16.Read(bytes));
    }

    private static byte[] Message(ushort structureSize, int fixedBytes, ReadOnlySpan<byte> variable, params (int Offset, int Value)[] fields)
    {
        var message = new byte[SmbHeader.Bytes + fixedBytes + variable.Length];
        var body = message.AsSpan(SmbHeader.Bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(body, structureSize);
        foreach (var (offset, value) in fields)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(body[offset..], (ushort)value);
        }

        variable.CopyTo(body[fixedBytes..]);
        return message;
    }

    private static byte[] Negotiate311()
    {
        var contexts = new byte[48 + 16 + 12];
        Context(contexts, 1, [1, 0, 32, 0, 1, 0, .. new byte[32]]);
        Context(contexts.AsSpan(48), 2, [1, 0, 4, 0]);
        Context(contexts.AsSpan(64), 8, [1, 0, 2, 0]);
        var message = Message(65, 64, [.. "blob"u8, 0, 0, 0, 0, .. contexts], (4, 0x0311), (6, 3), (24, 0x44), (30, 16), (34, 32), (38, 48), (56, 128), (58, 4), (60, 136));
        return message;

        static void Context(Span<byte> to, ushort type, ReadOnlySpan<byte> data)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to, type);
            BinaryPrimitives.WriteUInt16LittleEndian(to[2..], (ushort)data.Length);
            data.CopyTo(to[8..]);
        }
    }

    private static byte[] Entries(params (string Name, long Length, uint Attributes)[] entries)
    {
        using var all = new MemoryStream();
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = new byte[64 + (entries[i].Name.Length * 2)];
            var isLast = i + 1 == entries.Length;
            var padded = isLast ? entry.Length : (entry.Length + 7) & ~7;
            BinaryPrimitives.WriteInt32LittleEndian(entry, isLast ? 0 : padded);
            BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(40), entries[i].Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(56), entries[i].Attributes);
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(60), entries[i].Name.Length * 2);
            Utf16.Write(entries[i].Name, entry.AsSpan(64));
            all.Write(entry);
            all.Write(new byte[padded - entry.Length]);
        }

        return all.ToArray();
    }
}
