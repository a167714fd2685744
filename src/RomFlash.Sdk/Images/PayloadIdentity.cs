using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>What a payload is for: by the package's word and by its own, which must not contradict each other.</summary>
internal static class PayloadIdentity
{
    public static RomIdentity Combine(RomImageReading reading, string name, RomIdentity package)
    {
        var own = reading.Identity;
        if (own.Kind is { } kind && package.Kind is { } said && kind != said)
        {
            Contradiction(reading, name, $"is a {kind}, the package says {said}");
        }

        if (Contradict(own.FirmwareClasses, package.FirmwareClasses))
        {
            Contradiction(reading, name, $"is for firmware class {string.Join(", ", own.FirmwareClasses)}, the package says {string.Join(", ", package.FirmwareClasses)}");
        }

        if (Contradict(own.DeviceClasses, package.DeviceClasses))
        {
            Contradiction(reading, name, $"is for device class {string.Join(", ", own.DeviceClasses)}, the package says {string.Join(", ", package.DeviceClasses)}");
        }

        // Ids are patterns: of two that meet, the one that says more is what both say.
        var pci = own.PciIds.IsEmpty ? package.PciIds
            : package.PciIds.IsEmpty ? own.PciIds
            : [.. own.PciIds.SelectMany(o => package.PciIds.Where(p => o.Matches(p) || p.Matches(o)).Select(p => o.Matches(p) ? o : p)).Distinct()];
        if (pci.IsEmpty && !own.PciIds.IsEmpty)
        {
            Contradiction(reading, name, $"is for {string.Join(", ", own.PciIds)}, the package says {string.Join(", ", package.PciIds)}");
        }

        return new()
        {
            Kind = own.Kind ?? package.Kind,
            FirmwareClasses = Narrow(own.FirmwareClasses, package.FirmwareClasses),
            DeviceClasses = Narrow(own.DeviceClasses, package.DeviceClasses),
            PciIds = pci,
            Models = [.. own.Models.Concat(package.Models).Distinct(StringComparer.OrdinalIgnoreCase)],
            Version = own.Version ?? package.Version,
            LowestSupportedVersion = own.LowestSupportedVersion ?? package.LowestSupportedVersion,
        };
    }

    private static void Contradiction(RomImageReading reading, string name, string what) =>
        reading.Report(new ImageMalformed { Detail = $"{name}: the payload {what}" });

    private static bool Contradict<T>(ImmutableArray<T> own, ImmutableArray<T> package) => !own.IsEmpty && !package.IsEmpty && !own.Intersect(package).Any();

    // What both say, or the only one that says anything.
    private static ImmutableArray<T> Narrow<T>(ImmutableArray<T> own, ImmutableArray<T> package) =>
        own.IsEmpty ? package : package.IsEmpty ? own : [.. own.Intersect(package)];
}
