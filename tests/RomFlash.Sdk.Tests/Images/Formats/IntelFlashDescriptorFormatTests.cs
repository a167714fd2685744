using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

public sealed partial class IntelFlashDescriptorFormatTests
{
    private const string Tool = "/usr/sbin/ifdtool";

    [Fact]
    public void Read_ThreeRegions_AreThePartsAndVolumesAreRead()
    {
        var run = Run(new IntelFlashBuilder());

        Assert.Empty(run.Problems);
        Assert.Empty(run.Warnings);
        Assert.Equal("intel-flash", run.Format);
        Assert.Equal(RomKind.SystemRom, run.Identity.Kind);
        Assert.Equal(["descriptor", "me", "bios"], run.Root.Parts.Select(p => p.Name));
        Assert.Equal("flash component 0: 1024 KiB", Assert.Single(run.Root.Notes));
        Assert.Contains(run.Parts, p => p is { Kind: "ffs-file", Name: "Driver" });
        var volume = run.Parts.Single(p => p.Kind == "firmware-volume");
        Assert.Equal((0x80000, true), (volume.Offset, volume.IsInFile));
    }

    // Two components of 512 KiB; codes of 3 bits, of 4 bits, and of 4 bits with the speed that the old ones have as well.
    [Theory]
    [InlineData(0u, 0x00u, 512, 512)]
    [InlineData(6u, 0x00u, 512, 512)]
    [InlineData(0u, 0x08u, 512, 1024)]
    [InlineData(0u, 0x10u, 512, 1024)]
    [InlineData(6u, 0x10u, 512, 1024)]
    public void Read_TwoComponents_AreToldWithTheirSizes(uint speed, uint densities, int first, int second)
    {
        var flash = new IntelFlashBuilder { Components = (speed << 17) | densities, Size = (first + second) << 10 };
        flash.Map0 |= 1 << 8;

        var run = Run(flash);

        Assert.Empty(run.Problems);
        Assert.Empty(run.Warnings);
        Assert.Equal<string>([$"flash component 0: {first} KiB", $"flash component 1: {second} KiB"], run.Root.Notes);
    }

    [Fact]
    public void Read_SignatureAtTheBeginning_IsTheOldestKind()
    {
        var run = Run(new IntelFlashBuilder { SignatureOffset = 0 });

        Assert.Empty(run.Problems);
        Assert.Equal("intel-flash", run.Format);
    }

    [Theory]
    [InlineData("region beyond file", "RF5006", -1)]
    [InlineData("regions overlap", "RF5005", 0x44)]
    [InlineData("region in descriptor", "RF5005", 0x48)]
    [InlineData("descriptor elsewhere", "RF5005", 0x40)]
    [InlineData("no descriptor region", "RF5005", 0x40)]
    [InlineData("three components", "RF5005", 0x14)]
    [InlineData("region section in map", "RF5005", 0x14)]
    [InlineData("no region section", "RF5005", 0x14)]
    [InlineData("component section in map", "RF5005", 0x14)]
    [InlineData("master section in map", "RF5005", 0x18)]
    [InlineData("two sections at one place", "RF5005", 0x14)]
    [InlineData("damaged volume", "RF5007", 0x80000)]
    public void Read_BrokenRule_IsReportedWhereItIs(string rule, string code, int offset)
    {
        var run = Run(Broken(rule));

        Assert.Contains(run.Problems, p => p.Code == code && (offset < 0 || p is ImageMalformed { ByteOffset: var m } && m == offset || p is ImageChecksumWrong { ByteOffset: var c } && c == offset));
    }

