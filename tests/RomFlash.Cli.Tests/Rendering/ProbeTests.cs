using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Tests.Rendering;

/// <summary>A fact for people alone is shown where a transport tells it, and changes nothing for the others.</summary>
public sealed class ProbeTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SecureBoot_Known_IsShown(bool isOn)
    {
        var report = Report(new() { SecureBoot = isOn });
        Assert.Contains($"  secure boot: {isOn}", ProbeText.Lines(report));
        Assert.Equal(isOn, ProbeResult.Of(report).SecureBoot);
    }

    [Fact]
    public void SecureBoot_Unknown_IsLeftOut()
    {
        var report = Report(new() { SecureBoot = Fact<bool>.Unknown("nobody tells") });
        Assert.DoesNotContain(ProbeText.Lines(report), l => l.Contains("secure", StringComparison.OrdinalIgnoreCase));
        var result = ProbeResult.Of(report);
        Assert.Null(result.SecureBoot);
        Assert.DoesNotContain(result.Unknown, u => u.Fact == "secureBoot");
    }

    private static TargetReport Report(TargetReadiness readiness) =>
        TargetReport.TryCreate(FlashTarget.Parse("dir:/a"), new ProbeEvidence { Facts = new() { Readiness = readiness } }).GetValueOrThrow();
}
