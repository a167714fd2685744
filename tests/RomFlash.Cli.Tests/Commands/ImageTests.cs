namespace RomFlash.Cli.Tests.Commands;

public sealed class ImageTests : IDisposable
{
    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Validate_WholeImage_SaysWhatItIs()
    {
        _bench.WriteSmallCapsule();

        var result = await Cli.RunAsync("validate", "--image", _bench.Image);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("format: uefi-capsule", result.Out, StringComparison.Ordinal);
        Assert.Contains("firmware class: 9f1a6c0e-41f5-4e35-9d0b-2a6a3e1c7b11", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_MissingFile_IsUnreadable() => AssertRefused("RF5001", await Cli.RunAsync("validate", "--image", _bench.Image));

    [Fact]
    public async Task Validate_Folder_IsUnreadable() => AssertRefused("RF5001", await Cli.RunAsync("validate", "--image", _bench.Folder));

    [Fact]
    public async Task Validate_EmptyFile_IsEmpty()
    {
        File.WriteAllBytes(_bench.Image, []);

        AssertRefused("RF5002", await Cli.RunAsync("validate", "--image", _bench.Image));
    }

    [Fact]
    public async Task Validate_HugeFile_IsTooLargeAndNotRead()
    {
        using (var file = File.Create(_bench.Image))
        {
            file.SetLength(1L << 40);
        }

        AssertRefused("RF5003", await Cli.RunAsync("validate", "--image", _bench.Image));
    }

    [Fact]
    public async Task Validate_HostileFileName_IsNotRaw()
    {
        var result = await Cli.RunAsync("validate", "--image", Path.Combine(_bench.Folder, Output.Hostile.Replace('/', '_')));

        AssertRefused("RF5001", result);
        Output.AssertPlain(result);
        Assert.DoesNotContain("\nromflash: all is well", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_EmptyImage_RefusesEveryTargetInJsonAndTouchesNone()
    {
        _bench.WriteSmallCapsule();
        File.WriteAllBytes(_bench.Image, []);

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--target", "dir:/nowhere", "--json"]);

        AssertRefused("RF5002", result);
        Assert.Equal([_bench.Target, "dir:/nowhere"], result.Json.Select(o => o.GetProperty("target").GetString()));
        Assert.All(result.Json, o => Assert.Equal("Untouched", o.GetProperty("targetState").GetString()));
        Assert.False(File.Exists(_bench.Journal));
    }

    private static void AssertRefused(string code, RunResult result)
    {
        Assert.Equal(7, result.ExitCode);
        Assert.Contains($"romflash: {code} ", result.Error, StringComparison.Ordinal);
        Assert.Contains("  cause:  ", result.Error, StringComparison.Ordinal);
        Assert.Contains("  remedy: ", result.Error, StringComparison.Ordinal);
    }
}
