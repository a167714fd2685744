using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Simulation;

namespace RomFlash.Cli.Demo;

/// <summary>The ROMs of the demo, and the catalog that knows them.</summary>
internal static class DemoRoms
{
    /// <summary>How much a target of the demo takes in one write, in bytes: little enough for a transfer that can be watched.</summary>
    public const int ChunkLength = 4 << 10;

    private const int PayloadLength = 64 << 10;

    private static readonly Guid SystemClass = new("6f0c2d5e-8d0b-4a53-9f3c-5f1de0c0a001");
    private static readonly Guid ArrayClass = new("6f0c2d5e-8d0b-4a53-9f3c-5f1de0c0a002");
    private static readonly Guid OtherClass = new("6f0c2d5e-8d0b-4a53-9f3c-5f1de0c0a003");

    public static SimulatedRom OldSystem { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.40 (01/12/2020)", 0x0002_4000, PayloadLength, seed: 1);

    public static SimulatedRom NewSystem { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000, PayloadLength, seed: 2);

    /// <summary>Known to nobody but to whoever left it on a target.</summary>
    public static SimulatedRom StrangeSystem { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.47 (06/06/2020)", 0x0002_4700, PayloadLength, seed: 3);

    public static SimulatedRom NewerSystem { get; } = SimulatedRom.Create(SystemClass, RomKind.SystemRom, "U30 v2.60 (07/07/2022)", 0x0002_6000, PayloadLength, seed: 4);

    public static SimulatedRom OldArray { get; } = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "6.88", 0x0006_8800, PayloadLength, seed: 5);

    public static SimulatedRom NewArray { get; } = SimulatedRom.Create(ArrayClass, RomKind.ArrayController, "7.00", 0x0007_0000, PayloadLength, seed: 6);

    /// <summary>Of a machine that the catalog has no release for.</summary>
    public static SimulatedRom OtherMachine { get; } = SimulatedRom.Create(OtherClass, RomKind.SystemRom, "P01 v1.00 (01/01/2019)", 0x0001_0000, PayloadLength, seed: 7);

    public static SimulatedCatalog Catalog { get; } = SimulatedCatalog.Of(NewSystem, NewArray);
}
