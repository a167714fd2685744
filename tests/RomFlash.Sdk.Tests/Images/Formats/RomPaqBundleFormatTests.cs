using System.Collections.Immutable;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;
using static RomFlash.Sdk.Tests.Images.Formats.PackageRun;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class RomPaqBundleFormatTests : IDisposable
{
    private static readonly byte[] Rom = Bytes(3000, 1);
    private static readonly byte[] Settings = Bytes(500, 2);

    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-bundle").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Validate_FolderOnDisk_GivesItsRoms()
    {
        Write("cpqrom.bin", Rom);
        Write("a second one.bin", Settings);
        Write("system.cfg", Settings);
        var manifest = Manifest(Line("rom", "cpqrom.bin", Rom), Line("rom", "a second one.bin", Settings), Line("system-configuration", "system.cfg", Settings), "kind system-rom", "model ProLiant DL380", "version P58 (05/02/2011)", "pci 103c:3239", "pci 103c:3239:103c:21c2");
        Write(RomPaqBundleFormat.ManifestName, manifest);

        var images = (await Validator().ValidateAllAsync(new FileImageSource(Path.Combine(_folder, RomPaqBundleFormat.ManifestName)), CancellationToken.None)).GetValueOrThrow();

        Assert.Equal([Digest(Rom), Digest(Settings)], images.Select(i => i.Sha256));
        Assert.All(images, i => Assert.Equal((RomKind.SystemRom, "P58 (05/02/2011)"), (i.Evidence.Identity.Kind, i.Evidence.Identity.Version?.Text)));
        Assert.Equal([new PciId(0x103c, 0x3239), new PciId(0x103c, 0x3239, 0x103c, 0x21c2)], images[0].Evidence.Identity.PciIds.ToArray());
        Assert.Equal(new("rompaq-bundle", "cpqrom.bin", manifest.Length, Digest(manifest)), images[0].Evidence.Wrapper);
        Assert.Equal(Settings, await ReadAll(images[1].Source));
        FormatRun.AssertIsTree(images[0].Evidence.Report!.Root);
    }

    [Theory]
    [InlineData("cpqrom.bin")]
    [InlineData("system.cfg")]
    public async Task Validate_FileIsMissing_IsUnreadable(string name)
    {
        var failure = Assert.IsType<ImageUnreadable>(await FailsWithout(name));

        Assert.Contains(name, failure.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cpqrom.bin")]
    [InlineData("system.cfg")]
    public async Task Validate_AnyByteOfAFileChanged_IsChecksumWrong(string name)
    {
        var files = Files();
        var bad = files[name].ToArray();
        bad[^1] ^= 1;

        Assert.Contains(name, Assert.IsType<ImageChecksumWrong>(await Fails(Bundle(), files.SetItem(name, bad))).Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cpqrom.bin", 1)]
    [InlineData("cpqrom.bin", -1)]
    [InlineData("system.cfg", 1)]
    [InlineData("system.cfg", -1)]
    public async Task Validate_FileOfAnotherLength_IsMalformed(string name, int by)
    {
        var files = Files();
        var bytes = files[name].ToArray();
        Array.Resize(ref bytes, bytes.Length + by);

        Assert.Contains($"{name}: it does not have the", Assert.IsType<ImageMalformed>(await Fails(Bundle(), files.SetItem(name, bytes))).Detail, StringComparison.Ordinal);
    }

    // What is no regular file is not opened: a pipe would wait for its writer.
    [Fact]
    public async Task Validate_FileIsAFolder_IsUnreadable()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "cpqrom.bin"));
        Write("system.cfg", Settings);
        Write(RomPaqBundleFormat.ManifestName, Bundle());

        Assert.IsType<ImageUnreadable>(Failure(await Validator().ValidateAllAsync(new FileImageSource(Path.Combine(_folder, RomPaqBundleFormat.ManifestName)), CancellationToken.None)));
    }

    [Fact]
    public async Task Validate_SourceWithoutNeighbours_IsUnreadable() =>
        Assert.IsType<ImageUnreadable>(Failure(await Validator().ValidateAllAsync(new Alone(new MemoryImageSource("m", Bundle())), CancellationToken.None)));

    [Theory]
    [InlineData("../up.bin")]
    [InlineData("/etc/passwd")]
    [InlineData("a/b.bin")]
    [InlineData("a\\b.bin")]
    [InlineData("C:b.bin")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("a\u0001b")]
    [InlineData("a\rb")]
    [InlineData("nul\0")]
    [InlineData("rom.bin.")]
    [InlineData("rom.bin ")]
    [InlineData("bundle.romflash")]
    [InlineData("Bundle.RomFlash")]
    public async Task Read_NameIsNotPlain_IsMalformedAtItsLine(string name)
    {
        var first = Line("rom", "cpqrom.bin", Rom);

        var failure = Assert.IsType<ImageMalformed>(await Fails(Manifest(first, Line("rom", name, Rom)), Files()));

        Assert.Equal("romflash-bundle 1\n".Length + first.Length + 1, failure.ByteOffset);
    }

    [Theory]
    [InlineData("rom")]
    [InlineData("rom ")]
    [InlineData("rom 00 1 a")]
    [InlineData("kind something")]
    [InlineData("kind")]
    [InlineData("version")]
    [InlineData("model ")]
    [InlineData("pci 103c")]
    [InlineData("pci 103c:3239:103c")]
    [InlineData("pci 103c:+239")]
    [InlineData("firmware-class none")]
    [InlineData("something else")]
    [InlineData("")]
    [InlineData("# a comment")]
    public async Task Read_LineIsNone_IsMalformed(string line) =>
        Assert.IsType<ImageMalformed>(await Fails(Manifest(Line("rom", "cpqrom.bin", Rom), line), Files()));

    [Theory]
    [InlineData("kind system-rom", "kind system-rom")]
    [InlineData("version 1.0", "version 1.0")]
    public async Task Read_SaidTwice_IsMalformed(string one, string two) =>
        Assert.IsType<ImageMalformed>(await Fails(Manifest(Line("rom", "cpqrom.bin", Rom), one, two), Files()));

    [Theory]
    [InlineData("cpqrom.bin")]
    [InlineData("CPQROM.BIN")]
    public async Task Read_FileTwice_IsMalformed(string again) =>
        Assert.IsType<ImageMalformed>(await Fails(Manifest(Line("rom", "cpqrom.bin", Rom), Line("other", again, Rom)), Files()));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("+3000")]
    [InlineData("3,000")]
    [InlineData("0x10")]
    [InlineData("99999999999999999999999")]
    public async Task Read_LengthIsNone_IsMalformed(string length) =>
        Assert.IsType<ImageMalformed>(await Fails(Manifest($"rom {Digest(Rom)} {length} cpqrom.bin"), Files()));

    [Fact]
    public async Task Read_LengthBeyondWhatAnImageMayHave_IsTooLargeAndNotRead() =>
        Assert.IsType<ImageTooLarge>(await Fails(Manifest($"rom {Digest(Rom)} {long.MaxValue} cpqrom.bin"), Files()));

    [Fact]
    public async Task Read_NoRom_IsMalformed() =>
        Assert.IsType<ImageMalformed>(await Fails(Manifest(Line("system-configuration", "system.cfg", Settings)), Files()));

    [Fact]
    public async Task Read_NotUtf8_IsMalformed() =>
        Assert.IsType<ImageMalformed>(await Fails([.. Bundle(), 0xC3, (byte)'\n'], Files()));

    [Fact]
    public async Task Read_ManifestTooLarge_IsTooLarge() =>
        Assert.IsType<ImageTooLarge>(await Fails([.. Bundle(), .. new byte[RomPaqBundleFormat.MaxManifestLength]], Files()));

    [Fact]
    public async Task Read_TooManyFiles_IsTooLarge() =>
        Assert.IsType<ImageTooLarge>(await Fails(Manifest([.. Enumerable.Range(0, RomImageLimits.MaxPayloads + 1).Select(i => Line("rom", $"{i}.bin", Rom))]), Files()));

    // The manifest is all that a cut can be in the middle of; where a line ends, what is left may be a bundle of fewer files.
    [Fact]
    public async Task Validate_Truncated_NeverGivesAnythingElse()
    {
        var manifest = Bundle();
        for (var length = 1; length < manifest.Length; length++)
        {
            var result = await Validator().ValidateAllAsync(new MemoryImageSource("m", manifest.AsMemory(0, length), Files()), CancellationToken.None);
            Assert.True(
                result.TryGetValue(out var images, out var failure) ? manifest[length - 1] == '\n' && images.All(i => i.Sha256 == Digest(Rom)) : failure is ImageFailure,
                $"{length}: {failure}");
        }
    }

    private static string Line(string role, string name, byte[] content) => $"{role} {Digest(content)} {content.Length} {name}";

    private static byte[] Manifest(params string[] lines) => Encoding.UTF8.GetBytes("romflash-bundle 1\n" + string.Concat(lines.Select(l => l + "\n")));

    private static byte[] Bundle() => Manifest(Line("rom", "cpqrom.bin", Rom), Line("system-configuration", "system.cfg", Settings));

    private static ImmutableDictionary<string, ReadOnlyMemory<byte>> Files() =>
        ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty.Add("cpqrom.bin", Rom).Add("system.cfg", Settings);

    private static async Task<FlashFailure> FailsWithout(string name) => await Fails(Bundle(), Files().Remove(name));

    private static async Task<FlashFailure> Fails(byte[] manifest, ImmutableDictionary<string, ReadOnlyMemory<byte>> files) =>
        Failure(await Validator().ValidateAllAsync(new MemoryImageSource("m", manifest, files), CancellationToken.None));

    private void Write(string name, byte[] content) => File.WriteAllBytes(Path.Combine(_folder, name), content);

    private sealed class Alone(IRomImageSource inner) : IRomImageSource
    {
        public string Name => inner.Name;

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) => inner.OpenReadAsync(cancellationToken);
    }
}
