using System.Buffers.Binary;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Compression;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Tests.Images.Compression;
using RomFlash.Sdk.Tests.Images.Fuzzing;
using static RomFlash.Sdk.Tests.Images.Formats.OptionRomBuilder;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class OptionRomFormatTests
{
    private const int Exe = ExecutableOffset;

    // Of SampleImages.Executable: the PE header, and its first section's.
    private const int Pe = Exe + 0x40;
    private const int Section = Pe + 24 + 112;

    [Fact]
    public void Read_ImageForThePc_TellsDeviceClassRevisionAndSum()
    {
        var run = Run(Image());

        Assert.Null(run.Failure);
        Assert.Empty(run.Warnings);
        Assert.Equal("option-rom", run.Format);
        Assert.Equal(RomKind.ArrayController, run.Identity.Kind);
        Assert.Equal(new PciId(0x103C, 0x3239), Assert.Single(run.Identity.PciIds));
        var part = Assert.Single(run.Root.Parts);
        Assert.Equal(("option-rom-image", "x86", "0x0102", 0L, 1024L), (part.Kind, part.Name, part.Version, part.Offset, part.Length));
        Assert.Contains("class 010400", part.Notes);
        Assert.Equal(new RomImageCheck("sum8", 0, 1024, "00", "00"), Assert.Single(part.Checks));
    }

    [Theory]
    [InlineData(0x01, 0x00, RomKind.ArrayController)]
    [InlineData(0x01, 0x04, RomKind.ArrayController)]
    [InlineData(0x01, 0x07, RomKind.ArrayController)]
    [InlineData(0x01, 0x80, RomKind.ArrayController)]
    [InlineData(0x01, 0x06, RomKind.Other)]
    [InlineData(0x01, 0x08, RomKind.Other)]
    [InlineData(0x02, 0x00, RomKind.Other)]
    [InlineData(0x03, 0x00, RomKind.Other)]
    [InlineData(0x0C, 0x04, RomKind.Other)]
    [InlineData(0x00, 0x00, RomKind.Other)]
    public void Read_ClassCode_DecidesTheKind(int baseClass, int subClass, RomKind kind) =>
        Assert.Equal(kind, Run(Image(baseClass: baseClass, subClass: subClass)).Identity.Kind);

    [Fact]
    public void Read_ImagesOfDifferentKinds_AreOther() =>
        Assert.Equal(RomKind.Other, Run([.. Image(isLast: false), .. Image(baseClass: 2, subClass: 0)]).Identity.Kind);

    [Fact]
    public void Read_ChainAndDeviceList_TellsEveryDeviceOnce()
    {
        byte[] rom = [.. Image(isLast: false, list: [0x3239, 0x323A, 0x323B, 0]), .. Image(isLast: false, device: 0x323A), .. Efi(SampleImages.Executable())];

        var run = Run(rom);

        Assert.Null(run.Failure);
        Assert.Equal([0x3239, 0x323A, 0x323B], run.Identity.PciIds.Select(p => (int)p.Device));
        Assert.Equal([(0L, "x86"), (1024L, "x86"), (2048L, "EFI")], run.Root.Parts.Select(p => (p.Offset, p.Name)));
        Assert.Contains("also for 103c:323b", run.Root.Parts[0].Notes);
    }

    [Fact]
    public void Read_PointerOfAnOlderStructure_IsNoDeviceList() =>
        Assert.Equal(0x3239, Assert.Single(Run(Image(revision: 0, list: [1, 2, 0])).Identity.PciIds).Device);

    [Theory]
    [InlineData("image length 0", Structure + 16)]
    [InlineData("structure too short", Structure + 10)]
    [InlineData("structure beyond the image", Structure + 10)]
    [InlineData("device list beyond the image", Structure + 8)]
    [InlineData("device list endless", Structure + 8)]
    [InlineData("no second image", 1024)]
    [InlineData("second image without structure", 1024)]
    public void Read_BrokenRuleOfAnImage_IsMalformedAtItsOffset(string rule, long offset)
    {
        var image = rule == "device list endless" ? Image(units: 8, list: [.. Enumerable.Range(1, 1025).Select(i => (ushort)i)]) : Image(list: [1, 0]);
        switch (rule)
        {
            case "image length 0":
                image[Structure + 16] = 0;
                break;
            case "structure too short":
                image[Structure + 10] = 23;
                break;
            case "structure beyond the image":
                image[Structure + 11] = 0x10;
                break;
            case "device list beyond the image":
                image[Structure + 9] = 0x10;
                break;
            case "no second image":
                image[Structure + 21] = 0;
                image = [.. Sum(image), .. new byte[512]];
                break;
            case "second image without structure":
                image[Structure + 21] = 0;
                image = [.. Sum(image), .. Isa()];
                break;
            default:
                break;
        }

        Assert.Equal(offset, Assert.IsType<ImageMalformed>(Run(image).Failure).ByteOffset);
    }

    [Theory]
    [InlineData("signature", 4)]
    [InlineData("size 0", 2)]
    [InlineData("size beyond the image", 2)]
    [InlineData("compression", 12)]
    [InlineData("offset in the header", 22)]
    [InlineData("offset beyond the image", 22)]
    [InlineData("no executable", Exe)]
    [InlineData("executable cut off", Exe)]
    [InlineData("no PE header", Exe + 0x3C)]
    [InlineData("PE header beyond the image", Exe + 0x3C)]
    [InlineData("PE header overflows", Exe + 0x3C)]
    [InlineData("another machine", Pe + 4)]
    [InlineData("too many sections", Pe + 6)]
    [InlineData("section headers beyond the image", Pe + 6)]
    [InlineData("section beyond the image", Section + 16)]
    [InlineData("section overflows", Section + 16)]
    public void Read_BrokenRuleOfAnEfiImage_IsMalformedAtItsOffset(string rule, long offset)
    {
        var image = Efi(SampleImages.Executable());
        Assert.Null(Run(image).Failure);
        switch (rule)
        {
            case "signature":
                image[4] ^= 1;
                break;
            case "size 0":
                image[2] = 0;
                break;
            case "size beyond the image":
                image[3] = 1;
                break;
            case "compression":
                image[12] = 2;
                break;
            case "offset in the header":
                image[22] = 0x1B;
                break;
            case "offset beyond the image":
                image[23] = 4;
                break;
            case "no executable":
                image[Exe] = 0;
                break;
            case "executable cut off":
                (image[22], image[23]) = (0xF0, 0x03);
                offset = 0x3F0;
                break;
            case "no PE header":
                image[Pe + 1] = 0;
                break;
            case "PE header beyond the image":
                image[Exe + 0x3D] = 0x10;
                break;
            case "PE header overflows":
                BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Exe + 0x3C), uint.MaxValue);
                break;
            case "another machine":
                BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Pe + 4), 0xAA64);
                break;
            case "too many sections":
                image[Pe + 6] = 97;
                break;
            case "section headers beyond the image":
                image[Pe + 21] = 0x10;
                break;
            case "section beyond the image":
                image[Section + 18] = 1;
                break;
            default:
                BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Section + 16), uint.MaxValue);
                BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Section + 20), uint.MaxValue);
                break;
        }

        Assert.Equal(offset, Assert.IsType<ImageMalformed>(Run(image).Failure).ByteOffset);
    }

    [Fact]
    public void Read_HeaderOfAnEfiImageSaysLessThanTheStructure_Warns()
    {
        var image = Efi(SampleImages.Executable());
        image[2] = 1;

        var run = Run(image);

        Assert.Null(run.Failure);
        Assert.Contains(run.Warnings, w => w.Contains("0x200 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_EfiApplication_WarnsThatNobodyRunsIt()
    {
        var image = Efi(SampleImages.Executable());
        image[Pe + 24 + 68] = 10;

        Assert.Contains(Run(image).Warnings, w => w.Contains("no driver", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_EfiImage_NeedsNoSum()
    {
        var image = Efi(SampleImages.Executable());
        image[^1] ^= 0x55;

        var run = Run(image);

        Assert.Null(run.Failure);
        Assert.Empty(Assert.Single(run.Root.Parts).Checks);
        Assert.Equal("PE, machine 0x8664; boot service driver", string.Join("; ", run.Parts.Single(p => p.Kind == "efi-executable").Notes));
    }

    [Theory]
    [InlineData(1, "Open Firmware")]
    [InlineData(2, "HP PA-RISC")]
    [InlineData(0xE0, "code type 0xE0")]
    public void Read_ImageForAnotherMachine_NeedsNoSumAndWarns(byte codeType, string name)
    {
        var run = Run(Image(codeType));

        Assert.Null(run.Failure);
        Assert.Equal(name, Assert.Single(run.Root.Parts).Name);
        Assert.Contains(run.Warnings, w => w.Contains("no sum", StringComparison.Ordinal));
        Assert.Empty(Run(Sum(Image(codeType))).Warnings);
    }

    [Fact]
    public void Read_CompressedDriver_IsDecodedAndLookedAt()
    {
        var driver = SampleImages.Executable();
        var image = Efi(TianoWriter.Compress(driver, TianoVariant.Efi), compression: 1);

        var run = Run(image);

        Assert.Null(run.Failure);
        var part = run.Parts.Single(p => p.Kind == "efi-executable");
        Assert.Equal(driver.Length, part.DecodedLength);
        Assert.Contains("PE, machine 0x8664", part.Notes);

        // What is wrong in there has no place in the file.
        driver[0x44] ^= 1;
        var failure = Assert.IsType<ImageMalformed>(Run(Efi(TianoWriter.Compress(driver, TianoVariant.Efi), compression: 1)).Failure);
        Assert.Null(failure.ByteOffset);
        Assert.Contains("machine 0x8665", failure.Detail, StringComparison.Ordinal);
        Assert.Equal("not decoded", Assert.Single(FormatRun.Of(image, RomInspectionDepth.Outer, null, RomImageFormats.All).Parts.Single(p => p.Kind == "efi-executable").Notes));
    }

    [Theory]
    [InlineData("longer than there is")]
    [InlineData("cut off")]
    public void Read_CompressedDriverThatCantBeDecoded_IsMalformedAtIt(string how)
    {
        var data = TianoWriter.Compress(SampleImages.Executable(), TianoVariant.Efi);
        BinaryPrimitives.WriteInt32LittleEndian(data, how == "cut off" ? 20 : 2000);

        Assert.Equal(Exe, Assert.IsType<ImageMalformed>(Run(Efi(data, compression: 1)).Failure).ByteOffset);
    }

    [Fact]
    public void Read_DriverThatWouldDecodeToMoreThanIsAllowed_IsTooLarge()
    {
        var data = TianoWriter.Compress(SampleImages.Executable(), TianoVariant.Efi);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), uint.MaxValue);

        Assert.IsType<ImageTooLarge>(Run(Efi(data, compression: 1)).Failure);
    }

    [Theory]
    [InlineData(0xFF, "padding")]
    [InlineData(0x00, "padding")]
    [InlineData(0x20, "data")]
    public void Read_BytesBehindTheLastImage_ArePaddingOrToldOf(byte value, string kind)
    {
        var run = Run([.. Image(), .. Enumerable.Repeat(value, 700)]);

        Assert.Null(run.Failure);
        Assert.Equal((kind, 1024L, 700L), (run.Root.Parts[1].Kind, run.Root.Parts[1].Offset, run.Root.Parts[1].Length));
        Assert.Equal(kind == "data", run.Warnings.Any(w => w.Contains("no padding", StringComparison.Ordinal)));
    }

    [Fact]
    public void Read_ChainWithoutEnd_IsTooLarge()
    {
        byte[] image = Image(isLast: false);

        Assert.IsType<ImageTooLarge>(Run([.. Enumerable.Repeat(image, 40).SelectMany(i => i)]).Failure);
        Assert.Equal(OptionRomFormat.MaxImages, Run([.. Enumerable.Repeat(image, OptionRomFormat.MaxImages - 1).SelectMany(i => i), .. Image()]).Root.Parts.Length);
    }

    [Fact]
    public void Read_PnpHeaders_TellProductAndMaker()
    {
        var image = Image();
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x1A), 0x60);
        foreach (var at in (int[])[0x60, 0x80])
        {
            "$PnP"u8.CopyTo(image.AsSpan(at));
            (image[at + 4], image[at + 5]) = (1, 2);
            image[at + 0x0F] = 1;
            image[at + 0x10] = 0x10;
            image[at + 0x11] = 1;
        }

        image[0x66] = 0x80;
        image[0x86] = 0x60;
        "Maker\0"u8.CopyTo(image.AsSpan(0x100));
        "Product\0"u8.CopyTo(image.AsSpan(0x110));

        var run = Run(Sum(image));

        Assert.Null(run.Failure);
        Assert.Equal([(0x60L, "Product"), (0x80L, "Product")], run.Parts.Where(p => p.Kind == "pnp-header").Select(p => (p.Offset, p.Name)));
    }

    [Fact]
    public void Read_IsaRom_HasItsLengthAndSum()
    {
        var run = Run(Isa());

        Assert.Null(run.Failure);
        Assert.Equal(RomKind.Other, run.Identity.Kind);
        var part = Assert.Single(run.Root.Parts);
        Assert.Equal(("isa-rom-image", 1024L), (part.Kind, part.Length));
        Assert.True(Assert.Single(part.Checks).Holds);
    }

    [Fact]
    public void Read_IsaRomOfLength0_IsMalformed()
    {
        var rom = Isa();
        rom[2] = 0;

        Assert.Equal(2, Assert.IsType<ImageMalformed>(Run(rom).Failure).ByteOffset);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_AnyBitOfASummedImageFlipped_IsDetected(bool isa)
    {
        var rom = isa ? Isa() : Image(list: [0x3239, 0x323A, 0]);
        for (var bit = 0; bit < rom.Length * 8; bit++)
        {
            rom[bit / 8] ^= (byte)(1 << (bit % 8));
            var run = Run(rom);
            var where = string.Create(CultureInfo.InvariantCulture, $"bit {bit % 8} of 0x{bit / 8:X}");
            if (bit / 8 < 2)
            {
                Assert.False(run.IsRecognized, where);
            }
            else if (!isa && bit / 8 == Structure + 20)
            {
                // For another machine now, and no sum is a rule there.
                Assert.True(run.Failure is null && run.Warnings.Any(w => w.Contains("no sum", StringComparison.Ordinal)), where);
            }
            else
            {
                Assert.True(run is { IsRecognized: true, Failure: not null }, where);
            }

            rom[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Read_WrongSum_IsToldWithWhatItIs()
    {
        byte[] rom = [.. Image(isLast: false), .. Image()];
        rom[1500] += 3;

        var failure = Assert.IsType<ImageChecksumWrong>(Assert.Single(Run(rom).Problems));
        Assert.Equal(1024, failure.ByteOffset);
        Assert.Equal(new RomImageCheck("sum8", 1024, 1024, "00", "03"), Assert.Single(Run(rom).Root.Parts[1].Checks));
    }

    [Fact]
    public void Read_EveryTruncation_IsTruncatedWhereItEnds()
    {
        byte[] rom = [.. Image(isLast: false), .. Efi(SampleImages.Executable())];
        for (var length = 0; length < rom.Length; length++)
        {
            var run = Run(rom[..length]);
            if (length < 2)
            {
                Assert.False(run.IsRecognized);
                continue;
            }

            Assert.True(
                length < 3 ? run.Failure is ImageMalformed : run.Failure is ImageTruncated { ByteOffset: var at } && at == length,
                string.Create(CultureInfo.InvariantCulture, $"{length} bytes: {run.Failure}"));
        }
    }

    [Fact]
    public void Recognize_TwoBytesAlone_AreNotEnoughInsideOfAnotherImage()
    {
        var format = new OptionRomFormat();
        byte[] bare = [0x55, 0xAA, 2, .. new byte[2000]];

        Assert.Equal(RomRecognition.Signature, format.Recognize(new MemoryContent("rom", Image())));
        Assert.Equal(RomRecognition.Structure, format.Recognize(new MemoryContent("rom", Isa())));
        Assert.Equal(RomRecognition.Convention, format.Recognize(new MemoryContent("rom", bare)));
        Assert.Equal(RomRecognition.None, format.Recognize(new MemoryContent("rom", "not at all"u8.ToArray())));
        Assert.DoesNotContain(Run(Capsule(bare)).Parts, p => p.Kind == "isa-rom-image");
        Assert.Equal(28 + 8 + 8 + 48, Run(Capsule(Image())).Parts.Single(p => p.Kind == "option-rom-image").Offset);
    }

    private static byte[] Capsule(byte[] payload) => new CapsuleBuilder { Items = { CapsuleBuilder.Item(payload) } }.Build();

    private static FormatRun Run(byte[] bytes) => FormatRun.Of(bytes, RomImageFormats.All);
}
