using System.Globalization;
using RomFlash.Sdk.Images;

namespace RomFlash.Cli.Rendering;

/// <summary>A validated image for a person.</summary>
internal static class ImageText
{
    public static IEnumerable<string> Lines(RomImage image)
    {
        var identity = image.Evidence.Identity;
        yield return $"{ResultText.Plain(image.Source.Name)}: valid";
        yield return $"  format: {ResultText.Plain(image.Evidence.Format)}";
        yield return string.Create(CultureInfo.InvariantCulture, $"  length: {image.Length} bytes");
        yield return $"  sha256: {image.Sha256}";
        if (identity.Kind is { } kind)
        {
            yield return $"  kind: {kind}";
        }

        foreach (var firmwareClass in identity.FirmwareClasses)
        {
            yield return $"  firmware class: {firmwareClass}";
        }

        foreach (var pci in identity.PciIds)
        {
            yield return $"  pci: {pci}";
        }

        if (identity.Version is { } version)
        {
            yield return $"  version: {ResultText.Plain(version.Text)}";
        }

        if (identity.LowestSupportedVersion is { } lowest)
        {
            yield return $"  lowest supported version: {ResultText.Plain(lowest.Text)}";
        }

        foreach (var warning in image.Evidence.Warnings)
        {
            yield return $"  warning: {ResultText.Plain(warning)}";
        }
    }
}
