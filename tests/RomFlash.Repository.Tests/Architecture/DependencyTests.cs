using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace RomFlash.Repository.Tests.Architecture;

/// <summary>Dependencies point one way.</summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, Assembly> Assemblies =
        RepositoryFiles.Shipped.ToDictionary(p => p, p => Assembly.LoadFrom(RepositoryFiles.AssemblyPath(p)));

    [Fact]
    public void Images_ReferenceNothingButOutcomes() =>
        AssertUsesOnly("RomFlash.Sdk.Images", "RomFlash.Sdk.Images", "RomFlash.Sdk.Outcomes");

    [Fact]
    public void Transports_NeverReferenceCampaigns() =>
        AssertNeverUses("RomFlash.Sdk.Transports", "RomFlash.Sdk.Campaigns");

    [Fact]
    public void Transports_InTheLibrary_KnowNoFailure()
    {
        // A transport answers with a TransportFault; only the pipeline makes a failure of it. FlashException and codes of peers are values.
        var failures = typeof(Sdk.Outcomes.FlashFailure);
        var found = References("RomFlash.Sdk.Transports")
            .Where(r => r.From.Assembly == Assemblies["RomFlash.Sdk"] && (r.To == failures || r.To.IsSubclassOf(failures)));
        Assert.Empty(found);
    }

    [Fact]
    public void Outcomes_ReferenceNothingElse() => AssertUsesOnly("RomFlash.Sdk.Outcomes", "RomFlash.Sdk.Outcomes");

    // Plans are made of what the rooms below decide; none of them knows that there are plans.
    [Theory]
    [InlineData("RomFlash.Sdk.Compatibility")]
    [InlineData("RomFlash.Sdk.Images")]
    [InlineData("RomFlash.Sdk.Probing")]
    [InlineData("RomFlash.Sdk.Staging")]
    [InlineData("RomFlash.Sdk.Scheduling")]
    [InlineData("RomFlash.Sdk.Confirmation")]
    [InlineData("RomFlash.Sdk.Journal")]
    [InlineData("RomFlash.Sdk.Transports")]
    [InlineData("RomFlash.Sdk.Documents")]
    public void Stages_NeverUsePlanning(string room) => AssertNeverUses(room, "RomFlash.Sdk.Planning");

    [Fact]
    public void Documents_KnowNothingOfWhatTheyHold() => AssertUsesOnly("RomFlash.Sdk.Documents", "RomFlash.Sdk.Documents", "RomFlash.Sdk.Outcomes", "RomFlash.Sdk.Images");

    [Fact]
    public void Abstractions_DependOnTheFrameworkAlone()
    {
        Assert.All(Assemblies["RomFlash.Sdk.Abstractions"].GetReferencedAssemblies(), a => Assert.StartsWith("System.", a.Name, StringComparison.Ordinal));
        Assert.Empty(DirectDependencies("RomFlash.Sdk.Abstractions"));
    }

    [Fact]
    public void Sdk_DependsOnAbstractionsAndThreePackagesAtMost() =>
        Assert.Subset(
            new HashSet<string>
            {
                "RomFlash.Sdk.Abstractions",
                "Microsoft.Extensions.Logging.Abstractions",
                "Microsoft.Extensions.DependencyInjection.Abstractions",
                "System.Security.Cryptography.Pkcs",
            },
            DirectDependencies("RomFlash.Sdk").ToHashSet());

    [Fact]
    public void Testing_DependsOnTheSdkAlone()
    {
        Assert.Equal(["RomFlash.Sdk"], DirectDependencies("RomFlash.Sdk.Testing"));
        Assert.DoesNotContain(Assemblies["RomFlash.Sdk.Testing"].GetReferencedAssemblies(), a =>
            a.Name!.StartsWith("xunit", StringComparison.OrdinalIgnoreCase) || a.Name.StartsWith("nunit", StringComparison.OrdinalIgnoreCase)
            || a.Name.StartsWith("Microsoft.VisualStudio.TestPlatform", StringComparison.Ordinal));
    }

    [Fact]
    public void TestingRedfish_DependsOnTestingAndTheWebFramework() =>
        Assert.All(DirectDependencies("RomFlash.Sdk.Testing.Redfish"), d => Assert.True(d == "RomFlash.Sdk.Testing", d));

    [Fact]
    public void Internals_AreShownToTestsAtMost() =>
        Assert.All(Assemblies.Values, a =>
            Assert.All(a.GetCustomAttributes<InternalsVisibleToAttribute>(), v => Assert.EndsWith(".Tests", v.AssemblyName, StringComparison.Ordinal)));

    [Fact]
    public void Projects_UnderSrc_ReferenceNothingOutsideSrc()
    {
        foreach (var project in Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            Assert.All(ProjectReferences(project), r => Assert.StartsWith(Path.Combine(RepositoryFiles.Root, "src") + "/", r, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Samples_AreReferencedByTestsAtMost()
    {
        foreach (var project in new[] { "src", "benchmarks" }.Select(f => Path.Combine(RepositoryFiles.Root, f)).Where(Directory.Exists)
            .SelectMany(f => Directory.EnumerateFiles(f, "*.csproj", SearchOption.AllDirectories)))
        {
            Assert.DoesNotContain(ProjectReferences(project), r => r.Contains("/samples/", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Namespaces_AreTheFolders()
    {
        foreach (var file in RepositoryFiles.Shipped.SelectMany(RepositoryFiles.SourcesOf))
        {
            var parts = Path.GetRelativePath(Path.Combine(RepositoryFiles.Root, "src"), Path.GetDirectoryName(file)!).Split('/');
            var name = (parts[0] == "RomFlash.Sdk.Abstractions" ? "RomFlash.Sdk" : parts[0]) + string.Concat(parts.Skip(1).Select(p => "." + p));
            var declared = File.ReadLines(file).FirstOrDefault(l => l.StartsWith("namespace ", StringComparison.Ordinal));
            Assert.True(declared is null || declared == $"namespace {name};", $"{file}: {declared}, the folder says {name}");
        }
    }

    [Fact]
    public void References_OfAKnownType_AreFound()
    {
        // The rules above hold for an empty answer too; this one does not.
        var found = TypeReferences.Of(typeof(Sdk.Pipeline.TransportFaultTranslation));
        Assert.Contains(typeof(Sdk.Transports.TransportFault), found);
        Assert.Contains(typeof(Sdk.Outcomes.ClaimLost), found);
        Assert.NotEmpty(References("RomFlash.Sdk.Images"));
        Assert.NotEmpty(References("RomFlash.Sdk.Transports"));
    }

    private static void AssertUsesOnly(string from, params string[] allowed)
    {
        var wrong = References(from).Where(r => IsOurs(r.To) && !allowed.Any(a => IsIn(r.To, a)));
        Assert.True(!wrong.Any(), string.Join('\n', wrong.Select(r => $"{r.From} uses {r.To}")));
    }

    private static void AssertNeverUses(string from, string forbidden)
    {
        var wrong = References(from).Where(r => IsIn(r.To, forbidden));
        Assert.True(!wrong.Any(), string.Join('\n', wrong.Select(r => $"{r.From} uses {r.To}")));
    }

    private static List<(Type From, Type To)> References(string from) =>
        [.. Assemblies.Values.SelectMany(a => a.GetTypes()).Where(t => IsIn(t, from)).SelectMany(t => TypeReferences.Of(t).Select(u => (From: t, To: u)))];

    private static bool IsOurs(Type type) => Assemblies.ContainsValue(type.Assembly) && IsIn(type, "RomFlash");

    private static bool IsIn(Type type, string name) =>
        type.Namespace is { } space && (space == name || space.StartsWith(name + ".", StringComparison.Ordinal));

    // Direct project references and packages that reach the user of the package, by name.
    private static IEnumerable<string> DirectDependencies(string project)
    {
        var file = Path.Combine(RepositoryFiles.Root, "src", project, project + ".csproj");
        var packages = XDocument.Load(file).Descendants("PackageReference")
            .Where(p => (string?)p.Attribute("PrivateAssets") != "all")
            .Select(p => (string)p.Attribute("Include")!);
        return ProjectReferences(file).Select(r => Path.GetFileNameWithoutExtension(r)!).Concat(packages);
    }

    private static IEnumerable<string> ProjectReferences(string project) =>
        XDocument.Load(project).Descendants("ProjectReference").Select(r => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, (string)r.Attribute("Include")!)));
}
