using System.Buffers.Binary;
using RomFlash.Sdk.Images.Compression;

namespace RomFlash.Sdk.Tests.Images.Compression;

public sealed class LzmaHeaderTests
{
    [Fact]
    public void TryRead_EveryPropertyByte_IsWhatTheFormulaSaysOrRefused()
    {
        var accepted = 0;
        for (var property = 0; property < 256; property++)
        {
            int lc = property % 9, lp = property / 9 % 5, pb = property / 45;

            var isRead = LzmaHeader.TryRead(Header((byte)property, 1 << 16, 100), out var header);

            Assert.Equal(pb <= 4 && lc + lp <= 4, isRead);
            Assert.Equal(isRead ? new(lc, lp, pb, 1 << 16, 100) : default, header);
            accepted += isRead ? 1 : 0;
        }

        Assert.Equal(15 * 5, accepted);
    }

    [Fact]
    public void TryRead_AnyShorterSpan_IsRefused()
    {
        for (var length = 0; length < LzmaHeader.Size; length++)
        {
            Assert.False(LzmaHeader.TryRead(Header(0x5D, 1 << 16, 100).AsSpan(0, length), out _));
        }
    }

    [Theory]
    [InlineData(0ul, true, 0L)]
    [InlineData(0x7FFF_FFFF_FFFF_FFFFul, true, long.MaxValue)]
    [InlineData(0x8000_0000_0000_0000ul, false, null)]
    [InlineData(0xFFFF_FFFF_FFFF_FFFEul, false, null)]
    [InlineData(0xFFFF_FFFF_FFFF_FFFFul, true, null)]
    public void TryRead_LengthsAtTheEdges_AreReadUnknownOrRefused(ulong length, bool isRead, long? decoded)
    {
        Assert.Equal(isRead, LzmaHeader.TryRead(Header(0x5D, uint.MaxValue, length), out var header));
        Assert.Equal(decoded, header.DecodedLength);
        Assert.Equal(isRead ? uint.MaxValue : 0, header.DictionarySize);
    }

    private static byte[] Header(byte property, uint dictionary, ulong length)
    {
        var header = new byte[LzmaHeader.Size + 3];
        header[0] = property;
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(1), dictionary);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(5), length);
        return header;
    }
}
