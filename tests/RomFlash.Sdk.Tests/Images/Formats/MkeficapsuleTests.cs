using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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

    [Fact]
    public async Task Read_SignedCapsule_IsTrustedByItsSignerAloneAndByNoOtherBytes()
    {
        using var signer = new CapsuleSigner("CN=Peer");
        using var other = new CapsuleSigner("CN=Other");
        using var key = signer.Certificate.GetRSAPrivateKey()!;
        var (keyFile, certificateFile, payload) = (Path.Combine(_folder, "key.pem"), Path.Combine(_folder, "certificate.pem"), Path.Combine(_folder, "payload"));
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(certificateFile, signer.Certificate.ExportCertificatePem());
        await File.WriteAllBytesAsync(payload, [.. CapsuleBuilder.PayloadHeader(5, 4), .. Enumerable.Range(0, 100).Select(i => (byte)i)]);
        var signed = await MakeAsync("-i", "1", "-m", "77", "-p", keyFile, "-c", certificateFile, "-g", CapsuleBuilder.Class.ToString("D"), payload);
        var bytes = await File.ReadAllBytesAsync(signed);

        var run = FormatRun.Of(bytes, RomInspectionDepth.Full, signer.Trust, RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal((ImageSignatureStatus.Trusted, "CN=Peer"), (run.Signature, Assert.Single(run.Signatures).Signer));
        Assert.Equal(RomVersion.FromPacked(5), run.Identity.Version);
        var authentication = run.Parts.Single(p => p.Kind == "authentication");
        Assert.Contains("monotonic count 77", authentication.Notes);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, FormatRun.Of(bytes, RomInspectionDepth.Full, other.Trust, RomImageFormats.All).Signature);
        Assert.Equal(ImageSignatureStatus.SignerUntrusted, FormatRun.Of(bytes, RomImageFormats.All).Signature);

        // Every byte of the count, of the signature and of what is signed.
        var start = (int)authentication.Offset;
        var unaffected = new List<int>();
        for (var at = start; at < bytes.Length; at++)
        {
            bytes[at] ^= 0x10;
            if (FormatRun.Of(bytes, RomInspectionDepth.Full, signer.Trust, RomImageFormats.All) is { Failure: null, Signature: ImageSignatureStatus.Trusted })
            {
                unaffected.Add(at - start);
            }

            bytes[at] ^= 0x10;
        }

        // CMS has bytes that say the same either way, or that nobody signs (its version, names of algorithms that are listed twice): few, and none of what is signed.
        Assert.DoesNotContain(unaffected, at => at is < 8 || at >= authentication.Length);
        Assert.True(unaffected.Count < 32, $"{unaffected.Count} bytes: {string.Join(' ', unaffected)}");
    }

    [Fact]
    public async Task Read_UnsignedCapsule_IsUnsigned()
    {
        var path = await MakeAsync("-i", "1", "-g", CapsuleBuilder.Class.ToString("D"), Path.Combine(Firmware, "OVMF_VARS.fd"));

        var run = FormatRun.Of(await File.ReadAllBytesAsync(path), RomImageFormats.All);

        Assert.Null(run.Failure);
        Assert.Equal(ImageSignatureStatus.Unsigned, run.Signature);
        Assert.Empty(run.Signatures);
        Assert.Contains(run.Parts, p => p.Kind == "firmware-volume");
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
