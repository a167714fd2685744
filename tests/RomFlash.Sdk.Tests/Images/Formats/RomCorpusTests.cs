using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Option ROMs and system ROMs that others made, from the packages ipxe, ipxe-qemu, seabios and qemu-system-data.</summary>
[Trait("Category", "Peer")]
public sealed class RomCorpusTests
{
    private static readonly string[] ChainFolders = ["/usr/lib/ipxe", "/usr/lib/ipxe/qemu"];
    private static readonly string[] VideoRoms = ["ati", "bochs-display", "cirrus", "qxl", "stdvga", "virtio", "vmware"];

    private static IEnumerable<string> ChainFiles =>
        ChainFolders.Where(Directory.Exists).SelectMany(f => Directory.EnumerateFiles(f, "*.rom")).Order(StringComparer.Ordinal).Concat(VideoRoms.Select(n => $"/usr/share/seabios/vgabios-{n}.bin"));

    public static TheoryData<string> Chains => [.. ChainFiles];

    public static TheoryData<string> IsaRoms =>
    [
        "/usr/share/seabios/vgabios-isavga.bin",
        "/usr/share/seabios/vgabios-ramfb.bin",
        "/usr/share/qemu/kvmvapic.bin",
        "/usr/share/qemu/linuxboot.bin",
        "/usr/share/qemu/linuxboot_dma.bin",
        "/usr/share/qemu/multiboot.bin",
        "/usr/share/qemu/multiboot_dma.bin",
        "/usr/share/qemu/pvh.bin",
        "/usr/share/qemu/sgabios.bin",
    ];

    public static TheoryData<string> SystemRoms => ["/usr/share/seabios/bios.bin", "/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios-microvm.bin"];

    public static TheoryData<string> Others =>
    [
        "/usr/share/OVMF/OVMF_CODE.fd",
        "/usr/share/OVMF/OVMF_VARS.fd",
        "/usr/share/qemu/qboot.rom",
        "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
        "/usr/share/qemu/QEMU,VGA.bin",
    ];

    [Theory]
    [MemberData(nameof(Chains))]
    public void Read_ChainOfImages_IsWholeAndForACard(string file)
    {
        var bytes = File.ReadAllBytes(file);

        var run = FormatRun.Of(bytes, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Empty(run.Warnings);
        Assert.Equal("option-rom", run.Format);
        Assert.Equal(RomKind.Other, run.Identity.Kind);
        var images = run.Root.Parts;
        Assert.Equal(bytes.Length, images.Sum(i => i.Length));
        Assert.Equal(Path.GetFileName(file).StartsWith("efi-", StringComparison.Ordinal) ? ["x86", "EFI"] : ["x86"], images.Select(i => i.Name));
        Assert.Contains(images[0].Pci!.Value, run.Identity.PciIds);
        Assert.All(run.Parts.Where(p => p.Kind == "efi-executable"), p => Assert.Contains("PE, machine 0x8664", p.Notes));

        // Where iPXE is the maker it says so.
        Assert.Equal(file.Contains("ipxe", StringComparison.Ordinal), run.Parts.Any(p => p.Kind == "pnp-header" && p.Name.Contains("iPXE", StringComparison.Ordinal)));
    }

    [Fact]
    public void Chains_OnThisMachine_AreThere() => Assert.True(ChainFiles.Count() >= 15 + VideoRoms.Length, "install the packages ipxe-qemu and seabios");

    [Theory]
    [MemberData(nameof(IsaRoms))]
    public void Read_IsaRom_IsWhole(string file)
    {
        var run = FormatRun.Of(File.ReadAllBytes(file), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal("option-rom", run.Format);
        Assert.Equal(RomKind.Other, run.Identity.Kind);
        Assert.True(Assert.Single(run.Parts.Single(p => p.Kind == "isa-rom-image").Checks).Holds);
    }

    [Theory]
    [MemberData(nameof(SystemRoms))]
    public void Read_SystemRom_IsOneAndKeepsNoSum(string file)
    {
        var bytes = File.ReadAllBytes(file);

        var run = FormatRun.Of(bytes, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal("legacy-system-rom", run.Format);
        Assert.Equal(RomKind.SystemRom, run.Identity.Kind);
        Assert.Equal("06/23/99", run.Root.Parts[^1].Version);

        // Why there is no rule for the sum of the whole: here is one that does not keep it.
        Assert.NotEqual(0, Sum8.Hash(bytes));
    }

    [Theory]
    [MemberData(nameof(Others))]
    public void Read_SomethingElse_IsNeitherOptionRomNorLegacyRom(string file)
    {
        var run = FormatRun.Of(File.ReadAllBytes(file), RomImageFormats.All);

        Assert.DoesNotContain(run.Format, (string[])["option-rom", "legacy-system-rom"]);
    }

    [Theory]
    [InlineData("/usr/lib/ipxe/qemu/pxe-e1000.rom")]
    [InlineData("/usr/share/seabios/vgabios-cirrus.bin")]
    [InlineData("/usr/share/qemu/pvh.bin")]
    public void Read_BitFlippedOrCutOff_IsDetected(string file)
    {
        const int Seed = 515;
        var random = new Random(Seed);
        var bytes = File.ReadAllBytes(file);
        for (var i = 0; i < 400; i++)
        {
            var at = random.Next(2, bytes.Length);
            var bit = (byte)(1 << random.Next(8));
            bytes[at] ^= bit;
            var run = FormatRun.Of(bytes, RomImageFormats.All);
            Assert.True(run.Failure is not null || run.Warnings.Length > 0, string.Create(CultureInfo.InvariantCulture, $"seed {Seed}: byte 0x{at:X} ^ {bit}"));
            bytes[at] ^= bit;

            var length = random.Next(3, bytes.Length);
            Assert.True(FormatRun.Of(bytes.AsMemory(0, length), RomImageFormats.All).Failure is not null, string.Create(CultureInfo.InvariantCulture, $"seed {Seed}: {length} bytes"));
        }
    }

    /// <summary>fwupd has a reader of its own for option ROMs; it follows the same chain and finds the same devices.</summary>
    [Theory]
    [InlineData("/usr/lib/ipxe/qemu/efi-e1000.rom")]
    [InlineData("/usr/lib/ipxe/qemu/pxe-virtio.rom")]
    [InlineData("/usr/share/seabios/vgabios-qxl.bin")]
    public async Task Read_Chain_IsTheOneThatFwupdFinds(string file)
    {
        const string Tool = "/usr/bin/fwupdtool";
        Assert.True(File.Exists(Tool), $"{Tool} is missing: install the package fwupd");
        using var process = Process.Start(new ProcessStartInfo(Tool, ["firmware-parse", file, "oprom"]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"fwupdtool: {await error}{output}");

        var ours = FormatRun.Of(await File.ReadAllBytesAsync(file), RomImageFormats.All).Root.Parts.Select(p => p.Pci!.Value);

        Assert.Equal(ours, Ids(output, "vendor_id").Zip(Ids(output, "device_id"), (vendor, device) => new PciId(vendor, device)));
    }

    private static IEnumerable<ushort> Ids(string output, string field) =>
        Regex.Matches(output, $"<{field}>0x([0-9a-f]+)</{field}>").Select(m => ushort.Parse(m.Groups[1].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
}
