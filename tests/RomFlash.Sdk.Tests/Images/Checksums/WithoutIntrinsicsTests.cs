using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace RomFlash.Sdk.Tests.Images.Checksums;

/// <summary>The same tests of checksums on a processor that can less: the scalar code gives the same values.</summary>
[Trait("Category", "Slow")]
public sealed partial class WithoutIntrinsicsTests
{
    [Theory]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableAVX512F")]
    public async Task Checksums_WithLess_PassTheSameTests(string switchedOff)
    {
        var start = new ProcessStartInfo(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..", "dotnet"),
            ["vstest", typeof(WithoutIntrinsicsTests).Assembly.Location, "--TestCaseFilter:(FullyQualifiedName~ChecksumTests|FullyQualifiedName~MultiDigestTests|FullyQualifiedName~Md5WithSha1Tests)&Category!=Peer&Category!=Slow"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment[switchedOff] = "0";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.True(process.ExitCode == 0, output + await errors);
        var passed = Passed().Match(output);
        Assert.True(passed.Success && int.Parse(passed.Groups[1].Value, CultureInfo.InvariantCulture) > 40, output);
    }

    [GeneratedRegex(@"Passed:\s+([0-9]+)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Passed();
}
