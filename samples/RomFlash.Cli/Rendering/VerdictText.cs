using System.Collections.Immutable;
using System.Globalization;

namespace RomFlash.Cli.Rendering;

/// <summary>A catalog's verdict for a person.</summary>
internal static class VerdictText
{
    public static IEnumerable<string> Lines(string target, VerdictResult verdict, ImmutableArray<CatalogResult> catalogs)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"{ResultText.Plain(target)}: {(verdict.IsTargetSupported ? "supported" : "not supported")}{(verdict.Boots > 0 ? $"; {verdict.Boots} boot(s)" : string.Empty)}");
        foreach (var line in Each("because", verdict.Reasons).Concat(Each("nearest", verdict.Nearest)))
        {
            yield return "  " + line;
        }

        foreach (var rom in verdict.Roms)
        {
            yield return $"  rom {ResultText.Plain(rom.Rom)}: {rom.Decision}";
            foreach (var line in Each("because", rom.Reasons).Concat(rom.Path.Select(Step)).Concat(Each("nearest", rom.Nearest)))
            {
                yield return "    " + line;
            }
        }

        foreach (var line in Each("image in no release:", verdict.UnknownImages).Concat(Each("image not needed now:", verdict.UnneededImages)).Concat(catalogs.Select(CatalogText.Who)))
        {
            yield return "  " + line;
        }
    }

    private static IEnumerable<string> Each(string what, ImmutableArray<string> texts) => texts.Select(t => $"{what} {ResultText.Plain(t)}");

    private static string Step(StepResult step, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"step {index + 1}: {ResultText.Plain(step.Version)}, {step.Size} bytes, sha256 {step.Sha256}{(step.Reboot == nameof(Sdk.Compatibility.RebootNeed.Restart) ? string.Empty : ", needs a power cycle")}");
}
