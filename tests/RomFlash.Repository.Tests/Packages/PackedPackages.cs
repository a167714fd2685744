using System.IO.Compression;
using System.Xml.Linq;

namespace RomFlash.Repository.Tests.Packages;

/// <summary>Packs the packages twice, in different folders, under a version that no other run has.</summary>
public sealed class PackedPackages : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PackedPackages()
    {
        Feed = Pack("one");
        SecondFeed = Pack("two");
    }

    public string Version { get; } = $"0.1.0-test.x{Guid.NewGuid():n}";

    /// <summary>The folder with the packages.</summary>
    public string Feed { get; }

    /// <summary>The folder with the same packages, built again from nothing.</summary>
    public string SecondFeed { get; }

    public ZipArchive Open(string project, string extension = "nupkg", bool second = false) =>
        ZipFile.OpenRead(Path.Combine(second ? SecondFeed : Feed, $"{project}.{Version}.{extension}"));

    public XElement Metadata(string project)
    {
        using var package = Open(project);
        using var stream = package.GetEntry(project + ".nuspec")!.Open();
        var root = XDocument.Load(stream).Root!;
        return root.Element(root.Name.Namespace + "metadata")!;
    }

    public void Dispose() => _folder.Dispose();

    private string Pack(string name)
    {
        var (build, packages) = (Path.Combine(_folder.Path, name + "-build"), Path.Combine(_folder.Path, name));
        var result = RepositoryFiles.DotNet(
            RepositoryFiles.Root,
            "pack",
            "eng/Packages.slnf",
            "--configuration",
            "Release",
            "--artifacts-path",
            build,
            "-nologo",
            "-verbosity:quiet",
            "-nodeReuse:false",
            $"-property:Version={Version}",
            $"-property:PackageOutputPath={packages}",
            // The solution's own build runs the analysers.
            "-property:RunAnalyzers=false",
            "-property:UseSharedCompilation=false",
            $"-property:PathMap={RepositoryFiles.Root}=/_/%2C{build}/=/_/artifacts/");
        Assert.True(result.ExitCode == 0, result.Text + result.Errors);
        return packages;
    }
}

[CollectionDefinition(Name)]
public sealed class PackagesCollection : ICollectionFixture<PackedPackages>
{
    public const string Name = "packages";
}
