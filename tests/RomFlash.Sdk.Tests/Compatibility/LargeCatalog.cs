using System.Collections.Immutable;
using System.Globalization;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>How the systems of a large catalog are named.</summary>
public enum LargeCatalogKind
{
    /// <summary>By their full names.</summary>
    Names,

    /// <summary>By patterns for the manufacturer and the product.</summary>
    Patterns,

    /// <summary>By computer hardware ids.</summary>
    HardwareIds,
}

/// <summary>What is asked of a large catalog.</summary>
public enum LargeCatalogQuestion
{
    /// <summary>One image that is newer than what is installed.</summary>
    Approved,

    /// <summary>One image that is installed already.</summary>
    Current,

    /// <summary>Four images: three stepping stones and the goal.</summary>
    SteppingStones,

    /// <summary>One image, and a target that is none of the systems.</summary>
    Unsupported,
}

/// <summary>1,000 systems with two ROMs and five releases of each: 10,000 images.</summary>
internal sealed class LargeCatalog
{
    public const int Systems = 1000;
    public const int Releases = 5;

    private const int Asked = 617;

    private LargeCatalog(CatalogDocument document)
    {
        Document = document;
        var provenance = new CatalogProvenance("large", Digest(0, 0, 1)) { Accepted = [CatalogWeakness.Unsigned] };
        Catalog = JsonCompatibilityCatalog.TryCreate([new(document, provenance)], null).GetValueOrThrow();
    }

    public CatalogDocument Document { get; }

    public JsonCompatibilityCatalog Catalog { get; }

    public static LargeCatalog Create(LargeCatalogKind kind) => new(new CatalogDocument { Name = "large", Systems = [.. Enumerable.Range(0, Systems).Select(i => System(i, kind))] });

    public static CompatibilityQuery Ask(LargeCatalogQuestion question)
    {
        var identity = new TargetIdentity
        {
            SerialNumber = "S1",
            SmbiosUuid = Guid.Parse("30373237-3132-4d32-3230-343230304c36"),
            Manufacturer = "HPE",
            Product = Product(question == LargeCatalogQuestion.Unsupported ? Systems + Asked : Asked),
            Sku = "867959-B21",
        };
        ImmutableArray<InstalledRom> roms =
        [
            new() { Id = "system", Kind = RomKind.SystemRom, FirmwareClass = Class(Asked), Versions = Reported(Asked, 0, 1) },
            new() { Id = "array-0", Kind = RomKind.ArrayController, Pci = Pci(Asked), Versions = Reported(Asked, 1, 1) },
        ];
        var evidence = new ProbeEvidence
        {
            Facts = new() { Identity = identity, Roms = roms },
            Armed = new ArmedState { Phase = ArmedPhase.None, Offers = [new(ArmingMethod.CapsuleFileOnly, CanDisarm: true, FlashesAtOnce: false, MaxComponents: 4)] },
        };
        ImmutableArray<int> images = question switch
        {
            LargeCatalogQuestion.Current => [1],
            LargeCatalogQuestion.SteppingStones => [2, 3, 4, 5],
            _ => [2],
        };
        return new(TargetReport.TryCreate(FlashTarget.Parse("dir:/target"), evidence).GetValueOrThrow(), [.. images.Select(r => Image(Asked, 0, r))], FlashPolicy.Default);
    }

    private static CatalogSystem System(int i, LargeCatalogKind kind) => new()
    {
        Manufacturer = kind switch
        {
            LargeCatalogKind.Names => "HPE",
            LargeCatalogKind.Patterns => "H*",
            _ => null,
        },
        Product = kind switch
        {
            LargeCatalogKind.Names => Product(i),
            LargeCatalogKind.Patterns => Product(i) + "*",
            _ => null,
        },
        HardwareIds = kind == LargeCatalogKind.HardwareIds ? [HardwareId(i)] : [],
        Roms =
        [
            new() { Component = RomKind.SystemRom, FirmwareClass = Class(i), Releases = [.. Enumerable.Range(1, Releases).Select(r => Release(i, 0, r))] },
            new() { Component = RomKind.ArrayController, Pci = Pci(i), Releases = [.. Enumerable.Range(1, Releases).Select(r => Release(i, 1, r))] },
        ],
    };

    // The last of the ids that a maker and a product alone give.
    private static Guid HardwareId(int i) => ComputerHardwareIds.Compute(new TargetIdentity { Manufacturer = "HPE", Product = Product(i) }, new HardwareDescription())[0];

    private static string Product(int i) => string.Create(CultureInfo.InvariantCulture, $"ProLiant DL{i} Gen10");

    private static Guid Class(int i) => new(i, 1, 2, [3, 4, 5, 6, 7, 8, 9, 10]);

    private static PciId Pci(int i) => new(0x9005, (ushort)i, 0x103c, 0x1100);

    private static RomRelease Release(int system, int rom, int release) => new()
    {
        Version = Reported(system, rom, release)[0].Version,
        Sha256 = Digest(system, rom, release),
        Length = 100,
        ReportedAs = Reported(system, rom, release),

        // From the third on each one follows the one before.
        RequiredMinimum = release > 2 ? [Reported(system, rom, release - 1)[1]] : [],
    };

    private static ImmutableArray<ReportedVersion> Reported(int system, int rom, int release) =>
    [
        rom == 0
            ? new(FactSource.Smbios, RomVersion.Parse(string.Create(CultureInfo.InvariantCulture, $"U{system} v2.{release}0 (03/12/202{release})")))
            : new(FactSource.Device, RomVersion.Parse(string.Create(CultureInfo.InvariantCulture, $"7.{release}"))),
        new(FactSource.Esrt, RomVersion.FromPacked((uint)((system << 8) + release))),
    ];

    private static ContentDigest Digest(int system, int rom, int release)
    {
        Span<byte> bytes = stackalloc byte[ContentDigest.Size];
        bytes.Fill(0xA5);
        BitConverter.TryWriteBytes(bytes, system);
        bytes[4] = (byte)rom;
        bytes[5] = (byte)release;
        return new(bytes);
    }

    private static RomImage Image(int system, int rom, int release) => RomImage.TryCreate(
        new MemoryImageSource(string.Create(CultureInfo.InvariantCulture, $"v{release}.cap"), new byte[100]),
        new() { Format = "test", Length = 100, Sha256 = Digest(system, rom, release) }).GetValueOrThrow();
}
