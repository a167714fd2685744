using System.Globalization;
using RomFlash.Sdk.Recovery;

namespace RomFlash.Cli.Rendering;

/// <summary>What to do about a target, for a person.</summary>
internal static class RecoveryText
{
    public static IReadOnlyList<string> Lines(TargetResult result, RecoveryResult recovery)
    {
        var lines = new List<string> { $"{ResultText.Plain(result.Target)}: {result.Outcome}; state {result.TargetState}; {ResultText.Plain(result.Message)}" };
        lines.AddRange(recovery.Flashed.Select(f => $"  flashed: {ResultText.Plain(f.Component)}, {ResultText.Plain(f.FromVersion ?? "unknown")} -> {ResultText.Plain(f.ToVersion)}, sha256 {f.Sha256}"));
        lines.AddRange(recovery.Evidence.Select(e => $"  evidence: {ResultText.Plain(e)}"));
        if (recovery.Image is { } image)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"  recovery image: {ResultText.Plain(image.Name)}, {image.Length} bytes, sha256 {image.Sha256}"));
        }

        lines.AddRange(recovery.Plans.Select(p => $"  before: {ResultText.Plain(p.Component)}, {ResultText.Plain(p.FromVersion ?? "unknown")}; {(p.Image is { } back ? ResultText.Plain($"image {back.Name}, sha256 {back.Sha256}") : "no image known")}; {Copy(p)}"));
        lines.AddRange(recovery.Steps.Select((s, i) => string.Create(CultureInfo.InvariantCulture, $"  {i + 1}. {ResultText.Plain(s)}")));
        return lines;
    }

    /// <summary>What is to be known of a flash's way back although all went well so far, or null.</summary>
    public static string? Note(RecoveryPlan plan) => plan.Copy switch
    {
        BackupCopy.Staged => $"a copy of the image to bring {plan.ComponentId} back with lies on the target, not armed: {plan.CopyLocation}",
        BackupCopy.DoesNotFit => $"no copy of the image to bring {plan.ComponentId} back with lies on the target: it has no room there, which was waived",
        BackupCopy.NoPlace => $"no copy of the image to bring {plan.ComponentId} back with lies on the target: it has no place where nothing is flashed",
        _ => null,
    };

    private static string Copy(RecoveryPlanResult plan) => plan.CopyLocation is { } place ? "a copy on the target: " + ResultText.Plain(place) : $"no copy on the target ({plan.Copy})";
}
