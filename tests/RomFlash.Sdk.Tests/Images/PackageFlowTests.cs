using System.Collections.Immutable;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Images.Formats;
using RomFlash.Sdk.Tests.Pipeline;
using static RomFlash.Sdk.Tests.Images.Formats.PackageRun;

namespace RomFlash.Sdk.Tests.Images;

/// <summary>From a package to what lands on a target.</summary>
public sealed class PackageFlowTests
{
    // The bytes of the bench's newer system ROM, and others that are as long.
    private static readonly byte[] System = SimulatedRom.CreateImage(Bench.SystemClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000, 5000, 2);
    private static readonly byte[] Swapped = SimulatedRom.CreateImage(Bench.SystemClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000, 5000, 99);
    private static readonly byte[] Array = SimulatedRom.CreateImage(Bench.ArrayClass, RomKind.ArrayController, "7.00", 0x0007_0000, 5000, 4);

    public static TheoryData<string> Packages => ["fwpkg", "fwpkg-stored", "cab", "cab-stored", "bundle"];

    [Theory]
    [MemberData(nameof(Packages))]
    public async Task Flash_PayloadOfAPackage_IsWhatLandsOnTheTarget(string kind)
    {
        Assert.Equal(Bench.NewSystem.Sha256, Digest(System));
        var images = (await SimulatedValidator().ValidateAllAsync(new Switching(kind, System), CancellationToken.None)).GetValueOrThrow();
        var bench = new Bench { Images = [.. images, Bench.NewArray.Image] };

        var report = bench.Flash();

        Bench.IsUpgraded(report);
        Assert.True(bench.IsAllNew);
        Assert.Equal("simulated-rom", images[0].Evidence.Format);
    }

    // Whatever became of the package meanwhile, what is on the target never is a whole image, and nothing is armed.
    [Theory]
    [MemberData(nameof(Packages))]
    public async Task Flash_PackageSwappedAfterItWasValidated_NeverBecomesComplete(string kind)
    {
        foreach (var change in (string[])["swapped", "damaged", "shorter", "gone"])
        {
            var source = new Switching(kind, System);
            var image = (await SimulatedValidator().ValidateAsync(source, CancellationToken.None)).GetValueOrThrow();
            var bench = new Bench { Images = [image] };
            source.Become(change, kind, Swapped);

            var report = bench.Flash();

            var failure = Bench.FailureOf(report.Result);
            Assert.True(failure is ImageChangedOnClient or ImageUnreadable, $"{change}: {failure}");
            Assert.True(bench.IsAllOld, change);
            Assert.Equal(TargetState.Untouched, failure.TargetState);
            Assert.DoesNotContain(bench.Target.History, e => e.Kind is SimulatedEventKind.Armed or SimulatedEventKind.Flashed);
        }
    }

    // Whether anything follows the image is looked at, too, and that can fail as any read can.
    [Fact]
    public async Task Flash_ImageCannotBeReadAtItsEnd_IsUnreadable()
    {
        var source = new BreakingAtTheEnd(System);
        var bench = new Bench { Images = [(await SimulatedValidator().ValidateAsync(source, CancellationToken.None)).GetValueOrThrow()] };
        source.IsBroken = true;

        var failure = Assert.IsType<ImageUnreadable>(Bench.FailureOf(bench.Flash().Result));
        Assert.Equal(TargetState.Untouched, failure.TargetState);
        Assert.True(bench.IsAllOld);
    }

    [Theory]
    [InlineData("fwpkg-stored", 0)]
    [InlineData("cab-stored", 0)]
    [InlineData("fwpkg-stored", -1)]
    [InlineData("cab-stored", 1)]
    public async Task Validate_PackageChangesBetweenExtractionAndDigest_IsChangedOnClient(string kind, int resize)
    {
        var package = Package(kind, System);
        var at = package.AsSpan().IndexOf(System.AsSpan(2000, 16));
        var source = new Hooked(package, stream =>
        {
            stream.Bytes[at] ^= 1;
            stream.SetLength(package.Length + resize);
        });

        Assert.IsType<ImageChangedOnClient>(Failure(await SimulatedValidator().ValidateAllAsync(source, CancellationToken.None)));
    }

