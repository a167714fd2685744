using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Tests.Images.Fuzzing;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class LegacySystemRomFormatTests
{
    private const int Size = 64 << 10;
    private const int Tail = Size - 16;

    [Fact]
    public void Read_Rom_TellsKindDateAndThatOnlyADigestVouchesForIt()
    {
        var run = FormatRun.Of(SampleImages.LegacyRom(), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal("legacy-system-rom", run.Format);
        Assert.Equal(RomKind.SystemRom, run.Identity.Kind);
        Assert.Equal(["code", "reset-vector"], run.Root.Parts.Select(p => p.Kind));
        var vector = run.Root.Parts[1];
        Assert.Equal(("06/23/99", (long)Tail, 16L), (vector.Version, vector.Offset, vector.Length));
        Assert.Equal("jumps to F000:E05B, model 0xFC", Assert.Single(vector.Notes));
        Assert.Contains(run.Warnings, w => w.Contains("digest", StringComparison.Ordinal));
        Assert.Empty(run.Parts.SelectMany(p => p.Checks));
    }

    [Theory]
    [InlineData("no jump")]
    [InlineData("month 00")]
    [InlineData("month 13")]
    [InlineData("day 00")]
    [InlineData("day 32")]
    [InlineData("letters")]
    [InlineData("no slash")]
    [InlineData("one byte more")]
    [InlineData("half")]
    [InlineData("firmware volume")]
    [InlineData("firmware volume with a wrong sum")]
    [InlineData("flash descriptor")]
    [InlineData("too large")]
    public void Recognize_WithoutWhatIsCustomary_IsNot(string what)
    {
        var rom = SampleImages.LegacyRom();
        switch (what)
        {
            case "no jump":
                rom[Tail] = 0xE9;
                break;
            case "month 00" or "month 13":
                (rom[Tail + 5], rom[Tail + 6]) = ((byte)what[6], (byte)what[7]);
                break;
            case "day 00" or "day 32":
                (rom[Tail + 8], rom[Tail + 9]) = ((byte)what[4], (byte)what[5]);
                break;
            case "letters":
                rom[Tail + 12] = (byte)'x';
                break;
            case "no slash":
                rom[Tail + 7] = (byte)'-';
                break;
            case "one byte more":
                rom = [0, .. rom];
                break;
            case "half":
                rom = rom[(Size / 2)..];
                break;
            case "firmware volume":
                SampleImages.Volumes().CopyTo(rom, 0x1000);
                break;
            case "firmware volume with a wrong sum":
                SampleImages.Volumes().CopyTo(rom, 0x1000);
                rom[0x1032] ^= 1;
                break;
            case "flash descriptor":
                ((byte[])[0x5A, 0xA5, 0xF0, 0x0F]).CopyTo(rom, 0x10);
                break;
            default:
                rom = [.. new byte[16 << 20], .. rom];
                break;
        }

        Assert.Equal(RomRecognition.None, new LegacySystemRomFormat().Recognize(new MemoryContent("rom", rom)));
    }

    [Fact]
    public void Recognize_NameOfAFirmwareVolumeAlone_IsNoVolume()
    {
        var rom = SampleImages.LegacyRom();
        "_FVH"u8.CopyTo(rom.AsSpan(0x1028));

        Assert.Equal(RomRecognition.Convention, new LegacySystemRomFormat().Recognize(new MemoryContent("rom", rom)));
    }

    [Fact]
    public void Recognize_EveryTruncation_IsNot()
    {
        var rom = SampleImages.LegacyRom();
        for (var length = 0; length < rom.Length; length++)
        {
            Assert.Equal(RomRecognition.None, new LegacySystemRomFormat().Recognize(new MemoryContent("rom", rom.AsMemory(0, length))));
        }
    }

    [Fact]
    public void Read_InsideOfAnotherImage_IsNobodysCustom()
    {
        var run = FormatRun.Of(new CapsuleBuilder { Items = { CapsuleBuilder.Item(SampleImages.LegacyRom()) } }.Build(), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.DoesNotContain(run.Parts, p => p.Kind == "reset-vector");
        Assert.Contains("opaque", run.Parts.Single(p => p.Kind == "payload").Notes);
    }
}
