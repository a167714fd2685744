using System.Text;
using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

public sealed class RegistryValueTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("\0", "")]
    [InlineData("text", "text")]
    [InlineData("text\0", "text")]
    [InlineData("text\0\0\0", "text")]
    [InlineData("text\0more\0", "text")]
    [InlineData("\0more", "")]
    public void TryGetText_WithOrWithoutTerminator_IsTheTextBeforeTheFirst(string stored, string read)
    {
        foreach (var type in new[] { RegistryValueType.Text, RegistryValueType.ExpandableText })
        {
            Assert.True(new RegistryValue(type, Encoding.Unicode.GetBytes(stored)).TryGetText(out var text));
            Assert.Equal(read, text);
        }
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(7, 4)]
    [InlineData(4, 4)]
    [InlineData(99, 4)]
    public void TryGetText_OddLengthOrAnotherType_IsNoText(int type, int length) =>
        Assert.False(new RegistryValue((RegistryValueType)type, new byte[length]).TryGetText(out _));

    [Fact]
    public void TryGetText_HalfASurrogatePair_BecomesAReplacement()
    {
        Assert.True(new RegistryValue(RegistryValueType.Text, new byte[] { 0, 0xD8, 0x41, 0 }).TryGetText(out var text));
        Assert.Equal("\uFFFDA", text);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("\0", "")]
    [InlineData("\0\0", "")]
    [InlineData("one", "one")]
    [InlineData("one\0", "one")]
    [InlineData("one\0\0", "one")]
    [InlineData("one\0two\0\0", "one|two")]
    [InlineData("one\0two", "one|two")]
    [InlineData("one\0\0behind\0\0", "one")]
    public void TryGetTexts_EveryEnding_IsTheTextsBeforeTheFirstEmptyOne(string stored, string read)
    {
        Assert.True(new RegistryValue(RegistryValueType.Texts, Encoding.Unicode.GetBytes(stored)).TryGetTexts(out var texts));
        Assert.Equal(read, string.Join('|', texts));
    }

    [Fact]
    public void TryGetTexts_OddLengthOrAnotherType_IsNone()
    {
        Assert.False(new RegistryValue(RegistryValueType.Texts, new byte[3]).TryGetTexts(out var odd));
        Assert.False(new RegistryValue(RegistryValueType.Text, new byte[4]).TryGetTexts(out var other));
        Assert.True(odd.IsEmpty && other.IsEmpty);
    }

    [Fact]
    public void TryGetTexts_AsManyAsAValueHolds_AreRead()
    {
        var stored = Encoding.Unicode.GetBytes(string.Concat(Enumerable.Repeat("a\0", RegistryKey.MaxValue / 4)));
        Assert.True(new RegistryValue(RegistryValueType.Texts, stored).TryGetTexts(out var texts));
        Assert.Equal(RegistryKey.MaxValue / 4, texts.Length);
    }

    [Theory]
    [InlineData(4, "01020304", 0x04030201ul)]
    [InlineData(5, "01020304", 0x01020304ul)]
    [InlineData(11, "0102030405060708", 0x0807060504030201ul)]
    [InlineData(4, "FFFFFFFF", 0xFFFFFFFFul)]
    public void TryGetNumber_EveryType_IsTheNumber(int type, string hex, ulong expected)
    {
        Assert.True(new RegistryValue((RegistryValueType)type, Convert.FromHexString(hex)).TryGetNumber(out var number));
        Assert.Equal(expected, number);
    }

    [Theory]
    [InlineData(4, "")]
    [InlineData(4, "010203")]
    [InlineData(4, "0102030405060708")]
    [InlineData(5, "010203")]
    [InlineData(11, "01020304")]
    [InlineData(3, "01020304")]
    [InlineData(1, "01020304")]
    public void TryGetNumber_AnotherLengthOrType_IsNone(int type, string hex)
    {
        Assert.False(new RegistryValue((RegistryValueType)type, Convert.FromHexString(hex)).TryGetNumber(out var number));
        Assert.Equal(0ul, number);
    }
}
