using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Real firmware, beside what another implementation finds in it.</summary>
[Trait("Category", "Peer")]
public sealed partial class UefiExtractTests : IDisposable
{
    private const string Tool = "/usr/bin/UEFIExtract";
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-volume-").FullName;

    public static TheoryData<string> Images =>
    [
        "/usr/share/ovmf/OVMF.fd",
        "/usr/share/OVMF/OVMF_CODE.fd",
        "/usr/share/OVMF/OVMF_CODE.ms.fd",
        "/usr/share/OVMF/OVMF_CODE.secboot.fd",
        "/usr/share/OVMF/OVMF_CODE_4M.fd",
        "/usr/share/OVMF/OVMF_CODE_4M.ms.fd",
        "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
        "/usr/share/OVMF/OVMF_CODE_4M.snakeoil.fd",
        "/usr/share/OVMF/OVMF_VARS.fd",
        "/usr/share/OVMF/OVMF_VARS.ms.fd",
        "/usr/share/OVMF/OVMF_VARS_4M.fd",
        "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
        "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd",
        "/usr/share/AAVMF/AAVMF_CODE.fd",
        "/usr/share/AAVMF/AAVMF_CODE.ms.fd",
        "/usr/share/AAVMF/AAVMF_CODE.snakeoil.fd",
        "/usr/share/AAVMF/AAVMF_VARS.ms.fd",
        "/usr/share/AAVMF/AAVMF_VARS.snakeoil.fd",
        "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Images))]
    public async Task Inspect_RealFirmware_HasNoProblemAndTheSamePartsAsThePeerFinds(string file)
    {
        Assert.True(File.Exists(file), $"{file} is missing: install the packages ovmf and qemu-efi-aarch64");
        var report = (await InspectAsync(file)).GetValueOrThrow();

        Assert.Equal("firmware-volume", report.Format);
        Assert.Empty(report.Problems);
        FormatRun.AssertIsTree(report.Root);
        var ours = Flatten(report.Root).Select(FromOurs).OfType<Found>().ToList();
        Assert.Equal(await ByPeerAsync(file), ours);
    }

    [Fact]
    public async Task Inspect_EmptyVariables_HaveNoVolumeForEither()
    {
        const string file = "/usr/share/AAVMF/AAVMF_VARS.fd";

        Assert.False((await InspectAsync(file)).TryGetValue(out _, out var failure));

        Assert.IsType<ImageFormatUnknown>(failure);
        Assert.Empty(await ByPeerAsync(file));
    }

    [Theory]
    [InlineData("/usr/share/AAVMF/AAVMF_CODE.fd", 16)]
    [InlineData("/usr/share/ovmf/OVMF.fd", 20)]
    public void Read_RealFirmwareFromAFile_AllocatesLessThanWhatIsDecodedAndAFewMiB(string file, int mebibytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        using var stream = File.OpenRead(file);
        using var content = new WitnessedContent(file, stream, stream.Length, isWitness: true, CancellationToken.None);
        var state = new ReadingState(RomImageFormats.All, RomInspectionDepth.Full, null, CancellationToken.None);
        var root = new RomPartBuilder("file", 0, content.Length, isInFile: true);
        Assert.True(new RomImageReading(state, content, root, 0, isInFile: true, nesting: 0).TryReadAsAny());
        var parts = Flatten(root.Build()).Count();

        Assert.InRange(parts, 400, RomImageLimits.MaxParts);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, (long)mebibytes << 20);
    }

    private static ValueTask<FlashResult<RomImageReport>> InspectAsync(string file) =>
        new RomImageValidator(RomImageFormats.All, new()).InspectAsync(new FileImageSource(file), new(), CancellationToken.None);

    // What both tell of: volumes, files and sections. Beside them the peer names padding, free space and single variables, and so do we, by other rules.
    private static Found? FromOurs(RomImagePart part) => part.Kind switch
    {
        // The peer shows a volume's name for its file system where it has one.
        "firmware-volume" => new("volume", part.IsInFile ? part.Offset : null, part.Length, part.Name.Length > 0 ? Guid.Parse(part.Name) : part.Id, string.Empty),

        // The pad file around an extended header is none to the peer: it begins with the first file behind it.
        "ffs-file" when part.Parts is [{ Kind: "volume-extended-header" }] => null,

        // The peer gives pad files no name, as theirs is all ones.
        "ffs-file" => new("file", part.IsInFile ? part.Offset : null, part.Length, part.Notes[0] == "pad" ? null : part.Id, part.Notes[0]),

        // The peer gives GUIDs of sections alone that are named by one.
        _ when part.Kind.EndsWith("-section", StringComparison.Ordinal) => new("section", part.IsInFile ? part.Offset : null, part.Length, part.Id, part.Kind),
        _ => null,
    };

    private static Found? FromPeer(string[] columns)
    {
        var (type, subtype) = (columns[0].Trim(), columns[1].Trim());
        long? offset = long.TryParse(columns[2].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var at) ? at : null;
        var size = long.Parse(columns[3].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        Guid? id = GuidPattern().Match(columns[5]) is { Success: true } match ? Guid.Parse(match.Value) : null;
        return type switch
        {
            "Volume" => new("volume", offset, size, id, string.Empty),
            "File" => new("file", offset, size, id, FileType(subtype)),
            "Section" => new("section", offset, size, id, SectionType(subtype)),
            _ => null,
        };
    }

    private static string FileType(string name) => name switch
    {
        "Raw" => "raw",
        "Freeform" => "freeform",
        "SEC core" => "sec-core",
        "PEI core" => "pei-core",
        "DXE core" => "dxe-core",
        "PEI module" => "peim",
        "DXE driver" => "driver",
        "Application" => "application",
        "SMM module" => "mm",
        "Volume image" => "volume-image",
        "Combined SMM/DXE" => "combined-mm-dxe",
        "SMM core" => "mm-core",
        "Pad" => "pad",
        _ => name,
    };

    private static string SectionType(string name) => name switch
    {
        "Compressed" => "compression-section",
        "GUID defined" => "guid-defined-section",
        "PE32 image" => "pe32-section",
        "TE image" => "te-section",
        "DXE dependency" => "dxe-dependency-section",
        "PEI dependency" => "pei-dependency-section",
        "MM dependency" => "mm-dependency-section",
        "Version" => "version-section",
        "UI" => "ui-section",
        "Volume image" => "volume-section",
        "Freeform subtype GUID" => "freeform-guid-section",
        "Raw" => "raw-section",
        _ => name,
    };

    private static IEnumerable<RomImagePart> Flatten(RomImagePart part) => part.Parts.SelectMany(Flatten).Prepend(part);

    [GeneratedRegex("[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}")]
    private static partial Regex GuidPattern();

    private async Task<ImmutableArray<Found>> ByPeerAsync(string file)
    {
        Assert.True(File.Exists(Tool), $"{Tool} is missing: install the package uefitool-cli");

        // The report is written beside the image.
        var image = Path.Combine(_folder, "image.fd");
        File.Copy(file, image, overwrite: true);
        using var process = Process.Start(new ProcessStartInfo(Tool, [image, "report"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await error;
        await process.WaitForExitAsync();
        return [.. (await File.ReadAllLinesAsync(image + ".report.txt")).Skip(1).Select(l => FromPeer(l.Split('|'))).OfType<Found>()];
    }

    private sealed record Found(string What, long? Offset, long Length, Guid? Id, string Type);
}