    [Fact]
    public async Task Validate_PayloadThatNeedsATemporaryFile_IsReadByOffsetAndLeavesNothing()
    {
        var large = SimulatedRom.CreateImage(Bench.SystemClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000, 9 << 20, 2);
        foreach (var kind in (string[])["fwpkg", "cab", "bundle"])
        {
            var image = (await SimulatedValidator().ValidateAsync(new Switching(kind, large), CancellationToken.None)).GetValueOrThrow();

            Assert.Equal(("simulated-rom", Digest(large), RomKind.SystemRom), (image.Evidence.Format, image.Sha256, image.Evidence.Identity.Kind));
            Assert.Equal(Digest(large), Digest(await ReadAll(image.Source)));
        }

        // One bit off, deep inside: it is the format that finds it, in the temporary file.
        large[^5] ^= 1;
        Assert.IsType<ImageChecksumWrong>(Failure(await SimulatedValidator().ValidateAsync(new Switching("fwpkg", large), CancellationToken.None)));
    }

    [Theory]
    [InlineData(9 << 20)]
    [InlineData(1 << 20)]
    public async Task Extract_Cancelled_Throws(int length)
    {
        using var cancellation = new CancellationTokenSource();
        using var from = new Endless(cancellation.Cancel, after: length / 2);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await ExtractedPayload.ExtractAsync("p", from, length, cancellation.Token));
    }

    // Whether it ends well, badly or not at all: nobody finds a file of it afterwards. On Windows it has a name until it is closed.
    [Fact]
    public async Task Extract_LargePayload_HasNoNameWhileItIsRead()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var (payload, _) = await ExtractedPayload.ExtractAsync("p", new MemoryStream(new byte[9 << 20]), 9 << 20, CancellationToken.None);
        using (payload)
        {
            Assert.Equal(Digest(new byte[9 << 20]), payload!.Sha256);
            Assert.True(payload.Content.TryRead((9 << 20) - 10, new byte[10]));
            Assert.False(payload.Content.TryRead((9 << 20) - 10, new byte[11]));

            // Those that others are making at this moment are gone when one looks again.
            var first = Directory.GetFiles(Path.GetTempPath(), "romflash-*.payload");
            Assert.DoesNotContain(first, File.Exists);
        }
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1001)]
    public async Task Extract_AnotherLengthThanPromised_SaysSo(int length)
    {
        using var from = new MemoryStream(new byte[1000]);

        var (payload, whyNot) = await ExtractedPayload.ExtractAsync("p", from, length, CancellationToken.None);

        Assert.Null(payload);
        Assert.Contains($"the {length} bytes", whyNot, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, -1)]
    [InlineData(false, 1)]
    [InlineData(false, -1)]
    public async Task Validate_DirectoryPromisesAnotherLength_IsMalformed(bool isDeflated, int by)
    {
        var zip = ZipBuilder.Package(Bytes(2000), isDeflated: isDeflated);
        zip.Entries[1].Length = (uint)(zip.Entries[1].Length + by);

        Assert.IsType<ImageMalformed>(await Fails(zip.Build()));
    }

    [Fact]
    public async Task Validate_PayloadIsAnotherKindThanThePackageSays_IsMalformed()
    {
        var failure = Failure(await SimulatedValidator().ValidateAsync(new MemoryImageSource("p", ZipBuilder.Package(Array).Build()), CancellationToken.None));

        Assert.Contains("is a ArrayController, the package says SystemRom", Assert.IsType<ImageMalformed>(failure).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_PayloadIsForAnotherClassThanThePackageSays_IsMalformed() =>
        Assert.Contains("firmware class", Assert.IsType<ImageMalformed>(Failure(await SimulatedValidator().ValidateAsync(new MemoryImageSource("p", CabinetBuilder.Of(true, Array).Build()), CancellationToken.None))).Detail, StringComparison.Ordinal);

    // The payload names the device, the package a subsystem of it or the other way round: what both say is the narrower.
    [Theory]
    [InlineData("103c:3239", null, "103c:3239")]
    [InlineData("103c:3239:103c:21c2", null, "103c:3239:103c:21c2")]
    [InlineData("103c:3239", "103c:21c2", "103c:3239:103c:21c2")]
    [InlineData("103c:3239:103c:21c2", "103c:21c2", "103c:3239:103c:21c2")]
    [InlineData("103c:3239:103c:21c3", "103c:21c2", "")]
    [InlineData("103c:323a", null, "")]
    public async Task Validate_PciIdsOfPackageAndPayload_AreMatchedAsPatterns(string said, string? subsystem, string expected)
    {
        var own = new PciId(0x103c, 0x3239, subsystem is null ? null : (ushort)0x103c, subsystem is null ? null : (ushort)0x21c2);
        var rom = new byte[] { 7, 7, 7, 7 };
        var validator = new RomImageValidator([.. RomImageFormats.All, new Named(rom, new() { PciIds = [own] })], new RomImageValidatorOptions());
        var manifest = Encoding.UTF8.GetBytes($"romflash-bundle 1\nrom {Digest(rom)} {rom.Length} rom.bin\npci {said}\n");

        var result = await validator.ValidateAsync(new MemoryImageSource("b", manifest, ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty.Add("rom.bin", rom)), CancellationToken.None);

        Assert.Equal(expected, result.TryGetValue(out var image, out var failure) ? string.Join(' ', image.Evidence.Identity.PciIds) : string.Empty);
        Assert.True(expected.Length > 0 || failure is ImageMalformed);
    }

    // What vouches for one payload says nothing of the one beside it.
    [Fact]
    public async Task Validate_OnePayloadIsSignedAndTheOtherNot_EachHasItsOwnStanding()
    {
        var other = Bytes(3000);
        var cabinet = CabinetBuilder.Of(true, System);
        cabinet.Folders.Add((true, [("other.bin", other), ("other.metainfo.xml", Encoding.UTF8.GetBytes(CabinetBuilder.Metainfo(other, "other.bin")))]));
        var source = new MemoryImageSource("c", cabinet.Build());

        var images = (await SimulatedValidator().ValidateAllAsync(source, CancellationToken.None)).GetValueOrThrow();

        Assert.Equal([ImageSignatureStatus.Trusted, ImageSignatureStatus.Unsigned], images.Select(i => i.Evidence.Signature));
        Assert.Equal([1, 0], images.Select(i => i.Evidence.Signatures.Length));
        Assert.Equal(ImageSignatureStatus.Unsigned, images[0].Evidence.Report!.Signature);
        Assert.Single(images[0].Evidence.Report!.Signatures);
    }

    [Fact]
    public async Task Inspect_Outer_ExtractsNothing()
    {
        var report = (await SimulatedValidator().InspectAsync(new Switching("fwpkg", System), new RomInspection { Depth = RomInspectionDepth.Outer }, CancellationToken.None)).GetValueOrThrow();

        Assert.Empty(report.Payloads);
        Assert.True(report.IsValid);
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public async Task Validate_AnyEnd_EveryStreamIsDisposed(string kind)
    {
        var source = new Switching(kind, System);
        await using (var stream = (await (await SimulatedValidator().ValidateAsync(source, CancellationToken.None)).GetValueOrThrow().Source.OpenReadAsync(CancellationToken.None)).GetValueOrThrow())
        {
            Assert.Equal(1, source.Open);
        }

        Assert.Equal(0, source.Open);
        source.Become("damaged", kind, System);
        _ = await SimulatedValidator().ValidateAllAsync(source, CancellationToken.None);
        Assert.Equal(0, source.Open);
    }

    private static RomImageValidator SimulatedValidator() => new([.. RomImageFormats.All, new SimulatedRomFormat()], new RomImageValidatorOptions());

    private static byte[] Package(string kind, byte[] rom) => kind switch
    {
        "fwpkg" or "fwpkg-stored" => ZipBuilder.Package(rom, isDeflated: kind == "fwpkg").Build(),
        "cab" or "cab-stored" => CabinetBuilder.Of(kind == "cab", rom).Build(),
        _ => Encoding.UTF8.GetBytes($"romflash-bundle 1\nrom {Digest(rom)} {rom.Length} rom.bin\n"),
    };

    /// <summary>A package that can become another one.</summary>
    private sealed class Switching(string kind, byte[] rom) : IRomImageNeighbours
    {
        private byte[]? _package = Package(kind, rom);
        private byte[]? _beside = rom;

        public int Open { get; private set; }

        public string Name => "package";

        public string FileName => "package";

        public void Become(string change, string kind, byte[] by)
        {
            switch (change)
            {
                case "swapped":
                    (_package, _beside) = (Package(kind, by), by);
                    break;
                case "damaged":
                    // In the middle of the payload, wherever it is.
                    (_package, _beside) = ((byte[])_package!.Clone(), (byte[])_beside!.Clone());
                    _beside[2500] ^= 1;
                    _package[_package.Length / 2] ^= 1;
                    break;
                case "shorter":
                    (_package, _beside) = (_package![..(_package.Length / 2)], _beside![..2500]);
                    break;
                default:
                    (_package, _beside) = (null, null);
                    break;
            }
        }

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) => new(Stream(_package));

        public ValueTask<FlashResult<Stream>?> TryOpenNeighbourAsync(string name, CancellationToken cancellationToken) =>
            new(name == "rom.bin" ? Stream(_beside) : default(FlashResult<Stream>?));

        private FlashResult<Stream> Stream(byte[]? bytes)
        {
            if (bytes is null)
            {
                return new ImageUnreadable { Detail = "gone" };
            }

            Open++;
            return FlashResult<Stream>.From(new Counted(bytes, () => Open--));
        }
    }

    private sealed class Counted(byte[] bytes, Action closed) : MemoryStream(bytes, writable: false)
    {
        private bool _isClosed;

        protected override void Dispose(bool disposing)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                closed();
            }

            base.Dispose(disposing);
        }
    }

    /// <summary>What is parsed is read as it is asked for; the pass that digests is the one that reads asynchronously. Something happens right before it.</summary>
    private sealed class Hooked(byte[] package, Action<HookedStream> beforeDigest) : IRomImageSource
    {
        public string Name => "package";

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) => new(FlashResult<Stream>.From(new HookedStream(package, beforeDigest)));
    }

    private sealed class BreakingAtTheEnd(byte[] content) : IRomImageSource
    {
        public string Name => "breaking";

        public bool IsBroken { get; set; }

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) => new(FlashResult<Stream>.From(IsBroken ? new Breaking(content) : new MemoryStream(content)));

        private sealed class Breaking(byte[] content) : MemoryStream(content)
        {
            public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
                Position == Length ? throw new IOException("the disk fails") : base.ReadAsync(buffer, cancellationToken);
        }
    }

    private sealed class HookedStream : MemoryStream
    {
        private Action<HookedStream>? _beforeDigest;

        public HookedStream(byte[] package, Action<HookedStream> beforeDigest)
        {
            Write(package);
            Position = 0;
            _beforeDigest = beforeDigest;
        }

        public byte[] Bytes => GetBuffer();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _beforeDigest?.Invoke(this);
            _beforeDigest = null;
            return base.ReadAsync(buffer, cancellationToken);
        }
    }

    /// <summary>Zeros without an end, and something that happens on the way.</summary>
    private sealed class Endless(Action onTheWay, long after) : MemoryStream
    {
        private long _done;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _done += buffer.Length;
            if (_done > after)
            {
                onTheWay();
            }

            return new(buffer.Length);
        }
    }

    private sealed class Named(byte[] content, RomIdentity identity) : IRomImageFormat
    {
        public string Name => "named";

        public RomRecognition Recognize(IRomImageContent other)
        {
            var bytes = new byte[content.Length];
            return other.Length == content.Length && other.TryRead(0, bytes) && bytes.AsSpan().SequenceEqual(content) ? RomRecognition.Signature : RomRecognition.None;
        }

        public void Read(RomImageReading reading) => reading.Identity = identity;
    }
}
