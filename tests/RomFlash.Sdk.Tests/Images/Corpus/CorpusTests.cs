using System.Diagnostics;
using System.Globalization;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using Xunit.Abstractions;

namespace RomFlash.Sdk.Tests.Images.Corpus;

/// <summary>Real files, held to the manifest beside this test; the tools that firmware engineers take are asked as well.</summary>
[Trait("Category", "Peer")]
public sealed class CorpusTests(ITestOutputHelper output)
{
    public static TheoryData<string> Files => [.. Rows().Select(r => r.File)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Inspect_RealFile_IsWhatTheManifestSays(string file)
    {
        var row = Rows().Single(r => r.File == file);
        Assert.True(File.Exists(file), $"{file} is missing: install the package {row.Package}");
        var inspected = await new RomImageValidator(RomImageFormats.All, new()).InspectAsync(new FileImageSource(file), new RomInspection(), CancellationToken.None);
        if (!inspected.TryGetValue(out var report, out var failure))
        {
            Assert.Equal(row.Format, failure.Code);
            return;
        }

        var parts = Flatten(report.Root).ToList();
        Assert.Equal(row.Format, report.Format);
        Assert.Equal(row.Kind, report.Identity.Kind.ToString());
        Assert.Equal(row.Verdict, report.IsValid ? "valid" : report.Problems[0].Code);
        Assert.Equal(row.Volumes, parts.Count(p => p.Kind == "firmware-volume"));
        Assert.InRange(parts.Count, row.Parts, RomImageLimits.MaxParts);
        Assert.InRange(parts.Sum(p => p.Checks.Length), row.Checks, RomImageLimits.MaxChecks);
        Assert.All(parts.SelectMany(p => p.Checks), c => Assert.True(c.Holds));

        // The report can be shown and written, whatever is in it.
        Assert.Equal(parts.Count, RomImageReportWriter.ToLines(report).Count());
        Assert.Equal((byte)'{', RomImageReportWriter.ToJson(report).Span[0]);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Oracles_RealFile_SayWhatTheManifestSays(string file)
    {
        var row = Rows().Single(r => r.File == file);
        if (row.UefiExtract == "same")
        {
            Assert.Equal(row.Volumes, VolumesByUefiExtract(file));
        }

        if (row.Fwupdtool.Split(' ') is [var kind, var verdict])
        {
            Assert.Equal(verdict, Run("fwupdtool", ["firmware-parse", file, kind], null) == 0 ? "accepts" : "refuses");
            Assert.True(verdict == "accepts" || row.Why.Length > 0, "a disagreement is explained");
        }
    }

    [Fact]
    public async Task Inspect_RealFileWithAnyHeaderDamaged_IsSeenByUsAndByTheOracle()
    {
        // Where both check a sum, both have to say so; what only we check is told by the count.
        var bytes = await File.ReadAllBytesAsync("/usr/share/OVMF/OVMF_CODE.fd");
        var (ours, theirs) = (0, 0);
        var folder = Directory.CreateTempSubdirectory("romflash-corpus-");
        try
        {
            foreach (var at in (int[])[32, 33, 45, 48, 50, 56, 60])
            {
                var damaged = (byte[])bytes.Clone();
                damaged[at] ^= 0x04;
                var path = Path.Combine(folder.FullName, "damaged.fd");
                await File.WriteAllBytesAsync(path, damaged);
                var isValid = (await new RomImageValidator(RomImageFormats.All, new()).ValidateAsync(new FileImageSource(path), CancellationToken.None)).TryGetValue(out _, out var failure);
                Assert.False(isValid, string.Create(CultureInfo.InvariantCulture, $"byte {at}"));
                Assert.IsType<ImageFailure>(failure, exactMatch: false);
                ours++;
                theirs += Run("fwupdtool", ["firmware-parse", path, "efi-volume"], null) != 0 ? 1 : 0;
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        output.WriteLine($"[romflash] corpus: of 7 damaged volume headers {ours} are refused here, {theirs} by fwupdtool");
        Assert.Equal(7, ours);
        Assert.InRange(theirs, 1, 7);
    }

    private static int VolumesByUefiExtract(string file)
    {
        var folder = Directory.CreateTempSubdirectory("romflash-corpus-");
        try
        {
            // It writes its report beside the image, and always ends with 0.
            File.Copy(file, Path.Combine(folder.FullName, "image"));
            Run("UEFIExtract", ["image", "report"], folder.FullName);
            return File.ReadLines(Path.Combine(folder.FullName, "image.report.txt")).Count(l => l.StartsWith(" Volume  ", StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static int Run(string program, string[] arguments, string? folder)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder ?? string.Empty, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        errors.GetAwaiter().GetResult();
        process.WaitForExit();
        return process.ExitCode;
    }

    private static IEnumerable<RomImagePart> Flatten(RomImagePart part) => part.Parts.SelectMany(Flatten).Prepend(part);

    private static List<Row> Rows() =>
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Images", "Corpus", "manifest.tsv"))
            .Where(l => !l.StartsWith('#'))
            .Select(l => l.Split('\t'))
            .Select(f => new Row(f[0], f[1], f[2], f[3], f[4], Number(f[5]), Number(f[6]), Number(f[7]), f[8], f[9], f[10]))];

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private sealed record Row(string File, string Package, string Format, string Kind, string Verdict, int Volumes, int Parts, int Checks, string UefiExtract, string Fwupdtool, string Why);
}
