using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Tests.Images;

public sealed class ContentDigestTests
{
    [Fact]
    public void TryParse_Digits_RoundTripInEitherCase()
    {
        var text = "00ff" + new string('a', 60);

        Assert.True(ContentDigest.TryParse(text.ToUpperInvariant(), out var digest));
        Assert.Equal(text, digest.ToString());
        Assert.False(digest.IsEmpty);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("zz00000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000000")]
    public void TryParse_AnythingElse_IsFalse(string? text) => Assert.False(ContentDigest.TryParse(text, out _));

    [Fact]
    public void Equals_EveryByte_Counts()
    {
        var bytes = new byte[32];
        for (var i = 0; i < 32; i++)
        {
            var other = (byte[])bytes.Clone();
            other[i] = 1;
            Assert.True(new ContentDigest(bytes) != new ContentDigest(other));
            Assert.False(new ContentDigest(other).IsEmpty);
        }

        Assert.True(default(ContentDigest).IsEmpty);
        Assert.Throws<ArgumentException>(() => new ContentDigest(new byte[31]));
        Assert.Throws<ArgumentException>(() => default(ContentDigest).CopyTo(new byte[31]));
    }
}
