using System.Diagnostics;
using RomFlash.Sdk.Images.Formats;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Real firmware with one thing wrong, beside the verdict of another implementation.</summary>
[Trait("Category", "Peer")]
public sealed class FwupdVolumeTests
{
    private const string Tool = "/usr/bin/fwupdtool";
    private const string Firmware = "/usr/share/OVMF/OVMF_CODE.fd";

    // Nothing is changed in the second volume: the peer reads the first alone.
    [Theory]
    [InlineData("as it is", -1, true)]
    [InlineData("attributes of the volume", 44, false)]
    [InlineData("sum of the volume", 50, false)]
    [InlineData("name of the second file", 0x78, false)]
    [InlineData("type of the second file", 0x78 + 18, false)]
    [InlineData("data of the LZMA stream", 0x78 + 24 + 24 + 5000, false)]
    public async Task Read_ChangedByte_IsRefusedByBoth(string what, int at, bool isAccepted)
    {
        Assert.True(File.Exists(Tool), $"{Tool} is missing: install the package fwupd");
        Assert.True(File.Exists(Firmware), $"{Firmware} is missing: install the package ovmf");
        var image = await File.ReadAllBytesAsync(Firmware);
        if (at >= 0)
        {
            image[at] ^= 0x10;
        }

        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllBytesAsync(path, image);
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Tool, ["firmware-parse", path, "efi-volume"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();

            Assert.True(process.ExitCode == 0 == isAccepted, $"{what}: {await error}");
            Assert.Equal(isAccepted, FormatRun.Of(image, new FirmwareVolumeFormat()).Problems.IsEmpty);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
