using System.Collections.Immutable;
using RomFlash.Sdk.Compatibility;

namespace RomFlash.Cli.Rendering;

/// <summary>A step of a path, as it is written.</summary>
internal sealed record StepResult(string Version, string Sha256, long Size, string Reboot, string? Notes);

/// <summary>A catalog's word on one ROM, as it is written.</summary>
internal sealed record RomVerdictResult(string Rom, string Decision, ImmutableArray<string> Reasons, ImmutableArray<StepResult> Path, ImmutableArray<string> Nearest);

/// <summary>A catalog's verdict on a target, as it is written. Untrusted text is still raw here.</summary>
internal sealed record VerdictResult(
    bool IsTargetSupported,
    int Boots,
    ImmutableArray<string> Reasons,
    ImmutableArray<string> Nearest,
    ImmutableArray<RomVerdictResult> Roms,
    ImmutableArray<string> UnknownImages,
    ImmutableArray<string> UnneededImages)
{
    public static VerdictResult Of(CompatibilityVerdict verdict) => new(
        verdict.IsTargetSupported,
        verdict.Boots,
        OrEmpty(verdict.Reasons),
        OrEmpty(verdict.Nearest),
        [.. OrEmpty(verdict.Components).Select(c => new RomVerdictResult(
            c.ComponentId,
            c.Decision.ToString(),
            OrEmpty(c.Reasons),
            [.. OrEmpty(c.Path).Select(r => new StepResult(r.Version.Text, r.Sha256.ToString(), r.Length, r.Reboot.ToString(), r.Notes.Length == 0 ? null : r.Notes))],
            OrEmpty(c.Nearest)))],
        [.. OrEmpty(verdict.UnknownImages).Select(d => d.ToString())],
        [.. OrEmpty(verdict.UnneededImages).Select(d => d.ToString())]);

    private static ImmutableArray<T> OrEmpty<T>(ImmutableArray<T> values) => values.IsDefault ? [] : values;
}
