using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;
using static RomFlash.Sdk.Tests.Images.Formats.PackageRun;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class CabFormatTests
{
    private static readonly Guid OtherClass = new("66666666-7777-8888-9999-aaaaaaaaaaaa");

    // Several blocks, the last one odd.
    private static readonly byte[] Firmware = Bytes(70_001);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Validate_OneFirmware_IsWhatTheTargetTakes(bool isCompressed)
    {
        var cabinet = CabinetBuilder.Of(isCompressed, Firmware).Build();

        var image = await Validate(cabinet);

        Assert.Equal((Digest(Firmware), Firmware.Length), (image.Sha256, (int)image.Length));
        Assert.Equal([CabinetBuilder.FirmwareClass], image.Evidence.Identity.FirmwareClasses.ToArray());
        Assert.Equal(["Example server"], image.Evidence.Identity.Models.ToArray());
        Assert.Equal("2.50", image.Evidence.Identity.Version?.Text);
        Assert.Equal(new("lvfs-cab", "firmware.bin", cabinet.Length, Digest(cabinet)), image.Evidence.Wrapper);
        Assert.Equal(ImageSignatureStatus.Unsigned, image.Evidence.Signature);
        FormatRun.AssertIsTree(image.Evidence.Report!.Root);
        Assert.Equal(Firmware, await ReadAll(image.Source));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Validate_TwoFirmwaresInTwoFolders_AreTwoImages(bool isCompressed)
    {
        var other = Bytes(40_000, 2);
        var cabinet = CabinetBuilder.Of(isCompressed, Firmware);
        cabinet.Folders.Add((!isCompressed, [("other.metainfo.xml", Encoding.UTF8.GetBytes(CabinetBuilder.Metainfo(other, "other.bin", OtherClass))), ("other.bin", other)]));

        var images = (await Validator().ValidateAllAsync(new MemoryImageSource("c", cabinet.Build()), CancellationToken.None)).GetValueOrThrow();

        Assert.Equal([Digest(Firmware), Digest(other)], images.Select(i => i.Sha256));
        Assert.Equal([CabinetBuilder.FirmwareClass, OtherClass], images.SelectMany(i => i.Evidence.Identity.FirmwareClasses));
        Assert.Equal(other, await ReadAll(images[1].Source));
        Assert.IsType<PackageAmbiguous>(Failure(await Validator().ValidateAsync(new MemoryImageSource("c", cabinet.Build()), CancellationToken.None)));
    }

    [Fact]
    public async Task Validate_OneFirmwareDescribedTwice_IsOneImageForBoth()
    {
        var cabinet = CabinetBuilder.Of(true, Firmware);
        cabinet.Folders[0].Files.Add(("second.metainfo.xml", Encoding.UTF8.GetBytes(CabinetBuilder.Metainfo(Firmware, firmwareClass: OtherClass))));

        var image = await Validate(cabinet.Build());

        Assert.Equal([CabinetBuilder.FirmwareClass, OtherClass], image.Evidence.Identity.FirmwareClasses.ToArray());
        FormatRun.AssertIsTree(image.Evidence.Report!.Root);
    }

    [Theory]
    [InlineData("2.51", "")]
    [InlineData("2.50", "0000000000000000000000000000000000000000000000000000000000000001")]
    public async Task Validate_DescriptionsContradictEachOther_IsMalformed(string version, string sha256)
    {
        var cabinet = CabinetBuilder.Of(true, Firmware);
        cabinet.Folders[0].Files.Add(("second.metainfo.xml", Encoding.UTF8.GetBytes(CabinetBuilder.Metainfo(Firmware, firmwareClass: OtherClass, version: version, sha256: sha256))));

        Assert.Contains("different things", Assert.IsType<ImageMalformed>(await Fails(cabinet.Build())).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_DigestIsAnother_IsChecksumWrong() =>
        Assert.IsType<ImageChecksumWrong>(await Fails(CabinetBuilder.Of(true, Firmware, CabinetBuilder.Metainfo(Firmware, sha256: new string('1', 64))).Build()));

    [Fact]
    public async Task Validate_SignaturesInTheCabinet_AreNoSignatures()
    {
        var cabinet = CabinetBuilder.Of(true, Firmware);
        cabinet.Folders[0].Files.AddRange([("firmware.jcat", [1, 2]), ("firmware.bin.p7b", [3]), ("firmware.bin.asc", [4])]);

        var image = await Validate(cabinet.Build());

        Assert.Equal(ImageSignatureStatus.Unsigned, image.Evidence.Signature);
        Assert.Empty(image.Evidence.Signatures);
    }

    [Fact]
    public async Task Validate_WithoutChecksums_IsReadWithAWarning()
    {
        var cabinet = CabinetBuilder.Of(true, Firmware);
        cabinet.HasChecksums = false;

        Assert.Contains("3 blocks of a cabinet have no checksum", (await Validate(cabinet.Build())).Evidence.Warnings);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_AnyBitOfABlockFlipped_IsChecksumWrong(bool isCompressed)
    {
        CabinetBuilder.Places? places = null;
        var cabinet = CabinetBuilder.Of(isCompressed, Bytes(100)).Build((_, p) => places = p);
        for (var bit = 8 * (places!.Blocks[0] + 10); bit < 8 * cabinet.Length; bit++)
        {
            cabinet[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(FormatRun.Of(cabinet, RomImageFormats.All).Failure is ImageChecksumWrong, $"bit {bit}");
            cabinet[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public Task Validate_AnyBitFlipped_EndsInARightDigestOrATypedFailure() => AssertNoBitGivesAnotherPayload(CabinetBuilder.Of(true, Bytes(64)).Build(), Digest(Bytes(64)));

    [Fact]
    public async Task Validate_AnyBitOfACompressedBlockFlippedAndSealedAnew_NeverGivesAnotherFirmware()
    {
        CabinetBuilder.Places? places = null;
        var cabinet = CabinetBuilder.Of(true, Bytes(64)).Build((_, p) => places = p);
        for (var bit = 8 * (places!.Blocks[0] + 8); bit < 8 * cabinet.Length; bit += 3)
        {
            var bad = (byte[])cabinet.Clone();
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            CabinetBuilder.Seal(bad, places.Blocks[0]);
            var result = await Validator().ValidateAllAsync(new MemoryImageSource("p", bad), CancellationToken.None);
            Assert.True(result.TryGetValue(out var images, out var failure) ? images[0].Sha256 == Digest(Bytes(64)) : failure is ImageFailure, $"bit {bit}: {failure}");
        }
    }

    [Fact]
    public void Read_Truncated_IsTruncated()
    {
        var cabinet = CabinetBuilder.Of(true, Bytes(200)).Build();
        for (var length = 4; length < cabinet.Length; length++)
        {
            Assert.True(FormatRun.Of(cabinet.AsMemory(0, length), RomImageFormats.All).Failure is ImageTruncated, $"{length}");
        }
    }

    public static TheoryData<string, long> Rules => new()
    {
        // What is wrong, and where it is reported: a place in the file, or -1 for a place that depends.
        { "version", 24 },
        { "longer than it says", 8 },
        { "previous cabinet", 30 },
        { "next cabinet", 30 },
        { "flag that means nothing", 30 },
        { "no folders", 26 },
        { "no files", 26 },
        { "too many folders", 26 },
        { "Quantum", 42 },
        { "LZX", 42 },
        { "no compression that there is", 42 },
        { "data in front of the files", 36 },
        { "files in front of the folders", 16 },
        { "files run into the data", -1 },
        { "folders share their data", 44 },
        { "block too long", -1 },
        { "block extracts to nothing", -1 },
        { "block extracts to too much", -1 },
        { "stored in another size", -1 },
        { "no MSZIP block", -1 },
        { "file in no folder", -1 },
        { "file goes on from another cabinet", -1 },
        { "file ends behind its folder", -1 },
        { "files share bytes", -1 },
        { "name without end", -1 },
        { "name twice", -1 },
        { "name twice but for case", -1 },
        { "name not marked as UTF-8", -1 },
        { "../up", -1 },
        { "..\\up", -1 },
        { "a/../../up", -1 },
        { "/absolute", -1 },
        { "\\absolute", -1 },
        { "C:drive", -1 },
        { "control\u0001", -1 },
        { ".", -1 },
        { "a//b", -1 },
        { "", -1 },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task Read_RuleBroken_IsReportedAtItsPlace(string rule, long at)
    {
        var cabinet = Broken(rule);

        var run = FormatRun.Of(cabinet, RomImageFormats.All);

        Assert.Equal("lvfs-cab", run.Format);
        var problem = Assert.IsType<ImageMalformed>(run.Failure);
        Assert.InRange(problem.ByteOffset!.Value, at < 0 ? 36 : at, at < 0 ? cabinet.Length : at);
        FormatRun.AssertIsTree(run.Root);
        Assert.IsType<ImageMalformed>(await Fails(cabinet));
    }

    [Theory]
    [InlineData("can't be read", "<component>")]
    [InlineData("can't be read", "no XML")]
    [InlineData("can't be read", "<!DOCTYPE a [<!ENTITY b \"c\">]><component>&b;</component>")]
    [InlineData("can't be read", "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><component/>")]
    [InlineData("names no firmware class", "<component><releases><release version=\"1\"/></releases></component>")]
    [InlineData("names no firmware class", "<component><provides><firmware type=\"flashed\">no guid</firmware></provides></component>")]
    [InlineData("not in the cabinet", "<component><releases><release version=\"1\"><checksum target=\"content\" filename=\"other.bin\"/></release></releases></component>")]
    [InlineData("bytes", "<component><releases><release version=\"1\"><size type=\"installed\">5</size></release></releases></component>")]
    public async Task Read_MetainfoIsWrong_IsMalformed(string why, string metainfo) =>
        Assert.Contains(why, Assert.IsType<ImageMalformed>(await Fails(CabinetBuilder.Of(true, Firmware, metainfo).Build())).Detail, StringComparison.Ordinal);

    [Fact]
    public async Task Read_MetainfoNestsDeeply_IsMalformed() =>
        Assert.IsType<ImageMalformed>(await Fails(CabinetBuilder.Of(true, Firmware, string.Concat(Enumerable.Repeat("<a>", 20_000))).Build()));

    [Fact]
    public async Task Read_MetainfoTooLarge_IsRefusedUnread() =>
        Assert.Contains("at most", Assert.IsType<ImageMalformed>(await Fails(CabinetBuilder.Of(true, Firmware, new string(' ', CabFormat.MaxMetainfoLength + 1)).Build())).Detail, StringComparison.Ordinal);

    // What older cabinets have instead of metainfo is not read.
    [Fact]
    public async Task Read_InfAlone_IsMalformed()
    {
        var cabinet = new CabinetBuilder { Folders = { (true, [("firmware.inf", "[Version]"u8.ToArray()), ("firmware.bin", Firmware)]) } };

        Assert.Contains("no metainfo", Assert.IsType<ImageMalformed>(await Fails(cabinet.Build())).Detail, StringComparison.Ordinal);
    }

    // Each description lies behind a long stretch that would have to be decoded again for it.
    [Fact]
    public async Task Read_SolidCabinetOfManyDescriptions_IsGivenUpAfterABoundedAmountOfDecoding()
    {
        var cabinet = new CabinetBuilder { Folders = { (true, [("zeros.bin", new byte[24 << 20])]) } };
        for (var i = 0; i < 40; i++)
        {
            cabinet.Folders[0].Files.Add(($"{i}.metainfo.xml", Encoding.UTF8.GetBytes(CabinetBuilder.Metainfo([], "zeros.bin"))));
        }

        Assert.IsType<ImageTooLarge>((FormatRun.Of(cabinet.Build(), RomImageFormats.All)).Problems[^1]);
        Assert.IsAssignableFrom<ImageFailure>(await Fails(cabinet.Build()));
    }

    private static byte[] Broken(string rule)
    {
        var cabinet = CabinetBuilder.Of(isCompressed: rule is not "stored in another size", Bytes(500));
        void Spoil(string name) => cabinet.Folders[0].Files.Add((name, [1]));
        Action<byte[], CabinetBuilder.Places> spoil = (_, _) => { };
        var end = Array.Empty<byte>();
        switch (rule)
        {
            case "version":
                spoil = (b, _) => b[25] = 2;
                break;
            case "longer than it says":
                end = [0];
                break;
            case "previous cabinet":
                spoil = (b, _) => b[30] = 1;
                break;
            case "next cabinet":
                spoil = (b, _) => b[30] = 2;
                break;
            case "flag that means nothing":
                spoil = (b, _) => b[30] = 8;
                break;
            case "no folders":
                spoil = (b, _) => b[26] = 0;
                break;
            case "no files":
                spoil = (b, _) => b[28] = 0;
                break;
            case "too many folders":
                spoil = (b, _) => b[27] = 0xFF;
                break;
            case "Quantum":
                spoil = (b, _) => b[42] = 2;
                break;
            case "LZX":
                spoil = (b, _) => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(42), 0x1503);
                break;
            case "no compression that there is":
                spoil = (b, _) => b[42] = 7;
                break;
            case "data in front of the files":
                spoil = (b, _) => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(36), 36);
                break;
            case "files in front of the folders":
                spoil = (b, _) => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(16), 40);
                break;
            case "files run into the data":
                // One more file is said to be listed, where the data is.
                spoil = (b, _) => b[28]++;
                break;
            case "folders share their data":
                cabinet.Folders.Add((true, [("other.bin", [1, 2, 3])]));
                spoil = (b, p) => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(44), (uint)p.Blocks[0]);
                break;
            case "block too long":
                spoil = (b, p) => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(p.Blocks[0] + 4), 0xFFFF);
                break;
            case "block extracts to nothing":
                spoil = (b, p) => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(p.Blocks[0] + 6), 0);
                break;
            case "block extracts to too much":
                spoil = (b, p) => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(p.Blocks[0] + 6), 32769);
                break;
            case "stored in another size":
                spoil = (b, p) => b[p.Blocks[0] + 6]++;
                break;
            case "no MSZIP block":
                spoil = (b, p) =>
                {
                    b[p.Blocks[0] + 8] = (byte)'X';
                    CabinetBuilder.Seal(b, p.Blocks[0]);
                };
                break;
            case "file in no folder":
                spoil = (b, p) => b[p.Files[0] + 8] = 1;
                break;
            case "file goes on from another cabinet":
                spoil = (b, p) => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(p.Files[0] + 8), 0xFFFD);
                break;
            case "file ends behind its folder":
                spoil = (b, p) => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(p.Files[0] + 4), uint.MaxValue);
                break;
            case "files share bytes":
                spoil = (b, p) => b[p.Files[1] + 4]--;
                break;
            case "name without end":
                Spoil(new string('a', 300));
                break;
            case "name twice":
                Spoil("firmware.bin");
                break;
            case "name twice but for case":
                Spoil("FIRMWARE.bin");
                break;
            case "name not marked as UTF-8":
                Spoil("ü");
                spoil = (b, p) => b[p.Files[2] + 14] = 0x20;
                break;
            default:
                Spoil(rule);
                break;
        }

        return [.. cabinet.Build(spoil), .. end];
    }
}
