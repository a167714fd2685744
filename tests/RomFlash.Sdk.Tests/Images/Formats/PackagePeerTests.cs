using System.Diagnostics;
using System.Text;
using RomFlash.Sdk.Images;
using static RomFlash.Sdk.Tests.Images.Formats.PackageRun;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Packages that other tools make are read, and those that are made here are what other tools take for right.</summary>
[Trait("Category", "Peer")]
public sealed class PackagePeerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-packages").FullName;

    // Text and noise, longer than what one block may refer back to.
    private readonly byte[] _firmware = [.. Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 9000).Select(i => $"line {i * 7919 % 1013} of some code\n"))), .. Bytes(100_000), .. new byte[200_000]];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Validate_CabinetOfGcab_IsWhatWasPutIn(bool isCompressed)
    {
        Write("firmware.bin", _firmware);
        Write("firmware.metainfo.xml", Encoding.UTF8.GetBytes(CabinetBuilder.Metainfo(_firmware)));
        Run("gcab", ["--create", .. isCompressed ? (string[])["--zip"] : [], "package.cab", "firmware.bin", "firmware.metainfo.xml"]);

        var image = await Validate(Read("package.cab"));

        Assert.Equal(Digest(_firmware), image.Sha256);
        Assert.Equal(_firmware, await ReadAll(image.Source));
        Assert.Equal(isCompressed, Read("package.cab").Length < _firmware.Length);
    }

    // What is wrong to one is wrong to the other, wherever in the data a bit is off.
    [Fact]
    public async Task Validate_DamagedCabinets_AreWrongToCabextractToo()
    {
        CabinetBuilder.Places? places = null;
        var good = CabinetBuilder.Of(true, _firmware).Build((_, p) => places = p);
        foreach (var block in places!.Blocks.Where((_, i) => i % 4 == 0))
        {
            var bad = (byte[])good.Clone();
            bad[block + 20] ^= 1;
            Write("package.cab", bad);

            await Fails(bad);
            Assert.DoesNotContain("All done, no errors", Run("cabextract", ["-t", "package.cab"], mayFail: true), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("zip", "-q9")]
    [InlineData("zip", "-q0")]
    [InlineData("zip-pipe", "")]
    [InlineData("python3", "")]
    public async Task Validate_ZipOfOthers_IsWhatWasPutIn(string tool, string option)
    {
        Write("firmware.bin", _firmware);
        Write("payload.json", Encoding.UTF8.GetBytes(ZipBuilder.Description(("firmware.bin", "2.50"))));
        switch (tool)
        {
            case "zip":
                Run("zip", [option, "package.fwpkg", "payload.json", "firmware.bin"]);
                break;
            case "zip-pipe":
                // To a pipe: sizes are behind the data.
                Run("sh", ["-c", "zip -q - payload.json firmware.bin | cat > package.fwpkg"]);
                break;
            default:
                Run("python3", ["-m", "zipfile", "-c", "package.fwpkg", "payload.json", "firmware.bin"]);
                break;
        }

        var image = await Validate(Read("package.fwpkg"));

        Assert.Equal(Digest(_firmware), image.Sha256);
        Assert.Equal(_firmware, await ReadAll(image.Source));
        Assert.Equal(RomKind.SystemRom, image.Evidence.Identity.Kind);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Build_OurZips_AreRightToPython(bool hasSizesBehind)
    {
        var zip = ZipBuilder.Package(_firmware);
        if (hasSizesBehind)
        {
            zip.Entries[1].WithSizesBehind();
        }

        Write("package.fwpkg", zip.Build());

        Assert.DoesNotContain("corrupted", Run("python3", ["-m", "zipfile", "-t", "package.fwpkg"]), StringComparison.Ordinal);
    }

    private void Write(string name, byte[] content) => File.WriteAllBytes(Path.Combine(_folder, name), content);

    private byte[] Read(string name) => File.ReadAllBytes(Path.Combine(_folder, name));

    private string Run(string tool, string[] arguments, bool mayFail = false)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + error.GetAwaiter().GetResult();
        process.WaitForExit();
        Assert.True(mayFail || process.ExitCode == 0, output);
        return output;
    }
}
