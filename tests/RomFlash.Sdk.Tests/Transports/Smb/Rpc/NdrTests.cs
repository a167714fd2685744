using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class NdrTests
{
    [Fact]
    public void Write_EveryPrimitive_IsAlignedToItsSize()
    {
        var writer = new NdrWriter(new byte[64]);
        writer.WriteBoolean(true);
        writer.WriteUInt16(0x1122);
        writer.WriteByte(0x33);
        writer.WriteUInt32(0x44556677);
        writer.WriteByte(0x88);
        writer.WriteUInt64(0x99AABBCCDDEEFF00);
        writer.WriteByte(0x11);
        writer.WriteGuid(new Guid("00112233-4455-6677-8899-aabbccddeeff"));

        Assert.Equal(
            "0100221133000000" + "7766554488000000" + "00FFEEDDCCBBAA99" + "11000000" + "33221100554477668899AABBCCDDEEFF",
            Convert.ToHexString(writer.ToArray()));
    }

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        var writer = new NdrWriter(new byte[256]);
        writer.WriteBoolean(true);
        writer.WriteUInt16(0x1122);
        writer.WriteByte(0x33);
        writer.WriteUInt32(0x44556677);
        writer.WriteByte(0x88);
        writer.WriteUInt64(0x99AABBCCDDEEFF00);
        writer.WriteContextHandle(new(7, new Guid("00112233-4455-6677-8899-aabbccddeeff")));
        writer.WriteTerminatedString("odd");
        writer.WriteCountedString("even");
        writer.WriteWideString("wide");
        writer.WriteUInt32Pointer(5);
        writer.WriteNullPointer();
        writer.WriteStringRoom(512);
        writer.WriteEmptyArray(9);

        var reader = new NdrReader(writer.ToArray());
        Assert.True(reader.ReadBoolean());
        Assert.Equal(0x1122, reader.ReadUInt16());
        Assert.Equal(0x33, reader.ReadByte());
        Assert.Equal(0x44556677u, reader.ReadUInt32());
        Assert.Equal(0x88, reader.ReadByte());
        Assert.Equal(0x99AABBCCDDEEFF00, reader.ReadUInt64());
        Assert.Equal(new ContextHandle(7, new Guid("00112233-4455-6677-8899-aabbccddeeff")), reader.ReadContextHandle());
        Assert.Equal("odd", reader.ReadUnicodeString(4));
        Assert.Equal("even", reader.ReadUnicodeString(4));
        Assert.Equal("wide", reader.ReadWideString(5));
        Assert.Equal(5u, reader.ReadUInt32Pointer());
        Assert.Null(reader.ReadUInt32Pointer());
        Assert.Equal(string.Empty, reader.ReadUnicodeString(0));
        Assert.Equal(0, reader.ReadVaryingBytes(0).Length);
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Read_CutAtAnyByte_FailsAndGivesNothingMore()
    {
        var whole = new WireBuilder().U32(1).Text("name").U32(2).U32(3).U32(0).U32(3).Raw(1, 2, 3).U32(7).ToArray();
        for (var length = 0; length < whole.Length; length++)
        {
            var reader = new NdrReader(whole.AsSpan(0, length));
            _ = reader.ReadUInt32();
            _ = reader.ReadUnicodeString(100);
            _ = reader.ReadPointer();
            _ = reader.ReadVaryingBytes(100);
            Assert.Equal(0u, reader.ReadUInt32());
            Assert.True(reader.IsFailed && !reader.IsAtEnd, $"cut at {length}");
            Assert.Equal((0u, 0ul, Guid.Empty, string.Empty, 0), (reader.ReadUInt32(), reader.ReadUInt64(), reader.ReadGuid(), reader.ReadUnicodeString(10), reader.ReadVaryingBytes(10).Length));
        }
    }

    [Theory]
    [InlineData(0xFFFFFFFFu, 0u, 0xFFFFFFFFu)]
    [InlineData(0x80000000u, 0u, 0x80000000u)]
    [InlineData(0x7FFFFFFFu, 0u, 0x7FFFFFFFu)]
    [InlineData(4u, 1u, 3u)]
    [InlineData(3u, 0u, 4u)]
    [InlineData(0u, 0u, 4u)]
    [InlineData(4u, 0xFFFFFFFFu, 4u)]
    [InlineData(5u, 0u, 5u)]
    public void ReadVarying_LyingCounts_Fail(uint maximum, uint offset, uint count)
    {
        var stub = new WireBuilder().U32(maximum).U32(offset).U32(count).Raw(65, 0, 66, 0, 67, 0, 0, 0).ToArray();
        var bytes = new NdrReader(stub);
        _ = bytes.ReadVaryingBytes(4);
        Assert.True(bytes.IsFailed);
        var text = new NdrReader(stub);
        _ = text.ReadWideString(int.MaxValue);
        Assert.True(text.IsFailed);
    }

    [Fact]
    public void ReadVaryingBytes_MoreRoomThanIsThere_IsNoMatter()
    {
        var reader = new NdrReader(new WireBuilder().U32(0xFFFFFFFF).U32(0).U32(3).Raw(1, 2, 3).ToArray());

        Assert.Equal("\x01\x02\x03"u8.ToArray(), reader.ReadVaryingBytes(3).ToArray());
        Assert.True(reader.IsAtEnd);
    }

    [Theory]
    [InlineData(2, 8, 1u, 4u, 0u, 4u)] // says less than it has
    [InlineData(10, 8, 1u, 4u, 0u, 4u)] // says more than it has
    [InlineData(8, 6, 1u, 4u, 0u, 4u)] // longer than its room
    [InlineData(8, 8, 1u, 5u, 0u, 4u)] // more room behind the pointer than in front of it
    [InlineData(7, 8, 1u, 4u, 0u, 3u)] // half a character
    [InlineData(8, 8, 1u, 4u, 1u, 3u)]
    [InlineData(8, 8, 0u, 4u, 0u, 4u)] // a length, and nothing that has it
    public void ReadUnicodeString_Contradictions_Fail(int length, int room, uint pointer, uint maximum, uint offset, uint count)
    {
        var reader = new NdrReader(new WireBuilder().U16(length).U16(room).U32(pointer).U32(maximum).U32(offset).U32(count).Raw(65, 0, 66, 0, 67, 0, 0, 0).ToArray());

        Assert.Equal(string.Empty, reader.ReadUnicodeString(100));
        Assert.True(reader.IsFailed);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("\0", "")]
    [InlineData("a", "a")]
    [InlineData("a\0", "a")]
    [InlineData("a\0b\0", "a\0b")]
    [InlineData("a\0\0", "a\0")]
    public void ReadUnicodeString_WithOrWithoutTerminator_IsTheTextBeforeIt(string sent, string read)
    {
        var reader = new NdrReader(new WireBuilder().U16(2 * sent.Length).U16(2 * sent.Length).U32(1).U32((uint)sent.Length).U32(0).U32((uint)sent.Length).Raw(System.Text.Encoding.Unicode.GetBytes(sent)).ToArray());

        Assert.Equal(read, reader.ReadUnicodeString(100));
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void ReadUnicodeString_HalfASurrogatePair_BecomesAReplacement()
    {
        var reader = new NdrReader(new WireBuilder().U16(4).U16(4).U32(1).U32(2).U32(0).U32(2).Raw(0x00, 0xD8, 0x41, 0x00).ToArray());

        Assert.Equal("\uFFFDA", reader.ReadUnicodeString(100));
    }

    [Fact]
    public void ReadWideString_WithoutTerminator_Fails()
    {
        var reader = new NdrReader(new WireBuilder().U32(2).U32(0).U32(2).Raw(65, 0, 66, 0).ToArray());

        Assert.Equal(string.Empty, reader.ReadWideString(10));
        Assert.True(reader.IsFailed);
    }

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(1, true, false)]
    [InlineData(2, false, true)]
    [InlineData(255, false, true)]
    public void ReadBoolean_AnyByte_IsZeroOrOneOrAFailure(byte value, bool read, bool fails)
    {
        var reader = new NdrReader([value]);

        Assert.Equal(read, reader.ReadBoolean());
        Assert.Equal(fails, reader.IsFailed);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(7, true)]
    [InlineData(8, false)]
    public void IsAtEnd_BehindTheParameters_AllowsPaddingAlone(int more, bool isAtEnd)
    {
        var reader = new NdrReader(new byte[4 + more]);
        _ = reader.ReadUInt32();

        Assert.Equal(isAtEnd, reader.IsAtEnd);
    }

    [Fact]
    public void Write_IntoTooLittleRoom_FailsForGood()
    {
        for (var room = 0; room < 30; room++)
        {
            var writer = new NdrWriter(new byte[room]);
            writer.WriteTerminatedString("12345");
            writer.WriteByte(1);
            Assert.Equal(room < 33, writer.IsFailed);
            Assert.True(writer.Written <= room);
        }

        var late = new NdrWriter(new byte[4]);
        late.WriteUInt64(1);
        late.WriteByte(1);
        Assert.True(late.IsFailed);
        try
        {
            _ = late.ToArray();
            Assert.Fail("what does not fit can't be had");
        }
        catch (InvalidOperationException)
        {
        }
    }

    [Fact]
    public void WriteTerminatedString_LongerThan16BitsSay_Fails()
    {
        var writer = new NdrWriter(new byte[200_000]);
        writer.WriteTerminatedString(new string('a', RegistryStubs.MaxName));
        Assert.False(writer.IsFailed);
        writer.WriteTerminatedString(new string('a', RegistryStubs.MaxName + 1));
        Assert.True(writer.IsFailed);
    }
}
