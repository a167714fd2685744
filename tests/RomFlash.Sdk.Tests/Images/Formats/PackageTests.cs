using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class PackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-package-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Packages => ["fwpkg", "fwpkg stored", "cab", "cab stored", "bundle"];

    [Theory]
    [MemberData(nameof(Packages))]
    public async Task Validate_Package_IsThePayloadWithItsOwnDigest(string kind)
    {
        var source = Source(kind, PackageBuilder.Firmware);

        var image = (await Validator().ValidateAsync(source, CancellationToken.None)).GetValueOrThrow();

        Assert.Equal("uefi-capsule", image.Evidence.Format);
        Assert.Equal(Sha256(PackageBuilder.Firmware), image.Sha256.ToString());
        Assert.Equal(PackageBuilder.Firmware.Length, image.Length);
        Assert.Equal(CapsuleBuilder.Class, Assert.Single(image.Evidence.Identity.FirmwareClasses));
        Assert.NotNull(image.Evidence.Wrapper);
        Assert.Equal(image.Evidence.Report!.Sha256, image.Evidence.Wrapper.Sha256);
        Assert.NotEqual(image.Sha256, image.Evidence.Wrapper.Sha256);
        Assert.Equal(PackageBuilder.Firmware, await ReadAsync(image.Source));
    }

    [Theory]
    [InlineData("fwpkg")]
    [InlineData("cab")]
    [InlineData("cab stored")]
    [InlineData("bundle")]
    public async Task Validate_LargePayload_GoesThroughATemporaryFileAndComesOutTheSame(string kind)
    {
        var random = new byte[9 << 20];
        new Random(1).NextBytes(random);
        random.AsSpan(1 << 20, 4 << 20).Clear();
        var firmware = new CapsuleBuilder { Items = { CapsuleBuilder.Item(random) } }.Build();
        var before = Directory.GetFiles(Path.GetTempPath(), "romflash-*.payload").Length;

        var image = (await Validator().ValidateAsync(Source(kind, firmware), CancellationToken.None)).GetValueOrThrow();

        Assert.Equal(Sha256(firmware), image.Sha256.ToString());
        Assert.Equal(Sha256(firmware), Sha256(await ReadAsync(image.Source)));
        Assert.Equal(before, Directory.GetFiles(Path.GetTempPath(), "romflash-*.payload").Length);
    }

    [Fact]
    public async Task Validate_TwoPayloads_AreTwoImagesAndNoSingleOne()
    {
        var other = CapsuleBuilder.Small().AsSpan().ToArray();
        other[^1] ^= 1;
        var cab = PackageBuilder.Cab(
            compressed: true,
            ("a.cap", PackageBuilder.Firmware),
            ("a.metainfo.xml", Encoding.UTF8.GetBytes(PackageBuilder.Metainfo(PackageBuilder.Firmware, "a.cap"))),
            ("b.cap", other),
            ("b.metainfo.xml", Encoding.UTF8.GetBytes(PackageBuilder.Metainfo(other, "b.cap"))));
        var source = new MemoryImageSource("two.cab", cab);

        Assert.Equal(2, (await Validator().ValidateAllAsync(source, CancellationToken.None)).GetValueOrThrow().Length);
        Assert.False((await Validator().ValidateAsync(source, CancellationToken.None)).TryGetValue(out _, out var failure));
        Assert.Equal("RF5013", failure!.Code);
    }

    [Theory]
    [InlineData("fwpkg: no images", "RF5005")]
    [InlineData("fwpkg: no description", "RF5005")]
    [InlineData("fwpkg: no JSON", "RF5005")]
    [InlineData("fwpkg: names a missing image", "RF5005")]
    [InlineData("fwpkg: key twice", "RF5005")]
    [InlineData("fwpkg: leads out", "RF5005")]
    [InlineData("fwpkg: name twice", "RF5005")]
    [InlineData("fwpkg: crc", "RF5005")]
    [InlineData("fwpkg: bomb", "RF5005")]
    [InlineData("fwpkg: local header differs", "RF5005")]
    [InlineData("fwpkg: encrypted", "RF5005")]
    [InlineData("fwpkg: truncated", "RF5006")]
    [InlineData("cab: digest", "RF5007")]
    [InlineData("cab: block", "RF5007")]
    [InlineData("cab: DTD", "RF5005")]
    [InlineData("cab: another class", "RF5005")]
    [InlineData("cab: no metainfo", "RF5005")]
    [InlineData("cab: missing firmware", "RF5005")]
    [InlineData("cab: LZX", "RF5005")]
    [InlineData("cab: set", "RF5005")]
    [InlineData("cab: longer", "RF5005")]
    [InlineData("cab: truncated", "RF5006")]
    [InlineData("cab: leads out", "RF5005")]
    [InlineData("bundle: missing file", "RF5001")]
    [InlineData("bundle: missing companion", "RF5001")]
    [InlineData("bundle: digest", "RF5007")]
    [InlineData("bundle: companion's digest", "RF5007")]
    [InlineData("bundle: length", "RF5005")]
    [InlineData("bundle: path", "RF5005")]
    [InlineData("bundle: no ROM", "RF5005")]
    [InlineData("bundle: unknown word", "RF5005")]
    [InlineData("bundle: kind twice", "RF5005")]
    [InlineData("cab and zip", "RF5009")]
    public async Task Validate_PackageWithOneThingWrong_IsRefusedWithItsCode(string what, string code)
    {
        Assert.False((await Validator().ValidateAllAsync(Broken(what), CancellationToken.None)).TryGetValue(out _, out var failure), what);
        Assert.True(failure!.Code == code, $"{what}: {failure}");
    }

    [Theory]
    [InlineData("fwpkg")]
    [InlineData("cab")]
    [InlineData("cab stored")]
    public async Task Validate_AnyTruncation_IsATypedFailure(string kind)
    {
        var package = Package(kind, PackageBuilder.Firmware);
        for (var length = 4; length < package.Length; length += length < 200 ? 1 : 7)
        {
            var truncated = package[..length];
            Assert.False((await Validator().ValidateAllAsync(new MemoryImageSource("p", truncated), CancellationToken.None)).TryGetValue(out _, out var failure), string.Create(CultureInfo.InvariantCulture, $"{length} bytes"));
            Assert.IsType<ImageFailure>(failure, exactMatch: false);
        }
    }

    [Theory]
    [InlineData("fwpkg")]
    [InlineData("fwpkg stored")]
    [InlineData("cab")]
    [InlineData("cab stored")]
    public async Task Validate_AnyByteChanged_GivesTheSamePayloadOrATypedFailure(string kind)
    {
        // What may change without being noticed is what nobody reads (times, attributes); the payload's bytes never.
        var package = Package(kind, PackageBuilder.Firmware);
        for (var at = 0; at < package.Length; at++)
        {
            package[at] ^= 0x11;
            if ((await Validator().ValidateAllAsync(new MemoryImageSource("p", package), CancellationToken.None)).TryGetValue(out var images, out var failure))
            {
                Assert.Equal(Sha256(PackageBuilder.Firmware), Assert.Single(images).Sha256.ToString());
            }
            else
            {
                Assert.IsType<ImageFailure>(failure, exactMatch: false);
            }

            package[at] ^= 0x11;
        }
    }

    [Fact]
    public async Task Source_PackageIsAnotherAfterwards_GivesOtherBytesAndNeverTheValidatedDigest()
    {
        var path = Path.Combine(_folder, "a.fwpkg");
        await File.WriteAllBytesAsync(path, Package("fwpkg stored", PackageBuilder.Firmware));
        var image = (await Validator().ValidateAsync(new FileImageSource(path), CancellationToken.None)).GetValueOrThrow();
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.AsSpan().IndexOf(PackageBuilder.Firmware) + 40] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);

        // The CRC of the package finds it; where it did not, the digest would (the stager compares it before the last byte goes out).
        await Assert.ThrowsAsync<IOException>(async () => await ReadAsync(image.Source));
    }

    [Fact]
    public async Task Neighbours_NamesThatLeadElsewhere_AreNotThere()
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder, "here"), [1]);
        var source = new FileImageSource(Path.Combine(_folder, "image"));

        Assert.NotNull(await source.TryOpenNeighbourAsync("here", CancellationToken.None));
        foreach (var name in (string[])["", ".", "..", "../here", "/etc/passwd", "a\\b", "c:here", "no", "a\0b"])
        {
            Assert.Null(await source.TryOpenNeighbourAsync(name, CancellationToken.None));
        }
    }

    [Fact]
    public async Task Validate_DetachedSignatureBesideAPackage_VouchesForItsPayload()
    {
        using var signer = new CapsuleSigner();
        var package = Package("fwpkg", PackageBuilder.Firmware);
        var beside = ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty.Add("a.fwpkg.p7s", signer.Sign(package));
        var validator = new RomImageValidator(RomImageFormats.All, new() { Trust = signer.Trust });

        Assert.Equal(ImageSignatureStatus.Trusted, (await validator.ValidateAsync(new MemoryImageSource("a.fwpkg", package, beside), CancellationToken.None)).GetValueOrThrow().Evidence.Signature);
        Assert.Equal(ImageSignatureStatus.Unsigned, (await validator.ValidateAsync(new MemoryImageSource("b.fwpkg", package, beside), CancellationToken.None)).GetValueOrThrow().Evidence.Signature);
        var other = ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty.Add("a.fwpkg.p7s", signer.Sign(new byte[] { 1, 2, 3 }));
        Assert.False((await validator.ValidateAsync(new MemoryImageSource("a.fwpkg", package, other), CancellationToken.None)).TryGetValue(out _, out var failure));
        Assert.Equal("RF5012", failure!.Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Category", "Peer")]
    public async Task Validate_CabinetByGcab_ExtractsWhatCabextractDoes(bool compressed)
    {
        var firmware = await File.ReadAllBytesAsync("/usr/share/OVMF/OVMF_VARS.fd");
        firmware = new CapsuleBuilder { Items = { CapsuleBuilder.Item(firmware) } }.Build();
        await File.WriteAllBytesAsync(Path.Combine(_folder, "firmware.cap"), firmware);
        await File.WriteAllTextAsync(Path.Combine(_folder, "firmware.metainfo.xml"), PackageBuilder.Metainfo(firmware));
        Run("gcab", [.. compressed ? (string[])["-c", "-z"] : ["-c"], "made.cab", "firmware.cap", "firmware.metainfo.xml"]);

        var image = (await Validator().ValidateAsync(new FileImageSource(Path.Combine(_folder, "made.cab")), CancellationToken.None)).GetValueOrThrow();

        Assert.Equal(firmware, await ReadAsync(image.Source));
        Assert.Contains("All done, no errors", Run("cabextract", ["-t", "made.cab"]), StringComparison.Ordinal);

        // Our own cabinets are cabinets to others, too.
        await File.WriteAllBytesAsync(Path.Combine(_folder, "ours.cab"), PackageBuilder.Cab(compressed));
        Assert.Contains("All done, no errors", Run("cabextract", ["-t", "ours.cab"]), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Validate_PackageByAnotherZipper_IsThePayload()
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder, "firmware.cap"), PackageBuilder.Firmware);
        await File.WriteAllTextAsync(Path.Combine(_folder, "payload.json"), PackageBuilder.Description());
        Run("python3", ["-c", "import zipfile\nz=zipfile.ZipFile('made.fwpkg','w',zipfile.ZIP_DEFLATED)\nz.write('payload.json')\nz.write('firmware.cap')\nz.comment=b'made by another'\nz.close()"]);

        var image = (await Validator().ValidateAsync(new FileImageSource(Path.Combine(_folder, "made.fwpkg")), CancellationToken.None)).GetValueOrThrow();

        Assert.Equal(PackageBuilder.Firmware, await ReadAsync(image.Source));
        Assert.Equal(RomKind.SystemRom, image.Evidence.Identity.Kind);
        Assert.Equal("System ROM", Assert.Single(image.Evidence.Identity.Models));
    }

    private static RomImageValidator Validator() => new(RomImageFormats.All, new RomImageValidatorOptions());

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Package(string kind, byte[] firmware) => kind switch
    {
        "fwpkg" => PackageBuilder.Fwpkg(firmware),
        "fwpkg stored" => PackageBuilder.Fwpkg(firmware, CompressionLevel.NoCompression),
        "cab" => PackageBuilder.Cab(compressed: true, firmware),
        _ => PackageBuilder.Cab(compressed: false, firmware),
    };

    private static MemoryImageSource Source(string kind, byte[] firmware) => kind == "bundle" ? Bundle(firmware) : new MemoryImageSource("package", Package(kind, firmware));

    private static MemoryImageSource Bundle(byte[] firmware, Func<string, string>? change = null, string left = "")
    {
        byte[] configuration = [1, 2, 3];
        var manifest = $"romflash-bundle 1\nkind system-rom\nmodel ProLiant DL380 Gen9\nversion P89 01/22/2018\nrom {Sha256(firmware)} {firmware.Length} p89.rom\nsystem-configuration {Sha256(configuration)} 3 system.cfg\n";
        var files = ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty.Add("p89.rom", firmware).Add("system.cfg", configuration).Remove(left);
        return new("bundle.romflash", Encoding.UTF8.GetBytes(change is null ? manifest : change(manifest)), files);
    }

    private static async Task<byte[]> ReadAsync(IRomImageSource source)
    {
        await using var stream = (await source.OpenReadAsync(CancellationToken.None)).GetValueOrThrow();
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    private static MemoryImageSource Broken(string what)
    {
        var firmware = PackageBuilder.Firmware;
        var stored = PackageBuilder.Fwpkg(level: CompressionLevel.NoCompression);
        var cab = PackageBuilder.Cab(compressed: false);
        var local = stored.AsSpan()[40..].IndexOf("PK\x03\x04"u8) + 40;
        var directory = stored.AsSpan().IndexOf("PK\x01\x02"u8);
        byte[] Change(byte[] bytes, int at, byte value)
        {
            bytes[at] = value;
            return bytes;
        }

        byte[] Replace(byte[] bytes, string from, string to) => Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(bytes).Replace(from, to, StringComparison.Ordinal));
        byte[] CabOf(string metainfo, string name = "firmware.cap") => PackageBuilder.Cab(compressed: false, (name, firmware), ("a.metainfo.xml", Encoding.UTF8.GetBytes(metainfo)));
        var other = firmware.AsSpan().ToArray();
        other[^1] ^= 1;
        return what switch
        {
            "fwpkg: no images" => new("p", PackageBuilder.Fwpkg(description: PackageBuilder.Description().Replace("\"FirmwareImages\"", "\"NoImages\"", StringComparison.Ordinal))),
            "fwpkg: no description" => new("p", PackageBuilder.Zip(CompressionLevel.Optimal, ("firmware.cap", firmware))),
            "fwpkg: no JSON" => new("p", PackageBuilder.Fwpkg(description: "{")),
            "fwpkg: names a missing image" => new("p", PackageBuilder.Fwpkg(description: PackageBuilder.Description("other.cap"))),
            "fwpkg: key twice" => new("p", PackageBuilder.Fwpkg(description: PackageBuilder.Description().Replace("{\"DeviceClass\"", "{\"devices\":{},\"DeviceClass\"", StringComparison.Ordinal))),
            "fwpkg: leads out" => new("p", PackageBuilder.Fwpkg(name: "../firmware.cap")),
            "fwpkg: name twice" => new("p", PackageBuilder.Zip(CompressionLevel.Optimal, ("payload.json", Encoding.UTF8.GetBytes(PackageBuilder.Description())), ("firmware.cap", firmware), ("FIRMWARE.cap", firmware))),
            "fwpkg: crc" => new("p", Replace(stored, Encoding.Latin1.GetString(firmware), Encoding.Latin1.GetString(other))),
            "fwpkg: bomb" => new("p", Enlarge(PackageBuilder.Fwpkg())),
            "fwpkg: local header differs" => new("p", Change(stored, local + 8, 8)),
            "fwpkg: encrypted" => new("p", Change(stored, directory + 8, 1)),
            "fwpkg: truncated" => new("p", stored[..(directory - 1)]),
            "cab: digest" => new("p", CabOf(PackageBuilder.Metainfo(other))),
            "cab: block" => new("p", Change(cab, cab.Length - 5, 0x20)),
            "cab: DTD" => new("p", CabOf("<!DOCTYPE component [<!ENTITY a 'b'>]>" + PackageBuilder.Metainfo(firmware))),
            "cab: another class" => new("p", CabOf(PackageBuilder.Metainfo(firmware).Replace(CapsuleBuilder.Class.ToString(), Guid.AllBitsSet.ToString(), StringComparison.Ordinal))),
            "cab: no metainfo" => new("p", PackageBuilder.Cab(compressed: false, ("firmware.cap", firmware))),
            "cab: missing firmware" => new("p", CabOf(PackageBuilder.Metainfo(firmware), "other.cap")),
            "cab: LZX" => new("p", Change(cab, 42, 3)),
            "cab: set" => new("p", Change(cab, 30, 1)),
            "cab: longer" => new("p", (byte[])[.. cab, 0]),
            "cab: truncated" => new("p", cab[..^1]),
            "cab: leads out" => new("p", PackageBuilder.Cab(compressed: false, ("../a.cap", firmware), ("a.metainfo.xml", Encoding.UTF8.GetBytes(PackageBuilder.Metainfo(firmware, "../a.cap"))))),
            "bundle: missing file" => Bundle(firmware, left: "p89.rom"),
            "bundle: missing companion" => Bundle(firmware, left: "system.cfg"),
            "bundle: digest" => Bundle(firmware, m => m.Replace(Sha256(firmware), Sha256(other), StringComparison.Ordinal)),
            "bundle: companion's digest" => Bundle(firmware, m => m.Replace(Sha256([1, 2, 3]), Sha256([1, 2, 4]), StringComparison.Ordinal)),
            "bundle: length" => Bundle(firmware, m => m.Replace(" 3 system.cfg", " 4 system.cfg", StringComparison.Ordinal)),
            "bundle: path" => Bundle(firmware, m => m.Replace("system.cfg", "../system.cfg", StringComparison.Ordinal)),
            "bundle: no ROM" => Bundle(firmware, m => m.Replace("\nrom ", "\nother ", StringComparison.Ordinal)),
            "bundle: unknown word" => Bundle(firmware, m => m + "colour blue\n"),
            "bundle: kind twice" => Bundle(firmware, m => m + "kind other\n"),
            "cab and zip" => new("p", (byte[])[.. cab, .. stored]),
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };

        // The directory says that a few bytes become gigabytes.
        static byte[] Enlarge(byte[] package)
        {
            var directory = package.AsSpan().LastIndexOf("PK\x01\x02"u8);
            BinaryPrimitives.WriteUInt32LittleEndian(package.AsSpan(directory + 24), 0x7000_0000);
            return package;
        }
    }

    private string Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {text} {error.GetAwaiter().GetResult()}");
        return text;
    }
}