    [Theory]
    [InlineData("another size", "the flash has 2097152 bytes")]
    [InlineData("density", "densities")]
    [InlineData("bios without volume", "no firmware volume")]
    public void Read_Oddity_IsAWarningAndNoProblem(string oddity, string text)
    {
        var run = Run(oddity switch
        {
            "another size" => new IntelFlashBuilder { Components = 2 },
            "density" => new IntelFlashBuilder { Components = (4u << 17) | 0x9 },
            _ => new IntelFlashBuilder { Bios = [1, 2, 3] },
        });

        Assert.Empty(run.Problems);
        Assert.Contains(run.Warnings, w => w.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_FileShorterThanADescriptor_IsTruncated()
    {
        var flash = new IntelFlashBuilder().Build();
        for (var length = 20; length < 4096; length += 97)
        {
            Assert.IsType<ImageTruncated>(FormatRun.Of(flash.AsMemory(0, length), RomImageFormats.All).Failure);
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    [InlineData(IntelFlashBuilder.Unused)]
    [InlineData(0x0000_1FFFu)]
    public void Read_RegionThatIsNotThere_IsNoPart(uint value)
    {
        var flash = new IntelFlashBuilder { Regions = { [3] = value } };

        var run = Run(flash);

        Assert.Empty(run.Problems);
        Assert.DoesNotContain(run.Root.Parts, p => p.Name == "gbe");
    }

    [Theory]
    [Trait("Category", "Peer")]
    [InlineData(1u, 0x000000u)]
    [InlineData(6u, 0x1u)]
    public async Task Read_Regions_AreThoseOfThePeer(uint frequency, uint gbe)
    {
        Assert.True(File.Exists(Tool), $"{Tool} is missing: install the package coreboot-utils");
        var builder = new IntelFlashBuilder { Components = (frequency == 1 ? 0 : frequency << 17) | 1 };
        if (gbe != 0)
        {
            (builder.Regions[2], builder.Regions[3]) = (IntelFlashBuilder.Region(3, 0x7F), IntelFlashBuilder.Region(1, 2));
        }

        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllBytesAsync(path, builder.Build());
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Tool, ["-d", path]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var text = await process.StandardOutput.ReadToEndAsync();
            Assert.True((await error).Length >= 0 && process.WaitForExit(10_000) && process.ExitCode == 0, text);

            var peer = RegionPattern().Matches(text)
                .Where(m => !m.Value.Contains("unused", StringComparison.Ordinal))
                .Select(m => (Number: int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture), Start: Hex(m.Groups[2].Value), End: Hex(m.Groups[3].Value) + 1))
                .OrderBy(r => r.Start);

            string[] names = ["descriptor", "bios", "me", "gbe", "pdr"];
            Assert.Equal(peer, Run(builder).Root.Parts.Where(p => p.Kind == "flash-region").Select(p => (Array.IndexOf(names, p.Name), p.Offset, p.Offset + p.Length)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static long Hex(string text) => long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Flash Region (\d+) \([^)]*\): ([0-9a-f]{8}) - ([0-9a-f]{8}) *(\(unused\))?")]
    private static partial Regex RegionPattern();

    private static IntelFlashBuilder Broken(string rule)
    {
        var flash = new IntelFlashBuilder();
        switch (rule)
        {
            case "region beyond file":
                flash.Regions[1] = IntelFlashBuilder.Region(0x80, 0x100);
                break;
            case "regions overlap":
                flash.Regions[1] = IntelFlashBuilder.Region(0x7F, 0xFF);
                break;
            case "region in descriptor":
                flash.Regions[2] = IntelFlashBuilder.Region(0, 0x7F);
                break;
            case "descriptor elsewhere":
                flash.Regions[0] = IntelFlashBuilder.Region(1, 1);
                flash.Regions[2] = IntelFlashBuilder.Region(2, 0x7F);
                break;
            case "no descriptor region":
                flash.Regions[0] = IntelFlashBuilder.Unused;
                break;
            case "three components":
                flash.Map0 |= 2 << 8;
                break;
            case "region section in map":
                flash.Map0 = (1 << 16) | 3;
                break;
            case "no region section":
                flash.Map0 = 3;
                break;
            case "component section in map":
                flash.Map0 = (4 << 16) | 1;
                break;
            case "master section in map":
                flash.Map1 = (0x10u << 16) | 1;
                break;
            case "two sections at one place":
                flash.Map0 = (4 << 16) | 4;
                break;
            case "damaged volume":
                flash.Bios[50] ^= 1;
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(rule));
        }

        return flash;
    }

    private static FormatRun Run(IntelFlashBuilder flash) => FormatRun.Of(flash.Build(), new IntelFlashDescriptorFormat(), new FirmwareVolumeFormat());
}
