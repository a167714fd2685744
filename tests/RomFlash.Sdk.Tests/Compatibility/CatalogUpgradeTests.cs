using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>A catalog of JSON in whole upgrades.</summary>
public sealed class CatalogUpgradeTests
{
    private const string Controller = "bmc";

    private static readonly Guid ControllerClass = new("99999999-7777-8888-9999-aaaaaaaaaaaa");
    private static readonly HardwareDescription Hardware = new() { Family = "ProLiant", BaseboardManufacturer = "HPE", BaseboardProduct = "Board 7", BiosVendor = "HPE", EnclosureType = 23 };

    private static readonly SimulatedRom OldController = Rom(ControllerClass, RomKind.Controller, "1.00", 1, 11);
    private static readonly SimulatedRom NewController = Rom(ControllerClass, RomKind.Controller, "2.00", 2, 12);
    private static readonly SimulatedRom Array1 = Rom(Bench.ArrayClass, RomKind.ArrayController, "7.00", 0x0007_0000, 13);
    private static readonly SimulatedRom Array2 = Rom(Bench.ArrayClass, RomKind.ArrayController, "7.10", 0x0007_1000, 14);
    private static readonly SimulatedRom Array3 = Rom(Bench.ArrayClass, RomKind.ArrayController, "7.20", 0x0007_2000, 15);

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 4)]
    [InlineData(3, 3)]
    public void FlashAsync_SeveralPaths_TakesAsManyBootsAsTheVerdictSays(int mostComponents, int boots)
    {
        // Three ROMs: one boot each for the controller and the system, three for the array controller, which comes last.
        var bench = Machine(mostComponents, Hardware);

        var verdict = Ask(bench);
        Bench.IsUpgraded(bench.Flash());

        Assert.Equal(boots, verdict.Boots);
        Assert.Equal(boots, bench.Target.BootCount);
        Assert.Equal(5, Bench.Flashed(bench.Target).Count());
        Assert.Equal(0, Ask(bench).Boots);
    }

    [Fact]
    public void FlashAsync_MachineThatTellsOtherHardware_IsNotSupported()
    {
        var bench = Machine(3, Hardware with { BaseboardProduct = "Board 8" });

        Assert.False(Ask(bench).IsTargetSupported);
        Assert.Equal("RF4001", Bench.FailureOf(bench.Flash().Result).Code);
        Assert.Empty(Bench.Done(bench.Target));
    }

    private static Bench Machine(int mostComponents, HardwareDescription hardware)
    {
        var bench = new Bench(SimulatedPersona.Ordinary with { MaxComponents = mostComponents }, o => o with
        {
            Roms = [new SimulatedRomSlot(Controller, OldController), .. o.Roms],
            Hardware = hardware,
        })
        {
            Images = [NewController.Image, Bench.NewSystem.Image, Array1.Image, Array2.Image, Array3.Image],
        };

        // By an id that the baseboard is part of.
        var ids = ComputerHardwareIds.Compute(bench.Target.Identity, Hardware).Except(ComputerHardwareIds.Compute(bench.Target.Identity, Hardware with { BaseboardProduct = null })).ToImmutableArray();
        Assert.NotEmpty(ids);
        var document = new CatalogDocument
        {
            Name = "rack",
            Systems =
            [
                new()
                {
                    HardwareIds = [ids[0]],
                    Roms =
                    [
                        Entry(NewController, NewController.ToRelease()),
                        Entry(Bench.NewSystem, Bench.NewSystem.ToRelease()),
                        Entry(Array1, Array1.ToRelease(), Array2.ToRelease(Esrt(Array1)), Array3.ToRelease(Esrt(Array2))),
                    ],
                },
            ],
        };
        bench.Catalog = JsonCompatibilityCatalog.TryCreate([new(document, new("rack", CatalogText.Digest(1)))], bench.Clock).GetValueOrThrow();
        return bench;
    }

    private static CompatibilityVerdict Ask(Bench bench)
    {
        var report = bench.Clock.Drive(() => bench.Client().ProbeAsync(bench.FlashTarget, null, CancellationToken.None)).GetValueOrThrow();
        return CatalogQuestions.Verdict((JsonCompatibilityCatalog)bench.Catalog, new(report, bench.Images, bench.Policy));
    }

    private static SimulatedRom Rom(Guid firmwareClass, RomKind kind, string version, uint packed, uint seed) => SimulatedRom.Create(firmwareClass, kind, version, packed, 3000, seed);

    private static CatalogRom Entry(SimulatedRom rom, params ImmutableArray<RomRelease> releases) => new() { Component = rom.Kind, FirmwareClass = rom.FirmwareClass, Releases = releases };

    private static ReportedVersion Esrt(SimulatedRom rom) => new(FactSource.Esrt, RomVersion.FromPacked(rom.PackedVersion));
}
