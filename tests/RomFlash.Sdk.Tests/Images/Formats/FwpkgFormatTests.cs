using System.Buffers.Binary;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Images.Formats.Packages;
using RomFlash.Sdk.Outcomes;
using static RomFlash.Sdk.Tests.Images.Formats.PackageRun;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class FwpkgFormatTests
{
    private static readonly byte[] Firmware = Bytes(5000);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Validate_OneImage_IsWhatTheTargetTakes(bool isDeflated)
    {
        var package = ZipBuilder.Package(Firmware, isDeflated: isDeflated).Build();

        var image = await Validate(package);

        Assert.Equal(Digest(Firmware), image.Sha256);
        Assert.Equal(Firmware.Length, image.Length);
        Assert.Equal(RomKind.SystemRom, image.Evidence.Identity.Kind);
        Assert.Equal([new Guid("aa148d2e-6e09-453e-bc6f-63baa5f5ccc4")], image.Evidence.Identity.DeviceClasses.ToArray());
        Assert.Equal(["System ROM - firmware.bin"], image.Evidence.Identity.Models.ToArray());
        Assert.Equal("U30 v2.50 (03/12/2021)", image.Evidence.Identity.Version?.Text);
        Assert.Equal(new("hpe-fwpkg", "firmware.bin", package.Length, Digest(package)), image.Evidence.Wrapper);
        FormatRun.AssertIsTree(image.Evidence.Report!.Root);
        Assert.Equal(Firmware, await ReadAll(image.Source));
    }

    [Fact]
    public async Task Validate_KeysInAnotherCase_AreTheSameKeys()
    {
        var image = await Validate(ZipBuilder.Package(Firmware, description: ZipBuilder.Description(("firmware.bin", "1.0")).Replace("DeviceClass", "deviceclass").Replace("FileName", "fileName").Replace("FirmwareImages", "FIRMWAREIMAGES")).Build());

        Assert.Equal(RomKind.SystemRom, image.Evidence.Identity.Kind);
    }

    [Fact]
    public async Task Validate_OneFileForTwoDevices_IsOneImage()
    {
        var image = await Validate(ZipBuilder.Package(Firmware, description: ZipBuilder.Description(("firmware.bin", "1.0"), ("firmware.bin", "2.0"))).Build());

        Assert.Null(image.Evidence.Identity.Version);
        Assert.Equal(Digest(Firmware), image.Sha256);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Validate_SizesBehindTheData_AreRead(bool hasSignature)
    {
        var zip = ZipBuilder.Package(Firmware);
        zip.Entries[1].WithSizesBehind(hasSignature);

        Assert.Equal(Digest(Firmware), (await Validate(zip.Build())).Sha256);
    }

    [Fact]
    public async Task Validate_CommentThatHoldsAnEndRecord_IsNoEndRecord()
    {
        // The false one does not reach to the file's end with its own comment.
        var zip = ZipBuilder.Package(Firmware);
        zip.Comment = [.. "PK\x05\x06"u8, .. new byte[16], 99, 0, .. "more"u8];

        Assert.Equal(Digest(Firmware), (await Validate(zip.Build())).Sha256);
    }

    public static TheoryData<string, string, int, Type> Rules => new()
    {
        // What is wrong, where it is reported (in which structure, and how far behind its beginning), and as what.
        { "no end record", "file", -1, typeof(ImageTruncated) },
        { "several disks", "end", 0, typeof(ImageMalformed) },
        { "no entries", "end", 8, typeof(ImageMalformed) },
        { "too many entries", "end", 8, typeof(ImageMalformed) },
        { "fewer entries than there are", "somewhere", 0, typeof(ImageMalformed) },
        { "more entries than there are", "somewhere", 0, typeof(ImageMalformed) },
        { "zip64 count", "end", 8, typeof(ImageMalformed) },
        { "directory elsewhere", "end", 12, typeof(ImageMalformed) },
        { "directory in front of the file", "end", 12, typeof(ImageMalformed) },
        { "encrypted", "record", 8, typeof(ImageMalformed) },
        { "strongly encrypted", "record", 8, typeof(ImageMalformed) },
        { "patched", "record", 8, typeof(ImageMalformed) },
        { "method 12", "record", 10, typeof(ImageMalformed) },
        { "method 9", "record", 10, typeof(ImageMalformed) },
        { "zip64 sizes", "record", 20, typeof(ImageMalformed) },
        { "bomb", "record", 20, typeof(ImageMalformed) },
        { "stored in another size", "record", 20, typeof(ImageMalformed) },
        { "no entry where it is said", "somewhere", 0, typeof(ImageMalformed) },
        { "header says another name", "header", 0, typeof(ImageMalformed) },
        { "header says another method", "header", 0, typeof(ImageMalformed) },
        { "header says another sum", "header", 0, typeof(ImageMalformed) },
        { "header says another size", "header", 0, typeof(ImageMalformed) },
        { "header says other flags", "header", 0, typeof(ImageMalformed) },
        { "entry runs into the next", "somewhere", 0, typeof(ImageMalformed) },
        { "something in front", "file", 0, typeof(ImageMalformed) },
        { "something in front of the directory", "somewhere", 0, typeof(ImageMalformed) },
        { "sizes behind are others", "somewhere", 0, typeof(ImageMalformed) },
        { "sizes behind are missing", "somewhere", 0, typeof(ImageMalformed) },
        { "name extension runs over", "somewhere", 0, typeof(ImageMalformed) },
        { "name twice", "somewhere", 0, typeof(ImageMalformed) },
        { "name twice but for case", "somewhere", 0, typeof(ImageMalformed) },
        { "name not UTF-8", "record", 46, typeof(ImageMalformed) },
        { "../up", "record", 46, typeof(ImageMalformed) },
        { "a/../../up", "record", 46, typeof(ImageMalformed) },
        { "/absolute", "record", 46, typeof(ImageMalformed) },
        { "back\\slash", "record", 46, typeof(ImageMalformed) },
        { "C:drive", "record", 46, typeof(ImageMalformed) },
        { "nul\0character", "record", 46, typeof(ImageMalformed) },
        { "control\u0001", "record", 46, typeof(ImageMalformed) },
        { ".", "record", 46, typeof(ImageMalformed) },
        { "a//b", "record", 46, typeof(ImageMalformed) },
        { "", "record", 46, typeof(ImageMalformed) },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task Read_RuleBroken_IsReportedAtItsPlace(string rule, string place, int at, Type failure)
    {
        ZipBuilder.Places? places = null;
        var package = Broken(rule, p => places = p);

        var run = FormatRun.Of(package, RomImageFormats.All);

        Assert.Equal("hpe-fwpkg", run.Format);
        Assert.IsType(failure, run.Failure);
        var found = run.Failure is ImageTruncated truncated ? truncated.ByteOffset : ((ImageMalformed)run.Failure!).ByteOffset;
        Assert.InRange(found!.Value, 0, package.Length);
        if (place != "somewhere")
        {
            Assert.Equal(at + place switch { "header" => places!.Headers[1], "record" => places!.Records[1], "end" => places!.End, _ => at < 0 ? package.Length + 1 : 0 }, found);
        }

        FormatRun.AssertIsTree(run.Root);
        Assert.IsType(failure, await Fails(package));
    }

    [Theory]
    [InlineData("no JSON", "{")]
    [InlineData("no JSON", "")]
    [InlineData("names no devices", "[]")]
    [InlineData("names no devices", "{}")]
    [InlineData("names no devices", """{"Devices": {"Device": {}}}""")]
    [InlineData("names no firmware image", """{"Devices": {"Device": []}}""")]
    [InlineData("names no firmware image", """{"Devices": {"Device": [{}, 1, null, []]}}""")]
    [InlineData("not in the package", """{"Devices": {"Device": [{"FirmwareImages": [{"FileName": "other.bin"}]}]}}""")]
    [InlineData("not in the package", """{"Devices": {"Device": [{"FirmwareImages": [{"FileName": 1}]}]}}""")]
    [InlineData("twice", """{"Devices": {"Device": []}, "devices": {"Device": []}}""")]
    [InlineData("no Unicode", """{"DeviceClass": "\ud800"}""")]
    [InlineData("no Unicode", """{"\ud800": 1}""")]
    [InlineData("no Unicode", """{"Devices": {"Device": [{"Version": "\udc00\ud800"}]}}""")]
    [InlineData("no Unicode", """{"Devices": {"Device": [{"FirmwareImages": [{"FileName": "\ud800x"}]}]}}""")]
    public async Task Read_DescriptionIsWrong_IsMalformed(string why, string description)
    {
        var failure = Assert.IsType<ImageMalformed>(await Fails(ZipBuilder.Package(Firmware, description: description).Build()));

        Assert.Contains(why, failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_DescriptionNestsDeeply_IsMalformed() =>
        Assert.IsType<ImageMalformed>(await Fails(ZipBuilder.Package(Firmware, description: new string('[', 100_000)).Build()));

    [Fact]
    public async Task Read_DescriptionTooLarge_IsRefusedUnread() =>
        Assert.Contains("at most", Assert.IsType<ImageMalformed>(await Fails(ZipBuilder.Package(Firmware, description: new string(' ', FwpkgFormat.MaxDescriptionLength + 1)).Build())).Detail, StringComparison.Ordinal);

    [Fact]
    public async Task Read_NoDescription_IsMalformed()
    {
        var zip = ZipBuilder.Package(Firmware);
        zip.Entries.RemoveAt(0);

        Assert.IsType<ImageMalformed>(await Fails(zip.Build()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Validate_AnyBitOfThePayloadFlipped_IsFound(bool isDeflated)
    {
        var zip = ZipBuilder.Package(Bytes(300), isDeflated: isDeflated);
        ZipBuilder.Places? places = null;
        var package = zip.Build((_, p) => places = p);
        for (var bit = 8 * places!.Data[1]; bit < 8 * (places.Data[1] + (int)zip.Entries[1].Compressed); bit++)
        {
            package[bit / 8] ^= (byte)(1 << (bit % 8));

            // Padding in front of a stored block of deflate means nothing.
            var result = await Validator().ValidateAllAsync(new MemoryImageSource("p", package), CancellationToken.None);
            Assert.True(result.TryGetValue(out var images, out var failure) ? isDeflated && images[0].Sha256 == Digest(Bytes(300)) : failure is ImageMalformed, $"bit {bit}: {failure}");
            package[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        await Validate(package);
    }

    [Fact]
    public void Read_Truncated_IsNeverValid()
    {
        var package = ZipBuilder.Package(Bytes(200)).Build();
        for (var length = 4; length < package.Length; length++)
        {
            var run = FormatRun.Of(package.AsMemory(0, length), RomImageFormats.All);
            Assert.True(run.Failure is ImageTruncated or ImageMalformed, $"{length}: {run.Failure}");
        }
    }

    [Fact]
    public Task Validate_AnyBitFlipped_EndsInARightDigestOrATypedFailure() => AssertNoBitGivesAnotherPayload(ZipBuilder.Package(Bytes(64), isDeflated: false).Build(), Digest(Bytes(64)));

    [Fact]
    public async Task Validate_PayloadLargerThanAnImageMayBe_IsTooLargeAndNotExtracted()
    {
        var validator = new RomImageValidator(RomImageFormats.All, new RomImageValidatorOptions { MaxLength = 100_000 });
        var package = ZipBuilder.Package(new byte[100_001]).Build();
        Assert.True(package.Length < 2000);

        Assert.IsType<ImageTooLarge>(Failure(await validator.ValidateAllAsync(new MemoryImageSource("p", package), CancellationToken.None)));
        Assert.True((await validator.ValidateAllAsync(new MemoryImageSource("p", ZipBuilder.Package(new byte[100_000]).Build()), CancellationToken.None)).TryGetValue(out _, out _));
    }

    [Fact]
    public void Recognize_PackageInsideOfAnImage_IsDataAndGivesNoPayload()
    {
        // A volume may hold an archive that is none of our packages.
        var zip = new ZipBuilder { Entries = { new("readme.txt", [1, 2, 3]) } };
        var volume = FirmwareVolumeBuilder.With(FirmwareVolumeBuilder.File(0x02, FirmwareVolumeBuilder.Section(0x19, zip.Build()))).Build();

        var run = FormatRun.Of(volume, RomImageFormats.All);

        Assert.Null(run.Failure);
    }

    private static byte[] Broken(string rule, Action<ZipBuilder.Places> tell)
    {
        var zip = ZipBuilder.Package(Firmware, isDeflated: false);
        var entry = zip.Entries[1];
        Action<byte[], ZipBuilder.Places> spoil = (_, _) => { };
        switch (rule)
        {
            case "no end record":
                spoil = (b, p) => b[p.End] ^= 1;
                break;
            case "several disks":
                spoil = (b, p) => b[p.End + 4] = 1;
                break;
            case "no entries":
                spoil = (b, p) => b.AsSpan(p.End + 8, 4).Clear();
                break;
            case "too many entries":
                spoil = (b, p) => Counts(b, p, ZipDirectory.MaxEntries + 1);
                break;
            case "fewer entries than there are":
                spoil = (b, p) => Counts(b, p, 1);
                break;
            case "more entries than there are":
                spoil = (b, p) => Counts(b, p, 3);
                break;
            case "zip64 count":
                spoil = (b, p) => Counts(b, p, 0xFFFF);
                break;
            case "directory elsewhere":
                spoil = (b, p) => b[p.End + 16] ^= 1;
                break;
            case "directory in front of the file":
                spoil = (b, p) => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(p.End + 16), uint.MaxValue);
                break;
            case "encrypted":
                entry.Flags |= 1;
                break;
            case "strongly encrypted":
                entry.Flags |= 0x40;
                break;
            case "patched":
                entry.Flags |= 0x20;
                break;
            case "method 12":
                entry.Method = 12;
                break;
            case "method 9":
                entry.Method = 9;
                break;
            case "zip64 sizes":
                (entry.Length, entry.Compressed) = (uint.MaxValue, uint.MaxValue);
                break;
            case "bomb":
                (entry.Method, entry.Length) = (8, 4_000_000_000);
                break;
            case "stored in another size":
                entry.Length++;
                break;
            case "no entry where it is said":
                spoil = (b, p) => b[p.Records[1] + 42] ^= 1;
                break;
            case "header says another name":
                spoil = (b, p) => b[p.Headers[1] + 30] ^= 1;
                break;
            case "header says another method":
                spoil = (b, p) => b[p.Headers[1] + 8] = 8;
                break;
            case "header says another sum":
                spoil = (b, p) => b[p.Headers[1] + 14] ^= 1;
                break;
            case "header says another size":
                spoil = (b, p) => b[p.Headers[1] + 22] ^= 1;
                break;
            case "header says other flags":
                spoil = (b, p) => b[p.Headers[1] + 7] ^= 8;
                break;
            case "entry runs into the next":
                // Both headers say so: only where the next one is tells that it can't be.
                zip.Entries.Insert(1, new("a.bin", new byte[100]));
                zip.Entries[1].Length += 20;
                zip.Entries[1].Compressed += 20;
                break;
            case "something in front":
                // Recognised by its first letters, as any file that begins with an entry's header.
                zip.Gaps = ([.. "PK\x03\x04"u8, .. new byte[40]], []);
                break;
            case "something in front of the directory":
                zip.Gaps = ([], new byte[40]);
                break;
            case "sizes behind are others":
                entry.WithSizesBehind(crcIsOffBy: 1);
                break;
            case "sizes behind are missing":
                entry.WithSizesBehind().Behind = [];
                break;
            case "name extension runs over":
                spoil = (b, p) => b[p.Headers[1] + 29] = 0xFF;
                break;
            case "name twice":
                zip.Entries.Add(new("firmware.bin", Firmware));
                break;
            case "name twice but for case":
                zip.Entries.Add(new("FIRMWARE.bin", Firmware));
                break;
            case "name not UTF-8":
                entry.Name[0] = 0xC3;
                break;
            default:
                entry.Name = Encoding.UTF8.GetBytes(rule);
                entry.Flags |= 0x800;
                break;
        }

        return zip.Build((bytes, places) =>
        {
            spoil(bytes, places);
            tell(places);
        });

        static void Counts(byte[] bytes, ZipBuilder.Places places, int count)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(places.End + 8), (ushort)count);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(places.End + 10), (ushort)count);
        }
    }
}
