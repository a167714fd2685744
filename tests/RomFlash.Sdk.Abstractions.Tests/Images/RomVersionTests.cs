using System.Globalization;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Tests.Images;

public sealed class RomVersionTests
{
    [Theory]
    [InlineData("2.50", RomVersionKind.Dotted, "")]
    [InlineData("v7.10.3", RomVersionKind.Dotted, "")]
    [InlineData("01/22/2018", RomVersionKind.Dated, "")]
    [InlineData("2018-01-22", RomVersionKind.Dated, "")]
    [InlineData("U30 v2.50 (03/12/2021)", RomVersionKind.Prefixed, "U30")]
    [InlineData("u30 v2.50", RomVersionKind.Prefixed, "U30")]
    [InlineData("P89 01/22/2018", RomVersionKind.PrefixedDate, "P89")]
    [InlineData("0x00020005", RomVersionKind.Packed, "")]
    [InlineData("0x", RomVersionKind.Opaque, "0x")]
    [InlineData("0x123456789", RomVersionKind.Opaque, "0x123456789")]
    [InlineData("13/45/2018", RomVersionKind.Opaque, "13/45/2018")]
    [InlineData("1.2.3.4.5.6.7.8.9", RomVersionKind.Opaque, "1.2.3.4.5.6.7.8.9")]
    [InlineData("99999999999999999999.1", RomVersionKind.Opaque, "99999999999999999999.1")]
    [InlineData("beta", RomVersionKind.Opaque, "beta")]
    [InlineData("7", RomVersionKind.Opaque, "7")]
    public void Parse_Text_HasStyleAndFamily(string text, RomVersionKind kind, string family)
    {
        var version = RomVersion.Parse($" {text} ");

        Assert.Equal(kind, version.Kind);
        Assert.Equal(family, version.Family);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("a\nb")]
    [InlineData("a\u007fb")]
    [InlineData("a\u0085b")]
    [InlineData("a\u001bb")]
    public void TryParse_NoVersion_IsFalse(string? text) => Assert.False(RomVersion.TryParse(text, out _));

    [Fact]
    public void TryParse_LongestText_IsReadAndOneMoreIsNot()
    {
        Assert.True(RomVersion.TryParse(new string('x', RomVersion.MaxLength), out _));
        Assert.False(RomVersion.TryParse(new string('x', RomVersion.MaxLength + 1), out _));
    }

    [Theory]
    [InlineData("2.50", "2.50.0", 0)]
    [InlineData("2.5", "2.05", 1)]
    [InlineData("2.09", "2.10", -1)]
    [InlineData("2.9", "2.10", -1)]
    [InlineData("10.0", "9.9", 1)]
    [InlineData("01/22/2018", "2018-01-22", 0)]
    [InlineData("01/22/2018", "12/01/2017", 1)]
    [InlineData("U30 v2.50 (03/12/2021)", "U30 v2.50 (03/13/2021)", -1)]
    [InlineData("U30 v2.50 (03/12/2021)", "U30 v2.49 (03/13/2022)", 1)]
    [InlineData("u30 v2.50", "U30 v2.50", 0)]
    [InlineData("P89 01/22/2018", "P89 02/22/2018", -1)]
    [InlineData("0xFFFFFFFF", "0x1", 1)]
    [InlineData("beta", "beta", 0)]
    public void TryCompareTo_SameStyle_IsOrdered(string a, string b, int expected)
    {
        Assert.True(RomVersion.Parse(a).TryCompareTo(RomVersion.Parse(b), out var order));
        Assert.Equal(expected, Math.Sign(order));
        Assert.Equal(expected == 0, RomVersion.Parse(a).Equals(RomVersion.Parse(b)));
    }

    [Theory]
    [InlineData("2.50", "0x00020050")]
    [InlineData("U30 v2.50", "U31 v2.50")]
    [InlineData("P89 01/22/2018", "01/22/2018")]
    [InlineData("U30 v2.50", "2.50")]
    [InlineData("beta", "gamma")]
    public void TryCompareTo_OtherStyleOrFamily_IsNotComparable(string a, string b)
    {
        Assert.False(RomVersion.Parse(a).TryCompareTo(RomVersion.Parse(b), out var order));
        Assert.Equal(0, order);
        Assert.False(RomVersion.Parse(a).Equals(RomVersion.Parse(b)));
    }

    [Fact]
    public void TryCompareTo_SeededVersions_IsATotalOrderWithinAStyle()
    {
        const int Seed = 90210;
        var random = new Random(Seed);
        var compared = 0;
        for (var i = 0; i < 60_000; i++)
        {
            var (a, b, c) = (Next(random), Next(random), Next(random));
            var where = $"seed {Seed}, round {i}: '{a}', '{b}', '{c}'";
            Assert.True(a.TryCompareTo(a, out var self) && self == 0, where);
            var isComparable = a.TryCompareTo(b, out var ab);
            Assert.True(isComparable == (a.Kind == b.Kind && a.Family == b.Family), where);
            Assert.True(isComparable == b.TryCompareTo(a, out var ba), where);
            Assert.True(Math.Sign(ab) == -Math.Sign(ba), where);
            Assert.True(a.Equals(b) == (isComparable && ab == 0), where);
            Assert.True(!a.Equals(b) || a.GetHashCode() == b.GetHashCode(), where);
            if (isComparable && b.TryCompareTo(c, out var bc))
            {
                compared++;
                Assert.True(a.TryCompareTo(c, out var ac), where);
                Assert.True(ab > 0 || bc > 0 || ac <= 0, where);
                Assert.True(ab != 0 || Math.Sign(ac) == Math.Sign(bc), where);
            }
        }

        Assert.True(compared > 500, $"seed {Seed}: only {compared} triples could be compared");
    }

    private static RomVersion Next(Random random)
    {
        string[] numbers = ["0", "00", "1", "01", "2", "5", "05", "10", "50"];
        string Dots() => string.Join('.', Enumerable.Range(0, random.Next(2, 5)).Select(_ => numbers[random.Next(numbers.Length)]));
        string Date() => string.Create(CultureInfo.InvariantCulture, $"{random.Next(1, 3):00}/{random.Next(1, 3):00}/{random.Next(2020, 2022)}");
        var family = random.Next(2) == 0 ? "U30" : "p89";
        return RomVersion.Parse(random.Next(6) switch
        {
            0 => Dots(),
            1 => Date(),
            2 => $"{family} v{Dots()}",
            3 => $"{family} v{Dots()} ({Date()})",
            4 => $"{family} {Date()}",
            _ => string.Create(CultureInfo.InvariantCulture, $"0x{random.Next(3):X}"),
        });
    }
}
