using RomFlash.Sdk.Files;

namespace RomFlash.Sdk.Tests.Files;

public sealed class RealPathTests : IDisposable
{
    private readonly string _root = RealPath.Of(Directory.CreateTempSubdirectory("romflash-test-").FullName);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Of_PathWithoutLinks_IsTheSame()
    {
        Assert.Equal(Path.Combine(_root, "a", "b"), RealPath.Of(Path.Combine(_root, "a", "b")));
        Assert.Equal(Path.GetPathRoot(_root), RealPath.Of(Path.GetPathRoot(_root)!));
    }

    // "data/journal" leads to "../shared/journal": beside the real folder, and not beside the link that leads there.
    [Fact]
    public void Of_RelativeLinkInALinkedFolder_IsRelativeToTheRealOne()
    {
        var data = Directory.CreateDirectory(Path.Combine(_root, "srv", "data")).FullName;
        Directory.CreateDirectory(Path.Combine(_root, "srv", "shared"));
        Directory.CreateDirectory(Path.Combine(_root, "var"));
        Directory.CreateSymbolicLink(Path.Combine(_root, "var", "romflash"), "../srv/data");
        File.CreateSymbolicLink(Path.Combine(data, "journal"), "../shared/journal");
        File.WriteAllText(Path.Combine(_root, "srv", "shared", "journal"), "x");

        var real = RealPath.Of(Path.Combine(_root, "var", "romflash", "journal"));

        Assert.Equal(Path.Combine(_root, "srv", "shared", "journal"), real);
        Assert.Equal("x", File.ReadAllText(Path.Combine(_root, "var", "romflash", "journal")));
    }

    [Fact]
    public void Of_LinkToWhatIsNotThere_IsWhereItWouldBe()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "link"), "./missing/journal");

        Assert.Equal(Path.Combine(_root, "missing", "journal"), RealPath.Of(Path.Combine(_root, "link")));
    }

    [Fact]
    public void Of_LinksInACircle_Throws()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "a"), "b");
        File.CreateSymbolicLink(Path.Combine(_root, "b"), "a");

        Assert.Throws<IOException>(() => RealPath.Of(Path.Combine(_root, "a")));
    }
}
