using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Staging;

public sealed class DepositNameTests
{
    [Theory]
    [InlineData("BMC_1.02.exe", "romflash-03.exe")]
    [InlineData("U30_2.50.FWPKG", "romflash-03.fwpkg")]
    [InlineData("/images/v1.2/rom.D7", "romflash-03.d7")]
    [InlineData("twelve.12345678", "romflash-03.12345678")]
    [InlineData("nine.123456789", "romflash-03.bin")]
    [InlineData("none", "romflash-03.bin")]
    [InlineData("", "romflash-03.bin")]
    [InlineData("dot.", "romflash-03.bin")]
    [InlineData("/images/v1.2/rom", "romflash-03.bin")]
    [InlineData("a.b c", "romflash-03.bin")]
    [InlineData("quote.x\"y", "romflash-03.bin")]
    [InlineData("line.x\r\ny", "romflash-03.bin")]
    [InlineData("kelvin.\u212a", "romflash-03.bin")]
    public void NameOf_DepositOnNoSystemPartition_KeepsAPlainExtension(string source, string name) =>
        Assert.Equal(name, DefaultImageStager.NameOf(3, source, Traits(usesSystemPartition: false)));

    [Theory]
    [InlineData("BMC_1.02.exe")]
    [InlineData("none")]
    public void NameOf_DepositOnTheSystemPartition_IsACapsule(string source) =>
        Assert.Equal("romflash-12.cap", DefaultImageStager.NameOf(12, source, Traits(usesSystemPartition: true)));

    [Theory]
    [InlineData(true, "romflash-00.cap", "romflash-01.cap")]
    [InlineData(false, "romflash-00.rom", "romflash-01.rom")]
    public void FlashAsync_Deposit_HasNamesForItsPlace(bool usesSystemPartition, params string[] names)
    {
        var bench = new Bench(SimulatedPersona.Ordinary with { UsesSystemPartition = usesSystemPartition });
        var staged = new List<string>();
        bench.Stager = new Watched(bench.Stager, staged);

        Bench.IsUpgraded(bench.Flash());

        Assert.Equal(names, staged);
    }

    private static DepositTraits Traits(bool usesSystemPartition) => new() { Verification = [], UsesSystemPartition = usesSystemPartition };

    private sealed class Watched(IImageStager inner, List<string> names) : IImageStager
    {
        public async ValueTask<FlashResult<StagingEvidence>> StageAsync(StageContext context, ApprovedUpgrade approved, DepositKey deposit, CancellationToken cancellationToken)
        {
            var result = await inner.StageAsync(context, approved, deposit, cancellationToken);
            names.AddRange(result.TryGetValue(out var evidence, out _) ? evidence.Manifest.Files.Select(f => f.Name) : []);
            return result;
        }

        public ValueTask<FlashResult<CleanUpEvidence>> CleanUpAsync(StageContext context, CleanUpScope scope, CancellationToken cancellationToken) => inner.CleanUpAsync(context, scope, cancellationToken);
    }
}
