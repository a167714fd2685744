using System.Diagnostics;
using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images.Formats;

/// <summary>Capsules that another implementation made around real firmware.</summary>
[Trait("Category", "Peer")]
public sealed class MkeficapsuleTests : IDisposable
{
    private const string Tool = "/usr/bin/mkeficapsule";
    private const string Firmware = "/usr/share/OVMF";
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-capsule-").FullName;

    public static TheoryData<string> FirmwareFiles => ["OVMF_CODE.fd", "OVMF_CODE_4M.fd", "OVMF_CODE_4M.secboot.fd"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(FirmwareFiles))]
    public async Task Validate_CapsuleAroundFirmware_HasClassDigestAndLength(string file)
    {
        var path = await MakeAsync("-i", "1", "-I", "0", "-g", CapsuleBuilder.Class.ToString("D"), Path.Combine(Firmware, file));

        var image = (await ValidateAsync(path)).GetValueOrThrow();

        Assert.Equal(CapsuleBuilder.Class, Assert.Single(image.Evidence.Identity.FirmwareClasses));
        Assert.Equal(new FileInfo(path).Length, image.Length);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(path))), image.Sha256.ToString());
        Assert.DoesNotContain(image.Evidence.Warnings, w => w.Contains("result variable", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Validate_CapsuleWithOemFlag_Warns()
    {
        var path = await MakeAsync("-o", "0x8000", "-i", "1", "-g", CapsuleBuilder.Class.ToString("D"), Path.Combine(Firmware, "OVMF_VARS.fd"));

        Assert.Contains((await ValidateAsync(path)).GetValueOrThrow().Evidence.Warnings, w => w.Contains("0x8000", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Validate_AcceptAndRevertCapsules_AreNamedAndRefused()
    {
        Assert.False((await ValidateAsync(await MakeAsync("-A", "-g", CapsuleBuilder.Class.ToString("D")))).TryGetValue(out _, out var accept));
        Assert.False((await ValidateAsync(await MakeAsync("-R"))).TryGetValue(out _, out var revert));

        Assert.Equal("RF5004", accept!.Code);
        Assert.Contains("accept", accept.Detail, StringComparison.Ordinal);
        Assert.Equal("RF5004", revert!.Code);
        Assert.Contains("revert", revert.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_CapsuleCutByOneByte_IsTruncated()
    {
        var path = await MakeAsync("-i", "1", "-g", CapsuleBuilder.Class.ToString("D"), Path.Combine(Firmware, "OVMF_CODE.fd"));
        using (var file = File.OpenWrite(path))
        {
            file.SetLength(file.Length - 1);
        }

        Assert.False((await ValidateAsync(path)).TryGetValue(out _, out var failure));
        Assert.Equal("RF5006", failure!.Code);
    }

    private static ValueTask<FlashResult<RomImage>> ValidateAsync(string path) =>
        new RomImageValidator([new UefiCapsuleFormat()], new()).ValidateAsync(new FileImageSource(path), CancellationToken.None);

    private async Task<string> MakeAsync(params string[] arguments)
    {
        Assert.True(File.Exists(Tool), $"{Tool} is missing: install the package u-boot-tools");
        Assert.True(Directory.Exists(Firmware), $"{Firmware} is missing: install the package ovmf");
        var path = Path.Combine(_folder, Path.GetRandomFileName());
        using var process = Process.Start(new ProcessStartInfo(Tool, [.. arguments, path]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"mkeficapsule: {error}{await output}");
        return path;
    }
}
