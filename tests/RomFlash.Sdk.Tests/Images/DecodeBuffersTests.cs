using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Tests.Images;

public sealed class DecodeBuffersTests
{
    [Fact]
    public void Take_SameLevelsAgain_AllocatesNothing()
    {
        var buffers = new DecodeBuffers();

        Assert.Equal(0, ThreadAllocations.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                TakeAndGiveBack(buffers, 200_000 - i, 100_000 - i);
            }
        }));
    }

    [Theory]
    [InlineData(64 << 10)]
    [InlineData(3 << 20)]
    [InlineData(17 << 20)]
    public void Take_InStepsUpToTheLimit_AllocatesLessThanTwiceTheLimit(int step)
    {
        var buffers = new DecodeBuffers();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var length = step; length <= RomImageLimits.MaxDecodedAtOnce; length += step)
        {
            Assert.Equal(length, buffers.Take(length).Length);
            buffers.GiveBack();
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, RomImageLimits.MaxDecodedAtOnce / 2, 2L * RomImageLimits.MaxDecodedAtOnce);
    }

    [Fact]
    public void Take_WhileOthersAreTaken_LeavesThemAlone()
    {
        var buffers = new DecodeBuffers();
        var outer = buffers.Take(1000);
        outer.Span.Fill(1);

        for (var i = 0; i < 3; i++)
        {
            buffers.Take(100_000 << i).Span.Fill(2);
            buffers.GiveBack();
        }

        Assert.False(outer.Span.ContainsAnyExcept((byte)1));
    }

    private static void TakeAndGiveBack(DecodeBuffers buffers, int outer, int inner)
    {
        buffers.Take(outer);
        buffers.Take(inner);
        buffers.GiveBack();
        buffers.GiveBack();
    }
}
