using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Tests.Documents;
using RomFlash.Sdk.Tests.Images.Formats;

namespace RomFlash.Sdk.Tests.Images;

/// <summary>docs/images.md says what the code does.</summary>
public sealed class ImagesDocumentTests
{
    private static readonly string Document = File.ReadAllText(Path.Combine(SchemaFiles.Root, "docs", "images.md"));

    [Fact]
    public void Document_Formats_AreThoseOfTheLibrary()
    {
        foreach (var format in RomImageFormats.All)
        {
            Assert.Contains($"\n| `{format.Name}` |", Document, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("parts of a report", RomImageLimits.MaxParts)]
    [InlineData("checks of a report", RomImageLimits.MaxChecks)]
    [InlineData("nesting", RomImageLimits.MaxNesting)]
    [InlineData("problems, with which the reading ends", RomImageLimits.MaxProblems)]
    [InlineData("warnings that are kept", RomImageLimits.MaxWarnings)]
    [InlineData("payloads of a package", RomImageLimits.MaxPayloads)]
    public void Document_Limits_AreThoseOfTheLibrary(string what, int limit) =>
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"\n| {what} | {limit:N0} |"), Document, StringComparison.Ordinal);

    [Fact]
    public void Document_LimitsOfMemory_AreThoseOfTheLibrary()
    {
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"at one time | {RomImageLimits.MaxDecodedAtOnce >> 20} MiB |"), Document, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"cabinets included | {RomImageLimits.MaxDecodedInAll >> 20} MiB |"), Document, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"of a package together | {new RomImageValidatorOptions().MaxLength >> 20} MiB "), Document, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Document_BundleManifest_IsABundle()
    {
        var start = Document.IndexOf("romflash-bundle 1\n", StringComparison.Ordinal);
        var manifest = Document[start..Document.IndexOf("```", start, StringComparison.Ordinal)];
        var files = ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty.Add("cpqp67.rom", "foo"u8.ToArray()).Add("system.cfg", "bar"u8.ToArray());

        var image = (await PackageRun.Validator().ValidateAsync(new MemoryImageSource("bundle.romflash", Encoding.UTF8.GetBytes(manifest), files), CancellationToken.None)).GetValueOrThrow();

        Assert.Equal((RomKind.SystemRom, "P67 (08/16/2015)"), (image.Evidence.Identity.Kind, image.Evidence.Identity.Version?.Text));
    }
}
