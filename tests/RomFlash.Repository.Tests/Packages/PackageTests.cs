using System.IO.Compression;
using System.Reflection.Metadata;
using System.Security.Cryptography;
using System.Xml.Linq;

namespace RomFlash.Repository.Tests.Packages;

/// <summary>What is in the packages.</summary>
[Collection(PackagesCollection.Name)]
[Trait("Category", "Slow")]
public sealed class PackageTests(PackedPackages packages)
{
    public static TheoryData<string> Projects => [.. RepositoryFiles.Shipped];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Package_HoldsLibraryDocumentationAndReadme(string project)
    {
        using var package = packages.Open(project);
        string[] expected = ["README.md", $"lib/net10.0/{project}.dll", $"lib/net10.0/{project}.xml", $"{project}.nuspec"];
        var files = package.Entries.Select(e => e.FullName).Where(n => !n.StartsWith("_rels/", StringComparison.Ordinal) && !n.StartsWith("package/", StringComparison.Ordinal) && n != "[Content_Types].xml");
        Assert.Equal(expected.Order(StringComparer.Ordinal), files.Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllText(Path.Combine(RepositoryFiles.Root, "README.md")), Text(package, "README.md"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Package_SaysWhatItIs(string project)
    {
        var metadata = packages.Metadata(project);
        string? Value(string name) => metadata.Element(metadata.Name.Namespace + name)?.Value;
        Assert.Equal(project, Value("id"));
        Assert.Equal("MIT", Value("license"));
        Assert.Equal("expression", (string?)metadata.Element(metadata.Name.Namespace + "license")!.Attribute("type"));
        Assert.Equal("README.md", Value("readme"));
        Assert.Equal("RomFlash.Sdk contributors", Value("authors"));
        Assert.True(Value("description")?.Length > 40, "the description says nothing");
    }

    [Theory]
    [InlineData("RomFlash.Sdk.Abstractions")]
    [InlineData("RomFlash.Sdk", "RomFlash.Sdk.Abstractions", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "System.Security.Cryptography.Pkcs")]
    // Central transitive pinning repeats the pins of the SDK's own packages here.
    [InlineData("RomFlash.Sdk.Testing", "RomFlash.Sdk", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "System.Security.Cryptography.Pkcs")]
    [InlineData("RomFlash.Sdk.Testing.Redfish", "RomFlash.Sdk.Testing", "System.Security.Cryptography.Pkcs")]
    public void Package_DependsOnExactly(string project, params string[] expected)
    {
        var pins = XDocument.Load(Path.Combine(RepositoryFiles.Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(p => (string)p.Attribute("Include")!, p => (string)p.Attribute("Version")!);
        var metadata = packages.Metadata(project);
        var group = Assert.Single(metadata.Elements(metadata.Name.Namespace + "dependencies").Elements(metadata.Name.Namespace + "group"));
        Assert.Equal("net10.0", (string?)group.Attribute("targetFramework"));
        Assert.Equal(
            expected.Select(e => $"{e} {pins.GetValueOrDefault(e, packages.Version)}").Order(StringComparer.Ordinal),
            group.Elements().Select(d => $"{(string?)d.Attribute("id")} {(string?)d.Attribute("version")}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Symbols_AreThereAndNameNoFolderOfTheBuild(string project)
    {
        using var symbols = packages.Open(project, "snupkg");
        using var file = new MemoryStream(Bytes(symbols, $"lib/net10.0/{project}.pdb"));
        using var provider = MetadataReaderProvider.FromPortablePdbStream(file);
        var reader = provider.GetMetadataReader();
        var documents = reader.Documents.Select(d => reader.GetString(reader.GetDocument(d).Name)).ToList();
        Assert.NotEmpty(documents);
        Assert.All(documents, d => Assert.StartsWith("/_/", d, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Library_BuiltTwiceInDifferentFolders_IsTheSame(string project)
    {
        using var one = packages.Open(project);
        using var two = packages.Open(project, second: true);
        foreach (var entry in new[] { $"lib/net10.0/{project}.dll", $"lib/net10.0/{project}.xml" })
        {
            Assert.Equal(Convert.ToHexString(SHA256.HashData(Bytes(one, entry))), Convert.ToHexString(SHA256.HashData(Bytes(two, entry))));
        }
    }

    private static byte[] Bytes(ZipArchive package, string entry)
    {
        using var stream = (package.GetEntry(entry) ?? throw new InvalidDataException($"{entry} is missing")).Open();
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    private static string Text(ZipArchive package, string entry) => System.Text.Encoding.UTF8.GetString(Bytes(package, entry));
}
