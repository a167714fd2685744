using System.Buffers.Binary;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;
using static RomFlash.Sdk.Tests.Images.Formats.FirmwareVolumeBuilder;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class FirmwareVolumeFormatTests
{
    private static readonly Guid VolumeName = new("48db5e17-707c-472d-91cd-1613e7ef51b0");
    private static readonly Guid Elsewhere = new("0f9d89e8-0000-4f76-a5af-0c89e34023df");
    private static readonly Guid Signed = new("0f9d89e8-9259-4f76-a5af-0c89e34023df");

    private static readonly Guid FilteredLzmaSection = new("d42ae6bd-1352-4bfb-909a-ca72a6eae889");

    // What Python's lzma makes of 176 bytes (a CRC-32 section around PE32 with calls and a name), as it is and behind its x86 filter.
    private const string Packed =
        "XQAAAQCwAAAAAAAAAABYACwErnumgCC0w1OKRVWY6wh9tqyTr7yDbHuWzIomF/Ntju4FKOJmh1Ij/bB8MtZwoB0VL+Ch/YtkYMSRZ+tTLziTXzUKF+umf/IO2bxs2A2Y8EYeXFyultbrs+FMGrGStV0X2/6HnUjvWN/+b7GA";

    private const string PackedAndFiltered =
        "XQAAAQCwAAAAAAAAAABYACwErnumgCC0w1OKRVWY6wh9tqyTr7yDbHuWzIomF/Ntju4FKV33AZFcVWdlQrz/2SMU0qAxh/bmeHEddFw992tWIdp0g3wo0f6UmGsA0HlVmye38f04iaZZ1jzgxRTwSLbwVNQyadjc///8cMAA";

    // Where the first file begins in a volume without an extended header, and where its data does.
    private const int First = HeaderLength;
    private const int FirstData = First + FileHeaderSize;

    [Fact]
    public void Read_VolumeWithEverything_TellsPartsNamesAndVersions()
    {
        var volume = new FirmwareVolumeBuilder { Name = VolumeName, ExtendedEntries = [8, 0, 3, 0, 0x40, 0, 0, 0] };
        volume.Files.AddRange([Driver(), File(0xF0, [.. Enumerable.Repeat((byte)0xFF, 20)], Guid.AllBitsSet, hasSum: false), File(0x0B, Guarded(Section(0x17, With(Driver("Inner")).Build())))]);

        var run = Run(volume.Build());

        Assert.Empty(run.Problems);
        Assert.Empty(run.Warnings);
        Assert.Equal("firmware-volume", run.Format);
        Assert.Equal(RomKind.SystemRom, run.Identity.Kind);
        var outer = Assert.Single(run.Root.Parts);
        Assert.Equal(["ffs-file", "ffs-file", "ffs-file", "ffs-file", "free-space"], outer.Parts.Select(p => p.Kind));
        Assert.Equal((VolumeName.ToString(), Ffs2), (outer.Name, outer.Id));
        Assert.Equal("volume-extended-header", Assert.Single(outer.Parts[0].Parts).Kind);
        Assert.Equal(["Driver", "Inner"], run.Parts.Where(p => p.Kind == "ffs-file" && p.Name.Length > 0).Select(p => p.Name));
        Assert.Equal("1.2", outer.Parts[1].Version);
        Assert.Equal<string>(["driver"], outer.Parts[1].Notes);
        Assert.Equal<string>(["volume-image"], outer.Parts[3].Notes);
        Assert.Equal(["header sum8", "data sum8"], outer.Parts[1].Checks.Select(c => c.Name));
        Assert.Equal("crc32", Assert.Single(run.Parts.Single(p => p.Kind == "guid-defined-section").Checks).Name);
        Assert.All(run.Parts, p => Assert.True(p.IsInFile));
    }

    [Fact]
    public void Read_VolumesAtPlacesWithPaddingAndData_AreAllFound()
    {
        var volume = With(Driver()).Build();
        byte[] flash = [.. new byte[512], .. volume, .. Enumerable.Repeat((byte)0xFF, 256), .. volume, 1, 2, 3, 4, 5, 6, 7, 8];

        var run = Run(flash);

        Assert.Empty(run.Problems);
        Assert.Equal(["padding", "firmware-volume", "padding", "firmware-volume", "data"], run.Root.Parts.Select(p => p.Kind));
        Assert.Equal(flash.Length, run.Root.Parts.Sum(p => p.Length));
        Assert.Equal(512, run.Root.Parts[1].Offset);
    }

    [Theory]
    [InlineData(0u, 0x0004_F6FFu)]
    [InlineData(1u, 0x0004_FEFFu)]
    public void Read_EitherErasePolarity_IsValid(uint polarity, uint attributes)
    {
        var volume = With(Driver());
        volume.Attributes = attributes;

        var run = Run(volume.Build());

        Assert.Empty(run.Problems);
        Assert.Equal(polarity == 0, run.Root.Parts[0].Notes.Contains("erased flash is 00"));
        Assert.Equal("free-space", run.Root.Parts[0].Parts[^1].Kind);
    }

    [Fact]
    public void Read_LargeFileInFfs3_IsReadByItsLongSize()
    {
        var volume = With(File(0x02, Section(0x19, new byte[100], isLarge: true), isLarge: true), Driver());
        volume.FileSystem = Ffs3;

        var run = Run(volume.Build());

        Assert.Empty(run.Problems);
        Assert.Equal([32 + 108, Driver().Length], run.Parts.Where(p => p.Kind == "ffs-file").Select(p => (int)p.Length));
    }

    [Fact]
    public void Read_RevisionOneWithItsFixedSum_IsValid()
    {
        var file = File(0x01, [1, 2, 3], hasSum: false);
        file[17] = 0x5A;
        var volume = With(file);
        Assert.Equal("RF5007", Run(volume.Build()).Failure!.Code);

        volume.Revision = 1;

        Assert.Empty(Run(volume.Build()).Problems);
    }

    [Fact]
    public void Read_VariableStore_IsNamedAndNotChecked()
    {
        var header = new byte[28];
        new Guid("aaf32c78-947b-439a-a180-2e144ec37792").TryWriteBytes(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), 128);
        (header[20], header[21]) = (0x5A, 0xFE);
        var volume = new FirmwareVolumeBuilder { FileSystem = Nvram, Free = 256 };
        var bytes = volume.Build();
        header.CopyTo(bytes, HeaderLength);

        var run = Run(bytes);

        Assert.Empty(run.Problems);
        var store = run.Parts.Single(p => p.Kind == "variable-store");
        Assert.Equal<string>(["authenticated variables", "formatted", "healthy"], store.Notes);
        Assert.Equal((HeaderLength, 128), (store.Offset, store.Length));

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(HeaderLength + 16), 4096);
        Assert.Equal(HeaderLength + 16, Assert.IsType<ImageMalformed>(Run(bytes).Failure).ByteOffset);
    }

    [Fact]
    public void Read_VariablesWithTheBlockMapOfTheWholeDevice_AreValid()
    {
        var volume = new FirmwareVolumeBuilder { FileSystem = Nvram, BlockMap = [0x100, 0x40000, 0, 0] };
        Assert.Empty(Run(volume.Build()).Problems);

        volume.BlockMap = [1, 64, 0, 0];
        Assert.Equal(56, OffsetOf(Assert.Single(Run(volume.Build()).Problems)));
    }

    [Theory]
    [InlineData(false, Packed)]
    [InlineData(true, PackedAndFiltered)]
    public void Read_CompressedSection_IsReadAsWhatItDecodesTo(bool isFiltered, string packed)
    {
        var volume = With(File(0x07, Guided(isFiltered ? FilteredLzmaSection : LzmaSection, Convert.FromBase64String(packed))));

        var run = Run(volume.Build());

        Assert.Empty(run.Problems);
        var section = Assert.Single(run.Parts, p => p.DecodedLength is not null);
        Assert.Equal((176, true), (section.DecodedLength, section.IsInFile));
        var guarded = Assert.Single(section.Parts);
        Assert.True(Assert.Single(guarded.Checks).Holds);
        Assert.Equal([("guid-defined-section", 0L), ("pe32-section", 28L), ("ui-section", 156L)], run.Parts.Where(p => !p.IsInFile).Select(p => (p.Kind, p.Offset)));
        Assert.Equal("Packed", run.Parts.Single(p => p.Kind == "ffs-file").Name);
    }

    // The file has no sum over its data here: what is inside has to tell, or its decoder. A bit of the inner header that is under no sum may change unnoticed.
    [Theory]
    [InlineData(false, Packed)]
    [InlineData(true, PackedAndFiltered)]
    public void Read_BitsOfCompressedDataFlipped_AreDetectedButForOneInAHundred(bool isFiltered, string packed)
    {
        var data = Convert.FromBase64String(packed);

        // Behind the size of the dictionary, and before the last bytes, which a range coder only writes to be done.
        var missed = 0;
        for (var bit = 8 * 5; bit < 8 * (data.Length - 6); bit++)
        {
            data[bit / 8] ^= (byte)(1 << (bit % 8));
            var run = Run(With(File(0x07, Guided(isFiltered ? FilteredLzmaSection : LzmaSection, data), hasSum: false)).Build());
            data[bit / 8] ^= (byte)(1 << (bit % 8));

            missed += run.Problems.IsEmpty ? 1 : 0;
        }

        Assert.InRange(missed, 0, data.Length * 8 / 100);
    }

    [Fact]
    public void Read_ManyCompressedSections_MakesNoGarbageOfTheirContents()
    {
        var section = Guided(LzmaSection, Convert.FromBase64String(Packed));
        var few = Files(10);
        var many = Files(400);
        Run(many);
        var (small, large) = (Allocated(few), Allocated(many));

        // Parts and checks take about 2 KiB for each; what it decodes to would be 64 KiB.
        Assert.InRange((large - small) / 390, 0, 8 << 10);

        byte[] Files(int count) => With([.. Enumerable.Range(0, count).Select(i => File(0x02, section, new Guid(i, 0, 0, new byte[8])))]).Build();

        static long Allocated(byte[] image)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Run(image);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void Read_RawData_IsReadByWhoeverKnowsIt()
    {
        byte[] something = [.. Enumerable.Range(0, 200).Select(i => (byte)i)];
        var image = With(File(0x01, With(Driver("InFile")).Build()), File(0x02, [.. Section(0x19, With(Driver("InSection")).Build()), .. Section(0x19, something)])).Build();

        var run = FormatRun.Of(image, RomImageFormats.All);

        Assert.Empty(run.Problems);
        FormatRun.AssertIsTree(run.Root);
        Assert.Equal(["InFile", "InSection"], run.Parts.Where(p => p is { Kind: "ffs-file", Name.Length: > 0 }).Select(p => p.Name));
        Assert.Empty(run.Parts.Last(p => p.Kind == "raw-section").Parts);
    }

    public static TheoryData<string, string, int> Rules => new()
    {
        { "volume sum", "RF5007", 0 },
        { "revision", "RF5005", 55 },
        { "reserved byte", "RF5005", 54 },
        { "header too short", "RF5005", 48 },
        { "header too long", "RF5005", 48 },
        { "header longer than the block map", "RF5005", 48 },
        { "block map without end", "RF5005", 56 },
        { "block map of another length", "RF5005", 56 },
        { "block map overflows", "RF5005", 56 },
        { "length below header", "RF5005", 32 },
        { "length beyond file", "RF5006", -1 },
        { "length of 2^64", "RF5006", -1 },
        { "extended header in header", "RF5005", 52 },
        { "extended header beyond volume", "RF5005", 52 },
        { "extended header too short", "RF5005", First + FileHeaderSize + 16 },
        { "extended header too long", "RF5005", First + FileHeaderSize + 16 },
        { "extended entry too short", "RF5005", First + FileHeaderSize + 20 },
        { "extended entry too long", "RF5005", First + FileHeaderSize + 20 },
        { "used size beyond volume", "RF5005", First + FileHeaderSize + 24 },
        { "holder is no pad file", "RF5005", First + 18 },
        { "file header sum", "RF5007", First },
        { "file data sum", "RF5007", FirstData },
        { "file without data sum", "RF5007", FirstData },
        { "file state unfinished", "RF5005", First + 23 },
        { "file state header invalid", "RF5005", First + 23 },
        { "file state without order", "RF5005", First + 23 },
        { "file size below header", "RF5005", First + 20 },
        { "file size beyond volume", "RF5005", First + 20 },
        { "large file size overflows", "RF5005", First + 24 },
        { "large file with a short size", "RF5005", First + 20 },
        { "large file in FFS2", "RF5005", First + 19 },
        { "volume top file not last", "RF5005", First + 20 },
        { "volume ends in a file header", "RF5005", First + 72 },
        { "section size zero", "RF5005", FirstData },
        { "section size beyond file", "RF5005", FirstData },
        { "large section size beyond file", "RF5005", FirstData },
        { "section without its guid", "RF5005", FirstData },
        { "text without end", "RF5005", FirstData + 4 },
        { "text without room", "RF5005", FirstData },
        { "guid-defined without header", "RF5005", FirstData },
        { "data offset in header", "RF5005", FirstData + 20 },
        { "data offset beyond section", "RF5005", FirstData + 20 },
        { "crc32 wrong", "RF5007", FirstData + 28 },
        { "crc32 without room", "RF5005", FirstData + 20 },
        { "volume section without volume", "RF5005", FirstData + 4 },
        { "compression without header", "RF5005", FirstData },
        { "not compressed with another length", "RF5005", FirstData + 4 },
        { "lzma header", "RF5005", FirstData + 24 },
        { "lzma of unknown length", "RF5005", FirstData + 24 },
        { "lzma bomb", "RF5003", -1 },
        { "tiano longer than section", "RF5005", FirstData + 9 },
        { "tiano of another length", "RF5005", FirstData + 9 },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Read_BrokenRule_IsReportedWhereItIs(string rule, string code, int offset)
    {
        var run = Run(Broken(rule));

        Assert.True(run.IsRecognized);
        FormatRun.AssertIsTree(run.Root);
        Assert.Contains(run.Problems, p => p.Code == code && (offset < 0 || OffsetOf(p) == offset));
    }

    [Theory]
    [InlineData("deleted", "is deleted")]
    [InlineData("marked for update", "marked for update")]
    [InlineData("unknown file system", "not known")]
    [InlineData("free space in use", "not empty")]
    [InlineData("same name twice", "two files")]
    [InlineData("reserved file type", "reserved")]
    [InlineData("alignment", "aligned")]
    [InlineData("fill", "between files")]
    [InlineData("unknown section", "0x7E")]
    [InlineData("unknown guided section", "0f9d89e8")]
    [InlineData("signed section", "EFI_FIRMWARE_CONTENTS_SIGNED_GUID")]
    [InlineData("no executable", "does not begin like one")]
    [InlineData("gap before extended header", "belong to nothing")]
    public void Read_Oddity_IsAWarningAndNoProblem(string oddity, string text)
    {
        var run = Run(Odd(oddity));

        Assert.Empty(run.Problems);
        Assert.Contains(run.Warnings, w => w.Contains(text, StringComparison.Ordinal));
    }

    // Every sum that there is: of the volume, of the pad file and the extended header in it, of files with and without a data sum, of a large file, of a CRC-32 section.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_AnyBitOfWhatIsSummedFlipped_IsDetected(bool isBehindAnother)
    {
        var volume = new FirmwareVolumeBuilder { FileSystem = Ffs3, Name = VolumeName, Held = (true, true), Free = 64 };
        byte[][] files = [Driver(), File(0x02, Section(0x19, [1, 2, 3, 4]), hasSum: false), File(0x02, Guarded(Ui("A")), isLarge: true)];
        volume.Files.AddRange(files);
        byte[] before = isBehindAnother ? [.. With(Driver("Before")).Build(), .. Enumerable.Repeat((byte)0xFF, 64)] : [];
        byte[] image = [.. before, .. volume.Build()];
        Assert.Empty(Run(image).Problems);
        Assert.Empty(Run(image).Warnings);

        var missed = new List<string>();
        foreach (var (name, start, length) in Summed(before.Length, files))
        {
            for (var bit = 0; bit < length * 8; bit++)
            {
                var at = start + (bit / 8);
                image[at] ^= (byte)(1 << (bit % 8));
                var run = Run(image);
                image[at] ^= (byte)(1 << (bit % 8));

                // A state can be right and yet none that a file is shipped with: deleted, marked for update.
                var isState = name == "file header" && bit / 8 == 23;
                if (run.IsRecognized && run.Problems.IsEmpty && !(isState && !run.Warnings.IsEmpty))
                {
                    missed.Add($"{name}, byte {bit / 8}, bit {bit % 8}");
                }
            }
        }

        Assert.Empty(missed);
    }

    [Fact]
    public void Read_WrongSums_AreReportedAndReadingGoesOn()
    {
        var first = With(Driver("One"), Driver("Two"), Driver("Three"));
        first.WrongBy = 1;
        byte[] image = [.. first.Build(), .. With(Driver("Four")).Build()];
        image[First + 16] ^= 1;

        var run = Run(image);

        Assert.Equal(["RF5007", "RF5007"], run.Problems.Select(p => p.Code));
        Assert.Equal(["One", "Two", "Three", "Four"], run.Parts.Where(p => p.Kind == "ffs-file").Select(p => p.Name));
    }

    [Fact]
    public void Read_FileOfImpossibleSize_IsReportedAndTheNextOneFound()
    {
        var image = With(Driver("One"), Driver("Two")).Build();
        image[First + 22] = 0xFF;
        RepairFile(image.AsSpan(First));

        var run = Run(image);

        Assert.Equal(First + 20, OffsetOf(Assert.Single(run.Problems)));
        Assert.Contains(run.Parts, p => p is { Kind: "ffs-file", Name: "Two" });
    }

    [Fact]
    public void Read_EveryTruncation_IsATypedProblem()
    {
        var image = With(Driver(), Driver("B")).Build();
        for (var length = 0; length < image.Length; length++)
        {
            var run = Run(image.AsMemory(0, length));

            Assert.Equal(length >= 44, run.IsRecognized);
            FormatRun.AssertIsTree(run.Root);
            Assert.True(length < 44 || run.Problems.Any(p => p.Code == "RF5006"), $"{length}: {run.Failure}");
        }
    }

    // Where only zeros and half a GUID are left of the second volume, nothing tells that there was one.
    [Fact]
    public void Read_SecondVolumeCut_IsTruncated()
    {
        var first = With(Driver()).Build();
        byte[] image = [.. first, .. With(Driver("Second")).Build()];
        for (var length = first.Length + 32; length < image.Length; length++)
        {
            Assert.IsType<ImageTruncated>(Run(image.AsMemory(0, length)).Failure);
        }
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(31, true)]
    [InlineData(200, false)]
    public void Read_VolumesInVolumes_AreReadToTheLimitOfNesting(int depth, bool isRead)
    {
        var image = With(Driver("Innermost")).Build();
        for (var i = 0; i < depth; i++)
        {
            image = Inside(image);
        }

        var run = Run(image);

        Assert.Equal(isRead, run.Problems.IsEmpty);
        Assert.Equal(isRead, run.Parts.Any(p => p.Name == "Innermost"));
        Assert.True(isRead || run.Failure is ImageTooLarge, $"{run.Failure}");
    }

    [Fact]
    public void Read_ManySectionsThatPromiseMuch_EndAtTheLimitOfAllThatIsDecoded()
    {
        var section = Guided(LzmaSection, [0x5D, 0, 0, 0x80, 0, .. BitConverter.GetBytes(30L << 20), .. new byte[16]]);
        var files = Enumerable.Range(0, 20).Select(i => File(0x02, section, new Guid(i, 0, 0, new byte[8]))).ToArray();

        var run = Run(With(files).Build());

        // Eight of 30 MiB each are below 256 MiB, and none is in memory any more when the next one is.
        Assert.Equal([.. Enumerable.Repeat("RF5005", 8), "RF5003"], run.Problems.Select(p => p.Code));
    }

    [Fact]
    public void Read_MoreFilesThanAReportMayHave_EndsTyped()
    {
        var file = File(0x01, [], hasSum: false);
        var volume = new FirmwareVolumeBuilder();
        volume.Files.AddRange(Enumerable.Repeat(file, RomImageLimits.MaxParts + 10));

        Assert.IsType<ImageTooLarge>(Run(volume.Build()).Failure);
    }

    [Fact]
    public void Read_OuterDepth_DecodesNothing()
    {
        var image = With(File(0x02, Guided(LzmaSection, [0x5D, 0, 0, 0x80, 0, .. BitConverter.GetBytes(30L << 40), .. new byte[16]]))).Build();

        Assert.Empty(FormatRun.Of(image, RomInspectionDepth.Outer, null, new FirmwareVolumeFormat()).Problems);
        Assert.IsType<ImageTooLarge>(Run(image).Failure);
    }

    [Fact]
    public void Read_FileSystemGuidEverywhere_EndsInTime()
    {
        byte[] image = [.. With(Driver()).Build(), .. Enumerable.Repeat(Ffs2.ToByteArray(), 1 << 16).SelectMany(b => b), .. new byte[64]];

        Assert.Empty(Run(image).Problems);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(12)]
    public void Read_VolumeAtUnalignedPlace_IsNone(int offset)
    {
        byte[] image = [.. new byte[offset], .. With(Driver()).Build(), .. new byte[16]];

        Assert.False(Run(image).IsRecognized);
    }

    [Fact]
    public void Read_SignatureEverywhere_EndsInTime()
    {
        var image = new byte[1 << 20];
        for (var i = 0; i < image.Length; i += 4)
        {
            "_FVH"u8.CopyTo(image.AsSpan(i));
        }

        Assert.True(Run(image).IsRecognized);
        image[40] = 0;
        Assert.False(Run(image).IsRecognized);
    }

    [Fact]
    public void Recognize_VolumeElsewhere_IsAStructureThatVouches()
    {
        var format = new FirmwareVolumeFormat();
        var volume = With(Driver()).Build();
        byte[] elsewhere = [.. new byte[4096], .. volume];
        Assert.Equal(RomRecognition.Signature, format.Recognize(new MemoryContent("a", volume)));
        Assert.Equal(RomRecognition.Structure, format.Recognize(new MemoryContent("a", elsewhere)));

        elsewhere[4096 + 50] ^= 1;
        Assert.Equal(RomRecognition.None, format.Recognize(new MemoryContent("a", elsewhere)));

        elsewhere[4096 + 50] ^= 1;
        BinaryPrimitives.WriteUInt32LittleEndian(elsewhere.AsSpan(16), 0x0FF0A55A);
        Assert.Equal(RomRecognition.None, format.Recognize(new MemoryContent("a", elsewhere)));
    }

    private static IEnumerable<(string Name, int Start, int Length)> Summed(int volume, byte[][] files)
    {
        yield return ("volume header", volume, HeaderLength);
        yield return ("file header", volume + First, FileHeaderSize);
        yield return ("extended header", volume + FirstData, 20);
        var at = volume + FirstData + 20 + 4;
        yield return ("file header", at, FileHeaderSize);
        yield return ("file data", at + FileHeaderSize, files[0].Length - FileHeaderSize);
        at = (at + files[0].Length + 7) & ~7;
        yield return ("file header", at, FileHeaderSize);
        at = (at + files[1].Length + 7) & ~7;
        yield return ("file header", at, 32);
        yield return ("file data", at + 32, files[2].Length - 32);
    }

    private static byte[] Odd(string oddity)
    {
        var file = File(0x01, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        var volume = With(file);
        switch (oddity)
        {
            case "deleted":
                return With(File(0x01, [1], state: 0xE8)).Build();
            case "marked for update":
                return With(File(0x01, [1], state: 0xF0)).Build();
            case "unknown file system":
                volume.FileSystem = Elsewhere;
                return volume.Build();
            case "free space in use":
                var used = volume.Build();
                used[^1] = 1;
                return used;
            case "same name twice":
                return With(file, file).Build();
            case "reserved file type":
                return With(File(0x10, [1])).Build();
            case "alignment":
                return With(File(0x01, [1], attributes: 0x38)).Build();
            case "fill":
                var filled = volume.Build();
                filled[First + file.Length] = 0;
                return filled;
            case "unknown section":
                return With(File(0x02, Section(0x7E, [1]))).Build();
            case "unknown guided section":
                return With(File(0x02, Guided(Elsewhere, [1, 2, 3]))).Build();
            case "signed section":
                return With(File(0x02, Guided(Signed, [1, 2, 3], attributes: 3))).Build();
            case "no executable":
                return With(File(0x07, Section(0x10, [1, 2, 3]))).Build();
            case "gap before extended header":
                var gap = new FirmwareVolumeBuilder { Name = VolumeName, Held = (false, false), ExtendedOffset = HeaderLength + 8, Free = 128 };
                var bytes = gap.Build();
                bytes.AsSpan(HeaderLength, 20).CopyTo(bytes.AsSpan(HeaderLength + 8));
                bytes.AsSpan(HeaderLength, 8).Fill(7);
                bytes.AsSpan(HeaderLength + 28, 4).Fill(0xFF);
                return bytes;
            default:
                throw new ArgumentOutOfRangeException(nameof(oddity));
        }
    }

    private static byte[] Broken(string rule)
    {
        var volume = With(Driver());
        switch (rule)
        {
            case "volume sum":
                volume.WrongBy = 1;
                break;
            case "revision":
                volume.Revision = 3;
                break;
            case "reserved byte":
                volume.Reserved = 1;
                break;
            case "header too short":
                volume.SaidHeaderLength = 62;
                break;
            case "header too long":
                volume.SaidHeaderLength = 0xFFFE;
                break;
            case "header longer than the block map":
                volume.SaidHeaderLength = 80;
                break;
            case "block map without end":
                volume.BlockMap = [1, 64, 1, 64];
                break;
            case "block map of another length":
                volume.BlockMap = [3, 64, 0, 0];
                break;
            case "block map overflows":
                volume.BlockMap = [uint.MaxValue, uint.MaxValue, 0, 0];
                break;
            case "length below header":
                volume.Length = 71;
                break;
            case "length beyond file":
                volume.Length = 4096;
                break;
            case "length of 2^64":
                volume.Length = ulong.MaxValue;
                break;
            case "extended header in header":
                volume.ExtendedOffset = 64;
                break;
            case "extended header beyond volume":
                volume.ExtendedOffset = 0xFFF8;
                break;
            case "extended header too short":
                return Extended(size: 19);
            case "extended header too long":
                return Extended(size: uint.MaxValue);
            case "extended entry too short":
                return Extended(3, 0, 2, 0);
            case "extended entry too long":
                return Extended(5, 0, 2, 0);
            case "used size beyond volume":
                return Extended(8, 0, 3, 0, 0, 0, 1, 0);
            case "holder is no pad file":
                return new FirmwareVolumeBuilder { Name = VolumeName, HolderType = 0x01 }.Build();
            case "file header sum":
                return Changed(volume, First + 18, 1);
            case "file data sum":
                return Changed(volume, FirstData + 5, 1);
            case "file without data sum":
                var driver = Driver(hasSum: false);
                driver[17] = 0xAB;
                return With(driver).Build();
            case "file state unfinished":
                return With(File(0x01, [1], state: 0xFC)).Build();
            case "file state header invalid":
                return With(File(0x01, [1], state: 0xDE)).Build();
            case "file state without order":
                return With(File(0x01, [1], state: 0xFA)).Build();
            case "file size below header":
                return With(File(0x01, [1], size: 23)).Build();
            case "file size beyond volume":
                return With(File(0x01, [1], size: 0xFFFFFF)).Build();
            case "large file size overflows":
                return Large(File(0x01, [1], isLarge: true, size: ulong.MaxValue));
            case "large file with a short size":
                var large = File(0x01, [1], isLarge: true);
                large[20] = 33;
                RepairFile(large, 32);
                return Large(large);
            case "large file in FFS2":
                return With(File(0x01, [1], attributes: 1)).Build();
            case "volume top file not last":
                return With(File(0x01, [1], VolumeTopFile)).Build();
            case "volume ends in a file header":
                return new FirmwareVolumeBuilder { Files = { File(0x01, new byte[48]), new byte[16] }, Free = 0 }.Build();
            case "section size zero":
                return Sections([0, 0, 0, 0x10, 1, 2, 3, 4]);
            case "section size beyond file":
                return Sections(Section(0x10, [1], size: 100));
            case "large section size beyond file":
                return Sections(Section(0x10, [1], size: uint.MaxValue, isLarge: true));
            case "section without its guid":
                return Sections(Section(0x18, new byte[15]));
            case "text without end":
                return Sections(Section(0x15, [65, 0, 66, 0]));
            case "text without room":
                return Sections(Section(0x14, [1, 0]));
            case "guid-defined without header":
                return Sections(Section(0x02, new byte[19]));
            case "data offset in header":
                return Sections(Guided(Elsewhere, [1], dataOffset: 23));
            case "data offset beyond section":
                return Sections(Guided(Elsewhere, [1], dataOffset: 26));
            case "crc32 wrong":
                return Sections(Guarded(Ui("A"), wrongBy: 1));
            case "crc32 without room":
                return Sections(Guided(Crc32Section, [1, 2, 3, 4], dataOffset: 27));
            case "volume section without volume":
                return Sections(Section(0x17, new byte[100]));
            case "compression without header":
                return Sections(Section(0x01, [1, 2, 3, 4]));
            case "not compressed with another length":
                return Sections(Compressed(0, 5, Ui("A")));
            case "lzma header":
                return Sections(Guided(LzmaSection, [0xFF, .. new byte[20]]));
            case "lzma of unknown length":
                return Sections(Guided(LzmaSection, [0x5D, 0, 0, 0x80, 0, .. BitConverter.GetBytes(-1L), .. new byte[8]]));
            case "lzma bomb":
                return Sections(Guided(LzmaSection, [0x5D, 0, 0, 0x80, 0, .. BitConverter.GetBytes(1L << 40), .. new byte[8]]));
            case "tiano longer than section":
                return Sections(Compressed(1, 8, [100, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3]));
            case "tiano of another length":
                return Sections(Compressed(1, 8, [3, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3]));
            default:
                throw new ArgumentOutOfRangeException(nameof(rule));
        }

        return volume.Build();
    }

    private static byte[] Extended(params byte[] entries) => new FirmwareVolumeBuilder { Name = VolumeName, ExtendedEntries = entries }.Build();

    private static byte[] Extended(uint size) => new FirmwareVolumeBuilder { Name = VolumeName, ExtendedSize = size }.Build();

    private static byte[] Large(byte[] file) => new FirmwareVolumeBuilder { FileSystem = Ffs3, Files = { file } }.Build();

    private static byte[] Sections(byte[] sections) => With(File(0x02, sections)).Build();

    private static byte[] Changed(FirmwareVolumeBuilder volume, int at, byte by)
    {
        var bytes = volume.Build();
        bytes[at] += by;
        return bytes;
    }

    private static long? OffsetOf(ImageFailure problem) => problem switch
    {
        ImageMalformed malformed => malformed.ByteOffset,
        ImageChecksumWrong wrong => wrong.ByteOffset,
        ImageTruncated truncated => truncated.ByteOffset,
        _ => null,
    };

    private static FormatRun Run(ReadOnlyMemory<byte> bytes) => FormatRun.Of(bytes, new FirmwareVolumeFormat());
}
