using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed class UefiCapsuleFormatTests
{
    private static readonly byte[] Image = [1, 2, 3, 4, 5, 6, 7, 8];

    [Fact]
    public async Task Read_CapsuleWithPayloadHeader_TellsClassAndVersions()
    {
        var image = (await Validate(CapsuleBuilder.Small())).GetValueOrThrow();

        Assert.Equal("uefi-capsule", image.Evidence.Format);
        Assert.Equal(CapsuleBuilder.Class, Assert.Single(image.Evidence.Identity.FirmwareClasses));
        Assert.Equal(RomVersion.FromPacked(0x20005), image.Evidence.Identity.Version);
        Assert.Equal(RomVersion.FromPacked(0x20000), image.Evidence.Identity.LowestSupportedVersion);
        Assert.Null(image.Evidence.Identity.Kind);
        Assert.Contains(image.Evidence.Warnings, w => w.Contains("not signed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    [InlineData(3u)]
    public async Task Read_EachItemVersion_IsValid(uint version)
    {
        var image = (await Validate(With(CapsuleBuilder.Item(Image, version)))).GetValueOrThrow();

        Assert.Null(image.Evidence.Identity.Version);
    }

    [Theory]
    [InlineData(28u)]
    [InlineData(32u)]
    public async Task Read_EitherHeaderSize_IsValid(uint size) =>
        Assert.Equal(CapsuleBuilder.Class, Assert.Single((await Validate(new CapsuleBuilder { HeaderSize = size, Items = { CapsuleBuilder.Item(Image) } }.Build())).GetValueOrThrow().Evidence.Identity.FirmwareClasses));

    [Theory]
    [InlineData("header size too small", 16)]
    [InlineData("header size beyond capsule", 16)]
    [InlineData("unknown flag", 20)]
    [InlineData("system table without persist", 20)]
    [InlineData("reset without persist", 20)]
    [InlineData("trailing bytes", 24)]
    [InlineData("fmp version", 28)]
    [InlineData("no payload", 34)]
    [InlineData("too many items", 32)]
    [InlineData("offset inside list", 36)]
    [InlineData("offset beyond end", 36)]
    [InlineData("offset overflows", 36)]
    [InlineData("offsets descend", 44)]
    [InlineData("offsets equal", 44)]
    [InlineData("item too small", 44)]
    [InlineData("item version 0", 44)]
    [InlineData("item version 4", 44)]
    [InlineData("image too long", 68)]
    [InlineData("image too short", 68)]
    [InlineData("image length overflows", 68)]
    [InlineData("image empty", 68)]
    [InlineData("type empty", 48)]
    [InlineData("same payload twice", 112)]
    [InlineData("authentication missing", 92)]
    [InlineData("authentication too long", 100)]
    [InlineData("authentication too short", 100)]
    [InlineData("nothing behind authentication", 92 + 32 + 4)]
    [InlineData("dependency opcode", 92)]
    [InlineData("dependency endless", 92)]
    [InlineData("dependency text endless", 92)]
    [InlineData("payload header too small", 96)]
    [InlineData("payload header too large", 96)]
    public async Task Read_BrokenRule_IsMalformedAtItsOffset(string rule, long offset)
    {
        var failure = await Failure(Broken(rule));

        Assert.Equal("RF5005", failure.Code);
        Assert.Equal(offset, Assert.IsType<ImageMalformed>(failure).ByteOffset);
        Assert.Equal(FlashStage.Validate, failure.Stage);
    }

    [Fact]
    public async Task Read_EveryTruncation_IsATypedFailure()
    {
        var capsule = CapsuleBuilder.Small();
        for (var length = 0; length < capsule.Length; length++)
        {
            var failure = await Failure(capsule[..length]);
            Assert.True(
                length == 0 ? failure is ImageEmpty : length < 16 ? failure is ImageFormatUnknown : failure is ImageTruncated { ByteOffset: var at } && at == length,
                string.Create(CultureInfo.InvariantCulture, $"{length} bytes: {failure}"));
        }
    }

    [Fact]
    public async Task Read_EverySingleBitFlip_GivesATypedAnswerInBoundedMemory()
    {
        var capsule = new CapsuleBuilder { Items = { CapsuleBuilder.Item([0x06, 0x0D, .. CapsuleBuilder.PayloadHeader(2, 1), 9], support: 2) } }.Build();
        Assert.True((await Validate(capsule)).TryGetValue(out _, out _));
        var format = new UefiCapsuleFormat();
        for (var bit = 0; bit < capsule.Length * 8; bit++)
        {
            capsule[bit / 8] ^= (byte)(1 << (bit % 8));
            var before = GC.GetAllocatedBytesForCurrentThread();
            var run = FormatRun.Of(capsule, format);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(run.Problems.Length < RomImageLimits.MaxProblems, string.Create(CultureInfo.InvariantCulture, $"bit {bit}: {run.Failure}"));
            Assert.True(allocated < 64 << 10, string.Create(CultureInfo.InvariantCulture, $"bit {bit}: {allocated} bytes"));
            capsule[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public async Task Read_SeededMutants_NeverThrow()
    {
        const int Seed = 20240611;
        var random = new Random(Seed);
        var original = new CapsuleBuilder
        {
            Items =
            {
                CapsuleBuilder.Item([0x06, 0x0D, .. CapsuleBuilder.PayloadHeader(2, 1), 9], support: 2),
                CapsuleBuilder.Item(Image, index: 2),
            },
        }.Build();
        uint[] values = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 28, 32, 256, 65535];
        var format = new UefiCapsuleFormat();
        var accepted = 0;
        for (var i = 0; i < 5000; i++)
        {
            var mutant = original.AsSpan(0, random.Next(4) == 0 ? random.Next(original.Length + 1) : original.Length).ToArray();
            for (var n = random.Next(1, 4); n > 0 && mutant.Length >= 4; n--)
            {
                var at = random.Next(mutant.Length - 3);
                if (random.Next(2) == 0)
                {
                    mutant[at] = (byte)random.Next(256);
                }
                else
                {
                    BitConverter.TryWriteBytes(mutant.AsSpan(at), values[random.Next(values.Length)]);
                }
            }

            try
            {
                var run = FormatRun.Of(mutant, format);
                accepted += run is { IsRecognized: true, Failure: null } ? 1 : 0;
            }
#pragma warning disable CA1031 // The seed and the mutant have to be told, whatever was thrown.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Assert.Fail($"seed {Seed}, mutant {i}, {Convert.ToHexString(mutant)}: {e}");
            }
        }

        Assert.InRange(accepted, 1, 4999);
        Assert.True((await Validate(original)).TryGetValue(out _, out _));
    }

    [Theory]
    [InlineData("0c996046-bcc0-4d04-85ec-e1fcedf1c6f8", "accept")]
    [InlineData("acd58b4b-c0e8-475f-99b5-6b3f7e07aaf0", "revert")]
    [InlineData("3b8c8162-188c-46a4-aec9-be43f1d65697", "display")]
    public async Task Read_CapsuleOfAnotherKind_IsNamedAndRefused(string kind, string what)
    {
        var failure = await Failure(new CapsuleBuilder { Kind = Guid.Parse(kind), Items = { CapsuleBuilder.Item(Image) } }.Build());

        Assert.Equal("RF5004", failure.Code);
        Assert.Contains(what, failure.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("persist", "result variable")]
    [InlineData("vendor flags", "vendor flags 0x0001")]
    [InlineData("dependency", "dependency expression")]
    [InlineData("drivers", "embedded driver")]
    [InlineData("vendor code", "vendor code")]
    [InlineData("support", "not known here")]
    [InlineData("gap", "belong to nothing")]
    [InlineData("versions", "different versions")]
    [InlineData("one version", "some of them none")]
    [InlineData("lowest", "lowest supported version")]
    public async Task Read_OddButValid_Warns(string oddity, string warning)
    {
        var image = (await Validate(Odd(oddity))).GetValueOrThrow();

        Assert.Contains(image.Evidence.Warnings, w => w.Contains(warning, StringComparison.Ordinal));
        Assert.True(image.Evidence.Identity.Version is null || !oddity.Contains("version", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Read_PersistFlagSet_DoesNotWarnOfAMissingResult() =>
        Assert.DoesNotContain((await Validate(CapsuleBuilder.Small())).GetValueOrThrow().Evidence.Warnings, w => w.Contains("result variable", StringComparison.Ordinal));

    [Fact]
    public async Task Read_DependencyWithAllOpcodes_IsSkippedUpToThePayloadHeader()
    {
        byte[] dependency = [0x00, .. new byte[16], 0x01, 1, 2, 3, 4, 0x02, (byte)'v', 0, 3, 4, 5, 6, 7, 8, 9, 0xA, 0xB, 0xC, 0xE, 1, 0, 0, 0, 0x0D];
        var image = (await Validate(With(CapsuleBuilder.Item([.. dependency, .. CapsuleBuilder.PayloadHeader(7, 3), 1], support: 2)))).GetValueOrThrow();

        Assert.Equal(RomVersion.FromPacked(7), image.Evidence.Identity.Version);
    }

    private static byte[] With(params byte[][] items)
    {
        var builder = new CapsuleBuilder();
        builder.Items.AddRange(items);
        return builder.Build();
    }

    private static byte[] Odd(string oddity)
    {
        var item = CapsuleBuilder.Item(Image);
        return oddity switch
        {
            "persist" => new CapsuleBuilder { Flags = 0, Items = { item } }.Build(),
            "vendor flags" => new CapsuleBuilder { Flags = 0x10001, Items = { item } }.Build(),
            "dependency" => With(CapsuleBuilder.Item([6, 0xD, 1], support: 2)),
            "drivers" => new CapsuleBuilder { Drivers = 1, Items = { new byte[] { 1, 2, 3 }, item } }.Build(),
            "vendor code" => With(CapsuleBuilder.Item(Image, vendor: [1])),
            "support" => With(CapsuleBuilder.Item(Image, support: 4)),
            "gap" => new CapsuleBuilder { Gap = 4, Items = { item } }.Build(),
            "versions" => With(CapsuleBuilder.Item([.. CapsuleBuilder.PayloadHeader(2, 1), 1]), CapsuleBuilder.Item([.. CapsuleBuilder.PayloadHeader(3, 1), 1], index: 2)),
            "one version" => With(CapsuleBuilder.Item([.. CapsuleBuilder.PayloadHeader(2, 1), 1]), CapsuleBuilder.Item([1, 2, 3], index: 2)),
            "lowest" => With(CapsuleBuilder.Item([.. CapsuleBuilder.PayloadHeader(2, 3), 1])),
            _ => throw new ArgumentOutOfRangeException(nameof(oddity)),
        };
    }

    private static byte[] Broken(string rule)
    {
        var item = CapsuleBuilder.Item(Image);
        var second = CapsuleBuilder.Item(Image, index: 2);
        return rule switch
        {
            "header size too small" => new CapsuleBuilder { HeaderSize = 27, Items = { item } }.Build(),
            "header size beyond capsule" => new CapsuleBuilder { HeaderSize = 0xFFFFFFFF, Items = { item } }.Build(),
            "unknown flag" => new CapsuleBuilder { Flags = 0x90000, Items = { item } }.Build(),
            "system table without persist" => new CapsuleBuilder { Flags = 0x20000, Items = { item } }.Build(),
            "reset without persist" => new CapsuleBuilder { Flags = 0x40000, Items = { item } }.Build(),
            "trailing bytes" => [.. With(item), 0],
            "fmp version" => new CapsuleBuilder { FmpVersion = 2, Items = { item } }.Build(),
            "no payload" => new CapsuleBuilder { Payloads = 0, Items = { item } }.Build(),
            "too many items" => new CapsuleBuilder { Payloads = 257, Items = { item } }.Build(),
            "offset inside list" => new CapsuleBuilder { Offsets = [15], Items = { item } }.Build(),
            "offset beyond end" => new CapsuleBuilder { Offsets = [72], Items = { item } }.Build(),
            "offset overflows" => new CapsuleBuilder { Offsets = [ulong.MaxValue], Items = { item } }.Build(),
            "offsets descend" => new CapsuleBuilder { Offsets = [80, 24], Items = { item, second } }.Build(),
            "offsets equal" => new CapsuleBuilder { Offsets = [24, 24], Items = { item, second } }.Build(),
            "item too small" => With([1, 2, 3]),
            "item version 0" => With(CapsuleBuilder.Item(Image, 0)),
            "item version 4" => With(CapsuleBuilder.Item(Image, 4)),
            "image too long" => With(CapsuleBuilder.Item(Image, imageSize: 9)),
            "image too short" => With(CapsuleBuilder.Item(Image, imageSize: 7)),
            "image length overflows" => With(CapsuleBuilder.Item(Image, imageSize: uint.MaxValue)),
            "image empty" => With(CapsuleBuilder.Item([])),
            "type empty" => With(CapsuleBuilder.Item(Image, type: Guid.Empty)),
            "same payload twice" => With(item, item),
            "authentication missing" => With(CapsuleBuilder.Item(Image, support: 1)),
            "authentication too long" => With(CapsuleBuilder.Item([.. CapsuleBuilder.Authentication(8, length: 1000), 1], support: 1)),
            "authentication too short" => With(CapsuleBuilder.Item([.. CapsuleBuilder.Authentication(8, length: 24), 1], support: 1)),
            "nothing behind authentication" => With(CapsuleBuilder.Item(CapsuleBuilder.Authentication(4), support: 1)),
            "dependency opcode" => With(CapsuleBuilder.Item([0xFF, 0xD, 1], support: 2)),
            "dependency endless" => With(CapsuleBuilder.Item(Enumerable.Repeat((byte)6, 5000).ToArray(), support: 2)),
            "dependency text endless" => With(CapsuleBuilder.Item([2, 65, 66], support: 2)),
            "payload header too small" => With(CapsuleBuilder.Item([.. CapsuleBuilder.PayloadHeader(1, 1, 15), 1])),
            "payload header too large" => With(CapsuleBuilder.Item([.. CapsuleBuilder.PayloadHeader(1, 1, 18), 1])),
            _ => throw new ArgumentOutOfRangeException(nameof(rule)),
        };
    }

    private static ValueTask<FlashResult<RomImage>> Validate(byte[] bytes) =>
        new RomImageValidator([new UefiCapsuleFormat()], new()).ValidateAsync(new MemoryImageSource("image", bytes), CancellationToken.None);

    private static async Task<FlashFailure> Failure(byte[] bytes)
    {
        Assert.False((await Validate(bytes)).TryGetValue(out _, out var failure));
        return failure!;
    }
}
