using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Compatibility;

/// <summary>Questions to a catalog, and what is read of the answer.</summary>
internal static class CatalogQuestions
{
    public static CatalogLayer Layer(string catalog, string name) =>
        new(CatalogText.Parse(catalog), new CatalogProvenance(name, CatalogText.Digest(name.GetHashCode(StringComparison.Ordinal))) { Accepted = [CatalogWeakness.Unsigned] });

    public static JsonCompatibilityCatalog Layers(params string[] catalogs) =>
        JsonCompatibilityCatalog.TryCreate([.. catalogs.Select((c, i) => Layer(c, $"layer {i}"))], null).GetValueOrThrow();

    /// <summary>A machine with one system ROM, and images at hand.</summary>
    public static CompatibilityQuery Ask(string product, int installed, params int[] images) => Ask(Identity(product), [Installed(installed)], images);

    public static CompatibilityQuery Ask(TargetIdentity identity, ImmutableArray<InstalledRom> roms, int[] images, int mostComponents = 4, HardwareDescription? hardware = null)
    {
        var evidence = new ProbeEvidence
        {
            Facts = new() { Identity = identity, Roms = roms, Hardware = hardware is null ? default(Fact<HardwareDescription>) : hardware },
            Armed = new ArmedState { Phase = ArmedPhase.None, Offers = [new(ArmingMethod.CapsuleFileOnly, CanDisarm: true, FlashesAtOnce: false, mostComponents)] },
        };
        return new(TargetReport.TryCreate(FlashTarget.Parse("dir:/target"), evidence).GetValueOrThrow(), [.. images.Select(Image)], FlashPolicy.Default);
    }

    public static TargetIdentity Identity(string? product) => new() { SerialNumber = "S1", Manufacturer = "HPE", Product = product };

    public static InstalledRom Installed(int version, string id = "system") => new() { Id = id, Kind = RomKind.SystemRom, Versions = [new(FactSource.Smbios, RomVersion.Parse($"{version}.0"))] };

    public static RomImage Image(int version) =>
        RomImage.TryCreate(new MemoryImageSource($"v{version}.cap", new byte[100]), new() { Format = "test", Signature = ImageSignatureStatus.Trusted, Length = 100, Sha256 = CatalogText.Digest(version) }).GetValueOrThrow();

    public static FlashResult<CompatibilityVerdict> Evaluate(JsonCompatibilityCatalog catalog, CompatibilityQuery query)
    {
        var asked = catalog.EvaluateAsync(query, CancellationToken.None);
        Assert.True(asked.IsCompleted);
        return asked.AsTask().Result;
    }

    public static CompatibilityVerdict Verdict(JsonCompatibilityCatalog catalog, CompatibilityQuery query) => Evaluate(catalog, query).GetValueOrThrow();

    public static CompatibilityVerdict Verdict(string catalog, CompatibilityQuery query) => Verdict(Layers(catalog), query);

    public static ComponentVerdict Only(JsonCompatibilityCatalog catalog, CompatibilityQuery query) => Assert.Single(Verdict(catalog, query).Components);

    /// <summary>Why the verdict would not become a key, or null when it would.</summary>
    public static FlashFailure? Objection(JsonCompatibilityCatalog catalog, CompatibilityQuery query) =>
        ApprovedUpgrade.FindObjections(query.Report, query.Images, Verdict(catalog, query), query.Policy).FirstOrDefault();

    public static FlashFailure Failure<T>(FlashResult<T> result)
        where T : notnull
    {
        Assert.False(result.TryGetValue(out _, out var failure));
        return failure;
    }
}
